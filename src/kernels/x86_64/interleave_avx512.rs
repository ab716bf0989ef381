//! Few columns or few rows, for AVX-512: pixels to planes and back.
//!
//! Few columns are gathered one after the other, in blocks that stay in the first cache. Few rows
//! are permuted into each other, a vector of each row at a time.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "offsets within the items that the caller promised"
)]

use core::arch::x86_64::*;

use super::dispatch::MOST;
use super::interleave_shuffle::{self, BLOCK};
use super::strided_gather_avx512::{Gather, load, store};
use super::strided_scatter_avx512::{is_near, scatter};

const LINE: usize = 64;
/// Fewer bytes of each row or column are left to shuffles (Sapphire Rapids).
const SMALL: usize = 512;

/// Transposes two to four columns of items that lie near enough, or says that it did not; see
/// [`super::super::Transpose`].
///
/// # Safety
/// As for [`super::super::Transpose`], and the CPU has AVX-512 F, BW, VL, DQ and VBMI.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,bmi2")]
pub unsafe fn deinterleave<const W: usize>(
    dst: *mut u8,
    d: isize,
    src: *const u8,
    s: isize,
    columns: usize,
    rows: usize,
) -> bool {
    if rows * W < SMALL {
        use interleave_shuffle::avx2::deinterleave;
        // SAFETY: the caller's promise is the callee's, and AVX-512 comes with AVX2.
        return unsafe { deinterleave::<W>(dst, d, src, s, columns, rows) };
    }
    let mut gathers = [const { None }; MOST];
    for (gather, column) in gathers.iter_mut().zip(0..columns) {
        let to = dst.wrapping_offset(d * column.cast_signed());
        *gather = Gather::new::<W>(to, src.wrapping_add(column * W), s, rows);
    }
    let gathers = gathers.get(..columns).unwrap_or_default();
    let block = (BLOCK * W / LINE).checked_div(s.unsigned_abs()).unwrap_or(rows).max(1);
    let lines = gathers.iter().flatten().map(|gather| gather.lines).max().unwrap_or(0);
    for line in (0..lines).step_by(block) {
        for gather in gathers.iter().flatten() {
            let to = gather.lines.min(line + block);
            // SAFETY: a part of the column (caller).
            unsafe { gather.run(line.min(to), to) };
        }
    }
    lines > 0
}

/// Transposes two to four rows into columns that lie back to back, or says that it did not; see
/// [`super::super::Transpose`].
///
/// # Safety
/// As for [`super::super::Transpose`], and the CPU has AVX-512 F, BW, VL, DQ and VBMI.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,bmi2")]
pub unsafe fn interleave<const W: usize>(
    dst: *mut u8,
    d: isize,
    src: *const u8,
    s: isize,
    columns: usize,
    rows: usize,
) -> bool {
    if d != (rows * W).cast_signed() && is_near::<W>(d.unsigned_abs()) && columns * W >= SMALL {
        // SAFETY: the caller's promise is the callee's.
        unsafe {
            interleave_shuffle::scatter_rows::<W>(scatter::<W>, dst, d, src, s, columns, rows)
        };
        return true;
    }
    if d != (rows * W).cast_signed() {
        return false;
    }
    if columns < LINE / W {
        use interleave_shuffle::avx2::interleave;
        // SAFETY: the caller's promise is the callee's, and AVX-512 comes with AVX2.
        return unsafe { interleave::<W>(dst, d, src, s, columns, rows) };
    }
    let interleave = match rows {
        2 => interleave_even::<2, W>,
        3 => interleave_3::<W>,
        4 => interleave_even::<4, W>,
        _ => return false,
    };
    // SAFETY: the caller's promise is the callee's.
    unsafe { interleave(dst, src, s, 1) };
    let mut item = aligned::<W>(dst, rows);
    let lines = (columns - item) / (LINE / W);
    let to = |item: usize| dst.wrapping_add(item * rows * W);
    // SAFETY: as above.
    unsafe { interleave(to(item), src.wrapping_add(item * W), s, lines) };
    item += lines * (LINE / W);
    if item < columns {
        item = columns - LINE / W;
        // SAFETY: as above.
        unsafe { interleave(to(item), src.wrapping_add(item * W), s, 1) };
    }
    true
}

/// From which item on, after the first of a vector at the most, whole lines are written.
fn aligned<const W: usize>(dst: *mut u8, rows: usize) -> usize {
    // How finely the lines can be hit, and the inverse of 3 modulo 64.
    let (unit, inverse) = if rows == 3 { (W, 43) } else { (rows * W, 1) };
    let to_line = dst.addr().wrapping_neg() % LINE;
    match to_line.checked_rem(unit) {
        Some(0) => to_line / unit * inverse % (LINE / W),
        _ => LINE / W,
    }
}

/// Where the bytes of the `R` lines that a vector of each row becomes lie in the rows.
#[expect(clippy::indexing_slicing, reason = "the compiler evaluates it")]
const fn places<const R: usize, const W: usize>() -> [[u8; LINE]; R] {
    let mut places = [[0; LINE]; R];
    let mut place = 0;
    while place < R * LINE {
        let (item, byte) = (place / W, place % W);
        places[place / LINE][place % LINE] = (item / R * W + byte) as u8;
        place += 1;
    }
    places
}

/// Which bytes of the first of `R` lines are from row `row`. Of each line, if `R` is even.
const fn bytes_of<const R: usize, const W: usize>(row: usize) -> u64 {
    let mut mask = 0;
    let mut place = 0;
    while place < LINE {
        if place / W % R == row {
            mask |= 1 << place;
        }
        place += 1;
    }
    mask
}

/// Interleaves `n` vectors of each of 2 or 4 rows.
///
/// # Safety
/// They are readable and writable.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,bmi2")]
unsafe fn interleave_even<const R: usize, const W: usize>(
    mut dst: *mut u8,
    mut src: *const u8,
    s: isize,
    n: usize,
) {
    let tables = const { places::<R, W>() };
    let masks = const {
        [bytes_of::<R, W>(0), bytes_of::<R, W>(1), bytes_of::<R, W>(2), bytes_of::<R, W>(3)]
    };
    let mut indices = [_mm512_setzero_si512(); R];
    for (index, table) in indices.iter_mut().zip(&tables) {
        // SAFETY: a table is as long as a vector.
        *index = unsafe { load(table.as_ptr()) };
    }
    for _ in 0..n {
        let mut rows = [_mm512_setzero_si512(); R];
        for (row, r) in rows.iter_mut().zip(0..) {
            // SAFETY: the items are readable (caller).
            *row = unsafe { load(src.wrapping_offset(s * r)) };
        }
        for (line, &index) in indices.iter().enumerate() {
            let mut out = _mm512_setzero_si512();
            for (&row, mask) in rows.iter().zip(masks) {
                out = _mm512_mask_permutexvar_epi8(out, mask, index, row);
            }
            // SAFETY: the items are writable (caller).
            unsafe { store(dst.wrapping_add(line * LINE), out) };
        }
        src = src.wrapping_add(LINE);
        dst = dst.wrapping_add(R * LINE);
    }
}

/// Interleaves `n` vectors of each of 3 rows. As 3 and 64 have no divisor in common, each byte of a
/// row has a place of its own in a line, whichever of the three lines that is: one permutation of a
/// row serves them all.
///
/// # Safety
/// They are readable and writable.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,bmi2")]
unsafe fn interleave_3<const W: usize>(mut dst: *mut u8, mut src: *const u8, s: isize, n: usize) {
    let tables = const { folded::<W>() };
    // Row 0's bytes of the first line, and row 1's.
    let (first, second) = const { (bytes_of::<3, W>(0), bytes_of::<3, W>(1)) };
    let third = !(first | second);
    let mut indices = [_mm512_setzero_si512(); 3];
    for (index, table) in indices.iter_mut().zip(&tables) {
        // SAFETY: a table is as long as a vector.
        *index = unsafe { load(table.as_ptr()) };
    }
    let [index_0, index_1, index_2] = indices;
    // A line has one item more than a multiple of 3, or two, so that the rows' turns shift.
    let (one, two) = if LINE / W % 3 == 1 { (LINE, 2 * LINE) } else { (2 * LINE, LINE) };
    for _ in 0..n {
        // SAFETY: the items are readable (caller).
        let row_0 = unsafe { load(src) };
        // SAFETY: as above.
        let row_1 = unsafe { load(src.wrapping_offset(s)) };
        // SAFETY: as above.
        let row_2 = unsafe { load(src.wrapping_offset(2 * s)) };
        let row_0 = _mm512_permutexvar_epi8(index_0, row_0);
        let row_1 = _mm512_permutexvar_epi8(index_1, row_1);
        let row_2 = _mm512_permutexvar_epi8(index_2, row_2);
        let blend = |a, b, c| {
            let ab = _mm512_mask_blend_epi8(second, a, b);
            _mm512_mask_blend_epi8(third, ab, c)
        };
        // SAFETY: the items are writable (caller).
        unsafe { store(dst, blend(row_0, row_1, row_2)) };
        // SAFETY: as above.
        unsafe { store(dst.wrapping_add(one), blend(row_1, row_2, row_0)) };
        // SAFETY: as above.
        unsafe { store(dst.wrapping_add(two), blend(row_2, row_0, row_1)) };
        src = src.wrapping_add(LINE);
        dst = dst.wrapping_add(3 * LINE);
    }
}

/// For each of 3 rows, which of its bytes goes to a place in whichever of the three lines has it.
#[expect(clippy::indexing_slicing, reason = "the compiler evaluates it")]
const fn folded<const W: usize>() -> [[u8; LINE]; 3] {
    let mut folded = [[0; LINE]; 3];
    let mut place = 0;
    while place < 3 * LINE {
        let (item, byte) = (place / W, place % W);
        folded[item % 3][place % LINE] = (item / 3 * W + byte) as u8;
        place += 1;
    }
    folded
}

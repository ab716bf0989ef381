//! Few columns or few rows, for AVX-512: pixels to planes and back.
//!
//! Few columns are gathered one after the other, in blocks that stay in the first cache. Few rows
//! are interleaved by permutations, a vector of each row at a time.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "offsets within the items that the caller promised"
)]

use core::arch::x86_64::*;

use super::super::transpose::narrow::{BLOCK, scatter_rows};
use super::interleave_shuffle;
use super::strided_gather_avx512::{Gather, load, store};
use super::strided_scatter_avx512::{is_near, scatter};
use crate::kernels::transpose::NARROW;

const LINE: usize = 64;
/// Rows and columns of at most so many bytes are left to the shuffles (Sapphire Rapids).
const SMALL: usize = 512;

/// Transposes two to four columns of items that are near enough; see
/// [`crate::kernels::TryTranspose`].
///
/// # Safety
/// * ITEMS: as for [`super::super::Transpose`].
/// * CPU: it has AVX-512 F, BW, VL, DQ and VBMI.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,bmi2")]
pub unsafe fn deinterleave(
    width: usize,
    dst: *mut u8,
    d: isize,
    src: *const u8,
    s: isize,
    columns: usize,
    rows: usize,
) -> bool {
    if rows * width <= SMALL {
        use interleave_shuffle::avx2::deinterleave;
        // SAFETY: the same arrays (caller: ITEMS); AVX-512 comes with AVX2.
        return unsafe { deinterleave(width, dst, d, src, s, columns, rows) };
    }
    // SAFETY: the same arrays (caller: ITEMS).
    unsafe { gather_columns(width, dst, d, src, s, columns, rows) }
}

/// As [`deinterleave`], by a table for each column. Kept out of line: the shuffles do not need the tables' stack.
///
/// # Safety
/// * ITEMS, CPU: as for [`deinterleave`].
#[inline(never)]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,bmi2")]
unsafe fn gather_columns(
    width: usize,
    dst: *mut u8,
    d: isize,
    src: *const u8,
    s: isize,
    columns: usize,
    rows: usize,
) -> bool {
    let mut gathers = [Gather::NONE; NARROW];
    let gathers = gathers.get_mut(..columns).unwrap_or_default();
    let mut lines = 0;
    for (gather, column) in gathers.iter_mut().zip(0..) {
        let to = dst.wrapping_offset(d * column);
        let from = src.wrapping_add(column.unsigned_abs() * width);
        if !gather.find(width, to, from, s, rows) {
            return false;
        }
        lines = lines.max(gather.lines);
    }
    let block = (BLOCK * width / LINE).checked_div(s.unsigned_abs()).unwrap_or(rows).max(1);
    for line in (0..lines).step_by(block) {
        for gather in &*gathers {
            let to = gather.lines.min(line + block);
            // SAFETY: a part of the column (caller: ITEMS).
            unsafe { gather.run(line.min(to), to) };
        }
    }
    lines > 0
}

/// Transposes two to four rows into columns that lie back to back; see
/// [`crate::kernels::TryTranspose`].
///
/// # Safety
/// * ITEMS: as for [`super::super::Transpose`].
/// * CPU: it has AVX-512 F, BW, VL, DQ and VBMI.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,bmi2")]
pub unsafe fn interleave(
    width: usize,
    dst: *mut u8,
    d: isize,
    src: *const u8,
    s: isize,
    columns: usize,
    rows: usize,
) -> bool {
    let dense = d == (rows * width).cast_signed();
    if !dense && is_near(width, d.unsigned_abs()) && columns * width > SMALL {
        // SAFETY: the same arrays (caller: ITEMS).
        unsafe { scatter_rows(width, scatter, dst, d, src, s, columns, rows) };
        return true;
    }
    if !dense {
        return false;
    }
    let (shift, len) = (width.trailing_zeros(), columns * width);
    if len < LINE {
        use interleave_shuffle::avx2::interleave;
        // SAFETY: the same arrays (caller: ITEMS); AVX-512 comes with AVX2.
        return unsafe { interleave(width, dst, d, src, s, columns, rows) };
    }
    let w = shift as usize;
    let interleave = |at: usize, n: usize| {
        let (dst, src) = (dst.wrapping_add(at * rows), src.wrapping_add(at));
        match (rows, TABLES_2.get(w), TABLES_3.get(w), TABLES_4.get(w)) {
            // SAFETY: so many vectors lie from there on in each row (caller: ITEMS).
            (2, Some(two), ..) => unsafe { interleave_even(two, dst, src, s, n) },
            // SAFETY: as above.
            (3, _, Some(three), _) => unsafe { interleave_3(three, dst, src, s, n) },
            // SAFETY: as above.
            (4, .., Some(four)) => unsafe { interleave_even(four, dst, src, s, n) },
            _ => {}
        }
    };
    // Unaligned first vectors, then whole cache lines, then vectors that end where the rows do.
    interleave(0, 1);
    let at = aligned(shift, dst, rows);
    interleave(at, (len - at) / LINE);
    if !(len - at).is_multiple_of(LINE) {
        interleave(len - LINE, 1);
    }
    (2..=4).contains(&rows)
}

/// The first byte of a row, at most a vector behind its beginning, from which on whole cache lines are written.
fn aligned(shift: u32, dst: *mut u8, rows: usize) -> usize {
    // A byte of each row advances the destination by `rows` bytes: by a power of two, or by 3, whose inverse
    // modulo 64 is 43.
    let to_line = dst.addr().wrapping_neg() % LINE;
    let (unit, inverse) = if rows == 3 { (shift, 43) } else { (shift + rows.trailing_zeros(), 1) };
    if to_line & ((1 << unit) - 1) != 0 {
        return LINE;
    }
    (((to_line >> unit) * inverse) << shift) % LINE
}

/// For each byte of the `R` lines that a vector of each row becomes, its position in its row's vector.
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

/// Which bytes of the first of `R` lines come from row `row`; if `R` is even, of each line.
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

/// The positions for each of `R` lines, and which bytes of a line come from which row.
type Tables<const R: usize> = ([[u8; LINE]; R], [u64; 4]);

const fn even<const R: usize, const W: usize>() -> Tables<R> {
    let masks =
        [bytes_of::<R, W>(0), bytes_of::<R, W>(1), bytes_of::<R, W>(2), bytes_of::<R, W>(3)];
    (places::<R, W>(), masks)
}

const fn odd<const W: usize>() -> Tables<3> {
    // A line has a multiple of 3 items and one or two more, so each line begins with another row.
    let one = if LINE / W % 3 == 1 { 1 } else { 2 };
    (folded::<W>(), [bytes_of::<3, W>(0), bytes_of::<3, W>(1), one, 3 - one])
}

/// The tables, by the size of the items.
static TABLES_2: [Tables<2>; 4] = [even::<2, 1>(), even::<2, 2>(), even::<2, 4>(), even::<2, 8>()];
static TABLES_3: [Tables<3>; 4] = [odd::<1>(), odd::<2>(), odd::<4>(), odd::<8>()];
static TABLES_4: [Tables<4>; 4] = [even::<4, 1>(), even::<4, 2>(), even::<4, 4>(), even::<4, 8>()];

/// Interleaves `n` vectors of each of 2 or 4 rows.
///
/// # Safety
/// * BYTES: they are readable and writable.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,bmi2")]
unsafe fn interleave_even<const R: usize>(
    (tables, masks): &Tables<R>,
    mut dst: *mut u8,
    mut src: *const u8,
    s: isize,
    n: usize,
) {
    let mut indices = [_mm512_setzero_si512(); R];
    for (index, table) in indices.iter_mut().zip(tables) {
        // SAFETY: a table is as long as a vector.
        *index = unsafe { load(table.as_ptr()) };
    }
    for _ in 0..n {
        let mut rows = [_mm512_setzero_si512(); R];
        for (row, r) in rows.iter_mut().zip(0..) {
            // SAFETY: the items are readable (caller: BYTES).
            *row = unsafe { load(src.wrapping_offset(s * r)) };
        }
        for (line, &index) in indices.iter().enumerate() {
            let mut out = _mm512_setzero_si512();
            for (&row, &mask) in rows.iter().zip(masks) {
                out = _mm512_mask_permutexvar_epi8(out, mask, index, row);
            }
            // SAFETY: the items are writable (caller: BYTES).
            unsafe { store(dst.wrapping_add(line * LINE), out) };
        }
        src = src.wrapping_add(LINE);
        dst = dst.wrapping_add(R * LINE);
    }
}

/// Interleaves `n` vectors of each of 3 rows. As 3 and 64 have no common divisor, the bytes of a row's vector go to
/// 64 different positions in a line, counted over all three lines: one permutation of a row serves them all.
///
/// # Safety
/// * BYTES: they are readable and writable.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,bmi2")]
unsafe fn interleave_3(
    (tables, [first, second, one, two]): &Tables<3>,
    mut dst: *mut u8,
    mut src: *const u8,
    s: isize,
    n: usize,
) {
    // Row 0's bytes of the first line, and row 1's; which lines begin with row 1 and with row 2.
    let (first, second) = (*first, *second);
    let (one, two) = (*one as usize * LINE, *two as usize * LINE);
    let third = !(first | second);
    let mut indices = [_mm512_setzero_si512(); 3];
    for (index, table) in indices.iter_mut().zip(tables) {
        // SAFETY: a table is as long as a vector.
        *index = unsafe { load(table.as_ptr()) };
    }
    let [index_0, index_1, index_2] = indices;
    for _ in 0..n {
        // SAFETY: the items are readable (caller: BYTES).
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
        // SAFETY: the items are writable (caller: BYTES).
        unsafe { store(dst, blend(row_0, row_1, row_2)) };
        // SAFETY: as above.
        unsafe { store(dst.wrapping_add(one), blend(row_1, row_2, row_0)) };
        // SAFETY: as above.
        unsafe { store(dst.wrapping_add(two), blend(row_2, row_0, row_1)) };
        src = src.wrapping_add(LINE);
        dst = dst.wrapping_add(3 * LINE);
    }
}

/// For each of 3 rows, and each position in a line, which of the row's bytes goes there in one of the three lines.
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

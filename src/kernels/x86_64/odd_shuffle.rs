//! Items of 3, 5, 6 and 7 bytes, for SSSE3 and AVX2: gathers of near ones, and transposes.
//!
//! A shuffle unpacks items into 4 or 8 bytes each, a network transposes these, and another shuffle repacks
//! them (D-12). A store may write past the items of its tile, into bytes of the column that are written later;
//! never past the column's end.
//!
//! Near items are gathered by shuffles as those of even sizes are (D-13).

#![expect(
    clippy::arithmetic_side_effects,
    reason = "offsets within the items that the caller promised"
)]

use core::arch::x86_64::*;

use super::super::Runs;
use super::super::short_runs::sse::ends;
pub use super::strided_gather_shuffle::MIN_ITEMS;
use super::strided_gather_shuffle::{LANE, Shuffles, sse};
use super::transpose_vectors::{xmm, ymm};

/// Copies at least `MIN_ITEMS` runs of 3, 5, 6 or 7 bytes to a dense destination: by shuffles if they lie near each other
/// in the source.
///
/// # Safety
/// * ITEMS: as for [`super::super::Runs`].
/// * CPU: it has SSSE3.
#[target_feature(enable = "ssse3")]
pub unsafe fn gather(
    mut dst: *mut u8,
    d: isize,
    mut src: *const u8,
    s: isize,
    mut n: usize,
    run: usize,
) {
    let plain: Runs = if run == 3 { ends::<u16> } else { ends::<u32> };
    let mut shuffles = Shuffles::NONE;
    if shuffles.find(run, s) {
        // SAFETY: the first run (caller: ITEMS).
        unsafe { plain(dst, d, src, s, 1, run) };
        (dst, src) = (dst.wrapping_add(run), src.wrapping_offset(s));
        // A load and a store of 16 bytes may reach one item beyond those of its group: the first and the last
        // group leave an item over.
        let items = shuffles.items;
        let groups = ((n - 2) * run - LANE).checked_div(items * run).unwrap_or(0) + 1;
        let body = sse::BODIES.get(shuffles.parts).copied().unwrap_or(sse::BODIES[0]);
        let lowest = src.wrapping_offset(shuffles.lowest);
        // SAFETY: the items of so many groups, with one item before them and one behind them (caller: ITEMS).
        unsafe { body(&shuffles, dst, lowest, items.cast_signed(), groups) };
        let done = groups * items;
        (dst, src) = (dst.wrapping_add(done * run), src.wrapping_offset(s * done.cast_signed()));
        n -= done + 1;
    }
    // SAFETY: the other runs (caller: ITEMS).
    unsafe { plain(dst, d, src, s, n, run) };
}

/// The shuffles of one width: from packed items to the 4 or 8 bytes that the network moves, and back.
struct Controls {
    unpack: [u8; LANE],
    repack: [u8; LANE],
}

#[expect(clippy::indexing_slicing, reason = "the compiler evaluates it")]
const fn controls(width: usize) -> Controls {
    let place = if width == 3 { 4 } else { 8 };
    let (mut unpack, mut repack) = ([0; LANE], [0; LANE]);
    let mut i = 0;
    while i < LANE {
        unpack[i] = (i / place * width + i % place) as u8;
        repack[i] = (i / width * place + i % width) as u8;
        i += 1;
    }
    Controls { unpack, repack }
}

static CONTROLS: [Controls; 4] = [controls(3), controls(5), controls(6), controls(7)];

/// How many columns are done from the first row to the last before the next ones (D-14).
const WIDE: usize = 64;
/// How many rows of a tile's columns are done before the next tile.
const HIGH: usize = 64;
/// Fewer rows are faster row by row.
const FEW_ROWS: usize = 8;

/// Transposes arrays of at least 8 rows and 16 bytes of columns; see [`super::super::TryTranspose`].
///
/// # Safety
/// * ITEMS: as for [`super::super::TryTranspose`].
/// * CPU: it has AVX2.
#[target_feature(enable = "avx2")]
pub unsafe fn transpose(
    width: usize,
    dst: *mut u8,
    d: isize,
    src: *const u8,
    s: isize,
    columns: usize,
    rows: usize,
) -> bool {
    let (controls, tile, per): (_, Tile, _) = match (&CONTROLS, width) {
        ([three, ..], 3) => (three, tile::<4>, 4),
        ([_, five, ..], 5) => (five, tile::<2>, 2),
        ([_, _, six, _], 6) => (six, tile::<2>, 2),
        ([.., seven], _) => (seven, tile::<2>, 2),
    };
    let across = columns * width;
    if width > 7 || across < LANE || rows < FEW_ROWS {
        return false;
    }
    for from in (0..columns).step_by(WIDE) {
        for row in (0..rows).step_by(HIGH) {
            for column in (from..columns.min(from + WIDE)).step_by(per) {
                // A load that would reach beyond the row's end is moved back to end there.
                let column = column.min(columns - per);
                let start = (column * width).min(across - LANE);
                let dst = dst.wrapping_offset(d * column.cast_signed());
                let src = src.wrapping_add(start);
                let skip = column * width - start;
                let to = rows.min(row + HIGH);
                // SAFETY: columns and rows of the arrays (caller: ITEMS, CPU).
                unsafe { tile(controls, width, dst, d, src, s, skip, row, to, rows) };
            }
        }
    }
    true
}

/// `tile`.
type Tile = unsafe fn(
    controls: &Controls,
    width: usize,
    dst: *mut u8,
    d: isize,
    src: *const u8,
    s: isize,
    skip: usize,
    row: usize,
    to: usize,
    rows: usize,
);

/// Transposes `N` columns of the rows from `row` to `to`. Their items begin `skip` bytes behind `src`.
///
/// # Safety
/// * ITEMS: 16 bytes of each row are readable, and the items of all `rows` are writable.
#[expect(clippy::too_many_arguments, reason = "a transpose, and how")]
#[target_feature(enable = "avx2")]
unsafe fn tile<const N: usize>(
    controls: &Controls,
    width: usize,
    dst: *mut u8,
    d: isize,
    src: *const u8,
    s: isize,
    skip: usize,
    mut row: usize,
    to: usize,
    rows: usize,
) {
    // SAFETY: a table is as long as a lane.
    let unpack = unsafe { _mm_loadu_si128(controls.unpack.as_ptr().cast()) };
    let unpack = _mm256_broadcastsi128_si256(_mm_add_epi8(unpack, _mm_set1_epi8(skip as i8)));
    // SAFETY: as above.
    let repack = unsafe { _mm_loadu_si128(controls.repack.as_ptr().cast()) };
    let repack = _mm256_broadcastsi128_si256(repack);
    let lanes = ymm::Lanes::new(s * N.cast_signed());
    while row < to {
        // The last tile overlaps the one before it.
        let at = row.min(rows - 2 * N);
        let mut from = src.wrapping_offset(s * at.cast_signed());
        let mut line = dst.wrapping_add(at * width);
        let mut vectors = [_mm256_setzero_si256(); 4];
        for vector in vectors.iter_mut().take(N) {
            // SAFETY: the rows' parts (caller: ITEMS).
            *vector = _mm256_shuffle_epi8(unsafe { ymm::join(from, lanes) }, unpack);
            from = from.wrapping_offset(s);
        }
        let [a, b, c, e] = vectors;
        let columns = if N == 4 {
            let (low, high) =
                ([ymm::lo32(a, b), ymm::lo32(c, e)], [ymm::hi32(a, b), ymm::hi32(c, e)]);
            let ([a, c], [b, e]) = (low, high);
            [ymm::lo64(a, c), ymm::hi64(a, c), ymm::lo64(b, e), ymm::hi64(b, e)]
        } else {
            [ymm::lo64(a, b), ymm::hi64(a, b), c, e]
        };
        let exact = at + 2 * N + 2 > rows;
        for &column in columns.iter().take(N) {
            let column = _mm256_shuffle_epi8(column, repack);
            let next = line.wrapping_add(N * width);
            let (low, high) =
                (_mm256_castsi256_si128(column), _mm256_extracti128_si256::<1>(column));
            // SAFETY: items of this lane and the next one.
            unsafe { xmm::store(line, low) };
            if exact {
                // SAFETY: the last items.
                unsafe { store_last(next, high, N * width) };
            } else {
                // SAFETY: items of this lane, and two behind them.
                unsafe { xmm::store(next, high) };
            }
            line = line.wrapping_offset(d);
        }
        row += 2 * N;
    }
}

/// Stores the first `size` bytes of a vector, 10 to 14, from registers: their first 8, and their last 8 (D-15).
///
/// # Safety
/// * DESTINATION: `size` bytes are writable at `to`.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn store_last(to: *mut u8, vector: __m128i, size: usize) {
    let behind = size - 8;
    let bits = 8 * behind as u32;
    let (start, more) = (_mm_cvtsi128_si64(vector), _mm_extract_epi64::<1>(vector));
    let end =
        start.cast_unsigned().wrapping_shr(bits) | more.cast_unsigned().wrapping_shl(64 - bits);
    // SAFETY: more than 8 bytes (caller: DESTINATION).
    unsafe { to.cast::<i64>().write_unaligned(start) };
    // SAFETY: the last 8 of them (caller: DESTINATION).
    unsafe { to.wrapping_add(behind).cast::<u64>().write_unaligned(end) };
}

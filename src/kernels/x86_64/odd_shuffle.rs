//! Items of 3, 5, 6 and 7 bytes, for SSSE3 and AVX2: near ones to a dense destination, and transposes.
//!
//! Items are brought apart into 4 or 8 bytes each by a shuffle, moved as such by a network, and brought
//! together by another. A store may reach beyond them, over what is written next; not beyond the
//! column's end. (Emerald Rapids, AVX2, 512 x 512 items of 3, 5, 6, 7 bytes: .13 .26 .34 .39 of memcpy by
//! blocks of runs, .39 .43 .55 .48 so; 64 x 64 of 3 bytes .03 and .08. By a stage of rows, of which each
//! column is gathered as near items, .21 and .04; one by one with loads and stores that reach beyond,
//! .19 and .04.)
//!
//! Near items are shuffled as those of other sizes are (100 000 items of 3, 5, 6, 7 bytes reversed: .15 .25
//! .30 .37 -> .69 .68 .64 .73).

#![expect(
    clippy::arithmetic_side_effects,
    reason = "offsets within the items that the caller promised"
)]

use core::arch::x86_64::*;

use super::super::{Runs, odd};
use super::runs::{avx2::runs, sse::ends};
pub use super::strided_gather_shuffle::FEW;
use super::strided_gather_shuffle::{LANE, Shuffles, sse};
use super::transpose_vectors::{xmm, ymm};

/// Copies `FEW` runs or more of 3, 5, 6 or 7 bytes to a dense destination, near ones by shuffles. (For fewer,
/// what it sets up first takes a fifth of 12 x 12 items of 3 bytes.)
///
/// # Safety
/// * ITEMS: as for [`super::super::Runs`].
/// * CPU: it has SSSE3.
#[target_feature(enable = "ssse3")]
pub unsafe fn near(
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
        // SAFETY: the first run.
        unsafe { plain(dst, d, src, s, 1, run) };
        (dst, src) = (dst.wrapping_add(run), src.wrapping_offset(s));
        // A store reaches 16 bytes, and a load behind the last of its items.
        let items = shuffles.items;
        let groups = ((n - 2) * run - LANE).checked_div(items * run).unwrap_or(0) + 1;
        let body = sse::BODIES.get(shuffles.parts).copied().unwrap_or(sse::BODIES[0]);
        let lowest = src.wrapping_offset(shuffles.lowest);
        // SAFETY: so many groups, and an item in front of them and behind them.
        unsafe { body(&shuffles, dst, lowest, items.cast_signed(), groups) };
        let done = groups * items;
        (dst, src) = (dst.wrapping_add(done * run), src.wrapping_offset(s * done.cast_signed()));
        n -= done + 1;
    }
    // SAFETY: the other runs.
    unsafe { plain(dst, d, src, s, n, run) };
}

/// What brings items of a width apart into as many bytes as the network moves, and together again.
struct Controls {
    apart: [u8; LANE],
    together: [u8; LANE],
}

#[expect(clippy::indexing_slicing, reason = "the compiler evaluates it")]
const fn controls(width: usize) -> Controls {
    let place = if width == 3 { 4 } else { 8 };
    let (mut apart, mut together) = ([0; LANE], [0; LANE]);
    let mut i = 0;
    while i < LANE {
        apart[i] = (i / place * width + i % place) as u8;
        together[i] = (i / width * place + i % width) as u8;
        i += 1;
    }
    Controls { apart, together }
}

static CONTROLS: [Controls; 4] = [controls(3), controls(5), controls(6), controls(7)];

/// How many columns are done from the first row to the last before the next ones, and how many rows
/// before the next of these columns (3 bytes 512 x 512: .39 of memcpy with 64 rows, .28 with 128; 32 to
/// 256 columns are the same). To ask for lines, with whole rows and 64 to 128 rows, is no better (1000 x 1000
/// items of 3, 5, 6, 7 bytes .68 .54 .61 .64 -> .73 .52 .56 .53).
const WIDE: usize = 64;
const HIGH: usize = 64;

/// See [`super::super::Transpose`].
///
/// # Safety
/// * ITEMS: as for [`super::super::Transpose`].
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
) {
    let (controls, tile, per): (_, Tile, _) = match (&CONTROLS, width) {
        ([three, ..], 3) => (three, tile::<4>, 4),
        ([_, five, ..], 5) => (five, tile::<2>, 2),
        ([_, _, six, _], 6) => (six, tile::<2>, 2),
        ([.., seven], _) => (seven, tile::<2>, 2),
    };
    let across = columns * width;
    // Few rows are faster one after the other (7 x 100 items of 5 bytes 370 and 510 ns, 8 x 100 720 and 500).
    if width > 7 || across < LANE || rows < 8 {
        // SAFETY: the same arrays (caller: ITEMS).
        return unsafe { odd::transpose(runs, width, dst, d, src, s, columns, rows) };
    }
    for from in (0..columns).step_by(WIDE) {
        for row in (0..rows).step_by(HIGH) {
            for column in (from..columns.min(from + WIDE)).step_by(per) {
                // What would reach beyond the row's end is loaded so that it ends there.
                let column = column.min(columns - per);
                let start = (column * width).min(across - LANE);
                let dst = dst.wrapping_offset(d * column.cast_signed());
                let src = src.wrapping_add(start);
                let skip = column * width - start;
                let to = rows.min(row + HIGH);
                // SAFETY: as many columns and rows.
                unsafe { tile(controls, width, dst, d, src, s, skip, row, to, rows) };
            }
        }
    }
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
    let apart = unsafe { _mm_loadu_si128(controls.apart.as_ptr().cast()) };
    let apart = _mm256_broadcastsi128_si256(_mm_add_epi8(apart, _mm_set1_epi8(skip as i8)));
    // SAFETY: as above.
    let together = unsafe { _mm_loadu_si128(controls.together.as_ptr().cast()) };
    let together = _mm256_broadcastsi128_si256(together);
    let lanes = ymm::Lanes::new(s * N.cast_signed());
    while row < to {
        // The last tile overlaps the one in front.
        let at = row.min(rows - 2 * N);
        let mut from = src.wrapping_offset(s * at.cast_signed());
        let mut line = dst.wrapping_add(at * width);
        let mut vectors = [_mm256_setzero_si256(); 4];
        for vector in vectors.iter_mut().take(N) {
            // SAFETY: the rows' parts (caller: ITEMS).
            *vector = _mm256_shuffle_epi8(unsafe { ymm::join(from, lanes) }, apart);
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
            let column = _mm256_shuffle_epi8(column, together);
            let next = line.wrapping_add(N * width);
            let (low, high) =
                (_mm256_castsi256_si128(column), _mm256_extracti128_si256::<1>(column));
            // SAFETY: items of this lane and the next one.
            unsafe { xmm::store(line, low) };
            if exact {
                // The last items, of 10 to 14 bytes: the first 8 of them, and the last 8 (a call that copies
                // them from the stack takes 10 ns: 16 x 100 items of 3 bytes 730 ns, 380 so).
                let behind = N * width - 8;
                let bits = 8 * behind as u32;
                let (start, more) = (_mm_cvtsi128_si64(high), _mm_extract_epi64::<1>(high));
                let end = start.cast_unsigned().wrapping_shr(bits)
                    | more.cast_unsigned().wrapping_shl(64 - bits);
                // SAFETY: in these items.
                unsafe { next.cast::<i64>().write_unaligned(start) };
                // SAFETY: as above.
                unsafe { next.wrapping_add(behind).cast::<u64>().write_unaligned(end) };
            } else {
                // SAFETY: items of this lane, and two behind them.
                unsafe { xmm::store(next, high) };
            }
            line = line.wrapping_offset(d);
        }
        row += 2 * N;
    }
}

//! Transposes of items of odd sizes (3, 6, 12, 24, ... bytes: no power of two, or above 16), as blocks of runs.
//!
//! Blocks are worth a factor of 1.8 to 4 where rows or columns compete for few sets of the caches, and nothing
//! elsewhere (D-10).

use super::Runs;
use super::prefetch::{self, PIECE};

/// The longest items for which blocks help. Longer ones span whole cache lines.
pub const LONG: usize = 256;

/// Transposes as [`super::Transpose`] items of `width` bytes, by `runs`.
///
/// # Safety
/// * ITEMS: as for [`super::Transpose`].
/// * RUNS: `runs` may be called for parts of these arrays.
#[expect(clippy::too_many_arguments, reason = "a transpose, and how")]
#[inline(never)]
pub unsafe fn transpose(
    runs: Runs,
    width: usize,
    dst: *mut u8,
    d: isize,
    src: *const u8,
    s: isize,
    columns: usize,
    rows: usize,
) {
    let w = width.cast_signed();
    // A block has some lines of each column and of each row. If there are few rows, they are copied one after the
    // other.
    let flat = rows < FEW && rows < columns;
    let high = HIGH.checked_div(width).unwrap_or(1);
    let high = high.max(if s & (SET_CONFLICT - 1) == 0 { FEW } else { TALL });
    let wide = if flat { 16 * WIDE } else { WIDE };
    let wide = wide.checked_div(width).unwrap_or(1).max(FEW);
    // In a narrow array, each column is copied from end to end.
    let high = if columns < FEW { high << 4 } else { high };
    let down = rows.saturating_mul(width);
    let prefetches = !flat && width <= PIECE / FEW && prefetch::pays(columns, d, down, s);
    let high = if prefetches { PIECE.checked_div(width).unwrap_or(1).max(FEW) } else { high };
    // All columns of some rows come before the next rows, so that what is prefetched is written soon (D-11).
    let wide = if prefetches { COLUMNS } else { wide };
    let mut column = 0;
    while column < columns {
        let across = wide.min(columns.wrapping_sub(column));
        let mut row = 0;
        while row < rows {
            let down = high.min(rows.wrapping_sub(row));
            for i in 0..if flat { down } else { across } {
                let (r, c) = if flat {
                    (row.wrapping_add(i), column)
                } else {
                    (row, column.wrapping_add(i))
                };
                let from = src.wrapping_offset(s.wrapping_mul(r.cast_signed()));
                let from = from.wrapping_add(c.wrapping_mul(width));
                let to = dst.wrapping_offset(d.wrapping_mul(c.cast_signed()));
                let to = to.wrapping_add(r.wrapping_mul(width));
                if flat {
                    // SAFETY: a part of a row (caller: ITEMS, RUNS).
                    unsafe { runs(to, d, from, w, across, width) };
                } else {
                    if prefetches {
                        prefetch::prefetch(to, d, 1);
                    }
                    // SAFETY: a part of a column (caller: ITEMS, RUNS).
                    unsafe { runs(to, w, from, s, down, width) };
                }
            }
            row = row.wrapping_add(down);
        }
        column = column.wrapping_add(across);
    }
}

/// The number of columns or rows below which they count as few.
const FEW: usize = 8;
/// The least rows of a block.
const TALL: usize = 32;
/// Bytes of a column and of a row in a block.
const HIGH: usize = 192;
const WIDE: usize = 256;
/// The most columns of a block where they are prefetched.
const COLUMNS: usize = 1024;
/// Rows a multiple of this apart compete for few sets of the first cache.
const SET_CONFLICT: isize = 1024;

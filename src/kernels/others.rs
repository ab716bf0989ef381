//! Transposes of items that have no width of their own (3, 6, 12, 24, ... bytes): blocks of runs.
//!
//! Blocks are worth a factor of 1.8 to 4 where rows or columns meet in few sets of the caches (512 x 512
//! items of 3, 24, 40 bytes on Emerald Rapids: .07 .18 .27 of memcpy -> .13 .70 .60), and nothing
//! elsewhere.

use super::Runs;
use super::ahead::{self, PIECE};

/// Longer items are lines of their own, which blocks do not help.
pub const LONG: usize = 256;

/// Transposes as [`super::Transpose`] items of `width` bytes, by `runs`.
///
/// # Safety
/// As for [`super::Transpose`] and for `runs`.
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
    // Blocks of some lines of each column and of each row; few rows are done one after the other.
    let flat = rows < FEW && rows < columns;
    let high = HIGH.checked_div(width).unwrap_or(1);
    // Rows that meet in few sets of the first cache push each other out.
    let high = high.max(if s & 1023 == 0 { FEW } else { TALL });
    let wide = if flat { 16 * WIDE } else { WIDE };
    let wide = wide.checked_div(width).unwrap_or(1).max(FEW);
    // In narrow arrays a column is done from end to end.
    let high = if columns < FEW { high << 4 } else { high };
    // 500 x 500 items of 40 bytes .64 -> .92, 700 x 700 of 24 bytes .67 -> .82 (Xeon, L2 2 MiB).
    let asks =
        !flat && width <= PIECE / FEW && ahead::pays(columns, d, rows.saturating_mul(width), s);
    let high = if asks { PIECE.checked_div(width).unwrap_or(1).max(FEW) } else { high };
    // A whole row of columns before the next rows: what is asked for is written soon (500 x 500 items of 40
    // bytes .92, .82 in columns one after another; 5000 x 100 of 24 bytes .84 and .54, .69 without asking).
    let wide = if asks { 1024 } else { wide };
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
                    // SAFETY: a part of a row (caller).
                    unsafe { runs(to, d, from, w, across, width) };
                } else {
                    if asks {
                        ahead::ask(to, d, 1);
                    }
                    // SAFETY: a part of a column (caller).
                    unsafe { runs(to, w, from, s, down, width) };
                }
            }
            row = row.wrapping_add(down);
        }
        column = column.wrapping_add(across);
    }
}

/// Fewer columns or rows than these are few.
const FEW: usize = 8;
/// The least rows of a block.
const TALL: usize = 32;
/// Bytes of a column and of a row in a block.
const HIGH: usize = 192;
const WIDE: usize = 256;

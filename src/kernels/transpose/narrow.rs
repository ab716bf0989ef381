//! Few columns or few rows, one after the other, in blocks that stay in the first cache.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "offsets within the items that the caller promised"
)]

use crate::kernels::Strided;

/// How many bytes of the source are read before the next column is gathered.
pub const BLOCK: usize = 16 << 10;

/// Rows of 1 and 2 bytes are scattered into columns with gaps if these are at most this far apart (D-30).
pub const NEAR: usize = 16;

/// Scatters one row after the other, in blocks that stay in the first cache.
///
/// # Safety
/// * ITEMS: as for [`crate::kernels::Transpose`] and `scatter`.
#[expect(clippy::too_many_arguments, reason = "a transpose, and how")]
pub unsafe fn scatter_rows(
    width: usize,
    scatter: Strided,
    dst: *mut u8,
    d: isize,
    src: *const u8,
    s: isize,
    columns: usize,
    rows: usize,
) {
    let block = BLOCK.checked_div(d.unsigned_abs()).unwrap_or(columns).max(1);
    for column in (0..columns).step_by(block) {
        let n = block.min(columns - column);
        let to = dst.wrapping_offset(d * column.cast_signed());
        for row in 0..rows {
            let from = src.wrapping_offset(s * row.cast_signed()).wrapping_add(column * width);
            // SAFETY: a part of the row (caller: ITEMS).
            unsafe { scatter(width, to.wrapping_add(row * width), from, d, n) };
        }
    }
}

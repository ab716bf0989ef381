//! Prefetches the destination columns that are written next.
//!
//! A store to a line that is in no cache waits for the line, and the hardware does not prefetch columns that are
//! far from each other. So columns are written in pieces of some lines, while the same pieces of later columns are
//! prefetched. Each user decides when that pays.

use super::limits;

/// The bytes of a column in a piece: six lines (D-8).
pub const PIECE: usize = 6 * 64;

/// The distance, in columns, from the column that is written to the one that is prefetched. 4 and 16 are as good.
const NEXT: isize = 8;

/// Columns a multiple of this apart compete for few sets of the caches.
const SET_CONFLICT: isize = 2048;
/// The same for the rows of a piece in the source, if there are many.
const ROW_CONFLICT: isize = 512;
/// The fewest columns that are prefetched.
const FEW_COLUMNS: usize = 64;

/// Whether to prefetch a destination of columns `d` apart that are `down` bytes high, where the source's rows are
/// `s` apart.
#[inline(never)]
pub fn pays(columns: usize, d: isize, down: usize, s: isize) -> bool {
    let (limits, extent) = (limits(), columns.saturating_mul(d.unsigned_abs()));
    let spread = d & (SET_CONFLICT - 1) != 0;
    // If the rows compete for few sets, pieces cost as much as prefetching saves, unless the destination is only a
    // little larger than the second level (D-9).
    let (least, most) = match s & (ROW_CONFLICT - 1) {
        0 => (limits.large, limits.large.saturating_mul(4)),
        _ => (limits.far, usize::MAX),
    };
    spread && columns >= FEW_COLUMNS && down >= PIECE && extent >= least && extent < most
}

/// Prefetches a piece of each of `n` columns, from the one [`NEXT`] columns after `column` on. They need not exist.
#[inline(never)]
pub fn prefetch(column: *const u8, d: isize, columns: usize) {
    let mut next = column.wrapping_offset(d.wrapping_mul(NEXT));
    for _ in 0..columns {
        for line in (0..PIECE).step_by(64) {
            let line = next.wrapping_add(line);
            // SAFETY: a prefetch neither reads nor writes, and faults at no address.
            #[cfg(target_arch = "x86_64")]
            unsafe {
                core::arch::x86_64::_mm_prefetch::<{ core::arch::x86_64::_MM_HINT_T0 }>(line.cast())
            };
            #[cfg(not(target_arch = "x86_64"))]
            let _ = line;
        }
        next = next.wrapping_offset(d);
    }
}

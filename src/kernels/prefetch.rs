//! Prefetches the destination columns that are written next.
//!
//! A store to a line that is in no cache waits for it, and the hardware prefetches no column that lies far from the
//! one before it. So columns are written in pieces of some lines, and the pieces of later columns are prefetched
//! meanwhile. Each user says what that is worth to it.

use super::limits;

/// How many bytes of a column a piece has: six lines (D-8).
pub const PIECE: usize = 6 * 64;

/// How many columns further on those are that are prefetched; 4 and 16 are as good.
const NEXT: isize = 8;

/// Columns a multiple of this apart compete for few sets of the caches.
const SET_CONFLICT: isize = 2048;
/// So do the many rows of a piece that are a multiple of this apart in the source.
const ROW_CONFLICT: isize = 512;
/// Fewer columns are written from end to end, as any copy is.
const FEW_COLUMNS: usize = 64;

/// Whether to prefetch a destination of columns `d` apart that are `down` bytes high, where the source's rows are
/// `s` apart.
#[inline(never)]
pub fn pays(columns: usize, d: isize, down: usize, s: isize) -> bool {
    let (limits, extent) = (limits(), columns.saturating_mul(d.unsigned_abs()));
    let spread = d & (SET_CONFLICT - 1) != 0;
    // Where rows compete for few sets, that costs as much as prefetching saves, unless the destination is just too
    // large for the second level (D-9).
    let (least, most) = match s & (ROW_CONFLICT - 1) {
        0 => (limits.large, limits.large.saturating_mul(4)),
        _ => (limits.far, usize::MAX),
    };
    spread && columns >= FEW_COLUMNS && down >= PIECE && extent >= least && extent < most
}

/// Prefetches a piece of each of so many columns: those [`NEXT`] columns after `column` and the ones that follow
/// it. They need not exist.
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

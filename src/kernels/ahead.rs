//! Asking for the lines of columns that are written next.
//!
//! Nothing but the first store to it fetches a line of a column that lies far from the one before it, and
//! that store waits. So columns are written in pieces of some lines, and a piece's lines are asked for
//! while others are written. Each user says what this is worth to it.

use super::limits;

/// How many bytes of a column a piece has: with four or eight lines instead of six it is worth no more,
/// with one nothing (1000 x 1000 items of 4 bytes on a Xeon, L2 2 MiB: .85, .82, .47 of memcpy).
pub const PIECE: usize = 6 * 64;

/// How many columns further on those are that are asked for; 4 and 16 are as good.
const NEXT: isize = 8;

/// Whether to ask for lines of a destination of columns `d` apart that are `down` bytes high, where the
/// source's rows are `s` apart.
#[inline(never)]
pub fn pays(columns: usize, d: isize, down: usize, s: isize) -> bool {
    let (limits, extent) = (limits(), columns.saturating_mul(d.unsigned_abs()));
    // Columns 2 KiB apart or a multiple of that push each other out of the caches.
    let spread = d & 2047 != 0;
    // So do the many rows of a piece if they are 512 bytes apart, which costs as much as asking saves unless the
    // destination is just too large for the second level (items of 3 bytes 512 x 512 .44 of memcpy and .30
    // asked for, of 4 bytes 500 x 512 .55 and .45, of 8 bytes 1344 x 1344 .82 and .52; but of 2 bytes
    // 1000 x 1024 .28 and .71 if the caches have the destination, .55 and .68 if not).
    let (least, most) = match s & 511 {
        0 => (limits.large, limits.large.saturating_mul(4)),
        _ => (limits.far, usize::MAX),
    };
    // Few columns are written from end to end, as any copy is.
    spread && columns >= 64 && down >= PIECE && extent >= least && extent < most
}

/// Asks for a piece of each of so many columns that are written after some others, of which `column` is the
/// first; they need not be there.
#[inline(never)]
pub fn ask(column: *const u8, d: isize, columns: usize) {
    let mut next = column.wrapping_offset(d.wrapping_mul(NEXT));
    for _ in 0..columns {
        for line in (0..PIECE).step_by(64) {
            let line = next.wrapping_add(line);
            // SAFETY: nothing is done to the address.
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

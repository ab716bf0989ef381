//! Chooses the strategy of a transpose. Each threshold is measured; `docs/performance/decisions.md` has the
//! figures.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "numbers of bytes within the arrays, whose extents are addresses"
)]

use super::{Lines, Strategy, Tiles, count};
use crate::kernels::{limits, prefetch};

/// Columns a multiple of this apart compete for few sets of the first cache.
const SET_CONFLICT: isize = 2048;
/// How many bytes of columns stay in the first cache where they compete for its sets.
const BLOCK_IN_CONFLICT: usize = 128;
/// Rows of the source that are at most this far apart are near each other, whatever the block.
const NEAR_ROWS: usize = 512;
/// How many bytes of columns a block has where the source's rows are near.
const BLOCK_OF_NEAR_ROWS: usize = 192;
/// How many bytes of columns a block of single bytes has, so that their lines stay in the first cache.
const BLOCK_OF_BYTES: usize = 512;
/// How many columns a block has otherwise: at most as many as the TLB has entries for pages.
const COLUMNS: usize = 1024;
/// Columns lower than this are not aligned first: that costs more than it saves.
const LOW: usize = 192;
/// The extent from which on it pays to write lines of items of 1 and 2 bytes in parts.
const PARTS_FROM: usize = 1 << 16;

/// Chooses the strategy for an array of `across` bytes of columns and `down` bytes of rows, at least 16 each.
pub fn choose(
    tiles: &Tiles,
    dst: *mut u8,
    d: isize,
    s: isize,
    across: usize,
    down: usize,
) -> Strategy {
    let width = tiles.width;
    // The destination's whole extent matters for the caches, even if other calls write the bytes between the
    // columns (D-2).
    let extent = count(across, width).saturating_mul(d.unsigned_abs());
    let plain = *tiles.strips.iter().find(|strip| strip.height <= down).unwrap_or(&tiles.parts);
    // Data written by non-temporal stores leaves the caches, and the next reader loads it from memory. So up to a
    // certain size, prefetching is preferred (D-3).
    let prefetches = extent < limits().huge && prefetch::pays(count(across, width), d, down, s);
    if !prefetches
        && let Some(stream) = &tiles.stream
        && let Some(strategy) = stream.choose(plain, width, dst, d, down, extent)
    {
        return strategy;
    }
    let on_lines = d % 64 == 0 && dst.addr().is_multiple_of(width);
    // Strips lower than a line write it in parts, one right after another. If a vector has the size of a line but
    // crosses two, halves are better for items of 4 bytes and more (D-4).
    let whole = plain.height == 64;
    let parts = match width {
        4.. => prefetches || !whole || !on_lines,
        _ => !whole && extent >= PARTS_FROM,
    };
    let (body, lines) = match parts && down >= 64 {
        true => (tiles.parts, Lines::Direct(count(64, tiles.parts.height))),
        false => (plain, Lines::Direct(1)),
    };
    let lines = if prefetches { Lines::Prefetched } else { lines };
    // Wide blocks read rows from end to end. Narrow blocks keep their lines in the first cache (D-5).
    let block = match width {
        1 if !prefetches => BLOCK_OF_BYTES,
        4.. if d % SET_CONFLICT == 0 => BLOCK_IN_CONFLICT,
        4.. if !prefetches && s.unsigned_abs() <= NEAR_ROWS => BLOCK_OF_NEAR_ROWS,
        _ => COLUMNS * width,
    };
    // If only some of the columns could be aligned, none is.
    let height = if parts { 64 } else { body.height };
    let align = height.min(1 << d.trailing_zeros().min(6));
    let align = if align < 16 || down < LOW { 1 } else { align };
    Strategy { body, block, align, lines }
}

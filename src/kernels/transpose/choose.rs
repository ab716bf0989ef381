//! Which strategy a transpose has. Each threshold is measured; `docs/performance/decisions.md` has the figures.

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
/// How many bytes of columns a block of single bytes has: their lines shall stay in the first cache.
const BLOCK_OF_BYTES: usize = 512;
/// How many columns a block has elsewhere: as many pages as the TLB holds, at most.
const COLUMNS: usize = 1024;
/// Columns lower than this are not aligned first: that costs more than it saves.
const LOW: usize = 192;
/// From this extent on it pays to write lines of 1 and 2 bytes' items in parts.
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
    // The destination's lines compete for the caches over its whole extent, also where other calls write what
    // lies between the columns (D-2).
    let extent = count(across, width).saturating_mul(d.unsigned_abs());
    let plain = *tiles.strips.iter().find(|strip| strip.height <= down).unwrap_or(&tiles.parts);
    // What is written by non-temporal stores leaves the caches, and comes from memory for whoever reads it
    // next. So prefetching goes first, up to a size (D-3).
    let prefetches = extent < limits().huge && prefetch::pays(count(across, width), d, down, s);
    if !prefetches
        && let Some(stream) = &tiles.stream
        && let Some(strategy) = stream.choose(plain, width, dst, d, down, extent)
    {
        return strategy;
    }
    let on_lines = d % 64 == 0 && dst.addr().is_multiple_of(width);
    // Strips lower than a line write it in parts, all parts one right after another. Where a vector is a whole
    // line but lies across two, halves are better from 4 bytes on (D-4).
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
    // Wide blocks read rows from end to end; narrow ones keep their lines in the first cache (D-5).
    let block = match width {
        1 if !prefetches => BLOCK_OF_BYTES,
        4.. if d % SET_CONFLICT == 0 => BLOCK_IN_CONFLICT,
        4.. if !prefetches && s.unsigned_abs() <= NEAR_ROWS => BLOCK_OF_NEAR_ROWS,
        _ => COLUMNS * width,
    };
    // Columns are not aligned at all if only some of them could be.
    let height = if parts { 64 } else { body.height };
    let align = height.min(1 << d.trailing_zeros().min(6));
    let align = if align < 16 || down < LOW { 1 } else { align };
    Strategy { body, block, align, lines }
}

//! Carries out a strategy; chooses nothing.
//!
//! Blocks of columns one after another, each from the first row to the last: the rows above the first
//! aligned line, the body, and what is left at the far edge.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "offsets within the arrays, whose extents are addresses; divisors are constants"
)]

use super::job::Job;
use super::{Lines, Strategy, Strip, count};
use crate::block::Block;
use crate::kernels::prefetch::{PIECE, prefetch};

/// Goes through blocks of columns.
///
/// # Safety
/// * ITEMS, CPU: as for [`super::transpose`].
/// * SQUARE: `across` and `down` are at least `square`, the size of the lowest strip.
#[inline(never)]
#[expect(clippy::too_many_arguments, reason = "two arrays, their extents, and how")]
pub unsafe fn blocks(
    width: usize,
    strips: &[Strip],
    square: usize,
    strategy: &Strategy,
    dst: *mut u8,
    d: isize,
    src: *const u8,
    s: isize,
    across: usize,
    down: usize,
) {
    let n_lines = if let Lines::Streamed(lines) = strategy.lines { lines.stage() } else { 0 };
    let block = if n_lines > 0 { Block::of_lines(64 * n_lines) } else { None };
    let stage = block.as_ref().map(Block::first_line);
    let job = Job { width, strips, strategy, stage, d, s, down };
    let mut at = 0;
    while at < across {
        let span = strategy.block.min(across - at);
        let tiles = count(span, square);
        // SAFETY: the block's whole tiles (caller: ITEMS, CPU).
        unsafe { job.columns(dst, src, at, tiles) };
        if !span.is_multiple_of(square) {
            // SAFETY: the last tile of the arrays, which hold one (caller: SQUARE).
            unsafe { job.columns(dst, src, across - square, 1) };
        }
        at += span;
    }
    if let Lines::Streamed(lines) = strategy.lines {
        lines.fence();
    }
}

impl Job<'_> {
    /// Does all rows of `tiles` tiles' columns, of which the first is `at` bytes from the left.
    ///
    /// # Safety
    /// * COLUMNS: the columns are within the arrays, which are as [`super::transpose`] needs them.
    unsafe fn columns(&self, dst: *mut u8, src: *const u8, at: usize, tiles: usize) {
        if tiles == 0 {
            return;
        }
        let dst = dst.wrapping_offset(self.d * count(at, self.width).cast_signed());
        let src = src.wrapping_add(at);
        let body = self.strategy.body;
        let head = dst.addr().wrapping_neg() & (self.strategy.align - 1);
        let head = if head & (self.width - 1) == 0 && head < self.down { head } else { 0 };
        let group = match self.strategy.lines {
            Lines::Direct(group) => group,
            Lines::Prefetched => 1,
            Lines::Streamed(lines) => lines.group(),
        };
        let run = |strip: Strip, row: usize, panels: usize| {
            let to = dst.wrapping_add(row);
            // SAFETY: rows of the same columns, as each call below says (caller: COLUMNS).
            unsafe { (strip.run)(to, self.d, self.row(src, row), self.s, tiles, panels, group) };
        };
        let staged = match self.strategy.lines {
            // SAFETY: the same columns (caller: COLUMNS).
            Lines::Streamed(lines) => unsafe { lines.run(self, dst, src, head, tiles) },
            _ => None,
        };
        // From which byte of the rows to which the body is done.
        let (start, end) = staged.unwrap_or_else(|| {
            let mut done = head;
            if let Lines::Prefetched = self.strategy.lines {
                let pieces = (self.down - head) / PIECE;
                // SAFETY: whole pieces of the same columns (caller: COLUMNS).
                unsafe {
                    self.prefetched(dst.wrapping_add(head), self.row(src, head), tiles, pieces)
                };
                done += pieces * PIECE;
            }
            let panels = count(self.down - done, body.height * group) * group;
            run(body, done, panels);
            (head, done + panels * body.height)
        });
        // The rest; where no strip is as low as that, rows that are done already as well.
        for (mut row, end) in [(0, start), (end, self.down)] {
            while row < end {
                let strip = self.lowest_over(end - row);
                // Not below the last row.
                run(strip, row.min(self.down - strip.height), 1);
                row += strip.height.min(end - row);
            }
        }
    }

    /// Does `pieces` pieces of [`PIECE`] bytes of each column, and prefetches those of the columns to the right.
    ///
    /// # Safety
    /// * COLUMNS: as for `columns`.
    #[inline(never)]
    unsafe fn prefetched(&self, mut dst: *mut u8, mut src: *const u8, tiles: usize, pieces: usize) {
        let body = self.strategy.body;
        let panels = count(PIECE, body.height);
        for _ in 0..pieces {
            let (mut to, mut from, mut left) = (dst, src, tiles);
            while left > 0 {
                // The tiles of a line of the source (D-7).
                let tiles = left.min(4);
                let columns = count(tiles * 16, self.width);
                prefetch(to, self.d, columns);
                // SAFETY: tiles of these columns (caller: COLUMNS).
                unsafe { (body.run)(to, self.d, from, self.s, tiles, panels, panels) };
                to = to.wrapping_offset(self.d * columns.cast_signed());
                from = from.wrapping_add(tiles * 16);
                left -= tiles;
            }
            dst = dst.wrapping_add(PIECE);
            src = self.row(src, PIECE);
        }
    }
}

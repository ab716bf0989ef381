//! Transposes by tiles: one way (`transpose::Way`) carried out.
//!
//! Blocks of columns one after another, each from the first row to the last: the rows above the first
//! aligned line, the body, and what is left at the far edge. Chooses nothing.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "offsets within the arrays, whose extents are addresses; divisors are constants"
)]

use crate::block::Block;
use crate::kernels::ahead::{PIECE, ask};
use crate::kernels::transpose::{Drain, Lines, Shifted, Strip, Way};

/// Goes through blocks of columns.
///
/// # Safety
/// As for [`transpose`]; `across` and `down` are at least `square`, the size of the lowest strip.
#[inline(never)]
#[expect(clippy::too_many_arguments, reason = "two arrays, their extents, and how")]
pub unsafe fn blocks(
    width: usize,
    strips: &[Strip],
    square: usize,
    way: &Way,
    dst: *mut u8,
    d: isize,
    src: *const u8,
    s: isize,
    across: usize,
    down: usize,
) {
    let block = match way.lines {
        Lines::Whole(..) => Block::of_lines(64 * WHOLE),
        Lines::Shifted(_) => Block::of_lines(64 * 2 * SHIFTED),
        Lines::Direct(_) | Lines::Ahead => None,
    };
    let stage = block.as_ref().map(Block::first_line);
    let job = Job { width, strips, way, stage, d, s, down };
    let mut at = 0;
    while at < across {
        let span = way.block.min(across - at);
        let tiles = count(span, square);
        // SAFETY: the block's whole tiles, parts of the arrays (caller).
        unsafe { job.columns(dst, src, at, tiles) };
        if !span.is_multiple_of(square) {
            // SAFETY: the last tile that the arrays hold (caller).
            unsafe { job.columns(dst, src, across - square, 1) };
        }
        at += span;
    }
    if way.streams {
        // SAFETY: SSE is part of x86_64.
        #[cfg(target_arch = "x86_64")]
        unsafe {
            core::arch::x86_64::_mm_sfence()
        };
    }
}

/// How many columns a block may have where lines are shifted: the stage has two lines for each.
pub const SHIFTED: usize = 128;
/// How many lines the stage has where lines are written whole.
const WHOLE: usize = 64;

/// What stays the same from block to block.
struct Job<'a> {
    width: usize,
    strips: &'a [Strip],
    way: &'a Way,
    /// The lines of a stage, if the way has one and there is memory for it.
    stage: Option<*mut u8>,
    d: isize,
    s: isize,
    down: usize,
}

impl Job<'_> {
    /// Does all rows of `tiles` tiles' columns, of which the first is `at` bytes from the left.
    ///
    /// # Safety
    /// The columns are within the arrays, and these as [`transpose`] needs them.
    unsafe fn columns(&self, dst: *mut u8, src: *const u8, at: usize, tiles: usize) {
        if tiles == 0 {
            return;
        }
        let dst = dst.wrapping_offset(self.d * count(at, self.width).cast_signed());
        let src = src.wrapping_add(at);
        let group = if let Lines::Direct(group) = self.way.lines { group } else { 1 };
        let run = |strip: Strip, row: usize, panels: usize| {
            let from = src.wrapping_offset(self.s * count(row, self.width).cast_signed());
            // SAFETY: rows of the arrays, as each call below says.
            unsafe {
                (strip.run)(dst.wrapping_add(row), self.d, from, self.s, tiles, panels, group)
            };
        };
        let rows = |at: usize| src.wrapping_offset(self.s * count(at, self.width).cast_signed());
        let head = dst.addr().wrapping_neg() & (self.way.align - 1);
        let head = if head & (self.width - 1) == 0 && head < self.down { head } else { 0 };
        // From which byte to which; not below the last row.
        let (start, end) = match (self.way.lines, self.stage) {
            (Lines::Shifted(shifted), Some(stage)) if self.down >= 3 * 64 => {
                // SAFETY: the same columns.
                unsafe { self.shifted(shifted, stage, dst, src, tiles) }
            }
            (Lines::Whole(drain, group), Some(stage)) => {
                let (to, lines) = (dst.wrapping_add(head), (self.down - head) / 64);
                // SAFETY: lines of the same columns.
                unsafe { self.whole((drain, group), stage, to, rows(head), tiles, lines) };
                (head, head + lines * 64)
            }
            (lines, _) => {
                let mut done = head;
                if let Lines::Ahead = lines {
                    let groups = (self.down - head) / PIECE;
                    // SAFETY: whole groups of the same columns.
                    unsafe { self.ahead(dst.wrapping_add(head), rows(head), tiles, groups) };
                    done += groups * PIECE;
                }
                let panels = count(self.down - done, self.way.body.height * group) * group;
                run(self.way.body, done, panels);
                (head, done + panels * self.way.body.height)
            }
        };
        // The rest; where no strip is as low as that, others above or below as well.
        for (mut row, end) in [(0, start), (end, self.down)] {
            while row < end {
                let strip = self.lowest_over(end - row);
                // Not below the last row.
                run(strip, row.min(self.down - strip.height), 1);
                row += strip.height.min(end - row);
            }
        }
    }

    /// Does `lines` lines of the columns by way of a stage, `group` of them at once.
    ///
    /// # Safety
    /// As for `columns`.
    #[inline(never)]
    unsafe fn whole(
        &self,
        (drain, group): (Drain, usize),
        stage: *mut u8,
        mut dst: *mut u8,
        mut src: *const u8,
        tiles: usize,
        lines: usize,
    ) {
        let mut left = lines;
        while left > 0 {
            let group = group.min(left);
            let pitch = 64 * group;
            let (panels, most) =
                (count(pitch, self.way.body.height), count(WHOLE * self.width / 16, group));
            let (mut to, mut from, mut right) = (dst, src, tiles);
            while right > 0 {
                let tiles = right.min(most);
                let columns = count(tiles * 16, self.width);
                let d = pitch.cast_signed();
                // SAFETY: the stage has a line for each of `most` tiles' columns, `group` times.
                unsafe { (self.way.body.run)(stage, d, from, self.s, tiles, panels, 1) };
                // SAFETY: lines of these columns (caller).
                unsafe { drain(to, self.d, stage, columns, group) };
                to = to.wrapping_offset(self.d * columns.cast_signed());
                from = from.wrapping_add(tiles * 16);
                right -= tiles;
            }
            dst = dst.wrapping_add(pitch);
            src = src.wrapping_offset(self.s * count(pitch, self.width).cast_signed());
            left -= group;
        }
    }

    /// Does `groups` groups of lines, `PIECE` bytes of each column, and asks for those of the columns to
    /// the right.
    ///
    /// # Safety
    /// As for `columns`.
    #[inline(never)]
    unsafe fn ahead(&self, mut dst: *mut u8, mut src: *const u8, tiles: usize, groups: usize) {
        let panels = count(PIECE, self.way.body.height);
        for _ in 0..groups {
            let (mut to, mut from, mut left) = (dst, src, tiles);
            while left > 0 {
                // Those of a line of the source: 16 bytes' items .76 -> .84, of 4 bytes .90 -> .87.
                let tiles = left.min(4);
                let columns = count(tiles * 16, self.width);
                ask(to, self.d, columns);
                // SAFETY: tiles of these columns (caller).
                unsafe { (self.way.body.run)(to, self.d, from, self.s, tiles, panels, panels) };
                to = to.wrapping_offset(self.d * columns.cast_signed());
                from = from.wrapping_add(tiles * 16);
                left -= tiles;
            }
            dst = dst.wrapping_add(PIECE);
            src = src.wrapping_offset(self.s * count(PIECE, self.width).cast_signed());
        }
    }

    /// Does the columns' aligned lines by way of a stage, and tells above which byte and from which on
    /// there may be others.
    ///
    /// # Safety
    /// As for `columns`; these are three lines high at the least.
    #[inline(never)]
    unsafe fn shifted(
        &self,
        shifted: Shifted,
        stage: *mut u8,
        dst: *mut u8,
        src: *const u8,
        tiles: usize,
    ) -> (usize, usize) {
        let lines = self.down / 64;
        for line in 0..lines {
            let from = src.wrapping_offset(self.s * count(line * 64, self.width).cast_signed());
            let to = if line == 0 { stage } else { stage.wrapping_add(64) };
            let panels = count(64, self.way.body.height);
            // SAFETY: the stage has two lines for each of as many columns as a block may have.
            unsafe { (self.way.body.run)(to, 128, from, self.s, tiles, panels, 1) };
            if line > 0 {
                let to = dst.wrapping_add((line - 1) * 64);
                // SAFETY: the lines below `line` and a part of its own.
                unsafe { shifted(to, self.d, stage, count(tiles * 16, self.width)) };
            }
        }
        (64, (lines - 1) * 64)
    }

    /// The lowest strip over `rest` bytes of rows, or else the highest that the arrays hold.
    fn lowest_over(&self, rest: usize) -> Strip {
        let mut held = self.strips.iter().filter(|strip| strip.height <= self.down);
        let over = held.clone().rfind(|strip| strip.height >= rest);
        over.or_else(|| held.next()).copied().unwrap_or(self.way.body)
    }
}

/// How many whole units there are in so many bytes; units are powers of two.
pub fn count(bytes: usize, unit: usize) -> usize {
    bytes >> unit.trailing_zeros()
}

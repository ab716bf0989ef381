//! Whole cache lines of a large destination, by non-temporal stores.
//!
//! Such a store writes a line without reading it first, if the whole line is written at once. Where a strip cannot
//! do so by itself, lines are collected in a stage: two for each column where columns do not begin at cache lines.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "offsets within the arrays, whose extents are addresses; divisors are constants"
)]

use super::job::Job;
use super::{Strategy, Strip, count};
use crate::kernels::limits;

/// Copies `lines` lines of each of some columns by non-temporal stores from `stage`, where they lie back to back.
///
/// Safety: the lines are writable, the stage's readable, and the CPU has the instructions; `dst` and
/// `d` are multiples of a line.
pub type Drain = unsafe fn(dst: *mut u8, d: isize, stage: *const u8, columns: usize, lines: usize);

/// Writes a line of each of some columns by non-temporal stores: the first that is aligned at or above `dst`, which
/// lies among the two lines that `stage` has for each column and that belong at `dst`. Then moves the stage's second
/// lines to the first.
///
/// Safety: these lines are writable, the stage's lines are readable and writable, and the CPU has the
/// instructions.
pub type Shifted = unsafe fn(dst: *mut u8, d: isize, stage: *mut u8, columns: usize);

/// How a level writes whole cache lines of items of one size.
pub struct Stream {
    /// The strip for columns that are aligned to cache lines.
    pub strip: Strip,
    /// How its lines get into the destination.
    pub lines: Lines,
    /// For columns that are not.
    pub shifted: Shifted,
}

/// How lines get into the destination.
#[derive(Clone, Copy)]
pub enum Lines {
    /// The strip stores so itself, so many tiles below each other before the next ones to the right.
    Direct(usize),
    /// From a stage, so many lines of a column at once.
    Staged(Drain, usize),
    /// From a stage, where not all columns are aligned to lines; what lies above the first whole line and below
    /// the last one is stored directly.
    Shifted(Shifted),
}

/// Columns lower than this have too few lines.
const LOW: usize = 256;
/// How many bytes of columns are done from the first row to the last before the next ones (D-6).
const BLOCK: usize = 4096;
/// How many columns a block may have where lines are shifted: the stage has two lines for each.
const SHIFTED: usize = 128;
/// How many lines the stage has where columns are aligned.
const STAGED: usize = 64;

impl Stream {
    /// The strategy for a destination of `extent` bytes, if it is large enough; `plain` is the strip that would
    /// serve otherwise.
    pub fn choose(
        &self,
        plain: Strip,
        width: usize,
        dst: *mut u8,
        d: isize,
        down: usize,
        extent: usize,
    ) -> Option<Strategy> {
        let large = limits().large;
        if down < LOW || extent < large {
            return None;
        }
        let strategy = |body, block, align, lines| {
            Some(Strategy { body, block, align, lines: super::Lines::Streamed(lines) })
        };
        if d % 64 == 0 && dst.addr().is_multiple_of(width) {
            return strategy(self.strip, BLOCK, 64, self.lines);
        }
        if width > 1 || extent / 2 >= large {
            return strategy(plain, SHIFTED * width, 1, Lines::Shifted(self.shifted));
        }
        None
    }
}

impl Lines {
    /// How many lines the stage has, 0 for none.
    pub fn stage(self) -> usize {
        match self {
            Self::Direct(_) => 0,
            Self::Staged(..) => STAGED,
            Self::Shifted(_) => 2 * SHIFTED,
        }
    }

    /// How many tiles below each other a strip that stores directly does before the next ones to the right.
    pub fn group(self) -> usize {
        if let Self::Direct(group) = self { group } else { 1 }
    }

    /// Does the columns' whole lines by way of a stage, if there is one: above which byte of the rows and from
    /// which on others are left. `head` is where the first aligned line begins, if columns are aligned alike.
    ///
    /// # Safety
    /// * COLUMNS: as for `Job::columns`.
    pub unsafe fn run(
        self,
        job: &Job,
        dst: *mut u8,
        src: *const u8,
        head: usize,
        tiles: usize,
    ) -> Option<(usize, usize)> {
        match (self, job.stage) {
            (Self::Shifted(shifted), Some(stage)) if job.down >= 3 * 64 => {
                // SAFETY: the same columns (caller: COLUMNS), three lines high at the least.
                Some(unsafe { run_shifted(job, shifted, stage, dst, src, tiles) })
            }
            (Self::Staged(drain, group), Some(stage)) => {
                let (to, lines) = (dst.wrapping_add(head), (job.down - head) / 64);
                // SAFETY: lines of the same columns (caller: COLUMNS).
                unsafe {
                    run_staged(job, (drain, group), stage, to, job.row(src, head), tiles, lines)
                };
                Some((head, head + lines * 64))
            }
            _ => None,
        }
    }

    /// Lets other threads see what was stored before they are told of it.
    pub fn fence(self) {
        // SAFETY: SSE is part of x86_64.
        unsafe { core::arch::x86_64::_mm_sfence() };
    }
}

/// Does `lines` lines of the columns by way of a stage, `group` of them at once.
///
/// # Safety
/// * COLUMNS: as for `Job::columns`; `dst` is aligned to cache lines, as all columns are.
#[inline(never)]
unsafe fn run_staged(
    job: &Job,
    (drain, group): (Drain, usize),
    stage: *mut u8,
    mut dst: *mut u8,
    mut src: *const u8,
    tiles: usize,
    lines: usize,
) {
    let Job { width, d, s, strategy, .. } = *job;
    let body = strategy.body;
    let mut left = lines;
    while left > 0 {
        let group = group.min(left);
        let pitch = 64 * group;
        let (panels, most) = (count(pitch, body.height), count(STAGED * width / 16, group));
        let (mut to, mut from, mut right) = (dst, src, tiles);
        while right > 0 {
            let tiles = right.min(most);
            let columns = count(tiles * 16, width);
            // SAFETY: the stage has `group` lines for each of `most` tiles' columns.
            unsafe { (body.run)(stage, pitch.cast_signed(), from, s, tiles, panels, 1) };
            // SAFETY: lines of these columns (caller: COLUMNS).
            unsafe { drain(to, d, stage, columns, group) };
            to = to.wrapping_offset(d * columns.cast_signed());
            from = from.wrapping_add(tiles * 16);
            right -= tiles;
        }
        dst = dst.wrapping_add(pitch);
        src = job.row(src, pitch);
        left -= group;
    }
}

/// Does the columns' aligned lines by way of a stage; above which byte of the rows and from which on others are
/// left.
///
/// # Safety
/// * COLUMNS: as for `Job::columns`; they are three lines high at the least.
#[inline(never)]
unsafe fn run_shifted(
    job: &Job,
    shifted: Shifted,
    stage: *mut u8,
    dst: *mut u8,
    src: *const u8,
    tiles: usize,
) -> (usize, usize) {
    let body = job.strategy.body;
    let lines = job.down / 64;
    for line in 0..lines {
        let to = if line == 0 { stage } else { stage.wrapping_add(64) };
        let panels = count(64, body.height);
        // SAFETY: the stage has two lines for each of as many columns as a block may have.
        unsafe { (body.run)(to, 128, job.row(src, line * 64), job.s, tiles, panels, 1) };
        if line > 0 {
            let to = dst.wrapping_add((line - 1) * 64);
            // SAFETY: the lines below `line` and a part of its own (caller: COLUMNS).
            unsafe { shifted(to, job.d, stage, count(tiles * 16, job.width)) };
        }
    }
    (64, (lines - 1) * 64)
}

//! Divides a plan's loops into shares of equal work, for several threads.
//!
//! A share is a range of *units*, counted over the loops from the first to the last one that is divided. A unit is
//! one step of that last loop, or, if the loop is dense, as many steps as make a cache line, so that two shares
//! write to one line only where the strides force it. A range of units consists of a few *boxes*: the loops,
//! limited to a part of their steps.

use super::{Axis, Plan};

/// The most loops of a copy that can be divided at any loop. If there are more, only the outermost is divided.
pub const MOST_LOOPS: usize = 8;

/// The fewest units for each part. If there were fewer, the next loop is divided too.
const UNITS_PER_PART: isize = 16;
/// Bytes of a cache line.
pub const LINE: isize = 64;
/// The size from which on a run is divided as well.
const LONG_RUN: usize = 4096;

/// One share of a copy.
#[derive(Clone, Copy, Debug)]
pub struct Share {
    /// Its number, from 0 on.
    pub part: isize,
    /// How many shares there are, at least 1.
    pub n_parts: isize,
}

impl Share {
    /// The share's part of `n` steps: the first one, and the one after the last. If `n` is not a multiple of the
    /// number of shares, the first shares have one step more.
    pub fn of(self, n: isize) -> (isize, isize) {
        let each = n.checked_div(self.n_parts).unwrap_or(0);
        let more = n.checked_rem(self.n_parts).unwrap_or(0);
        let bound = |part: isize| each * part + more.min(part);
        (bound(self.part), bound(self.part + 1))
    }
}

/// A plan's loops in the order in which they are divided.
pub struct Division {
    /// The loops; those behind `n` are unused.
    axes: [Axis; MOST_LOOPS + 1],
    n: usize,
    /// How many of them are divided.
    depth: usize,
    /// How many steps of the last divided loop make a unit, and how many steps its first unit lacks.
    granule: isize,
    lacking: isize,
    /// How many units there are.
    units: isize,
    /// The size of an item behind all loops.
    itemsize: isize,
}

/// Loops that are cut to a part of their steps.
pub struct Part<'a> {
    /// The loops, outermost first.
    pub axes: &'a mut [Axis],
    /// The offset of the first item in the destination from the plan's first one.
    pub dst: isize,
    /// The same in the source.
    pub src: isize,
}

impl Division {
    /// Nothing is divided yet.
    pub const NONE: Self = Self {
        axes: [Axis { n: 0, dst: 0, src: 0, dst_suboffset: 0, src_suboffset: 0, index: 0 };
            MOST_LOOPS + 1],
        n: 0,
        depth: 0,
        granule: 1,
        lacking: 0,
        units: 0,
        itemsize: 0,
    };

    /// Divides a plan for `n_parts` parts; `dst` and `src` are the addresses of its first item, which tell where
    /// cache lines begin. `false` if it has no loops or more than [`MOST_LOOPS`]. `room` is how many loops a part
    /// may have. It fills `self` and is kept out of line, so that its frame is not on the stack during the copy.
    #[inline(never)]
    pub fn divide(
        &mut self,
        plan: &Plan,
        n_parts: isize,
        dst: usize,
        src: usize,
        room: usize,
    ) -> bool {
        let Some(loops) = self.axes.get_mut(..plan.axes.len()).filter(|l| l.len() <= MOST_LOOPS)
        else {
            return false;
        };
        loops.iter_mut().zip(&*plan.axes).for_each(|(to, from)| *to = *from);
        (self.n, self.itemsize) = (loops.len(), plan.run.cast_signed());
        if self.n < room
            && (plan.run >= LONG_RUN || self.n == 0)
            && let Some(axis) = self.axes.get_mut(self.n)
        {
            *axis = Axis { n: self.itemsize, dst: 1, src: 1, ..Axis::default() };
            (self.n, self.itemsize) = (self.n + 1, 1);
        }
        self.move_long_loops_out(n_parts, dst, src);
        let enough = n_parts.saturating_mul(UNITS_PER_PART);
        let mut before: isize = 1;
        while let Some(axis) = self.axes.get(self.depth).filter(|_| self.depth < self.n) {
            let (granule, lacking) = granule(axis, self.itemsize, dst, src);
            self.units = before.saturating_mul(units(axis.n, granule, lacking));
            before = before.saturating_mul(axis.n);
            (self.granule, self.lacking) = (granule, lacking);
            self.depth += 1;
            if self.units >= enough {
                break;
            }
        }
        self.n > 0
    }

    /// The size of an item behind the loops.
    pub fn itemsize(&self) -> isize {
        self.itemsize
    }

    /// How many units there are.
    pub fn units(&self) -> isize {
        self.units
    }

    /// Returns the next box of the units from `first` to `end`, whose loops are written to `room`, and the first
    /// unit after it.
    #[inline(never)]
    pub fn next<'a>(
        &self,
        first: isize,
        end: isize,
        room: &'a mut [Axis],
    ) -> Option<(Part<'a>, isize)> {
        let last = self.depth.checked_sub(1)?;
        let n_last = units(self.axes.get(last)?.n, self.granule, self.lacking);
        let axes = room.get_mut(..self.n)?;
        axes.iter_mut().zip(&self.axes).for_each(|(to, from)| *to = *from);
        let mut part = Part { axes, dst: 0, src: 0 };
        // Searches from the innermost divided loop outwards, for the first loop that the box cannot contain
        // completely.
        let (mut left, mut index, mut size) = (end - first, first, 1);
        for level in (0..=last).rev() {
            let n = if level == last { n_last } else { self.axes.get(level)?.n };
            let at = index.checked_rem(n)?;
            index = index.checked_div(n)?;
            let is_whole = at == 0 && left >= n && level > 0;
            if is_whole {
                (left, size) = (left.checked_div(n)?, size * n);
                continue;
            }
            let steps = left.min(n - at);
            self.cut(&mut part, level, at, steps)?;
            for outer in (0..level).rev() {
                let n = self.axes.get(outer)?.n;
                self.cut(&mut part, outer, index.checked_rem(n)?, 1)?;
                index = index.checked_div(n)?;
            }
            return Some((part, first + steps * size));
        }
        None
    }

    /// Limits a loop to `steps` of its units, from number `at` on. (Only the last divided loop has units of several
    /// steps.)
    fn cut(&self, part: &mut Part, level: usize, at: isize, steps: isize) -> Option<()> {
        let axis = part.axes.get_mut(level)?;
        let (first, end) = if level + 1 == self.depth {
            let step = |unit: isize| (unit * self.granule - self.lacking).min(axis.n).max(0);
            (step(at), step(at + steps))
        } else {
            (at, at + steps)
        };
        part.dst += first * axis.dst;
        part.src += first * axis.src;
        axis.n = end - first;
        Some(())
    }

    /// Loops with fewer than two units for each part are moved after the others: two threads should not share the
    /// three planes of an image, but its pixels; nor the two lines that each run of the source has, as both would
    /// read both.
    fn move_long_loops_out(&mut self, n_parts: isize, dst: usize, src: usize) {
        let enough = n_parts.saturating_mul(2);
        let mut n_long = 0;
        for i in 0..self.n {
            let is_long = |axis: &Axis| {
                let (granule, lacking) = granule(axis, self.itemsize, dst, src);
                units(axis.n, granule, lacking) >= enough
            };
            if self.axes.get(i).is_some_and(is_long) {
                for at in (n_long..i).rev() {
                    if let Some([one, other]) = self.axes.get_mut(at..=at + 1) {
                        core::mem::swap(one, other);
                    }
                }
                n_long += 1;
            }
        }
    }
}

/// How many steps of a loop make a unit, and how many its first unit lacks: of a loop that is dense on either side, as
/// many as a cache line has items.
#[inline(never)]
fn granule(axis: &Axis, itemsize: isize, dst: usize, src: usize) -> (isize, isize) {
    let (stride, first) =
        if axis.dst.abs() == itemsize { (axis.dst, dst) } else { (axis.src, src) };
    let is_dense = stride == itemsize && itemsize.count_ones() == 1 && itemsize <= LINE;
    if !is_dense {
        return (1, 0);
    }
    let into_line = (first % LINE.unsigned_abs()).cast_signed();
    (LINE >> itemsize.trailing_zeros(), into_line >> itemsize.trailing_zeros())
}

/// How many units a loop of `n` steps has.
fn units(n: isize, granule: isize, lacking: isize) -> isize {
    (n + lacking + granule - 1) >> granule.trailing_zeros()
}

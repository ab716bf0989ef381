//! Plans a copy: which loops it has, and in which order. Integers only.
//!
//! `lay` makes one loop for each dimension, in the order of the indices. `canonicalise` may then reverse, sort and
//! merge the loops. That is allowed where no byte of the destination is written twice (`writes_each_byte_once`);
//! otherwise the order of writing is part of the result, and the loops stay as they are.

#![forbid(unsafe_code)]
#![expect(
    clippy::arithmetic_side_effects,
    reason = "offsets within the extents that View checked (V3), and counts below the slices' lengths"
)]

pub mod shares;

use crate::layout::Order;
use crate::layout::strides::each_dense;

/// One loop of a copy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Axis {
    /// How many steps.
    pub n: isize,
    /// How far a step goes in the destination.
    pub dst: isize,
    /// How far a step goes in the source.
    pub src: isize,
    /// The destination's suboffset; negative if no pointer is followed.
    pub dst_suboffset: isize,
    /// The source's suboffset; negative if no pointer is followed.
    pub src_suboffset: isize,
    /// The current index.
    pub index: isize,
}

/// One of the two arrays of a copy.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// `shape[ndim]`, from which missing strides follow.
    pub shape: &'a [isize],
    /// The size of its items.
    pub itemsize: isize,
    /// Where the items lie.
    pub strides: Strides<'a>,
    /// `suboffsets[ndim]`, if any pointer is followed.
    pub suboffsets: Option<&'a [isize]>,
}

/// Where an array's items lie.
#[derive(Clone, Copy, Debug)]
pub enum Strides<'a> {
    /// At given strides.
    Given(&'a [isize]),
    /// Back to back.
    Dense(Order),
}

impl Side<'_> {
    /// Calls `set` with the number and the stride of each dimension, in any order.
    fn each_stride(&self, mut set: impl FnMut(usize, isize)) {
        match self.strides {
            Strides::Given(strides) => strides.iter().enumerate().for_each(|(i, s)| set(i, *s)),
            Strides::Dense(order) => each_dense(self.shape, self.itemsize, order, set),
        }
    }

    fn suboffset(&self, axis: usize) -> isize {
        self.suboffsets.and_then(|suboffsets| suboffsets.get(axis)).copied().unwrap_or(-1)
    }
}

/// Which dimensions have a loop. Up to 8 dimensions all have one. Of more, only those with more than one step and
/// those that follow a pointer have one: the loops have to fit on the stack.
#[derive(Clone, Copy)]
pub struct Kept {
    /// A bit for each dimension that has a loop. If all bits are set, every dimension has one, however many there
    /// are.
    bits: u64,
    /// How many loops there are.
    pub n: usize,
}

impl Kept {
    const ALL: u64 = u64::MAX;
    /// The number of dimensions up to which each has a loop.
    pub const ALL_UP_TO: usize = 8;

    /// The dimensions of a copy that have a loop.
    pub fn of(shape: &[isize], dst: &Side, src: &Side) -> Self {
        let all = Self { bits: Self::ALL, n: shape.len() };
        if shape.len() <= Self::ALL_UP_TO || shape.len() > 64 {
            all
        } else {
            Self::of_many(shape, dst, src)
        }
    }

    #[cold]
    #[inline(never)]
    fn of_many(shape: &[isize], dst: &Side, src: &Side) -> Self {
        let is_kept = |(i, n): (usize, &isize)| {
            u64::from(*n != 1 || dst.suboffset(i) >= 0 || src.suboffset(i) >= 0) << i
        };
        let bits = shape.iter().enumerate().map(is_kept).fold(0, |bits, bit| bits | bit);
        Self { bits, n: bits.count_ones() as usize }
    }

    /// The number of a dimension's loop, if it has one.
    fn loop_of(self, axis: usize) -> Option<usize> {
        if self.bits == Self::ALL {
            return Some(axis);
        }
        let bit = 1_u64.checked_shl(axis as u32)?;
        (self.bits & bit != 0).then(|| (self.bits & (bit - 1)).count_ones() as usize)
    }
}

/// Makes the loops of the dimensions `kept` of `shape` in `axes`, outermost first. `axes` has room for them; `shape`
/// and both sides have the same number of dimensions.
pub fn lay(axes: &mut [Axis], kept: Kept, shape: &[isize], dst: Side, src: Side) {
    for (i, &n) in shape.iter().enumerate() {
        if let Some(axis) = kept.loop_of(i).and_then(|i| axes.get_mut(i)) {
            *axis = Axis {
                n,
                dst: 0,
                src: 0,
                dst_suboffset: dst.suboffset(i),
                src_suboffset: src.suboffset(i),
                index: 0,
            };
        }
    }
    dst.each_stride(|i, stride| {
        if let Some(axis) = kept.loop_of(i).and_then(|i| axes.get_mut(i)) {
            axis.dst = stride;
        }
    });
    src.each_stride(|i, stride| {
        if let Some(axis) = kept.loop_of(i).and_then(|i| axes.get_mut(i)) {
            axis.src = stride;
        }
    });
}

/// Whether no byte of the destination is written twice. The test is sufficient, not necessary: each stride must be
/// at least as long as all bytes that the loops with smaller strides reach. Quadratic in the number of dimensions,
/// so that nothing has to be sorted or allocated.
#[inline(never)]
pub fn writes_each_byte_once(axes: &[Axis], itemsize: isize) -> bool {
    let reach = |inner: &Axis| (inner.n - 1).saturating_mul(inner.dst.saturating_abs());
    axes.iter().enumerate().filter(|(_, axis)| axis.n > 1).all(|(i, axis)| {
        let step = axis.dst.saturating_abs();
        let inside = axes.iter().enumerate().filter(|(j, inner)| {
            let other = inner.dst.saturating_abs();
            inner.n > 1 && *j != i && (other < step || (other == step && *j > i))
        });
        step >= inside.fold(itemsize, |size, (_, inner)| size.saturating_add(reach(inner)))
    })
}

/// Whether a copy is so small that a plan would take longer: it has at most `most` items, which are all that the
/// loops reach, and follows no pointer.
pub fn are_small(axes: &[Axis], items: isize, most: isize) -> bool {
    let all = axes.iter().fold(1, |all: isize, axis| all.saturating_mul(axis.n));
    let is_direct = |axis: &Axis| axis.dst_suboffset < 0 && axis.src_suboffset < 0;
    items == all && all <= most && axes.iter().all(is_direct)
}

/// The leaf loop for a plan's inner loops, where its runs have 1, 2, 4, 8 or 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Dense in the destination, with gaps in the source.
    Gather,
    /// Dense in the source, with gaps in the destination.
    Scatter,
    /// One item, repeated.
    Fill,
    /// The last loop is dense in the destination, the one before it in the source.
    Transpose,
    /// A transpose whose rows and columns are made of several loops each: the last `rows` loops are dense in the
    /// destination, the `columns` loops before them in the source.
    Weave {
        /// How many loops are dense in the source.
        columns: usize,
        /// How many loops are dense in the destination.
        rows: usize,
    },
    /// With gaps on both sides; also runs of any other size.
    Items,
}

/// The loops of a copy, in the order in which they run.
#[derive(Debug, PartialEq, Eq)]
pub struct Plan<'a> {
    /// The loops, outermost first; none has fewer than two steps.
    pub axes: &'a mut [Axis],
    /// The leaf loop that serves the last of them.
    pub class: Class,
    /// The size in bytes of a run: of the items that are dense in both arrays, and are copied as one.
    pub run: usize,
    /// The offset of the first run in the destination.
    pub dst: isize,
    /// The offset of the first run in the source.
    pub src: isize,
}

/// Drops loops of one step, reverses those whose destination stride is negative, sorts them by that stride, merges
/// neighbours that make one loop, and makes the items that are dense in both arrays the run.
///
/// All loops have at least one step, none follows a pointer, and `writes_each_byte_once` holds.
pub fn canonicalise(axes: &mut [Axis], itemsize: isize) -> Plan<'_> {
    let (mut dst, mut src) = (0, 0);
    let mut kept = 0;
    for i in 0..axes.len() {
        let Some(mut axis) = axes.get(i).copied().filter(|axis| axis.n != 1) else { continue };
        if axis.dst < 0 {
            dst += (axis.n - 1) * axis.dst;
            src += (axis.n - 1) * axis.src;
            axis.dst = -axis.dst;
            axis.src = -axis.src;
        }
        insert(axes, kept, axis);
        kept += 1;
    }
    let mut kept = merge(axes.get_mut(..kept).unwrap_or_default());
    let mut run = itemsize;
    let last = kept.checked_sub(1).and_then(|last| axes.get(last));
    if let Some(last) = last.filter(|last| last.dst == run && last.src == run) {
        run *= last.n;
        kept -= 1;
    }
    let axes = axes.get_mut(..kept).unwrap_or_default();
    let (class, turned) = classify(axes, run);
    Plan { axes, class, run: run.unsigned_abs(), dst: dst + turned.0, src: src + turned.1 }
}

/// Sorts loops by the distance of their steps in the source, the longest first: as it lies in memory.
pub fn sort_by_source(axes: &mut [Axis]) {
    for i in 1..axes.len() {
        for at in (0..i).rev() {
            match axes.get_mut(at..=at + 1) {
                Some([outer, inner]) if outer.src.abs() < inner.src.abs() => {
                    core::mem::swap(outer, inner)
                }
                _ => break,
            }
        }
    }
}

/// Chooses the leaf loop, and moves its loops to the end. Returns how far the first item moved in the destination and
/// in the source, as a loop may have been reversed.
fn classify(axes: &mut [Axis], run: isize) -> (Class, (isize, isize)) {
    const STAY: (isize, isize) = (0, 0);
    let Some((last, others)) = axes.split_last() else { return (Class::Items, STAY) };
    // The loop that is dense in the source, upwards or downwards.
    let dense = others.iter().rposition(|axis| axis.src == run || axis.src == -run);
    let behind = axes.len() - 1;
    match dense {
        _ if last.dst == run && last.src == 0 => (Class::Fill, STAY),
        _ if last.dst != run && last.src == run => (Class::Scatter, STAY),
        Some(dense) if last.dst == run => weave(axes, dense, run),
        _ if last.dst == run => (Class::Gather, STAY),
        Some(dense) => (Class::Scatter, move_up(axes, dense, behind)),
        None if last.src == -run => (Class::Scatter, move_up(axes, behind, behind)),
        None => (Class::Items, STAY),
    }
}

/// The most rows of a weave: as many as the table of their addresses has entries.
pub const MOST_ROWS: usize = 1024;
/// The most columns of a weave, likewise.
pub const MOST_COLUMNS: usize = 256;

/// Makes a transpose of the loop that is dense in the source, at `column`, and the last one. If its lines would be
/// short, the loops that continue either of them are added.
fn weave(axes: &mut [Axis], column: usize, run: isize) -> (Class, (isize, isize)) {
    // Lines of fewer bytes are made longer if possible (D-41).
    const LONG: isize = 1024;
    const WIDE: isize = 64;
    // Items of other sizes have no stage.
    let has_stage = run <= 16 && run.count_ones() == 1;
    let (long, wide) = if has_stage { (LONG, WIDE) } else { (0, 0) };
    let mut behind = axes.len() - 1;
    let n = |axes: &[Axis], i: usize| axes.get(i).map_or(1, |axis| axis.n);
    let (mut rows, mut all) = (1, n(axes, behind));
    while let Some(axis) = behind.checked_sub(1).filter(|i| *i != column).and_then(|i| axes.get(i))
    {
        let more = all * axis.n;
        if all * run >= long || axis.dst != all * run || more > MOST_ROWS.cast_signed() {
            break;
        }
        (behind, rows, all) = (behind - 1, rows + 1, more);
    }
    let moved = move_up(axes, column, behind - 1);
    behind -= 1;
    let (mut columns, mut all) = (1, n(axes, behind));
    while all * run < wide {
        let outer = axes.get(..behind).unwrap_or_default();
        let Some(next) = outer.iter().position(|axis| axis.src == all * run) else { break };
        let more = all * n(axes, next);
        if more > MOST_COLUMNS.cast_signed() {
            break;
        }
        move_up(axes, next, behind - 1);
        (behind, columns, all) = (behind - 1, columns + 1, more);
    }
    let is_plain = rows == 1 && columns == 1;
    (if is_plain { Class::Transpose } else { Class::Weave { columns, rows } }, moved)
}

/// Whether a loop over pointers and the plan for the arrays behind them together make a transpose: the destination
/// is dense along the pointers, and the source along the plan's last loop.
pub fn is_column(plan: &Plan, pointers: &Axis) -> bool {
    let run = plan.run.cast_signed();
    plan.class == Class::Scatter && pointers.dst == run && pointers.n > 1
}

/// Makes a loop the innermost, and reverses it if its source stride is negative.
fn move_up(axes: &mut [Axis], from: usize, to: usize) -> (isize, isize) {
    for i in from..to {
        if let Some([outer, inner]) = axes.get_mut(i..=i + 1) {
            core::mem::swap(outer, inner);
        }
    }
    let Some(axis) = axes.get_mut(to).filter(|axis| axis.src < 0) else { return (0, 0) };
    let moved = ((axis.n - 1) * axis.dst, (axis.n - 1) * axis.src);
    axis.dst = -axis.dst;
    axis.src = -axis.src;
    moved
}

/// Inserts a loop into the first `kept`, which are sorted by the destination's stride.
fn insert(axes: &mut [Axis], kept: usize, axis: Axis) {
    let sorted = axes.get(..kept).unwrap_or_default();
    let at = sorted.iter().rposition(|other| other.dst >= axis.dst).map_or(0, |last| last + 1);
    for i in (at..kept).rev() {
        axes.get(i).copied().map(|moved| axes.get_mut(i + 1).map(|slot| *slot = moved));
    }
    if let Some(slot) = axes.get_mut(at) {
        *slot = axis;
    }
}

/// Merges neighbours where the outer loop continues the inner one; returns how many remain.
fn merge(axes: &mut [Axis]) -> usize {
    let mut kept: usize = 0;
    for i in 0..axes.len() {
        let Some(axis) = axes.get(i).copied() else { break };
        let outer = kept.checked_sub(1).and_then(|last| axes.get_mut(last));
        let continued =
            outer.filter(|outer| outer.dst == axis.n * axis.dst && outer.src == axis.n * axis.src);
        if let Some(outer) = continued {
            *outer = Axis { n: outer.n * axis.n, dst: axis.dst, src: axis.src, ..*outer };
        } else if let Some(slot) = axes.get_mut(kept) {
            *slot = axis;
            kept += 1;
        }
    }
    kept
}

/// Shortens the loops to the steps that the first `items` items, counted in `order`, reach.
pub fn keep_prefix(axes: &mut [Axis], items: isize, order: Order) {
    let mut slab = axes.iter().fold(1, |all: isize, axis| all.saturating_mul(axis.n));
    let mut keep = |axis: &mut Axis| {
        slab = slab.checked_div(axis.n).unwrap_or(1).max(1);
        // The steps that have an item; the last one may be incomplete.
        let begun = (items - 1) / slab + 1;
        axis.n = axis.n.min(begun);
        begun <= 1
    };
    match order {
        Order::C => axes.iter_mut().all(&mut keep),
        Order::Fortran => axes.iter_mut().rev().all(&mut keep),
    };
}

/// The first items of an array, divided along its slowest dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slabs {
    /// The slowest dimension that has more than one step.
    pub axis: usize,
    /// The number of complete steps along it.
    pub whole: isize,
    /// The number of items in the incomplete step after these.
    pub rest: isize,
}

/// Divides the first `items` items, counted in `order`, into slabs, and sets the indices to the first item after
/// the complete slabs.
pub fn split_prefix(axes: &mut [Axis], items: isize, order: Order) -> Slabs {
    let is_long = |axis: &Axis| axis.n > 1;
    let axis = match order {
        Order::C => axes.iter().position(is_long),
        Order::Fortran => axes.iter().rposition(is_long),
    };
    let Some(axis) = axis else { return Slabs { axis: 0, whole: 0, rest: items } };
    // Of the other dimensions only the faster ones have more than one step.
    let others = axes.iter().enumerate().filter(|(i, _)| *i != axis);
    let slab = others.fold(1, |size: isize, (_, axis)| size.saturating_mul(axis.n));
    let whole = items.checked_div(slab).unwrap_or(0);
    if let Some(axis) = axes.get_mut(axis) {
        axis.index = whole;
    }
    Slabs { axis, whole, rest: items - whole * slab }
}

/// Limits the loops to the complete slabs.
pub fn keep_slabs(axes: &mut [Axis], slabs: Slabs) {
    axes.iter_mut().for_each(|axis| axis.index = 0);
    if let Some(axis) = axes.get_mut(slabs.axis) {
        axis.n = slabs.whole;
    }
}

#[cfg(test)]
mod tests;

//! How a copy's loops are laid: integers only.
//!
//! `Axis::lay` sets the loops up as the two arrays describe them, in the order of their indices.
//! `canonicalise` may then turn, sort and merge them, which is allowed where no byte of the
//! destination is written twice (`writes_each_byte_once`); where one is, the order of writing is
//! part of the result and the loops stay as they are.

#![forbid(unsafe_code)]
#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "offsets within the extents that View checked (V3); indices below the slices' lengths"
)]

use crate::layout::Order;

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
    /// Where the loop stands.
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
    /// The strides, one after another, from the last dimension to the first for C-contiguous arrays
    /// and from the first to the last otherwise.
    fn each_stride(&self, mut set: impl FnMut(usize, isize)) {
        let mut dense = self.itemsize;
        let mut step = |i: usize| {
            set(i, dense);
            dense = dense.wrapping_mul(self.shape[i]);
        };
        match self.strides {
            Strides::Given(strides) => strides.iter().enumerate().for_each(|(i, s)| set(i, *s)),
            Strides::Dense(Order::C) => (0..self.shape.len()).rev().for_each(&mut step),
            Strides::Dense(Order::Fortran) => (0..self.shape.len()).for_each(&mut step),
        }
    }

    fn suboffset(&self, axis: usize) -> isize {
        self.suboffsets.map_or(-1, |suboffsets| suboffsets[axis])
    }
}

/// Lays one loop for each dimension of `shape`, outermost first. `axes`, `shape` and both sides have
/// the same number of dimensions.
pub fn lay(axes: &mut [Axis], shape: &[isize], dst: Side, src: Side) {
    for (i, axis) in axes.iter_mut().enumerate() {
        *axis = Axis {
            n: shape[i],
            dst: 0,
            src: 0,
            dst_suboffset: dst.suboffset(i),
            src_suboffset: src.suboffset(i),
            index: 0,
        };
    }
    dst.each_stride(|i, stride| axes[i].dst = stride);
    src.each_stride(|i, stride| axes[i].src = stride);
}

/// Whether no byte of the destination is written twice, as far as can be told from strides sorted by
/// size: each must step over all that the smaller ones reach. Sorts nothing and allocates nothing;
/// quadratic in the number of dimensions, which is small.
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

/// Loops in the order in which they are best run.
#[derive(Debug, PartialEq, Eq)]
pub struct Plan<'a> {
    /// The loops, outermost first; none has fewer than two steps.
    pub axes: &'a mut [Axis],
    /// The size of what lies back to back in both arrays and is copied at once.
    pub run: usize,
    /// Where the first run lies in the destination.
    pub dst: isize,
    /// Where the first run lies in the source.
    pub src: isize,
}

/// Drops loops of one step, turns them so that the destination is written upwards, sorts them by the
/// destination's stride, merges those that step as one, and takes what is dense in both arrays into
/// the run.
///
/// All loops have at least one step, none follows a pointer, and `writes_each_byte_once` holds.
pub fn canonicalise(axes: &mut [Axis], itemsize: isize) -> Plan<'_> {
    let (mut dst, mut src) = (0, 0);
    let mut kept = 0;
    for i in 0..axes.len() {
        let mut axis = axes[i];
        if axis.n == 1 {
            continue;
        }
        if axis.dst < 0 {
            dst += (axis.n - 1) * axis.dst;
            src += (axis.n - 1) * axis.src;
            axis.dst = -axis.dst;
            axis.src = -axis.src;
        }
        let mut at = kept;
        while at > 0 && axes[at - 1].dst < axis.dst {
            axes[at] = axes[at - 1];
            at -= 1;
        }
        axes[at] = axis;
        kept += 1;
    }
    let mut kept = merge(&mut axes[..kept]);
    let mut run = itemsize;
    if let Some(last) = axes[..kept].last().filter(|last| last.dst == run && last.src == run) {
        run *= last.n;
        kept -= 1;
    }
    Plan { axes: &mut axes[..kept], run: run.unsigned_abs(), dst, src }
}

/// Merges neighbours of which the outer steps as if it continued the inner; returns how many remain.
fn merge(axes: &mut [Axis]) -> usize {
    let mut kept = 0;
    for i in 0..axes.len() {
        let axis = axes[i];
        if kept > 0 {
            let outer = &mut axes[kept - 1];
            if outer.dst == axis.n * axis.dst && outer.src == axis.n * axis.src {
                *outer = Axis { n: outer.n * axis.n, dst: axis.dst, src: axis.src, ..*outer };
                continue;
            }
        }
        axes[kept] = axis;
        kept += 1;
    }
    kept
}

/// How the first items of an array lie along its slowest dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slabs {
    /// The slowest dimension that has more than one step.
    pub axis: usize,
    /// How many whole steps along it the items fill.
    pub whole: isize,
    /// How many items are left over, fewer than a step has.
    pub rest: isize,
}

/// Divides the first `items` items, counted in `order`, into slabs, and sets the indices to the
/// first item behind the whole ones.
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
    let slabs = Slabs { axis, whole: items / slab, rest: items % slab };
    axes[axis].index = slabs.whole;
    slabs
}

/// Makes the loops span the whole slabs and nothing else.
pub fn keep_slabs(axes: &mut [Axis], slabs: Slabs) {
    axes.iter_mut().for_each(|axis| axis.index = 0);
    if let Some(axis) = axes.get_mut(slabs.axis) {
        axis.n = slabs.whole;
    }
}

#[cfg(test)]
mod tests;

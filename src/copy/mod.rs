//! Runs a copy from one array to another of the same shape.
//!
//! Assumes that all sizes were checked (V1 to V3 of `View`), and that the pointers are valid (V4). Raises nothing:
//! the only error that it returns is that memory was refused.

mod direct;
mod indirect;
mod odometer;
mod overlap;
pub mod part;
mod room;
pub mod small;
mod storage;
mod weave;

#[cfg(test)]
mod tests;

use core::ptr;

use crate::block::Block;
use crate::error::NoMemory;
use crate::fresh;
use crate::layout::Order;
use crate::plan::{self, Axis, Kept, Side, Strides};

/// One of the two arrays of a copy.
#[derive(Clone, Copy)]
pub struct Array<'a> {
    /// The first item.
    pub buf: *mut u8,
    /// Its layout.
    pub side: Side<'a>,
}

/// Which items are copied, and in which order they are written. The order matters where the destination's items
/// overlap one another.
#[derive(Clone, Copy)]
pub struct Sequence<'a> {
    /// `shape[ndim]` of what is copied.
    pub shape: &'a [isize],
    /// The size of an item in bytes.
    pub itemsize: isize,
    /// The order in which the items are counted.
    pub order: Order,
    /// How many of them are copied, counted in `order`; at most `product(shape)`.
    pub items: isize,
    /// Whether the first item is written last, as `PyObject_CopyData` does.
    pub first_comes_last: bool,
}

/// Copies the items of `sequence` from `src` to `dst`, as if all of the source had been read before
/// anything was written.
///
/// # Safety
/// * ITEMS: both arrays have `sequence.shape.len()` dimensions, and at every index of the sequence
///   `sequence.itemsize` bytes are readable at `src` and writable at `dst`; offsets fit an `isize`.
pub unsafe fn copy(dst: Array, src: Array, sequence: Sequence) -> Result<(), NoMemory> {
    if sequence.items == 0 || sequence.shape.contains(&0) {
        return Ok(());
    }
    // SAFETY: the same arrays (caller: ITEMS).
    if unsafe { copy_unless(overlap::meet, dst, src, sequence) }? {
        return Ok(());
    }
    // SAFETY: the same arrays (caller: ITEMS).
    unsafe { copy_staged(dst, src, sequence) }
}

/// Copies through a temporary block.
///
/// # Safety
/// * ITEMS: as for [`copy`].
unsafe fn copy_staged(dst: Array, src: Array, sequence: Sequence) -> Result<(), NoMemory> {
    let size = sequence.items.checked_mul(sequence.itemsize).ok_or(NoMemory)?;
    let block = Block::new(size.unsigned_abs()).ok_or(NoMemory)?;
    let side = Side {
        shape: sequence.shape,
        itemsize: sequence.itemsize,
        strides: Strides::Dense(sequence.order),
        suboffsets: None,
    };
    let between = Array { buf: block.start(), side };
    // The block may lie in a gap of either array, where a comparison of extents would find an overlap.
    // SAFETY: the first `items` items of a dense array, counted in its own order, are its first `size` bytes, which
    // the block has; it is new, so it shares no byte with the arrays, whose items are there (caller: ITEMS).
    unsafe { copy_unless(overlap::never, between, src, sequence) }?;
    // SAFETY: as above.
    unsafe { copy_unless(overlap::never, dst, between, sequence) }?;
    Ok(())
}

/// Copies unless the arrays meet. Returns whether it copied.
///
/// # Safety
/// * ITEMS: as for [`copy`].
/// * MEET: `meet` tells if an item of one array, or a pointer to one, shares a byte with one of the other.
#[inline(never)]
unsafe fn copy_unless(
    meet: overlap::Meet,
    dst: Array,
    src: Array,
    sequence: Sequence,
) -> Result<bool, NoMemory> {
    let mut met = false;
    let kept = Kept::of(sequence.shape, &dst.side, &src.side);
    storage::with_axes(kept.n, &mut |axes| {
        plan::lay(axes, kept, sequence.shape, dst.side, src.side);
        plan::keep_prefix(axes, sequence.items, sequence.order);
        // SAFETY: every index can be reached in both arrays (caller: ITEMS).
        met = unsafe { meet(axes, dst.buf, src.buf, sequence.itemsize) };
        if !met {
            // SAFETY: the same arrays (caller: ITEMS), which do not meet (caller: MEET).
            unsafe { run_apart(axes, dst.buf, src.buf, sequence) };
        }
    })?;
    Ok(!met)
}

/// Runs the loops of a copy between arrays that share no memory.
///
/// # Safety
/// * ITEMS: as for [`copy`].
/// * APART: the arrays do not meet.
/// * AXES: they are laid for these arrays, and all indices are 0.
unsafe fn run_apart(axes: &mut [Axis], dst: *mut u8, src: *mut u8, sequence: Sequence) {
    if plan::are_small(axes, sequence.items, small::ITEMS) {
        if sequence.order == Order::Fortran {
            axes.reverse();
        }
        // SAFETY: the same arrays (caller: ITEMS, APART, AXES), which follow no pointer (`are_small`).
        unsafe { small::copy_axes(axes, dst, src, sequence.itemsize) };
        if sequence.first_comes_last {
            // SAFETY: the first item of each (caller: ITEMS, APART).
            unsafe { ptr::copy_nonoverlapping(src, dst, sequence.itemsize.unsigned_abs()) };
        }
        return;
    }
    let is_direct = axes.iter().all(|axis| axis.dst_suboffset < 0);
    if is_direct && plan::writes_each_byte_once(axes, sequence.itemsize) {
        // SAFETY: the same arrays (caller: ITEMS, APART, AXES); no pointer leads into the destination, and none of its
        // bytes is written twice.
        unsafe { copy_in_any_order(axes, dst, src, sequence) };
    } else {
        // SAFETY: the same arrays (caller: ITEMS, APART, AXES).
        unsafe { copy_in_order(axes, dst, src, sequence) };
    }
}

/// Copies item by item in the sequence's order, following pointers on both sides.
///
/// # Safety
/// * ITEMS, APART, AXES: as for `run_apart`, but the indices may stand anywhere within the shape.
#[inline(never)]
unsafe fn copy_in_order(axes: &mut [Axis], dst: *mut u8, src: *mut u8, sequence: Sequence) {
    let size = sequence.itemsize.unsigned_abs();
    let copy_item = |axes: &[Axis]| {
        // SAFETY: the indices are within the shape, where both arrays can be reached (caller: ITEMS).
        let to = unsafe { odometer::locate_dst(axes, dst) };
        // SAFETY: as above.
        let from = unsafe { odometer::locate_src(axes, src) };
        // SAFETY: an item on both sides (caller: ITEMS), which share no byte (caller: APART).
        unsafe { ptr::copy_nonoverlapping(from, to, size) };
    };
    for _ in 0..sequence.items {
        copy_item(axes);
        odometer::advance(axes, sequence.order);
    }
    if sequence.first_comes_last {
        odometer::reset(axes);
        copy_item(axes);
    }
}

/// Copies in whichever order is fastest.
///
/// # Safety
/// * ITEMS, APART, AXES: as for `run_apart`.
/// * ONCE: no pointer leads into the destination, and no byte of it is written twice.
unsafe fn copy_in_any_order(axes: &mut [Axis], dst: *mut u8, src: *mut u8, sequence: Sequence) {
    let all = axes.iter().fold(1, |all: isize, axis| all.saturating_mul(axis.n));
    let is_indirect = axes.iter().any(|axis| axis.src_suboffset >= 0);
    if sequence.items == all {
        fresh::populate_axes(dst, axes, all, sequence.itemsize);
    }
    match (sequence.items < all, is_indirect) {
        // Only a dense source is copied in part (FromContiguous).
        // SAFETY: the same arrays (caller: ITEMS, APART, AXES, ONCE).
        (true, true) => unsafe { copy_in_order(axes, dst, src, sequence) },
        // SAFETY: as above.
        (true, false) => unsafe { copy_prefix(axes, dst, src, sequence) },
        // SAFETY: as above.
        (false, true) => unsafe { indirect::copy(axes, dst, src, sequence.itemsize) },
        // SAFETY: as above.
        (false, false) => unsafe { direct::copy(axes, dst, src, sequence.itemsize) },
    }
}

/// Copies the first items of an array: whole slabs along its slowest dimension by a direct copy, and the items of
/// the last, incomplete slab one by one.
///
/// # Safety
/// * ITEMS, APART, AXES, ONCE: as for [`copy_in_any_order`], and no pointer leads into the source.
#[inline(never)]
unsafe fn copy_prefix(axes: &mut [Axis], dst: *mut u8, src: *mut u8, sequence: Sequence) {
    let slabs = plan::split_prefix(axes, sequence.items, sequence.order);
    let rest = Sequence { items: slabs.rest, first_comes_last: false, ..sequence };
    // SAFETY: `rest` items of the same arrays (caller: ITEMS, APART), from where `split_prefix` has set the indices.
    unsafe { copy_in_order(axes, dst, src, rest) };
    plan::keep_slabs(axes, slabs);
    if slabs.whole > 0 {
        // SAFETY: the axes now span the whole slabs, a part of the arrays (caller: ITEMS, APART, ONCE).
        unsafe { direct::copy(axes, dst, src, sequence.itemsize) };
    }
}

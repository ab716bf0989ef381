//! Whether the source and the destination of a copy share memory.

use core::ops::Range;

use super::odometer;
use crate::layout::Order;
use crate::layout::extent;
use crate::plan::Axis;
use crate::suboffset::follow;

/// A function that tells whether two arrays meet: [`meet`] or [`never`].
///
/// Safety: as for [`meet`].
pub type Meet = unsafe fn(axes: &mut [Axis], dst: *mut u8, src: *mut u8, itemsize: isize) -> bool;

/// The answer for arrays that are known not to meet.
pub fn never(_: &mut [Axis], _: *mut u8, _: *mut u8, _: isize) -> bool {
    false
}

/// Whether a byte that is written may be one that is read: an item, or a pointer on the way to one.
///
/// Arrays meet if the extent of a block of one meets that of a block of the other. If pointers lead into the
/// destination, everything between its lowest and its highest block counts as written.
///
/// # Safety
/// * ITEMS: both arrays can be reached at every index of the axes; all indices are 0, as they are again
///   afterwards.
pub unsafe fn meet(axes: &mut [Axis], dst: *mut u8, src: *mut u8, itemsize: isize) -> bool {
    let (mut low, mut high) = (usize::MAX, 0);
    // SAFETY: the same arrays (caller: ITEMS).
    unsafe {
        each_range(
            axes,
            dst,
            itemsize,
            |axis| (axis.dst, axis.dst_suboffset),
            |range| {
                (low, high) = (low.min(range.start), high.max(range.end));
                false
            },
        )
    };
    // SAFETY: as above.
    unsafe {
        each_range(
            axes,
            src,
            itemsize,
            |axis| (axis.src, axis.src_suboffset),
            |range| range.start < high && low < range.end,
        )
    }
}

/// Calls `found` with the address range of every block of items and of every pointer that leads to one, until it
/// returns `true`. Returns whether it did.
///
/// # Safety
/// * ITEMS: as for [`meet`], for the array at `first` with the strides and suboffsets that `side` picks.
#[inline(never)]
unsafe fn each_range(
    axes: &mut [Axis],
    first: *mut u8,
    itemsize: isize,
    side: impl Fn(&Axis) -> (isize, isize),
    mut found: impl FnMut(Range<usize>) -> bool,
) -> bool {
    let last_pointer = axes.iter().rposition(|axis| side(axis).1 >= 0);
    let depth = last_pointer.map_or(0, |last| last.saturating_add(1));
    let Some((outer, inner)) = axes.split_at_mut_checked(depth) else { return true };
    let dims = inner.iter().map(|axis| (axis.n, side(axis).0));
    // An extent that overflows meets everything. `View` refuses such arrays (V3).
    let Some(block) = extent::extent(itemsize, dims) else { return true };
    let range_at = |at: *mut u8, low: isize, high: isize| {
        at.addr().wrapping_add_signed(low)..at.addr().wrapping_add_signed(high)
    };
    let Some((last, outer)) = outer.split_last_mut() else {
        return found(range_at(first, block.low, block.high));
    };
    let pointer = |at: *mut u8| range_at(at, 0, size_of::<*mut u8>().cast_signed());
    loop {
        let mut at = first;
        for axis in outer.iter() {
            let (stride, suboffset) = side(axis);
            at = at.wrapping_offset(axis.index.wrapping_mul(stride));
            if suboffset >= 0 && found(pointer(at)) {
                odometer::reset(outer);
                return true;
            }
            // SAFETY: the index is within the shape (caller: ITEMS).
            at = unsafe { follow(at, suboffset) };
        }
        // The innermost pointers, which are most of all, have a loop of their own.
        let (stride, suboffset) = side(last);
        for _ in 0..last.n {
            // SAFETY: as above.
            let to = unsafe { follow(at, suboffset) };
            if found(pointer(at)) || found(range_at(to, block.low, block.high)) {
                odometer::reset(outer);
                return true;
            }
            at = at.wrapping_offset(stride);
        }
        if !odometer::advance(outer, Order::C) {
            return false;
        }
    }
}

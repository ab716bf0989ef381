//! A share of a copy, for callers that copy with several threads.

use super::{Array, Sequence, copy, direct, overlap, storage};
use crate::error::NoMemory;
use crate::fresh;
use crate::plan::shares::{Division, LINE, Share};
use crate::plan::{self, Axis, Kept};

/// How a copy can be divided.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Split {
    /// Not at all: the arrays share memory.
    Overlap,
    /// Not at all: items of the destination overlap one another, or lie behind pointers.
    Whole,
    /// Along the first loop, as pointers are followed in the source.
    FirstLoop,
    /// Along the loops of a plan.
    Plan,
}

impl Split {
    /// How the copy between these axes' arrays can be divided.
    ///
    /// # Safety
    /// * ITEMS: as for [`overlap::meet`].
    unsafe fn of(axes: &mut [Axis], dst: *mut u8, src: *mut u8, itemsize: isize) -> Self {
        // SAFETY: the same arrays (caller: ITEMS).
        if unsafe { overlap::meet(axes, dst, src, itemsize) } {
            return Self::Overlap;
        }
        let is_direct = axes.iter().all(|axis| axis.dst_suboffset < 0);
        if !is_direct || !plan::writes_each_byte_once(axes, itemsize) {
            Self::Whole
        } else if axes.iter().any(|axis| axis.src_suboffset >= 0) {
            Self::FirstLoop
        } else {
            Self::Plan
        }
    }

    /// The number of parts, at most `max`, that each touch at least `least` bytes of each array, on average.
    #[inline(never)]
    fn n_parts(self, axes: &[Axis], sequence: &Sequence, max: isize, least: isize) -> isize {
        match self {
            Self::Overlap | Self::Whole => 1,
            Self::FirstLoop | Self::Plan => {
                let each = bytes_of_each(axes, sequence.itemsize);
                let bytes = sequence.items.saturating_mul(each);
                bytes.checked_div(least).unwrap_or(1).clamp(1, max.max(1))
            }
        }
    }
}

/// How many bytes an item costs each array, on average. Of lines that have few items, all bytes are moved.
fn bytes_of_each(axes: &[Axis], itemsize: isize) -> isize {
    let (mut dst, mut src) = (0, 0);
    for axis in axes {
        (dst, src) = (nearer(dst, axis.dst), nearer(src, axis.src));
    }
    dst.min(LINE).max(itemsize).saturating_add(src.min(LINE).max(itemsize)) >> 1
}

/// The smaller of two distances between items, of which 0 is none. (Out of line: shorter than a vectorised loop.)
#[inline(never)]
fn nearer(distance: isize, stride: isize) -> isize {
    let other = stride.saturating_abs();
    if distance == 0 || (other != 0 && other < distance) { other } else { distance }
}

/// How many parts a copy has: at most `max`, which each touch at least `least` bytes of each array, on average; 0 if
/// the arrays share memory.
///
/// # Safety
/// * ITEMS: as for [`copy`].
pub unsafe fn n_parts(
    dst: Array,
    src: Array,
    sequence: Sequence,
    max: isize,
    least: isize,
) -> Result<isize, NoMemory> {
    let mut n_parts = 1;
    // SAFETY: the same arrays (caller: ITEMS).
    unsafe {
        with_split(dst, src, sequence, &mut |split, axes| {
            n_parts = match split {
                Split::Overlap => 0,
                _ => split.n_parts(axes, &sequence, max, least),
            };
        })
    }?;
    Ok(n_parts)
}

/// Copies one share of `sequence`, which covers whole arrays in C order. Returns whether it could: not if the
/// arrays share memory. All shares together copy each item once, in any order, and may run at the same time.
///
/// A share touches at least `least` bytes of each array, so if there are many, the last ones may be empty. A destination whose items
/// overlap one another is copied by the first share.
///
/// # Safety
/// * ITEMS: as for [`copy`].
pub unsafe fn copy_share(
    dst: Array,
    src: Array,
    sequence: Sequence,
    share: Share,
    least: isize,
) -> Result<bool, NoMemory> {
    let (mut is_apart, mut is_whole) = (true, false);
    let mut work = |split: Split, axes: &mut [Axis]| {
        let share =
            Share { n_parts: split.n_parts(axes, &sequence, share.n_parts, least), ..share };
        match split {
            Split::Overlap => is_apart = false,
            _ if share.part >= share.n_parts => {}
            _ if share.n_parts == 1 => is_whole = true,
            Split::Whole => is_whole = true,
            // SAFETY: the same arrays (caller: ITEMS), which do not meet; no pointer leads into the destination.
            Split::FirstLoop => unsafe {
                along_first_loop(axes, dst.buf, src.buf, sequence, share)
            },
            // SAFETY: as above, and no pointer is followed.
            Split::Plan => unsafe { along_plan(axes, dst.buf, src.buf, sequence.itemsize, share) },
        }
    };
    // SAFETY: the same arrays (caller: ITEMS).
    unsafe { with_split(dst, src, sequence, &mut work) }?;
    if is_whole {
        // SAFETY: the same arrays (caller: ITEMS).
        unsafe { copy(dst, src, sequence) }?;
    }
    Ok(is_apart)
}

/// Calls `work` with how a copy can be divided and its loops, unless it has no items.
///
/// # Safety
/// * ITEMS: as for [`copy`].
unsafe fn with_split(
    dst: Array,
    src: Array,
    sequence: Sequence,
    work: &mut dyn FnMut(Split, &mut [Axis]),
) -> Result<(), NoMemory> {
    if sequence.items == 0 || sequence.shape.contains(&0) {
        return Ok(());
    }
    let kept = Kept::of(sequence.shape, &dst.side, &src.side);
    storage::with_axes(kept.n, &mut |axes| {
        plan::lay(axes, kept, sequence.shape, dst.side, src.side);
        // SAFETY: every index can be reached in both arrays (caller: ITEMS).
        let split = unsafe { Split::of(axes, dst.buf, src.buf, sequence.itemsize) };
        work(split, axes);
    })
}

/// Copies a share of the steps of the first loop.
///
/// # Safety
/// * ITEMS: the loops' indices, which are 0, can be reached in both arrays, which do not meet; no byte of the
///   destination is written twice, and no pointer leads into it.
unsafe fn along_first_loop(
    axes: &mut [Axis],
    dst: *mut u8,
    src: *mut u8,
    sequence: Sequence,
    share: Share,
) {
    let Some(axis) = axes.first_mut() else { return };
    let (first, end) = share.of(axis.n);
    if first == end {
        return;
    }
    let (dst, src) = (
        dst.wrapping_offset(first.wrapping_mul(axis.dst)),
        src.wrapping_offset(first.wrapping_mul(axis.src)),
    );
    axis.n = end.wrapping_sub(first);
    let items = axes.iter().fold(1, |items: isize, axis| items.saturating_mul(axis.n));
    // SAFETY: a part of the steps of the first loop (caller: ITEMS).
    unsafe { super::copy_in_any_order(axes, dst, src, Sequence { items, ..sequence }) };
}

/// Copies a share of the plan's loops.
///
/// # Safety
/// * ITEMS: as for [`along_first_loop`], and no pointer is followed.
#[inline(never)]
unsafe fn along_plan(axes: &mut [Axis], dst: *mut u8, src: *mut u8, itemsize: isize, share: Share) {
    let room = axes.len();
    let plan = plan::canonicalise(axes, itemsize);
    let (dst, src) = (dst.wrapping_offset(plan.dst), src.wrapping_offset(plan.src));
    let mut division = Division::NONE;
    if !division.divide(&plan, share.n_parts, dst.addr(), src.addr(), room) {
        let (mut dst, mut src) = (dst, src);
        let (first, end) = share.of(plan.axes.first().map_or(1, |axis| axis.n));
        if first == end {
            return;
        }
        if let Some(axis) = plan.axes.first_mut() {
            dst = dst.wrapping_offset(first.wrapping_mul(axis.dst));
            src = src.wrapping_offset(first.wrapping_mul(axis.src));
            axis.n = end.wrapping_sub(first);
        }
        // SAFETY: a part of the steps of the plan's first loop, or the one item (caller: ITEMS).
        unsafe { direct::copy(plan.axes, dst, src, plan.run.cast_signed()) };
        return;
    }
    // The division has a copy of the plan's loops; their memory is used for the part's.
    let (mut first, end) = share.of(division.units());
    while first < end {
        let Some((part, next)) = division.next(first, end, axes) else { return };
        let (dst, src) = (dst.wrapping_offset(part.dst), src.wrapping_offset(part.src));
        let items = part.axes.iter().fold(1, |items: isize, axis| items.saturating_mul(axis.n));
        fresh::populate_axes(dst, part.axes, items, division.itemsize());
        // SAFETY: a box of the plan's steps (caller: ITEMS).
        unsafe { direct::copy(part.axes, dst, src, division.itemsize()) };
        first = next;
    }
}

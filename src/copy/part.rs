//! A share of a copy, for a caller that copies by several threads.

use super::{Array, Sequence, copy, direct, overlap, storage};
use crate::error::NoMemory;
use crate::plan::shares::{Division, Share};
use crate::plan::{self, Axis, Kept};

/// What became of a share.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Its items are copied.
    Done,
    /// The arrays share memory, so none of them was.
    Overlap,
}

/// Copies the items of one share of `sequence`, which is of whole arrays, in C order. All shares together copy each
/// item once, in any order and at the same time. A destination whose items overlap one another is copied by the first
/// share.
///
/// # Safety
/// * ITEMS: as for [`copy`].
pub unsafe fn copy_share(
    dst: Array,
    src: Array,
    sequence: Sequence,
    share: Share,
) -> Result<Outcome, NoMemory> {
    if sequence.items == 0 || sequence.shape.contains(&0) {
        return Ok(Outcome::Done);
    }
    let mut outcome = Outcome::Done;
    let mut is_whole = false;
    let kept = Kept::of(sequence.shape, &dst.side, &src.side);
    storage::with_axes(kept.n, &mut |axes| {
        plan::lay(axes, kept, sequence.shape, dst.side, src.side);
        // SAFETY: every index can be reached in both arrays (caller: ITEMS).
        if unsafe { overlap::meet(axes, dst.buf, src.buf, sequence.itemsize) } {
            outcome = Outcome::Overlap;
            return;
        }
        let is_direct = axes.iter().all(|axis| axis.dst_suboffset < 0);
        if !is_direct || !plan::writes_each_byte_once(axes, sequence.itemsize) {
            is_whole = true;
        } else if axes.iter().any(|axis| axis.src_suboffset >= 0) {
            // SAFETY: the same arrays (caller: ITEMS), which do not meet; no pointer leads into the destination.
            unsafe { along_first_loop(axes, dst.buf, src.buf, sequence, share) };
        } else {
            // SAFETY: as above, and no pointer is followed.
            unsafe { along_plan(axes, dst.buf, src.buf, sequence.itemsize, share) };
        }
    })?;
    if is_whole && share.part == 0 {
        // SAFETY: the same arrays (caller: ITEMS).
        unsafe { copy(dst, src, sequence) }?;
    }
    Ok(outcome)
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

/// Copies a share of the units of the loops as the plan has them.
///
/// # Safety
/// * ITEMS: as for [`along_first_loop`], and no pointer is followed.
#[inline(never)]
unsafe fn along_plan(axes: &mut [Axis], dst: *mut u8, src: *mut u8, itemsize: isize, share: Share) {
    let plan = plan::canonicalise(axes, itemsize);
    let (dst, src) = (dst.wrapping_offset(plan.dst), src.wrapping_offset(plan.src));
    let Some(division) = Division::new(&plan, share.n_parts, dst.addr(), src.addr()) else {
        let run = plan.run.cast_signed();
        let Some(axis) = plan.axes.first_mut() else { return };
        let (first, end) = share.of(axis.n);
        let (d, s) = (first.wrapping_mul(axis.dst), first.wrapping_mul(axis.src));
        axis.n = end.wrapping_sub(first);
        if first < end {
            // SAFETY: a part of the steps of the plan's first loop (caller: ITEMS).
            unsafe { direct::copy(plan.axes, dst.wrapping_offset(d), src.wrapping_offset(s), run) };
        }
        return;
    };
    let (mut first, end) = share.of(division.units());
    while first < end {
        let Some((mut part, next)) = division.next(first, end) else { return };
        let (dst, src) = (dst.wrapping_offset(part.dst), src.wrapping_offset(part.src));
        // SAFETY: a box of the plan's steps (caller: ITEMS).
        unsafe { direct::copy(part.axes(), dst, src, division.itemsize()) };
        first = next;
    }
}

//! Copies of arrays whose items are found through pointers, into arrays without any.
//!
//! The loops up to the last pointer are run by index, what lies behind it as a direct copy with one plan for
//! all. Where the last pointers are of rows that follow each other in the destination item by item, their
//! columns are woven instead.

use core::mem::MaybeUninit;
use core::{ptr, slice};

use super::{direct, odometer, weave};
use crate::kernels;
use crate::layout::Order;
use crate::plan::{self, Axis, MOST_ROWS, Plan};

/// Copies a whole array.
///
/// # Safety
/// Every index of the axes can be reached in both arrays, which share no byte; no byte of the destination
/// is written twice; a pointer leads into the source alone, and all indices are 0.
#[inline(never)]
pub unsafe fn copy(axes: &mut [Axis], dst: *mut u8, src: *mut u8, itemsize: isize) {
    let last_pointer = axes.iter().rposition(|axis| axis.src_suboffset >= 0);
    let depth = last_pointer.map_or(0, |last| last.saturating_add(1));
    let Some((outer, inner)) = axes.split_at_mut_checked(depth) else { return };
    let Some((pointers, outer)) = outer.split_last_mut() else { return };
    let mut plan = plan::canonicalise(inner, itemsize);
    let w = kernels::width_of(plan.run).filter(|_| plan::is_column(&plan, pointers));
    loop {
        // SAFETY: the indices are within the shape (caller).
        let to = unsafe { odometer::locate_dst(outer, dst) }.wrapping_offset(plan.dst);
        // SAFETY: as above.
        let from = unsafe { odometer::locate_src(outer, src) };
        match w {
            // SAFETY: the rows behind these indices, whose columns the plan has.
            Some(w) => unsafe { weave_rows(w, &mut plan, pointers, to, from) },
            // SAFETY: the same rows.
            None => unsafe { copy_rows(&mut plan, pointers, to, from) },
        }
        if !odometer::advance(outer, Order::C) {
            return;
        }
    }
}

/// Where the row behind a pointer begins.
///
/// # Safety
/// A pointer is readable at `at`.
#[inline]
unsafe fn follow(at: *mut u8, suboffset: isize) -> *mut u8 {
    // SAFETY: a pointer is there (caller); exporters need not align it.
    unsafe { at.cast::<*mut u8>().read_unaligned() }.wrapping_offset(suboffset)
}

/// Copies what is behind each pointer of a loop.
///
/// # Safety
/// As for [`copy`], for the pointers from `src` on.
unsafe fn copy_rows(plan: &mut Plan, pointers: &Axis, mut dst: *mut u8, mut src: *mut u8) {
    for _ in 0..pointers.n {
        // SAFETY: the loop's pointers (caller).
        let from = unsafe { follow(src, pointers.src_suboffset) }.wrapping_offset(plan.src);
        if plan.axes.is_empty() {
            // SAFETY: one run is behind this pointer (caller).
            unsafe { ptr::copy_nonoverlapping(from, dst, plan.run) };
        } else {
            // SAFETY: the block behind this pointer is reached by the inner loops (caller).
            unsafe { direct::run(plan, dst, from) };
        }
        dst = dst.wrapping_offset(pointers.dst);
        src = src.wrapping_offset(pointers.src);
    }
}

/// Copies what is behind each pointer of a loop along which the destination is dense, many rows at once.
///
/// # Safety
/// As for [`copy_rows`]; `plan::is_column` holds, and `w` is the number of the run's width.
unsafe fn weave_rows(
    w: usize,
    plan: &mut Plan,
    pointers: &Axis,
    mut dst: *mut u8,
    mut src: *mut u8,
) {
    let mut room = [const { MaybeUninit::<*mut u8>::uninit() }; MOST_ROWS];
    let mut left = pointers.n.unsigned_abs();
    while left > 0 {
        let n = left.min(MOST_ROWS);
        for row in room.iter_mut().take(n) {
            // SAFETY: the loop's pointers (caller).
            row.write(unsafe { follow(src, pointers.src_suboffset) }.wrapping_offset(plan.src));
            src = src.wrapping_offset(pointers.src);
        }
        // SAFETY: so many were written.
        let rows = unsafe { slice::from_raw_parts_mut(room.as_mut_ptr().cast(), n) };
        // SAFETY: the rows behind these pointers are reached by the inner loops, the last of which is dense
        // in the source; the destination is dense along the rows.
        unsafe { weave::run_rows(kernels::selected(), w, plan.axes, 1, rows, dst, ptr::null()) };
        dst = dst.wrapping_offset(pointers.dst.wrapping_mul(n.cast_signed()));
        left = left.wrapping_sub(n);
    }
}

//! Copies between arrays without suboffsets: the plan's outer loops around one kernel.

use core::ptr;

use super::{odometer, weave};
use crate::kernels::{self, Kernels, generic, odd};
use crate::plan::{self, Axis, Class, Plan};

/// Copies a whole array.
///
/// # Safety
/// * ITEMS: every index of the axes can be reached in both arrays, which share no byte; no byte of the
///   destination is written twice; no pointer is followed, and all indices are 0.
pub unsafe fn copy(axes: &mut [Axis], dst: *mut u8, src: *const u8, itemsize: isize) {
    let mut plan = plan::canonicalise(axes, itemsize);
    let dst = dst.wrapping_offset(plan.dst);
    let src = src.wrapping_offset(plan.src);
    // SAFETY: the plan visits the same items as the axes did (caller: ITEMS).
    unsafe { run(&mut plan, dst, src) };
}

/// Runs a plan's loops.
///
/// # Safety
/// * RUNS: at every index of the plan's axes, `run` bytes are readable at `src` and writable at `dst`; the arrays
///   share no byte and no byte is written twice; all indices are 0, as they are again afterwards.
pub unsafe fn run(plan: &mut Plan, dst: *mut u8, src: *const u8) {
    let kernels = kernels::selected();
    let run = plan.run;
    match (&mut *plan.axes, plan.class, kernels::width_of(run)) {
        // SAFETY: without loops there is one run (caller: RUNS).
        ([], ..) => unsafe { ptr::copy_nonoverlapping(src, dst, run) },
        ([outer @ .., column, row], Class::Transpose, w) if w.is_some() || run <= odd::LONG => {
            let (columns, rows) = (column.n.unsigned_abs(), row.n.unsigned_abs());
            let (d, s) = (column.dst, row.src);
            odometer::each(outer, dst, src, &mut |dst, src| {
                // SAFETY: the two inner loops at the outer ones' indices (caller: RUNS).
                unsafe { kernels.transpose_any(run, dst, d, src, s, columns, rows) };
            });
        }
        (axes, Class::Weave { columns, rows }, Some(w)) => {
            // SAFETY: the same plan, which is a weave's (caller: RUNS).
            let is_woven = unsafe { weave::run(kernels, w, axes, columns, rows, dst, src) };
            if let ([outer @ .., inner], false) = (axes, is_woven) {
                // SAFETY: the inner loop at the outer ones' indices (caller: RUNS).
                unsafe { run_items(kernels, Class::Items, run, outer, inner, dst, src) };
            }
        }
        ([outer @ .., inner], class, Some(_)) => {
            // SAFETY: the inner loop at the outer ones' indices (caller: RUNS).
            unsafe { run_items(kernels, class, run, outer, inner, dst, src) };
        }
        (axes, _, None) => {
            let streamed = kernels.streamed.filter(|_| is_streamed(axes, run));
            if streamed.is_some() {
                plan::sort_by_source(axes);
            }
            let copy = streamed.unwrap_or(kernels.runs);
            let [outer @ .., inner] = axes else { return };
            let n = inner.n.unsigned_abs();
            odometer::each(outer, dst, src, &mut |dst, src| {
                // SAFETY: as above.
                unsafe { copy(dst, inner.dst, src, inner.src, n, run) };
            });
        }
    }
}

/// Shorter runs have too few whole cache lines.
const STREAMED: usize = 128;

/// Whether runs are written by non-temporal stores, the source being read from its first byte to its last: where the
/// caches cannot hold the destination (D-46).
fn is_streamed(axes: &[Axis], run: usize) -> bool {
    let bytes = axes.iter().fold(run, |bytes, axis| bytes.saturating_mul(axis.n.unsigned_abs()));
    run >= STREAMED && bytes >= kernels::limits().huge
}

/// Runs a plan whose one inner loop is over items of a width that has kernels.
///
/// # Safety
/// * RUNS: as for [`run`].
unsafe fn run_items(
    kernels: &Kernels,
    class: Class,
    width: usize,
    outer: &mut [Axis],
    inner: &Axis,
    dst: *mut u8,
    src: *const u8,
) {
    let n = inner.n.unsigned_abs();
    match class {
        Class::Gather => {
            // SAFETY: the items of the inner loop at the outer ones' indices (caller: RUNS).
            odometer::each(outer, dst, src, &mut |dst, src| unsafe {
                (kernels.gather)(width, dst, src, inner.src, n)
            });
        }
        Class::Scatter => {
            // SAFETY: as above.
            odometer::each(outer, dst, src, &mut |dst, src| unsafe {
                (kernels.scatter)(width, dst, src, inner.dst, n)
            });
        }
        Class::Fill => {
            // SAFETY: as above.
            odometer::each(outer, dst, src, &mut |dst, src| unsafe {
                (kernels.fill)(width, dst, src, n)
            });
        }
        Class::Items | Class::Transpose | Class::Weave { .. } => {
            let items = generic::items_of(width);
            // SAFETY: as above.
            odometer::each(outer, dst, src, &mut |dst, src| unsafe {
                items(dst, inner.dst, src, inner.src, n)
            });
        }
    }
}

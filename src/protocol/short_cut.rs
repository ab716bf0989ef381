//! Copies most views without a `View`, whose set-up would take longer than a small copy.
//!
//! Each function returns whether it did the copy. If not (the numbers are not small or do not agree with each
//! other, or the arrays meet), nothing was written, and the copy goes the long way.

use core::ptr;

use super::sides::{Direction, meet, move_bytes};
use crate::copy::small as few_loops;
use crate::layout::Order;
use crate::layout::extent::Extent;
use crate::view::{Fields, Small};

/// Copies between a view and a block as large as the view (D-37). Returns whether it did: only for a view whose
/// numbers are small and agree with each other, which has no pointers and does not meet the block.
///
/// # Safety
/// * BLOCK: `block` is null or has as many bytes as the view; they may be written if `direction` says so.
/// * VIEW: the view is held; its memory may be written if `direction` says so.
#[inline(always)]
pub unsafe fn copy(view: Fields, block: *mut u8, order: Order, direction: Direction) -> bool {
    let Some(small) = Small::new(view, order) else { return false };
    if block.is_null() {
        return false;
    }
    let (dense, buf) = (small.dense(), view.buf().cast());
    let (to, from) = direction.sort(buf, block);
    if small.lies_at(&dense) {
        // SAFETY: as many bytes on both sides, which may overlap (caller: BLOCK, VIEW).
        unsafe { move_bytes(to, from, small.len) };
        return true;
    }
    if meet((buf, &small.extent), (block, &Extent { low: 0, high: small.len })) {
        return false;
    }
    let (dst, src) = direction.sort(&small.strides, &dense);
    let loops = few_loops::Loops { n: &small.shape, dst, src, itemsize: small.itemsize };
    // SAFETY: both arrays have the items of these loops (V1 to V3; caller: BLOCK, VIEW), and do not meet.
    unsafe { copy_apart(to, from, &loops, small.len) }
}

/// Copies between two views whose shapes and itemsizes are equal, in C order, and the first item last if
/// `first_comes_last`. Returns whether it did.
///
/// # Safety
/// * VIEWS: both are held, and the memory of `dest` may be written.
#[inline(never)]
pub unsafe fn copy_views(dest: Fields, src: Fields, first_comes_last: bool) -> bool {
    let into = Small::new(dest, Order::C);
    let from = Small::new(src, Order::C);
    let (Some(into), Some(from)) = (into, from) else { return false };
    if (dest.ndim(), into.shape, into.itemsize) != (src.ndim(), from.shape, from.itemsize) {
        return false;
    }
    let dense = into.dense();
    let (to, at) = (dest.buf().cast(), src.buf().cast());
    if into.lies_at(&dense) && from.lies_at(&dense) {
        // SAFETY: dense arrays of as many bytes, which may overlap (caller: VIEWS).
        unsafe { move_bytes(to, at, into.len) };
        return true;
    }
    if meet((to, &into.extent), (at, &from.extent)) {
        return false;
    }
    let itemsize = into.itemsize;
    let loops =
        few_loops::Loops { n: &into.shape, dst: &into.strides, src: &from.strides, itemsize };
    // SAFETY: both arrays have the items of these loops (V1 to V3; caller: VIEWS), and do not meet.
    let is_done = unsafe { copy_apart(to, at, &loops, into.len) };
    if is_done && first_comes_last {
        // SAFETY: the first item of each (caller: VIEWS).
        unsafe { ptr::copy_nonoverlapping(at, to, itemsize.unsigned_abs()) };
    }
    is_done
}

/// Copies `len` bytes as if in the order of the loops. Returns whether it did.
///
/// # Safety
/// * APART: the items of both arrays are there, those of the first may be written, and the arrays do not meet.
#[inline(always)]
unsafe fn copy_apart(to: *mut u8, from: *mut u8, loops: &few_loops::Loops, len: isize) -> bool {
    if len > few_loops::ITEMS.wrapping_mul(loops.itemsize) {
        // SAFETY: the same loops (caller: APART).
        return unsafe { few_loops::copy_many(to, from, loops) };
    }
    // SAFETY: the same loops (caller: APART).
    unsafe { few_loops::copy(to, from, loops) };
    true
}

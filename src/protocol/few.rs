//! Copies without a `View`, and of few items without a plan: their set-up would cost more than the copy.
//!
//! Each function tells whether it did the copy. Where it did not, because the numbers are not small, do
//! not agree with each other or the arrays meet, nothing was written, and the long way decides.

use core::ptr;

use super::copy::move_bytes;
use crate::abi::Py_buffer;
use crate::copy::few;
use crate::layout::Order;
use crate::layout::extent::Extent;
use crate::view::{Fields, Small};

/// Copies between a view and a block without a `View`, whose set-up would cost more than the copy (2x3x4
/// items of 4 bytes: 18 ns, libpython 8 times as long; 8 items [::2] 11 ns; Xeon, `copies tiny`). Whether
/// it did: only for a view whose numbers are small and agree with each other, which has no pointers and does
/// not meet the block.
///
/// # Safety
/// The view's arrays are there, it is held, the block is null or has `view.len` bytes, and what is written
/// may be written.
#[inline(always)]
pub unsafe fn copy(view: &Py_buffer, block: *mut u8, order: Order, into: Into) -> bool {
    // SAFETY: the view's arrays are there (caller).
    let Some(small) = Small::new(unsafe { Fields::new(view) }, order) else { return false };
    if block.is_null() {
        return false;
    }
    let dense = small.dense();
    let (to, from) = into.sort(view.buf.cast(), block);
    if small.lies_at(&dense) {
        // SAFETY: as many bytes on both sides (caller), which may overlap.
        unsafe { move_bytes(to, from, small.len) };
        return true;
    }
    if meet((view.buf.cast(), &small.extent), (block, &Extent { low: 0, high: small.len })) {
        return false;
    }
    let (dst, src) = into.sort(&small.strides, &dense);
    let loops = few::Loops { n: &small.shape, dst, src, itemsize: small.itemsize };
    // SAFETY: the numbers agree with each other (V1 to V3), the rest is the caller's promise.
    unsafe { copy_apart(to, from, &loops, small.len) }
}

/// Which of a block and a view is written.
#[derive(Clone, Copy)]
pub enum Into {
    /// The block.
    Block,
    /// The view.
    View,
}

impl Into {
    /// The view's part and the block's, the one that is written first.
    pub fn sort<T>(self, view: T, block: T) -> (T, T) {
        match self {
            Self::Block => (block, view),
            Self::View => (view, block),
        }
    }
}

/// Whether a byte of one array is one of the other.
#[inline(always)]
fn meet((one, a): (*mut u8, &Extent), (other, b): (*mut u8, &Extent)) -> bool {
    one.wrapping_offset(a.low) < other.wrapping_offset(b.high)
        && other.wrapping_offset(b.low) < one.wrapping_offset(a.high)
}

/// Copies `len` bytes as if in the order of the loops; whether it did.
///
/// # Safety
/// The items of both arrays, which do not meet, are there, and those of the first may be written.
#[inline(always)]
unsafe fn copy_apart(to: *mut u8, from: *mut u8, loops: &few::Loops, len: isize) -> bool {
    if len > few::ITEMS.wrapping_mul(loops.itemsize) {
        // SAFETY: the caller's promise is the callee's.
        return unsafe { few::copy_many(to, from, loops) };
    }
    // SAFETY: as above.
    unsafe { few::copy(to, from, loops) };
    true
}

/// Copies between two views whose shapes and itemsizes are equal, in C order, and the first
/// item last if it is to be; whether it did.
///
/// # Safety
/// As for [`super::transfer::copy`].
#[inline(never)]
pub unsafe fn copy_views(dest: &Py_buffer, src: &Py_buffer, first_comes_last: bool) -> bool {
    // SAFETY: the views' arrays are there (caller).
    let into = Small::new(unsafe { Fields::new(dest) }, Order::C);
    // SAFETY: as above.
    let from = Small::new(unsafe { Fields::new(src) }, Order::C);
    let (Some(into), Some(from)) = (into, from) else { return false };
    if (dest.ndim, into.shape, into.itemsize) != (src.ndim, from.shape, from.itemsize) {
        return false;
    }
    let dense = into.dense();
    let (to, at) = (dest.buf.cast(), src.buf.cast());
    if into.lies_at(&dense) && from.lies_at(&dense) {
        // SAFETY: dense arrays of as many bytes (caller), which may overlap.
        unsafe { move_bytes(to, at, into.len) };
        return true;
    }
    if meet((to, &into.extent), (at, &from.extent)) {
        return false;
    }
    let itemsize = into.itemsize;
    let loops = few::Loops { n: &into.shape, dst: &into.strides, src: &from.strides, itemsize };
    // SAFETY: items of one shape and size, which are there (caller); the numbers agree with each other.
    let is_done = unsafe { copy_apart(to, at, &loops, into.len) };
    if is_done && first_comes_last {
        // SAFETY: the first item of each.
        unsafe { ptr::copy_nonoverlapping(at, to, itemsize.unsigned_abs()) };
    }
    is_done
}

//! Copies of few items, without a `View` or a plan: their set-up would cost more than the copy.
//!
//! Each function tells whether it did the copy. Where it did not, because the numbers are not small, do
//! not agree with each other or the arrays meet, nothing was written, and the long way decides.

use core::ptr;

use crate::abi::Py_buffer;
use crate::copy::few;
use crate::layout::Order;
use crate::view::{Fields, Small};

/// Copies few items between a view and a block without a `View` or a plan, whose set-up would cost more
/// than the copy (2x3x4 items of 4 bytes: 18 ns, libpython 8 times as long; 8 items [::2] 11 ns; Xeon,
/// `copies tiny`). Whether it did: only for a view whose numbers are small and agree with each other,
/// which has no pointers and does not meet the block.
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
    let (view, block) = ((view.buf.cast(), &small), (block, &dense));
    let (dst, src) = match into {
        Into::Block => (block, view),
        Into::View => (view, block),
    };
    // SAFETY: the caller's promise is the callee's.
    unsafe { copy_between(dst, src, false) }
}

/// Which of a block and a view is written.
#[derive(Clone, Copy)]
pub enum Into {
    /// The block.
    Block,
    /// The view.
    View,
}

/// Copies few items in the order of the dimensions, and the first once more if it comes last, unless the
/// two arrays meet; whether it did.
///
/// # Safety
/// The items of both, which have one shape and size, are there, and those of the first may be written.
#[inline(always)]
unsafe fn copy_between(
    (to, dst): (*mut u8, &Small),
    (from, src): (*mut u8, &Small),
    first_comes_last: bool,
) -> bool {
    if dst.is_dense() && src.is_dense() {
        let len = src.extent.high.unsigned_abs();
        // SAFETY: dense arrays of that many bytes (caller), which may overlap.
        unsafe { ptr::copy(from, to, len) };
        return true;
    }
    let meet = from.wrapping_offset(src.extent.low) < to.wrapping_offset(dst.extent.high)
        && to.wrapping_offset(dst.extent.low) < from.wrapping_offset(src.extent.high);
    if meet {
        return false;
    }
    let loops =
        few::Loops { n: src.shape, dst: dst.strides, src: src.strides, itemsize: src.itemsize };
    // SAFETY: the numbers agree with each other (V1 to V3), and the two do not meet; the rest is the
    // caller's promise.
    unsafe { few::copy(to, from, &loops) };
    if first_comes_last {
        // SAFETY: as above.
        unsafe { ptr::copy_nonoverlapping(from, to, src.itemsize.unsigned_abs()) };
    }
    true
}

/// Copies between two views of few items whose shapes and itemsizes are equal, in C order, and the first
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
    let alike = (dest.ndim, into.shape, into.itemsize) == (src.ndim, from.shape, from.itemsize);
    // SAFETY: few items of one shape and size, which are there (caller).
    alike
        && unsafe {
            copy_between((dest.buf.cast(), &into), (src.buf.cast(), &from), first_comes_last)
        }
}

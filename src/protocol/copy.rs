//! Copies between views and plain memory.
//!
//! Contiguous views are answered by one memmove that looks at nothing but `len`: real exporters leave
//! shape and itemsize untrue there (NumPy's plain answer for a 2-D array says ndim 0). Only where
//! items have to be found are the fields checked, by `View`.

use core::ffi::{c_char, c_void};
use core::ptr;

use super::few::{self, Into};
use crate::abi::{Py_buffer, Py_ssize_t};
use crate::copy::{self, Array, Sequence};
use crate::error::{Error, Kind, NoMemory, Raised};
use crate::layout::Order;
use crate::plan::{Side, Strides};
use crate::runtime::Raise;
use crate::view::{Fields, View};

/// Copies the items of `view` to `len` bytes at `buf`: in Fortran order for any `order` but `'C'`
/// and `'A'`, which mean C order (a Fortran-contiguous view is copied as it lies for `'A'`).
///
/// # Safety
/// `len` bytes are writable at `buf`; `view` is an exporter's answer that is still held, or one that
/// the caller vouches for (`View`'s V4).
pub unsafe fn to_contiguous(
    buf: *mut c_void,
    view: &Py_buffer,
    len: Py_ssize_t,
    order: c_char,
    raise: Raise,
) -> Result<(), Raised> {
    if len != view.len {
        return Err(refuse_len(raise));
    }
    // SAFETY: the view's arrays are there (caller).
    if unsafe { is_block(view, buf, len, order) } {
        // SAFETY: both blocks have `len` bytes (caller).
        unsafe { move_bytes(buf.cast(), view.buf.cast(), len) };
        return Ok(());
    }
    // SAFETY: the caller's promise is the callee's.
    unsafe { copy_between(view, buf.cast(), len, order, Into::Block, raise) }
}

#[cold]
#[inline(never)]
fn refuse_len(raise: Raise) -> Raised {
    raise(&Error::Fixed(Kind::Value, c"PyBuffer_ToContiguous: len != view->len"))
}

/// Copies `len` bytes at `buf`, but no more than `view.len`, to the items of `view`, in C order for
/// any `order` but `'F'`. An incomplete item at the end is left out, unless the view is contiguous.
/// Whether the view is read-only is not looked at.
///
/// # Safety
/// `len` bytes are readable at `buf`; `view` is an exporter's answer that is still held, or one that
/// the caller vouches for (`View`'s V4), and its memory may be written.
pub unsafe fn from_contiguous(
    view: &Py_buffer,
    buf: *const c_void,
    len: Py_ssize_t,
    order: c_char,
    raise: Raise,
) -> Result<(), Raised> {
    let whole = len.min(view.len);
    // SAFETY: the view's arrays are there (caller).
    if unsafe { is_block(view, buf, whole, order) } {
        // SAFETY: both blocks have as many bytes (caller).
        unsafe { move_bytes(view.buf.cast(), buf.cast(), whole) };
        return Ok(());
    }
    // SAFETY: the caller's promise is the callee's.
    unsafe { copy_between(view, buf.cast_mut().cast(), whole, order, Into::View, raise) }
}

/// Copies between a view and a block of `len` bytes, which are the view's or fewer.
///
/// # Safety
/// As for [`to_contiguous`] or [`from_contiguous`].
#[inline(always)]
unsafe fn copy_between(
    view: &Py_buffer,
    block: *mut u8,
    len: Py_ssize_t,
    order: c_char,
    into: Into,
    raise: Raise,
) -> Result<(), Raised> {
    let ordered = ordered(order, into);
    // SAFETY: the view's arrays are there (caller).
    let walked = if order as u8 == b'A' { unsafe { either_order(view) } } else { ordered };
    // SAFETY: both are there, and what is written may be written (caller).
    if len == view.len && unsafe { few::copy(view, block, walked, into) } {
        return Ok(());
    }
    // SAFETY: the caller's promise is the callee's.
    unsafe { copy_any(view, block, len, order, into, raise) }
}

/// The order in which items are counted for an `order` that was asked for.
fn ordered(order: c_char, into: Into) -> Order {
    match (order as u8, into) {
        (b'C' | b'A', _) => Order::C,
        (b'F', _) | (_, Into::Block) => Order::Fortran,
        (_, Into::View) => Order::C,
    }
}

/// As [`copy_between`], whatever the view's numbers.
///
/// # Safety
/// As for [`copy_between`].
#[inline(never)]
unsafe fn copy_any(
    view: &Py_buffer,
    block: *mut u8,
    len: Py_ssize_t,
    order: c_char,
    into: Into,
    raise: Raise,
) -> Result<(), Raised> {
    // SAFETY: the view's arrays are there (caller).
    if unsafe { is_moved_whole(view, block.cast(), len, order, raise) }? {
        let (dst, src) = into.sort(view.buf.cast(), block);
        // SAFETY: both blocks have `len` bytes (caller).
        unsafe { move_bytes(dst, src, len) };
        return Ok(());
    }
    // SAFETY: the caller vouches for the view.
    let view = unsafe { checked(view, raise) }?;
    let order = ordered(order, into);
    let dense = Array { buf: block, side: dense(&view, order) };
    let (dst, src) = into.sort(array_of(&view), dense);
    let sequence = Sequence {
        shape: view.shape(),
        itemsize: view.itemsize(),
        order,
        items: items_of(&view).min(len.checked_div(view.itemsize()).unwrap_or(0)),
        first_comes_last: false,
    };
    // SAFETY: the items counted in `order` fill at most the block's `len` bytes (V2), and the view's can
    // be reached (V3, V4).
    unsafe { copy::copy(dst, src, sequence) }.map_err(|NoMemory| raise(&Error::NoMemory))
}

/// A view whose numbers agree with each other, or an error raised: here, where the copy's own frames, which
/// come later, do not lie behind an error with its text.
///
/// # Safety
/// As for [`View::new`].
#[inline(never)]
pub unsafe fn checked(view: &Py_buffer, raise: Raise) -> Result<View<'_>, Raised> {
    // SAFETY: the caller's promise is the callee's.
    unsafe { View::new(view) }.map_err(|error| raise(&error))
}

/// Whether `len` bytes at `buf` and the view's are two blocks in C order, which is what was asked for.
/// `false` also where something is missing.
///
/// # Safety
/// The view's arrays are there.
#[inline(always)]
unsafe fn is_block(view: &Py_buffer, buf: *const c_void, len: Py_ssize_t, order: c_char) -> bool {
    let are_there = len > 0 && !buf.is_null() && !view.buf.is_null();
    // SAFETY: the caller's promise is the callee's.
    order as u8 == b'C' && are_there && unsafe { Fields::new(view) }.is_contiguous(order) != 0
}

/// The order in which a view is one block, if it is; C order otherwise.
///
/// # Safety
/// The view's arrays are there.
#[cold]
unsafe fn either_order(view: &Py_buffer) -> Order {
    // SAFETY: the caller's promise is the callee's.
    let fields = unsafe { Fields::new(view) };
    if fields.lies_in(b'F' as c_char) { Order::Fortran } else { Order::C }
}

/// Whether `len` bytes at `buf` and the view's are moved as one block; an error raised if the sizes or
/// pointers make no sense. Nothing to move counts as one block.
///
/// # Safety
/// The view's arrays are there.
#[inline(never)]
unsafe fn is_moved_whole(
    view: &Py_buffer,
    buf: *const c_void,
    len: Py_ssize_t,
    order: c_char,
    raise: Raise,
) -> Result<bool, Raised> {
    if len < 0 {
        return Err(raise(&Error::text(
            Kind::Value,
            format_args!("len is {len}, with Py_buffer.len {}: it must not be negative", view.len),
        )));
    }
    if len == 0 {
        return Ok(true);
    }
    if buf.is_null() || view.buf.is_null() {
        return Err(raise(&Error::NullArgument));
    }
    // SAFETY: the caller's promise is the callee's.
    Ok(unsafe { Fields::new(view) }.lies_in(order))
}

/// Moves `len` bytes between blocks that may overlap.
///
/// # Safety
/// `len` is not negative, and as many bytes are readable at `src` and writable at `dst`.
pub unsafe fn move_bytes(dst: *mut u8, src: *const u8, len: Py_ssize_t) {
    if len > 0 {
        // SAFETY: the caller's promise; without bytes the pointers may be null.
        unsafe { ptr::copy(src, dst, len.unsigned_abs()) };
    }
}

/// How many items a view has; their bytes fit an `isize` (V2).
pub fn items_of(view: &View) -> isize {
    view.shape().iter().fold(1, |items, n| items.wrapping_mul(*n))
}

/// A view's items as one side of a copy.
pub fn array_of<'a>(view: &'a View) -> Array<'a> {
    Array {
        buf: view.buf(),
        side: Side {
            strides: view.strides().map_or(Strides::Dense(Order::C), Strides::Given),
            suboffsets: view.suboffsets(),
            ..dense(view, Order::C)
        },
    }
}

/// Items like the view's, but back to back.
fn dense<'a>(view: &'a View, order: Order) -> Side<'a> {
    Side {
        shape: view.shape(),
        itemsize: view.itemsize(),
        strides: Strides::Dense(order),
        suboffsets: None,
    }
}

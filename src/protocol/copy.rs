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
use crate::error::{Error, Kind};
use crate::layout::Order;
use crate::plan::{Side, Strides};
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
) -> Result<(), Error> {
    if len != view.len {
        return Err(Error::Fixed(Kind::Value, c"PyBuffer_ToContiguous: len != view->len"));
    }
    let walked = match order as u8 {
        b'C' => Order::C,
        // SAFETY: the view's arrays are there (caller).
        b'A' => unsafe { either_order(view) },
        _ => Order::Fortran,
    };
    // SAFETY: both are there (caller).
    if unsafe { few::copy(view, buf.cast(), walked, Into::Block) } {
        return Ok(());
    }
    // SAFETY: the caller's promise is the callee's.
    unsafe { to_contiguous_any(buf, view, len, order) }
}

/// As [`to_contiguous`], for views of any size.
///
/// # Safety
/// As for [`to_contiguous`].
#[inline(never)]
unsafe fn to_contiguous_any(
    buf: *mut c_void,
    view: &Py_buffer,
    len: Py_ssize_t,
    order: c_char,
) -> Result<(), Error> {
    // SAFETY: the view's arrays are there (caller).
    if unsafe { is_moved_whole(view, buf, len, order) }? {
        // SAFETY: both blocks have `len` bytes (caller).
        unsafe { move_bytes(buf.cast(), view.buf.cast(), len) };
        return Ok(());
    }
    let order = match order as u8 {
        b'C' | b'A' => Order::C,
        _ => Order::Fortran,
    };
    // SAFETY: the caller vouches for the view.
    let view = unsafe { View::new(view) }?;
    let dst = Array { buf: buf.cast(), side: dense(&view, order) };
    let sequence = Sequence {
        shape: view.shape(),
        itemsize: view.itemsize(),
        order,
        items: items_of(&view),
        first_comes_last: false,
    };
    // SAFETY: the items fill at most `len` bytes (V2), and the view's can be reached (V3, V4).
    unsafe { copy::copy(dst, array_of(&view), sequence) }
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
) -> Result<(), Error> {
    let walked = match order as u8 {
        b'F' => Order::Fortran,
        // SAFETY: the view's arrays are there (caller).
        b'A' => unsafe { either_order(view) },
        _ => Order::C,
    };
    let is_whole = len >= view.len;
    // SAFETY: both are there, and the view's memory may be written (caller).
    if is_whole && unsafe { few::copy(view, buf.cast_mut().cast(), walked, Into::View) } {
        return Ok(());
    }
    // SAFETY: the caller's promise is the callee's.
    unsafe { from_contiguous_any(view, buf, len, order) }
}

/// As [`from_contiguous`], for views of any size.
///
/// # Safety
/// As for [`from_contiguous`].
#[inline(never)]
unsafe fn from_contiguous_any(
    view: &Py_buffer,
    buf: *const c_void,
    len: Py_ssize_t,
    order: c_char,
) -> Result<(), Error> {
    let len = len.min(view.len);
    // SAFETY: the view's arrays are there (caller).
    if unsafe { is_moved_whole(view, buf, len, order) }? {
        // SAFETY: both blocks have `len` bytes (caller).
        unsafe { move_bytes(view.buf.cast(), buf.cast(), len) };
        return Ok(());
    }
    let order = match order as u8 {
        b'F' => Order::Fortran,
        _ => Order::C,
    };
    // SAFETY: the caller vouches for the view.
    let view = unsafe { View::new(view) }?;
    let src = Array { buf: buf.cast_mut().cast(), side: dense(&view, order) };
    let sequence = Sequence {
        shape: view.shape(),
        itemsize: view.itemsize(),
        order,
        items: items_of(&view).min(len.checked_div(view.itemsize()).unwrap_or(0)),
        first_comes_last: false,
    };
    // SAFETY: the items counted in `order` are the first of `buf`, which has `len` bytes (V2); the
    // view's can be reached (V3, V4).
    unsafe { copy::copy(array_of(&view), src, sequence) }
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

/// Whether `len` bytes at `buf` and the view's are moved as one block; an error if the sizes or
/// pointers make no sense. Nothing to move counts as one block.
///
/// # Safety
/// The view's arrays are there.
unsafe fn is_moved_whole(
    view: &Py_buffer,
    buf: *const c_void,
    len: Py_ssize_t,
    order: c_char,
) -> Result<bool, Error> {
    if len < 0 {
        return Err(Error::text(
            Kind::Value,
            format_args!("len is {len}, with Py_buffer.len {}: it must not be negative", view.len),
        ));
    }
    if len == 0 {
        return Ok(true);
    }
    if buf.is_null() || view.buf.is_null() {
        return Err(Error::NullArgument);
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

//! Copies between views and plain memory.
//!
//! A contiguous view is copied by one memmove of `len` bytes. Its other fields are not checked, because those of
//! real exporters may be wrong (NumPy answers a plain request for a 2-D array with ndim 0). `View` checks the
//! fields of all other views, whose items have to be found.

use core::ffi::{c_char, c_void};

use super::short_cut;
use super::sides::{Direction, array_of, checked, dense, items_of, move_bytes};
use crate::abi::Py_ssize_t;
use crate::copy::{self, Array, Sequence};
use crate::error::{Error, Kind, NoMemory, Raised, message};
use crate::layout::Order;
use crate::runtime::{Raise, raised_by};
use crate::view::Fields;

/// Copies the items of `view` to `len` bytes at `buf`: in Fortran order for any `order` but `'C'` and `'A'`, which
/// mean C order (for `'A'`, a Fortran-contiguous view is copied as it lies in memory).
///
/// # Safety
/// * BLOCK: `len` bytes are writable at `buf`, if neither is refused.
/// * VIEW: `view` is an exporter's answer that is still held, or one that the caller vouches for (`View`'s V4).
pub unsafe fn to_contiguous(
    buf: *mut c_void,
    view: Fields,
    len: Py_ssize_t,
    order: c_char,
    raise: Raise,
) -> Result<(), Raised> {
    if len != view.len() {
        return Err(refuse_len(raise));
    }
    if is_block(view, buf, len, order) {
        // SAFETY: both blocks have `len` bytes (caller: BLOCK, VIEW).
        unsafe { move_bytes(buf.cast(), view.buf().cast(), len) };
        return Ok(());
    }
    // SAFETY: the same view and block, of which the block is written (caller: BLOCK, VIEW).
    unsafe { copy_between(view, buf.cast(), len, order, Direction::ToBlock, raise) }
}

#[cold]
#[inline(never)]
fn refuse_len(raise: Raise) -> Raised {
    raised_by(raise, Kind::Value, c"PyBuffer_ToContiguous: len != view->len")
}

/// Copies `len` bytes at `buf`, but no more than the view's `len`, to the items of `view`, in C order for any
/// `order` but `'F'`. An incomplete item at the end is left out, unless the view is contiguous. Whether the view is
/// read-only is not checked.
///
/// # Safety
/// * BLOCK: `len` bytes are readable at `buf`, if neither is refused.
/// * VIEW: `view` is an exporter's answer that is still held, or one that the caller vouches for (`View`'s V4), and
///   its memory may be written.
pub unsafe fn from_contiguous(
    view: Fields,
    buf: *const c_void,
    len: Py_ssize_t,
    order: c_char,
    raise: Raise,
) -> Result<(), Raised> {
    let whole = len.min(view.len());
    if is_block(view, buf, whole, order) {
        // SAFETY: both blocks have as many bytes (caller: BLOCK, VIEW).
        unsafe { move_bytes(view.buf().cast(), buf.cast(), whole) };
        return Ok(());
    }
    let block = buf.cast_mut().cast();
    // SAFETY: the same view and block, of which the view is written (caller: BLOCK, VIEW).
    unsafe { copy_between(view, block, whole, order, Direction::ToView, raise) }
}

/// Copies between a view and a block of `len` bytes, which are the view's or fewer.
///
/// # Safety
/// * BLOCK, VIEW: as for [`to_contiguous`] or [`from_contiguous`], by `direction`.
#[inline(always)]
unsafe fn copy_between(
    view: Fields,
    block: *mut u8,
    len: Py_ssize_t,
    order: c_char,
    direction: Direction,
    raise: Raise,
) -> Result<(), Raised> {
    let ordered = ordered(order, direction);
    let walked = if order as u8 == b'A' { either_order(view) } else { ordered };
    // SAFETY: the block has as many bytes as the view (caller: BLOCK, VIEW).
    if len == view.len() && unsafe { short_cut::copy(view, block, walked, direction) } {
        return Ok(());
    }
    // SAFETY: the same view and block (caller: BLOCK, VIEW).
    unsafe { copy_any(view, block, len, order, direction, raise) }
}

/// The order in which items are counted for the argument `order`.
fn ordered(order: c_char, direction: Direction) -> Order {
    match (order as u8, direction) {
        (b'C' | b'A', _) => Order::C,
        (b'F', _) | (_, Direction::ToBlock) => Order::Fortran,
        (_, Direction::ToView) => Order::C,
    }
}

/// As [`copy_between`], the long way, for any view.
///
/// # Safety
/// * BLOCK, VIEW: as for [`copy_between`].
#[inline(never)]
unsafe fn copy_any(
    view: Fields,
    block: *mut u8,
    len: Py_ssize_t,
    order: c_char,
    direction: Direction,
    raise: Raise,
) -> Result<(), Raised> {
    if is_moved_whole(view, block.cast(), len, order, raise)? {
        let (dst, src) = direction.sort(view.buf().cast(), block);
        // SAFETY: both blocks have `len` bytes (caller: BLOCK, VIEW).
        unsafe { move_bytes(dst, src, len) };
        return Ok(());
    }
    let view = checked(view, raise)?;
    let order = ordered(order, direction);
    let dense = Array { buf: block, side: dense(&view, order) };
    let (dst, src) = direction.sort(array_of(&view), dense);
    let sequence = Sequence {
        shape: view.shape(),
        itemsize: view.itemsize(),
        order,
        items: items_of(&view).min(len.checked_div(view.itemsize()).unwrap_or(0)),
        first_comes_last: false,
    };
    // SAFETY: the items counted in `order` fill at most the block's `len` bytes (V2; caller: BLOCK), and the
    // view's can be reached (V3, V4; caller: VIEW).
    unsafe { copy::copy(dst, src, sequence) }.map_err(|NoMemory| raise(&Error::NoMemory))
}

/// Whether `order` asks for C order, and both the `len` bytes at `buf` and the view's are blocks in it. False if a
/// pointer is missing.
#[inline(always)]
fn is_block(view: Fields, buf: *const c_void, len: Py_ssize_t, order: c_char) -> bool {
    let are_there = len > 0 && !buf.is_null() && !view.buf().is_null();
    order as u8 == b'C' && are_there && view.is_contiguous(order) != 0
}

/// The order in which a view is one block, if it is; C order otherwise.
#[cold]
fn either_order(view: Fields) -> Order {
    if view.lies_in(b'F' as c_char) { Order::Fortran } else { Order::C }
}

/// Whether `len` bytes at `buf` and the view's are moved as one block; an error is raised if the sizes or pointers
/// are invalid. Nothing to move counts as one block.
#[inline(never)]
fn is_moved_whole(
    view: Fields,
    buf: *const c_void,
    len: Py_ssize_t,
    order: c_char,
    raise: Raise,
) -> Result<bool, Raised> {
    if len < 0 {
        let has = view.len();
        return Err(raise(&Error::text(
            Kind::Value,
            message!("len is {}, with Py_buffer.len {}: it must not be negative", len, has),
        )));
    }
    if len == 0 {
        return Ok(true);
    }
    if buf.is_null() || view.buf().is_null() {
        return Err(raise(&Error::NullArgument));
    }
    Ok(view.lies_in(order))
}

//! The address of an item, with its indices compared with the shape.

use core::slice;

use crate::abi::{Py_buffer, Py_ssize_t};
use crate::error::{Error, Kind, Tuple};
use crate::view::Fields;

/// The item at `indices[ndim]`; an IndexError names the dimension, the index and the extent.
///
/// # Safety
/// A view that is held; its arrays, where not null, have `ndim` entries, and so has `indices` if
/// `ndim > 0`.
pub unsafe fn checked(view: &Py_buffer, indices: *const Py_ssize_t) -> Result<*mut u8, Error> {
    // SAFETY: the arrays are there (caller).
    let fields = unsafe { Fields::new(view) };
    let n = fields.ndim();
    // SAFETY: `ndim` entries (caller).
    let indices = if n == 0 { &[] } else { unsafe { slice::from_raw_parts(indices, n) } };
    let implied = [view.len.checked_div(view.itemsize).unwrap_or(0)];
    let shape = match fields.shape() {
        Some(shape) => shape,
        None if n < 2 => &implied,
        None => return without_shape(n),
    };
    let is_outside = |(_, (n, i)): &(usize, (&isize, &isize))| **i < 0 || *i >= *n;
    if let Some((axis, (n, i))) = shape.iter().zip(indices).enumerate().find(is_outside) {
        return outside(axis, *i, *n, shape);
    }
    // SAFETY: within the shape, so a pointer is there where one is followed.
    match unsafe { locate(fields, indices) } {
        Some(pointer) => Ok(pointer),
        // SAFETY: as above.
        None => unsafe { fields.locate_without_strides(indices) },
    }
}

/// As `Fields::locate`, not once more in line.
///
/// # Safety
/// As for `Fields::locate`.
#[inline(never)]
pub unsafe fn locate(fields: Fields, indices: &[isize]) -> Option<*mut u8> {
    // SAFETY: the caller's promise is the callee's.
    unsafe { fields.locate(indices) }
}

#[cold]
fn without_shape(ndim: usize) -> Result<*mut u8, Error> {
    let text = format_args!("Py_buffer.shape is NULL, but Py_buffer.ndim is {ndim}");
    Err(Error::text(Kind::Value, text))
}

#[cold]
fn outside(axis: usize, index: isize, extent: isize, shape: &[isize]) -> Result<*mut u8, Error> {
    let shape = Tuple(shape);
    let text = format_args!(
        "index {index} is out of bounds for dimension {axis} of Py_buffer.shape {shape}: it must be \
         from 0 to below {extent}"
    );
    Err(Error::text(Kind::Index, text))
}

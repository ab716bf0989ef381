//! The address of an item, with its indices compared with the shape.

use core::slice;

use crate::abi::{Py_buffer, Py_ssize_t};
use crate::error::{Error, Kind, Tuple};
use crate::layout::strides::c_stride;
use crate::suboffset::follow;
use crate::view::Fields;

/// The item at `indices[ndim]`; an IndexError names the dimension, the index and the extent.
///
/// # Safety
/// A view that is held; its arrays, where not null, have `ndim` entries, and so has `indices` if
/// `ndim > 0`.
pub unsafe fn checked(view: &Py_buffer, indices: *const Py_ssize_t) -> Result<*mut u8, Error> {
    if view.ndim < 0 {
        return Err(Error::Fixed(Kind::Value, c"Py_buffer.ndim is negative"));
    }
    // SAFETY: the arrays are there (caller).
    let fields = unsafe { Fields::new(view) };
    let n = fields.ndim();
    // SAFETY: `ndim` entries (caller).
    let indices = if n == 0 { &[] } else { unsafe { slice::from_raw_parts(indices, n) } };
    let implied = [view.len.checked_div(view.itemsize).unwrap_or(0)];
    let Some(shape) = fields.shape().or((n < 2).then_some(&implied)) else {
        let text = format_args!("Py_buffer.shape is NULL, but Py_buffer.ndim is {n}");
        return Err(Error::text(Kind::Value, text));
    };
    let mut dims = shape.iter().zip(indices).enumerate();
    if let Some((axis, (&extent, &index))) = dims.find(|(_, (n, i))| **i < 0 || i >= n) {
        let shape = Tuple(shape);
        let text = format_args!(
            "index {index} is out of bounds for dimension {axis} of Py_buffer.shape {shape}: it must \
             be from 0 to below {extent}"
        );
        return Err(Error::text(Kind::Index, text));
    }
    // SAFETY: within the shape, so a pointer is there where one is followed.
    Ok(unsafe { locate(view, fields, shape, indices) })
}

/// The item at `indices`, with the strides of C order where there are none. Offsets wrap. `fields` are
/// those of `view`.
///
/// # Safety
/// A pointer is readable wherever a suboffset that is not negative says so.
#[inline(never)]
pub unsafe fn locate(
    view: &Py_buffer,
    fields: Fields,
    shape: &[isize],
    indices: &[isize],
) -> *mut u8 {
    let mut at: *mut u8 = view.buf.cast();
    for (axis, &index) in indices.iter().enumerate() {
        let stride = fields.strides().and_then(|all| all.get(axis)).copied();
        let stride = stride.unwrap_or_else(|| c_stride(shape, view.itemsize, axis));
        let suboffset = fields.suboffsets().and_then(|all| all.get(axis)).copied();
        at = at.wrapping_offset(stride.wrapping_mul(index));
        // SAFETY: a pointer is there where one is followed (caller).
        at = unsafe { follow(at, suboffset.unwrap_or(-1)) };
    }
    at
}

//! The address of an item: with checked indices, or in views without strides.

use core::slice;

use crate::abi::{Py_buffer, Py_ssize_t};
use crate::error::{Error, Kind, message};
use crate::layout::strides::c_stride;
use crate::suboffset::follow;
use crate::view::Fields;

/// The address of the item at `indices[ndim]`; IndexError if one is out of bounds, ValueError if there is no shape to
/// compare them with.
///
/// # Safety
/// * VIEW: the view is held; its arrays, where not null, have `ndim` entries.
/// * INDICES: `indices` has `ndim` readable entries; it is not looked at if `ndim` is 0.
pub unsafe fn checked(view: &Py_buffer, indices: *const Py_ssize_t) -> Result<*mut u8, Error> {
    if view.ndim < 0 {
        return Err(Error::Fixed(Kind::Value, c"Py_buffer.ndim is negative"));
    }
    // SAFETY: the arrays are null or have `ndim` entries (caller: VIEW).
    let fields = unsafe { Fields::new(view) };
    let n = fields.ndim();
    // SAFETY: `ndim` readable entries (caller: INDICES).
    let indices = if n == 0 { &[] } else { unsafe { slice::from_raw_parts(indices, n) } };
    let implied = [view.len.checked_div(view.itemsize).unwrap_or(0)];
    let Some(shape) = fields.shape().or((n < 2).then_some(&implied)) else {
        let text = message!("Py_buffer.shape is NULL, but Py_buffer.ndim is {}", n);
        return Err(Error::text(Kind::Value, text));
    };
    let mut dims = shape.iter().zip(indices).enumerate();
    if let Some((axis, (&extent, &index))) = dims.find(|(_, (n, i))| **i < 0 || i >= n) {
        let text = message!(
            "index {} is out of bounds for dimension {} of Py_buffer.shape {}: it must be from 0 to below {}",
            index,
            axis,
            shape,
            extent
        );
        return Err(Error::text(Kind::Index, text));
    }
    // SAFETY: the indices are within the shape of a held view (caller: VIEW), whose exporter promises the pointers (V4).
    Ok(unsafe { locate(view, fields, shape, indices) })
}

/// The address of the item at `indices`, which are not checked: offsets wrap. `fields` are those of `view`. Without
/// strides those of C order for `shape` are used.
///
/// # Safety
/// * POINTER: where a suboffset is not negative, a pointer is readable at the entry that the indices name.
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
        // SAFETY: a pointer is readable here if the suboffset is not negative (caller: POINTER).
        at = unsafe { follow(at, suboffset.unwrap_or(-1)) };
    }
    at
}

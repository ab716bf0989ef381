//! Where the library's answer may differ from libpython's, and nowhere else.
//!
//! Each name is a row of the table in docs/differences.md. libpython
//! crashes there or writes where it must not, so that it is not called; the library is held to what
//! the table says, as the model does it.

use super::api::{Api, Py_buffer};
use super::host::{Host, Raised};
use super::model;

/// A null pointer where none may be.
pub const NULL_ARGUMENT: &str = "null argument";
/// Strides are null where they are needed.
pub const STRIDES_NULL: &str = "strides null where needed";
/// The shape is null where it is needed.
pub const SHAPE_NULL: &str = "shape null where needed";
/// Item by item, where the fields of a view contradict each other.
pub const CONTRADICTION: &str = "itemsize, shape and len contradict each other";
/// No dimension, and an order that is none or suboffsets.
pub const SCALAR: &str = "ndim 0 with an unknown order or suboffsets";
/// `PyBuffer_FromContiguous` with a `len` below 0.
pub const NEGATIVE_LEN: &str = "argument len < 0";
/// CopyData item by item, where the source has more items along a dimension or larger ones.
pub const COPY_DATA: &str = "CopyData between unlike arrays";
/// A debug build of libpython stops the process where others give a result.
pub const DEBUG_ASSERTION: &str = "assertion of a debug build";
/// Source and destination overlap.
pub const OVERLAP: &str = "memory overlaps";

/// "file:line: " in front of a SystemError's text is not shown by the library; the only result that
/// is compared without a part of it.
pub fn drop_place_of_system_error(raised: &mut Raised) {
    const TEXT: &str = "bad argument to internal function";
    if raised.class == "<class 'SystemError'>" && raised.text.ends_with(TEXT) {
        raised.text = TEXT.into();
        raised.arguments = format!("SystemError('{TEXT}')");
    }
}

/// Why `PyBuffer_IsContiguous(view, order)` cannot be asked of libpython.
pub fn is_contiguous(view: &Py_buffer, order: u8) -> Option<&'static str> {
    let reaches_shape = view.suboffsets.is_null() && view.len != 0 && b"CFA".contains(&order);
    if !reaches_shape {
        return None;
    }
    if view.shape.is_null() {
        let asserted = Host::get().debug && !view.strides.is_null();
        let read = match view.strides.is_null() {
            true => order == b'F' && view.ndim > 1,
            false => view.ndim > 0,
        };
        return match (read, asserted) {
            (true, _) => Some(SHAPE_NULL),
            (false, true) => Some(DEBUG_ASSERTION),
            (false, false) => None,
        };
    }
    (Host::get().debug && !view.strides.is_null() && view.ndim <= 0).then_some(DEBUG_ASSERTION)
}

/// Why `PyBuffer_ToContiguous(buf, src, src->len, order)` cannot be asked of libpython.
pub fn to_contiguous(theirs: &Api, view: &Py_buffer, order: u8) -> Option<&'static str> {
    if Host::get().debug && !b"CFA".contains(&order) {
        return Some(DEBUG_ASSERTION);
    }
    if let Some(name) = is_contiguous(view, order) {
        return Some(name);
    }
    if is_in_order(theirs, view, order) {
        return None;
    }
    if view.ndim == 0 {
        return Some(SCALAR);
    }
    if view.shape.is_null() && view.ndim != 1 {
        return Some(SHAPE_NULL);
    }
    is_contradiction(view).then_some(CONTRADICTION)
}

/// Why `PyBuffer_FromContiguous(view, buf, len, order)` cannot be asked of libpython.
pub fn from_contiguous(
    theirs: &Api,
    view: &Py_buffer,
    len: isize,
    order: u8,
) -> Option<&'static str> {
    if len < 0 {
        return Some(NEGATIVE_LEN);
    }
    if let Some(name) = is_contiguous(view, order) {
        return Some(name);
    }
    if is_in_order(theirs, view, order) {
        return None;
    }
    if is_contradiction(view) {
        return Some(CONTRADICTION);
    }
    if view.ndim == 0 || view.len == 0 {
        return None;
    }
    if view.shape.is_null() {
        return Some(SHAPE_NULL);
    }
    view.strides.is_null().then_some(STRIDES_NULL)
}

/// Why `PyObject_CopyData` cannot be asked of libpython, for exporters that give these two views.
pub fn copy_data(
    theirs: &Api,
    destination: &Py_buffer,
    source: &Py_buffer,
) -> Option<&'static str> {
    if destination.len < source.len {
        return None;
    }
    for order in [b'C', b'F'] {
        let name = is_contiguous(destination, order).or(is_contiguous(source, order));
        if name.is_some() {
            return name;
        }
        if is_in_order(theirs, destination, order) && is_in_order(theirs, source, order) {
            return None;
        }
    }
    if source.ndim > 0 && source.shape.is_null() {
        return Some(SHAPE_NULL);
    }
    if is_contradiction(source) || is_contradiction(destination) {
        return Some(CONTRADICTION);
    }
    let source_shape = model::array(source.shape, source.ndim);
    if source_shape.contains(&0) {
        return None;
    }
    if destination.ndim != source.ndim || source.itemsize > destination.itemsize {
        return Some(COPY_DATA);
    }
    if destination.ndim > 0 && destination.shape.is_null() {
        return Some(SHAPE_NULL);
    }
    let destination_shape = model::array(destination.shape, destination.ndim);
    if source_shape.iter().zip(destination_shape).any(|(source, room)| source > room) {
        return Some(COPY_DATA);
    }
    let without_strides = |view: &Py_buffer| view.ndim > 0 && view.strides.is_null();
    (without_strides(destination) || without_strides(source)).then_some(STRIDES_NULL)
}

/// Whether `itemsize`, `shape` and `len` cannot all be true.
fn is_contradiction(view: &Py_buffer) -> bool {
    if view.itemsize <= 0 || view.ndim < 0 {
        return true;
    }
    if view.ndim > 0 && view.shape.is_null() {
        return false;
    }
    let shape = model::array(view.shape, view.ndim);
    let len = shape.iter().try_fold(view.itemsize, |len, extent| len.checked_mul(*extent));
    len != Some(view.len) || shape.iter().any(|extent| *extent < 0)
}

fn is_in_order(theirs: &Api, view: &Py_buffer, order: u8) -> bool {
    // SAFETY: a view that this may be asked of, as every caller has made sure.
    unsafe { (theirs.is_contiguous)(view, order as std::ffi::c_char) != 0 }
}

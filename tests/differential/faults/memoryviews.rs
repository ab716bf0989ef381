//! Wrong memoryviews.

// SAFETY, for all of the following: the callers are the families, whose arguments fit libpython's
// functions of the same signature, and each of these passes on what it was given.

use std::ffi::{c_char, c_int};
use std::ptr::null_mut;

use super::super::api::{Py_buffer, flags};
use super::super::host::{Host, PyObject};
use super::super::model::{self, right};

pub unsafe extern "C" fn view_asks_twice(object: *mut PyObject) -> *mut PyObject {
    let mut view = Py_buffer::unfilled(0);
    if !object.is_null() && unsafe { (right().get_buffer)(object, &mut view, flags::FULL_RO) } == 0
    {
        unsafe { (right().release)(&mut view) };
    }
    Host::get().take_raised();
    unsafe { (right().view_from_object)(object) }
}

/// The new memoryview does not know whose memory it is of.
pub unsafe extern "C" fn view_of_contents(object: *mut PyObject) -> *mut PyObject {
    let made = unsafe { (right().view_from_object)(object) };
    let mut view = Py_buffer::unfilled(0);
    if made.is_null() || unsafe { (right().get_buffer)(made, &mut view, flags::FULL_RO) } != 0 {
        return made;
    }
    let contents = unsafe { (right().view_from_buffer)(&view) };
    unsafe { (right().release)(&mut view) };
    Host::get().decref(made);
    contents
}

pub unsafe extern "C" fn view_writable_by_bit(
    memory: *mut c_char,
    size: isize,
    access: c_int,
) -> *mut PyObject {
    let access = if access & flags::WRITE != 0 { flags::WRITE } else { flags::READ };
    unsafe { (right().view_from_memory)(memory, size, access) }
}

pub unsafe extern "C" fn view_without_format(info: *const Py_buffer) -> *mut PyObject {
    let info = Py_buffer { format: null_mut(), ..unsafe { *info } };
    unsafe { (right().view_from_buffer)(&info) }
}

pub unsafe extern "C" fn view_without_suboffsets(info: *const Py_buffer) -> *mut PyObject {
    let mut info = unsafe { *info };
    if info.ndim <= 64 && model::array(info.suboffsets, info.ndim).iter().all(|n| *n < 0) {
        info.suboffsets = null_mut();
    }
    unsafe { (right().view_from_buffer)(&info) }
}

pub unsafe extern "C" fn view_read_only(info: *const Py_buffer) -> *mut PyObject {
    let info = Py_buffer { readonly: 1, ..unsafe { *info } };
    unsafe { (right().view_from_buffer)(&info) }
}

pub unsafe extern "C" fn view_contiguous_unknown_is_c(
    object: *mut PyObject,
    buffertype: c_int,
    order: c_char,
) -> *mut PyObject {
    let order = if b"CFA".contains(&(order as u8)) { order } else { b'C' as c_char };
    unsafe { (right().view_contiguous)(object, buffertype, order) }
}

pub unsafe extern "C" fn view_contiguous_a_is_c(
    object: *mut PyObject,
    buffertype: c_int,
    order: c_char,
) -> *mut PyObject {
    let order = if order as u8 == b'A' { b'C' as c_char } else { order };
    unsafe { (right().view_contiguous)(object, buffertype, order) }
}

pub unsafe extern "C" fn view_contiguous_by_bit(
    object: *mut PyObject,
    buffertype: c_int,
    order: c_char,
) -> *mut PyObject {
    let buffertype = if buffertype & flags::WRITE != 0 { flags::WRITE } else { flags::READ };
    unsafe { (right().view_contiguous)(object, buffertype, order) }
}

pub unsafe extern "C" fn view_contiguous_copies(
    object: *mut PyObject,
    buffertype: c_int,
    order: c_char,
) -> *mut PyObject {
    let made = unsafe { (right().view_contiguous)(object, buffertype, order) };
    let mut view = Py_buffer::unfilled(0);
    if made.is_null() || unsafe { (right().get_buffer)(made, &mut view, flags::FULL_RO) } != 0 {
        return made;
    }
    let is_one_dimensional = view.ndim == 1 && view.suboffsets.is_null();
    unsafe { (right().release)(&mut view) };
    if !is_one_dimensional {
        return made;
    }
    Host::get().decref(made);
    // Of one dimension all orders are one, but that an unknown one is always copied.
    unsafe { (right().view_contiguous)(object, flags::READ, 0) }
}

pub unsafe extern "C" fn view_contiguous_of_nobody(
    object: *mut PyObject,
    buffertype: c_int,
    order: c_char,
) -> *mut PyObject {
    let made = unsafe { (right().view_contiguous)(object, buffertype, order) };
    let mut view = Py_buffer::unfilled(0);
    if made.is_null() || unsafe { (right().get_buffer)(made, &mut view, flags::FULL_RO) } != 0 {
        return made;
    }
    let contents = unsafe { (right().view_from_buffer)(&view) };
    unsafe { (right().release)(&mut view) };
    // What it shows must stay there for a while.
    contents
}

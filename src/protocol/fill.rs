//! Filling a view of plain bytes, on behalf of a simple exporter.

use core::ffi::{c_char, c_int, c_void};
use core::ptr;

use super::get::{BAD_CALL, are_access_mode};
use crate::abi::{
    Py_buffer, Py_ssize_t, PyBUF_FORMAT, PyBUF_ND, PyBUF_STRIDES, PyBUF_WRITABLE, PyObject,
};
use crate::error::{Error, Kind};
use crate::runtime;

const NULL_VIEW: Error =
    Error::Fixed(Kind::Buffer, c"PyBuffer_FillInfo: view==NULL argument is obsolete");
const NOT_WRITABLE: Error = Error::Fixed(Kind::Buffer, c"Object is not writable.");
/// The format of plain bytes, for views that live as long as they like.
const BYTES: *const c_char = c"B".as_ptr();

/// Fills `view` with `len` bytes at `buf`, as far as `flags` ask for it. The view gets a reference
/// to `obj` of its own; its shape and strides point into itself.
///
/// # Safety
/// `view` is null or writable; `obj` is null or an object that the thread may use.
pub unsafe fn fill_info(
    view: *mut Py_buffer,
    obj: *mut PyObject,
    buf: *mut c_void,
    len: Py_ssize_t,
    readonly: c_int,
    flags: c_int,
) -> Result<(), &'static Error> {
    if view.is_null() {
        return Err(&NULL_VIEW);
    }
    if are_access_mode(flags) && runtime::current().refuses_access_modes() {
        return Err(&BAD_CALL);
    }
    // libpython compares with 1, so any other `readonly` that is not 0 may be written.
    if flags & PyBUF_WRITABLE == PyBUF_WRITABLE && readonly == 1 {
        return Err(&NOT_WRITABLE);
    }
    if !obj.is_null() {
        // SAFETY: `obj` is an object (caller).
        unsafe { runtime::for_objects().incref(obj) };
    }
    // SAFETY: `view` is not null, so it is writable (caller). Only the addresses of two of its fields
    // are taken before it is filled.
    let len_field = unsafe { &raw mut (*view).len };
    // SAFETY: as above.
    let itemsize_field = unsafe { &raw mut (*view).itemsize };
    let if_asked = |part, pointer| if flags & part == part { pointer } else { ptr::null_mut() };
    let filled = Py_buffer {
        buf,
        obj,
        len,
        itemsize: 1,
        readonly,
        ndim: 1,
        format: if flags & PyBUF_FORMAT == PyBUF_FORMAT {
            BYTES.cast_mut()
        } else {
            ptr::null_mut()
        },
        shape: if_asked(PyBUF_ND, len_field),
        strides: if_asked(PyBUF_STRIDES, itemsize_field),
        suboffsets: ptr::null_mut(),
        internal: ptr::null_mut(),
    };
    // SAFETY: writable (caller).
    unsafe { view.write(filled) };
    Ok(())
}

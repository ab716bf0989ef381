//! The view of plain bytes: what `PyBuffer_FillInfo` fills in, and what bytes answer without Python.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::ptr;

use crate::abi::{
    Py_buffer, Py_ssize_t, PyBUF_FORMAT, PyBUF_ND, PyBUF_STRIDES, PyBUF_WRITABLE, PyObject,
};
use crate::error::Kind;

/// Why a view is not filled: the text of an error of this kind.
pub struct Refusal(pub Kind, pub &'static CStr);

/// There is no view to fill.
pub static NULL_VIEW: Refusal =
    Refusal(Kind::Buffer, c"PyBuffer_FillInfo: view==NULL argument is obsolete");
static NOT_WRITABLE: Refusal = Refusal(Kind::Buffer, c"Object is not writable.");
/// The format of plain bytes, for views that live as long as they like.
pub const BYTES: *const c_char = c"B".as_ptr();

/// A view before it is filled.
pub const EMPTY: Py_buffer = Py_buffer {
    buf: ptr::null_mut(),
    obj: ptr::null_mut(),
    len: 0,
    itemsize: 0,
    readonly: 0,
    ndim: 0,
    format: ptr::null_mut(),
    shape: ptr::null_mut(),
    strides: ptr::null_mut(),
    suboffsets: ptr::null_mut(),
    internal: ptr::null_mut(),
};

/// Whether a request asks to write what is read-only. libpython compares with 1, so any other `readonly`
/// that is not 0 may be written.
#[inline]
pub fn is_refused(readonly: c_int, flags: c_int) -> bool {
    flags & PyBUF_WRITABLE == PyBUF_WRITABLE && readonly == 1
}

/// Fills `view` with `len` bytes at `buf`, as far as `flags` ask for it; its shape and strides point into
/// itself. The reference to `obj` is the caller's to count.
///
/// # Safety
/// `view` is writable.
#[inline]
pub unsafe fn fill(
    view: *mut Py_buffer,
    obj: *mut PyObject,
    buf: *mut c_void,
    len: Py_ssize_t,
    readonly: c_int,
    flags: c_int,
) -> Result<(), &'static Refusal> {
    if is_refused(readonly, flags) {
        return Err(&NOT_WRITABLE);
    }
    // SAFETY: writable (caller). Only the addresses of two of its fields are taken before it is filled.
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

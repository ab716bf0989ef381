//! The old buffer functions: still exported by every CPython, out of its headers since 3.13.

use core::ffi::{c_char, c_int, c_void};

use super::null_argument;
use crate::abi::{Py_ssize_t, PyObject};
use crate::error::Error;
use crate::protocol::legacy::{self, Bytes};
use crate::runtime;

/// The address and length of an object's bytes, as characters. As `PyObject_AsReadBuffer`.
///
/// # Safety
/// As for `PyObject_AsReadBuffer`.
///
/// # Compatibility
/// CPython 3.0 and later, deprecated since then; use `PyObject_GetBuffer`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn PyObject_AsCharBuffer(
    obj: *mut PyObject,
    buffer: *mut *const c_char,
    buffer_len: *mut Py_ssize_t,
) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { as_char_buffer(obj, buffer, buffer_len) }
}

/// # Safety
/// As for [`PyObject_AsCharBuffer`].
pub unsafe fn as_char_buffer(
    obj: *mut PyObject,
    buffer: *mut *const c_char,
    buffer_len: *mut Py_ssize_t,
) -> c_int {
    runtime::for_objects();
    keep_out_of_the_way!(PyObject_AsCharBuffer(obj, buffer, buffer_len));
    // SAFETY: the caller's promise is the callee's.
    unsafe { as_read_buffer(obj, buffer.cast(), buffer_len) }
}

/// The address and length of an object's bytes, to be read.
///
/// The view behind them has been given back when this returns, so nothing keeps the bytes where they
/// are but the object itself: use `PyObject_GetBuffer` instead.
///
/// Returns 0, or -1 with an error set: `SystemError` for NULLs (unless an error is set already),
/// `TypeError` if the object is no exporter, or the exporter's own.
///
/// # Safety
/// `obj` is NULL or an object; `buffer` and `buffer_len` are NULL or writable. In a process with Python
/// the caller holds the GIL.
///
/// # Compatibility
/// CPython 3.0 and later, deprecated since then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn PyObject_AsReadBuffer(
    obj: *mut PyObject,
    buffer: *mut *const c_void,
    buffer_len: *mut Py_ssize_t,
) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { as_read_buffer(obj, buffer, buffer_len) }
}

/// # Safety
/// As for [`PyObject_AsReadBuffer`].
pub unsafe fn as_read_buffer(
    obj: *mut PyObject,
    buffer: *mut *const c_void,
    buffer_len: *mut Py_ssize_t,
) -> c_int {
    runtime::for_objects();
    keep_out_of_the_way!(PyObject_AsReadBuffer(obj, buffer, buffer_len));
    // SAFETY: the caller's promise is the callees'.
    unsafe { store(obj, buffer.cast(), buffer_len, legacy::readable) }
}

/// The address and length of an object's bytes, to be written. As `PyObject_AsReadBuffer`, but whatever
/// the exporter says, the error is `TypeError`.
///
/// # Safety
/// As for `PyObject_AsReadBuffer`.
///
/// # Compatibility
/// CPython 3.0 and later, deprecated since then; use `PyObject_GetBuffer` with `PyBUF_WRITABLE`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn PyObject_AsWriteBuffer(
    obj: *mut PyObject,
    buffer: *mut *mut c_void,
    buffer_len: *mut Py_ssize_t,
) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { as_write_buffer(obj, buffer, buffer_len) }
}

/// # Safety
/// As for [`PyObject_AsWriteBuffer`].
pub unsafe fn as_write_buffer(
    obj: *mut PyObject,
    buffer: *mut *mut c_void,
    buffer_len: *mut Py_ssize_t,
) -> c_int {
    runtime::for_objects();
    keep_out_of_the_way!(PyObject_AsWriteBuffer(obj, buffer, buffer_len));
    // SAFETY: the caller's promise is the callees'.
    unsafe { store(obj, buffer, buffer_len, legacy::writable) }
}

/// Whether an object hands out its bytes to be read: 1 or 0; an error on the way is forgotten. NULL
/// means 0.
///
/// # Safety
/// `obj` is NULL or an object. In a process with Python the caller holds the GIL.
///
/// # Compatibility
/// CPython 3.0 and later, deprecated since then; use `PyObject_CheckBuffer`. There NULL crashes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn PyObject_CheckReadBuffer(obj: *mut PyObject) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { check_read_buffer(obj) }
}

/// # Safety
/// As for [`PyObject_CheckReadBuffer`].
pub unsafe fn check_read_buffer(obj: *mut PyObject) -> c_int {
    runtime::for_objects();
    keep_out_of_the_way!(PyObject_CheckReadBuffer(obj));
    if obj.is_null() {
        return 0;
    }
    // SAFETY: an object (caller).
    unsafe { legacy::is_readable(obj) }
}

/// Stores the bytes of `obj` as `find` finds them.
///
/// # Safety
/// `obj` is null or an object that `find` may be called with; `buffer` and `buffer_len` are null or writable.
unsafe fn store(
    obj: *mut PyObject,
    buffer: *mut *mut c_void,
    buffer_len: *mut Py_ssize_t,
    find: unsafe fn(*mut PyObject) -> Result<Bytes, Error>,
) -> c_int {
    if obj.is_null() || buffer.is_null() || buffer_len.is_null() {
        return null_argument();
    }
    // SAFETY: the caller's promise.
    let stored = unsafe { find(obj) }.map(|bytes| {
        // SAFETY: not null, so writable (caller).
        unsafe { buffer.write(bytes.start) };
        // SAFETY: as above.
        unsafe { buffer_len.write(bytes.len) };
    });
    runtime::status(stored)
}

//! The old buffer functions. Every CPython still exports them; its headers lack them since 3.13.

use core::ffi::{c_char, c_int, c_void};

use super::null_argument;
use crate::abi::{Py_ssize_t, PyObject};
use crate::error::Error;
use crate::protocol::legacy::{self, Bytes};
use crate::runtime;

/// The address and length of an object's bytes, as characters. Otherwise as `PyObject_AsReadBuffer`.
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
    // SAFETY: the same arguments under the same contract (caller).
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
    defer_to_unserved!(PyObject_AsCharBuffer(obj, buffer, buffer_len));
    // SAFETY: the same arguments under the same contract (caller).
    unsafe { as_read_buffer(obj, buffer.cast(), buffer_len) }
}

/// The address and length of an object's bytes, for reading: stored in `*buffer` and `*buffer_len`.
///
/// The underlying view is released before the function returns, so nothing but the object itself keeps the
/// bytes in place. Use `PyObject_GetBuffer` instead.
///
/// Returns 0, or -1 with an error set: `SystemError` if an argument is NULL (unless an error is set already);
/// `TypeError` if the object is no exporter; or the exporter's own error.
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
    // SAFETY: the same arguments under the same contract (caller).
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
    defer_to_unserved!(PyObject_AsReadBuffer(obj, buffer, buffer_len));
    // SAFETY: `obj` is null or an object that the thread may use, and the pointers are null or writable (caller).
    unsafe { store(obj, buffer.cast(), buffer_len, legacy::readable) }
}

/// The address and length of an object's bytes, for writing. Otherwise as `PyObject_AsReadBuffer`, except that
/// an exporter's refusal always becomes `TypeError`.
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
    // SAFETY: the same arguments under the same contract (caller).
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
    defer_to_unserved!(PyObject_AsWriteBuffer(obj, buffer, buffer_len));
    // SAFETY: `obj` is null or an object that the thread may use, and the pointers are null or writable (caller).
    unsafe { store(obj, buffer, buffer_len, legacy::writable) }
}

/// Whether an object's bytes can be read: requests a view and releases it.
///
/// Returns 1 or 0; 0 for NULL. An error of the exporter is cleared.
///
/// # Safety
/// `obj` is NULL or an object. In a process with Python the caller holds the GIL.
///
/// # Compatibility
/// CPython 3.0 and later, deprecated since then; use `PyObject_CheckBuffer`. NULL crashes there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn PyObject_CheckReadBuffer(obj: *mut PyObject) -> c_int {
    // SAFETY: the same arguments under the same contract (caller).
    unsafe { check_read_buffer(obj) }
}

/// # Safety
/// As for [`PyObject_CheckReadBuffer`].
pub unsafe fn check_read_buffer(obj: *mut PyObject) -> c_int {
    runtime::for_objects();
    defer_to_unserved!(PyObject_CheckReadBuffer(obj));
    if obj.is_null() {
        return 0;
    }
    // SAFETY: an object that the thread may use (caller).
    unsafe { legacy::is_readable(obj) }
}

/// Stores the address and length of the bytes that `find` finds.
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
    // SAFETY: not null, so an object for `find` (caller).
    let stored = unsafe { find(obj) }.map(|bytes| {
        // SAFETY: not null, so writable (caller).
        unsafe { buffer.write(bytes.start) };
        // SAFETY: as above.
        unsafe { buffer_len.write(bytes.len) };
    });
    runtime::status(stored)
}

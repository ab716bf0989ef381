//! `PyObject_*`: functions of objects.

use core::ffi::{c_int, c_void};

use super::null_argument;
use crate::abi::{Py_buffer, PyObject};
use crate::protocol::{self, get};
use crate::runtime::{self, layout::ObjectLayout};

/// Whether an object's type exports buffers: 1 or 0, never an error. `PyObject_GetBuffer` may still
/// refuse a request. NULL means 0.
///
/// # Safety
/// `obj` is NULL or an object. In a process with Python the caller holds the GIL.
///
/// # Compatibility
/// CPython 3.9 and later as a function, before as a macro; there NULL crashes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn PyObject_CheckBuffer(obj: *mut PyObject) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { check_buffer(obj) }
}

/// # Safety
/// As for [`PyObject_CheckBuffer`].
#[inline]
pub unsafe fn check_buffer(obj: *mut PyObject) -> c_int {
    if obj.is_null() {
        return 0;
    }
    if runtime::settled_plain().is_none() {
        // SAFETY: an object (caller).
        return unsafe { check_buffer_elsewhere(obj) };
    }
    // SAFETY: an object, and this is its layout.
    unsafe { get::is_exporter(ObjectLayout::PLAIN, obj) }.into()
}

/// As [`check_buffer`] before the world is settled, or in one of another layout.
///
/// # Safety
/// `obj` is an object.
#[inline(never)]
unsafe fn check_buffer_elsewhere(obj: *mut PyObject) -> c_int {
    // SAFETY: an object (caller), and this is its layout.
    unsafe { get::is_exporter(runtime::for_objects().layout(), obj) }.into()
}

/// Asks `obj` to fill `view` for a request of `flags` (`PyBUF_SIMPLE`, `PyBUF_FULL_RO`, ...).
///
/// Returns what the exporter returns: 0 with `view` filled, which must be given back once with
/// `PyBuffer_Release`; or -1 with an error set, most often `BufferError` if the exporter cannot meet
/// the request. Without an exporter: -1 with `TypeError`, and `view` untouched. `SystemError` if `obj`
/// is NULL, if `flags` are exactly `PyBUF_READ` or `PyBUF_WRITE` (CPython before 3.13: passed on), or
/// if `view` is NULL and `obj` a memoryview (other exporters are handed the NULL, and refuse it).
///
/// # Safety
/// `obj` is NULL or an object; `view` is writable. In a process with Python the caller holds the GIL.
///
/// # Compatibility
/// CPython 3.0 and later; there a NULL `obj` crashes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn PyObject_GetBuffer(
    obj: *mut PyObject,
    view: *mut Py_buffer,
    flags: c_int,
) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { get_buffer(obj, view, flags) }
}

/// # Safety
/// As for [`PyObject_GetBuffer`].
#[inline]
pub unsafe fn get_buffer(obj: *mut PyObject, view: *mut Py_buffer, flags: c_int) -> c_int {
    if runtime::settled_plain().is_some() {
        // SAFETY: null or an object (caller), and this is its layout.
        if let Some(getbuffer) = unsafe { get::slot(ObjectLayout::PLAIN, obj, view, flags) } {
            // SAFETY: the slot of the object's own type; the rest is the caller's promise.
            return unsafe { getbuffer(obj, view, flags) };
        }
    }
    // SAFETY: the caller's promise is the callee's.
    unsafe { get_buffer_elsewhere(obj, view, flags) }
}

super::with_caller! {
    /// As [`get_buffer`] before the world is settled, in one of another layout, with an answer of our own, or
    /// under the audit: apart, so that all other calls leave by a jump into the exporter's slot (1 ns of 7;
    /// Xeon, `calls`).
    ///
    /// # Safety
    /// As for [`PyObject_GetBuffer`].
    get_buffer_elsewhere(obj: *mut PyObject, view: *mut Py_buffer, flags: c_int) -> c_int
        = get_buffer_for, "rcx", "x3"
}

/// # Safety
/// As for [`PyObject_GetBuffer`].
#[cold]
#[inline(never)]
unsafe extern "C" fn get_buffer_for(
    obj: *mut PyObject,
    view: *mut Py_buffer,
    flags: c_int,
    caller: *const c_void,
) -> c_int {
    runtime::for_objects();
    keep_out_of_the_way!(PyObject_GetBuffer(obj, view, flags));
    // SAFETY: the caller's promise is the callee's.
    match unsafe { get::ask_for(obj, view, flags, caller) } {
        Ok(answer) => answer,
        Err(error) => runtime::status(Err(error)),
    }
}

/// Copies what `src` exports to what `dest` exports: as one block if both are contiguous in the same
/// order, otherwise item by item at the same indices. Formats are not compared.
///
/// A smaller source fills the leading bytes, or the leading corner, of the destination. The two may
/// overlap: the bytes are then copied as they were before.
///
/// Returns 0, or -1 with an error set and nothing written: `TypeError` if one of them is no exporter;
/// the exporter's error if `dest` is not writable or a request cannot be met; `BufferError` if `dest` is
/// smaller, or, item by item, if the numbers of dimensions differ, a dimension of `src` is longer or its
/// items are larger; `ValueError` if a view's fields contradict one another; `SystemError` for NULLs;
/// `MemoryError`.
///
/// # Safety
/// `dest` and `src` are NULL or objects. In a process with Python the caller holds the GIL.
///
/// # Compatibility
/// CPython 3.0 and later; there views of unlike shapes are written out of bounds.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn PyObject_CopyData(dest: *mut PyObject, src: *mut PyObject) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { copy_data(dest, src) }
}

/// # Safety
/// As for [`PyObject_CopyData`].
pub unsafe fn copy_data(dest: *mut PyObject, src: *mut PyObject) -> c_int {
    runtime::for_objects();
    keep_out_of_the_way!(PyObject_CopyData(dest, src));
    if dest.is_null() || src.is_null() {
        return null_argument();
    }
    // SAFETY: both are objects (caller).
    runtime::status_of(unsafe { protocol::copy_data::copy_data(dest, src) })
}

//! `PyObject_*`: functions on objects.

use core::ffi::{c_int, c_void};

use super::null_argument;
use crate::abi::{Py_buffer, PyObject};
use crate::protocol::{self, get};
use crate::runtime::{self, layout::ObjectLayout};

/// Whether an object's type exports buffers. `PyObject_GetBuffer` may still refuse a request.
///
/// Returns 1 or 0, and never sets an error; 0 for NULL.
///
/// # Safety
/// `obj` is NULL or an object. In a process with Python the caller holds the GIL.
///
/// # Compatibility
/// CPython 3.9 and later as a function, before that as a macro. There NULL crashes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn PyObject_CheckBuffer(obj: *mut PyObject) -> c_int {
    // SAFETY: the same arguments under the same contract (caller).
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

/// As [`check_buffer`] before the world is settled, in a world with another object layout, or under the audit.
///
/// # Safety
/// `obj` is an object.
#[inline(never)]
unsafe fn check_buffer_elsewhere(obj: *mut PyObject) -> c_int {
    // SAFETY: an object (caller), and this is its layout.
    unsafe { get::is_exporter(runtime::for_objects().layout(), obj) }.into()
}

/// Requests a view of `obj`: the exporter fills `view` as `flags` ask (`PyBUF_SIMPLE`, `PyBUF_FULL_RO`, ...).
///
/// Returns what the exporter returns: 0 with `view` filled, which must be released once with
/// `PyBuffer_Release`; or -1 with an error set, most often `BufferError` if the exporter cannot meet
/// the request.
///
/// Without a call of the exporter it returns -1 with an error set, and `view` untouched: `TypeError` if `obj`
/// is no exporter; `SystemError` if `obj` is NULL, if `flags` are exactly `PyBUF_READ` or `PyBUF_WRITE`
/// (CPython before 3.13: passed on), or if `view` is NULL and `obj` a memoryview. (Other exporters are passed
/// a NULL `view`, and refuse it.)
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
    // SAFETY: the same arguments under the same contract (caller).
    unsafe { get_buffer(obj, view, flags) }
}

/// # Safety
/// As for [`PyObject_GetBuffer`].
#[inline]
pub unsafe fn get_buffer(obj: *mut PyObject, view: *mut Py_buffer, flags: c_int) -> c_int {
    if runtime::settled_plain().is_some() {
        // SAFETY: null or an object (caller), and this is its layout.
        if let Some(getbuffer) = unsafe { get::slot(ObjectLayout::PLAIN, obj, view, flags) } {
            // SAFETY: the slot of the object's own type, for that object and a writable view (caller).
            return unsafe { getbuffer(obj, view, flags) };
        }
    }
    // SAFETY: the same arguments under the same contract (caller).
    unsafe { get_buffer_elsewhere(obj, view, flags) }
}

super::with_caller! {
    /// As [`get_buffer`] where the fast path is closed: before the world is settled, in a world with another
    /// object layout, under the audit, and where the library answers itself. A function of its own, so that all
    /// other calls leave by a jump into the exporter's slot (1 ns of 7; Xeon, `calls`).
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
    defer_to_unserved!(PyObject_GetBuffer(obj, view, flags));
    // SAFETY: `obj` is null or an object that the thread may use, and `view` is writable or null (caller).
    match unsafe { get::acquire_for(obj, view, flags, caller) } {
        Ok(answer) => answer,
        Err(error) => runtime::status(Err(error)),
    }
}

/// Copies what `src` exports to what `dest` exports: as one block if both are contiguous in the same
/// order, otherwise item by item at the same indices. Formats are not compared.
///
/// A smaller source fills the leading bytes of the destination, or, item by item, its leading corner. The two
/// may overlap: the bytes are copied as they were before the call.
///
/// Returns 0, or -1 with an error set and nothing written: `TypeError` if one of them is no exporter;
/// the exporter's error if `dest` is not writable or a request cannot be met; `BufferError` if `dest` is
/// smaller, or, item by item, if the numbers of dimensions differ, a dimension of `src` is longer or its
/// items are larger; `ValueError` if a view's fields contradict one another; `SystemError` if an argument is
/// NULL; `MemoryError`.
///
/// # Safety
/// `dest` and `src` are NULL or objects. In a process with Python the caller holds the GIL.
///
/// # Compatibility
/// CPython 3.0 and later. There a copy between views of unlike shapes writes out of bounds.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn PyObject_CopyData(dest: *mut PyObject, src: *mut PyObject) -> c_int {
    // SAFETY: the same arguments under the same contract (caller).
    unsafe { copy_data(dest, src) }
}

/// # Safety
/// As for [`PyObject_CopyData`].
pub unsafe fn copy_data(dest: *mut PyObject, src: *mut PyObject) -> c_int {
    runtime::for_objects();
    defer_to_unserved!(PyObject_CopyData(dest, src));
    if dest.is_null() || src.is_null() {
        return null_argument();
    }
    // SAFETY: both are objects that the thread may use (caller).
    runtime::status_of(unsafe { protocol::copy_data::copy_data(dest, src) })
}

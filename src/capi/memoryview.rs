//! `PyMemoryView_*`: functions on memoryviews.

use core::ffi::{c_char, c_int};
use core::ptr;

use super::{null_object, object_or_null};
use crate::abi::{Py_buffer, Py_ssize_t, PyObject};
use crate::protocol::memoryview;
use crate::runtime;

/// A memoryview of what `obj` exports. If `obj` is a memoryview itself, the new one is of the same exporter.
///
/// Returns a new reference, or NULL with an error set: `TypeError` if `obj` is no exporter; the
/// exporter's error if it refuses `PyBUF_FULL_RO`; `ValueError` if `obj` is a memoryview that was
/// released, or for more than 64 dimensions; `SystemError` if `obj` is NULL; `MemoryError`.
///
/// # Safety
/// `obj` is NULL or an object. In a process with Python the caller holds the GIL.
///
/// # Compatibility
/// CPython 3.0 and later; there NULL crashes.
#[cfg(not(python_h_declares_memoryviews))]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn PyMemoryView_FromObject(obj: *mut PyObject) -> *mut PyObject {
    // SAFETY: the same arguments under the same contract (caller).
    unsafe { from_object(obj) }
}

/// # Safety
/// As for [`PyMemoryView_FromObject`].
pub unsafe fn from_object(obj: *mut PyObject) -> *mut PyObject {
    runtime::for_objects();
    defer_to_unserved!(PyMemoryView_FromObject(obj));
    if obj.is_null() {
        return null_object();
    }
    // SAFETY: an object (caller).
    object_or_null(unsafe { memoryview::from_object(obj) })
}

/// A memoryview of `size` bytes at `mem`: writable if `flags` are exactly `PyBUF_WRITE`, and read-only
/// otherwise.
///
/// Nothing tells the caller when the last memoryview of the bytes is gone; that is what
/// `pybuffer_memoryview_from_memory_with_destructor` is for.
///
/// Returns a new reference, or NULL with an error set: `MemoryError`.
///
/// # Safety
/// `mem` has `size` bytes for as long as any memoryview of them exists. In a process with Python the caller
/// holds the GIL.
///
/// # Compatibility
/// CPython 3.3 and later. As there, `mem` may be NULL and `size` negative.
#[cfg(not(python_h_declares_memoryviews))]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn PyMemoryView_FromMemory(
    mem: *mut c_char,
    size: Py_ssize_t,
    flags: c_int,
) -> *mut PyObject {
    // SAFETY: the same arguments under the same contract (caller).
    unsafe { from_memory(mem, size, flags) }
}

/// # Safety
/// As for [`PyMemoryView_FromMemory`].
pub unsafe fn from_memory(mem: *mut c_char, size: Py_ssize_t, flags: c_int) -> *mut PyObject {
    runtime::for_good();
    defer_to_unserved!(PyMemoryView_FromMemory(mem, size, flags));
    // SAFETY: the bytes stay as long as any memoryview of them (caller).
    object_or_null(unsafe { memoryview::from_memory(mem, size, flags) })
}

/// A memoryview of the memory that `info` describes. Shape, strides, suboffsets and format are copied.
///
/// `info->obj` is neither kept alive nor released; `pybuffer_memoryview_from_buffer_with_owner` keeps an owner
/// alive.
///
/// Returns a new reference, or NULL with an error set: `ValueError` if `info->buf` is NULL, for more than
/// 64 dimensions, or if a shape is missing; `SystemError` if `info` is NULL or `ndim` negative;
/// `MemoryError`.
///
/// # Safety
/// `info` is NULL or a view whose arrays, where not NULL, have `ndim` entries, and whose memory stays for as
/// long as any memoryview of it exists. In a process with Python the caller holds the GIL.
///
/// # Compatibility
/// CPython 3.3 and later. There the format is not copied, and NULL or a missing shape crashes.
#[cfg(not(python_h_declares_buffers))]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn PyMemoryView_FromBuffer(info: *const Py_buffer) -> *mut PyObject {
    // SAFETY: the same arguments under the same contract (caller).
    unsafe { from_buffer(info) }
}

/// # Safety
/// As for [`PyMemoryView_FromBuffer`].
pub unsafe fn from_buffer(info: *const Py_buffer) -> *mut PyObject {
    runtime::for_good();
    defer_to_unserved!(PyMemoryView_FromBuffer(info));
    // SAFETY: null or a view (caller).
    match unsafe { info.as_ref() } {
        None => null_object(),
        // SAFETY: the view's arrays are there, and its memory stays as long as any memoryview of it (caller).
        Some(info) => object_or_null(unsafe { memoryview::from_buffer(info) }),
    }
}

/// A memoryview of what `obj` exports, with the items back to back in `order` (`'C'`, `'F'`, or `'A'` for
/// either).
///
/// If the items of `obj` lie so already, the memoryview is of `obj` itself. Otherwise it is of a new read-only
/// `bytes` object with a copy: in C order for `'C'` and `'A'`, and in Fortran order for any other `order`.
///
/// Returns a new reference, or NULL with an error set: as `PyMemoryView_FromObject`; `BufferError` if
/// `buffertype` is `PyBUF_WRITE` and the memory is read-only or would have to be copied; `ValueError` if a
/// view's fields contradict one another.
///
/// # Safety
/// `obj` is NULL or an object. In a process with Python the caller holds the GIL.
///
/// # Compatibility
/// CPython 3.0 and later. There NULL crashes, and so does `ndim` 0 with suboffsets or an unknown order, which
/// is copied here. In a CPython whose memoryviews are laid out unlike those of 3.8 to 3.15, its own function
/// makes the copy; there `SystemError` is raised for what would crash that function, and for a copy in an
/// unknown order of a view in Fortran order.
#[cfg(not(python_h_declares_memoryviews))]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn PyMemoryView_GetContiguous(
    obj: *mut PyObject,
    buffertype: c_int,
    order: c_char,
) -> *mut PyObject {
    // SAFETY: the same arguments under the same contract (caller).
    unsafe { get_contiguous(obj, buffertype, order) }
}

/// # Safety
/// As for [`PyMemoryView_GetContiguous`].
pub unsafe fn get_contiguous(
    obj: *mut PyObject,
    buffertype: c_int,
    order: c_char,
) -> *mut PyObject {
    runtime::for_objects();
    defer_to_unserved!(PyMemoryView_GetContiguous(obj, buffertype, order));
    if obj.is_null() {
        return null_object();
    }
    // SAFETY: an object (caller).
    object_or_null(unsafe { memoryview::get_contiguous(obj, buffertype, order) })
}

/// Whether an object is a memoryview. Returns 1 or 0, and never sets an error; 0 for NULL.
///
/// # Safety
/// `obj` is NULL or an object. In a process with Python the caller holds the GIL.
///
/// # Compatibility
/// A macro in every Python.h.
#[cfg(not(python_h_has_memoryview_macros))]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn PyMemoryView_Check(obj: *mut PyObject) -> c_int {
    // SAFETY: an object (caller).
    (!obj.is_null() && unsafe { runtime::for_objects().is_memoryview(obj) }).into()
}

/// A memoryview's own view, with its dimensions, shape and strides.
///
/// The view is borrowed: it is valid until the memoryview is released or freed, and must not be passed to
/// `PyBuffer_Release`.
///
/// Returns NULL with `SystemError` set if `memoryview` is NULL or not a memoryview.
///
/// # Safety
/// `memoryview` is NULL or an object. In a process with Python the caller holds the GIL.
///
/// # Compatibility
/// A macro in Python.h, without checks; missing with `Py_LIMITED_API`.
#[cfg(not(python_h_has_memoryview_fields))]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn PyMemoryView_GET_BUFFER(memoryview: *mut PyObject) -> *mut Py_buffer {
    // SAFETY: the same argument under the same contract (caller).
    unsafe { view_of(memoryview) }
}

/// The object that a memoryview is of. The reference is borrowed: it is valid until the memoryview is released
/// or freed.
///
/// Returns NULL without an error if the memoryview is of no object, and NULL with an error as
/// `PyMemoryView_GET_BUFFER` does.
///
/// # Safety
/// `memoryview` is NULL or an object. In a process with Python the caller holds the GIL.
///
/// # Compatibility
/// A macro in Python.h, without checks; missing with `Py_LIMITED_API`.
#[cfg(not(python_h_has_memoryview_fields))]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn PyMemoryView_GET_BASE(memoryview: *mut PyObject) -> *mut PyObject {
    // SAFETY: the same argument under the same contract (caller).
    let view = unsafe { view_of(memoryview) };
    // SAFETY: null, or the view within a memoryview that is alive (caller).
    unsafe { view.as_ref() }.map_or(ptr::null_mut(), |view| view.obj)
}

/// # Safety
/// As for [`PyMemoryView_GET_BUFFER`].
unsafe fn view_of(memoryview: *mut PyObject) -> *mut Py_buffer {
    if memoryview.is_null() {
        return null_object().cast();
    }
    // SAFETY: an object (caller).
    let view = unsafe { memoryview::view_of(memoryview) };
    object_or_null(view.map(|view| view.cast())).cast()
}

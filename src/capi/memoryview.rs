//! `PyMemoryView_*`: memoryviews.

use core::ffi::{c_char, c_int};
use core::ptr;

use super::{null_object, object_or_null};
use crate::abi::{Py_buffer, Py_ssize_t, PyObject};
use crate::protocol::memoryview;
use crate::runtime;

/// A memoryview of what `obj` exports, or of what `obj` is of, if it is a memoryview.
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
    // SAFETY: the caller's promise.
    unsafe { from_object(obj) }
}

/// # Safety
/// As for [`PyMemoryView_FromObject`].
pub unsafe fn from_object(obj: *mut PyObject) -> *mut PyObject {
    runtime::for_objects();
    keep_out_of_the_way!(PyMemoryView_FromObject(obj));
    if obj.is_null() {
        return null_object();
    }
    // SAFETY: an object (caller).
    object_or_null(unsafe { memoryview::from_object(obj) })
}

/// A memoryview of `size` bytes at `mem`: they may be written if `flags` are exactly `PyBUF_WRITE`, and any
/// other flags mean read-only.
///
/// Nothing tells when the memoryview and its copies are gone: see
/// `pybuffer_memoryview_from_memory_with_destructor`. Returns a new reference, or NULL with an error set:
/// `MemoryError`.
///
/// # Safety
/// `size` bytes are at `mem` as long as any memoryview of them. In a process with Python the caller holds
/// the GIL.
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
    // SAFETY: the caller's promise.
    unsafe { from_memory(mem, size, flags) }
}

/// # Safety
/// As for [`PyMemoryView_FromMemory`].
pub unsafe fn from_memory(mem: *mut c_char, size: Py_ssize_t, flags: c_int) -> *mut PyObject {
    runtime::for_good();
    keep_out_of_the_way!(PyMemoryView_FromMemory(mem, size, flags));
    // SAFETY: the caller's promise is the callee's.
    object_or_null(unsafe { memoryview::from_memory(mem, size, flags) })
}

/// A memoryview of the memory that `info` tells of. Shape, strides, suboffsets and format are copied;
/// `info->obj` is neither kept nor given back: see `pybuffer_memoryview_from_buffer_with_owner`.
///
/// Returns a new reference, or NULL with an error set: `ValueError` if `info->buf` is NULL, for more than
/// 64 dimensions, or if a shape is missing; `SystemError` if `info` is NULL or `ndim` negative;
/// `MemoryError`.
///
/// # Safety
/// `info` is NULL or a view whose arrays are there; its memory is there as long as any memoryview of it.
/// In a process with Python the caller holds the GIL.
///
/// # Compatibility
/// CPython 3.3 and later; there the format is not copied, and NULL or a missing shape crashes.
#[cfg(not(python_h_declares_buffers))]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn PyMemoryView_FromBuffer(info: *const Py_buffer) -> *mut PyObject {
    // SAFETY: the caller's promise.
    unsafe { from_buffer(info) }
}

/// # Safety
/// As for [`PyMemoryView_FromBuffer`].
pub unsafe fn from_buffer(info: *const Py_buffer) -> *mut PyObject {
    runtime::for_good();
    keep_out_of_the_way!(PyMemoryView_FromBuffer(info));
    // SAFETY: null or a view (caller).
    match unsafe { info.as_ref() } {
        None => null_object(),
        // SAFETY: the caller's promise is the callee's.
        Some(info) => object_or_null(unsafe { memoryview::from_buffer(info) }),
    }
}

/// A memoryview of what `obj` exports, whose items lie back to back in `order` ('C', 'F', or 'A' for
/// either): of `obj` itself if it lies so; otherwise of a new read-only `bytes` with a copy, in C order
/// for 'C' and 'A' and in Fortran order for any other `order`.
///
/// Returns a new reference, or NULL with an error set: as `PyMemoryView_FromObject`; `BufferError` if
/// `buffertype` is `PyBUF_WRITE` and the memory is read-only or would have to be copied; `ValueError` if a
/// view's fields contradict one another.
///
/// # Safety
/// `obj` is NULL or an object. In a process with Python the caller holds the GIL.
///
/// # Compatibility
/// CPython 3.0 and later; there NULL crashes, and so does `ndim` 0 with suboffsets or an unknown order,
/// which is copied here.
/// In a CPython whose memoryviews are not as any from 3.8 to 3.15 has them its own function copies, and
/// what would crash it is a `SystemError`, as is a copy in an unknown order of what lies in Fortran order.
#[cfg(not(python_h_declares_memoryviews))]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn PyMemoryView_GetContiguous(
    obj: *mut PyObject,
    buffertype: c_int,
    order: c_char,
) -> *mut PyObject {
    // SAFETY: the caller's promise.
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
    keep_out_of_the_way!(PyMemoryView_GetContiguous(obj, buffertype, order));
    if obj.is_null() {
        return null_object();
    }
    // SAFETY: an object (caller).
    object_or_null(unsafe { memoryview::get_contiguous(obj, buffertype, order) })
}

/// Whether an object is a memoryview: 1 or 0, never an error. NULL means 0.
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

/// A memoryview's own view: of as many dimensions as it has, with its shape and strides. It is borrowed,
/// good as long as the memoryview is neither released nor gone, and is not to be given back.
///
/// NULL with `SystemError` if `memoryview` is NULL or no memoryview.
///
/// # Safety
/// `memoryview` is NULL or an object. In a process with Python the caller holds the GIL.
///
/// # Compatibility
/// A macro in Python.h, without checks, and not there with `Py_LIMITED_API`.
#[cfg(not(python_h_has_memoryview_fields))]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn PyMemoryView_GET_BUFFER(memoryview: *mut PyObject) -> *mut Py_buffer {
    // SAFETY: the caller's promise is the callee's.
    unsafe { view_of(memoryview) }
}

/// The object that a memoryview is of, borrowed, good as long as the memoryview is neither released nor
/// gone; NULL if there is none, with an error as for `PyMemoryView_GET_BUFFER` or without.
///
/// # Safety
/// `memoryview` is NULL or an object. In a process with Python the caller holds the GIL.
///
/// # Compatibility
/// A macro in Python.h, without checks, and not there with `Py_LIMITED_API`.
#[cfg(not(python_h_has_memoryview_fields))]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn PyMemoryView_GET_BASE(memoryview: *mut PyObject) -> *mut PyObject {
    // SAFETY: the caller's promise is the callee's.
    let view = unsafe { view_of(memoryview) };
    // SAFETY: null, or a memoryview's view.
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

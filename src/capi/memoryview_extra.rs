//! `pybuffer_memoryview_*`: what CPython's memoryviews lack in C.

use core::ffi::{c_char, c_int, c_void};

use super::{null_argument, null_object, object_or_null};
use crate::abi::{Py_buffer, Py_ssize_t, PyObject};
use crate::protocol::memoryview;

/// As `PyMemoryView_FromBuffer`, with an owner: the memoryview, and all memoryviews made from it, keep `owner`
/// alive, which owns the memory that `info` describes. `PyMemoryView_GET_BASE` (in Python `.obj`) is `owner`.
///
/// `owner` may be any object: no buffer is requested from it. One reference to it is held until the last of
/// these memoryviews is released or freed. `info->obj` is not looked at.
///
/// Returns a new reference, or NULL with an error set: as `PyMemoryView_FromBuffer`; `SystemError` if
/// `owner` is NULL, or in a CPython whose memoryviews are laid out unlike those of 3.8 to 3.15.
///
/// # Safety
/// `info` is NULL or a view whose arrays, where not NULL, have `ndim` entries, and whose memory stays as long
/// as `owner` lives; `owner` is NULL or an object. In a process with Python the caller holds the GIL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pybuffer_memoryview_from_buffer_with_owner(
    info: *const Py_buffer,
    owner: *mut PyObject,
) -> *mut PyObject {
    // SAFETY: null or a view (caller).
    match unsafe { info.as_ref() } {
        Some(info) if !owner.is_null() => {
            // SAFETY: the view's arrays are there, its memory stays as long as `owner`, and that is an object (caller).
            object_or_null(unsafe { memoryview::with_owner(info, owner) })
        }
        _ => null_object(),
    }
}

/// As `PyMemoryView_FromMemory`, with a destructor: `destructor(context)` is called exactly once, when the
/// memoryview, and all memoryviews made from it, are released or freed.
///
/// The thread that drops the last of them makes the call; in a process with Python it holds the GIL. The
/// destructor may free `mem`: pass `free` as `destructor` and `mem` as `context`. An error that is pending is
/// saved during the call and restored after it. An error that the destructor leaves is reported as unraisable
/// in a process with Python, and dropped in one without.
///
/// `PyMemoryView_GET_BASE` (in Python `.obj`) is a capsule of the library's own, which calls the destructor:
/// whoever keeps a reference to it delays the call.
///
/// Returns a new reference; or NULL with an error set, and the destructor is not called: `MemoryError`;
/// `SystemError` if `destructor` is NULL, or in a CPython whose memoryviews are laid out unlike those of 3.8 to
/// 3.15.
///
/// # Safety
/// `mem` has `size` bytes until the destructor is called. `destructor` may be called with `context` by any
/// thread that drops a memoryview. In a process with Python the caller holds the GIL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pybuffer_memoryview_from_memory_with_destructor(
    mem: *mut c_char,
    size: Py_ssize_t,
    flags: c_int,
    destructor: Option<unsafe extern "C" fn(context: *mut c_void)>,
    context: *mut c_void,
) -> *mut PyObject {
    match destructor {
        None => null_object(),
        // SAFETY: the bytes stay until the destructor is called, which any thread may do (caller).
        Some(destructor) => object_or_null(unsafe {
            memoryview::with_destructor(mem, size, flags, destructor, context)
        }),
    }
}

/// `memoryview.release()`: releases the memoryview's memory before the memoryview is freed. Releasing it again
/// does nothing.
///
/// Returns 0, or -1 with an error set: `BufferError` if views that the memoryview handed out are not
/// released yet; `SystemError` if `memoryview` is NULL or not a memoryview.
///
/// # Safety
/// `memoryview` is NULL or an object. In a process with Python the caller holds the GIL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pybuffer_memoryview_release(memoryview: *mut PyObject) -> c_int {
    if memoryview.is_null() {
        return null_argument();
    }
    // SAFETY: an object (caller).
    if unsafe { memoryview::release(memoryview) }.is_ok() { 0 } else { -1 }
}

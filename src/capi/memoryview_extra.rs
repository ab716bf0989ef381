//! `pybuffer_memoryview_*`: what CPython's memoryviews lack in C.

use core::ffi::{c_char, c_int, c_void};

use super::{null_argument, null_object, object_or_null};
use crate::abi::{Py_buffer, Py_ssize_t, PyObject};
use crate::protocol::memoryview;

/// As `PyMemoryView_FromBuffer`, and the memoryview and all that come of it keep `owner` alive, whose
/// memory `info` tells of. `PyMemoryView_GET_BASE` (in Python `.obj`) is `owner`.
///
/// `info->obj` is not looked at, and `owner`'s own buffer is not asked for: `owner` may be any object, and
/// what it does to its memory before its end is its affair. `owner` gets one more reference for as long as
/// it takes.
///
/// Returns a new reference, or NULL with an error set: as `PyMemoryView_FromBuffer`; `SystemError` if
/// `owner` is NULL, or in a CPython whose memoryviews are not as any from 3.8 to 3.15 has them.
///
/// # Safety
/// `info` is NULL or a view whose arrays are there, and whose memory is there as long as `owner`; `owner`
/// is NULL or an object. In a process with Python the caller holds the GIL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pybuffer_memoryview_from_buffer_with_owner(
    info: *const Py_buffer,
    owner: *mut PyObject,
) -> *mut PyObject {
    // SAFETY: null or a view (caller).
    match unsafe { info.as_ref() } {
        Some(info) if !owner.is_null() => {
            // SAFETY: the caller's promise is the callee's.
            object_or_null(unsafe { memoryview::with_owner(info, owner) })
        }
        _ => null_object(),
    }
}

/// As `PyMemoryView_FromMemory`, and `destructor(context)` is called exactly once, after the memoryview and
/// all that came of it are gone (or released), by the thread that dropped the last; in a process with
/// Python it then holds the GIL. Free `mem` there: with `free` as destructor, `mem` as context. A pending
/// error is put aside for that time; one that the destructor leaves is reported as unraisable in a process
/// with Python, dropped in one without.
///
/// `PyMemoryView_GET_BASE` (in Python `.obj`) is a PyCapsule of the library's own, which is what calls the
/// destructor: whoever keeps it puts the call off.
///
/// Returns a new reference, or NULL with an error set, and then the destructor is not called:
/// `MemoryError`; `SystemError` if `destructor` is NULL, or in a CPython whose memoryviews are not as any
/// from 3.8 to 3.15 has them.
///
/// # Safety
/// `size` bytes are at `mem` until the destructor is called. In a process with Python the caller holds
/// the GIL.
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
        // SAFETY: the caller's promise is the callee's.
        Some(destructor) => object_or_null(unsafe {
            memoryview::with_destructor(mem, size, flags, destructor, context)
        }),
    }
}

/// `memoryview.release()`: gives the memory back before the memoryview's end. Doing so again does nothing.
///
/// Returns 0, or -1 with an error set: `BufferError` if views that the memoryview handed out are not given
/// back yet; `SystemError` if `memoryview` is NULL or no memoryview.
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

//! Asking an exporter for a view, and giving it back.

use core::ffi::{CStr, c_int, c_void};
use core::ptr;

use crate::abi::{Py_buffer, PyBUF_READ, PyBUF_WRITE, PyObject, getbufferproc};
use crate::error::{Error, Kind};
use crate::runtime;
use crate::runtime::layout::ObjectLayout;
use crate::runtime::views::{not_an_exporter, release};
use crate::runtime::watch;
pub use crate::view::plain::EMPTY;

/// `bad argument to internal function`, as libpython says it, without its file and line.
pub const BAD_CALL: Error = Error::Fixed(Kind::System, BAD_CALL_TEXT);
/// Its text.
pub const BAD_CALL_TEXT: &CStr = c"bad argument to internal function";

/// Whether `flags` are a memoryview's access mode, which CPython refuses as a request since 3.13.
pub fn are_access_mode(flags: c_int) -> bool {
    flags == PyBUF_READ || flags == PyBUF_WRITE
}

/// Whether the type of `obj` exports buffers.
///
/// # Safety
/// `obj` is an object of this layout.
#[inline]
pub unsafe fn is_exporter(layout: ObjectLayout, obj: *mut PyObject) -> bool {
    // SAFETY: the caller's promise is the callee's.
    unsafe { layout.slots_of(obj) }.is_some_and(|slots| slots.bf_getbuffer.is_some())
}

/// The slot of an exporter to be asked in a way that needs no second look; `None` for all else.
///
/// # Safety
/// `obj` is null or an object of this layout.
#[inline]
pub unsafe fn slot(
    layout: ObjectLayout,
    obj: *mut PyObject,
    view: *mut Py_buffer,
    flags: c_int,
) -> Option<getbufferproc> {
    if obj.is_null() || view.is_null() || are_access_mode(flags) {
        return None;
    }
    // SAFETY: an object of this layout (caller).
    unsafe { layout.slots_of(obj) }?.bf_getbuffer
}

/// Asks `obj` for a view: what it answers, unchanged, or why it was not asked.
///
/// # Safety
/// `obj` is null or an object of this process's world, and the thread may use it; `view` is null or
/// writable.
#[inline(never)]
pub unsafe fn ask(obj: *mut PyObject, view: *mut Py_buffer, flags: c_int) -> Result<c_int, Error> {
    if runtime::settled_plain().is_some() {
        // SAFETY: null or an object (caller), and this is its layout.
        if let Some(getbuffer) = unsafe { slot(ObjectLayout::PLAIN, obj, view, flags) } {
            // SAFETY: the slot of the object's own type; the rest is the caller's promise.
            return Ok(unsafe { getbuffer(obj, view, flags) });
        }
    }
    // SAFETY: the caller's promise is the callee's.
    unsafe { ask_for(obj, view, flags, ptr::null()) }
}

/// As [`ask`], for a caller outside who goes on at `caller`.
///
/// # Safety
/// As for [`ask`].
#[inline(never)]
pub unsafe fn ask_for(
    obj: *mut PyObject,
    view: *mut Py_buffer,
    flags: c_int,
    caller: *const c_void,
) -> Result<c_int, Error> {
    let runtime = runtime::for_objects();
    if are_access_mode(flags) && runtime.refuses_access_modes() {
        return Err(BAD_CALL);
    }
    if obj.is_null() {
        return Err(Error::NullArgument);
    }
    // SAFETY: an object of this world (caller).
    let slots = unsafe { runtime.layout().slots_of(obj) };
    let Some(getbuffer) = slots.and_then(|slots| slots.bf_getbuffer) else {
        // SAFETY: as above.
        return Err(unsafe { not_an_exporter(runtime, obj) });
    };
    // SAFETY: as above.
    if view.is_null() && unsafe { runtime.is_memoryview(obj) } {
        return Err(Error::NullArgument);
    }
    // SAFETY: this is the slot of the object's own type; the rest is the caller's promise.
    unsafe { watch::ask(runtime, getbuffer, obj, view, flags, caller) }
}

/// Gives a view back, for callers within the library: not once more in line.
///
/// # Safety
/// As for [`release`].
#[inline(never)]
pub unsafe fn give_back(view: *mut Py_buffer) {
    match runtime::settled_counted() {
        // SAFETY: the caller's promise is the callee's.
        Some(runtime) => unsafe { release::<true>(runtime, view) },
        // SAFETY: as above.
        None => unsafe { give_back_for(view, ptr::null()) },
    }
}

/// As [`give_back`], for a caller outside who goes on at `caller`.
///
/// # Safety
/// As for [`release`].
#[inline(never)]
pub unsafe fn give_back_for(view: *mut Py_buffer, caller: *const c_void) {
    // SAFETY: the caller's promise is the callee's.
    unsafe { watch::give_back(runtime::for_objects(), view, caller) };
}

/// Calls `work` with a view of `obj`, and gives the view back.
///
/// # Safety
/// As for [`ask`]; what `work` does with the view is up to it.
pub unsafe fn with_view<R>(
    obj: *mut PyObject,
    flags: c_int,
    work: impl FnOnce(&Py_buffer) -> Result<R, Error>,
) -> Result<R, Error> {
    // A view may point into itself, so it stays where it is until it is released.
    let mut view = EMPTY;
    // SAFETY: the caller's promise is the callee's.
    if unsafe { ask(obj, &raw mut view, flags) }? != 0 {
        return Err(Error::Raised);
    }
    let result = work(&view);
    // SAFETY: filled above, not moved, and given back once.
    unsafe { give_back(&raw mut view) };
    result
}

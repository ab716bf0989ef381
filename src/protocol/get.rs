//! Requests a view from an exporter, and releases it.

use core::ffi::{CStr, c_int, c_void};
use core::ptr;

use crate::abi::{Py_buffer, PyBUF_READ, PyBUF_WRITE, PyObject, getbufferproc};
use crate::error::{Error, Kind, Raised};
use crate::runtime;
use crate::runtime::layout::ObjectLayout;
use crate::runtime::views::{self, not_an_exporter};
use crate::runtime::watch;
pub use crate::view::plain::EMPTY;

/// The text of a SystemError, as libpython says it, without its file and line.
pub const BAD_CALL: &CStr = c"bad argument to internal function";

/// Whether `flags` are a memoryview's access mode, which CPython refuses as a request since 3.13.
pub fn are_access_mode(flags: c_int) -> bool {
    flags == PyBUF_READ || flags == PyBUF_WRITE
}

/// Whether the type of `obj` exports buffers.
///
/// # Safety
/// * OBJECT: `obj` is an object of this layout.
#[inline]
pub unsafe fn is_exporter(layout: ObjectLayout, obj: *mut PyObject) -> bool {
    // SAFETY: an object of this layout (caller: OBJECT).
    unsafe { layout.slots_of(obj) }.is_some_and(|slots| slots.bf_getbuffer.is_some())
}

/// The slot of an exporter, if the request is a plain one; `None` for null pointers, access modes and objects that
/// export nothing.
///
/// # Safety
/// * OBJECT: `obj` is null or an object of this layout.
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
    // SAFETY: an object of this layout (caller: OBJECT).
    unsafe { layout.slots_of(obj) }?.bf_getbuffer
}

/// Requests a view of `obj`. Returns the exporter's result unchanged, or an error for which the request was not
/// sent.
///
/// # Safety
/// * OBJECT: `obj` is null or an object of this process's world that the thread may use.
/// * VIEW: `view` is null or writable.
#[inline(never)]
pub unsafe fn acquire(
    obj: *mut PyObject,
    view: *mut Py_buffer,
    flags: c_int,
) -> Result<c_int, Error> {
    if runtime::settled_plain().is_some() {
        // SAFETY: null or an object (caller: OBJECT), and this is its layout.
        if let Some(getbuffer) = unsafe { slot(ObjectLayout::PLAIN, obj, view, flags) } {
            // SAFETY: the slot of the object's own type, for its object and a view (caller: OBJECT, VIEW).
            return Ok(unsafe { getbuffer(obj, view, flags) });
        }
    }
    // SAFETY: the same object and view (caller: OBJECT, VIEW).
    unsafe { acquire_for(obj, view, flags, ptr::null()) }
}

/// As [`acquire`]; an error is raised if there is no view.
///
/// # Safety
/// * OBJECT, VIEW: as for [`acquire`].
#[inline(never)]
pub unsafe fn acquire_or_raise(
    obj: *mut PyObject,
    view: *mut Py_buffer,
    flags: c_int,
) -> Result<(), Raised> {
    // SAFETY: the same object and view (caller: OBJECT, VIEW).
    match unsafe { acquire(obj, view, flags) } {
        Ok(0) => Ok(()),
        Ok(_) => Err(Raised),
        Err(error) => Err(runtime::raised(&error)),
    }
}

/// As [`acquire`], on behalf of a caller outside the library, whose return address is `caller`.
///
/// # Safety
/// * OBJECT, VIEW: as for [`acquire`].
#[inline(never)]
pub unsafe fn acquire_for(
    obj: *mut PyObject,
    view: *mut Py_buffer,
    flags: c_int,
    caller: *const c_void,
) -> Result<c_int, Error> {
    let runtime = runtime::for_objects();
    if are_access_mode(flags) && runtime.refuses_access_modes() {
        return Err(Error::Fixed(Kind::System, BAD_CALL));
    }
    if obj.is_null() {
        return Err(Error::NullArgument);
    }
    // SAFETY: an object of this world (caller: OBJECT).
    let slots = unsafe { runtime.layout().slots_of(obj) };
    let Some(getbuffer) = slots.and_then(|slots| slots.bf_getbuffer) else {
        // SAFETY: as above.
        return Err(unsafe { not_an_exporter(runtime, obj) });
    };
    // SAFETY: as above.
    if view.is_null() && unsafe { runtime.is_memoryview(obj) } {
        return Err(Error::NullArgument);
    }
    // SAFETY: the slot of the object's own type, for its object and a view (caller: OBJECT, VIEW).
    unsafe { watch::acquire(runtime, getbuffer, obj, view, flags, caller) }
}

/// Releases a view, for callers within the library. Kept out of line.
///
/// # Safety
/// * VIEW: as for [`views::release`].
#[inline(never)]
pub unsafe fn release(view: *mut Py_buffer) {
    match runtime::settled_counted() {
        // SAFETY: the same view (caller: VIEW).
        Some(runtime) => unsafe { views::release::<true>(runtime, view) },
        // SAFETY: as above.
        None => unsafe { release_for(view, ptr::null()) },
    }
}

/// As [`release`], on behalf of a caller outside the library, whose return address is `caller`.
///
/// # Safety
/// * VIEW: as for [`views::release`].
#[inline(never)]
pub unsafe fn release_for(view: *mut Py_buffer, caller: *const c_void) {
    // SAFETY: the same view (caller: VIEW).
    unsafe { watch::release(runtime::for_objects(), view, caller) };
}

/// Calls `work` with a view of `obj`, and releases the view.
///
/// # Safety
/// * OBJECT: as for [`acquire`].
#[inline(never)]
pub unsafe fn with_view<R>(
    obj: *mut PyObject,
    flags: c_int,
    work: impl FnOnce(&Py_buffer) -> Result<R, Error>,
) -> Result<R, Error> {
    // A view may point into itself, so it stays where it is until it is released.
    let mut view = EMPTY;
    // SAFETY: the same object (caller: OBJECT), and a view of ours.
    if unsafe { acquire(obj, &raw mut view, flags) }? != 0 {
        return Err(Error::Raised);
    }
    let result = work(&view);
    // SAFETY: filled above, not moved, and given back once.
    unsafe { release(&raw mut view) };
    result
}

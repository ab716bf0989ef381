//! Giving a view back to whose it is, by the slots of its object's type.
//!
//! Knows nothing of requests, of the audit (`watch` does), or of what a view means.

use core::ptr;

use super::Runtime;
use super::layout::ObjectLayout;
use crate::abi::{Py_buffer, PyObject, releasebufferproc};
use crate::error::Error;

/// The error about an object without the slots.
///
/// # Safety
/// `obj` is an object of this world; its type's name is needed until the error is raised.
pub unsafe fn not_an_exporter(runtime: &Runtime, obj: *mut PyObject) -> Error {
    // SAFETY: the caller's promise is the callee's.
    let name = unsafe { runtime.type_name_of(obj) };
    Error::TypeName(c"a bytes-like object is required, not '%.100s'", name)
}

/// Gives a view back: calls `bf_releasebuffer`, clears `view.obj`, drops the reference, in this
/// order. Does nothing if `view.obj` is null. `COUNTED` says that `runtime` is the world that
/// `runtime::settled_counted` answered.
///
/// # Safety
/// `view` was filled by an exporter, has not moved, and may be given back by this thread.
#[inline]
pub unsafe fn release<const COUNTED: bool>(runtime: &Runtime, view: *mut Py_buffer) {
    // SAFETY: a view (caller). No reference to it is kept, as the exporter may have one of its own.
    let obj = unsafe { (*view).obj };
    if obj.is_null() {
        return;
    }
    let layout = if COUNTED { ObjectLayout::PLAIN } else { runtime.layout() };
    // SAFETY: an exporter put an object there (caller).
    match unsafe { layout.slots_of(obj) }.and_then(|slots| slots.bf_releasebuffer) {
        // SAFETY: the view and its object.
        None => unsafe { let_go::<COUNTED>(runtime, view, obj) },
        // SAFETY: the slot of the object's own type.
        Some(slot) => unsafe { release_by::<COUNTED>(runtime, slot, view, obj) },
    }
}

/// As [`release`], for an exporter that takes its views back.
///
/// # Safety
/// As for [`release`]; `obj` is the view's object and `releasebuffer` its slot.
#[inline(never)]
unsafe fn release_by<const COUNTED: bool>(
    runtime: &Runtime,
    releasebuffer: releasebufferproc,
    view: *mut Py_buffer,
    obj: *mut PyObject,
) {
    // SAFETY: the slot of the object's own type, with the view that its other slot filled.
    unsafe { releasebuffer(obj, view) };
    // SAFETY: the view and its object.
    unsafe { let_go::<COUNTED>(runtime, view, obj) };
}

/// Clears `view.obj` and drops the reference.
///
/// # Safety
/// As for [`release`]; `obj` was the view's object.
#[inline]
unsafe fn let_go<const COUNTED: bool>(runtime: &Runtime, view: *mut Py_buffer, obj: *mut PyObject) {
    // SAFETY: a view (caller).
    unsafe { (*view).obj = ptr::null_mut() };
    if COUNTED {
        // SAFETY: the view owned this reference.
        unsafe { runtime.lower(obj) };
    } else {
        // SAFETY: as above.
        unsafe { runtime.decref(obj) };
    }
}

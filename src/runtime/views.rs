//! Releases a view, by the slots of its object's type.
//!
//! Requests and the audit are in `watch`; the meaning of a view's fields is in `view`.

use core::ptr;

use super::Runtime;
use super::layout::ObjectLayout;
use crate::abi::{Py_buffer, PyObject, releasebufferproc};
use crate::error::Error;

/// The error about an object whose type has no `bf_getbuffer`. It refers to the name of the type.
///
/// # Safety
/// * OBJECT: `obj` is an object of this world, and its type lives until the error is raised.
pub unsafe fn not_an_exporter(runtime: &Runtime, obj: *mut PyObject) -> Error {
    // SAFETY: an object of this world (caller: OBJECT).
    let name = unsafe { runtime.type_name_of(obj) };
    Error::TypeName(c"a bytes-like object is required, not '%.100s'", name)
}

/// Releases a view: calls `bf_releasebuffer`, clears `view.obj` and drops the reference, in this
/// order. Does nothing if `view.obj` is null.
///
/// # Safety
/// * VIEW: `view` was filled by an exporter of this world, has not moved, and may be released by this thread.
/// * COUNTED: if `COUNTED`, then `runtime` is the world that `runtime::settled_counted` returned.
#[inline]
pub unsafe fn release<const COUNTED: bool>(runtime: &Runtime, view: *mut Py_buffer) {
    // SAFETY: a view (caller: VIEW). No Rust reference to it is made, because the exporter may change it.
    let obj = unsafe { (*view).obj };
    if obj.is_null() {
        return;
    }
    let layout = if COUNTED { ObjectLayout::PLAIN } else { runtime.layout() };
    // SAFETY: an exporter stored an object of this world there (caller: VIEW, COUNTED).
    match unsafe { layout.slots_of(obj) }.and_then(|slots| slots.bf_releasebuffer) {
        // SAFETY: the view and its object (caller: VIEW, COUNTED).
        None => unsafe { drop_object::<COUNTED>(runtime, view, obj) },
        // SAFETY: the slot of the object's own type (caller: VIEW, COUNTED).
        Some(slot) => unsafe { release_by::<COUNTED>(runtime, slot, view, obj) },
    }
}

/// As [`release`], for an exporter that has a `bf_releasebuffer`.
///
/// # Safety
/// * VIEW, COUNTED: as for [`release`].
/// * SLOT: `obj` is the view's object, and `releasebuffer` is its type's slot.
#[inline(never)]
unsafe fn release_by<const COUNTED: bool>(
    runtime: &Runtime,
    releasebuffer: releasebufferproc,
    view: *mut Py_buffer,
    obj: *mut PyObject,
) {
    // SAFETY: the slot of the object's own type, for a view of this object (caller: VIEW, SLOT).
    unsafe { releasebuffer(obj, view) };
    // SAFETY: the view and its object (caller: VIEW, COUNTED, SLOT).
    unsafe { drop_object::<COUNTED>(runtime, view, obj) };
}

/// Clears `view.obj` and drops the reference.
///
/// # Safety
/// * VIEW, COUNTED: as for [`release`].
/// * OBJECT: `obj` is the object that the view was filled with.
#[inline]
unsafe fn drop_object<const COUNTED: bool>(
    runtime: &Runtime,
    view: *mut Py_buffer,
    obj: *mut PyObject,
) {
    // SAFETY: a view (caller: VIEW).
    unsafe { (*view).obj = ptr::null_mut() };
    if COUNTED {
        // SAFETY: the view owned this reference (caller: VIEW, OBJECT), in the counted world (caller: COUNTED).
        unsafe { runtime.lower(obj) };
    } else {
        // SAFETY: the view owned this reference (caller: VIEW, OBJECT).
        unsafe { runtime.decref(obj) };
    }
}

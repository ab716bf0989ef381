//! What keeps the owner of a memoryview's memory: an object that calls a function with its end.

use core::ffi::c_void;

use super::{StaticType, errors, objects};
use crate::abi::PyObject;
use crate::runtime::Destructor;

#[repr(C)]
struct Guard {
    head: PyObject,
    destructor: Destructor,
    context: *mut c_void,
}

/// Named as in CPython, where a capsule does this.
static TYPE: StaticType = StaticType::ready(c"PyCapsule", size_of::<Guard>(), dealloc, None);

/// A new object, or null with an error raised, that calls `destructor(context)` with its end.
pub fn guard(destructor: Destructor, context: *mut c_void) -> *mut PyObject {
    let obj = objects::make(&TYPE, 0);
    if obj.is_null() {
        return obj;
    }
    let guard: *mut Guard = obj.cast();
    // SAFETY: a new object of this type.
    unsafe { (*guard).destructor = destructor };
    // SAFETY: as above.
    unsafe { (*guard).context = context };
    obj
}

/// A new object, or null with an error raised, that holds another one.
///
/// # Safety
/// `owner` is a standalone object.
pub unsafe fn hold(owner: *mut PyObject) -> *mut PyObject {
    let held = guard(drop_reference, owner.cast());
    if !held.is_null() {
        // SAFETY: an object (caller).
        unsafe { objects::incref(owner) };
    }
    held
}

/// # Safety
/// `context` is an object, and the caller gives up a reference to it.
unsafe extern "C" fn drop_reference(context: *mut c_void) {
    // SAFETY: the caller's promise.
    unsafe { objects::decref(context.cast()) };
}

/// # Safety
/// `obj` is an object of this type without references.
unsafe extern "C" fn dealloc(obj: *mut PyObject) {
    // SAFETY: still there (caller).
    let Guard { destructor, context, .. } = *unsafe { &*obj.cast::<Guard>() };
    // SAFETY: nothing else uses it (caller).
    unsafe { objects::free(obj.cast()) };
    // SAFETY: the promise of whoever gave both.
    errors::with_error_aside(|| unsafe { destructor(context) });
}

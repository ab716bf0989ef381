//! The objects that keep the owner of a memoryview's memory alive: each calls a function when it is destroyed.

use core::ffi::c_void;

use super::{StaticType, errors, objects};
use crate::abi::PyObject;
use crate::runtime::Destructor;

/// An object that calls `destructor(context)` when it is destroyed.
#[repr(C)]
struct Guard {
    head: PyObject,
    destructor: Destructor,
    context: *mut c_void,
}

/// Its type has the name of CPython's, where a capsule does the same.
static TYPE: StaticType = StaticType::ready(c"PyCapsule", size_of::<Guard>(), dealloc, None);

/// A new object that calls `destructor(context)` when it is destroyed; null with an error raised if there is no
/// memory.
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

/// A new object that owns a reference to `owner`; null with an error raised if there is no memory.
///
/// # Safety
/// * OWNER: `owner` is a standalone object to which the caller has a reference.
pub unsafe fn hold(owner: *mut PyObject) -> *mut PyObject {
    let held = guard(drop_reference, owner.cast());
    if !held.is_null() {
        // SAFETY: an object (caller: OWNER).
        unsafe { objects::incref(owner) };
    }
    held
}

/// The destructor of [`hold`]'s objects.
///
/// # Safety
/// * CONTEXT: `context` is a standalone object, a reference to which is given up.
unsafe extern "C" fn drop_reference(context: *mut c_void) {
    // SAFETY: such a reference (caller: CONTEXT).
    unsafe { objects::decref(context.cast()) };
}

/// `tp_dealloc`
///
/// # Safety
/// * LAST: `obj` is an object of this type without references.
unsafe extern "C" fn dealloc(obj: *mut PyObject) {
    // SAFETY: not freed yet (caller: LAST).
    let Guard { destructor, context, .. } = *unsafe { &*obj.cast::<Guard>() };
    // SAFETY: nothing refers to it (caller: LAST).
    unsafe { objects::free(obj.cast()) };
    // SAFETY: the caller of `Runtime::guard` allowed this call (its DESTRUCTOR), or `hold` made it for a reference.
    errors::with_error_aside(&mut || unsafe { destructor(context) });
}

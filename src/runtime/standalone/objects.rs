//! Standalone objects: references, memory, types.

use core::ffi::{CStr, c_void};
use core::ptr;
use core::sync::atomic::{AtomicIsize, Ordering};

use super::{IMMORTAL, StaticType, errors, exceptions};
use crate::abi::{PyObject, PyTypeObject, PyVarObject};
use crate::error::{Error, Kind};

/// # Safety
/// `obj` is a standalone object.
unsafe fn references<'a>(obj: *mut PyObject) -> &'a AtomicIsize {
    // SAFETY: the object is alive (caller).
    let count = unsafe { &raw mut (*obj).ob_refcnt };
    // SAFETY: an aligned field that is changed through this function only.
    unsafe { AtomicIsize::from_ptr(count) }
}

/// The number of references.
///
/// # Safety
/// `obj` is a standalone object that the caller holds a reference to.
pub unsafe fn count(obj: *mut PyObject) -> isize {
    // SAFETY: the caller's promise is the callee's.
    unsafe { references(obj) }.load(Ordering::Relaxed)
}

/// One more reference.
///
/// # Safety
/// `obj` is a standalone object that the caller holds a reference to.
pub unsafe extern "C" fn incref(obj: *mut PyObject) {
    // SAFETY: the caller's promise is the callee's.
    unsafe { references(obj) }.fetch_add(1, Ordering::Relaxed);
}

/// One fewer reference; the last one calls `tp_dealloc`.
///
/// # Safety
/// `obj` is a standalone object, and the caller gives up a reference of its own.
pub unsafe extern "C" fn decref(obj: *mut PyObject) {
    // All that other threads did to the object comes before its end.
    // SAFETY: the caller's promise is the callee's.
    if unsafe { references(obj) }.fetch_sub(1, Ordering::AcqRel) == 1 {
        // SAFETY: this was the last reference.
        unsafe { dealloc(obj) };
    }
}

/// # Safety
/// `obj` is a standalone object without references.
#[cold]
unsafe fn dealloc(obj: *mut PyObject) {
    // SAFETY: the object is still there.
    let r#type = unsafe { (*obj).ob_type };
    // SAFETY: its type outlives it.
    let r#type = unsafe { &*r#type };
    if let Some(dealloc) = r#type.tp_dealloc {
        // SAFETY: the type's own slot.
        unsafe { dealloc(obj) };
    } else if let Some(free) = r#type.tp_free {
        // SAFETY: the type's own slot.
        unsafe { free(obj.cast()) };
    } else {
        // SAFETY: an object without slots of its own came from `new`.
        unsafe { free(obj.cast()) };
    }
}

/// Memory for an object of `tp_basicsize` bytes, with one reference; its fields are not initialised.
///
/// # Safety
/// `r#type` is a type object.
pub unsafe fn new(r#type: *mut PyTypeObject) -> Result<*mut PyObject, Error> {
    // SAFETY: the caller's promise is the callee's.
    unsafe { allocate(r#type, 0) }.ok_or(Error::NoMemory)
}

/// As [`new`], with `items` more bytes behind it; `None` without memory for it.
///
/// # Safety
/// As for [`new`].
unsafe fn allocate(r#type: *mut PyTypeObject, items: usize) -> Option<*mut PyObject> {
    // SAFETY: the caller's promise.
    let basicsize = unsafe { (*r#type).tp_basicsize };
    let size = usize::try_from(basicsize).unwrap_or(0).max(size_of::<PyObject>());
    let size = size.checked_add(items)?;
    // SAFETY: malloc takes any size.
    let obj: *mut PyObject = unsafe { libc::malloc(size) }.cast();
    if obj.is_null() {
        return None;
    }
    // SAFETY: the block has room for a head.
    unsafe { obj.write(PyObject { ob_refcnt: 1, ob_type: r#type }) };
    Some(obj)
}

/// Frees the memory of an object.
///
/// # Safety
/// `memory` is null or came from [`new`], and nothing uses it any more.
pub unsafe extern "C" fn free(memory: *mut c_void) {
    // SAFETY: `new` took it from malloc.
    unsafe { libc::free(memory) };
}

/// As [`free`], as a type's `tp_dealloc`.
///
/// # Safety
/// As for [`free`].
pub unsafe extern "C" fn free_object(obj: *mut PyObject) {
    // SAFETY: the caller's promise is the callee's.
    unsafe { free(obj.cast()) };
}

/// A new object of the library's own, with `items` bytes behind it; null with an error raised.
#[inline(never)]
pub fn make(r#type: &StaticType, items: usize) -> *mut PyObject {
    // SAFETY: a type object.
    unsafe { allocate(r#type.0.get(), items) }.unwrap_or_else(|| {
        errors::raise(&Error::NoMemory);
        ptr::null_mut()
    })
}

/// Makes a type ready for use: gives it a type of its own, and the slots of its base that it lacks.
///
/// # Safety
/// `r#type` is a type object, and so is its base, which is ready.
pub unsafe fn type_ready(r#type: *mut PyTypeObject) -> Result<(), Error> {
    // SAFETY: the caller's promise; no other thread uses a type before it is ready.
    let this = unsafe { &mut *r#type };
    if this.tp_name.is_null() {
        return Err(Error::Fixed(Kind::System, c"Type does not define the tp_name field."));
    }
    if this.ob_base.ob_base.ob_type.is_null() {
        this.ob_base.ob_base.ob_type = super::metatype();
    }
    let base = this.tp_base;
    // An exception of the library's own has no slots to give.
    let has_slots = exceptions::kind_of(base.cast()).is_none();
    // SAFETY: null, or a type object (caller).
    if let Some(base) = unsafe { base.as_ref() }.filter(|_| has_slots) {
        this.tp_dealloc = this.tp_dealloc.or(base.tp_dealloc);
        this.tp_free = this.tp_free.or(base.tp_free);
        if this.tp_as_buffer.is_null() {
            this.tp_as_buffer = base.tp_as_buffer;
        }
        if this.tp_basicsize == 0 {
            this.tp_basicsize = base.tp_basicsize;
        }
    }
    if this.tp_free.is_none() {
        this.tp_free = Some(free);
    }
    Ok(())
}

/// A static type that exports nothing.
pub const fn static_type(name: &'static CStr) -> PyTypeObject {
    PyTypeObject {
        ob_base: PyVarObject {
            ob_base: PyObject { ob_refcnt: IMMORTAL, ob_type: ptr::null_mut() },
            ob_size: 0,
        },
        tp_name: name.as_ptr(),
        tp_basicsize: size_of::<PyObject>().cast_signed(),
        tp_itemsize: 0,
        tp_dealloc: None,
        tp_vectorcall_offset: 0,
        tp_getattr: ptr::null_mut(),
        tp_setattr: ptr::null_mut(),
        tp_as_async: ptr::null_mut(),
        tp_repr: ptr::null_mut(),
        tp_as_number: ptr::null_mut(),
        tp_as_sequence: ptr::null_mut(),
        tp_as_mapping: ptr::null_mut(),
        tp_hash: ptr::null_mut(),
        tp_call: ptr::null_mut(),
        tp_str: ptr::null_mut(),
        tp_getattro: ptr::null_mut(),
        tp_setattro: ptr::null_mut(),
        tp_as_buffer: ptr::null_mut(),
        tp_flags: 0,
        tp_doc: ptr::null(),
        tp_traverse: ptr::null_mut(),
        tp_clear: ptr::null_mut(),
        tp_richcompare: ptr::null_mut(),
        tp_weaklistoffset: 0,
        tp_iter: ptr::null_mut(),
        tp_iternext: ptr::null_mut(),
        tp_methods: ptr::null_mut(),
        tp_members: ptr::null_mut(),
        tp_getset: ptr::null_mut(),
        tp_base: ptr::null_mut(),
        tp_dict: ptr::null_mut(),
        tp_descr_get: ptr::null_mut(),
        tp_descr_set: ptr::null_mut(),
        tp_dictoffset: 0,
        tp_init: ptr::null_mut(),
        tp_alloc: ptr::null_mut(),
        tp_new: ptr::null_mut(),
        tp_free: None,
    }
}

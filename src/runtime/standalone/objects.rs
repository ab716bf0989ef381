//! Standalone objects: references, memory, types.

use core::ffi::{CStr, c_void};
use core::ptr;
use core::sync::atomic::{AtomicIsize, Ordering};

use super::{IMMORTAL, StaticType, errors, exceptions};
use crate::abi::{PyObject, PyTypeObject, PyVarObject};
use crate::error::{Error, Kind};

/// The reference count.
///
/// # Safety
/// * OBJECT: `obj` is a standalone object that is not freed while the result is used.
unsafe fn references<'a>(obj: *mut PyObject) -> &'a AtomicIsize {
    // SAFETY: an object that is not freed (caller: OBJECT).
    let count = unsafe { &raw mut (*obj).ob_refcnt };
    // SAFETY: an aligned field that is changed through this function only.
    unsafe { AtomicIsize::from_ptr(count) }
}

/// The number of references.
///
/// # Safety
/// * OBJECT: `obj` is a standalone object to which the caller has a reference.
pub unsafe fn count(obj: *mut PyObject) -> isize {
    // SAFETY: a reference keeps it alive (caller: OBJECT).
    unsafe { references(obj) }.load(Ordering::Relaxed)
}

/// Adds a reference.
///
/// # Safety
/// * OBJECT: `obj` is a standalone object to which the caller has a reference.
pub unsafe extern "C" fn incref(obj: *mut PyObject) {
    // SAFETY: a reference keeps it alive (caller: OBJECT).
    unsafe { references(obj) }.fetch_add(1, Ordering::Relaxed);
}

/// Drops a reference; calls `tp_dealloc` if it was the last one.
///
/// # Safety
/// * OBJECT: `obj` is a standalone object.
/// * OWNED: the caller owns a reference to it and gives it up.
pub unsafe extern "C" fn decref(obj: *mut PyObject) {
    // The ordering makes all changes by other threads visible before the object is destroyed.
    // SAFETY: the caller's reference keeps it alive (caller: OBJECT, OWNED).
    if unsafe { references(obj) }.fetch_sub(1, Ordering::AcqRel) == 1 {
        // SAFETY: this was the last reference.
        unsafe { dealloc(obj) };
    }
}

/// Destroys an object by the slots of its type.
///
/// # Safety
/// * LAST: `obj` is a standalone object without references.
#[cold]
unsafe fn dealloc(obj: *mut PyObject) {
    // SAFETY: an object that is not freed yet (caller: LAST).
    let r#type = unsafe { (*obj).ob_type };
    // SAFETY: an object's type outlives it.
    let r#type = unsafe { &*r#type };
    if let Some(dealloc) = r#type.tp_dealloc {
        // SAFETY: the slot of the object's own type (caller: LAST).
        unsafe { dealloc(obj) };
    } else if let Some(free) = r#type.tp_free {
        // SAFETY: the slot of the object's own type; without `tp_dealloc` only the memory is freed (caller: LAST).
        unsafe { free(obj.cast()) };
    } else {
        // SAFETY: an object whose type has neither slot came from `new` (caller: LAST).
        unsafe { free(obj.cast()) };
    }
}

/// A new object of `tp_basicsize` bytes with one reference. Only its head is initialised.
///
/// # Safety
/// * TYPE: `r#type` is a type object.
pub unsafe fn new(r#type: *mut PyTypeObject) -> Result<*mut PyObject, Error> {
    // SAFETY: a type object (caller: TYPE).
    unsafe { allocate(r#type, 0) }.ok_or(Error::NoMemory)
}

/// As [`new`], with `items` more bytes after the object; `None` if there is no memory.
///
/// # Safety
/// * TYPE: as for [`new`].
unsafe fn allocate(r#type: *mut PyTypeObject, items: usize) -> Option<*mut PyObject> {
    // SAFETY: a type object (caller: TYPE).
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
/// * MEMORY: `memory` is null or came from [`new`], and nothing uses it any more.
pub unsafe extern "C" fn free(memory: *mut c_void) {
    // SAFETY: null, or memory that `new` took from malloc (caller: MEMORY).
    unsafe { libc::free(memory) };
}

/// [`free`] with the type of a `tp_dealloc`.
///
/// # Safety
/// * MEMORY: as for [`free`].
pub unsafe extern "C" fn free_object(obj: *mut PyObject) {
    // SAFETY: the same memory (caller: MEMORY).
    unsafe { free(obj.cast()) };
}

/// A new object of one of the library's types, with `items` more bytes after it; null with an error raised if there
/// is no memory.
#[inline(never)]
pub fn make(r#type: &StaticType, items: usize) -> *mut PyObject {
    // SAFETY: a type object.
    unsafe { allocate(r#type.0.get(), items) }.unwrap_or_else(|| {
        errors::raise(&Error::NoMemory);
        ptr::null_mut()
    })
}

/// `PyType_Ready`: sets the type's own type, and copies the slots that it does not define from its base.
///
/// # Safety
/// * TYPE: `r#type` is a type object that no other thread uses yet.
/// * BASE: its base is null, an exception of the library's own, or a ready type object.
pub unsafe fn type_ready(r#type: *mut PyTypeObject) -> Result<(), Error> {
    // SAFETY: a type object that only this thread uses (caller: TYPE).
    let this = unsafe { &mut *r#type };
    if this.tp_name.is_null() {
        return Err(Error::Fixed(Kind::System, c"Type does not define the tp_name field."));
    }
    if this.ob_base.ob_base.ob_type.is_null() {
        this.ob_base.ob_base.ob_type = super::metatype();
    }
    let base = this.tp_base;
    // An exception of the library's own has no slots to inherit.
    let has_slots = exceptions::kind_of(base.cast()).is_none();
    if has_slots
        // SAFETY: null, or a complete type object, as it is not one of the library's exceptions (caller: BASE).
        && let Some(base) = unsafe { base.as_ref() }
    {
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

/// A static type without slots, and without a type of its own yet.
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

//! Bytes that do not change, as an object.

use core::ffi::{c_char, c_int};
use core::ptr;

use super::{StaticSlots, StaticType, errors, objects};
use crate::abi::{Py_buffer, PyBufferProcs, PyObject, PyVarObject};
use crate::view::plain;

/// The head; the bytes lie behind it.
#[repr(C)]
struct Bytes {
    head: PyVarObject,
}

static TYPE: StaticType =
    StaticType::ready(c"bytes", size_of::<Bytes>(), objects::free_object, Some(&SLOTS));

static SLOTS: StaticSlots =
    StaticSlots(PyBufferProcs { bf_getbuffer: Some(get_buffer), bf_releasebuffer: None });

/// New bytes, of what lies at `bytes`, or not initialised where that is null; null with an error raised.
///
/// # Safety
/// `bytes` is null, or `len` bytes are readable there.
pub unsafe extern "C" fn new(bytes: *const c_char, len: isize) -> *mut PyObject {
    let obj = objects::make(&TYPE, len.max(0).unsigned_abs());
    if obj.is_null() {
        return obj;
    }
    // SAFETY: a new object of this type.
    unsafe { (*obj.cast::<Bytes>()).head.ob_size = len.max(0) };
    if !bytes.is_null() {
        // SAFETY: of this type.
        let data = unsafe { data(obj) };
        // SAFETY: as many bytes (caller), in a new block.
        unsafe { ptr::copy_nonoverlapping(bytes, data, len.max(0).unsigned_abs()) };
    }
    obj
}

/// The first byte.
///
/// # Safety
/// `obj` is an object of this type.
pub unsafe extern "C" fn data(obj: *mut PyObject) -> *mut c_char {
    obj.cast::<Bytes>().wrapping_add(1).cast()
}

/// # Safety
/// `obj` is an object of this type, `view` is null or writable.
unsafe extern "C" fn get_buffer(obj: *mut PyObject, view: *mut Py_buffer, flags: c_int) -> c_int {
    let filled = if view.is_null() {
        Err(&plain::NULL_VIEW)
    } else {
        // SAFETY: of this type.
        let data = unsafe { data(obj) };
        // SAFETY: as above.
        let len = unsafe { (*obj.cast::<Bytes>()).head.ob_size };
        // SAFETY: writable (caller).
        unsafe { plain::fill(view, obj, data.cast(), len, 1, flags) }
    };
    match filled {
        Ok(()) => {
            // SAFETY: alive (caller).
            unsafe { objects::incref(obj) };
            0
        }
        Err(error) => {
            errors::raise(error);
            -1
        }
    }
}

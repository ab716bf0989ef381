//! The standalone `bytes` object.

use core::ffi::{c_char, c_int};
use core::ptr;

use super::{StaticSlots, StaticType, errors, exceptions, objects};
use crate::abi::{Py_buffer, PyBufferProcs, PyObject, PyVarObject};
use crate::view::plain;

/// The head, which the bytes follow.
#[repr(C)]
struct Bytes {
    head: PyVarObject,
}

static TYPE: StaticType =
    StaticType::ready(c"bytes", size_of::<Bytes>(), objects::free_object, Some(&SLOTS));

static SLOTS: StaticSlots =
    StaticSlots(PyBufferProcs { bf_getbuffer: Some(get_buffer), bf_releasebuffer: None });

/// A new object with a copy of the `len` bytes at `bytes`, or with uninitialised bytes if that is null. Null with an
/// error raised if there is no memory.
///
/// # Safety
/// * BYTES: `bytes` is null, or `len` bytes are readable there.
pub unsafe extern "C" fn new(bytes: *const c_char, len: isize) -> *mut PyObject {
    let obj = objects::make(&TYPE, len.max(0).unsigned_abs());
    if obj.is_null() {
        return obj;
    }
    // SAFETY: a new object of this type.
    unsafe { (*obj.cast::<Bytes>()).head.ob_size = len.max(0) };
    if !bytes.is_null() {
        // SAFETY: `len` bytes are readable (caller: BYTES), and the new object has room for them.
        unsafe { ptr::copy_nonoverlapping(bytes, data(obj), len.max(0).unsigned_abs()) };
    }
    obj
}

/// The address of the first byte of an object of this type.
pub extern "C" fn data(obj: *mut PyObject) -> *mut c_char {
    obj.cast::<Bytes>().wrapping_add(1).cast()
}

/// `bf_getbuffer`
///
/// # Safety
/// * OBJECT: `obj` is an object of this type.
/// * VIEW: `view` is null or writable.
unsafe extern "C" fn get_buffer(obj: *mut PyObject, view: *mut Py_buffer, flags: c_int) -> c_int {
    let filled = if view.is_null() {
        Err(&plain::NULL_VIEW)
    } else {
        let data = data(obj).cast();
        // SAFETY: an object of this type (caller: OBJECT).
        let len = unsafe { (*obj.cast::<Bytes>()).head.ob_size };
        // SAFETY: not null, so writable (caller: VIEW).
        unsafe { plain::fill(view, obj, data, len, 1, flags) }
    };
    match filled {
        Ok(()) => {
            // SAFETY: an object (caller: OBJECT).
            unsafe { objects::incref(obj) };
            0
        }
        Err(plain::Refusal(kind, text)) => {
            errors::set(exceptions::of(*kind), text);
            -1
        }
    }
}

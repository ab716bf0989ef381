//! The standalone memoryview as an exporter. It meets and refuses the same requests as CPython's, with the same texts.

use core::ffi::{CStr, c_int};
use core::ptr;
use core::sync::atomic::Ordering;

use super::{C_CONTIGUOUS, FORTRAN_CONTIGUOUS, INDIRECT, acquire, exports, objects, refuse};
use crate::abi::{
    Py_buffer, PyBUF_ANY_CONTIGUOUS, PyBUF_C_CONTIGUOUS, PyBUF_F_CONTIGUOUS, PyBUF_FORMAT,
    PyBUF_INDIRECT, PyBUF_ND, PyBUF_STRIDES, PyBUF_WRITABLE, PyObject,
};
use crate::error::Kind;
use crate::runtime::memoryviews::Memoryview;

/// `bf_getbuffer`
///
/// # Safety
/// * OBJECT: `obj` is a memoryview to which the caller has a reference.
/// * VIEW: `view` is writable.
pub unsafe extern "C" fn get_buffer(
    obj: *mut PyObject,
    view: *mut Py_buffer,
    flags: c_int,
) -> c_int {
    // SAFETY: a memoryview (caller: OBJECT).
    let this = unsafe { &*obj.cast::<Memoryview>() };
    if !acquire(this) {
        return -1;
    }
    let mut answer = Py_buffer { obj: ptr::null_mut(), ..this.view };
    let adapted = adapt(&mut answer, this.flags, flags);
    if adapted.is_ok() {
        answer.obj = obj;
        // SAFETY: a memoryview (caller: OBJECT).
        unsafe { objects::incref(obj) };
    }
    // SAFETY: writable (caller: VIEW).
    unsafe { view.write(answer) };
    match adapted {
        Ok(()) => 0,
        Err(text) => {
            exports(this).fetch_sub(1, Ordering::Release);
            refuse(Kind::Buffer, text);
            -1
        }
    }
}

/// Clears the fields of a view that a request does not include, or returns the text of the error if the request
/// cannot be met. The checks have the same order as those of CPython's memoryview. `layout` is `Memoryview.flags`.
fn adapt(view: &mut Py_buffer, layout: c_int, flags: c_int) -> Result<(), &'static CStr> {
    let asks = |request| flags & request == request;
    let is = |flag| layout & flag != 0;
    if asks(PyBUF_WRITABLE) && view.readonly != 0 {
        return Err(c"memoryview: underlying buffer is not writable");
    }
    if !asks(PyBUF_FORMAT) {
        view.format = ptr::null_mut();
    }
    if asks(PyBUF_C_CONTIGUOUS) && !is(C_CONTIGUOUS) {
        return Err(c"memoryview: underlying buffer is not C-contiguous");
    }
    if asks(PyBUF_F_CONTIGUOUS) && !is(FORTRAN_CONTIGUOUS) {
        return Err(c"memoryview: underlying buffer is not Fortran contiguous");
    }
    if asks(PyBUF_ANY_CONTIGUOUS) && !is(C_CONTIGUOUS | FORTRAN_CONTIGUOUS) {
        return Err(c"memoryview: underlying buffer is not contiguous");
    }
    if !asks(PyBUF_INDIRECT) && is(INDIRECT) {
        return Err(c"memoryview: underlying buffer requires suboffsets");
    }
    if !asks(PyBUF_STRIDES) {
        if !is(C_CONTIGUOUS) {
            return Err(c"memoryview: underlying buffer is not C-contiguous");
        }
        view.strides = ptr::null_mut();
    }
    if !asks(PyBUF_ND) {
        if !view.format.is_null() {
            return Err(c"memoryview: cannot cast to unsigned bytes if the format flag is present");
        }
        view.ndim = 1;
        view.shape = ptr::null_mut();
    }
    Ok(())
}

/// `bf_releasebuffer`
///
/// # Safety
/// * OBJECT: `obj` is a memoryview, from which the view was acquired.
pub unsafe extern "C" fn release_buffer(obj: *mut PyObject, _: *mut Py_buffer) {
    // SAFETY: a memoryview (caller: OBJECT).
    exports(unsafe { &*obj.cast::<Memoryview>() }).fetch_sub(1, Ordering::Release);
}

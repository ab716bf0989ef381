//! The old buffer functions, which the stable ABI still exports.
//!
//! By their contract, they return a pointer into a view that has been released. So new code should not use them.

use core::ffi::{c_int, c_void};

use super::get;
use crate::abi::{Py_buffer, Py_ssize_t, PyBUF_SIMPLE, PyBUF_WRITABLE, PyObject};
use crate::error::{Error, Kind};
use crate::runtime;

/// The bytes of an object.
pub struct Bytes {
    /// The first byte.
    pub start: *mut c_void,
    /// How many there are.
    pub len: Py_ssize_t,
}

impl Bytes {
    fn of(view: &Py_buffer) -> Result<Self, Error> {
        Ok(Self { start: view.buf, len: view.len })
    }
}

/// The bytes of an object, to be read.
///
/// # Safety
/// * OBJECT: `obj` is an object that the thread may use.
pub unsafe fn readable(obj: *mut PyObject) -> Result<Bytes, Error> {
    // SAFETY: the same object (caller: OBJECT).
    unsafe { get::with_view(obj, PyBUF_SIMPLE, Bytes::of) }
}

/// The bytes of an object, to be written. Whatever is wrong, the error is the same TypeError.
///
/// # Safety
/// * OBJECT: as for [`readable`].
pub unsafe fn writable(obj: *mut PyObject) -> Result<Bytes, Error> {
    // SAFETY: the same object (caller: OBJECT).
    unsafe { get::with_view(obj, PyBUF_WRITABLE, Bytes::of) }
        .map_err(|_| Error::Fixed(Kind::Type, c"expected a writable bytes-like object"))
}

/// Whether the bytes of an object can be read; an error is cleared.
///
/// # Safety
/// * OBJECT: as for [`readable`].
pub unsafe fn is_readable(obj: *mut PyObject) -> c_int {
    let runtime = runtime::for_objects();
    // SAFETY: the same object (caller: OBJECT).
    if !unsafe { get::is_exporter(runtime.layout(), obj) } {
        return 0;
    }
    let mut view = get::EMPTY;
    // SAFETY: as above.
    match unsafe { get::acquire(obj, &raw mut view, PyBUF_SIMPLE) } {
        Ok(-1) | Err(_) => {
            runtime.clear_error();
            0
        }
        Ok(_) => {
            // SAFETY: filled above, not moved, and given back once.
            unsafe { get::release(&raw mut view) };
            1
        }
    }
}

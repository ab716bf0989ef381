//! What the live audit knows: who holds views of an object.

use core::ffi::c_int;

use super::null_argument;
use crate::abi::{Py_ssize_t, PyObject, pybuffer_holder};
use crate::runtime::{self, watch};

/// Tells who holds views of `obj`, so that it cannot be resized, or of any object if `obj` is NULL: an entry for all
/// outstanding views that agree in all but their age, the oldest first. At most `room` entries are written to `holders`, which may be NULL if `room` is 0.
///
/// The live audit knows, if it is on (`PYBUFFER_AUDIT=warn` in the environment when the process first uses an object).
/// Views count that were requested of `obj`; those that another exporter acquired from it and passed on as its own; and if
/// `obj` is a memoryview, those of the object that it shows, too. In a python whose own calls do not reach the
/// library only views count whose `Py_buffer` still holds them and does not lie on a stack.
///
/// Returns the number of entries that there are, which may be more than `room`; or -1 with an error set: `RuntimeError` if
/// the audit is off; `MemoryError`; `SystemError` if `room` is negative, or `holders` is NULL and `room` is not 0.
///
/// # Safety
/// `obj` is NULL or an object; `holders` is NULL or has `room` writable entries. In a process with Python the caller holds
/// the GIL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pybuffer_holders(
    obj: *mut PyObject,
    holders: *mut pybuffer_holder,
    room: Py_ssize_t,
) -> Py_ssize_t {
    let Ok(n) = usize::try_from(room) else { return null_argument() as Py_ssize_t };
    if holders.is_null() && n > 0 {
        return null_argument() as Py_ssize_t;
    }
    // SAFETY: null or an object, and so many entries (caller).
    match unsafe { watch::holders(obj, holders, n) } {
        Ok(n) => n,
        Err(error) => runtime::status(Err(error)) as Py_ssize_t,
    }
}

/// Has the live audit write a line again for findings that it told before: it tells each once for a rule and a type. A test
/// runner calls this before each test.
///
/// Returns 0 if the audit is off; 1 if it is on; 2 if it is on and hears the interpreter's own calls, too, so that it judges
/// releases. It sets no error.
#[unsafe(no_mangle)]
pub extern "C" fn pybuffer_audit_retell() -> c_int {
    watch::retell()
}

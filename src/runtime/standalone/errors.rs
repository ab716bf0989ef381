//! The standalone world's errors: at most one for each thread, in memory of the thread's own.

use core::ffi::{CStr, c_char};
use core::ptr;

use super::exceptions;
use crate::abi::PyObject;
use crate::error::{Error, Kind, Text};

mod tls;

use tls as store;

/// An error that is set. All zeros are none.
struct Pending {
    exception: *mut PyObject,
    text: Text,
}

#[inline(never)]
fn set_pending(exception: *mut PyObject, text: Text) {
    // Without memory for it, only the function's return value tells of the error.
    if let Some(pending) = ptr::NonNull::new(store::claim()) {
        // SAFETY: this thread's own.
        unsafe { pending.write(Pending { exception, text }) };
    }
}

/// Sets this thread's error. If `exception` is not an exception, the error is a SystemError, as in CPython.
#[inline(never)]
pub fn set(exception: *mut PyObject, text: &CStr) {
    // SAFETY: null, an exception, or another object.
    if !exception.is_null() && unsafe { exceptions::is_exception(exception) } {
        return set_pending(exception, Text::from_c_str(text));
    }
    set_pending(
        exceptions::of(Kind::System),
        Text::from_ascii("an error was set with something that is no exception"),
    );
}

/// Sets an error of the library's own as this thread's error.
#[inline(never)]
pub fn raise(error: &Error) {
    let fixed = |kind, text: &CStr| set(exceptions::of(kind), text);
    match error {
        Error::Raised => {}
        Error::NullArgument => {
            if occurred().is_null() {
                fixed(Kind::System, Error::NULL_ARGUMENT);
            }
        }
        Error::NoMemory => fixed(Kind::Memory, c""),
        Error::Fixed(kind, text) => fixed(*kind, text),
        Error::Text(kind, text) => set_pending(exceptions::of(*kind), text.clone()),
        Error::TypeName(template, name) => {
            // SAFETY: a type's name, alive until the error is raised (`Error::TypeName`).
            let name = unsafe { CStr::from_ptr(*name) };
            set_pending(exceptions::of(Kind::Type), Text::with_name(template, name));
        }
    }
}

/// This thread's exception, borrowed; null if there is none.
pub fn occurred() -> *mut PyObject {
    // SAFETY: null, or this thread's own.
    unsafe { store::find().as_ref() }.map_or(ptr::null_mut(), |pending| pending.exception)
}

/// The text of this thread's error, valid until the next one is set or this one is cleared; null if there is none.
pub fn text() -> *const c_char {
    // SAFETY: as above.
    unsafe { store::find().as_ref() }
        .map_or(ptr::null(), |pending| pending.text.as_c_str().as_ptr())
}

/// Clears this thread's error.
pub fn clear() {
    store::clear();
}

/// Calls `run` with no error pending, and sets the pending error again afterwards, as the destruction of an object
/// must. An error that `run` leaves is dropped.
#[inline(never)]
pub fn with_error_aside(run: &mut dyn FnMut()) {
    // SAFETY: null, or this thread's own.
    let aside = unsafe { store::find().as_ref() }
        .filter(|pending| !pending.exception.is_null())
        .map(|pending| (pending.exception, pending.text.clone()));
    clear();
    run();
    match aside {
        Some((exception, text)) => set_pending(exception, text),
        None => clear(),
    }
}

#[cfg(test)]
mod tests;

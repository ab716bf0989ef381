//! Raises errors in the object world, and maps results to the return values of exported functions.

use core::borrow::Borrow;
use core::ffi::{CStr, c_int};

use super::for_good;
use crate::error::{Error, Kind, Message, Raised};

/// Sets this thread's error, for functions whose callers must hold the GIL. If no thread state is attached
/// (before Py_Initialize, after Py_Finalize, and from 3.12 on without the GIL), nothing is set: only the return
/// value reports the failure.
#[cold]
pub fn raise(error: &Error) {
    for_good().raise(error);
}

/// As [`raise`], for functions that may be called without the GIL: nothing is set unless CPython knows that
/// this thread holds it.
#[cold]
#[inline(never)]
pub fn raise_if_known(error: &Error) {
    let runtime = for_good();
    if runtime.is_known_to_be_attached() {
        runtime.raise(error);
    }
}

/// As [`raise`]; returns the marker that an error was raised.
#[cold]
#[inline(never)]
pub fn raised(error: &Error) -> Raised {
    raise(error);
    Raised
}

/// As [`raised`], but raises by [`raise_if_known`].
#[cold]
#[inline(never)]
pub fn raised_if_known(error: &Error) -> Raised {
    raise_if_known(error);
    Raised
}

/// How a function raises: by [`raised`] if its callers must hold the GIL, otherwise by [`raised_if_known`].
pub type Raise = fn(&Error) -> Raised;

/// As [`raised`], with this kind and text.
#[cold]
#[inline(never)]
pub fn raised_text(kind: Kind, text: &'static CStr) -> Raised {
    raised(&Error::Fixed(kind, text))
}

/// As [`raise`] itself raises, with this kind and text.
#[cold]
#[inline(never)]
pub fn raised_by(raise: Raise, kind: Kind, text: &'static CStr) -> Raised {
    raise(&Error::Fixed(kind, text))
}

/// As [`raised`], with a text that is made here.
#[cold]
#[inline(never)]
pub fn raised_as(kind: Kind, text: Message) -> Raised {
    raised(&Error::text(kind, text))
}

/// Maps a result to the return value of an `int` function: 0, or -1 after [`raise`].
#[inline]
pub fn status(result: Result<(), impl Borrow<Error>>) -> c_int {
    match result {
        Ok(()) => 0,
        Err(error) => {
            raise(error.borrow());
            -1
        }
    }
}

/// As [`status`], for an error that was already raised.
#[inline]
pub fn status_of(result: Result<(), Raised>) -> c_int {
    if result.is_ok() { 0 } else { -1 }
}

/// As [`status`], but raises by [`raise_if_known`].
#[inline]
pub fn status_if_known(result: Result<(), impl Borrow<Error>>) -> c_int {
    match result {
        Ok(()) => 0,
        Err(error) => {
            raise_if_known(error.borrow());
            -1
        }
    }
}

//! The exported functions: CPython's names, and nothing but conversions.
//!
//! Each has one counterpart further inside. What is done here: null pointers are refused, the call is
//! passed on, and the result becomes an `int` or a pointer with an error raised. No exported function
//! calls another one, as a preloaded library could put its own in between.
//!
//! The documentation of these functions becomes the C header's.
#![allow(non_snake_case, reason = "these are CPython's names")]

#[cfg(not(python_h_declares_buffers))]
pub mod buffer;
pub mod check;
pub mod extra;
pub mod format;
#[cfg(not(python_h_declares_legacy))]
pub mod legacy;
#[cfg(not(python_h_declares_buffers))]
pub mod object;
pub mod twins;

use core::ffi::c_int;

use crate::error::Error;
use crate::runtime;

/// Raises the SystemError for a null pointer; -1.
#[cold]
fn null_argument() -> c_int {
    runtime::status(Err(Error::NullArgument))
}

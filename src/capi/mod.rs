//! The exported functions: CPython's names, and nothing but conversions.
//!
//! Each has one counterpart further inside. What is done here: null pointers are refused, the call is
//! passed on, and the result becomes an `int` or a pointer with an error raised. No exported function
//! calls another one, as a preloaded library could put its own in between.
//!
//! The documentation of these functions becomes the C header's.
#![allow(non_snake_case, reason = "these are CPython's names")]

/// A function that adds to its arguments where its caller goes on, in the registers of the machine's
/// calling convention, and jumps to another one. An exported function that ends with a call of it is
/// left by a jump as well, so the caller is that function's: whoever called the library.
/// (`tests/audit.rs` holds the shipped library to it.)
macro_rules! with_caller {
    (
        $(#[$attribute:meta])+
        $name:ident($($argument:ident: $type:ty),+) -> $result:ty = $to:ident, $x86:literal, $arm:literal
    ) => {
        $(#[$attribute])+
        #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
        #[unsafe(naked)]
        unsafe extern "C" fn $name($($argument: $type),+) -> $result {
            #[cfg(target_arch = "x86_64")]
            core::arch::naked_asm!(concat!("mov ", $x86, ", [rsp]"), "jmp {}", sym $to);
            #[cfg(target_arch = "aarch64")]
            core::arch::naked_asm!(concat!("mov ", $arm, ", x30"), "b {}", sym $to);
        }

        $(#[$attribute])+
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        unsafe extern "C" fn $name($($argument: $type),+) -> $result {
            // SAFETY: the caller's promise is the callee's.
            unsafe { $to($($argument),+, core::ptr::null()) }
        }
    };
}
use with_caller;

/// Leaves a drop-in function by that of the libpython in this process, if it is one that the library does not
/// serve. Functions with fast paths say so on the other one only, as the fast ones are closed there; who asks
/// nothing of the world has one comparison more.
macro_rules! keep_out_of_the_way {
    ($name:ident($($argument:expr),+)) => {
        if crate::runtime::unserved::is_here() {
            // SAFETY: the function that was called, with the arguments that it was called with.
            return unsafe { crate::runtime::unserved::$name($($argument),+) };
        }
    };
}

#[cfg(not(python_h_declares_buffers))]
pub mod buffer;
pub mod check;
pub mod extra;
pub mod format;
#[cfg(not(python_h_declares_legacy))]
pub mod legacy;
pub mod memoryview;
pub mod memoryview_extra;
#[cfg(not(python_h_declares_buffers))]
pub mod object;
pub mod twins;

use core::ffi::c_int;
use core::ptr;

use crate::abi::PyObject;
use crate::error::{Error, Raised};
use crate::runtime;

/// Raises the SystemError for a null pointer; -1.
#[cold]
#[inline(never)]
fn null_argument() -> c_int {
    runtime::status(Err(Error::NullArgument))
}

/// For functions that need no GIL.
#[cold]
#[inline(never)]
fn null_argument_if_known() -> c_int {
    runtime::status_if_known(Err(Error::NullArgument))
}

/// The same for functions that return an object: NULL.
#[cold]
#[inline(never)]
fn null_object() -> *mut PyObject {
    object_or_null(Err(runtime::raised(&Error::NullArgument)))
}

/// A new object, or NULL where an error was raised instead.
#[inline]
fn object_or_null(made: Result<*mut PyObject, Raised>) -> *mut PyObject {
    made.unwrap_or(ptr::null_mut())
}

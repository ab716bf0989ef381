//! The exported functions: CPython's names, and nothing but conversions.
//!
//! Each function refuses null pointers, makes one call inward, and turns the result into an `int` or a pointer,
//! with the error raised. No exported function calls another one: a preloaded library could interpose its own.
//!
//! The documentation of these functions becomes that of the C header. Its *Safety* paragraph is the contract that
//! the `// SAFETY:` comments cite as "(caller)".
#![allow(non_snake_case, reason = "these are CPython's names")]

/// Defines a function that passes its caller's return address to another function, as one more argument, and jumps
/// there. `$x86` and `$arm` name the register of that argument.
///
/// An exported function that ends with a call of such a function is left by a jump, too. The return address is
/// then that of the exported function's caller: whoever called the library. (`tests/audit.rs` checks that the
/// shipped library does so.)
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
            // SAFETY: the same arguments under the same contract (caller); a null return address means unknown.
            unsafe { $to($($argument),+, core::ptr::null()) }
        }
    };
}
use with_caller;

/// Returns the answer of libpython's own function of this name, if the libpython in this process is one that the
/// library does not serve.
///
/// A function with a fast path tests this on its slow path only: the fast paths are closed in such a process. A
/// function that does not depend on the object world pays one comparison.
macro_rules! defer_to_unserved {
    ($name:ident($($argument:expr),+)) => {
        if crate::runtime::unserved::is_here() {
            // SAFETY: libpython's function of the same name, with the arguments that were meant for it (caller).
            return unsafe { crate::runtime::unserved::$name($($argument),+) };
        }
    };
}

#[cfg(not(python_h_declares_buffers))]
pub mod buffer;
pub mod check;
pub mod dlpack;
pub mod extra;
pub mod format;
pub mod holders;
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

/// Raises the SystemError for a null pointer, and returns -1.
#[cold]
#[inline(never)]
fn null_argument() -> c_int {
    runtime::status(Err(Error::NullArgument))
}

/// As [`null_argument`], for functions that need no GIL: raises only where the thread may set an error.
#[cold]
#[inline(never)]
fn null_argument_if_known() -> c_int {
    runtime::status_if_known(Err(Error::NullArgument))
}

/// As [`null_argument`], for functions that return an object: returns NULL.
#[cold]
#[inline(never)]
fn null_object() -> *mut PyObject {
    object_or_null(Err(runtime::raised(&Error::NullArgument)))
}

/// The new object, or NULL if an error was raised instead.
#[inline]
fn object_or_null(made: Result<*mut PyObject, Raised>) -> *mut PyObject {
    made.unwrap_or(ptr::null_mut())
}

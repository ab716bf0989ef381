//! The library's environment variables. They are ignored in a program that runs with another user's rights (setuid).

use core::ffi::{CStr, c_char};

/// The value of a variable. Use it at once: the program may change its environment later.
pub fn variable(name: &CStr) -> Option<&'static CStr> {
    // SAFETY: `name` is a C string.
    let value = unsafe { secure_getenv(name.as_ptr()) };
    // SAFETY: not null, so a C string of the environment.
    (!value.is_null()).then(|| unsafe { CStr::from_ptr(value) })
}

/// The value of `PYBUFFER_AUDIT`; `None` if it asks for no audit.
pub fn audit() -> Option<&'static [u8]> {
    let word = variable(c"PYBUFFER_AUDIT")?.to_bytes();
    (!matches!(word, b"" | b"0" | b"off")).then_some(word)
}

unsafe extern "C" {
    /// In glibc since 2.17, and in musl. Returns null in a program that runs with another user's rights.
    fn secure_getenv(name: *const c_char) -> *mut c_char;
}

//! Where the benches run: a CPython inside this process (its libpython loaded and started, to measure
//! beside), the clock, the machine; and an older library beside the present one.

#![allow(dead_code, reason = "each bench uses a part of it")]

pub mod clock;
pub mod machine;
pub mod older;

use std::ffi::{CStr, CString, c_char, c_int};

use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};
use pybuffer::abi::PyObject;

use crate::support::{self, Python};

/// A pointer to an object of the CPython.
pub type Object = *mut PyObject;

/// The CPython of this process. The thread that started it holds the GIL for good.
pub struct Host {
    pub python: &'static Python,
    pub library: Library,
}

/// A function of a library, whose name and C signature the caller vouches for.
///
/// # Panics
/// If the library has none of this name.
pub fn symbol<T: Copy>(library: &Library, name: &CStr) -> T {
    // SAFETY: each caller names a function and its C signature.
    *unsafe { library.get::<T>(name.to_bytes_with_nul()) }
        .unwrap_or_else(|error| panic!("{}: {error}", name.to_string_lossy()))
}

impl Host {
    /// Starts the newest CPython that has a shared libpython, is no debug build and has a GIL, of those
    /// whose version begins as `PYBUFFER_BENCH` does.
    pub fn start() -> Option<Self> {
        let version = std::env::var("PYBUFFER_BENCH").unwrap_or_default();
        let python = support::pythons().iter().rev().find(|python| {
            let is_usable = python.libpython.is_some() && !python.debug && !python.free_threaded;
            is_usable && python.label.starts_with(&version)
        })?;
        let libpython = python.libpython.as_deref()?;
        // SAFETY: libpython, once, and initialised before anything else of it is called.
        let library =
            unsafe { Library::open(Some(libpython), RTLD_NOW | RTLD_GLOBAL) }.expect("libpython");
        let prefix = python.exe.ancestors().nth(2).expect("an executable in prefix/bin");
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PYTHON") {
                // SAFETY: no other thread runs yet.
                unsafe { std::env::remove_var(name) };
            }
        }
        // SAFETY: as above.
        unsafe { std::env::set_var("PYTHONHOME", prefix) };
        let initialize: unsafe extern "C" fn(c_int) = symbol(&library, c"Py_InitializeEx");
        // SAFETY: the first call of a freshly loaded libpython.
        unsafe { initialize(0) };
        Some(Self { python, library })
    }

    /// The value of an expression, never given back.
    ///
    /// # Errors
    /// The exception is printed, and the expression is the error.
    pub fn eval(&self, source: &str) -> Result<Object, String> {
        const EVAL: c_int = 258;
        type Run = unsafe extern "C" fn(*const c_char, c_int, Object, Object) -> Object;
        let run: Run = symbol(&self.library, c"PyRun_String");
        let new_dict: unsafe extern "C" fn() -> Object = symbol(&self.library, c"PyDict_New");
        let code = CString::new(source).expect("no NUL in it");
        // SAFETY: this thread holds the GIL.
        let globals = unsafe { new_dict() };
        // SAFETY: as above.
        let value = unsafe { run(code.as_ptr(), EVAL, globals, globals) };
        if value.is_null() {
            let print: unsafe extern "C" fn() = symbol(&self.library, c"PyErr_Print");
            // SAFETY: as above; an exception is set.
            unsafe { print() };
            return Err(format!("{source} failed in CPython {}", self.python.label));
        }
        Ok(value)
    }
}

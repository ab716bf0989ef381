//! Who holds views of an object.

use core::ffi::{c_char, c_int};

use super::Py_ssize_t;

/// A Python frame that ran when a view was acquired. Its texts are never freed.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct pybuffer_frame {
    /// The name of the file, as its code has it, in UTF-8.
    pub file: *const c_char,
    /// The name of the function, in UTF-8; qualified from CPython 3.11 on.
    pub function: *const c_char,
    /// The line; 0 if it is unknown.
    pub line: Py_ssize_t,
}

/// Outstanding views of an object that agree in all but their age. Its texts are never freed.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct pybuffer_holder {
    /// The name of the exporter's type.
    pub type_name: *const c_char,
    /// The file of the code that requested them: the first outside the interpreter; the interpreter's own if Python code
    /// did so itself; NULL for libpybuffer itself, or if it is unknown.
    pub file: *const c_char,
    /// Its function; NULL if the file does not export the name.
    pub function: *const c_char,
    /// The offset of the call in that file.
    pub offset: usize,
    /// The Python frames, the innermost first.
    pub frames: *const pybuffer_frame,
    /// Their number; 0 if no Python code ran, or it is unknown.
    pub n_frames: c_int,
    /// The request.
    pub flags: c_int,
    /// The length of each view in bytes.
    pub len: Py_ssize_t,
    /// The thread that acquired them, as `pthread_self` names it.
    pub thread: usize,
    /// The number of views.
    pub n_views: Py_ssize_t,
    /// The number of them that nobody can release: their `Py_buffer` was filled again.
    pub n_lost: Py_ssize_t,
    /// The age of the oldest in seconds.
    pub age: f64,
    /// The address of the oldest one's `Py_buffer`.
    pub view: usize,
    /// Reserved; 0.
    pub reserved: Py_ssize_t,
}

//! The library's own objects, for processes without Python.
//!
//! An object is a reference count and a type, laid out as in CPython's public headers, so that an
//! exporter's source compiles against Python.h and against libpybuffer.h alike. References are
//! atomic, errors are each thread's own, and texts are those of the newest CPython.

pub mod errors;
pub mod exceptions;
pub mod objects;

use core::cell::UnsafeCell;
use core::ffi::CStr;

use super::Runtime;
use super::layout::ObjectLayout;
use crate::abi::PyTypeObject;
use crate::error::{Error, Text};
use crate::format::size::{Grammar, size};
use crate::format::unicode;

/// More references than a program can drop by mistake: a static object is never freed.
const IMMORTAL: isize = isize::MAX / 2;

/// The world of a process without Python.
pub static RUNTIME: Runtime = Runtime {
    layout: ObjectLayout::PLAIN,
    incref: objects::incref,
    decref: objects::decref,
    counts_are_plain: false,
    host: None,
    description: Text::from_ascii("standalone"),
};

/// The type of types.
struct Metatype(UnsafeCell<PyTypeObject>);

// SAFETY: the library only takes the address; the reference count is changed atomically.
unsafe impl Sync for Metatype {}

static METATYPE: Metatype = Metatype(UnsafeCell::new(objects::static_type(c"type")));

/// The type of all standalone types that went through `PyType_Ready`.
pub fn metatype() -> *mut PyTypeObject {
    METATYPE.0.get()
}

/// As `PyBuffer_SizeFromFormat` of the newest CPython.
pub fn size_from_format(format: &CStr) -> Result<isize, Error> {
    unicode::check(format.to_bytes())?;
    size(format.to_bytes(), Grammar::Newest).map_err(Error::from)
}

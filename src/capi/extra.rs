//! `pybuffer_*`: the library's own functions.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::ptr;

use super::{null_argument, null_argument_if_known};
use crate::abi::{Py_buffer, PyObject, PyTypeObject};
use crate::error::{Error, Kind};
use crate::kernels;
use crate::protocol;
use crate::runtime::{self, standalone};
use crate::view::Fields;

const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");

const NOT_STANDALONE: Error = Error::Fixed(
    Kind::System,
    c"libpybuffer.h without Python.h makes objects for processes without Python, but Python is in \
      this one: compile this source against Python.h",
);

/// The version of libpybuffer, `"1.2.3"`. Never NULL; lives for ever.
#[unsafe(no_mangle)]
pub extern "C" fn pybuffer_version() -> *const c_char {
    VERSION.as_ptr().cast()
}

/// Whose objects the library works on: `"standalone"` in a process without Python, or
/// `"CPython 3.13.0 (...)"` with what that Python says of its version. Never NULL; lives for ever.
///
/// `"standalone"` may become CPython when a libpython is loaded later, as long as no standalone object
/// or error was made.
#[unsafe(no_mangle)]
pub extern "C" fn pybuffer_runtime() -> *const c_char {
    runtime::current().description().as_ptr()
}

/// Tells the library of a libpython that it cannot see by itself: one that was loaded with
/// `RTLD_LOCAL`.
///
/// Returns 0 if the objects of this process are CPython's now (or were before); -1, with no error set,
/// if `handle` holds no CPython or a standalone object or error was made already. Under a preload, and
/// whenever else CPython's objects reach the library first, it finds such a libpython by itself.
///
/// # Safety
/// `handle` is NULL or came from `dlopen` and stays open.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pybuffer_attach(handle: *mut c_void) -> c_int {
    // SAFETY: open (caller).
    if !handle.is_null() && unsafe { runtime::attach(handle) } { 0 } else { -1 }
}

/// The instructions that copies use: `"generic"`, `"sse"`, `"avx2"` or `"avx512"`, the best that this CPU has
/// and `PYBUFFER_CPU` allows. Never NULL; lives for ever.
#[unsafe(no_mangle)]
pub extern "C" fn pybuffer_cpu_level() -> *const c_char {
    kernels::selected().level.name().as_ptr()
}

/// Copies the items of `src` to the items of `dst` at the same indices, wherever each of them lies: both
/// views have one shape and one itemsize, and any strides and suboffsets.
///
/// The two may overlap: the items are then copied as they were before. Where items of `dst` share memory
/// with one another, the last one in C order stays. The formats are not compared.
///
/// Returns 0, or -1 with an error set and nothing written: `SystemError` for NULLs (also for a `buf` of
/// NULL that has items), `BufferError` if `dst->readonly` is set, or if the shapes or itemsizes differ,
/// `ValueError` if the fields of one view contradict one another, `MemoryError`.
///
/// # Safety
/// `dst` and `src` are NULL or views that are held; the memory of `dst` may be written, unless `readonly`
/// is set. Needs no GIL, but for the error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pybuffer_copy(dst: *const Py_buffer, src: *const Py_buffer) -> c_int {
    // SAFETY: null or a view (caller).
    let Some(dst) = (unsafe { dst.as_ref() }) else { return null_argument_if_known() };
    // SAFETY: null or a view (caller).
    let Some(src) = (unsafe { src.as_ref() }) else { return null_argument_if_known() };
    // SAFETY: the view's arrays are there (caller).
    let dst = unsafe { Fields::new(dst) };
    // SAFETY: as above.
    let src = unsafe { Fields::new(src) };
    // SAFETY: both views are held (caller).
    runtime::status_of(unsafe { protocol::copy_data::copy(dst, src, runtime::raised_if_known) })
}

/// `PyType_Ready`: makes a type ready for use. Slots that it lacks (`tp_dealloc`, `tp_free`,
/// `tp_as_buffer`, and `tp_basicsize`) come from `tp_base`.
///
/// Returns 0, or -1 with `SystemError` set: the type is NULL or has no name, or Python is in this
/// process.
///
/// # Safety
/// `type` is NULL or a type object that stays where it is; its base is ready.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pybuffer_type_ready(r#type: *mut PyTypeObject) -> c_int {
    if r#type.is_null() {
        return null_argument();
    }
    if runtime::for_good().is_hosted() {
        return runtime::status(Err(NOT_STANDALONE));
    }
    // SAFETY: the caller's promise is the callee's.
    runtime::status(unsafe { standalone::objects::type_ready(r#type) })
}

/// `PyObject_New`: memory for an object of `type->tp_basicsize` bytes with one reference. The fields
/// behind the head are not initialised.
///
/// Returns the object, or NULL with `MemoryError` or, if `type` is NULL or Python is in this process,
/// `SystemError` set.
///
/// # Safety
/// `type` is NULL or a type object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pybuffer_object_new(r#type: *mut PyTypeObject) -> *mut PyObject {
    let made = if r#type.is_null() {
        Err(Error::NullArgument)
    } else if runtime::for_good().is_hosted() {
        Err(NOT_STANDALONE)
    } else {
        // SAFETY: the caller's promise is the callee's.
        unsafe { standalone::objects::new(r#type) }
    };
    match made {
        Ok(obj) => obj,
        Err(error) => {
            runtime::raise(&error);
            ptr::null_mut()
        }
    }
}

/// `PyObject_Free`: frees the memory of an object, in its `tp_dealloc`. NULL is left alone.
///
/// # Safety
/// `memory` is NULL or came from `pybuffer_object_new`, and nothing uses it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pybuffer_object_free(memory: *mut c_void) {
    // SAFETY: the caller's promise is the callee's.
    unsafe { standalone::objects::free(memory) };
}

/// `Py_XINCREF`: one more reference to an object. Any thread may call it. NULL is left alone.
///
/// # Safety
/// `obj` is NULL or an object that the caller holds a reference to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pybuffer_incref(obj: *mut PyObject) {
    if !obj.is_null() {
        // SAFETY: an object (caller).
        unsafe { runtime::for_objects().incref(obj) };
    }
}

/// `Py_XDECREF`: one fewer reference to an object; the last one calls `tp_dealloc`. Any thread may call
/// it. NULL is left alone.
///
/// # Safety
/// `obj` is NULL or an object, and the caller gives up a reference of its own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pybuffer_decref(obj: *mut PyObject) {
    if !obj.is_null() {
        // SAFETY: an object (caller).
        unsafe { runtime::for_objects().decref(obj) };
    }
}

/// `PyExc_...`: the exception of a name, `"ValueError"` or `"struct.error"`; borrowed. NULL, with no
/// error set, for a name that the library does not know, and for `struct.error` in a process with Python
/// while an error is pending.
///
/// # Safety
/// `name` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pybuffer_exception(name: *const c_char) -> *mut PyObject {
    if name.is_null() {
        return ptr::null_mut();
    }
    // SAFETY: a C string (caller).
    runtime::current().exception(unsafe { CStr::from_ptr(name) })
}

/// `PyErr_SetString`: sets this thread's error, in place of any other. The text (UTF-8) is copied, up
/// to 383 bytes of it; NULL is an empty one.
///
/// # Safety
/// `exception` is NULL (a mistake that becomes a SystemError) or an exception; `text` is NULL or a C
/// string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pybuffer_err_set_string(exception: *mut PyObject, text: *const c_char) {
    // SAFETY: a C string (caller).
    let text = if text.is_null() { c"" } else { unsafe { CStr::from_ptr(text) } };
    // SAFETY: the caller's promise is the callee's.
    unsafe { runtime::for_good().set_error(exception, text) };
}

/// `PyErr_NoMemory`: sets `MemoryError` as this thread's error. Returns NULL.
#[unsafe(no_mangle)]
pub extern "C" fn pybuffer_err_no_memory() -> *mut PyObject {
    runtime::raise(&Error::NoMemory);
    ptr::null_mut()
}

/// `PyErr_Occurred`: this thread's error as the exception that was set, borrowed; NULL if there is none.
#[unsafe(no_mangle)]
pub extern "C" fn pybuffer_err_occurred() -> *mut PyObject {
    runtime::current().error()
}

/// `PyErr_ExceptionMatches`: whether this thread's error is `exception` or derived from it: 1 or 0.
///
/// # Safety
/// `exception` is NULL or an exception.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pybuffer_err_exception_matches(exception: *mut PyObject) -> c_int {
    // SAFETY: the caller's promise is the callee's.
    unsafe { runtime::current().error_matches(exception) }.into()
}

/// `PyErr_Clear`: forgets this thread's error.
#[unsafe(no_mangle)]
pub extern "C" fn pybuffer_err_clear() {
    runtime::current().clear_error();
}

/// The text of this thread's error, good until the next error is set or this one cleared; NULL if there
/// is none, or if it is Python's to tell.
#[unsafe(no_mangle)]
pub extern "C" fn pybuffer_err_text() -> *const c_char {
    runtime::current().error_text()
}

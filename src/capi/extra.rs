//! `pybuffer_*`: the library's own functions, and the object API of processes without Python.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::ptr;

use super::{null_argument, null_argument_if_known, null_object};
use crate::abi::{Py_buffer, Py_ssize_t, PyObject, PyTypeObject};
use crate::error::{Error, Kind};
use crate::kernels;
use crate::protocol;
use crate::runtime::{self, standalone};
use crate::view::Fields;

const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");

/// Refuses to make objects where there is Python.
#[cold]
#[inline(never)]
fn not_standalone() -> c_int {
    runtime::raised_text(
        Kind::System,
        c"libpybuffer.h without Python.h makes objects for processes without Python, but Python is in \
          this one: compile this source against Python.h",
    );
    -1
}

/// The version of libpybuffer, such as `"1.2.3"`. Never NULL, and never freed.
#[unsafe(no_mangle)]
pub extern "C" fn pybuffer_version() -> *const c_char {
    VERSION.as_ptr().cast()
}

/// Whose objects the library works on: `"standalone"` in a process without Python, otherwise
/// `"CPython 3.13.0 (...)"` with that Python's own version text. Never NULL, and never freed.
///
/// `"standalone"` may become CPython when a libpython is loaded later, as long as no standalone object
/// or error was made.
#[unsafe(no_mangle)]
pub extern "C" fn pybuffer_runtime() -> *const c_char {
    runtime::current().description().as_ptr()
}

/// Makes a libpython known to the library that was loaded with `RTLD_LOCAL`.
///
/// Without this call the library finds such a libpython only if the library is preloaded, or if an object of
/// that CPython is passed to it before an object or error of its own was made.
///
/// Returns 0 if the objects of this process are CPython's now (or were before); or -1, with no error set, if
/// `handle` is NULL or leads to no CPython, or if a standalone object or error was made already.
///
/// # Safety
/// `handle` is NULL or came from `dlopen` and stays open.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pybuffer_attach(handle: *mut c_void) -> c_int {
    // SAFETY: it came from `dlopen` and stays open (caller).
    if !handle.is_null() && unsafe { runtime::attach(handle) } { 0 } else { -1 }
}

/// The level of vector instructions that copies use: `"generic"`, `"sse"`, `"avx2"` or `"avx512"`, the highest
/// that this CPU has and `PYBUFFER_CPU` allows. Never NULL, and never freed.
#[unsafe(no_mangle)]
pub extern "C" fn pybuffer_cpu_level() -> *const c_char {
    kernels::selected().level.name().as_ptr()
}

/// Copies the items of `src` to the items of `dst` at the same indices. Both views have the same shape and
/// itemsize, and any strides and suboffsets.
///
/// The two may overlap: the items are copied as they were before the call. Where items of `dst` share memory
/// with one another, the last one in C order stays. The formats are not compared.
///
/// Returns 0, or -1 with an error set and nothing written: `SystemError` if an argument is NULL, or the `buf`
/// of a view that has items; `BufferError` if `dst->readonly` is set, or if the shapes or itemsizes differ;
/// `ValueError` if the fields of one view contradict one another; `MemoryError`.
///
/// # Safety
/// `dst` and `src` are NULL or views that are held; the memory of `dst` may be written, unless `readonly`
/// is set. Needs no GIL, except to set the error.
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
    // SAFETY: both views are held, and the memory of `dst` may be written unless it is read-only (caller).
    runtime::status_of(unsafe { protocol::copy_data::copy(dst, src, runtime::raised_if_known) })
}

/// Copies the `part`-th of `n_parts` shares of what `pybuffer_copy` copies, for a caller that has threads: together the
/// shares, from 0 to `n_parts - 1`, copy every item exactly once, in any order and at the same time.
///
/// Shares are of equal work (if `src` has suboffsets: as nearly as whole steps of its first dimension can be shared
/// out), and no share writes a byte outside its own items. Two shares write to one cache line only where the strides
/// force it. There is no state between the calls. A copy that is too small for so many shares is done by the first ones
/// (`pybuffer_copy_n_parts` tells how many), and the others return at once; where items of `dst` share memory with one
/// another, share 0 does all.
///
/// Returns 0, or -1 with an error set and nothing written: as `pybuffer_copy`; `ValueError` if `part` is not from 0 to
/// `n_parts - 1`; `BufferError` if `dst` and `src` share memory and `n_parts` is more than 1. Each share finds the same
/// errors, but for `MemoryError`.
///
/// # Safety
/// As for `pybuffer_copy`; until the last share has returned, nobody else writes to `src` or touches the items of `dst`.
/// Needs no GIL, and in a thread without a thread state the return value alone tells of an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pybuffer_copy_part(
    dst: *const Py_buffer,
    src: *const Py_buffer,
    part: Py_ssize_t,
    n_parts: Py_ssize_t,
) -> c_int {
    // SAFETY: null or a view (caller).
    let Some(dst) = (unsafe { dst.as_ref() }) else { return null_argument_if_known() };
    // SAFETY: null or a view (caller).
    let Some(src) = (unsafe { src.as_ref() }) else { return null_argument_if_known() };
    // SAFETY: the view's arrays are there (caller).
    let dst = unsafe { Fields::new(dst) };
    // SAFETY: as above.
    let src = unsafe { Fields::new(src) };
    // SAFETY: both views are held (caller).
    let copied = unsafe {
        protocol::copy_data::copy_part(dst, src, part, n_parts, runtime::raised_if_known)
    };
    runtime::status_of(copied)
}

/// How many shares of a copy pay, from 1 to `max`, if a thread waits for each already: 1 for small copies, and for
/// those that `pybuffer_copy_part` does not divide. Threads that are made for one copy pay from some 4 MiB on.
///
/// Never an error; 1 if `dst` or `src` is NULL or `max` is less than 1.
///
/// # Safety
/// As for `pybuffer_copy`. Needs no GIL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pybuffer_copy_n_parts(
    dst: *const Py_buffer,
    src: *const Py_buffer,
    max: Py_ssize_t,
) -> Py_ssize_t {
    // SAFETY: null or a view (caller).
    let Some(dst) = (unsafe { dst.as_ref() }) else { return 1 };
    // SAFETY: null or a view (caller).
    let Some(src) = (unsafe { src.as_ref() }) else { return 1 };
    // SAFETY: the view's arrays are there (caller).
    let dst = unsafe { Fields::new(dst) };
    // SAFETY: as above.
    let src = unsafe { Fields::new(src) };
    // SAFETY: both views are held (caller).
    unsafe { protocol::copy_data::n_parts(dst, src, max) }
}

/// `PyType_Ready`: makes a type ready for use. Slots that it lacks (`tp_dealloc`, `tp_free`,
/// `tp_as_buffer` and `tp_basicsize`) are inherited from `tp_base`.
///
/// Returns 0, or -1 with `SystemError` set if the type is NULL or has no name, or if Python is in this
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
        return not_standalone();
    }
    // SAFETY: not null, so a type object whose base is ready (caller).
    runtime::status(unsafe { standalone::objects::type_ready(r#type) })
}

/// `PyObject_New`: allocates an object of `type->tp_basicsize` bytes, with one reference. The fields after
/// the head are not initialised.
///
/// Returns the object, or NULL with an error set: `MemoryError`; `SystemError` if `type` is NULL or Python is in
/// this process.
///
/// # Safety
/// `type` is NULL or a type object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pybuffer_object_new(r#type: *mut PyTypeObject) -> *mut PyObject {
    if r#type.is_null() {
        return null_object();
    }
    if runtime::for_good().is_hosted() {
        not_standalone();
        return ptr::null_mut();
    }
    // SAFETY: not null, so a type object (caller).
    match unsafe { standalone::objects::new(r#type) } {
        Ok(obj) => obj,
        Err(error) => {
            runtime::raise(&error);
            ptr::null_mut()
        }
    }
}

/// `PyObject_Free`: frees the memory of an object; for its `tp_dealloc` to call. Does nothing for NULL.
///
/// # Safety
/// `memory` is NULL or came from `pybuffer_object_new`, and nothing uses it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pybuffer_object_free(memory: *mut c_void) {
    // SAFETY: null or from `pybuffer_object_new`, and not used any more (caller).
    unsafe { standalone::objects::free(memory) };
}

/// `Py_XINCREF`: takes a reference to an object. Does nothing for NULL. Any thread may call it; in a process
/// with Python the caller holds the GIL.
///
/// # Safety
/// `obj` is NULL or an object that the caller holds a reference to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pybuffer_incref(obj: *mut PyObject) {
    if !obj.is_null() {
        // SAFETY: an object that the thread may use (caller).
        unsafe { runtime::for_objects().incref(obj) };
    }
}

/// `Py_XDECREF`: drops a reference to an object; with the last one `tp_dealloc` is called. Does nothing for
/// NULL. Any thread may call it; in a process with Python the caller holds the GIL.
///
/// # Safety
/// `obj` is NULL or an object, and the reference is the caller's own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pybuffer_decref(obj: *mut PyObject) {
    if !obj.is_null() {
        // SAFETY: an object that the thread may use, and the caller's own reference to it (caller).
        unsafe { runtime::for_objects().decref(obj) };
    }
}

/// `PyExc_...`: the exception class with this name, such as `"ValueError"` or `"struct.error"`.
///
/// Returns a borrowed reference; or NULL, with no error set, for a name that the library does not know, and
/// for `struct.error` in a process with Python while an error is pending.
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

/// `PyErr_SetString`: sets this thread's error, in place of any other. At most 383 bytes of the text (UTF-8)
/// are copied; NULL means an empty text.
///
/// # Safety
/// `exception` is NULL (a mistake that becomes a `SystemError`) or an exception class; `text` is NULL or a C
/// string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pybuffer_err_set_string(exception: *mut PyObject, text: *const c_char) {
    // SAFETY: not null, so a C string (caller).
    let text = if text.is_null() { c"" } else { unsafe { CStr::from_ptr(text) } };
    // SAFETY: null or an exception class of this process's world (caller).
    unsafe { runtime::for_good().set_error(exception, text) };
}

/// `PyErr_NoMemory`: sets `MemoryError` as this thread's error. Returns NULL.
#[unsafe(no_mangle)]
pub extern "C" fn pybuffer_err_no_memory() -> *mut PyObject {
    runtime::raise(&Error::NoMemory);
    ptr::null_mut()
}

/// `PyErr_Occurred`: the exception class of this thread's error, borrowed; NULL if no error is set.
#[unsafe(no_mangle)]
pub extern "C" fn pybuffer_err_occurred() -> *mut PyObject {
    runtime::current().error()
}

/// `PyErr_ExceptionMatches`: whether this thread's error is of the class `exception` or of one derived from it.
/// Returns 1 or 0.
///
/// # Safety
/// `exception` is NULL or an exception class.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pybuffer_err_exception_matches(exception: *mut PyObject) -> c_int {
    // SAFETY: null or an exception class of this process's world (caller).
    unsafe { runtime::current().error_matches(exception) }.into()
}

/// `PyErr_Clear`: clears this thread's error.
#[unsafe(no_mangle)]
pub extern "C" fn pybuffer_err_clear() {
    runtime::current().clear_error();
}

/// The text of this thread's error. It is valid until the next error is set or this one is cleared. NULL if no
/// error is set, and in a process with Python, whose own functions tell the text.
#[unsafe(no_mangle)]
pub extern "C" fn pybuffer_err_text() -> *const c_char {
    runtime::current().error_text()
}

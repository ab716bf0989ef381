//! The operations of the standalone world.

use core::ffi::{CStr, c_char, c_void};

use super::{errors, exceptions, memoryview, objects, owners};
use crate::abi::{PyObject, getbufferproc};
use crate::error::{Error, Kind, Raised, Text};
use crate::format::size::{Grammar, size};
use crate::format::unicode;
use crate::runtime::Destructor;
use crate::runtime::world::{Frame, Life, Standalone, World};

impl World for Standalone {
    fn host_function(&self) -> Option<*const c_void> {
        None
    }

    // As the newest CPython.
    fn refuses_access_modes(&self) -> bool {
        true
    }

    // As the newest CPython.
    fn size_from_format(&self, format: &CStr) -> Result<isize, Error> {
        unicode::check(format.to_bytes())?;
        size(format.to_bytes(), Grammar::Newest).map_err(Error::from)
    }

    fn is_known_to_be_attached(&self) -> bool {
        true
    }

    fn raise(&self, error: &Error) {
        errors::raise(error);
    }

    fn raise_from_pending(&self, _kind: Kind, _text: &Text) -> bool {
        false
    }

    unsafe fn set_error(&self, exception: *mut PyObject, text: &CStr) {
        errors::set(exception, text);
    }

    fn clear_error(&self) {
        errors::clear();
    }

    fn error(&self) -> *mut PyObject {
        errors::occurred()
    }

    unsafe fn error_matches(&self, exception: *mut PyObject) -> bool {
        // SAFETY: both are null or exceptions of this world (caller: EXCEPTION).
        unsafe { exceptions::is_a(errors::occurred(), exception) }
    }

    fn error_text(&self) -> *const c_char {
        errors::text()
    }

    fn with_error_text(&self, tell: &mut dyn FnMut(&CStr)) {
        let text = errors::text();
        // SAFETY: a C string, valid until the next error.
        tell(if text.is_null() { c"" } else { unsafe { CStr::from_ptr(text) } });
    }

    fn exception(&self, name: &CStr) -> *mut PyObject {
        exceptions::by_name(name)
    }

    unsafe fn references(&self, obj: *mut PyObject) -> Option<isize> {
        // SAFETY: an object of this world (caller: OBJECT).
        Some(unsafe { objects::count(obj) })
    }

    unsafe fn is_python_exporter(&self, _obj: *mut PyObject, _slot: getbufferproc) -> bool {
        false
    }

    unsafe fn hold(&self, owner: *mut PyObject) -> *mut PyObject {
        // SAFETY: an object of this world (caller: OWNER).
        unsafe { owners::hold(owner) }
    }

    unsafe fn guard(&self, destructor: Destructor, context: *mut c_void) -> *mut PyObject {
        owners::guard(destructor, context)
    }

    unsafe fn drop_idle_guard(&self, guard: *mut PyObject) {
        // SAFETY: the only reference (caller: GUARD); the object owns nothing else.
        unsafe { objects::free(guard.cast()) };
    }

    unsafe fn release_memoryview(&self, memoryview: *mut PyObject) -> Result<(), Raised> {
        // SAFETY: a memoryview of this world to which the caller has a reference (caller: MEMORYVIEW).
        unsafe { memoryview::release(memoryview.cast()) }
    }

    unsafe fn frames(&self, _most: usize, _tell: &mut dyn FnMut(&Frame)) {}

    fn life(&self) -> Result<Option<Life>, Raised> {
        Ok(Some(Life(0)))
    }

    fn anywhere(&self, _life: Life, run: &mut dyn FnMut()) -> bool {
        errors::with_error_aside(run);
        true
    }
}

//! The object world of the process: CPython's objects, or the library's own.
//!
//! `Runtime` is the table of what the library needs from an object world: the layout of objects and
//! types, changes of reference counts, errors, memoryviews. `cpython` fills it from the libpython of
//! the process (a hosted world); `standalone` has one of its own. Nothing else in the library knows
//! how an object is laid out.
//!
//! `world` decides which of the two the process has, and `raise` sets its errors.

pub mod copies;
mod counts;
pub mod cpython;
mod images;
pub mod layout;
pub mod memoryviews;
mod raise;
pub mod standalone;
pub mod views;
pub mod watch;
mod world;

use core::ffi::{CStr, c_char, c_void};
use core::ptr;

use crate::abi::{PyObject, PyTypeObject, getbufferproc};
use crate::error::{Error, Kind, Text};
use cpython::Host;
pub use cpython::{locate, unserved};
use layout::ObjectLayout;
use memoryviews::Memoryviews;
pub use raise::{
    Raise, raise, raise_if_known, raised, raised_if_known, raised_text, status, status_if_known,
    status_of,
};
pub use world::{
    attach, current, for_good, for_objects, is_watched, settled_counted, settled_plain,
};

/// A program's function that is called when a memoryview no longer needs the memory that the program provided.
pub type Destructor = unsafe extern "C" fn(*mut c_void);

/// An object world.
pub struct Runtime {
    /// The offsets of an object's type and of a type's slots.
    layout: ObjectLayout,
    incref: unsafe extern "C" fn(*mut PyObject),
    decref: unsafe extern "C" fn(*mut PyObject),
    /// Whether a reference may be dropped by decrementing the count in place (`counts`).
    counts_are_plain: bool,
    /// The libpython, if this is a hosted world.
    host: Option<Host>,
    /// The text that `pybuffer_runtime` returns.
    description: Text,
    /// How this world makes memoryviews.
    memoryviews: Memoryviews,
}

// SAFETY: the table is never changed after it is filled.
unsafe impl Sync for Runtime {}

/// The error raised where a program sets an error and passes no exception.
const NO_EXCEPTION: Error =
    Error::Fixed(Kind::System, c"an error was set with something that is no exception");

impl Runtime {
    /// Whether the objects are CPython's.
    pub fn is_hosted(&self) -> bool {
        self.host.is_some()
    }

    /// "standalone", or "CPython" and its version text.
    pub fn description(&self) -> &CStr {
        self.description.as_c_str()
    }

    /// Whether a request whose flags are exactly `PyBUF_READ` or `PyBUF_WRITE` is an error: since CPython 3.13.
    #[cold]
    #[inline(never)]
    pub fn refuses_access_modes(&self) -> bool {
        self.host.as_ref().is_none_or(|host| host.version() >= (3, 13))
    }

    /// The address of one of the host's functions, if this is a hosted world.
    pub fn host_function(&self) -> Option<*const c_void> {
        self.host.as_ref().map(|host| host.incref() as *const c_void)
    }

    /// Whether this thread can have an error set, that is, whether a thread state is attached. Valid only where
    /// the caller holds the GIL.
    pub fn can_raise(&self) -> bool {
        self.host.as_ref().is_none_or(Host::is_attached)
    }

    /// The type of an object.
    ///
    /// # Safety
    /// * OBJECT: `obj` is an object of this world.
    pub unsafe fn type_of(&self, obj: *mut PyObject) -> *const PyTypeObject {
        // SAFETY: an object of this world (caller: OBJECT), whose layout this is.
        unsafe { self.layout.type_of(obj) }
    }

    /// The offsets of an object's type and of a type's slots in this world.
    pub fn layout(&self) -> ObjectLayout {
        self.layout
    }

    /// The name of an object's type, valid as long as the type.
    ///
    /// # Safety
    /// * OBJECT: `obj` is an object of this world.
    pub unsafe fn type_name_of(&self, obj: *mut PyObject) -> *const c_char {
        // SAFETY: an object of this world (caller: OBJECT).
        let r#type = unsafe { self.type_of(obj) };
        // SAFETY: an object's type has this world's layout.
        unsafe { self.layout.name_of(r#type) }
    }

    /// Whether an object is a memoryview.
    ///
    /// # Safety
    /// * OBJECT: `obj` is an object of this world.
    #[cold]
    #[inline(never)]
    pub unsafe fn is_memoryview(&self, obj: *mut PyObject) -> bool {
        // SAFETY: an object of this world (caller: OBJECT).
        let r#type = unsafe { self.type_of(obj) };
        self.memoryviews.r#type.cast_const() == r#type
    }

    /// Adds a reference.
    ///
    /// # Safety
    /// * OBJECT: `obj` is an object of this world that the thread may use.
    #[inline]
    pub unsafe fn incref(&self, obj: *mut PyObject) {
        // SAFETY: this world's own function, for an object of it (caller: OBJECT).
        unsafe { (self.incref)(obj) };
    }

    /// Drops a reference; the object is freed with the last one.
    ///
    /// # Safety
    /// * OBJECT: `obj` is an object of this world that the thread may use.
    /// * OWNED: the caller owns the reference and gives it up.
    #[inline]
    pub unsafe fn decref(&self, obj: *mut PyObject) {
        // SAFETY: this world's own function, for a reference to an object of it (caller: OBJECT, OWNED).
        unsafe { (self.decref)(obj) };
    }

    /// As [`decref`](Self::decref), but decrements the count in place unless it is special (see `counts`).
    ///
    /// # Safety
    /// * OBJECT, OWNED: as for [`decref`](Self::decref).
    /// * COUNTED: [`settled_counted`] returned this world.
    #[inline]
    pub unsafe fn lower(&self, obj: *mut PyObject) {
        // SAFETY: an object with a plain count (caller: OBJECT, COUNTED), of whose references the caller owns one
        // (caller: OWNED).
        if !unsafe { counts::lower(obj) } {
            // SAFETY: the reference is still owned (caller: OBJECT, OWNED).
            unsafe { self.decref_special(obj) };
        }
    }

    /// [`decref`](Self::decref), kept out of line.
    ///
    /// # Safety
    /// * OBJECT, OWNED: as for [`decref`](Self::decref).
    #[cold]
    #[inline(never)]
    unsafe fn decref_special(&self, obj: *mut PyObject) {
        // SAFETY: the same reference (caller: OBJECT, OWNED).
        unsafe { self.decref(obj) };
    }

    /// The size of an item whose format only some CPythons accept: this world's rules decide.
    pub fn size_from_format(&self, format: &CStr) -> Result<isize, Error> {
        match &self.host {
            Some(host) => host.size_from_format(format),
            None => standalone::size_from_format(format),
        }
    }

    /// The exception of this Python name (`"ValueError"`, `"struct.error"`), borrowed; null if there is
    /// none.
    pub fn exception(&self, name: &CStr) -> *mut PyObject {
        match &self.host {
            Some(host) => host.exception(name),
            None => standalone::exceptions::by_name(name),
        }
    }

    /// Sets this thread's error, in place of a pending one.
    ///
    /// # Safety
    /// * EXCEPTION: `exception` is null or an object of this world that the thread may use.
    pub unsafe fn set_error(&self, exception: *mut PyObject, text: &CStr) {
        match &self.host {
            Some(host) if exception.is_null() => host.raise(&NO_EXCEPTION),
            // SAFETY: not null, so an object of the host's (caller: EXCEPTION).
            Some(host) => unsafe { host.set_error(exception, text) },
            None => standalone::errors::set(exception, text),
        }
    }

    /// The exception class of this thread's error, borrowed; null if no error is set.
    pub fn error(&self) -> *mut PyObject {
        match &self.host {
            Some(host) => host.error(),
            None => standalone::errors::occurred(),
        }
    }

    /// Whether this thread's error is `exception` or derived from it.
    ///
    /// # Safety
    /// * EXCEPTION: `exception` is null or an exception of this world.
    pub unsafe fn error_matches(&self, exception: *mut PyObject) -> bool {
        match &self.host {
            // SAFETY: null or an exception of the host's (caller: EXCEPTION).
            Some(host) => unsafe { host.error_matches(exception) },
            // SAFETY: both are null or exceptions of the standalone world (caller: EXCEPTION).
            None => unsafe { standalone::exceptions::is_a(self.error(), exception) },
        }
    }

    /// The name of an exception class.
    ///
    /// # Safety
    /// * EXCEPTION: `exception` is an exception of this world, and outlives every use of its name.
    pub unsafe fn exception_name(&self, exception: *mut PyObject) -> &'static CStr {
        // SAFETY: an exception is a type, or has a type's fields up to the name (caller: EXCEPTION).
        let name = unsafe { self.layout.name_of(exception.cast()) };
        // SAFETY: a type's name is a C string, which lives as long as the exception (caller: EXCEPTION).
        unsafe { CStr::from_ptr(name) }
    }

    /// The number of references to an object; `None` if it cannot be determined. Only differences between two
    /// counts mean anything.
    ///
    /// # Safety
    /// * OBJECT: `obj` is an object of this world that the thread may use.
    /// * CLEAR: no error is pending.
    pub unsafe fn references(&self, obj: *mut PyObject) -> Option<isize> {
        match &self.host {
            // SAFETY: an object of the host's (caller: OBJECT), and no error is pending (caller: CLEAR).
            Some(host) => unsafe { host.references(obj) },
            // SAFETY: a standalone object (caller: OBJECT).
            None => Some(unsafe { standalone::objects::count(obj) }),
        }
    }

    /// The text of this thread's error: null if no error is set, and always null in a CPython.
    pub fn error_text(&self) -> *const c_char {
        match &self.host {
            Some(_) => ptr::null(),
            None => standalone::errors::text(),
        }
    }

    /// Calls `tell` with the text of this thread's error, which stays set; with an empty text if there is none or
    /// it cannot be determined.
    ///
    /// In a CPython this may run Python code, which may change any object.
    pub fn with_error_text(&self, tell: impl FnOnce(&CStr)) {
        if let Some(host) = &self.host {
            return host.with_error_text(tell);
        }
        let text = standalone::errors::text();
        // SAFETY: a C string, valid until the next error.
        tell(if text.is_null() { c"" } else { unsafe { CStr::from_ptr(text) } });
    }

    /// Whether an exporter's class implements `__buffer__` in Python.
    ///
    /// # Safety
    /// * OBJECT: `obj` is an object of this world that the thread may use, and `slot` its type's `bf_getbuffer`.
    /// * CLEAR: no error is pending.
    pub unsafe fn is_python_exporter(&self, obj: *mut PyObject, slot: getbufferproc) -> bool {
        let slot = slot as *const c_void;
        // SAFETY: an object of the host's and its slot (caller: OBJECT); no error is pending (caller: CLEAR).
        self.host
            .as_ref()
            .is_some_and(|host| unsafe { host.is_python_exporter(self.layout, obj, slot) })
    }

    /// Raises an error whose cause is the pending one. Returns whether it did: not if none is pending or the world
    /// has no causes.
    pub fn raise_from_pending(&self, kind: Kind, text: &Text) -> bool {
        self.host.as_ref().is_some_and(|host| host.raise_from_pending(kind, text.as_c_str()))
    }

    /// Clears this thread's error.
    pub fn clear_error(&self) {
        match &self.host {
            Some(host) => host.clear_error(),
            None => standalone::errors::clear(),
        }
    }

    #[inline(never)]
    fn raise(&self, error: &Error) {
        match &self.host {
            Some(host) => host.raise(error),
            None => standalone::errors::raise(error),
        }
    }
}

//! The object world of the process: CPython's objects, or the library's own.
//!
//! `Runtime` is the table of what the library needs from an object world: the layout of objects and
//! types, changes of reference counts, errors, memoryviews. `cpython` fills it from the libpython of
//! the process (a hosted world); `standalone` has one of its own. Nothing else in the library knows
//! how an object is laid out.
//!
//! A hosted world is final as soon as it is found. The standalone world becomes final only when an
//! object or an error of it exists, because a libpython may still be loaded until then.

pub mod copies;
mod counts;
pub mod cpython;
mod images;
pub mod layout;
pub mod memoryviews;
pub mod standalone;
pub mod views;
pub mod watch;

use core::borrow::Borrow;
use core::ffi::{CStr, c_char, c_int, c_void};
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use crate::abi::{PyObject, PyTypeObject, getbufferproc};
use crate::environment;
use crate::error::{Error, Kind, Raised, Text};
use cpython::Host;
pub use cpython::{locate, unserved};
use layout::ObjectLayout;
use memoryviews::Memoryviews;

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

/// The world once it is final; null until then.
static CURRENT: AtomicPtr<Runtime> = AtomicPtr::new(ptr::null_mut());
/// The same, if its objects have the plain layout; null while the audit is on.
static PLAIN: AtomicPtr<Runtime> = AtomicPtr::new(ptr::null_mut());
/// The same, if in addition its reference counts may be changed in place; null while the audit is on.
static COUNTED: AtomicPtr<Runtime> = AtomicPtr::new(ptr::null_mut());
/// Whether `audit` records every view.
static WATCHED: AtomicBool = AtomicBool::new(false);

/// The world as of now, for questions about it. A standalone answer is not final.
#[inline]
pub fn current() -> &'static Runtime {
    settled().unwrap_or_else(look)
}

/// The final world, for functions that are given an object of it.
#[inline]
pub fn for_objects() -> &'static Runtime {
    settled().unwrap_or_else(settle_with_object)
}

/// The final world, for functions that raise an error or make an object in it.
pub fn for_good() -> &'static Runtime {
    settled().unwrap_or_else(|| settle(look()))
}

/// Makes a world final because an object was passed in before anything had decided which world it is.
///
/// A standalone object would have come from `PyObject_New` or have a type that went through `PyType_Ready`,
/// and both settle the world. Therefore, if a libpython was loaded with `RTLD_LOCAL`, the object is that one's.
#[cold]
#[inline(never)]
fn settle_with_object() -> &'static Runtime {
    settle(cpython::find().or_else(cpython::find_private).unwrap_or(&standalone::RUNTIME))
}

/// Looks for a libpython, whose world then becomes final; the standalone world if there is none.
#[cold]
fn look() -> &'static Runtime {
    cpython::find().map_or(&standalone::RUNTIME, settle)
}

/// The world if it is final already.
#[inline]
fn settled() -> Option<&'static Runtime> {
    // SAFETY: null, or a table that is never changed or freed after it was stored.
    unsafe { CURRENT.load(Ordering::Acquire).as_ref() }
}

/// Whether the audit records the views of this process. If it does, `settled_plain` and `settled_counted`
/// return `None`, so that the hot paths need no test of their own.
#[inline]
pub fn is_watched() -> bool {
    WATCHED.load(Ordering::Relaxed)
}

/// The world if it is final, its objects have the plain layout, as in most builds of CPython, and the audit is
/// off. The hot paths test this, and leave all other cases to the slow ones. The layout's offsets are constants
/// there, which saves `PyObject_GetBuffer` and `PyBuffer_Release` two loads each (0.5 ns of 9; Xeon, `calls`).
#[inline]
pub fn settled_plain() -> Option<&'static Runtime> {
    // SAFETY: as for `settled`.
    unsafe { PLAIN.load(Ordering::Acquire).as_ref() }
}

/// As [`settled_plain`], if in addition references may be dropped by [`Runtime::lower`].
#[inline]
pub fn settled_counted() -> Option<&'static Runtime> {
    // SAFETY: as for `settled`.
    unsafe { COUNTED.load(Ordering::Acquire).as_ref() }
}

/// Makes `runtime` the final world, unless there is one already. Returns the one that is final.
fn settle(runtime: &'static Runtime) -> &'static Runtime {
    if copies::settle(environment::audit().is_some()) {
        WATCHED.store(true, Ordering::Relaxed);
    }
    let new = ptr::from_ref(runtime).cast_mut();
    let stored =
        CURRENT.compare_exchange(ptr::null_mut(), new, Ordering::AcqRel, Ordering::Acquire);
    let settled = match stored {
        Ok(_) => runtime,
        // SAFETY: another thread stored a table that is never changed or freed.
        Err(other) => unsafe { other.as_ref() }.unwrap_or(runtime),
    };
    // A libpython that is not served closes the fast paths; the slow ones call its own functions.
    let is_fast = !is_watched() && !unserved::is_here();
    if settled.layout.is_plain() && is_fast {
        PLAIN.store(ptr::from_ref(settled).cast_mut(), Ordering::Release);
    }
    if settled.counts_are_plain && is_fast {
        COUNTED.store(ptr::from_ref(settled).cast_mut(), Ordering::Release);
    }
    settled
}

/// Makes the libpython behind a handle from `dlopen` the world. Returns whether the world is hosted.
///
/// # Safety
/// * HANDLE: `handle` came from `dlopen` and stays open.
pub unsafe fn attach(handle: *mut c_void) -> bool {
    if let Some(settled) = settled() {
        return settled.is_hosted();
    }
    // SAFETY: an open handle (caller: HANDLE).
    unsafe { cpython::find_in(handle) }.is_some_and(|found| settle(found).is_hosted())
}

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

/// Sets this thread's error, for functions whose callers must hold the GIL. If no thread state is attached
/// (before Py_Initialize, after Py_Finalize, and from 3.12 on without the GIL), nothing is set: only the return
/// value reports the failure.
#[cold]
pub fn raise(error: &Error) {
    for_good().raise(error);
}

/// As [`raise`], for functions that may be called without the GIL: nothing is set unless CPython knows that
/// this thread holds it.
#[cold]
#[inline(never)]
pub fn raise_if_known(error: &Error) {
    let runtime = for_good();
    if runtime.host.as_ref().is_none_or(Host::is_known_to_be_attached) {
        runtime.raise(error);
    }
}

/// As [`raise`]; returns the marker that an error was raised.
#[cold]
#[inline(never)]
pub fn raised(error: &Error) -> Raised {
    raise(error);
    Raised
}

/// As [`raised`], but raises by [`raise_if_known`].
#[cold]
#[inline(never)]
pub fn raised_if_known(error: &Error) -> Raised {
    raise_if_known(error);
    Raised
}

/// How a function raises: by [`raised`] if its callers must hold the GIL, otherwise by [`raised_if_known`].
pub type Raise = fn(&Error) -> Raised;

/// As [`raised`], with this kind and text.
#[cold]
#[inline(never)]
pub fn raised_text(kind: Kind, text: &'static CStr) -> Raised {
    raised(&Error::Fixed(kind, text))
}

/// Maps a result to the return value of an `int` function: 0, or -1 after [`raise`].
#[inline]
pub fn status(result: Result<(), impl Borrow<Error>>) -> c_int {
    match result {
        Ok(()) => 0,
        Err(error) => {
            raise(error.borrow());
            -1
        }
    }
}

/// As [`status`], for an error that was already raised.
#[inline]
pub fn status_of(result: Result<(), Raised>) -> c_int {
    if result.is_ok() { 0 } else { -1 }
}

/// As [`status`], but raises by [`raise_if_known`].
#[inline]
pub fn status_if_known(result: Result<(), impl Borrow<Error>>) -> c_int {
    match result {
        Ok(()) => 0,
        Err(error) => {
            raise_if_known(error.borrow());
            -1
        }
    }
}

//! Whose objects these are: CPython's, or the library's own.
//!
//! `Runtime` is the table of what the library asks of an object world: where an object's type and
//! the type's slots lie, one more or one fewer reference, an error raised. `cpython` fills it from
//! the libpython of this process, `standalone` fills it by itself. Nothing else in the library knows
//! how an object is laid out.
//!
//! "Hosted" is final once found. "Standalone" is not remembered until an object or an error of that
//! world exists, as a libpython may yet be loaded; from then on it is final too.

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

/// What a program has called when memory that it lent is free again.
pub type Destructor = unsafe extern "C" fn(*mut c_void);

/// An object world.
pub struct Runtime {
    /// Where an object's type and a type's slots lie.
    layout: ObjectLayout,
    incref: unsafe extern "C" fn(*mut PyObject),
    decref: unsafe extern "C" fn(*mut PyObject),
    /// Whether references may be taken away in place.
    counts_are_plain: bool,
    /// The libpython, if this is a hosted world.
    host: Option<Host>,
    /// What `pybuffer_runtime` says.
    description: Text,
    /// How this world makes memoryviews.
    memoryviews: Memoryviews,
}

// SAFETY: a table of addresses that do not change once it is filled.
unsafe impl Sync for Runtime {}

/// An error was to be set, and no exception was given.
const NO_EXCEPTION: Error =
    Error::Fixed(Kind::System, c"an error was set with something that is no exception");

/// The world once it is final; null until then.
static CURRENT: AtomicPtr<Runtime> = AtomicPtr::new(ptr::null_mut());
/// The same, if its objects have the plain layout.
static PLAIN: AtomicPtr<Runtime> = AtomicPtr::new(ptr::null_mut());
/// The same, if besides their references are counted in place.
static COUNTED: AtomicPtr<Runtime> = AtomicPtr::new(ptr::null_mut());
/// Whether `audit` is to be told of every view.
static WATCHED: AtomicBool = AtomicBool::new(false);

/// The world as of now, to be asked something.
#[inline]
pub fn current() -> &'static Runtime {
    settled().unwrap_or_else(look)
}

/// The world for good, as an object of it is at hand.
#[inline]
pub fn for_objects() -> &'static Runtime {
    settled().unwrap_or_else(settle_with_object)
}

/// The world for good, as an error of it is raised or an object of its made.
pub fn for_good() -> &'static Runtime {
    settled().unwrap_or_else(|| settle(look()))
}

/// An object came along before anything told whose it is. The library's own would have come from
/// `PyObject_New` or have a type that went through `PyType_Ready`, which settle the world; so if there is
/// a libpython that the dynamic linker keeps to itself (`RTLD_LOCAL`), the object is that one's.
#[cold]
#[inline(never)]
fn settle_with_object() -> &'static Runtime {
    settle(cpython::find().or_else(cpython::find_private).unwrap_or(&standalone::RUNTIME))
}

/// The world as far as can be seen now. One with a libpython is final.
#[cold]
fn look() -> &'static Runtime {
    cpython::find().map_or(&standalone::RUNTIME, settle)
}

#[inline]
fn settled() -> Option<&'static Runtime> {
    // SAFETY: null, or a table that is never changed or freed after it was stored.
    unsafe { CURRENT.load(Ordering::Acquire).as_ref() }
}

/// Whether the views of this process are watched. Then `settled_plain` and `settled_counted` have no answer,
/// so the hot paths need not ask.
#[inline]
pub fn is_watched() -> bool {
    WATCHED.load(Ordering::Relaxed)
}

/// The world if it is final already, its objects have the plain layout, as in most builds of CPython, and
/// nobody watches: what the hot paths ask, to leave the rest to others. The layout's offsets are constants there, which
/// saves `PyObject_GetBuffer` and `PyBuffer_Release` two loads each (0.5 ns of 9; Xeon, `calls`).
#[inline]
pub fn settled_plain() -> Option<&'static Runtime> {
    // SAFETY: as for `settled`.
    unsafe { PLAIN.load(Ordering::Acquire).as_ref() }
}

/// As [`settled_plain`], if besides references may be taken away by [`Runtime::lower`].
#[inline]
pub fn settled_counted() -> Option<&'static Runtime> {
    // SAFETY: as for `settled`.
    unsafe { COUNTED.load(Ordering::Acquire).as_ref() }
}

/// Makes `runtime` the world, unless another one is already; answers which it is.
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
    // Where a libpython is not served, the fast paths are closed, and the others ask for its functions.
    let is_fast = !is_watched() && !unserved::is_here();
    if settled.layout.is_plain() && is_fast {
        PLAIN.store(ptr::from_ref(settled).cast_mut(), Ordering::Release);
    }
    if settled.counts_are_plain && is_fast {
        COUNTED.store(ptr::from_ref(settled).cast_mut(), Ordering::Release);
    }
    settled
}

/// Makes the libpython behind a handle from `dlopen` the world; whether it is.
///
/// # Safety
/// `handle` came from `dlopen` and stays open.
pub unsafe fn attach(handle: *mut c_void) -> bool {
    if let Some(settled) = settled() {
        return settled.is_hosted();
    }
    // SAFETY: the caller's promise is the callee's.
    unsafe { cpython::find_in(handle) }.is_some_and(|found| settle(found).is_hosted())
}

impl Runtime {
    /// Whether the objects are CPython's.
    pub fn is_hosted(&self) -> bool {
        self.host.is_some()
    }

    /// "standalone", or "CPython" and what it says of its version.
    pub fn description(&self) -> &CStr {
        self.description.as_c_str()
    }

    /// Whether a request of exactly `PyBUF_READ` or `PyBUF_WRITE` is an error: since 3.13.
    #[cold]
    #[inline(never)]
    pub fn refuses_access_modes(&self) -> bool {
        self.host.as_ref().is_none_or(|host| host.version() >= (3, 13))
    }

    /// Where a function of the host's own is, if this is a hosted world.
    pub fn host_function(&self) -> Option<*const c_void> {
        self.host.as_ref().map(|host| host.incref() as *const c_void)
    }

    /// Whether an error of this thread would be seen: there is a thread state to keep it in. For those whose
    /// callers hold the GIL.
    pub fn can_raise(&self) -> bool {
        self.host.as_ref().is_none_or(Host::is_attached)
    }

    /// The type of an object.
    ///
    /// # Safety
    /// `obj` is an object of this world.
    pub unsafe fn type_of(&self, obj: *mut PyObject) -> *const PyTypeObject {
        // SAFETY: the caller's promise is the callee's.
        unsafe { self.layout.type_of(obj) }
    }

    /// Where this world's objects have their types.
    pub fn layout(&self) -> ObjectLayout {
        self.layout
    }

    /// The name of an object's type.
    ///
    /// # Safety
    /// `obj` is an object; the name lives as long as its type.
    pub unsafe fn type_name_of(&self, obj: *mut PyObject) -> *const c_char {
        // SAFETY: the caller's promise is the callee's.
        let r#type = unsafe { self.type_of(obj) };
        // SAFETY: as above.
        unsafe { self.layout.name_of(r#type) }
    }

    /// Whether an object is a memoryview.
    ///
    /// # Safety
    /// `obj` is an object.
    #[cold]
    #[inline(never)]
    pub unsafe fn is_memoryview(&self, obj: *mut PyObject) -> bool {
        // SAFETY: the caller's promise is the callee's.
        let r#type = unsafe { self.type_of(obj) };
        self.memoryviews.r#type.cast_const() == r#type
    }

    /// One more reference.
    ///
    /// # Safety
    /// `obj` is an object of this world that the thread may use.
    #[inline]
    pub unsafe fn incref(&self, obj: *mut PyObject) {
        // SAFETY: the caller's promise is the callee's.
        unsafe { (self.incref)(obj) };
    }

    /// One fewer reference; the last one frees the object.
    ///
    /// # Safety
    /// `obj` is an object of this world that the thread may use; the reference is the caller's own.
    #[inline]
    pub unsafe fn decref(&self, obj: *mut PyObject) {
        // SAFETY: the caller's promise is the callee's.
        unsafe { (self.decref)(obj) };
    }

    /// As [`decref`](Self::decref), in place where nothing is decided by it.
    ///
    /// # Safety
    /// As for `decref`; this is the world that [`settled_counted`] answered.
    #[inline]
    pub unsafe fn lower(&self, obj: *mut PyObject) {
        // SAFETY: the caller's promise is the callee's.
        if !unsafe { counts::lower(obj) } {
            // SAFETY: as above.
            unsafe { self.decref_special(obj) };
        }
    }

    /// # Safety
    /// As for [`decref`](Self::decref).
    #[cold]
    #[inline(never)]
    unsafe fn decref_special(&self, obj: *mut PyObject) {
        // SAFETY: the caller's promise is the callee's.
        unsafe { self.decref(obj) };
    }

    /// The size of an item whose format not every CPython accepts.
    pub fn size_from_format(&self, format: &CStr) -> Result<isize, Error> {
        match &self.host {
            Some(host) => host.size_from_format(format),
            None => standalone::size_from_format(format),
        }
    }

    /// The exception with Python's name for it (`"ValueError"`, `"struct.error"`), borrowed; null if
    /// there is none.
    pub fn exception(&self, name: &CStr) -> *mut PyObject {
        match &self.host {
            Some(host) => host.exception(name),
            None => standalone::exceptions::by_name(name),
        }
    }

    /// Sets an error with a text, in place of any other.
    ///
    /// # Safety
    /// `exception` is an exception of this world.
    pub unsafe fn set_error(&self, exception: *mut PyObject, text: &CStr) {
        match &self.host {
            Some(host) if exception.is_null() => host.raise(&NO_EXCEPTION),
            // SAFETY: the caller's promise is the callee's.
            Some(host) => unsafe { host.set_error(exception, text) },
            None => standalone::errors::set(exception, text),
        }
    }

    /// This thread's error, as the exception that was set, borrowed; null if there is none.
    pub fn error(&self) -> *mut PyObject {
        match &self.host {
            Some(host) => host.error(),
            None => standalone::errors::occurred(),
        }
    }

    /// Whether this thread's error is `exception` or derived from it.
    ///
    /// # Safety
    /// `exception` is null or an exception of this world.
    pub unsafe fn error_matches(&self, exception: *mut PyObject) -> bool {
        match &self.host {
            // SAFETY: the caller's promise is the callee's.
            Some(host) => unsafe { host.error_matches(exception) },
            // SAFETY: as above.
            None => unsafe { standalone::exceptions::is_a(self.error(), exception) },
        }
    }

    /// The name of an exception's class.
    ///
    /// # Safety
    /// `exception` is an exception of this world, and lives as long as its name is used.
    pub unsafe fn exception_name(&self, exception: *mut PyObject) -> &'static CStr {
        // SAFETY: an exception is a type, or has one's head up to its name (caller).
        let name = unsafe { self.layout.name_of(exception.cast()) };
        // SAFETY: a type's name.
        unsafe { CStr::from_ptr(name) }
    }

    /// The number of references to an object; `None` if it cannot be had. Only its changes tell anything.
    ///
    /// # Safety
    /// `obj` is an object of this world that the thread may use, and no error is pending.
    pub unsafe fn references(&self, obj: *mut PyObject) -> Option<isize> {
        match &self.host {
            // SAFETY: the caller's promise is the callee's.
            Some(host) => unsafe { host.references(obj) },
            // SAFETY: as above.
            None => Some(unsafe { standalone::objects::count(obj) }),
        }
    }

    /// The text of this thread's error: null if there is none, or if it is CPython's to tell.
    pub fn error_text(&self) -> *const c_char {
        match &self.host {
            Some(_) => ptr::null(),
            None => standalone::errors::text(),
        }
    }

    /// Hands out the text of this thread's error, which stays; an empty one if it cannot be had.
    ///
    /// In a CPython that may run Python code, so that anything can have happened to objects when it is done.
    pub fn with_error_text(&self, tell: impl FnOnce(&CStr)) {
        if let Some(host) = &self.host {
            return host.with_error_text(tell);
        }
        let text = standalone::errors::text();
        // SAFETY: a C string, good until the next error.
        tell(if text.is_null() { c"" } else { unsafe { CStr::from_ptr(text) } });
    }

    /// Whether an exporter is an object of a Python class with `__buffer__`.
    ///
    /// # Safety
    /// An object of this world whose type has this slot; no error is pending.
    pub unsafe fn is_python_exporter(&self, obj: *mut PyObject, slot: getbufferproc) -> bool {
        let slot = slot as *const c_void;
        // SAFETY: the caller's promise is the callee's.
        self.host
            .as_ref()
            .is_some_and(|host| unsafe { host.is_python_exporter(self.layout, obj, slot) })
    }

    /// Raises an error with the pending one as its cause, if there is one and this world can; whether it did.
    pub fn raise_from_pending(&self, kind: Kind, text: &Text) -> bool {
        self.host.as_ref().is_some_and(|host| host.raise_from_pending(kind, text.as_c_str()))
    }

    /// Forgets this thread's error.
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

/// Turns a fault into this thread's error, for functions whose callers hold the GIL. Where CPython has no
/// thread state to keep it in (before Py_Initialize, after Py_Finalize, and from 3.12 on without the GIL)
/// nothing is set: the return value alone tells.
#[cold]
pub fn raise(error: &Error) {
    for_good().raise(error);
}

/// As [`raise`], for functions that may be called without the GIL: nothing is set either where CPython does
/// not know that this thread holds it.
#[cold]
#[inline(never)]
pub fn raise_if_known(error: &Error) {
    let runtime = for_good();
    if runtime.host.as_ref().is_none_or(Host::is_known_to_be_attached) {
        runtime.raise(error);
    }
}

/// As [`raise`], for those who hand on no more than that it was done.
#[cold]
#[inline(never)]
pub fn raised(error: &Error) -> Raised {
    raise(error);
    Raised
}

/// As [`raised`], by [`raise_if_known`].
#[cold]
#[inline(never)]
pub fn raised_if_known(error: &Error) -> Raised {
    raise_if_known(error);
    Raised
}

/// Whether the callers of a function hold the GIL: [`raised`] or [`raised_if_known`].
pub type Raise = fn(&Error) -> Raised;

/// As [`raised`], with a text of its own.
#[cold]
#[inline(never)]
pub fn raised_text(kind: Kind, text: &'static CStr) -> Raised {
    raised(&Error::Fixed(kind, text))
}

/// The one mapping of results to `int` functions: 0, or -1 with an error raised by [`raise`].
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

/// As [`status`], where the error was raised already.
#[inline]
pub fn status_of(result: Result<(), Raised>) -> c_int {
    if result.is_ok() { 0 } else { -1 }
}

/// As [`status`], by [`raise_if_known`].
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

//! The object world of the process: CPython's objects, or the library's own.
//!
//! `Runtime` is the table of what the library needs from an object world: the layout of objects and
//! types, changes of reference counts, memoryviews. `cpython` fills it from the libpython of the process (a
//! hosted world); `standalone` has one of its own. `world` declares the operations that each world implements.
//! Nothing else in the library knows how an object is laid out.
//!
//! `settle` decides which of the two the process has, and `raise` sets its errors.

pub mod copies;
mod counts;
pub mod cpython;
mod images;
pub mod layout;
pub mod memoryviews;
mod raise;
mod settle;
pub mod standalone;
pub mod views;
pub mod watch;
pub mod world;

use core::ffi::{CStr, c_char, c_void};

use crate::abi::{PyObject, PyTypeObject};
use crate::error::Text;
use cpython::Host;
pub use cpython::{locate, unserved};
pub use images::extent;
use layout::ObjectLayout;
use memoryviews::Memoryviews;
pub use raise::{
    Raise, raise, raise_if_known, raised, raised_as, raised_by, raised_if_known, raised_text,
    status, status_if_known, status_of,
};
pub use settle::{
    attach, current, for_good, for_objects, is_watched, settled_counted, settled_plain,
};
pub use world::Life;

/// A program's function that is called when a memoryview no longer needs the memory that the program provided.
pub type Destructor = unsafe extern "C" fn(*mut c_void);

/// A function that returns the attached thread state.
type ThreadState = unsafe extern "C" fn() -> *mut c_void;

/// An object world.
pub struct Runtime {
    /// The offsets of an object's type and of a type's slots.
    layout: ObjectLayout,
    incref: unsafe extern "C" fn(*mut PyObject),
    decref: unsafe extern "C" fn(*mut PyObject),
    /// Whether a reference may be dropped by decrementing the count in place (`counts`).
    counts_are_plain: bool,
    /// Returns the thread state that is attached, null if none is. `None` in a world without thread states.
    thread_state: Option<ThreadState>,
    /// The libpython, if this is a hosted world.
    host: Option<&'static Host>,
    /// The text that `pybuffer_runtime` returns.
    description: Text,
    /// How this world makes memoryviews.
    memoryviews: Memoryviews,
}

// SAFETY: the table is never changed after it is filled.
unsafe impl Sync for Runtime {}

impl Runtime {
    /// Whether the objects are CPython's.
    pub fn is_hosted(&self) -> bool {
        self.host.is_some()
    }

    /// "standalone", or "CPython" and its version text.
    pub fn description(&self) -> &CStr {
        self.description.as_c_str()
    }

    /// Whether this thread can make objects and have an error set, that is, whether a thread state is attached. Since
    /// CPython 3.12 it is this thread's own. Before, it is that of whichever thread holds the GIL, so that the result is
    /// right only in functions whose callers must hold the GIL.
    #[inline]
    pub fn is_attached(&self) -> bool {
        // SAFETY: it has no arguments and may be called at any time, by any thread.
        self.thread_state.is_none_or(|get| !unsafe { get() }.is_null())
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
}

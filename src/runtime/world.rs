//! What the library asks of an object world: the operations, each declared once.
//!
//! `cpython` and `standalone` each implement all of them. What every call reads (the layout of objects, the functions
//! that count references) is in [`Runtime`] itself.

use core::ffi::{CStr, c_char, c_int, c_void};

use super::{Destructor, Runtime};
use crate::abi::{PyObject, getbufferproc};
use crate::error::{Error, Kind, Raised, Text};

/// The life of an object world in which an object was made: an interpreter can be finalised and initialised again.
#[derive(Clone, Copy)]
pub struct Life(pub usize);

/// A Python frame.
pub struct Frame<'a> {
    /// The name of its file, in UTF-8.
    pub file: &'a [u8],
    /// The name of its function, in UTF-8; qualified from CPython 3.11 on.
    pub function: &'a [u8],
    /// The line; 0 if it has none.
    pub line: c_int,
    /// The position of the instruction in the function's code; 0 if it cannot be determined.
    pub instruction: c_int,
}

/// The world of a process without Python; `standalone` implements its operations.
pub struct Standalone;

/// Declares the operations as a trait, which both worlds implement, and as methods of [`Runtime`], which call those of
/// the world that the process has. This is a match and not a table of functions: the linker drops the operations that an
/// extension does not use (D-47).
macro_rules! operations {
    ($($(#[$attribute:meta])* $([$unsafe:tt])? fn $name:ident(
        &self $(, $argument:ident: $type:ty)* $(,)?
    ) $(-> $result:ty)?;)+) => {
        /// The operations of an object world.
        pub trait World {
            $($(#[$attribute])* $($unsafe)? fn $name(&self $(, $argument: $type)*) $(-> $result)?;)+
        }

        impl Runtime {
            $(
                $(#[$attribute])*
                pub $($unsafe)? fn $name(&self $(, $argument: $type)*) $(-> $result)? {
                    match self.host {
                        // SAFETY: the same operation (caller: all that it lists).
                        Some(host) => $($unsafe)? { World::$name(host $(, $argument)*) },
                        // SAFETY: as above.
                        None => $($unsafe)? { World::$name(&Standalone $(, $argument)*) },
                    }
                }
            )+
        }
    };
}

operations! {
    /// The address of a function of the libpython; `None` in a world without one.
    fn host_function(&self) -> Option<*const c_void>;

    /// Whether a request whose flags are exactly `PyBUF_READ` or `PyBUF_WRITE` is an error: since CPython 3.13.
    fn refuses_access_modes(&self) -> bool;

    /// The size of an item whose format only some CPythons accept: this world's rules decide.
    fn size_from_format(&self, format: &CStr) -> Result<isize, Error>;

    /// As [`is_attached`](Runtime::is_attached), for functions whose callers need not hold the GIL: false
    /// unless this thread is known to hold it.
    fn is_known_to_be_attached(&self) -> bool;

    /// Raises an error of the library's own; does nothing if no thread state is attached.
    fn raise(&self, error: &Error);

    /// Raises an error whose cause is the pending one. Returns whether it did: not if none is pending or the world
    /// has no causes.
    fn raise_from_pending(&self, kind: Kind, text: &Text) -> bool;

    /// Sets this thread's error, in place of a pending one.
    ///
    /// # Safety
    /// * EXCEPTION: `exception` is null or an object of this world that the thread may use.
    [unsafe] fn set_error(&self, exception: *mut PyObject, text: &CStr);

    /// Clears this thread's error.
    fn clear_error(&self);

    /// The exception class of this thread's error, borrowed; null if no error is set.
    fn error(&self) -> *mut PyObject;

    /// Whether this thread's error is `exception` or derived from it.
    ///
    /// # Safety
    /// * EXCEPTION: `exception` is null or an exception of this world.
    [unsafe] fn error_matches(&self, exception: *mut PyObject) -> bool;

    /// The text of this thread's error: null if no error is set, and always null in a CPython.
    fn error_text(&self) -> *const c_char;

    /// Calls `tell` with the text of this thread's error, which stays set; with an empty text if there is none or
    /// it cannot be determined.
    ///
    /// In a CPython this may run Python code, which may change any object.
    fn with_error_text(&self, tell: &mut dyn FnMut(&CStr));

    /// The exception of this Python name (`"ValueError"`, `"struct.error"`), borrowed; null if there is
    /// none.
    fn exception(&self, name: &CStr) -> *mut PyObject;

    /// The number of references to an object; `None` if it cannot be determined. Only differences between two
    /// counts mean anything.
    ///
    /// # Safety
    /// * OBJECT: `obj` is an object of this world that the thread may use.
    /// * CLEAR: no error is pending.
    [unsafe] fn references(&self, obj: *mut PyObject) -> Option<isize>;

    /// Whether an exporter's class implements `__buffer__` in Python.
    ///
    /// # Safety
    /// * OBJECT: `obj` is an object of this world that the thread may use, and `slot` its type's `bf_getbuffer`.
    /// * CLEAR: no error is pending.
    [unsafe] fn is_python_exporter(&self, obj: *mut PyObject, slot: getbufferproc) -> bool;

    /// A new object that owns a reference to `owner` and has no `bf_releasebuffer`; null with an error raised if it
    /// cannot be made.
    ///
    /// # Safety
    /// * OWNER: `owner` is an object of this world that the thread may use.
    /// * STATE: a thread state is attached.
    [unsafe] fn hold(&self, owner: *mut PyObject) -> *mut PyObject;

    /// A new object that calls `destructor(context)` when it is destroyed; null with an error raised if it cannot be
    /// made.
    ///
    /// # Safety
    /// * STATE: a thread state is attached.
    /// * DESTRUCTOR: `destructor` may be called with `context` from any thread.
    [unsafe] fn guard(&self, destructor: Destructor, context: *mut c_void) -> *mut PyObject;

    /// Destroys an object that [`guard`](Self::guard) made, without calling its destructor.
    ///
    /// # Safety
    /// * GUARD: `guard` made it, and the caller has the only reference, which it gives up.
    /// * STATE: a thread state is attached.
    [unsafe] fn drop_idle_guard(&self, guard: *mut PyObject);

    /// Releases a memoryview, as its method `release` does; `Err` with an error raised if it cannot be released.
    ///
    /// # Safety
    /// * MEMORYVIEW: it is a memoryview of this world to which the caller has a reference.
    /// * STATE: a thread state is attached.
    [unsafe] fn release_memoryview(&self, memoryview: *mut PyObject) -> Result<(), Raised>;

    /// Calls `tell` with the `most` innermost Python frames of this thread, the innermost first. It runs no Python code,
    /// and leaves a pending error as it is. `tell` must not use objects.
    ///
    /// # Safety
    /// * STATE: the thread may use objects of this world, if a thread state is attached.
    [unsafe] fn frames(&self, most: usize, tell: &mut dyn FnMut(&Frame));

    /// The present life; `None` in a subinterpreter, whose objects cannot be dropped by any thread. `Err` if no thread
    /// state is attached.
    fn life(&self) -> Result<Option<Life>, Raised>;

    /// Calls `run`, which may drop references of this life, where no error is pending; any thread may call this, with
    /// and without the GIL. Does nothing, and returns false, if that life has ended or is ending in another thread.
    fn anywhere(&self, life: Life, run: &mut dyn FnMut()) -> bool;
}

//! The operations of the host's world, by its own functions.

use core::ffi::{CStr, c_char, c_void};
use core::ptr;

use super::dynamic;
use super::host::{Host, raised_if_null};
use super::memoryviews::{GUARD, end_guard};
use crate::abi::{PyObject, getbufferproc};
use crate::error::{Error, Kind, Raised, Text};
use crate::runtime::Destructor;
use crate::runtime::memoryviews::missing;
use crate::runtime::world::{Frame, Life, World};

impl World for Host {
    fn host_function(&self) -> Option<*const c_void> {
        Some(self.incref as *const c_void)
    }

    fn refuses_access_modes(&self) -> bool {
        self.version >= (3, 13)
    }

    fn size_from_format(&self, format: &CStr) -> Result<isize, Error> {
        let Some(from_string) = self.symbols.PyUnicode_FromString.filter(|_| self.is_attached())
        else {
            return Err(Error::Raised);
        };
        // SAFETY: a thread state is attached, and `format` is a C string.
        let argument = raised_if_null(unsafe { from_string(format.as_ptr()) })?;
        // SAFETY: as above; the argument is an object.
        let size = unsafe { self.number_from(c"struct", c"calcsize", argument) };
        // SAFETY: the new reference that `from_string` returned.
        unsafe { (self.decref)(argument) };
        size
    }

    // Before 3.12 `PyGILState_Check` knows only one thread state for each thread. It returns 0 for a thread that holds
    // the GIL with another one (by `PyThreadState_New` and `PyEval_AcquireThread` or `PyThreadState_Swap`), and 1 for
    // every thread once a subinterpreter was made.
    #[inline(never)]
    fn is_known_to_be_attached(&self) -> bool {
        self.is_attached()
            && (self.version >= (3, 12)
                // SAFETY: a thread state is attached, so an interpreter is running.
                || self.symbols.PyGILState_Check.is_some_and(|has| unsafe { has() } != 0))
    }

    #[inline(never)]
    fn raise(&self, error: &Error) {
        if !self.is_attached() {
            return;
        }
        let set = |kind, text: &CStr| {
            // SAFETY: null, or one of the host's own exceptions.
            unsafe { self.set(self.exception_of(kind), text) };
        };
        match error {
            Error::Raised => {}
            Error::NullArgument => {
                if self.error().is_null() {
                    set(Kind::System, Error::NULL_ARGUMENT);
                }
            }
            Error::NoMemory => {
                if let Some(no_memory) = self.symbols.PyErr_NoMemory {
                    // SAFETY: a thread state is attached.
                    unsafe { no_memory() };
                }
            }
            Error::Fixed(kind, text) => set(*kind, text),
            Error::Text(kind, text) => set(*kind, text.as_c_str()),
            Error::TypeName(template, name) => {
                if let Some(format) = self.symbols.PyErr_Format {
                    let exception = self.exception_of(Kind::Type);
                    // SAFETY: the template takes one C string, and the name is one.
                    unsafe { format(exception, template.as_ptr(), *name) };
                }
            }
        }
    }

    fn raise_from_pending(&self, kind: Kind, text: &Text) -> bool {
        match self.symbols._PyErr_FormatFromCause {
            Some(raise) if !self.error().is_null() => {
                // SAFETY: an error is pending, so a thread state is attached; the template takes one C string.
                unsafe { raise(self.exception_of(kind), c"%s".as_ptr(), text.as_c_str().as_ptr()) };
                true
            }
            _ => false,
        }
    }

    unsafe fn set_error(&self, exception: *mut PyObject, text: &CStr) {
        if exception.is_null() {
            let text = c"an error was set with something that is no exception";
            // SAFETY: one of the host's own exceptions.
            return unsafe { self.set(self.exception_of(Kind::System), text) };
        }
        // SAFETY: an object of the host's (caller: EXCEPTION).
        unsafe { self.set(exception, text) };
    }

    fn clear_error(&self) {
        if let Some(clear) = self.symbols.PyErr_Clear.filter(|_| self.is_attached()) {
            // SAFETY: a thread state is attached.
            unsafe { clear() };
        }
    }

    fn error(&self) -> *mut PyObject {
        match self.symbols.PyErr_Occurred {
            // SAFETY: a thread state is attached.
            Some(occurred) if self.is_attached() => unsafe { occurred() },
            _ => ptr::null_mut(),
        }
    }

    unsafe fn error_matches(&self, exception: *mut PyObject) -> bool {
        match self.symbols.PyErr_ExceptionMatches {
            Some(matches) if self.is_attached() && !exception.is_null() => {
                // SAFETY: an exception of this host (caller: EXCEPTION), and a thread state is attached.
                unsafe { matches(exception) != 0 }
            }
            _ => false,
        }
    }

    fn error_text(&self) -> *const c_char {
        ptr::null()
    }

    // The error is normalised: its exception object may be made only now. The exception's class may run Python code; an
    // error that this raises is cleared.
    fn with_error_text(&self, tell: &mut dyn FnMut(&CStr)) {
        let symbols = &self.symbols;
        let (Some(fetch), Some(normalize), Some(restore)) =
            (symbols.PyErr_Fetch, symbols.PyErr_NormalizeException, symbols.PyErr_Restore)
        else {
            return tell(c"");
        };
        if !self.is_attached() {
            return tell(c"");
        }
        let [mut kind, mut value, mut traceback] = [ptr::null_mut(); 3];
        // SAFETY: a thread state is attached; three variables of ours.
        unsafe { fetch(&raw mut kind, &raw mut value, &raw mut traceback) };
        // SAFETY: as above; they hold what `fetch` returned.
        unsafe { normalize(&raw mut kind, &raw mut value, &raw mut traceback) };
        // SAFETY: a thread state is attached; null, or an object to which we have a reference.
        unsafe { self.with_text_of(value, tell) };
        // An error that these calls left.
        self.clear_error();
        // SAFETY: the three references that `fetch` returned.
        unsafe { restore(kind, value, traceback) };
    }

    fn exception(&self, name: &CStr) -> *mut PyObject {
        Kind::by_name(name).map_or(ptr::null_mut(), |kind| self.exception_of(kind))
    }

    // `sys.getrefcount` is right in every build.
    unsafe fn references(&self, obj: *mut PyObject) -> Option<isize> {
        if !self.is_attached() {
            return None;
        }
        // SAFETY: a thread state is attached, and this is an object (caller: OBJECT).
        let count = unsafe { self.number_from(c"sys", c"getrefcount", obj) };
        if count.is_err() {
            self.clear_error();
        }
        count.ok()
    }

    // That is so if the slot is CPython's own function (3.12 and later), and the class's `__buffer__` does not just wrap
    // a slot function (`wrapper_descriptor`).
    unsafe fn is_python_exporter(&self, obj: *mut PyObject, slot: getbufferproc) -> bool {
        let base = |address| dynamic::locate(address).map(|info| info.dli_fbase);
        let is_hosts = || base(slot as _).is_some_and(|of| Some(of) == base(self.incref as _));
        let Some(getattr) = self.symbols.PyObject_GetAttrString else { return false };
        if self.version < (3, 12) || !self.is_attached() || !is_hosts() {
            return false;
        }
        // SAFETY: an object of the host's (caller: OBJECT), whose layout this is.
        let r#type = unsafe { self.layout.type_of(obj) }.cast_mut();
        // SAFETY: an object, and a C string; a thread state is attached.
        let method = unsafe { getattr(r#type.cast(), c"__buffer__".as_ptr()) };
        if method.is_null() {
            self.clear_error();
            return false;
        }
        // SAFETY: the object that `getattr` returned.
        let its_type = unsafe { self.layout.type_of(method) };
        // SAFETY: its type.
        let name = unsafe { self.layout.name_of(its_type) };
        // SAFETY: a type's name is a C string.
        let is_of_slot = unsafe { CStr::from_ptr(name) } == c"wrapper_descriptor";
        // SAFETY: the new reference that `getattr` returned.
        unsafe { (self.decref)(method) };
        !is_of_slot
    }

    // A tuple that contains `owner`; the garbage collector traverses it. The owner itself must not be the managed
    // buffer's object: CPython would call its `bf_releasebuffer` with a view that it never filled.
    unsafe fn hold(&self, owner: *mut PyObject) -> *mut PyObject {
        let Some(pack) = self.symbols.PyTuple_Pack else {
            missing();
            return ptr::null_mut();
        };
        // SAFETY: a tuple of one object (caller: OWNER, STATE).
        unsafe { pack(1, owner) }
    }

    // A capsule.
    unsafe fn guard(&self, destructor: Destructor, context: *mut c_void) -> *mut PyObject {
        let (Some(new), Some(set_context)) =
            (self.symbols.PyCapsule_New, self.symbols.PyCapsule_SetContext)
        else {
            missing();
            return ptr::null_mut();
        };
        // SAFETY: a pointer that is not null, and a static name (caller: STATE).
        let capsule = unsafe { new(destructor as *mut c_void, GUARD.as_ptr(), Some(end_guard)) };
        if !capsule.is_null() {
            // SAFETY: a new capsule, for which this cannot fail.
            unsafe { set_context(capsule, context) };
        }
        capsule
    }

    unsafe fn drop_idle_guard(&self, guard: *mut PyObject) {
        if let Some(set_context) = self.symbols.PyCapsule_SetContext {
            // The capsule's own address marks it: no program can have passed that as the context.
            // SAFETY: a capsule (caller: GUARD), for which this cannot fail.
            unsafe { set_context(guard, guard.cast()) };
        }
        // SAFETY: the caller's reference (caller: GUARD, STATE).
        unsafe { (self.decref)(guard) };
    }

    unsafe fn release_memoryview(&self, memoryview: *mut PyObject) -> Result<(), Raised> {
        let Some(call) = self.symbols.PyObject_CallMethod else { return Err(missing()) };
        // SAFETY: an object (caller: MEMORYVIEW, STATE), a method's name, and no arguments.
        let none = unsafe { call(memoryview, c"release".as_ptr(), ptr::null()) };
        if none.is_null() {
            return Err(Raised);
        }
        // SAFETY: the new reference that the call returned.
        unsafe { (self.decref)(none) };
        Ok(())
    }

    unsafe fn frames(&self, most: usize, tell: &mut dyn FnMut(&Frame)) {
        // SAFETY: the thread may use objects (caller: STATE).
        unsafe { self.frames_of_thread(most, tell) };
    }

    fn life(&self) -> Result<Option<Life>, Raised> {
        if self.is_attached() { Ok(self.life_of_main().map(Life)) } else { Err(Raised) }
    }

    fn anywhere(&self, life: Life, run: &mut dyn FnMut()) -> bool {
        self.in_main(life.0, run)
    }
}

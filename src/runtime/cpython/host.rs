//! Calls of the host's functions: errors, exceptions, and formats by its `struct` module.

use core::ffi::{CStr, c_void};
use core::fmt::Write;
use core::ptr;

use super::symbols::{ExceptionVariable, Symbols};
use super::version;
use crate::abi::{PyObject, PyTypeObject};
use crate::error::{Error, Kind, Text};

/// A CPython in this process.
pub struct Host {
    symbols: Symbols,
    version: (u32, u32),
    incref: unsafe extern "C" fn(*mut PyObject),
    decref: unsafe extern "C" fn(*mut PyObject),
    type_type: &'static PyTypeObject,
    memoryview_type: &'static PyTypeObject,
}

impl Host {
    /// `None` if a name is missing that every CPython has, or the version text is not understood.
    pub fn new(symbols: Symbols) -> Option<Self> {
        let mut host = Self {
            symbols,
            version: (0, 0),
            incref: symbols.Py_IncRef?,
            decref: symbols.Py_DecRef?,
            type_type: symbols.PyType_Type?,
            memoryview_type: symbols.PyMemoryView_Type?,
        };
        host.version = version::parse(version::text(&host.symbols)?)?;
        Some(host)
    }

    /// "CPython 3.13.0 (main, ...) [GCC ...]".
    pub fn description(&self) -> Text {
        let mut text = Text::from_ascii("CPython ");
        let version =
            version::text(&self.symbols).and_then(|text| text.to_str().ok()).unwrap_or("");
        for line in version.lines() {
            // In CPython 3.8 and 3.9 a line break follows a space. A text that is too long is cut.
            let _ = text.write_str(line);
        }
        text
    }

    /// Major and minor version.
    pub fn version(&self) -> (u32, u32) {
        self.version
    }

    /// `Py_IncRef`
    pub fn incref(&self) -> unsafe extern "C" fn(*mut PyObject) {
        self.incref
    }

    /// `Py_DecRef`
    pub fn decref(&self) -> unsafe extern "C" fn(*mut PyObject) {
        self.decref
    }

    /// Whether the build also keeps a total of all reference counts (`Py_REF_DEBUG`).
    pub fn debugs_references(&self) -> bool {
        self.symbols._Py_NegativeRefcount.is_some()
    }

    /// `&PyType_Type`
    pub fn type_type(&self) -> *mut PyTypeObject {
        ptr::from_ref(self.type_type).cast_mut()
    }

    /// `&PyMemoryView_Type`
    pub fn memoryview_type(&self) -> *mut PyTypeObject {
        ptr::from_ref(self.memoryview_type).cast_mut()
    }

    /// The names that were found.
    pub fn symbols(&self) -> &Symbols {
        &self.symbols
    }

    /// Whether a thread state is attached: without one, raising would crash. Since 3.12 it is this thread's
    /// own. Before 3.12 it is that of whichever thread holds the GIL, so that the result is right only in
    /// functions whose callers must hold the GIL.
    #[inline(never)]
    pub fn is_attached(&self) -> bool {
        let symbols = &self.symbols;
        // SAFETY: it has no arguments and may be called at any time, by any thread.
        (symbols.PyThreadState_GetUnchecked.or(symbols._PyThreadState_UncheckedGet))
            .is_some_and(|get| !unsafe { get() }.is_null())
    }

    /// As [`is_attached`](Self::is_attached), for functions whose callers need not hold the GIL. Before 3.12
    /// `PyGILState_Check` knows only one thread state for each thread. It returns 0 for a thread that holds the GIL
    /// with another one (by `PyThreadState_New` and `PyEval_AcquireThread` or `PyThreadState_Swap`), and 1 for every
    /// thread once a subinterpreter was made.
    #[inline(never)]
    pub fn is_known_to_be_attached(&self) -> bool {
        self.is_attached()
            && (self.version >= (3, 12)
                // SAFETY: a thread state is attached, so an interpreter is running.
                || self.symbols.PyGILState_Check.is_some_and(|has| unsafe { has() } != 0))
    }

    /// The exception of a kind, borrowed; null before Py_Initialize or if it cannot be determined.
    #[inline(never)]
    fn exception_of(&self, kind: Kind) -> *mut PyObject {
        let symbols = &self.symbols;
        let variable = match kind {
            Kind::Exception => symbols.PyExc_Exception,
            Kind::Arithmetic => symbols.PyExc_ArithmeticError,
            Kind::Attribute => symbols.PyExc_AttributeError,
            Kind::Buffer => symbols.PyExc_BufferError,
            Kind::Index => symbols.PyExc_IndexError,
            Kind::Key => symbols.PyExc_KeyError,
            Kind::Lookup => symbols.PyExc_LookupError,
            Kind::Memory => symbols.PyExc_MemoryError,
            Kind::NotImplemented => symbols.PyExc_NotImplementedError,
            Kind::Os => symbols.PyExc_OSError,
            Kind::Overflow => symbols.PyExc_OverflowError,
            Kind::Runtime => symbols.PyExc_RuntimeError,
            Kind::System => symbols.PyExc_SystemError,
            Kind::Type => symbols.PyExc_TypeError,
            Kind::Value => symbols.PyExc_ValueError,
            Kind::UnicodeDecode => symbols.PyExc_UnicodeDecodeError,
            Kind::Struct => return self.struct_error(),
        };
        // SAFETY: libpython's variable, an aligned pointer; it may be null before Py_Initialize.
        variable.map_or(ptr::null_mut(), |variable: ExceptionVariable| unsafe {
            ptr::from_ref(variable).read_volatile()
        })
    }

    /// `struct.error`, borrowed from its module; null if it cannot be determined. The thread's error stays as it
    /// was.
    fn struct_error(&self) -> *mut PyObject {
        if !self.is_attached() || !self.error().is_null() {
            return ptr::null_mut();
        }
        let error = self.attribute(c"struct", c"error");
        match error {
            Ok(error) => {
                // SAFETY: the new reference that `attribute` returned; the module keeps the exception alive.
                unsafe { (self.decref)(error) };
                error
            }
            Err(_) => {
                self.clear_error();
                ptr::null_mut()
            }
        }
    }

    /// An attribute of a module, as a new reference; `Err` if the host raised an error. A thread state is attached.
    fn attribute(&self, module: &CStr, name: &CStr) -> Result<*mut PyObject, Error> {
        let symbols = &self.symbols;
        let (Some(import), Some(getattr)) =
            (symbols.PyImport_ImportModule, symbols.PyObject_GetAttrString)
        else {
            return Err(Error::Raised);
        };
        // SAFETY: a thread state is attached (callers), and the texts are C strings.
        let module = raised_if_null(unsafe { import(module.as_ptr()) })?;
        // SAFETY: as above; the module is an object.
        let attribute = unsafe { getattr(module, name.as_ptr()) };
        // SAFETY: the new reference that `import` returned.
        unsafe { (self.decref)(module) };
        raised_if_null(attribute)
    }

    /// Calls a module's function that returns a number, which is never negative; `Err` if the host raised an error.
    ///
    /// # Safety
    /// * STATE: a thread state is attached.
    /// * ARGUMENT: `argument` is an object of the host's.
    unsafe fn number_from(
        &self,
        module: &CStr,
        function: &CStr,
        argument: *mut PyObject,
    ) -> Result<isize, Error> {
        let (Some(call), Some(as_ssize_t)) =
            (self.symbols.PyObject_CallFunctionObjArgs, self.symbols.PyLong_AsSsize_t)
        else {
            return Err(Error::Raised);
        };
        let function = self.attribute(module, function)?;
        // SAFETY: two objects (caller: STATE, ARGUMENT), and the null that ends the arguments.
        let result = unsafe { call(function, argument, ptr::null_mut::<c_void>()) };
        // SAFETY: the new reference that `attribute` returned.
        unsafe { (self.decref)(function) };
        let result = raised_if_null(result)?;
        // SAFETY: an object.
        let number = unsafe { as_ssize_t(result) };
        // SAFETY: the new reference that the call returned.
        unsafe { (self.decref)(result) };
        if number < 0 { Err(Error::Raised) } else { Ok(number) }
    }

    /// `struct.calcsize(format)`; `Err` if the host raised an error, or no thread state is attached.
    pub fn size_from_format(&self, format: &CStr) -> Result<isize, Error> {
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

    /// `sys.getrefcount(obj)`, which is right in every build; `None` if it cannot be determined.
    ///
    /// # Safety
    /// * OBJECT: `obj` is an object of the host's.
    /// * CLEAR: no error is pending: one would be cleared.
    pub unsafe fn references(&self, obj: *mut PyObject) -> Option<isize> {
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

    /// The exception of this Python name, borrowed; null for a name that the library does not know.
    pub fn exception(&self, name: &CStr) -> *mut PyObject {
        Kind::by_name(name).map_or(ptr::null_mut(), |kind| self.exception_of(kind))
    }

    /// `PyErr_SetString`; does nothing if no thread state is attached or `exception` is null.
    ///
    /// # Safety
    /// * EXCEPTION: `exception` is null or an object of this host.
    pub unsafe fn set_error(&self, exception: *mut PyObject, text: &CStr) {
        let Some(set_string) = self.symbols.PyErr_SetString else { return };
        if self.is_attached() && !exception.is_null() {
            // SAFETY: an object of this host (caller: EXCEPTION), and a thread state is attached.
            unsafe { set_string(exception, text.as_ptr()) };
        }
    }

    /// Raises an error whose cause is the pending one. Returns whether it did: not if none is pending or this CPython
    /// lacks the function.
    pub fn raise_from_pending(&self, kind: Kind, text: &CStr) -> bool {
        match self.symbols._PyErr_FormatFromCause {
            Some(raise) if !self.error().is_null() => {
                // SAFETY: an error is pending, so a thread state is attached; the template takes one C string.
                unsafe { raise(self.exception_of(kind), c"%s".as_ptr(), text.as_ptr()) };
                true
            }
            _ => false,
        }
    }

    /// `PyErr_Occurred`; null if no thread state is attached.
    pub fn error(&self) -> *mut PyObject {
        match self.symbols.PyErr_Occurred {
            // SAFETY: a thread state is attached.
            Some(occurred) if self.is_attached() => unsafe { occurred() },
            _ => ptr::null_mut(),
        }
    }

    /// `PyErr_ExceptionMatches`; false if no thread state is attached.
    ///
    /// # Safety
    /// * EXCEPTION: `exception` is null or an exception of this host.
    pub unsafe fn error_matches(&self, exception: *mut PyObject) -> bool {
        match self.symbols.PyErr_ExceptionMatches {
            Some(matches) if self.is_attached() && !exception.is_null() => {
                // SAFETY: an exception of this host (caller: EXCEPTION), and a thread state is attached.
                unsafe { matches(exception) != 0 }
            }
            _ => false,
        }
    }

    /// `PyErr_Clear`; does nothing if no thread state is attached.
    pub fn clear_error(&self) {
        if let Some(clear) = self.symbols.PyErr_Clear.filter(|_| self.is_attached()) {
            // SAFETY: a thread state is attached.
            unsafe { clear() };
        }
    }

    /// Calls `run` with no error pending, and sets the pending error again afterwards, as a destructor must. An
    /// error that `run` leaves is reported as unraisable.
    pub fn with_error_aside(&self, run: impl FnOnce()) {
        let symbols = &self.symbols;
        let (Some(fetch), Some(restore), Some(report)) =
            (symbols.PyErr_Fetch, symbols.PyErr_Restore, symbols.PyErr_WriteUnraisable)
        else {
            return run();
        };
        let [mut kind, mut value, mut traceback] = [ptr::null_mut(); 3];
        // SAFETY: an object is being destroyed, so a thread state is attached; three variables of ours.
        unsafe { fetch(&raw mut kind, &raw mut value, &raw mut traceback) };
        run();
        if !self.error().is_null() {
            // SAFETY: a thread state is attached and an error is set; null stands for an unknown context.
            unsafe { report(ptr::null_mut()) };
        }
        // SAFETY: the three references that `fetch` returned.
        unsafe { restore(kind, value, traceback) };
    }

    /// Raises an error by the host's own functions; does nothing if no thread state is attached.
    #[inline(never)]
    pub fn raise(&self, error: &Error) {
        if !self.is_attached() {
            return;
        }
        let set = |kind, text: &CStr| {
            // SAFETY: one of the host's own exceptions.
            unsafe { self.set_error(self.exception_of(kind), text) };
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
}

fn raised_if_null(object: *mut PyObject) -> Result<*mut PyObject, Error> {
    if object.is_null() { Err(Error::Raised) } else { Ok(object) }
}

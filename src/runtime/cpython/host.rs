//! The host, and what its world needs of its functions: exceptions, attributes of modules, texts of objects.

use core::ffi::{CStr, c_void};
use core::ptr;

use super::symbols::{ExceptionVariable, Symbols};
use super::version;
use crate::abi::{PyObject, PyTypeObject};
use crate::error::{Error, Kind, Text};
use crate::runtime::ThreadState;
use crate::runtime::layout::ObjectLayout;
use crate::runtime::world::World;

/// A CPython in this process.
pub struct Host {
    /// The names that were found.
    pub symbols: Symbols,
    /// Major and minor version.
    pub version: (u32, u32),
    pub incref: unsafe extern "C" fn(*mut PyObject),
    pub decref: unsafe extern "C" fn(*mut PyObject),
    pub thread_state: ThreadState,
    memoryview_type: &'static PyTypeObject,
    /// Where the fields of its objects and types are.
    pub layout: ObjectLayout,
}

// SAFETY: it is never changed, and holds addresses of libpython's functions and variables, which stay where they are.
unsafe impl Sync for Host {}

impl Host {
    /// `None` if a name is missing that every CPython has, or the version text or the layout is not understood.
    pub fn new(symbols: Symbols) -> Option<Self> {
        let [type_type, memoryview_type] = [symbols.PyType_Type?, symbols.PyMemoryView_Type?];
        let address = |r#type: &PyTypeObject| ptr::from_ref(r#type).cast_mut();
        Some(Self {
            symbols,
            version: version::parse(version::text(&symbols)?)?,
            incref: symbols.Py_IncRef?,
            decref: symbols.Py_DecRef?,
            thread_state: (symbols.PyThreadState_GetUnchecked)
                .or(symbols._PyThreadState_UncheckedGet)
                .unwrap_or(no_thread_state),
            memoryview_type,
            // SAFETY: type objects of the host's.
            layout: unsafe {
                ObjectLayout::measure(address(memoryview_type), address(type_type), c"memoryview")
            }?,
        })
    }

    /// "CPython 3.13.0 (main, ...) [GCC ...]".
    pub fn description(&self) -> Text {
        let mut text = Text::from_ascii("CPython ");
        let version = version::text(&self.symbols).unwrap_or_default().to_bytes();
        // In CPython 3.8 and 3.9 a line break follows a space.
        for line in version.split(|byte| *byte == b'\n') {
            text.put_foreign(line, false);
        }
        text
    }

    /// Whether the build also keeps a total of all reference counts (`Py_REF_DEBUG`).
    pub fn debugs_references(&self) -> bool {
        self.symbols._Py_NegativeRefcount.is_some()
    }

    /// `&PyMemoryView_Type`
    pub fn memoryview_type(&self) -> *mut PyTypeObject {
        ptr::from_ref(self.memoryview_type).cast_mut()
    }

    /// Whether a thread state is attached: without one, raising would crash.
    #[inline(never)]
    pub fn is_attached(&self) -> bool {
        // SAFETY: it has no arguments and may be called at any time, by any thread.
        !unsafe { (self.thread_state)() }.is_null()
    }

    /// The exception of a kind, borrowed; null before Py_Initialize or if it cannot be determined.
    #[inline(never)]
    pub(super) fn exception_of(&self, kind: Kind) -> *mut PyObject {
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
    #[inline(never)]
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
    #[inline(never)]
    pub(super) unsafe fn number_from(
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

    /// `PyErr_SetString`; does nothing if no thread state is attached or `exception` is null.
    ///
    /// # Safety
    /// * EXCEPTION: `exception` is null or an object of this host.
    pub(super) unsafe fn set(&self, exception: *mut PyObject, text: &CStr) {
        let Some(set_string) = self.symbols.PyErr_SetString else { return };
        if self.is_attached() && !exception.is_null() {
            // SAFETY: an object of this host (caller: EXCEPTION), and a thread state is attached.
            unsafe { set_string(exception, text.as_ptr()) };
        }
    }

    /// Calls `tell` with `str(object)`, or with an empty text if it cannot be determined.
    ///
    /// # Safety
    /// * OBJECT: `object` is null or an object to which the caller has a reference.
    /// * STATE: a thread state is attached.
    pub(super) unsafe fn with_text_of(&self, object: *mut PyObject, tell: &mut dyn FnMut(&CStr)) {
        let symbols = &self.symbols;
        let (Some(to_string), Some(encode), Some(bytes_of)) =
            (symbols.PyObject_Str, symbols.PyUnicode_AsEncodedString, symbols.PyBytes_AsString)
        else {
            return tell(c"");
        };
        let if_object = |object: *mut PyObject| (!object.is_null()).then_some(object);
        // SAFETY: an object (caller: OBJECT, STATE).
        let string = if_object(object).and_then(|object| if_object(unsafe { to_string(object) }));
        let encoded = string.and_then(|string| {
            // Surrogates become question marks.
            // SAFETY: a string, and two C strings (caller: STATE).
            if_object(unsafe { encode(string, c"utf-8".as_ptr(), c"replace".as_ptr()) })
        });
        // SAFETY: a bytes object.
        let text = encoded.map(|encoded| unsafe { bytes_of(encoded) });
        match text.filter(|text| !text.is_null()) {
            // SAFETY: the contents of a bytes object that we own, which end with a NUL.
            Some(text) => tell(unsafe { CStr::from_ptr(text) }),
            None => tell(c""),
        }
        for made in [encoded, string].into_iter().flatten() {
            // SAFETY: a new reference made above.
            unsafe { (self.decref)(made) };
        }
    }

    /// Calls `run` with no error pending, and sets the pending error again afterwards, as a destructor must. An
    /// error that `run` leaves is reported as unraisable.
    #[inline(never)]
    pub fn with_error_aside(&self, run: &mut dyn FnMut()) {
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
}

/// Stands in for a function that returns the thread state, in a libpython that has none.
extern "C" fn no_thread_state() -> *mut c_void {
    ptr::null_mut()
}

/// An object that one of the host's functions returned; `Err` for null, with which they raise an error.
pub(super) fn raised_if_null(object: *mut PyObject) -> Result<*mut PyObject, Error> {
    if object.is_null() { Err(Error::Raised) } else { Ok(object) }
}

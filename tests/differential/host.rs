//! The interpreter that the harness runs in: exceptions, reference counts, and the objects that
//! `child.py` made.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::mem::transmute;
use std::ptr::null_mut;
use std::sync::OnceLock;

use super::api::dlsym;
use super::exemptions;

/// An object of this interpreter; nothing is known of its layout.
#[repr(C)]
pub struct PyObject {
    private: [u8; 0],
}

pub fn find(name: &CStr) -> *mut c_void {
    const RTLD_DEFAULT: *mut c_void = null_mut();
    // SAFETY: a name with its NUL.
    unsafe { dlsym(RTLD_DEFAULT, name.as_ptr()) }
}

pub fn symbol(name: &CStr) -> *mut c_void {
    let address = find(name);
    assert!(!address.is_null(), "this process has no {name:?}");
    address
}

macro_rules! functions {
    ($($field:ident: $name:literal $type:ty;)*) => {
        struct Functions { $($field: $type,)* }

        impl Functions {
            fn load() -> Self {
                // SAFETY: the functions of the C API that have these names have these signatures.
                unsafe { Self { $($field: transmute::<*mut c_void, $type>(symbol($name)),)* } }
            }
        }
    };
}

type Object = *mut PyObject;

functions! {
    inc_ref: c"Py_IncRef" unsafe extern "C" fn(Object);
    dec_ref: c"Py_DecRef" unsafe extern "C" fn(Object);
    err_fetch: c"PyErr_Fetch" unsafe extern "C" fn(*mut Object, *mut Object, *mut Object);
    err_normalize: c"PyErr_NormalizeException"
        unsafe extern "C" fn(*mut Object, *mut Object, *mut Object);
    err_set_string: c"PyErr_SetString" unsafe extern "C" fn(Object, *const c_char);
    err_occurred: c"PyErr_Occurred" unsafe extern "C" fn() -> Object;
    err_print: c"PyErr_Print" unsafe extern "C" fn();
    type_of: c"PyObject_Type" unsafe extern "C" fn(Object) -> Object;
    str: c"PyObject_Str" unsafe extern "C" fn(Object) -> Object;
    repr: c"PyObject_Repr" unsafe extern "C" fn(Object) -> Object;
    encode: c"PyUnicode_AsEncodedString"
        unsafe extern "C" fn(Object, *const c_char, *const c_char) -> Object;
    unicode: c"PyUnicode_FromString" unsafe extern "C" fn(*const c_char) -> Object;
    bytes: c"PyBytes_AsString" unsafe extern "C" fn(Object) -> *const c_char;
    bytes_size: c"PyBytes_Size" unsafe extern "C" fn(Object) -> isize;
    number: c"PyLong_AsSsize_t" unsafe extern "C" fn(Object) -> isize;
    dict_item: c"PyDict_GetItemString" unsafe extern "C" fn(Object, *const c_char) -> Object;
    list_size: c"PyList_Size" unsafe extern "C" fn(Object) -> isize;
    list_item: c"PyList_GetItem" unsafe extern "C" fn(Object, isize) -> Object;
    tuple_item: c"PyTuple_GetItem" unsafe extern "C" fn(Object, isize) -> Object;
    call: c"PyObject_CallFunctionObjArgs" unsafe extern "C" fn(Object, ...) -> Object;
}

/// An exception, as far as a program can tell one from another.
#[derive(Clone, Debug, PartialEq)]
pub struct Raised {
    /// `<class 'struct.error'>`
    pub class: String,
    /// `str(exception)`
    pub text: String,
    /// `repr(exception)`, which shows all arguments.
    pub arguments: String,
}

pub struct Host {
    functions: Functions,
    objects: Object,
    get_refcount: Object,
    calcsize: Object,
    /// Major and minor version.
    pub version: (isize, isize),
    /// Built with `--with-pydebug`: libpython checks its callers by `assert`.
    pub debug: bool,
    /// Whether `struct` limits the number of a format's items, as newer CPythons do (3.13.15, not 3.13.0).
    pub limits_items: bool,
    /// `sizeof(PyObject)`.
    pub head: usize,
}

// SAFETY: the harness has one thread, which holds the GIL.
unsafe impl Send for Host {}
// SAFETY: as above.
unsafe impl Sync for Host {}

static HOST: OnceLock<Host> = OnceLock::new();

impl Host {
    /// Takes the dictionary of `child.py`.
    pub fn start(objects: Object) {
        let mut host = Self {
            functions: Functions::load(),
            objects,
            get_refcount: null_mut(),
            calcsize: null_mut(),
            version: (0, 0),
            debug: false,
            limits_items: false,
            head: 0,
        };
        host.get_refcount = host.object(c"getrefcount");
        host.calcsize = host.object(c"calcsize");
        let [major, minor, debug, limits_items, head] =
            [c"major", c"minor", c"debug", c"limits_items", c"head"]
                .map(|name| host.to_number(host.object(name)));
        host.version = (major, minor);
        host.debug = debug != 0;
        host.limits_items = limits_items != 0;
        host.head = head as usize;
        assert!(HOST.set(host).is_ok(), "started twice");
    }

    pub fn get() -> &'static Self {
        HOST.get().expect("no interpreter yet")
    }

    /// An object that `child.py` gave a name; borrowed.
    pub fn object(&self, name: &CStr) -> Object {
        // SAFETY: the dictionary lives as long as `child.py` runs.
        let object = unsafe { (self.functions.dict_item)(self.objects, name.as_ptr()) };
        assert!(!object.is_null(), "child.py has no {name:?}");
        object
    }

    /// A list of `(name, object)` that `child.py` made; borrowed.
    pub fn pairs(&self, name: &CStr) -> Vec<(String, Object)> {
        let list = self.object(name);
        // SAFETY: a list of pairs, which nobody changes.
        unsafe {
            (0..(self.functions.list_size)(list))
                .map(|i| {
                    let pair = (self.functions.list_item)(list, i);
                    let first = (self.functions.tuple_item)(pair, 0);
                    (self.to_text(first), (self.functions.tuple_item)(pair, 1))
                })
                .collect()
        }
    }

    /// Calls an object of `child.py`; a new reference. Those functions raise nothing.
    pub fn call(&self, callable: Object, argument: Object) -> Object {
        assert!(!self.is_raised(), "an exception is pending: {:?}", self.take_raised());
        let end = null_mut::<PyObject>();
        // SAFETY: live objects; the arguments end with a null.
        let result = unsafe { (self.functions.call)(callable, argument, end) };
        if result.is_null() {
            // SAFETY: nothing to keep.
            unsafe { (self.functions.err_print)() };
            panic!("a function of child.py has failed");
        }
        result
    }

    /// `str(callable())`, or `str(callable(argument))`.
    pub fn call_for_text(&self, callable: Object, argument: Object) -> String {
        let result = self.call(callable, argument);
        let text = self.shown(result);
        self.decref(result);
        text
    }

    pub fn refcount(&self, object: Object) -> isize {
        if object.is_null() {
            return 0;
        }
        let count = self.call(self.get_refcount, object);
        let number = self.to_number(count);
        self.decref(count);
        number
    }

    pub fn incref(&self, object: Object) {
        // SAFETY: a live object, or null.
        unsafe { (self.functions.inc_ref)(object) };
    }

    pub fn decref(&self, object: Object) {
        // SAFETY: a reference that the harness owns, or null.
        unsafe { (self.functions.dec_ref)(object) };
    }

    pub fn type_of(&self, object: Object) -> Object {
        // SAFETY: a live object.
        let of_type = unsafe { (self.functions.type_of)(object) };
        self.decref(of_type);
        of_type
    }

    /// Sets an exception of this name, which `child.py` must know.
    pub fn raise(&self, exception: &CStr, text: &CStr) {
        let class = self.object(exception);
        // SAFETY: a live class and a text with its NUL.
        unsafe { (self.functions.err_set_string)(class, text.as_ptr()) };
    }

    pub fn is_raised(&self) -> bool {
        // SAFETY: takes nothing.
        !unsafe { (self.functions.err_occurred)() }.is_null()
    }

    /// Takes the pending exception away.
    pub fn take_raised(&self) -> Option<Raised> {
        if !self.is_raised() {
            return None;
        }
        let (mut class, mut value, mut trace) = (null_mut(), null_mut(), null_mut());
        // SAFETY: three places for three references.
        unsafe {
            (self.functions.err_fetch)(&mut class, &mut value, &mut trace);
            (self.functions.err_normalize)(&mut class, &mut value, &mut trace);
        }
        // SAFETY: live objects.
        let represented = unsafe { [(self.functions.repr)(class), (self.functions.repr)(value)] };
        let [class_text, arguments] = represented.map(|text| {
            let shown = self.to_text(text);
            self.decref(text);
            shown
        });
        let mut raised = Raised { class: class_text, text: self.shown(value), arguments };
        exemptions::drop_place_of_system_error(&mut raised);
        for reference in [class, value, trace] {
            self.decref(reference);
        }
        Some(raised)
    }

    /// `str(object)`
    pub fn shown(&self, object: Object) -> String {
        // SAFETY: a live object.
        let text = unsafe { (self.functions.str)(object) };
        let shown = self.to_text(text);
        self.decref(text);
        shown
    }

    /// `struct.calcsize(str(format, "utf-8"))`, -1 with its exception.
    pub fn calcsize(&self, format: &CStr) -> isize {
        // SAFETY: a text with its NUL.
        let text = unsafe { (self.functions.unicode)(format.as_ptr()) };
        if text.is_null() {
            return -1;
        }
        let end = null_mut::<PyObject>();
        // SAFETY: live objects; the arguments end with a null.
        let result = unsafe { (self.functions.call)(self.calcsize, text, end) };
        self.decref(text);
        if result.is_null() {
            return -1;
        }
        let size = self.to_number(result);
        self.decref(result);
        size
    }

    pub fn to_number(&self, object: Object) -> isize {
        // SAFETY: a live int, small enough.
        unsafe { (self.functions.number)(object) }
    }

    fn to_text(&self, unicode: Object) -> String {
        let (codec, errors): (&CStr, &CStr) = (c"utf-8", c"backslashreplace");
        assert!(!unicode.is_null(), "an object that cannot be shown");
        // SAFETY: a live str; the bytes live until they are copied.
        unsafe {
            let bytes = (self.functions.encode)(unicode, codec.as_ptr(), errors.as_ptr());
            let start = (self.functions.bytes)(bytes).cast::<u8>();
            let len = (self.functions.bytes_size)(bytes) as usize;
            let text = String::from_utf8(std::slice::from_raw_parts(start, len).to_vec());
            (self.functions.dec_ref)(bytes);
            text.unwrap()
        }
    }
}

/// A text's bytes up to its NUL; nothing for null.
pub fn text_at(text: *const c_char) -> Option<CString> {
    // SAFETY: callers pass null or a text with its NUL.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_owned())
}

/// How an exporter answers.
pub type GetBuffer = unsafe extern "C" fn(Object, *mut super::api::Py_buffer, c_int) -> c_int;
/// How an exporter takes back.
pub type ReleaseBuffer = unsafe extern "C" fn(Object, *mut super::api::Py_buffer);

//! The module of `built.c`, in Rust: against CPython's stable ABI, by hand.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr::{self, null, null_mut};

/// `Py_buffer`; only what is used has a name.
#[repr(C)]
struct View {
    buf: *mut c_void,
    obj: *mut c_void,
    len: isize,
    rest: [usize; 7],
}

#[repr(C)]
struct Method {
    name: *const c_char,
    function: Option<unsafe extern "C" fn(*mut c_void, *mut c_void) -> *mut c_void>,
    flags: c_int,
    doc: *const c_char,
}

/// `PyModuleDef`: an object's head, three words of Python's, and what describes the module.
#[repr(C)]
struct Definition {
    head: [usize; 5],
    name: *const c_char,
    doc: *const c_char,
    size: isize,
    methods: *mut Method,
    rest: [usize; 4],
}

#[repr(C)]
struct Info {
    file: *const c_char,
    rest: [usize; 3],
}

unsafe extern "C" {
    fn dladdr(address: *const c_void, info: *mut Info) -> c_int;
    fn PyBuffer_Release(view: *mut View);
    fn PyBuffer_ToContiguous(
        to: *mut c_void,
        view: *const View,
        len: isize,
        order: c_char,
    ) -> c_int;
    fn PyBytes_AsString(bytes: *mut c_void) -> *mut c_char;
    fn PyBytes_FromStringAndSize(text: *const c_char, len: isize) -> *mut c_void;
    fn PyDict_New() -> *mut c_void;
    fn PyDict_SetItemString(dict: *mut c_void, key: *const c_char, value: *mut c_void) -> c_int;
    fn PyModule_Create2(definition: *mut Definition, version: c_int) -> *mut c_void;
    fn PyObject_GetBuffer(obj: *mut c_void, view: *mut View, flags: c_int) -> c_int;
    fn PyUnicode_DecodeFSDefault(text: *const c_char) -> *mut c_void;
}

const PYBUF_FULL_RO: c_int = 0x11C;
const METH_NOARGS: c_int = 4;
const METH_O: c_int = 8;
const ABI_VERSION: c_int = 3;

unsafe extern "C" fn images(_: *mut c_void, _: *mut c_void) -> *mut c_void {
    let functions: [(&CStr, *const c_void); 3] = [
        (c"PyObject_GetBuffer", PyObject_GetBuffer as *const c_void),
        (c"PyBuffer_Release", PyBuffer_Release as *const c_void),
        (c"PyBuffer_ToContiguous", PyBuffer_ToContiguous as *const c_void),
    ];
    unsafe {
        let answer = PyDict_New();
        for (name, function) in functions {
            let mut info = MaybeUninit::<Info>::zeroed();
            dladdr(function, info.as_mut_ptr());
            let image = PyUnicode_DecodeFSDefault(info.assume_init().file);
            PyDict_SetItemString(answer, name.as_ptr(), image);
        }
        answer
    }
}

unsafe extern "C" fn tobytes(_: *mut c_void, exporter: *mut c_void) -> *mut c_void {
    unsafe {
        let mut view = MaybeUninit::<View>::zeroed().assume_init();
        if PyObject_GetBuffer(exporter, &mut view, PYBUF_FULL_RO) < 0 {
            return null_mut();
        }
        let bytes = PyBytes_FromStringAndSize(null(), view.len);
        let to = PyBytes_AsString(bytes).cast();
        let done = PyBuffer_ToContiguous(to, &view, view.len, b'C' as c_char);
        PyBuffer_Release(&mut view);
        if done < 0 { null_mut() } else { bytes }
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn PyInit_built() -> *mut c_void {
    let method = |name: &'static CStr, function, flags| Method {
        name: name.as_ptr(),
        function: Some(function),
        flags,
        doc: null(),
    };
    let end = Method { name: null(), function: None, flags: 0, doc: null() };
    let methods = Box::leak(Box::new([
        method(c"images", images, METH_NOARGS),
        method(c"tobytes", tobytes, METH_O),
        end,
    ]));
    let definition = Box::leak(Box::new(Definition {
        head: [1, 0, 0, 0, 0],
        name: c"built".as_ptr(),
        doc: null(),
        size: -1,
        methods: methods.as_mut_ptr(),
        rest: [0; 4],
    }));
    unsafe { PyModule_Create2(ptr::from_mut(definition), ABI_VERSION) }
}

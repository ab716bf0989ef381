//! The names that the library needs from a libpython, and how they are found.
//!
//! With strong references to Python's symbols, `LD_PRELOAD=libpybuffer.so sh` would end at its start, and `cc
//! prog.c -lpybuffer` would fail. So the references are weak, in a table of addresses that the dynamic linker
//! fills; the address of a missing name is null.
//!
//! Names outside CPython's stable ABI are not referenced at all, because an abi3 module linked with the
//! archive must import none of them. They are looked up by `dlsym`, in the place where the others were found.
//! (This fails in a program that contains a libpython and exports none of its names. The library is of no use
//! there anyway, as it does not find the memoryview functions either.)

use core::arch::global_asm;
use core::ffi::{CStr, c_char, c_int, c_void};
use core::{mem, ptr};

use super::dynamic;
use crate::abi::{Py_ssize_t, PyObject, PyTypeObject};

macro_rules! symbols {
    (stable: $($name:ident: $type:ty),+; others: $($other:ident: $other_type:ty),+ $(,)?) => {
        /// The addresses of the names in a libpython, in their order; `None` (null) for a missing name.
        #[derive(Clone, Copy)]
        #[repr(C)]
        #[expect(non_snake_case, reason = "these are CPython's names")]
        pub struct Symbols {
            $(pub $name: Option<$type>,)+
            $(pub $other: Option<$other_type>,)+
        }

        /// The names, each followed by a NUL.
        const NAMES: &[u8] = concat!($(stringify!($name), "\0",)+ $(stringify!($other), "\0",)+).as_bytes();

        global_asm!(
            ".pushsection .data.rel.ro.pybuffer_host,\"aw\"",
            ".balign 8",
            ".globl pybuffer_host_symbols",
            ".hidden pybuffer_host_symbols",
            "pybuffer_host_symbols:",
            $(address_of!(stringify!($name)),)+
            $(concat!("/* ", stringify!($other), " */ ", address_of!()),)+
            ".popsection",
        );
    };
}

/// A variable of libpython's that points to an exception.
pub type ExceptionVariable = &'static *mut PyObject;

symbols! {
    stable:
    Py_GetVersion: unsafe extern "C" fn() -> *const c_char,
    Py_IncRef: unsafe extern "C" fn(*mut PyObject),
    Py_DecRef: unsafe extern "C" fn(*mut PyObject),
    PyType_Type: &'static PyTypeObject,
    PyMemoryView_Type: &'static PyTypeObject,
    PyErr_SetString: unsafe extern "C" fn(*mut PyObject, *const c_char),
    PyErr_Format: unsafe extern "C" fn(*mut PyObject, *const c_char, ...) -> *mut PyObject,
    PyErr_NoMemory: unsafe extern "C" fn() -> *mut PyObject,
    PyErr_Occurred: unsafe extern "C" fn() -> *mut PyObject,
    PyErr_ExceptionMatches: unsafe extern "C" fn(*mut PyObject) -> c_int,
    PyErr_Clear: unsafe extern "C" fn(),
    PyErr_Fetch: unsafe extern "C" fn(*mut *mut PyObject, *mut *mut PyObject, *mut *mut PyObject),
    PyErr_Restore: unsafe extern "C" fn(*mut PyObject, *mut PyObject, *mut PyObject),
    PyErr_NormalizeException:
        unsafe extern "C" fn(*mut *mut PyObject, *mut *mut PyObject, *mut *mut PyObject),
    PyErr_WriteUnraisable: unsafe extern "C" fn(*mut PyObject),
    PyImport_ImportModule: unsafe extern "C" fn(*const c_char) -> *mut PyObject,
    PyObject_GetAttrString:
        unsafe extern "C" fn(*mut PyObject, *const c_char) -> *mut PyObject,
    PyObject_Str: unsafe extern "C" fn(*mut PyObject) -> *mut PyObject,
    PyUnicode_AsEncodedString:
        unsafe extern "C" fn(*mut PyObject, *const c_char, *const c_char) -> *mut PyObject,
    PyObject_CallFunctionObjArgs: unsafe extern "C" fn(*mut PyObject, ...) -> *mut PyObject,
    PyUnicode_FromString: unsafe extern "C" fn(*const c_char) -> *mut PyObject,
    PyLong_AsSsize_t: unsafe extern "C" fn(*mut PyObject) -> Py_ssize_t,
    PyObject_CallMethod:
        unsafe extern "C" fn(*mut PyObject, *const c_char, *const c_char, ...) -> *mut PyObject,
    PyBytes_FromStringAndSize: unsafe extern "C" fn(*const c_char, Py_ssize_t) -> *mut PyObject,
    PyBytes_AsString: unsafe extern "C" fn(*mut PyObject) -> *mut c_char,
    PyMem_Malloc: unsafe extern "C" fn(usize) -> *mut c_void,
    PyTuple_Pack: unsafe extern "C" fn(Py_ssize_t, ...) -> *mut PyObject,
    PyCapsule_New: unsafe extern "C" fn(
        *mut c_void,
        *const c_char,
        Option<unsafe extern "C" fn(*mut PyObject)>,
    ) -> *mut PyObject,
    PyCapsule_GetPointer:
        unsafe extern "C" fn(*mut PyObject, *const c_char) -> *mut c_void,
    PyCapsule_SetContext: unsafe extern "C" fn(*mut PyObject, *mut c_void) -> c_int,
    PyCapsule_GetContext: unsafe extern "C" fn(*mut PyObject) -> *mut c_void,
    Py_IsInitialized: unsafe extern "C" fn() -> c_int,
    Py_AtExit: unsafe extern "C" fn(unsafe extern "C" fn()) -> c_int,
    PyGILState_Ensure: unsafe extern "C" fn() -> c_int,
    PyGILState_Release: unsafe extern "C" fn(c_int),
    PyGILState_GetThisThreadState: unsafe extern "C" fn() -> *mut c_void,
    PyEval_SaveThread: unsafe extern "C" fn() -> *mut c_void,
    PyEval_RestoreThread: unsafe extern "C" fn(*mut c_void),
    PyThreadState_New: unsafe extern "C" fn(*mut c_void) -> *mut c_void,
    PyThreadState_Clear: unsafe extern "C" fn(*mut c_void),
    PyExc_Exception: ExceptionVariable,
    PyExc_ArithmeticError: ExceptionVariable,
    PyExc_AttributeError: ExceptionVariable,
    PyExc_BufferError: ExceptionVariable,
    PyExc_IndexError: ExceptionVariable,
    PyExc_KeyError: ExceptionVariable,
    PyExc_LookupError: ExceptionVariable,
    PyExc_MemoryError: ExceptionVariable,
    PyExc_NotImplementedError: ExceptionVariable,
    PyExc_OSError: ExceptionVariable,
    PyExc_OverflowError: ExceptionVariable,
    PyExc_RuntimeError: ExceptionVariable,
    PyExc_SystemError: ExceptionVariable,
    PyExc_TypeError: ExceptionVariable,
    PyExc_ValueError: ExceptionVariable,
    PyExc_UnicodeDecodeError: ExceptionVariable;
    others:
    _Py_NegativeRefcount: unsafe extern "C" fn(*const c_char, c_int, *mut PyObject),
    PyThreadState_GetUnchecked: unsafe extern "C" fn() -> *mut c_void,
    _PyThreadState_UncheckedGet: unsafe extern "C" fn() -> *mut c_void,
    PyGILState_Check: unsafe extern "C" fn() -> c_int,
    PyThreadState_DeleteCurrent: unsafe extern "C" fn(),
    PyThreadState_GetInterpreter: unsafe extern "C" fn(*mut c_void) -> *mut c_void,
    PyInterpreterState_Main: unsafe extern "C" fn() -> *mut c_void,
    PyInterpreterState_Head: unsafe extern "C" fn() -> *mut c_void,
    _PyErr_FormatFromCause: unsafe extern "C" fn(*mut PyObject, *const c_char, ...) -> *mut PyObject,
    PyEval_GetFrame: unsafe extern "C" fn() -> *mut PyObject,
    PyThreadState_GetFrame: unsafe extern "C" fn(*mut c_void) -> *mut PyObject,
    PyFrame_GetCode: unsafe extern "C" fn(*mut PyObject) -> *mut PyObject,
    PyFrame_GetBack: unsafe extern "C" fn(*mut PyObject) -> *mut PyObject,
    PyFrame_GetLasti: unsafe extern "C" fn(*mut PyObject) -> c_int,
    PyFrame_GetLineNumber: unsafe extern "C" fn(*mut PyObject) -> c_int,
    PyUnicode_AsUTF8AndSize:
        unsafe extern "C" fn(*mut PyObject, *mut Py_ssize_t) -> *const c_char,
    PyGC_Disable: unsafe extern "C" fn() -> c_int,
    PyGC_Enable: unsafe extern "C" fn() -> c_int,
}

unsafe extern "C" {
    /// The weak references to the names above, in their order; those outside the stable ABI are null.
    static pybuffer_host_symbols: Addresses;
}

/// The number of names: each field is as large as a pointer.
const COUNT: usize = size_of::<Symbols>() / size_of::<usize>();

/// The addresses from which a [`Symbols`] is made.
type Addresses = [*mut c_void; COUNT];

/// The file name of a library, as the dynamic linker knows it.
struct FileName([c_char; 512]);

/// A callback of `dl_iterate_phdr`: copies the image's file name and returns 1, which ends the search, if the name
/// contains `libpython`.
///
/// # Safety
/// * INFO: `info` is the dynamic linker's.
/// * NAME: `name` is a [`FileName`].
unsafe extern "C" fn copy_name_of_libpython(
    info: *mut libc::dl_phdr_info,
    _: usize,
    name: *mut c_void,
) -> c_int {
    // SAFETY: the dynamic linker's structure (caller: INFO).
    let found = unsafe { (*info).dlpi_name };
    if found.is_null() {
        return 0;
    }
    // SAFETY: a C string of the dynamic linker's.
    let found = unsafe { CStr::from_ptr(found) }.to_bytes_with_nul();
    // SAFETY: a file name that is not used elsewhere meanwhile (caller: NAME).
    let name = unsafe { &mut *name.cast::<FileName>() };
    if found.len() > name.0.len() || !found.windows(9).any(|part| part == b"libpython") {
        return 0;
    }
    name.0.iter_mut().zip(found).for_each(|(to, from)| *to = *from as c_char);
    1
}

impl Symbols {
    /// The names that the dynamic linker found when it loaded this library.
    pub fn linked() -> Option<Self> {
        // SAFETY: filled by the dynamic linker before this code can run, and never changed.
        let mut addresses = unsafe { pybuffer_host_symbols };
        if addresses.first()?.is_null() {
            return None;
        }
        // With this handle the dynamic linker searches the same images as when it filled the table.
        // SAFETY: RTLD_DEFAULT is a handle.
        unsafe { look_up(libc::RTLD_DEFAULT, &mut addresses) };
        Self::new(addresses)
    }

    /// The names that are visible in the process now, including those of libraries that were loaded later.
    pub fn loaded() -> Option<Self> {
        // SAFETY: RTLD_DEFAULT is a handle.
        unsafe { Self::behind(libc::RTLD_DEFAULT) }
    }

    /// The names of a libpython that was loaded with `RTLD_LOCAL`, so that they are not visible to other images.
    pub fn private() -> Option<Self> {
        let dlopen = dynamic::linker().dlopen?;
        let mut name = FileName([0; 512]);
        // SAFETY: the callback gets the type that it expects, and only during the call.
        let found =
            unsafe { libc::dl_iterate_phdr(Some(copy_name_of_libpython), (&raw mut name).cast()) };
        if found == 0 {
            return None;
        }
        // SAFETY: a C string; the library is loaded already, so none of its code is run.
        let handle = unsafe { dlopen(name.0.as_ptr(), libc::RTLD_NOLOAD | libc::RTLD_LAZY) };
        // SAFETY: the handle is open, and never closed.
        if handle.is_null() { None } else { unsafe { Self::behind(handle) } }
    }

    /// The names in a library and in those that it depends on.
    ///
    /// # Safety
    /// * HANDLE: `handle` came from `dlopen` and stays open.
    pub unsafe fn behind(handle: *mut c_void) -> Option<Self> {
        let dlsym = dynamic::linker().dlsym?;
        // In most processes without Python one look-up is enough.
        // SAFETY: an open handle (caller: HANDLE).
        if unsafe { dlsym(handle, c"Py_IncRef".as_ptr()) }.is_null() {
            return None;
        }
        let mut addresses = [ptr::null_mut(); COUNT];
        // SAFETY: an open handle (caller: HANDLE).
        unsafe { look_up(handle, &mut addresses) };
        Self::new(addresses)
    }

    fn new(addresses: Addresses) -> Option<Self> {
        // SAFETY: null becomes `None`; any other address is that of the function or variable of this name,
        // whose type CPython's ABI fixes.
        let symbols = unsafe { mem::transmute::<Addresses, Self>(addresses) };
        symbols.Py_IncRef.is_some().then_some(symbols)
    }
}

/// Looks up each name whose address is null.
///
/// # Safety
/// * HANDLE: `handle` is an open handle of the dynamic linker's.
#[inline(never)]
unsafe fn look_up(handle: *mut c_void, addresses: &mut Addresses) {
    let Some(dlsym) = dynamic::linker().dlsym else { return };
    let names = NAMES.split_inclusive(|byte| *byte == 0);
    for (address, name) in addresses.iter_mut().zip(names).filter(|(address, _)| address.is_null())
    {
        // SAFETY: an open handle (caller: HANDLE), and a name that ends with a NUL.
        *address = unsafe { dlsym(handle, name.as_ptr().cast()) };
    }
}

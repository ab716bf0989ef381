//! A libpython that the library does not serve: Python 2, CPython before 3.8, PyPy.
//!
//! Child processes inherit a preload, so the library is loaded into such processes too. There each drop-in function
//! calls that libpython's own. The library reads none of its objects and views, whose layout may differ.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::mem;
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use super::dynamic::Image;
use super::symbols::Symbols;
use super::version;
use crate::abi::{Py_buffer, Py_ssize_t, PyObject};

/// The oldest CPython that is served.
const OLDEST: (u32, u32) = (3, 8);

macro_rules! functions {
    ($($name:ident($($argument:ident: $type:ty),*) $(-> $result:ty = $failed:expr)?;)+) => {
        /// The drop-in functions that such a libpython may define.
        #[derive(Clone, Copy)]
        #[expect(non_camel_case_types, reason = "these are CPython's names")]
        enum Name {
            $($name,)+
        }

        /// Their names, each followed by a NUL.
        const NAMES: &[u8] = concat!($(stringify!($name), "\0",)+).as_bytes();
        const COUNT: usize = [$(Name::$name),+].len();

        $(
            /// Calls that libpython's own function. It has the arguments of the exported one, so the exported one
            /// can jump to it, and needs no stack frame for this case.
            ///
            /// # Safety
            /// * ARGUMENTS: as for the exported function.
            #[cold]
            #[inline(never)]
            #[expect(non_snake_case, reason = "this is CPython's name")]
            pub unsafe extern "C" fn $name($($argument: $type),*) $(-> $result)? {
                type Function = unsafe extern "C" fn($($type),*) $(-> $result)?;
                // SAFETY: null becomes `None`; any other address is that of the function of this name, whose
                // type is the same in every Python that has it.
                match unsafe { mem::transmute::<*mut c_void, Option<Function>>(address(Name::$name)) } {
                    // SAFETY: a function of the same contract (caller: ARGUMENTS).
                    Some(function) => unsafe { function($($argument),*) },
                    None => { $($failed)? }
                }
            }
        )+
    };
}

// Functions that do the same to the same fields in every Python are not listed (PyBuffer_GetPointer,
// PyBuffer_FillContiguousStrides), nor are those that no such libpython exports (PyObject_CheckBuffer,
// PyBuffer_SizeFromFormat).
functions! {
    PyObject_GetBuffer(obj: *mut PyObject, view: *mut Py_buffer, flags: c_int) -> c_int = -1;
    PyObject_CopyData(dest: *mut PyObject, src: *mut PyObject) -> c_int = -1;
    PyObject_AsCharBuffer(
        obj: *mut PyObject, buffer: *mut *const c_char, len: *mut Py_ssize_t
    ) -> c_int = -1;
    PyObject_AsReadBuffer(
        obj: *mut PyObject, buffer: *mut *const c_void, len: *mut Py_ssize_t
    ) -> c_int = -1;
    PyObject_AsWriteBuffer(
        obj: *mut PyObject, buffer: *mut *mut c_void, len: *mut Py_ssize_t
    ) -> c_int = -1;
    PyObject_CheckReadBuffer(obj: *mut PyObject) -> c_int = 0;
    PyBuffer_Release(view: *mut Py_buffer);
    PyBuffer_IsContiguous(view: *const Py_buffer, order: c_char) -> c_int = 0;
    PyBuffer_FromContiguous(
        view: *const Py_buffer, buf: *const c_void, len: Py_ssize_t, order: c_char
    ) -> c_int = -1;
    PyBuffer_ToContiguous(
        buf: *mut c_void, src: *const Py_buffer, len: Py_ssize_t, order: c_char
    ) -> c_int = -1;
    PyBuffer_FillInfo(
        view: *mut Py_buffer, obj: *mut PyObject, buf: *mut c_void, len: Py_ssize_t,
        readonly: c_int, flags: c_int
    ) -> c_int = -1;
    PyMemoryView_FromObject(obj: *mut PyObject) -> *mut PyObject = ptr::null_mut();
    PyMemoryView_FromMemory(mem: *mut c_char, size: Py_ssize_t, flags: c_int) -> *mut PyObject
        = ptr::null_mut();
    PyMemoryView_FromBuffer(info: *const Py_buffer) -> *mut PyObject = ptr::null_mut();
    PyMemoryView_GetContiguous(obj: *mut PyObject, buffertype: c_int, order: c_char) -> *mut PyObject
        = ptr::null_mut();
}

/// Whether this process has such a libpython.
static IS_HERE: AtomicBool = AtomicBool::new(false);
/// Its functions, in the order of `NAMES`; null where it has none.
static FUNCTIONS: [AtomicPtr<c_void>; COUNT] = [const { AtomicPtr::new(ptr::null_mut()) }; COUNT];

/// Whether this process has a libpython that is not served.
#[inline]
pub fn is_here() -> bool {
    IS_HERE.load(Ordering::Acquire)
}

/// The address of one of its functions; null if there is none.
fn address(name: Name) -> *mut c_void {
    FUNCTIONS
        .get(name as usize)
        .map_or(ptr::null_mut(), |function| function.load(Ordering::Relaxed))
}

/// Whether a libpython is one that is not served. If so, the drop-in functions call its own from now on.
pub fn recognise(symbols: &Symbols) -> bool {
    let Some(text) = version::text(symbols) else { return false };
    let is_pypy = text.to_bytes().windows(4).any(|part| part == b"PyPy");
    if !is_pypy && version::parse(text).is_none_or(|version| version >= OLDEST) {
        return false;
    }
    let get_version = symbols.Py_GetVersion.map_or(ptr::null(), |f| f as *const c_void);
    // A look-up in the whole process would find the functions of a preloaded libpybuffer.
    if let Some(image) = Image::around(get_version) {
        let names = NAMES.split_inclusive(|byte| *byte == 0);
        for (function, name) in FUNCTIONS.iter().zip(names) {
            let name = CStr::from_bytes_until_nul(name).unwrap_or_default();
            function.store(image.find(name), Ordering::Relaxed);
        }
        IS_HERE.store(true, Ordering::Release);
    }
    true
}

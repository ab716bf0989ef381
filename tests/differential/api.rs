//! The buffer functions, as libpython has them and as the library has them.

use std::ffi::{CStr, CString, OsStr, c_char, c_int, c_void};
use std::mem::transmute;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::ptr::{null_mut, read};

use super::host::{self, Host, PyObject};

/// A view, declared here a second time: what is compared must not depend on the library's own idea.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Py_buffer {
    pub buf: *mut c_void,
    pub obj: *mut PyObject,
    pub len: isize,
    pub itemsize: isize,
    pub readonly: c_int,
    pub ndim: c_int,
    pub format: *mut c_char,
    pub shape: *mut isize,
    pub strides: *mut isize,
    pub suboffsets: *mut isize,
    pub internal: *mut c_void,
}

impl Py_buffer {
    /// A view that nobody has filled: every byte is `byte`.
    pub fn unfilled(byte: u8) -> Self {
        // SAFETY: a Py_buffer is integers and raw pointers, for which every bit pattern is a value.
        unsafe { transmute([byte; size_of::<Py_buffer>()]) }
    }
}

pub mod flags {
    use std::ffi::c_int;

    pub const SIMPLE: c_int = 0;
    pub const WRITABLE: c_int = 1;
    pub const FORMAT: c_int = 4;
    pub const ND: c_int = 8;
    pub const STRIDES: c_int = 0x10 | ND;
    pub const INDIRECT: c_int = 0x100 | STRIDES;
    pub const FULL: c_int = INDIRECT | WRITABLE | FORMAT;
    pub const FULL_RO: c_int = INDIRECT | FORMAT;
    pub const READ: c_int = 0x100;
    pub const WRITE: c_int = 0x200;

    /// Values that no request is made of.
    pub const ODD: [c_int; 10] =
        [0x400, 0x401, 0x7ff, 0x1000, 0x11d00, 0x4000_0000, c_int::MAX, c_int::MIN, -1, -0x100];
}

macro_rules! functions {
    ($($field:ident: $name:literal ($($argument:ty),*) $(-> $result:ty)?;)*) => {
        /// One library's buffer functions.
        #[derive(Clone, Copy)]
        pub struct Api {
            $(pub $field: unsafe extern "C" fn($($argument),*) $(-> $result)?,)*
        }

        impl Api {
            fn load(mut find: impl FnMut(&CStr) -> *mut c_void) -> Self {
                Self {
                    $($field: {
                        let address = find($name);
                        // SAFETY: C's function of this name has this signature.
                        unsafe {
                            transmute::<*mut c_void, unsafe extern "C" fn($($argument),*) $(-> $result)?>(
                                address,
                            )
                        }
                    },)*
                }
            }
        }
    };
}

functions! {
    check_buffer: c"PyObject_CheckBuffer" (*mut PyObject) -> c_int;
    get_buffer: c"PyObject_GetBuffer" (*mut PyObject, *mut Py_buffer, c_int) -> c_int;
    release: c"PyBuffer_Release" (*mut Py_buffer);
    size_from_format: c"PyBuffer_SizeFromFormat" (*const c_char) -> isize;
    is_contiguous: c"PyBuffer_IsContiguous" (*const Py_buffer, c_char) -> c_int;
    get_pointer: c"PyBuffer_GetPointer" (*const Py_buffer, *const isize) -> *mut c_void;
    from_contiguous: c"PyBuffer_FromContiguous"
        (*const Py_buffer, *const c_void, isize, c_char) -> c_int;
    to_contiguous: c"PyBuffer_ToContiguous" (*mut c_void, *const Py_buffer, isize, c_char) -> c_int;
    copy_data: c"PyObject_CopyData" (*mut PyObject, *mut PyObject) -> c_int;
    fill_contiguous_strides: c"PyBuffer_FillContiguousStrides"
        (c_int, *mut isize, *mut isize, c_int, c_char);
    fill_info: c"PyBuffer_FillInfo"
        (*mut Py_buffer, *mut PyObject, *mut c_void, isize, c_int, c_int) -> c_int;
    as_char_buffer: c"PyObject_AsCharBuffer"
        (*mut PyObject, *mut *const c_char, *mut isize) -> c_int;
    as_read_buffer: c"PyObject_AsReadBuffer"
        (*mut PyObject, *mut *const c_void, *mut isize) -> c_int;
    as_write_buffer: c"PyObject_AsWriteBuffer"
        (*mut PyObject, *mut *mut c_void, *mut isize) -> c_int;
    check_read_buffer: c"PyObject_CheckReadBuffer" (*mut PyObject) -> c_int;
    view_from_object: c"PyMemoryView_FromObject" (*mut PyObject) -> *mut PyObject;
    view_from_memory: c"PyMemoryView_FromMemory" (*mut c_char, isize, c_int) -> *mut PyObject;
    view_from_buffer: c"PyMemoryView_FromBuffer" (*const Py_buffer) -> *mut PyObject;
    view_contiguous: c"PyMemoryView_GetContiguous" (*mut PyObject, c_int, c_char) -> *mut PyObject;
}

impl Api {
    /// The functions of the libpython in this process; all must come from the image that has
    /// `Py_IncRef`. For the two that 3.8 lacks there is what its users have instead.
    pub fn libpython() -> Self {
        let home = image_of(host::symbol(c"Py_IncRef"));
        Self::load(|name| {
            let address = host::find(name);
            if address.is_null() && Host::get().version < (3, 9) {
                return match name.to_bytes() {
                    b"PyObject_CheckBuffer" => check_buffer_macro as *mut c_void,
                    b"PyBuffer_SizeFromFormat" => struct_calcsize as *mut c_void,
                    _ => panic!("no {name:?} in this python"),
                };
            }
            assert!(!address.is_null(), "no {name:?} in this python");
            let image = image_of(address);
            assert_eq!(image, home, "{name:?} is not libpython's");
            address
        })
    }

    /// The functions of the library at `so`, their names behind a prefix; none may come from anywhere
    /// else.
    pub fn library(so: &Path, prefix: &str) -> Self {
        const RTLD_NOW: c_int = 2;
        let file = so.canonicalize().unwrap_or_else(|error| panic!("{}: {error}", so.display()));
        let path = CString::new(file.as_os_str().as_bytes()).unwrap();
        // SAFETY: a path with its NUL; without RTLD_GLOBAL nobody else's names change.
        let handle = unsafe { dlopen(path.as_ptr(), RTLD_NOW) };
        assert!(!handle.is_null(), "cannot load {}", so.display());
        Self::load(|name| {
            let name = CString::new([prefix.as_bytes(), name.to_bytes()].concat()).unwrap();
            // SAFETY: a handle of dlopen and a name with its NUL.
            let address = unsafe { dlsym(handle, name.as_ptr()) };
            assert!(!address.is_null(), "no {name:?} in {}", so.display());
            let image = image_of(address).canonicalize().unwrap();
            assert_eq!(image, file, "{name:?} is not the library's");
            address
        })
    }
}

/// The file that a function's code lies in.
fn image_of(address: *mut c_void) -> PathBuf {
    let mut info = DlInfo {
        file: std::ptr::null(),
        base: null_mut(),
        symbol: std::ptr::null(),
        address: null_mut(),
    };
    // SAFETY: dladdr takes any address.
    let found = unsafe { dladdr(address, &mut info) };
    assert!(found != 0 && !info.file.is_null(), "code at {address:?} is nobody's");
    // SAFETY: a path with its NUL, alive as long as the image is loaded.
    let file = unsafe { CStr::from_ptr(info.file) };
    PathBuf::from(OsStr::from_bytes(file.to_bytes()))
}

/// 3.8 has `PyObject_CheckBuffer` as a macro only. No 3.8 has another layout than this.
unsafe extern "C" fn check_buffer_macro(object: *mut PyObject) -> c_int {
    // SAFETY: an object's type is its second word; the type has 20 words before `tp_as_buffer`.
    unsafe {
        let of_type = read(object.cast::<*mut *mut *mut c_void>().add(1));
        let procs = read(of_type.add(20));
        c_int::from(!procs.is_null() && !read(procs).is_null())
    }
}

/// 3.8 declares `PyBuffer_SizeFromFormat` but has no such function.
unsafe extern "C" fn struct_calcsize(format: *const c_char) -> isize {
    // SAFETY: the caller's format has its NUL.
    Host::get().calcsize(unsafe { CStr::from_ptr(format) })
}

#[repr(C)]
struct DlInfo {
    file: *const c_char,
    base: *mut c_void,
    symbol: *const c_char,
    address: *mut c_void,
}

unsafe extern "C" {
    fn dlopen(path: *const c_char, mode: c_int) -> *mut c_void;
    pub fn dlsym(handle: *mut c_void, name: *const c_char) -> *mut c_void;
    fn dladdr(address: *const c_void, info: *mut DlInfo) -> c_int;
}

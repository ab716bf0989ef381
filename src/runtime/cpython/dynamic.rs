//! The dynamic linker's functions, and look-ups in one image.
//!
//! The functions are weak references to their oldest versions in the architecture's glibc, so that a library
//! linked on a new system runs on an old one. They are null in a program without a dynamic linker.

use core::arch::global_asm;
use core::ffi::{CStr, c_char, c_int, c_void};
use core::mem::MaybeUninit;
use core::ptr;

#[cfg(all(target_env = "gnu", target_arch = "x86_64"))]
global_asm!(
    ".symver dlsym, dlsym@GLIBC_2.2.5",
    ".symver dlopen, dlopen@GLIBC_2.2.5",
    ".symver dladdr, dladdr@GLIBC_2.2.5"
);
#[cfg(all(target_env = "gnu", target_arch = "aarch64"))]
global_asm!(
    ".symver dlsym, dlsym@GLIBC_2.17",
    ".symver dlopen, dlopen@GLIBC_2.17",
    ".symver dladdr, dladdr@GLIBC_2.17"
);

/// Another libc would leave references to versions of glibc's null. So the table needs one of glibc's own names as well;
/// a linker that does not find it tells in which section it is needed.
#[cfg(target_env = "gnu")]
macro_rules! table {
    (section) => {
        ".data.rel.ro.this_libpybuffer_is_built_for_glibc__use_one_that_is_built_for_musl"
    };
    (end) => {
        address_of!(strong "__register_atfork")
    };
}
#[cfg(not(target_env = "gnu"))]
macro_rules! table {
    (section) => {
        ".data.rel.ro.pybuffer_dynamic"
    };
    (end) => {
        ""
    };
}

global_asm!(
    concat!(".pushsection ", table!(section), ",\"aw\""),
    ".balign 8",
    ".globl pybuffer_dynamic",
    ".hidden pybuffer_dynamic",
    "pybuffer_dynamic:",
    address_of!("dlsym"),
    address_of!("dlopen"),
    address_of!("dladdr"),
    table!(end),
    ".popsection",
);

/// The functions; `None` where the program has no dynamic linker.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Dynamic {
    pub dlsym: Option<unsafe extern "C" fn(*mut c_void, *const c_char) -> *mut c_void>,
    pub dlopen: Option<unsafe extern "C" fn(*const c_char, c_int) -> *mut c_void>,
    dladdr: Option<unsafe extern "C" fn(*const c_void, *mut libc::Dl_info) -> c_int>,
}

unsafe extern "C" {
    static pybuffer_dynamic: Dynamic;
}

/// The dynamic linker's functions.
pub fn linker() -> Dynamic {
    // SAFETY: filled by the dynamic linker before this code can run, and never changed.
    unsafe { pybuffer_dynamic }
}

/// The address of a name that any image of the process defines, or else `library`, which is loaded then; null if there
/// is none.
#[cold]
#[inline(never)]
pub fn find_in_process(name: &CStr, library: &CStr) -> *mut c_void {
    let Dynamic { dlsym: Some(dlsym), dlopen: Some(dlopen), .. } = linker() else {
        return ptr::null_mut();
    };
    // SAFETY: RTLD_DEFAULT is a handle.
    let found = unsafe { dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    if !found.is_null() {
        return found;
    }
    // SAFETY: a C string. The handle is never closed, because the addresses found stay in use.
    let handle = unsafe { dlopen(library.as_ptr(), libc::RTLD_LAZY) };
    if handle.is_null() {
        return ptr::null_mut();
    }
    // SAFETY: an open handle.
    unsafe { dlsym(handle, name.as_ptr()) }
}

/// A loaded image, for look-ups of the names that it defines itself. A look-up in the whole process would find a
/// preloaded library that defines the same names.
pub struct Image {
    base: *mut c_void,
    handles: [*mut c_void; 2],
}

impl Image {
    /// The image that contains an address. The main program may not be found by its file name. So a handle of the
    /// whole process, whose first image is the main program, is kept as well.
    #[inline(never)]
    pub fn around(address: *const c_void) -> Option<Self> {
        let info = locate(address)?;
        let dlopen = linker().dlopen?;
        let mode = libc::RTLD_NOLOAD | libc::RTLD_LAZY;
        // SAFETY: a C string of the dynamic linker's; the image is loaded already, so none of its code is
        // run. The handle is never closed, because the addresses found stay in use.
        let by_name = unsafe { dlopen(info.dli_fname, mode) };
        // SAFETY: null stands for the main program.
        let main = unsafe { dlopen(ptr::null(), mode) };
        Some(Self { base: info.dli_fbase, handles: [by_name, main] })
    }

    /// The address of a name that this image defines; null if it does not.
    #[inline(never)]
    pub fn find(&self, name: &CStr) -> *mut c_void {
        let Some(dlsym) = linker().dlsym else { return ptr::null_mut() };
        let handles = self.handles.iter().filter(|handle| !handle.is_null());
        // SAFETY: an open handle.
        let mut found = handles.map(|handle| unsafe { dlsym(*handle, name.as_ptr()) });
        let is_here = |address: &*mut c_void| {
            !address.is_null() && locate(*address).is_some_and(|info| info.dli_fbase == self.base)
        };
        found.find(is_here).unwrap_or(ptr::null_mut())
    }
}

/// The image and symbol that an address belongs to, as `dladdr` tells.
#[inline(never)]
pub fn locate(address: *const c_void) -> Option<libc::Dl_info> {
    let dladdr = linker().dladdr?;
    let mut info = MaybeUninit::zeroed();
    // SAFETY: `info` is writable, and `dladdr` takes any address.
    if unsafe { dladdr(address, info.as_mut_ptr()) } == 0 {
        return None;
    }
    // SAFETY: `dladdr` filled it; all zeros are a valid value too.
    Some(unsafe { info.assume_init() })
}

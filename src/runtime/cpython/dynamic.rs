//! What the library asks of the dynamic linker, and the images that it has loaded.
//!
//! The functions are referenced weakly, as old as the architecture's glibc, so that a library linked on a
//! new system runs on old ones; they are null in a program linked without a dynamic linker.

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

global_asm!(
    ".pushsection .data.rel.ro.pybuffer_dynamic,\"aw\"",
    ".balign 8",
    ".globl pybuffer_dynamic",
    ".hidden pybuffer_dynamic",
    "pybuffer_dynamic:",
    address_of!("dlsym"),
    address_of!("dlopen"),
    address_of!("dladdr"),
    ".popsection",
);

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

pub fn linker() -> Dynamic {
    // SAFETY: filled by the dynamic linker before this code can run, and never changed.
    unsafe { pybuffer_dynamic }
}

/// A loaded image, asked for what it defines itself: a preloaded library that has the same names comes
/// before it in every look-up by name alone.
pub struct Image {
    base: *mut c_void,
    handles: [*mut c_void; 2],
}

impl Image {
    /// The image that an address lies in. Under the name of the main program a file need not be found, so
    /// the whole process, which begins with the main program, is asked besides.
    #[inline(never)]
    pub fn around(address: *const c_void) -> Option<Self> {
        let info = locate(address)?;
        let dlopen = linker().dlopen?;
        let mode = libc::RTLD_NOLOAD | libc::RTLD_LAZY;
        // SAFETY: a C string of the dynamic linker's; the image is there already, so none of its code is
        // run. The handle is never closed, as what is found is never given up.
        let by_name = unsafe { dlopen(info.dli_fname, mode) };
        // SAFETY: null is the main program.
        let main = unsafe { dlopen(ptr::null(), mode) };
        Some(Self { base: info.dli_fbase, handles: [by_name, main] })
    }

    /// The address of a name that this image defines; null if it does not.
    #[inline(never)]
    pub fn find(&self, name: &CStr) -> *mut c_void {
        let Some(dlsym) = linker().dlsym else { return ptr::null_mut() };
        let handles = self.handles.iter().filter(|handle| !handle.is_null());
        // SAFETY: the handle is open.
        let mut found = handles.map(|handle| unsafe { dlsym(*handle, name.as_ptr()) });
        let is_here = |address: &*mut c_void| {
            !address.is_null() && locate(*address).is_some_and(|info| info.dli_fbase == self.base)
        };
        found.find(is_here).unwrap_or(ptr::null_mut())
    }
}

/// What the dynamic linker knows of an address.
#[inline(never)]
pub fn locate(address: *const c_void) -> Option<libc::Dl_info> {
    let dladdr = linker().dladdr?;
    let mut info = MaybeUninit::zeroed();
    // SAFETY: `info` is writable, and any address may be asked for.
    if unsafe { dladdr(address, info.as_mut_ptr()) } == 0 {
        return None;
    }
    // SAFETY: filled, and all zeros would be one too.
    Some(unsafe { info.assume_init() })
}

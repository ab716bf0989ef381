//! The images that the dynamic linker has loaded, by their program headers.

use core::ffi::c_void;
use core::slice;

/// One of them.
pub struct Loaded<'a> {
    /// What is added to the addresses in its file.
    pub shift: usize,
    headers: &'a [Header],
}

#[cfg(target_pointer_width = "64")]
type Header = libc::Elf64_Phdr;
#[cfg(target_pointer_width = "32")]
type Header = libc::Elf32_Phdr;

/// Kinds of segments.
pub const LOAD: u32 = 1;
pub const DYNAMIC: u32 = 2;
pub const NOTE: u32 = 4;

impl Loaded<'_> {
    /// Address and size of its segments of a kind.
    pub fn segments(&self, kind: u32) -> impl Iterator<Item = [usize; 2]> {
        self.headers.iter().filter(move |header| header.p_type == kind).map(|header| {
            let start = self.shift.wrapping_add(header.p_vaddr as usize);
            [start, header.p_memsz as usize]
        })
    }

    /// Whether an address is in it.
    pub fn contains(&self, address: usize) -> bool {
        self.segments(LOAD).any(|[start, size]| address.wrapping_sub(start) < size)
    }
}

/// Calls `visit` with each image, in the dynamic linker's order, until it answers true. The linker's list
/// is locked meanwhile, so the linker may not be asked anything.
pub fn each(mut visit: &mut dyn FnMut(&Loaded) -> bool) {
    // SAFETY: the callback gets what it expects, during the call only.
    unsafe { libc::dl_iterate_phdr(Some(show), (&raw mut visit).cast()) };
}

/// # Safety
/// `info` is the dynamic linker's, and `visit` what [`each`] passes.
unsafe extern "C" fn show(info: *mut libc::dl_phdr_info, _: usize, visit: *mut c_void) -> i32 {
    // SAFETY: the dynamic linker's (caller).
    let info = unsafe { &*info };
    if info.dlpi_phdr.is_null() {
        return 0;
    }
    // SAFETY: so many headers, as the dynamic linker says.
    let headers = unsafe { slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum.into()) };
    // SAFETY: what `each` passes (caller).
    let visit = unsafe { &mut *visit.cast::<&mut dyn FnMut(&Loaded) -> bool>() };
    visit(&Loaded { shift: info.dlpi_addr as usize, headers }).into()
}

//! The images in this process, as their program headers describe them.

use core::ffi::c_void;
use core::slice;

/// A loaded image.
pub struct Loaded<'a> {
    /// The load bias: the difference between an address in memory and the one in the file.
    pub shift: usize,
    headers: &'a [Header],
}

#[cfg(target_pointer_width = "64")]
type Header = libc::Elf64_Phdr;
#[cfg(target_pointer_width = "32")]
type Header = libc::Elf32_Phdr;

/// Types of segments (`PT_LOAD`, ...).
pub const LOAD: u32 = 1;
pub const DYNAMIC: u32 = 2;
pub const NOTE: u32 = 4;

impl Loaded<'_> {
    /// Address and size of each segment of a type.
    pub fn segments(&self, kind: u32) -> impl Iterator<Item = [usize; 2]> {
        self.headers.iter().filter(move |header| header.p_type == kind).map(|header| {
            let start = self.shift.wrapping_add(header.p_vaddr as usize);
            [start, header.p_memsz as usize]
        })
    }

    /// The first address of the image, and its size.
    fn extent(&self) -> [usize; 2] {
        let ends = self.segments(LOAD).map(|[start, size]| [start, start.wrapping_add(size)]);
        let all = ends.reduce(|[first, last], [start, end]| [first.min(start), last.max(end)]);
        all.map_or([0; 2], |[first, last]| [first, last.wrapping_sub(first)])
    }

    /// Whether an address lies in the image.
    pub fn contains(&self, address: usize) -> bool {
        self.segments(LOAD).any(|[start, size]| address.wrapping_sub(start) < size)
    }
}

/// The first address of the image around an address, and its size; zeros if there is none.
#[cold]
pub fn extent(address: usize) -> [usize; 2] {
    let mut extent = [0; 2];
    each(&mut |image| {
        let is_here = image.contains(address);
        if is_here {
            extent = image.extent();
        }
        is_here
    });
    extent
}

/// Calls `visit` with each image, in the dynamic linker's order, until it returns true. The linker's list is
/// locked meanwhile, so `visit` must not call the dynamic linker.
pub fn each(mut visit: &mut dyn FnMut(&Loaded) -> bool) {
    // SAFETY: `show` gets the type that it expects, and only during the call.
    unsafe { libc::dl_iterate_phdr(Some(show), (&raw mut visit).cast()) };
}

/// The callback of [`each`].
///
/// # Safety
/// * INFO: `info` is the dynamic linker's, and `visit` is what [`each`] passes.
unsafe extern "C" fn show(info: *mut libc::dl_phdr_info, _: usize, visit: *mut c_void) -> i32 {
    // SAFETY: the dynamic linker's structure (caller: INFO).
    let info = unsafe { &*info };
    if info.dlpi_phdr.is_null() {
        return 0;
    }
    // SAFETY: the dynamic linker gives the address and number of the headers.
    let headers = unsafe { slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum.into()) };
    // SAFETY: a pointer to the closure of `each`, which is not used elsewhere meanwhile (caller: INFO).
    let visit = unsafe { &mut *visit.cast::<&mut dyn FnMut(&Loaded) -> bool>() };
    visit(&Loaded { shift: info.dlpi_addr as usize, headers }).into()
}

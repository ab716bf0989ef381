//! Which addresses can be those of a value, and where memory is mapped.

use core::ptr;

/// The smallest valid address. Smaller ones are in the first page, where nothing is mapped.
pub const FIRST_PAGE: usize = 4096;

/// Whether an address can be that of a value: it is aligned, and not in the first page.
pub fn is_plausible<T>(address: *const T) -> bool {
    address.addr() >= FIRST_PAGE && address.is_aligned()
}

/// Whether memory is mapped: its first page and its last. It may still not be readable. (This calls `mincore`.
/// `msync` would tell it too, but valgrind treats it as a read of the memory.)
pub fn mapped(address: usize, size: usize) -> bool {
    let last = address.wrapping_add(size.saturating_sub(1));
    is_mapped(address) && is_mapped(last)
}

#[inline(never)]
fn is_mapped(address: usize) -> bool {
    // SAFETY: takes any name.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    let page = usize::try_from(page).ok().filter(|page| page.is_power_of_two()).unwrap_or(4096);
    let start = ptr::without_provenance_mut(address & !page.wrapping_sub(1));
    let mut is_resident = 0;
    // SAFETY: takes any page; one byte is written for the one page that is asked about.
    let result = unsafe { libc::mincore(start, 1, &raw mut is_resident) };
    // SAFETY: takes nothing.
    let errno = unsafe { libc::__errno_location() };
    // After any other error (a sandbox may refuse the call), the memory counts as mapped.
    // SAFETY: this thread's own number.
    result == 0 || unsafe { *errno } != libc::ENOMEM
}

//! One step through a pointer: what a suboffset means. Everybody who finds items goes by it.

/// Where an entry of an array leads: with a suboffset that is not negative, so many bytes behind where the
/// pointer that it is leads to; otherwise nowhere else.
///
/// # Safety
/// With such a suboffset a pointer is readable at `at`.
#[inline]
pub unsafe fn follow(at: *mut u8, suboffset: isize) -> *mut u8 {
    if suboffset < 0 {
        return at;
    }
    // SAFETY: a pointer is there (caller); exporters need not align it.
    unsafe { at.cast::<*mut u8>().read_unaligned() }.wrapping_offset(suboffset)
}

//! What a suboffset means. Every function that locates items uses this one.

/// Dereferences `at` and adds `suboffset`; returns `at` if `suboffset` is negative.
///
/// # Safety
/// * POINTER: if `suboffset` is not negative, a pointer is readable at `at`.
#[inline]
pub unsafe fn follow(at: *mut u8, suboffset: isize) -> *mut u8 {
    if suboffset < 0 {
        return at;
    }
    // SAFETY: a pointer is readable (caller: POINTER); exporters need not align it.
    unsafe { at.cast::<*mut u8>().read_unaligned() }.wrapping_offset(suboffset)
}

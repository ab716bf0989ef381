//! Fills a destination with one item: stores vectors full of it. Bytes are the C library's `memset`.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "offsets within the destination that the caller promised"
)]

use core::arch::aarch64::*;

use super::super::generic;

/// One item many times; see [`super::super::Fill`].
///
/// # Safety
/// * ITEMS: as for [`super::super::Fill`].
pub unsafe fn fill(width: usize, dst: *mut u8, src: *const u8, n: usize) {
    let len = n * width;
    if len < 16 || width == 1 {
        // SAFETY: the same arrays (caller: ITEMS).
        return unsafe { generic::fill(width, dst, src, n) };
    }
    // SAFETY: every such CPU has NEON; the item and the destination are the caller's (caller: ITEMS).
    unsafe { vectors(width, dst, src, len) };
}

/// Writes `len` bytes of items, 16 or more: whole vectors, and one that ends where they end.
///
/// # Safety
/// * ITEMS: as for `fill`; the items have 2 to 16 bytes.
#[target_feature(enable = "neon")]
unsafe fn vectors(width: usize, dst: *mut u8, src: *const u8, len: usize) {
    let items = match width {
        // SAFETY: the item is readable (caller: ITEMS).
        2 => vreinterpretq_u8_u16(vdupq_n_u16(unsafe { src.cast::<u16>().read_unaligned() })),
        // SAFETY: as above.
        4 => vreinterpretq_u8_u32(vdupq_n_u32(unsafe { src.cast::<u32>().read_unaligned() })),
        // SAFETY: as above.
        8 => vreinterpretq_u8_u64(vdupq_n_u64(unsafe { src.cast::<u64>().read_unaligned() })),
        // SAFETY: as above.
        _ => unsafe { vld1q_u8(src) },
    };
    let last = len - 16;
    for at in (0..last).step_by(16) {
        // SAFETY: as many bytes are writable (caller: ITEMS).
        unsafe { vst1q_u8(dst.wrapping_add(at), items) };
    }
    // SAFETY: as above; the end is a whole number of items from the beginning.
    unsafe { vst1q_u8(dst.wrapping_add(last), items) };
}

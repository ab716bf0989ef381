//! Few columns or few rows: pixels to planes and back, by the structure loads and stores (`ld2` to `ld4`, `st2` to
//! `st4`). Their intrinsics require aligned items.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "offsets within the items that the caller promised"
)]

use core::arch::aarch64::*;

/// Transposes two to four columns that lie back to back in the source; see
/// [`super::super::TryTranspose`].
///
/// # Safety
/// * ITEMS: as for [`super::super::TryTranspose`].
pub unsafe fn deinterleave(
    width: usize,
    dst: *mut u8,
    d: isize,
    src: *const u8,
    s: isize,
    columns: usize,
    rows: usize,
) -> bool {
    let aligned = src.addr() & (width - 1) == 0;
    if !aligned || s != (columns * width).cast_signed() || rows * width < 16 {
        return false;
    }
    let work: unsafe fn(*mut u8, isize, *const u8) = match (width, columns) {
        (1, 2) => apart_2_1,
        (1, 3) => apart_3_1,
        (1, 4) => apart_4_1,
        (2, 2) => apart_2_2,
        (2, 3) => apart_3_2,
        (2, 4) => apart_4_2,
        (4, 2) => apart_2_4,
        (4, 3) => apart_3_4,
        (4, 4) => apart_4_4,
        (8, 2) => apart_2_8,
        (8, 3) => apart_3_8,
        (8, 4) => apart_4_8,
        _ => return false,
    };
    whole(rows * width, |at| {
        // SAFETY: a vector of each column, which are the caller's.
        unsafe { work(dst.wrapping_add(at), d, src.wrapping_add(at * columns)) };
    });
    true
}

/// Transposes two to four rows into columns that lie back to back; see
/// [`super::super::TryTranspose`].
///
/// # Safety
/// * ITEMS: as for [`super::super::TryTranspose`].
pub unsafe fn interleave(
    width: usize,
    dst: *mut u8,
    d: isize,
    src: *const u8,
    s: isize,
    columns: usize,
    rows: usize,
) -> bool {
    let aligned = dst.addr() & (width - 1) == 0;
    if !aligned || d != (rows * width).cast_signed() || columns * width < 16 {
        return false;
    }
    let work: unsafe fn(*mut u8, *const u8, isize) = match (width, rows) {
        (1, 2) => together_2_1,
        (1, 3) => together_3_1,
        (1, 4) => together_4_1,
        (2, 2) => together_2_2,
        (2, 3) => together_3_2,
        (2, 4) => together_4_2,
        (4, 2) => together_2_4,
        (4, 3) => together_3_4,
        (4, 4) => together_4_4,
        (8, 2) => together_2_8,
        (8, 3) => together_3_8,
        (8, 4) => together_4_8,
        _ => return false,
    };
    whole(columns * width, |at| {
        // SAFETY: a vector of each row, which are the caller's.
        unsafe { work(dst.wrapping_add(at * rows), src.wrapping_add(at), s) };
    });
    true
}

/// Calls `work` with the offset of each vector of `len` bytes, at least 16; the last vector ends where they end.
fn whole(len: usize, work: impl Fn(usize)) {
    let mut at = 0;
    while at < len {
        work(at.min(len - 16));
        at += 16;
    }
}

/// The functions of a width: one vector of each column, and of each row.
macro_rules! few {
    (
        $type:ty, $load_one:ident $store_one:ident:
        $($apart:ident $together:ident $load:ident $store:ident $vectors:ident [$($i:tt)+])+
    ) => {
        $(
            /// # Safety
            /// * ITEMS: the items are readable and writable.
            #[target_feature(enable = "neon")]
            unsafe fn $apart(dst: *mut u8, d: isize, src: *const u8) {
                // SAFETY: a part of the arrays (caller: ITEMS).
                let vectors = unsafe { $load(src.cast::<$type>()) };
                $(
                    // SAFETY: a part of the arrays (caller: ITEMS).
                    unsafe { $store_one(dst.wrapping_offset(d * $i).cast(), vectors.$i) };
                )+
            }

            /// # Safety
            /// * ITEMS: the items are readable and writable.
            #[target_feature(enable = "neon")]
            unsafe fn $together(dst: *mut u8, src: *const u8, s: isize) {
                let vectors = $vectors($(
                    // SAFETY: a part of the arrays (caller: ITEMS).
                    unsafe { $load_one(src.wrapping_offset(s * $i).cast()) }
                ),+);
                // SAFETY: a part of the arrays (caller: ITEMS).
                unsafe { $store(dst.cast::<$type>(), vectors) };
            }
        )+
    };
}

few! {
    u8, vld1q_u8 vst1q_u8:
    apart_2_1 together_2_1 vld2q_u8 vst2q_u8 uint8x16x2_t [0 1]
    apart_3_1 together_3_1 vld3q_u8 vst3q_u8 uint8x16x3_t [0 1 2]
    apart_4_1 together_4_1 vld4q_u8 vst4q_u8 uint8x16x4_t [0 1 2 3]
}
few! {
    u16, vld1q_u16 vst1q_u16:
    apart_2_2 together_2_2 vld2q_u16 vst2q_u16 uint16x8x2_t [0 1]
    apart_3_2 together_3_2 vld3q_u16 vst3q_u16 uint16x8x3_t [0 1 2]
    apart_4_2 together_4_2 vld4q_u16 vst4q_u16 uint16x8x4_t [0 1 2 3]
}
few! {
    u32, vld1q_u32 vst1q_u32:
    apart_2_4 together_2_4 vld2q_u32 vst2q_u32 uint32x4x2_t [0 1]
    apart_3_4 together_3_4 vld3q_u32 vst3q_u32 uint32x4x3_t [0 1 2]
    apart_4_4 together_4_4 vld4q_u32 vst4q_u32 uint32x4x4_t [0 1 2 3]
}
few! {
    u64, vld1q_u64 vst1q_u64:
    apart_2_8 together_2_8 vld2q_u64 vst2q_u64 uint64x2x2_t [0 1]
    apart_3_8 together_3_8 vld3q_u64 vst3q_u64 uint64x2x3_t [0 1 2]
    apart_4_8 together_4_8 vld4q_u64 vst4q_u64 uint64x2x4_t [0 1 2 3]
}

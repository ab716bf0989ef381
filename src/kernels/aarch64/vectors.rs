//! A vector of 16 bytes, under the names that the networks of transposes use.

use core::arch::aarch64::*;

/// The size of a vector.
pub const BYTES: usize = 16;

/// Where the other lanes' rows lie: there are none.
#[derive(Clone, Copy)]
pub struct Lanes;

impl Lanes {
    /// Of rows `far` apart.
    #[inline]
    pub fn new(_far: isize) -> Self {
        Self
    }
}

/// # Safety
/// * BYTES: 16 bytes are readable.
#[inline]
#[target_feature(enable = "neon")]
pub unsafe fn join(from: *const u8, _: Lanes) -> uint8x16_t {
    // SAFETY: the same bytes (caller: BYTES).
    unsafe { load(from) }
}

/// # Safety
/// * BYTES: 16 bytes are readable.
#[inline]
#[target_feature(enable = "neon")]
pub unsafe fn load(from: *const u8) -> uint8x16_t {
    // SAFETY: the same bytes (caller: BYTES).
    unsafe { vld1q_u8(from) }
}

/// # Safety
/// * BYTES: 16 bytes are writable.
#[inline]
#[target_feature(enable = "neon")]
pub unsafe fn store(to: *mut u8, vector: uint8x16_t) {
    // SAFETY: the same bytes (caller: BYTES).
    unsafe { vst1q_u8(to, vector) };
}

/// Into the low half.
///
/// # Safety
/// * BYTES: 8 bytes are readable.
#[inline]
#[target_feature(enable = "neon")]
pub unsafe fn load_half(from: *const u8) -> uint8x16_t {
    // SAFETY: the same bytes (caller: BYTES).
    vcombine_u8(unsafe { vld1_u8(from) }, vdup_n_u8(0))
}

/// The low half.
///
/// # Safety
/// * BYTES: 8 bytes are writable.
#[inline]
#[target_feature(enable = "neon")]
pub unsafe fn store_half(to: *mut u8, vector: uint8x16_t) {
    // SAFETY: the same bytes (caller: BYTES).
    unsafe { vst1_u8(to, vget_low_u8(vector)) };
}

/// Interleavings of the low and of the high halves of two vectors.
macro_rules! zips {
    ($($lo:ident $hi:ident: $to:expr, $from:expr, $low:ident $high:ident;)+) => {
        $(
            #[inline]
            #[target_feature(enable = "neon")]
            pub fn $lo(a: uint8x16_t, b: uint8x16_t) -> uint8x16_t {
                $from($low($to(a), $to(b)))
            }

            #[inline]
            #[target_feature(enable = "neon")]
            pub fn $hi(a: uint8x16_t, b: uint8x16_t) -> uint8x16_t {
                $from($high($to(a), $to(b)))
            }
        )+
    };
}

zips! {
    lo8 hi8: |v| v, |v| v, vzip1q_u8 vzip2q_u8;
    lo16 hi16: vreinterpretq_u16_u8, vreinterpretq_u8_u16, vzip1q_u16 vzip2q_u16;
    lo32 hi32: vreinterpretq_u32_u8, vreinterpretq_u8_u32, vzip1q_u32 vzip2q_u32;
    lo64 hi64: vreinterpretq_u64_u8, vreinterpretq_u8_u64, vzip1q_u64 vzip2q_u64;
}

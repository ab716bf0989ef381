//! Vectors of 1, 2 and 4 lanes of 16 bytes, under the same names for the networks.
//!
//! `join` loads one lane from each of as many rows as there are lanes, `far` apart: a load that inserts a lane does
//! not use the shuffle ports, which the network keeps busy. Interleaving (`lo8`, `hi8` and so on) works in every lane
//! by itself.

#![expect(clippy::arithmetic_side_effects, reason = "multiples of strides within the arrays")]

use core::arch::asm;
use core::arch::x86_64::*;

/// One lane: SSE2.
pub mod xmm {
    use super::*;
    pub use core::arch::x86_64::{
        _mm_unpackhi_epi8 as hi8, _mm_unpackhi_epi16 as hi16, _mm_unpackhi_epi32 as hi32,
        _mm_unpackhi_epi64 as hi64, _mm_unpacklo_epi8 as lo8, _mm_unpacklo_epi16 as lo16,
        _mm_unpacklo_epi32 as lo32, _mm_unpacklo_epi64 as lo64,
    };

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
    #[target_feature(enable = "sse2")]
    pub unsafe fn join(from: *const u8, _: Lanes) -> __m128i {
        // SAFETY: the same bytes (caller: BYTES).
        unsafe { _mm_loadu_si128(from.cast()) }
    }

    /// # Safety
    /// * BYTES: 16 bytes are readable.
    #[inline]
    #[target_feature(enable = "sse2")]
    pub unsafe fn load(from: *const u8) -> __m128i {
        // SAFETY: the same bytes (caller: BYTES).
        unsafe { _mm_loadu_si128(from.cast()) }
    }

    /// # Safety
    /// * BYTES: 16 bytes are writable.
    #[inline]
    #[target_feature(enable = "sse2")]
    pub unsafe fn store(to: *mut u8, vector: __m128i) {
        // SAFETY: the same bytes (caller: BYTES).
        unsafe { _mm_storeu_si128(to.cast(), vector) };
    }

    /// Into the low half.
    ///
    /// # Safety
    /// * BYTES: 8 bytes are readable.
    #[inline]
    #[target_feature(enable = "sse2")]
    pub unsafe fn load_half(from: *const u8) -> __m128i {
        // SAFETY: the same bytes (caller: BYTES).
        unsafe { _mm_loadl_epi64(from.cast()) }
    }

    /// The low half.
    ///
    /// # Safety
    /// * BYTES: 8 bytes are writable.
    #[inline]
    #[target_feature(enable = "sse2")]
    pub unsafe fn store_half(to: *mut u8, vector: __m128i) {
        // SAFETY: the same bytes (caller: BYTES).
        unsafe { _mm_storel_epi64(to.cast(), vector) };
    }

    /// A non-temporal store; `_mm_sfence` must follow before another thread may read it.
    ///
    /// # Safety
    /// * BYTES: 16 bytes are writable, and `to` is a multiple of 16.
    #[inline]
    #[target_feature(enable = "sse2")]
    pub unsafe fn stream(to: *mut u8, vector: __m128i) {
        // SAFETY: the same bytes (caller: BYTES).
        unsafe { _mm_stream_si128(to.cast(), vector) };
    }
}

/// Two lanes: AVX2.
pub mod ymm {
    use super::*;
    pub use core::arch::x86_64::{
        _mm256_unpackhi_epi8 as hi8, _mm256_unpackhi_epi16 as hi16, _mm256_unpackhi_epi32 as hi32,
        _mm256_unpackhi_epi64 as hi64, _mm256_unpacklo_epi8 as lo8, _mm256_unpacklo_epi16 as lo16,
        _mm256_unpacklo_epi32 as lo32, _mm256_unpacklo_epi64 as lo64,
    };

    /// The size of a vector.
    pub const BYTES: usize = 32;

    /// Where the other lane's row lies.
    #[derive(Clone, Copy)]
    pub struct Lanes(isize);

    impl Lanes {
        /// Of rows `far` apart.
        #[inline]
        pub fn new(far: isize) -> Self {
            Self(far)
        }
    }

    /// # Safety
    /// * ITEMS: 16 bytes are readable at `from` and at the other lane's row.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub unsafe fn join(from: *const u8, Lanes(far): Lanes) -> __m256i {
        // SAFETY: a part of the arrays (caller: ITEMS).
        let low = unsafe { xmm::load(from) };
        // SAFETY: a part of the arrays (caller: ITEMS).
        let high = unsafe { xmm::load(from.wrapping_offset(far)) };
        _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(low), high)
    }

    /// # Safety
    /// * BYTES: 32 bytes are readable.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub unsafe fn load(from: *const u8) -> __m256i {
        // SAFETY: the same bytes (caller: BYTES).
        unsafe { _mm256_loadu_si256(from.cast()) }
    }

    /// # Safety
    /// * BYTES: 32 bytes are writable.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub unsafe fn store(to: *mut u8, vector: __m256i) {
        // SAFETY: the same bytes (caller: BYTES).
        unsafe { _mm256_storeu_si256(to.cast(), vector) };
    }

    /// A non-temporal store; `_mm_sfence` must follow before another thread may read it.
    ///
    /// # Safety
    /// * BYTES: 32 bytes are writable, and `to` is a multiple of 32.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub unsafe fn stream(to: *mut u8, vector: __m256i) {
        // SAFETY: the same bytes (caller: BYTES).
        unsafe { _mm256_stream_si256(to.cast(), vector) };
    }
}

/// Four lanes: AVX-512 F and BW.
pub mod zmm {
    use super::*;
    pub use core::arch::x86_64::{
        _mm512_unpackhi_epi8 as hi8, _mm512_unpackhi_epi16 as hi16, _mm512_unpackhi_epi32 as hi32,
        _mm512_unpackhi_epi64 as hi64, _mm512_unpacklo_epi8 as lo8, _mm512_unpacklo_epi16 as lo16,
        _mm512_unpacklo_epi32 as lo32, _mm512_unpacklo_epi64 as lo64,
    };

    /// The size of a vector.
    pub const BYTES: usize = 64;

    /// Where the other lanes' rows lie, and which quarter of a vector each lane is.
    #[derive(Clone, Copy)]
    pub struct Lanes([isize; 3], [__mmask16; 3]);

    impl Lanes {
        /// Of rows `far` apart.
        #[inline]
        pub fn new(far: isize) -> Self {
            Self::turned(far, 4, 0)
        }

        /// Of rows `far` apart; the lanes from number `lane` on begin `back` bytes earlier.
        #[inline]
        pub fn turned(far: isize, lane: usize, back: isize) -> Self {
            let at = |i: usize| far * i.cast_signed() - if i < lane { 0 } else { back };
            Self([at(1), at(2), at(3)], [hidden(0x00f0), hidden(0x0f00), hidden(0xf000)])
        }
    }

    /// The same mask, hidden from the compiler: it would make a shuffle of a known one.
    #[inline]
    fn hidden(mask: __mmask16) -> __mmask16 {
        let mut mask = mask;
        // SAFETY: the assembly is empty; the register keeps its value.
        unsafe {
            asm!("/* {0:x} */", inout(reg) mask, options(pure, nomem, nostack, preserves_flags));
        }
        mask
    }

    /// # Safety
    /// * ITEMS: 16 bytes are readable at `from` and at the other lanes' rows.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub unsafe fn join(from: *const u8, Lanes(far, mask): Lanes) -> __m512i {
        let ([far1, far2, far3], [mask1, mask2, mask3]) = (far, mask);
        // SAFETY: a part of the arrays (caller: ITEMS).
        let row0 = unsafe { xmm::load(from) };
        // SAFETY: a part of the arrays (caller: ITEMS).
        let row1 = unsafe { xmm::load(from.wrapping_offset(far1)) };
        // SAFETY: a part of the arrays (caller: ITEMS).
        let row2 = unsafe { xmm::load(from.wrapping_offset(far2)) };
        // SAFETY: a part of the arrays (caller: ITEMS).
        let row3 = unsafe { xmm::load(from.wrapping_offset(far3)) };
        let vector = _mm512_castsi128_si512(row0);
        let vector = _mm512_mask_broadcast_i32x4(vector, mask1, row1);
        let vector = _mm512_mask_broadcast_i32x4(vector, mask2, row2);
        _mm512_mask_broadcast_i32x4(vector, mask3, row3)
    }

    /// # Safety
    /// * BYTES: 64 bytes are readable.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub unsafe fn load(from: *const u8) -> __m512i {
        // SAFETY: the same bytes (caller: BYTES).
        unsafe { _mm512_loadu_si512(from.cast()) }
    }

    /// # Safety
    /// * BYTES: 64 bytes are writable.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub unsafe fn store(to: *mut u8, vector: __m512i) {
        // SAFETY: the same bytes (caller: BYTES).
        unsafe { _mm512_storeu_si512(to.cast(), vector) };
    }

    /// A non-temporal store; `_mm_sfence` must follow before another thread may read it.
    ///
    /// # Safety
    /// * BYTES: 64 bytes are writable, and `to` is a multiple of 64.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub unsafe fn stream(to: *mut u8, vector: __m512i) {
        // SAFETY: the same bytes (caller: BYTES).
        unsafe { _mm512_stream_si512(to.cast(), vector) };
    }
}

//! Vectors of 1, 2 and 4 lanes of 16 bytes, under the same names for the networks.
//!
//! `join` loads one lane from each of as many rows as there are lanes, `far` apart: an instruction
//! that loads and inserts needs no shuffle unit, and a network keeps those busy. Interleaving (`lo8`,
//! `hi8` and so on) works in every lane by itself.

#![expect(clippy::arithmetic_side_effects, reason = "multiples of strides within the arrays")]

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

    /// # Safety
    /// 16 bytes are readable.
    #[inline]
    #[target_feature(enable = "sse2")]
    pub unsafe fn join(from: *const u8, _far: isize) -> __m128i {
        // SAFETY: the caller's promise.
        unsafe { _mm_loadu_si128(from.cast()) }
    }

    /// # Safety
    /// 16 bytes are readable.
    #[inline]
    #[target_feature(enable = "sse2")]
    pub unsafe fn load(from: *const u8) -> __m128i {
        // SAFETY: the caller's promise.
        unsafe { _mm_loadu_si128(from.cast()) }
    }

    /// # Safety
    /// 16 bytes are writable.
    #[inline]
    #[target_feature(enable = "sse2")]
    pub unsafe fn store(to: *mut u8, vector: __m128i) {
        // SAFETY: the caller's promise.
        unsafe { _mm_storeu_si128(to.cast(), vector) };
    }

    /// Stores past the caches; `_mm_sfence` must follow before others are told.
    ///
    /// # Safety
    /// 16 bytes are writable, and `to` is a multiple of 16.
    #[inline]
    #[target_feature(enable = "sse2")]
    pub unsafe fn stream(to: *mut u8, vector: __m128i) {
        // SAFETY: the caller's promise.
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

    /// # Safety
    /// 16 bytes are readable at `from` and `from + far`.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub unsafe fn join(from: *const u8, far: isize) -> __m256i {
        // SAFETY: the caller's promise.
        let low = unsafe { xmm::load(from) };
        // SAFETY: the caller's promise.
        let high = unsafe { xmm::load(from.wrapping_offset(far)) };
        _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(low), high)
    }

    /// # Safety
    /// 32 bytes are readable.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub unsafe fn load(from: *const u8) -> __m256i {
        // SAFETY: the caller's promise.
        unsafe { _mm256_loadu_si256(from.cast()) }
    }

    /// # Safety
    /// 32 bytes are writable.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub unsafe fn store(to: *mut u8, vector: __m256i) {
        // SAFETY: the caller's promise.
        unsafe { _mm256_storeu_si256(to.cast(), vector) };
    }

    /// Stores past the caches; `_mm_sfence` must follow before others are told.
    ///
    /// # Safety
    /// 32 bytes are writable, and `to` is a multiple of 32.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub unsafe fn stream(to: *mut u8, vector: __m256i) {
        // SAFETY: the caller's promise.
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

    /// # Safety
    /// 16 bytes are readable at `from + i * far` for `i` of 0 to 3.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub unsafe fn join(from: *const u8, far: isize) -> __m512i {
        // SAFETY: the caller's promise.
        let row0 = unsafe { xmm::load(from) };
        // SAFETY: the caller's promise.
        let row1 = unsafe { xmm::load(from.wrapping_offset(far)) };
        // SAFETY: the caller's promise.
        let row2 = unsafe { xmm::load(from.wrapping_offset(2 * far)) };
        // SAFETY: the caller's promise.
        let row3 = unsafe { xmm::load(from.wrapping_offset(3 * far)) };
        let vector = _mm512_castsi128_si512(row0);
        let vector = _mm512_mask_broadcast_i32x4(vector, 0x00f0, row1);
        let vector = _mm512_mask_broadcast_i32x4(vector, 0x0f00, row2);
        _mm512_mask_broadcast_i32x4(vector, 0xf000, row3)
    }

    /// # Safety
    /// 64 bytes are writable.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub unsafe fn store(to: *mut u8, vector: __m512i) {
        // SAFETY: the caller's promise.
        unsafe { _mm512_storeu_si512(to.cast(), vector) };
    }

    /// Stores past the caches; `_mm_sfence` must follow before others are told.
    ///
    /// # Safety
    /// 64 bytes are writable, and `to` is a multiple of 64.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub unsafe fn stream(to: *mut u8, vector: __m512i) {
        // SAFETY: the caller's promise.
        unsafe { _mm512_stream_si512(to.cast(), vector) };
    }
}

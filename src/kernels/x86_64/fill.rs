//! Fills a destination with one item: stores vectors full of it.
//!
//! Bytes are the C library's `memset`. Non-temporal stores gain nothing (D-34).

#![expect(
    clippy::arithmetic_side_effects,
    reason = "offsets within the destination that the caller promised"
)]

use core::arch::x86_64::*;

use super::super::generic;

/// 16 bytes of items of `width`, 2 to 16 bytes.
///
/// # Safety
/// * ITEM: the item is readable.
#[inline]
#[target_feature(enable = "sse2")]
unsafe fn lane_of(width: usize, src: *const u8) -> __m128i {
    match width {
        // SAFETY: the item is readable (caller: ITEM).
        2 => _mm_set1_epi16(unsafe { src.cast::<i16>().read_unaligned() }),
        // SAFETY: as above.
        4 => _mm_set1_epi32(unsafe { src.cast::<i32>().read_unaligned() }),
        // SAFETY: as above.
        8 => _mm_set1_epi64x(unsafe { src.cast::<i64>().read_unaligned() }),
        // SAFETY: as above.
        _ => unsafe { _mm_loadu_si128(src.cast()) },
    }
}

/// The kernels of a level: its features, its vector, and its instructions.
macro_rules! kernels {
    (
        $level:ident, $features:literal, $vector:ty, $load:ident, $store:ident,
        $store_aligned:ident, $broadcast:expr
    ) => {
        pub mod $level {
            use super::*;

            const VECTOR: usize = size_of::<$vector>();

            /// One item many times; see [`super::super::super::Fill`].
            ///
            /// # Safety
            /// * ITEMS: as for [`super::super::super::Fill`].
            /// * CPU: it has the level's features.
            #[target_feature(enable = $features)]
            pub unsafe fn fill(width: usize, dst: *mut u8, src: *const u8, n: usize) {
                let len = n * width;
                if len < VECTOR || width == 1 {
                    // SAFETY: the same arrays (caller: ITEMS).
                    return unsafe { generic::fill(width, dst, src, n) };
                }
                // SAFETY: the item is readable (caller: ITEMS).
                let lane = unsafe { lane_of(width, src) };
                let items: $vector = $broadcast(lane);
                // The first and the last vector are unaligned, those in between aligned.
                // SAFETY: as many bytes are writable (caller: ITEMS).
                unsafe { $store(dst.cast(), items) };
                // SAFETY: as above.
                unsafe { $store(dst.wrapping_add(len - VECTOR).cast(), items) };
                let head = VECTOR - dst.addr() % VECTOR;
                let mut to = dst.wrapping_add(head);
                let items = if head & (width - 1) == 0 {
                    items
                } else {
                    let twice = [items; 2];
                    // SAFETY: less than one of two vectors is skipped.
                    unsafe {
                        $load(twice.as_ptr().cast::<u8>().wrapping_add(head & (width - 1)).cast())
                    }
                };
                let vectors = len.saturating_sub(head) / VECTOR;
                for _ in 0..vectors / 4 {
                    for part in 0..4 {
                        // SAFETY: a whole vector of the destination, at its boundary.
                        unsafe { $store_aligned(to.wrapping_add(part * VECTOR).cast(), items) };
                    }
                    to = to.wrapping_add(4 * VECTOR);
                }
                for _ in 0..vectors % 4 {
                    // SAFETY: as above.
                    unsafe { $store_aligned(to.cast(), items) };
                    to = to.wrapping_add(VECTOR);
                }
            }
        }
    };
}

kernels!(sse, "sse2", __m128i, _mm_loadu_si128, _mm_storeu_si128, _mm_store_si128, |lane| lane);
kernels!(
    avx2,
    "avx2",
    __m256i,
    _mm256_loadu_si256,
    _mm256_storeu_si256,
    _mm256_store_si256,
    |lane| _mm256_broadcastsi128_si256(lane)
);
kernels!(
    avx512,
    "avx512f",
    __m512i,
    _mm512_loadu_si512,
    _mm512_storeu_si512,
    _mm512_store_si512,
    |lane| _mm512_broadcast_i32x4(lane)
);

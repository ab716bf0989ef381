//! Runs between any addresses and a stage, by vectors that overlap: what `memcpy` does, without a call per run.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "offsets within the runs and the stage that the caller promised"
)]

use core::arch::x86_64::*;

use super::super::{CarryMode, generic};

/// The kernels of a level: its features, its vector, its non-temporal store, and the level that has smaller
/// vectors.
macro_rules! kernels {
    ($level:ident, $features:literal, $vector:ty, $stream:ident, $lower:path) => {
        pub mod $level {
            use super::*;
            use $lower as lower;

            const SIZE: usize = size_of::<$vector>();

            /// See [`super::super::super::Carry`].
            ///
            /// # Safety
            /// * ITEMS: as for [`super::super::super::Carry`].
            /// * CPU: it has the level's features.
            #[inline(never)]
            #[target_feature(enable = $features)]
            pub unsafe fn carry(
                places: &[*mut u8],
                from: isize,
                mut line: *mut u8,
                pitch: usize,
                run: usize,
                mode: CarryMode,
            ) {
                if run < SIZE {
                    // SAFETY: the same arrays (caller: ITEMS).
                    return unsafe { lower::carry(places, from, line, pitch, run, mode) };
                }
                let last = run - SIZE;
                for place in places {
                    let place = place.wrapping_offset(from);
                    let (dst, src) =
                        if mode == CarryMode::In { (line, place) } else { (place, line) };
                    // SAFETY: in the run (caller: ITEMS).
                    let tail = unsafe { src.wrapping_add(last).cast::<$vector>().read_unaligned() };
                    let mut at = 0;
                    while at < last {
                        let from = src.wrapping_add(at).cast::<$vector>();
                        // SAFETY: as above.
                        let bytes = unsafe { from.read_unaligned() };
                        let to = dst.wrapping_add(at).cast::<$vector>();
                        if mode == CarryMode::Streamed {
                            // SAFETY: as above, a multiple of a vector's size (caller: ITEMS).
                            unsafe { $stream(to, bytes) };
                        } else {
                            // SAFETY: as above.
                            unsafe { to.write_unaligned(bytes) };
                        }
                        at += SIZE;
                    }
                    let to = dst.wrapping_add(last).cast::<$vector>();
                    if mode == CarryMode::Streamed {
                        // SAFETY: as above.
                        unsafe { $stream(to, tail) };
                    } else {
                        // SAFETY: as above.
                        unsafe { to.write_unaligned(tail) };
                    }
                    line = line.wrapping_add(pitch);
                }
                if mode == CarryMode::Streamed {
                    _mm_sfence();
                }
            }
        }
    };
}

kernels!(sse, "sse2", __m128i, _mm_stream_si128, generic);
kernels!(avx2, "avx2", __m256i, _mm256_stream_si256, sse);
kernels!(avx512, "avx512f", __m512i, _mm512_stream_si512, avx2);

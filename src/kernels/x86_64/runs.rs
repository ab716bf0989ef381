//! Runs of bytes with gaps: short ones by vectors that overlap, longer ones by `memcpy`. Later runs are not
//! prefetched (D-33).

#![expect(
    clippy::arithmetic_side_effects,
    reason = "offsets within the run that the caller promised"
)]

use core::arch::x86_64::{__m128i, __m256i, __m512i};

use super::super::generic;
use super::{odd_shuffle, short_runs};

/// The kernels of a level: its features, and its vector.
macro_rules! kernels {
    ($level:ident, $features:literal, $vector:ty) => {
        pub mod $level {
            use super::*;

            /// Copies `n` runs of `run` bytes; see [`super::super::super::Runs`].
            ///
            /// # Safety
            /// * ITEMS: as for [`super::super::super::Runs`].
            /// * CPU: it has the level's features.
            #[target_feature(enable = $features)]
            pub unsafe fn runs(
                dst: *mut u8,
                d: isize,
                src: *const u8,
                s: isize,
                n: usize,
                run: usize,
            ) {
                // Vectors of 16 bytes that do not cross cache lines beat larger ones that do, up to 448 bytes;
                // but beyond the TLB larger ones wait for more lines at a time (D-31).
                let pages = n.saturating_mul(s.unsigned_abs().min(4096)) / 4096;
                let aligned =
                    pages <= 1024 && (dst.addr() | d.unsigned_abs() | run).is_multiple_of(16);
                // A run that fills a vector is copied by two smaller ones (D-32).
                let copy: super::super::super::Runs = match run {
                    ..=2 => generic::runs_of_any,
                    3 | 5..=7 if n >= odd_shuffle::MIN_ITEMS && d == run.cast_signed() => {
                        odd_shuffle::gather
                    }
                    3 => short_runs::sse::ends::<u16>,
                    4..=7 => short_runs::sse::ends::<u32>,
                    8..=16 => short_runs::sse::ends::<u64>,
                    17..=32 => short_runs::sse::ends::<__m128i>,
                    33..=112 | 144..=176 if aligned => short_runs::sse::vectors::<__m128i>,
                    128..=448 if aligned => short_runs::fours,
                    33..=64 if size_of::<$vector>() > 32 => short_runs::avx2::ends::<__m256i>,
                    _ if run > MANY * size_of::<$vector>() => generic::runs_of_any,
                    _ if run <= 2 * size_of::<$vector>() => short_runs::$level::ends::<$vector>,
                    _ => short_runs::$level::vectors::<$vector>,
                };
                // SAFETY: the same runs (caller: ITEMS), as long as the callee requires by the ranges above.
                unsafe { copy(dst, d, src, s, n, run) };
            }
        }
    };
}

/// Runs of more than so many vectors are left to `memcpy`.
const MANY: usize = 8;

kernels!(sse, "sse2", __m128i);
kernels!(avx2, "avx2", __m256i);
kernels!(avx512, "avx512f", __m512i);

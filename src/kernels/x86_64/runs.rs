//! Runs of bytes with gaps: short ones by vectors that overlap, longer ones by `memcpy`. Later runs are not
//! prefetched (D-33).

#![expect(
    clippy::arithmetic_side_effects,
    reason = "offsets within the run that the caller promised"
)]

use core::arch::x86_64::{
    __m128i, __m256i, __m512i, _mm_loadu_si128, _mm_sfence, _mm_stream_si128,
};
use core::ptr;

use super::super::{generic, short_runs};
use super::odd_shuffle;

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

/// Bytes of a cache line.
const LINE: usize = 64;

/// Copies `n` runs of `run` bytes, whole cache lines of the destination by non-temporal stores; see
/// [`super::super::Runs`].
///
/// # Safety
/// * ITEMS: as for [`super::super::Runs`].
#[target_feature(enable = "sse2")]
pub unsafe fn streamed(
    mut dst: *mut u8,
    d: isize,
    mut src: *const u8,
    s: isize,
    n: usize,
    run: usize,
) {
    for _ in 0..n {
        let head = (dst.addr().wrapping_neg() % LINE).min(run);
        let lines = (run - head) / LINE;
        let done = head + lines * LINE;
        // SAFETY: the bytes of this run before its first whole line (caller: ITEMS).
        unsafe { ptr::copy_nonoverlapping(src, dst, head) };
        // SAFETY: the whole lines of this run (caller: ITEMS), which begin at a line.
        unsafe { stream_lines(dst.wrapping_add(head), src.wrapping_add(head), lines) };
        // SAFETY: the bytes behind its last whole line (caller: ITEMS).
        unsafe {
            ptr::copy_nonoverlapping(src.wrapping_add(done), dst.wrapping_add(done), run - done)
        };
        dst = dst.wrapping_offset(d);
        src = src.wrapping_offset(s);
    }
    _mm_sfence();
}

/// Copies whole cache lines by non-temporal stores; `_mm_sfence` must follow before another thread may read them.
///
/// # Safety
/// * LINES: so many lines are readable at `src` and writable at `dst`, which begins at a line.
#[target_feature(enable = "sse2")]
unsafe fn stream_lines(dst: *mut u8, src: *const u8, lines: usize) {
    for at in (0..lines * LINE).step_by(size_of::<__m128i>()) {
        // SAFETY: within these lines (caller: LINES).
        let vector = unsafe { _mm_loadu_si128(src.wrapping_add(at).cast()) };
        // SAFETY: within these lines, aligned as they are (caller: LINES).
        unsafe { _mm_stream_si128(dst.wrapping_add(at).cast(), vector) };
    }
}

//! Runs of bytes with gaps: short ones by vectors that overlap, longer ones by `memcpy`. Later runs are not
//! prefetched (D-33).

#![expect(
    clippy::arithmetic_side_effects,
    reason = "offsets within the run that the caller promised"
)]

use core::arch::x86_64::{__m128i, __m256i, __m512i};

use super::super::generic;
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
                    3 => sse::ends::<u16>,
                    4..=7 => sse::ends::<u32>,
                    8..=16 => sse::ends::<u64>,
                    17..=32 => sse::ends::<__m128i>,
                    33..=112 | 144..=176 if aligned => sse::vectors::<__m128i>,
                    128..=448 if aligned => fours,
                    33..=64 if size_of::<$vector>() > 32 => avx2::ends::<__m256i>,
                    _ if run > MANY * size_of::<$vector>() => generic::runs_of_any,
                    _ if run <= 2 * size_of::<$vector>() => ends::<$vector>,
                    _ => vectors::<$vector>,
                };
                // SAFETY: the same runs (caller: ITEMS), as long as the callee requires by the ranges above.
                unsafe { copy(dst, d, src, s, n, run) };
            }

            /// Copies runs by their first and their last bytes.
            ///
            /// # Safety
            /// * ITEMS: as for `runs`; a run is as long as one `T` and no longer than two.
            #[target_feature(enable = $features)]
            pub unsafe fn ends<T: Copy>(
                mut dst: *mut u8,
                d: isize,
                mut src: *const u8,
                s: isize,
                n: usize,
                run: usize,
            ) {
                let last = run - size_of::<T>();
                for _ in 0..n {
                    // SAFETY: in the run at this step (caller: ITEMS).
                    let low = unsafe { src.cast::<T>().read_unaligned() };
                    // SAFETY: as above.
                    let high = unsafe { src.wrapping_add(last).cast::<T>().read_unaligned() };
                    // SAFETY: as above.
                    unsafe { dst.cast::<T>().write_unaligned(low) };
                    // SAFETY: as above.
                    unsafe { dst.wrapping_add(last).cast::<T>().write_unaligned(high) };
                    dst = dst.wrapping_offset(d);
                    src = src.wrapping_offset(s);
                }
            }

            /// Copies runs by vectors, the last of which overlaps the one before it.
            ///
            /// # Safety
            /// * ITEMS: as for `runs`; a run is longer than a vector.
            #[target_feature(enable = $features)]
            pub unsafe fn vectors<T: Copy>(
                mut dst: *mut u8,
                d: isize,
                mut src: *const u8,
                s: isize,
                n: usize,
                run: usize,
            ) {
                let last = run - size_of::<T>();
                for _ in 0..n {
                    // SAFETY: in the run at this step (caller: ITEMS).
                    let high = unsafe { src.wrapping_add(last).cast::<T>().read_unaligned() };
                    let mut at = 0;
                    while at < last {
                        // SAFETY: as above.
                        let bytes = unsafe { src.wrapping_add(at).cast::<T>().read_unaligned() };
                        // SAFETY: as above.
                        unsafe { dst.wrapping_add(at).cast::<T>().write_unaligned(bytes) };
                        at += size_of::<T>();
                    }
                    // SAFETY: as above.
                    unsafe { dst.wrapping_add(last).cast::<T>().write_unaligned(high) };
                    dst = dst.wrapping_offset(d);
                    src = src.wrapping_offset(s);
                }
            }
        }
    };
}

/// Copies runs by four vectors of 16 bytes at a time, the last of which overlap others.
///
/// # Safety
/// * ITEMS: as for [`super::super::Runs`]; a run is 64 bytes or longer.
#[target_feature(enable = "sse2")]
unsafe fn fours(mut dst: *mut u8, d: isize, mut src: *const u8, s: isize, n: usize, run: usize) {
    let last = run - 64;
    for _ in 0..n {
        let mut at = 0;
        loop {
            let place = at.min(last);
            let (to, from) = (dst.wrapping_add(place), src.wrapping_add(place));
            // SAFETY: in the run at this step (caller: ITEMS).
            let first = unsafe { from.cast::<__m128i>().read_unaligned() };
            // SAFETY: as above.
            let second = unsafe { from.cast::<__m128i>().wrapping_add(1).read_unaligned() };
            // SAFETY: as above.
            let third = unsafe { from.cast::<__m128i>().wrapping_add(2).read_unaligned() };
            // SAFETY: as above.
            let fourth = unsafe { from.cast::<__m128i>().wrapping_add(3).read_unaligned() };
            // SAFETY: as above.
            unsafe { to.cast::<__m128i>().write_unaligned(first) };
            // SAFETY: as above.
            unsafe { to.cast::<__m128i>().wrapping_add(1).write_unaligned(second) };
            // SAFETY: as above.
            unsafe { to.cast::<__m128i>().wrapping_add(2).write_unaligned(third) };
            // SAFETY: as above.
            unsafe { to.cast::<__m128i>().wrapping_add(3).write_unaligned(fourth) };
            at += 64;
            if at >= run {
                break;
            }
        }
        dst = dst.wrapping_offset(d);
        src = src.wrapping_offset(s);
    }
}

/// Runs of more than so many vectors are left to `memcpy`.
const MANY: usize = 8;

kernels!(sse, "sse2", __m128i);
kernels!(avx2, "avx2", __m256i);
kernels!(avx512, "avx512f", __m512i);

//! Runs that are too short for `memcpy`, copied by vectors that overlap.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "offsets within the run that the caller promised"
)]

#[cfg(target_arch = "x86_64")]
use core::arch::x86_64::__m128i;

/// The functions of a level, by its features.
macro_rules! level {
    ($level:ident, $features:literal) => {
        pub mod $level {
            /// Copies runs by their first and their last bytes.
            ///
            /// # Safety
            /// * ITEMS: as for [`crate::kernels::Runs`]; a run is as long as one `T` and no longer than two.
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
            /// * ITEMS: as for [`crate::kernels::Runs`]; a run is longer than a vector.
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

#[cfg(target_arch = "x86_64")]
level!(sse, "sse2");
#[cfg(target_arch = "x86_64")]
level!(avx2, "avx2");
#[cfg(target_arch = "x86_64")]
level!(avx512, "avx512f");
#[cfg(target_arch = "aarch64")]
level!(neon, "neon");

/// Copies runs by four vectors of 16 bytes at a time, the last of which overlap others.
///
/// # Safety
/// * ITEMS: as for [`crate::kernels::Runs`]; a run is 64 bytes or longer.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sse2")]
pub unsafe fn fours(
    mut dst: *mut u8,
    d: isize,
    mut src: *const u8,
    s: isize,
    n: usize,
    run: usize,
) {
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

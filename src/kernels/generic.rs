//! Leaf loops in plain Rust, for every machine.

use core::ptr;

/// Copies `n` runs of `run` bytes; `d` and `s` are the distances from one run to the next.
///
/// # Safety
/// For each `i < n`, `run` bytes are writable at `dst + i * d` and readable at `src + i * s`, and no
/// byte that is written is one that is read.
pub unsafe fn runs(dst: *mut u8, d: isize, src: *const u8, s: isize, n: isize, run: usize) {
    let kernel = match run {
        1 => runs_of::<1>,
        2 => runs_of::<2>,
        4 => runs_of::<4>,
        8 => runs_of::<8>,
        16 => runs_of::<16>,
        // SAFETY: the caller's promise is the callee's.
        _ => return unsafe { runs_of_any(dst, d, src, s, n, run) },
    };
    // SAFETY: as above; the kernel's run is this one.
    unsafe { kernel(dst, d, src, s, n) }
}

/// As [`runs`], for a size known to the compiler.
///
/// # Safety
/// As for [`runs`].
unsafe fn runs_of<const RUN: usize>(
    mut dst: *mut u8,
    d: isize,
    mut src: *const u8,
    s: isize,
    n: isize,
) {
    for _ in 0..n {
        // SAFETY: the run at this step is readable and writable and disjoint (caller).
        unsafe { ptr::copy_nonoverlapping(src, dst, RUN) };
        dst = dst.wrapping_offset(d);
        src = src.wrapping_offset(s);
    }
}

/// As [`runs`], by memcpy.
///
/// # Safety
/// As for [`runs`].
unsafe fn runs_of_any(
    mut dst: *mut u8,
    d: isize,
    mut src: *const u8,
    s: isize,
    n: isize,
    run: usize,
) {
    for _ in 0..n {
        // SAFETY: the run at this step is readable and writable and disjoint (caller).
        unsafe { ptr::copy_nonoverlapping(src, dst, run) };
        dst = dst.wrapping_offset(d);
        src = src.wrapping_offset(s);
    }
}

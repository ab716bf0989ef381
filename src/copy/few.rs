//! Copies of few items: no set-up that costs more than the copy.
//!
//! The items are visited in the order of the loops, so destinations whose items overlap one another need
//! no care but that.

use core::ptr;

use super::direct;
use crate::plan::Axis;

/// Three loops around an item, the slowest first.
struct Loops {
    /// How many steps each has, at least one.
    n: [isize; 3],
    /// How far a step goes in the destination.
    dst: [isize; 3],
    /// How far a step goes in the source.
    src: [isize; 3],
    itemsize: isize,
}

/// Runs the loops of any number of dimensions from 3 to 8, each listed from the slowest to the fastest.
///
/// # Safety
/// At every index within `n` an item is readable at `src` and writable at `dst`; the two share no byte.
#[inline(always)]
pub unsafe fn copy<const DIMS: usize>(
    (dst, d): (*mut u8, &[isize; DIMS]),
    (src, s): (*const u8, &[isize; DIMS]),
    n: &[isize; DIMS],
    itemsize: isize,
) {
    let (Some((outer_d, d)), Some((outer_s, s)), Some((outer_n, n))) =
        (d.split_last_chunk(), s.split_last_chunk(), n.split_last_chunk())
    else {
        return;
    };
    let loops = Loops { n: *n, dst: *d, src: *s, itemsize };
    if DIMS == 3 {
        // SAFETY: the caller's promise is the callee's.
        return unsafe { run(dst, src, &loops) };
    }
    let mut outer = [Axis::default(); 5];
    let mut kept = 0;
    for ((&n, &dst), &src) in outer_n.iter().zip(outer_d).zip(outer_s) {
        if let Some(axis) = outer.get_mut(kept).filter(|_| n != 1) {
            *axis = Axis { n, dst, src, ..*axis };
            kept = kept.wrapping_add(1);
        }
    }
    let outer = outer.get_mut(..kept).unwrap_or_default();
    // SAFETY: the three inner loops at the outer ones' indices (caller).
    direct::each(outer, dst, src, |dst, src| unsafe { run(dst, src, &loops) });
}

/// Runs three loops.
///
/// # Safety
/// At every index an item is readable at `src` and writable at `dst`; the two share no byte.
#[inline]
unsafe fn run(dst: *mut u8, src: *const u8, loops: &Loops) {
    let run = match loops.itemsize {
        1 => run_of::<1>,
        2 => run_of::<2>,
        4 => run_of::<4>,
        8 => run_of::<8>,
        16 => run_of::<16>,
        _ => run_of::<0>,
    };
    // SAFETY: the caller's promise is the callee's.
    unsafe { run(dst, src, loops) };
}

/// As [`run`], for items of `W` bytes, or of any size if `W` is 0.
///
/// # Safety
/// As for [`run`].
unsafe fn run_of<const W: usize>(mut dst: *mut u8, mut src: *const u8, loops: &Loops) {
    let size = if W == 0 { loops.itemsize.unsigned_abs() } else { W };
    let ([planes, lines, items], [d0, d1, d2], [s0, s1, s2]) = (loops.n, loops.dst, loops.src);
    let item = |dst: *mut u8, src: *const u8| {
        // SAFETY: an item is there on both sides, and they share no byte (caller).
        unsafe { ptr::copy_nonoverlapping(src, dst, size) };
    };
    for _ in 0..planes {
        let (mut to_line, mut from_line) = (dst, src);
        for _ in 0..lines {
            let (mut to, mut from) = (to_line, from_line);
            let mut left = items;
            while left >= 4 {
                item(to, from);
                item(to.wrapping_offset(d2), from.wrapping_offset(s2));
                item(
                    to.wrapping_offset(d2.wrapping_mul(2)),
                    from.wrapping_offset(s2.wrapping_mul(2)),
                );
                item(
                    to.wrapping_offset(d2.wrapping_mul(3)),
                    from.wrapping_offset(s2.wrapping_mul(3)),
                );
                to = to.wrapping_offset(d2.wrapping_mul(4));
                from = from.wrapping_offset(s2.wrapping_mul(4));
                left = left.wrapping_sub(4);
            }
            while left > 0 {
                item(to, from);
                to = to.wrapping_offset(d2);
                from = from.wrapping_offset(s2);
                left = left.wrapping_sub(1);
            }
            to_line = to_line.wrapping_offset(d1);
            from_line = from_line.wrapping_offset(s1);
        }
        dst = dst.wrapping_offset(d0);
        src = src.wrapping_offset(s0);
    }
}

//! Copies of few items: no set-up that costs more than the copy.
//!
//! The items are visited in the order of the loops, so destinations whose items overlap one another need
//! no care but that.

use core::ptr;

use super::direct;
use crate::plan::Axis;

/// Three loops around an item, the slowest first.
pub struct Loops {
    /// How many steps each has, at least one.
    pub n: [isize; 3],
    /// How far a step goes in the destination.
    pub dst: [isize; 3],
    /// How far a step goes in the source.
    pub src: [isize; 3],
    /// The size of an item.
    pub itemsize: isize,
}

/// The most items that are few.
pub const ITEMS: isize = 128;

/// Runs any loops, the last of them the fastest. Leaves their indices at 0.
///
/// # Safety
/// At every index of the axes, which follow no pointer, an item is readable at `src` and writable at
/// `dst`; the two share no byte. All indices are 0.
pub unsafe fn copy_axes(axes: &mut [Axis], dst: *mut u8, src: *const u8, itemsize: isize) {
    let mut loops = Loops { n: [1; 3], dst: [0; 3], src: [0; 3], itemsize };
    let outer = axes.len().saturating_sub(loops.n.len());
    let Some((outer, inner)) = axes.split_at_mut_checked(outer) else { return };
    let numbers = loops.n.iter_mut().zip(&mut loops.dst).zip(&mut loops.src).rev();
    for (((n, dst), src), axis) in numbers.zip(inner.iter().rev()) {
        (*n, *dst, *src) = (axis.n, axis.dst, axis.src);
    }
    // SAFETY: the inner loops at the outer ones' indices (caller).
    direct::each(outer, dst, src, &mut |dst, src| unsafe { copy(dst, src, &loops) });
}

/// Runs three loops.
///
/// # Safety
/// At every index an item is readable at `src` and writable at `dst`; the two share no byte.
#[inline]
pub unsafe fn copy(dst: *mut u8, src: *const u8, loops: &Loops) {
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

/// As [`copy`], for items of `W` bytes, or of any size if `W` is 0.
///
/// # Safety
/// As for [`copy`].
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

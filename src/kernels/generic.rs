//! Leaf loops in plain Rust, for every machine.

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use core::arch::asm;
use core::ptr;

use super::{Fill, Items, Kernels, Level, WIDTHS, Way, of_width};

/// The lowest level.
pub static KERNELS: Kernels = Kernels {
    level: Level::Generic,
    gather,
    scatter,
    transpose,
    fill,
    runs: runs_of_any,
    odd: None,
    carry,
};

/// Items at a distance on both sides: no level has anything better.
const ITEMS: [Items; WIDTHS] =
    [items::<u8>, items::<u16>, items::<u32>, items::<u64>, items::<u128>];

/// The kernel for items of `width` bytes at a distance on both sides.
pub fn items_of(width: usize) -> Items {
    of_width(&ITEMS, width)
}

/// Items at a distance in the source; see [`super::Strided`].
///
/// # Safety
/// As for [`super::Strided`].
pub unsafe fn gather(width: usize, dst: *mut u8, src: *const u8, step: isize, n: usize) {
    // SAFETY: the caller's promise is the callee's.
    unsafe { items_of(width)(dst, width.cast_signed(), src, step, n) };
}

/// Items at a distance in the destination; see [`super::Strided`].
///
/// # Safety
/// As for [`super::Strided`].
pub unsafe fn scatter(width: usize, dst: *mut u8, src: *const u8, step: isize, n: usize) {
    match width {
        // SAFETY: the caller's promise is the callee's.
        1 => unsafe { scatter_words::<1>(dst, src, step, n) },
        // SAFETY: as above.
        2 => unsafe { scatter_words::<2>(dst, src, step, n) },
        // SAFETY: as above.
        _ => unsafe { items_of(width)(dst, step, src, width.cast_signed(), n) },
    }
}

/// `scatter` of items of 1 and 2 bytes. Of near ones 8 bytes are read at a time and stored in the order of
/// their addresses: two stores in a cycle go to one line only (Emerald Rapids, 100 000 items of 1 byte
/// at 2, 3, 4: .08 of memcpy one by one, .13 .12 .10 where two places take turns, .13 .13 .13 so; of
/// 2 bytes .16, .24 .21 .18, .24 .22 .20). That is what stores allow: of a register, without loads, they
/// reach .14 .13 .13 and .26 .23 .23. Bytes of a vector (`pextrb`) are no faster than those of a
/// word, and `maskmovdqu` takes three times as long.
///
/// # Safety
/// As for [`super::Strided`].
unsafe fn scatter_words<const W: usize>(
    mut dst: *mut u8,
    mut src: *const u8,
    step: isize,
    n: usize,
) {
    let per = 8_usize.checked_div(W).unwrap_or(8);
    let mut left = n;
    while left >= per && step.unsigned_abs() <= 12 {
        // SAFETY: as many items are readable (caller).
        let word = unsafe { src.cast::<[u8; 8]>().read() };
        for four in word.chunks_exact(W.wrapping_mul(4)) {
            for (item, at) in four.chunks_exact(W).zip(0..) {
                let to = dst.wrapping_offset(step.wrapping_mul(at));
                // SAFETY: an item of the destination (caller).
                unsafe { ptr::copy_nonoverlapping(item.as_ptr(), to, W) };
            }
            dst = walked(dst.wrapping_offset(step.wrapping_mul(4))).cast_mut();
        }
        src = src.wrapping_add(8);
        left = left.wrapping_sub(per);
    }
    // SAFETY: the items that are left.
    unsafe { items_of(W)(dst, step, src, W.cast_signed(), left) };
}

/// Copies `n` items `T` at distances `d` and `s`, four at a time from one place on: an addition on the way
/// to each takes a cycle (Emerald Rapids, AVX2, 1000 bytes of items of 2 at 16 scattered: .046 -> .065 of
/// memcpy; 100 000 items of 1 byte at 10 gathered .08 -> .10; in the next cache no difference).
///
/// # Safety
/// For each `i < n`, a `T` is writable at `dst + i * d` and readable at `src + i * s`, and no byte
/// that is written is one that is read.
unsafe fn items<T: Copy>(mut dst: *mut u8, d: isize, mut src: *const u8, s: isize, mut n: usize) {
    while n >= 4 {
        // SAFETY: the item at this step is readable (caller).
        let first = unsafe { src.cast::<T>().read_unaligned() };
        let mut four = [first; 4];
        for (item, at) in four.iter_mut().zip(0..).skip(1) {
            let from = src.wrapping_offset(s.wrapping_mul(at));
            // SAFETY: as above.
            *item = unsafe { from.cast::<T>().read_unaligned() };
        }
        for (item, at) in four.iter().zip(0..) {
            let to = dst.wrapping_offset(d.wrapping_mul(at));
            // SAFETY: the item at this step is writable (caller).
            unsafe { to.cast::<T>().write_unaligned(*item) };
        }
        dst = walked(dst.wrapping_offset(d.wrapping_mul(4))).cast_mut();
        src = walked(src.wrapping_offset(s.wrapping_mul(4)));
        n = n.wrapping_sub(4);
    }
    for _ in 0..n {
        // SAFETY: the item at this step is readable and writable and disjoint (caller).
        unsafe { ptr::copy_nonoverlapping(src, dst, size_of::<T>()) };
        dst = dst.wrapping_offset(d);
        src = src.wrapping_offset(s);
    }
}

/// The same pointer, of which the compiler does not know the origin. It would otherwise compute all
/// rows' distances from the first, keep them on the stack and load one before each row (u8 64 x 64 on
/// Emerald Rapids, AVX-512: .14 of memcpy instead of .2), or reach each item from the one in front.
#[inline]
pub fn walked(at: *const u8) -> *const u8 {
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    let at = {
        let mut at = at;
        #[expect(clippy::pointers_in_nomem_asm_block, reason = "nothing is read or written there")]
        // SAFETY: no instruction at all.
        unsafe {
            asm!("/* {0} */", inout(reg) at, options(pure, nomem, nostack, preserves_flags));
        }
        at
    };
    at
}

/// Two dimensions whose order differs, in blocks that stay in the first cache; see
/// [`super::Transpose`].
///
/// # Safety
/// As for [`super::Transpose`].
pub unsafe fn transpose(
    width: usize,
    mut dst: *mut u8,
    d: isize,
    mut src: *const u8,
    s: isize,
    columns: usize,
    rows: usize,
) {
    // A line of the destination for each of as many columns as lines of the source have items.
    let block = 64_usize.checked_div(width).unwrap_or(1).max(8);
    let (items, w) = (items_of(width), width.cast_signed());
    let mut left = columns;
    while left > 0 {
        let across = left.min(block);
        let (mut to, mut from, mut down) = (dst, src, rows);
        while down > 0 {
            let height = down.min(block.max(32));
            // Few calls of many items (7 x 200 items of 1 byte on Emerald Rapids: 750 ns by columns, 375 by
            // rows). Without calls, by a function for each width, squares are up to a fifth faster and
            // the library is 3 KB larger.
            let (column, row) = ((across, d, w), (height, w, s));
            let (outer, inner) = if height < across { (row, column) } else { (column, row) };
            let (mut line, mut items_at) = (to, from);
            for _ in 0..outer.0 {
                // SAFETY: a column or a row of the block, which is a part of the arrays (caller).
                unsafe { items(line, inner.1, items_at, inner.2, inner.0) };
                line = line.wrapping_offset(outer.1);
                items_at = items_at.wrapping_offset(outer.2);
            }
            to = to.wrapping_add(height.wrapping_mul(width));
            from = from.wrapping_offset(s.wrapping_mul(height.cast_signed()));
            down = down.wrapping_sub(height);
        }
        dst = dst.wrapping_offset(d.wrapping_mul(across.cast_signed()));
        src = src.wrapping_add(across.wrapping_mul(width));
        left = left.wrapping_sub(across);
    }
}

/// One item many times; see [`super::Fill`].
///
/// # Safety
/// As for [`super::Fill`].
pub unsafe fn fill(width: usize, dst: *mut u8, src: *const u8, n: usize) {
    // SAFETY: the caller's promise is the callee's.
    unsafe { of_width(&FILLS, width)(width, dst, src, n) };
}

const FILLS: [Fill; WIDTHS] =
    [fill_of::<1>, fill_of::<2>, fill_of::<4>, fill_of::<8>, fill_of::<16>];

/// `fill` of items of `W` bytes.
///
/// # Safety
/// As for `fill`.
unsafe fn fill_of<const W: usize>(_: usize, dst: *mut u8, src: *const u8, n: usize) {
    // SAFETY: the item is readable (caller).
    let item = unsafe { src.cast::<[u8; W]>().read_unaligned() };
    let mut at = dst.cast::<[u8; W]>();
    for _ in 0..n {
        // SAFETY: `n` items are writable (caller).
        unsafe { at.write_unaligned(item) };
        at = at.wrapping_add(1);
    }
}

/// Copies `n` runs of `run` bytes; see [`super::Runs`].
///
/// # Safety
/// As for [`super::Runs`].
pub unsafe fn runs_of_any(
    mut dst: *mut u8,
    d: isize,
    mut src: *const u8,
    s: isize,
    n: usize,
    run: usize,
) {
    for _ in 0..n {
        // SAFETY: the run at this step is readable and writable and disjoint (caller).
        unsafe { ptr::copy_nonoverlapping(src, dst, run) };
        dst = dst.wrapping_offset(d);
        src = src.wrapping_offset(s);
    }
}

/// Runs into a stage or out of it; see [`super::Carry`].
///
/// # Safety
/// As for [`super::Carry`].
pub unsafe fn carry(
    places: &[*mut u8],
    from: isize,
    mut line: *mut u8,
    pitch: usize,
    run: usize,
    way: Way,
) {
    for place in places {
        let place = place.wrapping_offset(from);
        let (dst, src) = if way == Way::In { (line, place) } else { (place, line) };
        // SAFETY: a run of a place, and of the stage (caller).
        unsafe { ptr::copy_nonoverlapping(src, dst, run) };
        line = line.wrapping_add(pitch);
    }
}

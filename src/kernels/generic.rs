//! Leaf loops in plain Rust, for every machine.

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use core::arch::asm;
use core::ptr;

use super::{CarryMode, Fill, Items, Kernels, Level, WIDTHS, of_width};

/// The lowest level.
pub static KERNELS: Kernels = Kernels {
    level: Level::Generic,
    gather,
    scatter,
    transpose,
    fill,
    runs: runs_of_any,
    streamed: None,
    odd: None,
    carry,
};

/// Items with gaps on both sides: no level has anything better.
const ITEMS: [Items; WIDTHS] =
    [items::<u8>, items::<u16>, items::<u32>, items::<u64>, items::<u128>];

/// The kernel for items of `width` bytes with gaps on both sides.
pub fn items_of(width: usize) -> Items {
    of_width(&ITEMS, width)
}

/// Items at a distance in the source; see [`super::Strided`].
///
/// # Safety
/// * ITEMS: as for [`super::Strided`].
pub unsafe fn gather(width: usize, dst: *mut u8, src: *const u8, step: isize, n: usize) {
    // SAFETY: the same arrays (caller: ITEMS).
    unsafe { items_of(width)(dst, width.cast_signed(), src, step, n) };
}

/// Items at a distance in the destination; see [`super::Strided`].
///
/// # Safety
/// * ITEMS: as for [`super::Strided`].
pub unsafe fn scatter(width: usize, dst: *mut u8, src: *const u8, step: isize, n: usize) {
    match width {
        // SAFETY: the same arrays (caller: ITEMS).
        1 => unsafe { scatter_words::<1>(dst, src, step, n) },
        // SAFETY: as above.
        2 => unsafe { scatter_words::<2>(dst, src, step, n) },
        // SAFETY: as above.
        _ => unsafe { items_of(width)(dst, step, src, width.cast_signed(), n) },
    }
}

/// `scatter` of items of 1 and 2 bytes. If their places are near each other, 8 bytes are read at a time and stored
/// in the order of their addresses (D-19).
///
/// # Safety
/// * ITEMS: as for [`super::Strided`].
unsafe fn scatter_words<const W: usize>(
    mut dst: *mut u8,
    mut src: *const u8,
    step: isize,
    n: usize,
) {
    let per = 8_usize.checked_div(W).unwrap_or(8);
    let mut left = n;
    while left >= per && step.unsigned_abs() <= 12 {
        // SAFETY: as many items are readable (caller: ITEMS).
        let word = unsafe { src.cast::<[u8; 8]>().read() };
        for four in word.chunks_exact(W.wrapping_mul(4)) {
            for (item, at) in four.chunks_exact(W).zip(0..) {
                let to = dst.wrapping_offset(step.wrapping_mul(at));
                // SAFETY: an item of the destination (caller: ITEMS).
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

/// Copies `n` items `T` at distances `d` and `s`, four at a time from one base address: a dependent addition for
/// each would take a cycle (D-20).
///
/// # Safety
/// * BYTES: For each `i < n`, a `T` is writable at `dst + i * d` and readable at `src + i * s`, and no byte that is written is one that is read.
unsafe fn items<T: Copy>(mut dst: *mut u8, d: isize, mut src: *const u8, s: isize, mut n: usize) {
    while n >= 4 {
        // SAFETY: the item at this step is readable (caller: BYTES).
        let first = unsafe { src.cast::<T>().read_unaligned() };
        let mut four = [first; 4];
        for (item, at) in four.iter_mut().zip(0..).skip(1) {
            let from = src.wrapping_offset(s.wrapping_mul(at));
            // SAFETY: as above.
            *item = unsafe { from.cast::<T>().read_unaligned() };
        }
        for (item, at) in four.iter().zip(0..) {
            let to = dst.wrapping_offset(d.wrapping_mul(at));
            // SAFETY: the item at this step is writable (caller: BYTES).
            unsafe { to.cast::<T>().write_unaligned(*item) };
        }
        dst = walked(dst.wrapping_offset(d.wrapping_mul(4))).cast_mut();
        src = walked(src.wrapping_offset(s.wrapping_mul(4)));
        n = n.wrapping_sub(4);
    }
    for _ in 0..n {
        // SAFETY: the item at this step is readable and writable and disjoint (caller: BYTES).
        unsafe { ptr::copy_nonoverlapping(src, dst, size_of::<T>()) };
        dst = dst.wrapping_offset(d);
        src = src.wrapping_offset(s);
    }
}

/// The same pointer, whose origin is hidden from the compiler. Otherwise it would compute the offsets of all rows
/// first, spill them to the stack and load one before each row (D-21), or compute each item's address from the
/// previous one.
#[inline]
pub fn walked(at: *const u8) -> *const u8 {
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    let at = {
        let mut at = at;
        #[expect(clippy::pointers_in_nomem_asm_block, reason = "nothing is read or written there")]
        // SAFETY: the assembly is empty; the register keeps its value.
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
/// * ITEMS: as for [`super::Transpose`].
pub unsafe fn transpose(
    width: usize,
    mut dst: *mut u8,
    d: isize,
    mut src: *const u8,
    s: isize,
    columns: usize,
    rows: usize,
) {
    // A block has as many columns as a cache line of the source has items, and each is a cache line high.
    let block = 64_usize.checked_div(width).unwrap_or(1).max(8);
    let (items, w) = (items_of(width), width.cast_signed());
    let mut left = columns;
    while left > 0 {
        let across = left.min(block);
        let (mut to, mut from, mut down) = (dst, src, rows);
        while down > 0 {
            let height = down.min(block.max(32));
            // The longer dimension is the inner one: few calls of many items (D-22).
            let (column, row) = ((across, d, w), (height, w, s));
            let (outer, inner) = if height < across { (row, column) } else { (column, row) };
            let (mut line, mut items_at) = (to, from);
            for _ in 0..outer.0 {
                // SAFETY: a column or a row of the block, which is a part of the arrays (caller: ITEMS).
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
/// * ITEMS: as for [`super::Fill`].
pub unsafe fn fill(width: usize, dst: *mut u8, src: *const u8, n: usize) {
    // SAFETY: the same arrays (caller: ITEMS).
    unsafe { of_width(&FILLS, width)(width, dst, src, n) };
}

const FILLS: [Fill; WIDTHS] =
    [fill_of::<1>, fill_of::<2>, fill_of::<4>, fill_of::<8>, fill_of::<16>];

/// `fill` of items of `W` bytes.
///
/// # Safety
/// * ITEMS: as for `fill`.
unsafe fn fill_of<const W: usize>(_: usize, dst: *mut u8, src: *const u8, n: usize) {
    // SAFETY: the item is readable (caller: ITEMS).
    let item = unsafe { src.cast::<[u8; W]>().read_unaligned() };
    let mut at = dst.cast::<[u8; W]>();
    for _ in 0..n {
        // SAFETY: `n` items are writable (caller: ITEMS).
        unsafe { at.write_unaligned(item) };
        at = at.wrapping_add(1);
    }
}

/// Copies `n` runs of `run` bytes; see [`super::Runs`].
///
/// # Safety
/// * ITEMS: as for [`super::Runs`].
pub unsafe fn runs_of_any(
    mut dst: *mut u8,
    d: isize,
    mut src: *const u8,
    s: isize,
    n: usize,
    run: usize,
) {
    for _ in 0..n {
        // SAFETY: the run at this step is readable and writable and disjoint (caller: ITEMS).
        unsafe { ptr::copy_nonoverlapping(src, dst, run) };
        dst = dst.wrapping_offset(d);
        src = src.wrapping_offset(s);
    }
}

/// Runs into a stage or out of it; see [`super::Carry`].
///
/// # Safety
/// * ITEMS: as for [`super::Carry`].
pub unsafe fn carry(
    places: &[*mut u8],
    from: isize,
    mut line: *mut u8,
    pitch: usize,
    run: usize,
    mode: CarryMode,
) {
    for place in places {
        let place = place.wrapping_offset(from);
        let (dst, src) = if mode == CarryMode::In { (line, place) } else { (place, line) };
        // SAFETY: a run of a place, and of the stage (caller: ITEMS).
        unsafe { ptr::copy_nonoverlapping(src, dst, run) };
        line = line.wrapping_add(pitch);
    }
}

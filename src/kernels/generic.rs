//! Leaf loops in plain Rust, for every machine.

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
    others: None,
    carry,
};

/// Items at a distance on both sides: no level has anything better.
const ITEMS: [Items; WIDTHS] = [items::<1>, items::<2>, items::<4>, items::<8>, items::<16>];

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

/// `scatter` of items of 1 and 2 bytes. Of near ones 8 bytes are read at a time and stored from two
/// places on (Emerald Rapids, AVX2, 100 000 items at 2: .08 .16 of memcpy -> .13 .24; from one place on
/// no gain; at 12 a loss).
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
    let half = step.wrapping_mul((per >> 1).cast_signed());
    let mut left = n;
    while left >= per && step.unsigned_abs() <= 8 {
        // SAFETY: as many items are readable (caller).
        let word = unsafe { src.cast::<[u8; 8]>().read() };
        let mut at = [dst, dst.wrapping_offset(half)];
        let (low, high) = word.split_at(4);
        for (low, high) in low.chunks_exact(W).zip(high.chunks_exact(W)) {
            for (item, to) in [low, high].into_iter().zip(&mut at) {
                // SAFETY: an item of the destination (caller).
                unsafe { ptr::copy_nonoverlapping(item.as_ptr(), *to, W) };
                *to = to.wrapping_offset(step);
            }
        }
        dst = dst.wrapping_offset(half.wrapping_mul(2));
        src = src.wrapping_add(8);
        left = left.wrapping_sub(per);
    }
    // SAFETY: the items that are left.
    unsafe { items::<W>(dst, step, src, W.cast_signed(), left) };
}

/// Copies `n` items of `W` bytes at distances `d` and `s`.
///
/// # Safety
/// For each `i < n`, `W` bytes are writable at `dst + i * d` and readable at `src + i * s`, and no
/// byte that is written is one that is read.
unsafe fn items<const W: usize>(
    mut dst: *mut u8,
    d: isize,
    mut src: *const u8,
    s: isize,
    n: usize,
) {
    for _ in 0..n {
        // SAFETY: the item at this step is readable and writable and disjoint (caller).
        unsafe { ptr::copy_nonoverlapping(src, dst, W) };
        dst = dst.wrapping_offset(d);
        src = src.wrapping_offset(s);
    }
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

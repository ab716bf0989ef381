//! Copies by three loops at most, without set-up that would cost more than a small copy.
//!
//! If there are few items, they are visited in the order of the loops, so that the order is right for destinations
//! whose items overlap one another, too.

use core::ptr;

use super::{direct, odometer};
use crate::fresh;
use crate::kernels;
use crate::plan::{self, Axis};

/// Three loops around an item, the slowest first.
///
/// The numbers are not copied: a load of a vector stalls if its parts were stored just before, which took a quarter
/// of the time of a tiny copy (D-38).
#[derive(Clone, Copy)]
pub struct Loops<'a> {
    /// How many steps each has, at least one.
    pub n: &'a [isize; 3],
    /// How far a step goes in the destination.
    pub dst: &'a [isize; 3],
    /// How far a step goes in the source.
    pub src: &'a [isize; 3],
    /// The size of an item.
    pub itemsize: isize,
}

/// The largest number of items that counts as few.
pub const ITEMS: isize = 128;

/// Runs any loops, the last of them the fastest. Leaves their indices at 0.
///
/// # Safety
/// * ITEMS: at every index of the axes, which follow no pointer, an item is readable at `src` and writable at
///   `dst`; the two share no byte. All indices are 0.
pub unsafe fn copy_axes(axes: &mut [Axis], dst: *mut u8, src: *const u8, itemsize: isize) {
    let (mut n, mut d, mut s) = ([1; 3], [0; 3], [0; 3]);
    let outer = axes.len().saturating_sub(n.len());
    let Some((outer, inner)) = axes.split_at_mut_checked(outer) else { return };
    let numbers = n.iter_mut().zip(&mut d).zip(&mut s).rev();
    for (((n, d), s), axis) in numbers.zip(inner.iter().rev()) {
        (*n, *d, *s) = (axis.n, axis.dst, axis.src);
    }
    let loops = Loops { n: &n, dst: &d, src: &s, itemsize };
    // SAFETY: the inner loops at the outer ones' indices (caller: ITEMS).
    odometer::each(outer, dst, src, &mut |dst, src| unsafe { copy(dst, src, &loops) });
}

/// Runs three loops over many items, in whichever order is best. Returns whether it did: not if items of the
/// destination overlap one another.
///
/// # Safety
/// * ITEMS: at every index an item is readable at `src` and writable at `dst`; the two share no byte.
#[inline(never)]
pub unsafe fn copy_many(dst: *mut u8, src: *const u8, loops: &Loops) -> bool {
    let Loops { n, itemsize, .. } = *loops;
    let width = itemsize.unsigned_abs();
    let w = kernels::width_of(width);
    if let (Some(t), Some(_)) = (transposed(loops), w) {
        let transpose = kernels::selected().transpose;
        let items = n.iter().product();
        if fresh::is_much(items, itemsize) {
            fresh::populate_axes(dst, &axes_of(loops), items, itemsize);
        }
        // SAFETY: all items of the loops (caller: ITEMS), of which none is written twice.
        unsafe { transpose(width, dst, t.d, src, t.s, t.columns, t.rows) };
        return true;
    }
    // Items of odd sizes are copied by memcpy, where a plan pays earlier (D-39).
    if w.is_some() && is_deep(loops) && n.iter().product::<isize>() <= DEEP {
        // SAFETY: the same loops (caller: ITEMS).
        unsafe { copy(dst, src, loops) };
        return true;
    }
    let mut axes = axes_of(loops);
    let is_plain = plan::writes_each_byte_once(&axes, itemsize);
    if is_plain {
        fresh::populate_axes(dst, &axes, n.iter().product(), itemsize);
        // SAFETY: the same loops (caller: ITEMS); no pointer is followed, and no byte written twice.
        unsafe { direct::copy(&mut axes, dst, src, itemsize) };
    }
    is_plain
}

/// The same loops, for a plan.
fn axes_of(loops: &Loops) -> [Axis; 3] {
    let mut axes = [Axis::default(); 3];
    let numbers = loops.n.iter().zip(loops.dst).zip(loops.src);
    for (axis, ((&n, &dst), &src)) in axes.iter_mut().zip(numbers) {
        *axis = Axis { n, dst, src, dst_suboffset: -1, src_suboffset: -1, index: 0 };
    }
    axes
}

/// The largest number of items that counts as few if a plan would keep all three loops (D-39).
const DEEP: isize = 3 * ITEMS;

/// Whether a plan would keep all three loops: no two can be merged, and the items of the last one are not
/// contiguous on both sides.
fn is_deep(loops: &Loops) -> bool {
    let Loops { n: &[k, n, m], dst: &[c, d, e], src: &[r, s, t], itemsize } = *loops;
    let joins = |n: isize, (d, e), (s, t)| d == n.wrapping_mul(e) && s == n.wrapping_mul(t);
    k.min(n).min(m) > 1
        && !joins(n, (c, d), (r, s))
        && !joins(m, (d, e), (s, t))
        && (e, t) != (itemsize, itemsize)
}

/// The arguments of a transpose.
struct Transposed {
    columns: usize,
    rows: usize,
    d: isize,
    s: isize,
}

/// The loops as one transpose, if the plan would make them one (`plan::Class::Transpose`), which takes longer (D-40).
fn transposed(loops: &Loops) -> Option<Transposed> {
    let Loops { n: &[planes, n, m], dst: &[_, d, e], src: &[_, s, t], itemsize } = *loops;
    // The number of rows and their distance in the source; the number of columns and their distance in the
    // destination.
    let (rows, s, columns, d) =
        match (e == itemsize && s == itemsize, d == itemsize && t == itemsize) {
            (true, false) => (m, t, n, d),
            (false, true) => (n, s, m, e),
            _ => return None,
        };
    let writes_once = d >= rows.wrapping_mul(itemsize);
    let found = planes == 1 && columns > 1 && rows > 1 && s != 0 && writes_once;
    found.then(|| Transposed { columns: columns.unsigned_abs(), rows: rows.unsigned_abs(), d, s })
}

/// Runs three loops, in their order.
///
/// # Safety
/// * ITEMS: as for [`copy_many`].
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
    // SAFETY: the same loops (caller: ITEMS).
    unsafe { run(dst, src, loops) };
}

/// As [`copy`], for items of `W` bytes, or of any size if `W` is 0.
///
/// # Safety
/// * ITEMS: as for [`copy`].
unsafe fn run_of<const W: usize>(mut dst: *mut u8, mut src: *const u8, loops: &Loops) {
    let size = if W == 0 { loops.itemsize.unsigned_abs() } else { W };
    let (&[planes, lines, items], &[d0, d1, d2], &[s0, s1, s2]) = (loops.n, loops.dst, loops.src);
    let item = |dst: *mut u8, src: *const u8| {
        // SAFETY: an item on both sides, which share no byte (caller: ITEMS).
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

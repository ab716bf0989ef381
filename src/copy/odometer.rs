//! The loops of a copy as an odometer: advances the indices, and computes the addresses of their items.

use crate::layout::Order;
use crate::plan::Axis;
use crate::suboffset::follow;

/// Advances to the next index vector in `order`; `false` when it wraps round to all zeros.
pub fn advance(axes: &mut [Axis], order: Order) -> bool {
    fn tick<'a>(mut fastest_first: impl Iterator<Item = &'a mut Axis>) -> bool {
        fastest_first.any(|axis| {
            let next = axis.index.wrapping_add(1);
            axis.index = if next < axis.n { next } else { 0 };
            axis.index != 0
        })
    }
    match order {
        Order::C => tick(axes.iter_mut().rev()),
        Order::Fortran => tick(axes.iter_mut()),
    }
}

/// Advances in C order. Returns by how much the addresses in the destination and in the source change; `None` when
/// it wraps round. For loops that follow no pointer.
#[inline]
pub fn step(axes: &mut [Axis]) -> Option<(isize, isize)> {
    let (mut d, mut s) = (0_isize, 0_isize);
    for axis in axes.iter_mut().rev() {
        d = d.wrapping_add(axis.dst);
        s = s.wrapping_add(axis.src);
        axis.index = axis.index.wrapping_add(1);
        if axis.index < axis.n {
            return Some((d, s));
        }
        axis.index = 0;
        d = d.wrapping_sub(axis.n.wrapping_mul(axis.dst));
        s = s.wrapping_sub(axis.n.wrapping_mul(axis.src));
    }
    None
}

/// Calls `work` at every index of the loops, with the addresses in the destination and in the source.
#[inline(never)]
pub fn each(
    axes: &mut [Axis],
    mut dst: *mut u8,
    mut src: *const u8,
    work: &mut dyn FnMut(*mut u8, *const u8),
) {
    loop {
        work(dst, src);
        let Some((d, s)) = step(axes) else { return };
        dst = dst.wrapping_offset(d);
        src = src.wrapping_offset(s);
    }
}

/// Sets all indices to 0.
pub fn reset(axes: &mut [Axis]) {
    axes.iter_mut().for_each(|axis| axis.index = 0);
}

/// The address of the indices' item in the destination.
///
/// # Safety
/// * POINTERS: the indices are within the shape of an array at `first`; where a suboffset is not negative, a pointer
///   is readable at the entry.
pub unsafe fn locate_dst(axes: &[Axis], first: *mut u8) -> *mut u8 {
    // SAFETY: the same array and indices (caller: POINTERS).
    unsafe { locate(first, axes.iter().map(|a| (a.index, a.dst, a.dst_suboffset))) }
}

/// The address of the indices' item in the source.
///
/// # Safety
/// * POINTERS: as for [`locate_dst`].
pub unsafe fn locate_src(axes: &[Axis], first: *mut u8) -> *mut u8 {
    // SAFETY: the same array and indices (caller: POINTERS).
    unsafe { locate(first, axes.iter().map(|a| (a.index, a.src, a.src_suboffset))) }
}

/// The address of an item, given the `(index, stride, suboffset)` of each dimension.
///
/// # Safety
/// * POINTERS: where a suboffset is not negative, a pointer is readable at the entry.
pub unsafe fn locate(
    first: *mut u8,
    steps: impl Iterator<Item = (isize, isize, isize)>,
) -> *mut u8 {
    let mut at = first;
    for (index, stride, suboffset) in steps {
        // SAFETY: a pointer is readable where one is followed (caller: POINTERS).
        at = unsafe { follow(at.wrapping_offset(index.wrapping_mul(stride)), suboffset) };
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axes(shape: &[isize]) -> std::vec::Vec<Axis> {
        shape.iter().map(|&n| Axis { n, dst: 1, src: 10, ..Axis::default() }).collect()
    }

    fn indices(axes: &[Axis]) -> std::vec::Vec<isize> {
        axes.iter().map(|axis| axis.index).collect()
    }

    #[test]
    fn advance_visits_every_index_once_in_the_order_asked_for() {
        let mut axes = axes(&[2, 3]);
        let mut seen = std::vec![indices(&axes)];
        while advance(&mut axes, Order::C) {
            seen.push(indices(&axes));
        }
        assert_eq!(seen, [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]]);
        assert_eq!(indices(&axes), [0, 0]);
        assert!(advance(&mut axes, Order::Fortran));
        assert_eq!(indices(&axes), [1, 0]);
    }

    #[test]
    fn step_adds_up_to_the_offset_of_the_indices() {
        let mut axes = axes(&[2, 3]);
        let (mut d, mut s) = (0, 0);
        while let Some((dd, ds)) = step(&mut axes) {
            d += dd;
            s += ds;
            assert_eq!(d, axes[0].index + axes[1].index);
            assert_eq!(s, 10 * d);
        }
        assert_eq!(indices(&axes), [0, 0]);
    }
}

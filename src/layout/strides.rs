//! The strides of contiguous arrays.

use super::Order;

/// Fills `strides` with the strides, in bytes, of an array of `shape` whose items of `itemsize` bytes lie back to back
/// in `order`.
///
/// Sizes are taken as they are, and products wrap on overflow, as in libpython: a dimension of extent 0 makes the
/// strides of all slower dimensions 0.
pub fn fill_contiguous(strides: &mut [isize], shape: &[isize], itemsize: isize, order: Order) {
    each_dense(shape, itemsize, order, |axis, dense| {
        if let Some(stride) = strides.get_mut(axis) {
            *stride = dense;
        }
    });
}

/// Calls `set` with the number of each dimension of `shape` and the stride that it has if the items lie back to back in
/// `order`, the fastest dimension first. Products wrap on overflow.
#[inline]
pub fn each_dense(
    shape: &[isize],
    itemsize: isize,
    order: Order,
    mut set: impl FnMut(usize, isize),
) {
    let mut dense = itemsize;
    let mut step = |(axis, n): (usize, &isize)| {
        set(axis, dense);
        dense = dense.wrapping_mul(*n);
    };
    let dims = shape.iter().enumerate();
    match order {
        Order::C => dims.rev().for_each(&mut step),
        Order::Fortran => dims.for_each(&mut step),
    }
}

/// The stride of dimension `axis` in C order: `itemsize` times the extents of the later dimensions. Wraps on overflow.
#[cold]
pub fn c_stride(shape: &[isize], itemsize: isize, axis: usize) -> isize {
    let later = shape.get(axis.saturating_add(1)..).unwrap_or_default();
    later.iter().fold(itemsize, |stride, n| stride.wrapping_mul(*n))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(shape: &[isize], order: Order) -> std::vec::Vec<isize> {
        let mut strides = std::vec![-1; shape.len()];
        fill_contiguous(&mut strides, shape, 8, order);
        strides
    }

    #[test]
    fn fill_contiguous_follows_the_order() {
        assert_eq!(filled(&[2, 3, 4], Order::C), [96, 32, 8]);
        assert_eq!(filled(&[2, 3, 4], Order::Fortran), [8, 16, 48]);
        assert_eq!(filled(&[2, 0, 4], Order::C), [0, 32, 8]);
        assert_eq!(filled(&[2, 0, 4], Order::Fortran), [8, 16, 0]);
        assert_eq!(filled(&[], Order::C), []);
    }

    #[test]
    fn c_stride_agrees_with_fill_contiguous() {
        for axis in 0..3 {
            assert_eq!(c_stride(&[2, 3, 4], 8, axis), filled(&[2, 3, 4], Order::C)[axis]);
        }
    }
}

//! Do the items lie back to back?
//!
//! The answers are libpython's in every case, also for layouts that make no sense: dimensions of
//! extent 1 or less are never looked at, products wrap, and a shape that is missing where it would
//! be read means "no".

use super::Order;

/// Whether items of `itemsize` bytes with `shape[ndim]` and `strides[ndim]` lie back to back in
/// `order`. `None` strides stand for C-contiguous ones.
#[inline]
pub fn is_contiguous(
    ndim: usize,
    itemsize: isize,
    shape: Option<&[isize]>,
    strides: Option<&[isize]>,
    order: Order,
) -> bool {
    match (strides, order) {
        (None, Order::C) => true,
        (None, Order::Fortran) if ndim <= 1 => true,
        (None, Order::Fortran) => is_one_line(shape),
        (Some(_), _) if ndim == 0 => true,
        (Some(strides), order) => shape.is_some_and(|shape| {
            let dims = shape.iter().zip(strides);
            match order {
                Order::C => lie_back_to_back(itemsize, dims.rev()),
                Order::Fortran => lie_back_to_back(itemsize, dims),
            }
        }),
    }
}

/// Whether at most one dimension has more than one item.
#[cold]
fn is_one_line(shape: Option<&[isize]>) -> bool {
    shape.is_some_and(|shape| shape.iter().filter(|&&n| n > 1).nth(1).is_none())
}

/// Walks the dimensions from the fastest to the slowest.
#[inline]
fn lie_back_to_back<'a>(
    itemsize: isize,
    dims: impl Iterator<Item = (&'a isize, &'a isize)>,
) -> bool {
    let mut dense = itemsize;
    for (&n, &stride) in dims {
        if n > 1 && stride != dense {
            return false;
        }
        dense = dense.wrapping_mul(n);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(shape: &[isize], strides: &[isize], itemsize: isize) -> (bool, bool) {
        let of = |order| is_contiguous(shape.len(), itemsize, Some(shape), Some(strides), order);
        (of(Order::C), of(Order::Fortran))
    }

    #[test]
    fn dense_arrays_are_contiguous_in_their_order() {
        assert_eq!(both(&[2, 3], &[12, 4], 4), (true, false));
        assert_eq!(both(&[2, 3], &[4, 8], 4), (false, true));
        assert_eq!(both(&[6], &[4], 4), (true, true));
        assert_eq!(both(&[], &[], 4), (true, true));
    }

    #[test]
    fn strides_of_short_dimensions_do_not_matter() {
        assert_eq!(both(&[1, 3], &[999, 4], 4), (true, true));
        assert_eq!(both(&[0, 3], &[999, 4], 4), (true, false));
    }

    #[test]
    fn missing_strides_are_c_strides() {
        assert!(is_contiguous(2, 4, None, None, Order::C));
        assert!(!is_contiguous(2, 4, Some(&[2, 3]), None, Order::Fortran));
        assert!(is_contiguous(2, 4, Some(&[2, 1]), None, Order::Fortran));
        assert!(!is_contiguous(2, 4, None, None, Order::Fortran));
    }
}

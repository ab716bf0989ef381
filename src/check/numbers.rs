//! Questions about shapes and strides. Each is compiled once and kept out of line. If these short loops were
//! inlined everywhere, they would be most of the code that judges a view.

use crate::layout::extent::{Extent, extent};
use crate::layout::{Order, contiguity};

/// Whether one of `numbers` is `number`.
#[inline(never)]
pub fn has(numbers: &[isize], number: isize) -> bool {
    numbers.contains(&number)
}

/// The index of the first number that is negative, or that is not.
#[inline(never)]
pub fn place_of(numbers: &[isize], is_negative: bool) -> Option<usize> {
    numbers.iter().position(|n| (*n < 0) == is_negative)
}

/// The bytes that the items take, relative to the first; `None` if they exceed the address space. See [`extent`].
#[inline(never)]
pub fn extent_of(itemsize: isize, shape: &[isize], strides: &[isize]) -> Option<Extent> {
    extent(itemsize, shape.iter().copied().zip(strides.iter().copied()))
}

/// See [`contiguity::is_dense`].
#[inline(never)]
pub fn is_dense(itemsize: isize, shape: &[isize], strides: &[isize], order: Order) -> bool {
    contiguity::is_dense(itemsize, shape, strides, order)
}

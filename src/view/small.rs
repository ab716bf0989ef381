//! Views of small numbers, checked in a few instructions.
//!
//! What `View` finds out for any numbers, these views have by their numbers' size: V1 to V3 hold. Their
//! shape and strides are copies, because a copy into the view may write over the exporter's.

use super::Fields;
use crate::layout::Order;
use crate::layout::extent::Extent;

/// A view of at most 3 dimensions whose numbers are small and agree with each other. Its
/// dimensions are listed from the slowest to the fastest in the order that it was asked for; missing ones
/// have one step of 0.
pub struct Small {
    /// How many steps each dimension has, at least one.
    pub shape: [isize; 3],
    /// How far they go.
    pub strides: [isize; 3],
    /// The size of an item.
    pub itemsize: isize,
    /// The size of all items.
    pub len: isize,
    /// The bytes that the items touch, relative to `buf`.
    pub extent: Extent,
}

/// The largest item.
const BYTES: isize = 64;
/// The most steps of a dimension: 2^18, or 2^7 where addresses have 32 bits.
const LONG: isize = 1 << (isize::BITS / 3 - 3);
/// The longest stride: 2^40 or 2^20.
const FAR: isize = 1 << (isize::BITS / 8 * 5);

// No product or sum of numbers within these limits overflows.
const _: () = assert!(
    (LONG as i128).pow(3) * BYTES as i128 + 6 * LONG as i128 * FAR as i128 <= isize::MAX as i128
);

impl Small {
    /// `None` if the view is not like that, or has pointers, no dimensions, no memory, or no strides.
    #[inline(always)]
    pub fn new(fields: Fields, order: Order) -> Option<Self> {
        let (shape, strides) = match (fields.shape()?, fields.strides()?, order) {
            (&[n], &[s], _) => ([1, 1, n], [0, 0, s]),
            (&[n, m], &[s, t], Order::C) => ([1, n, m], [0, s, t]),
            (&[m, n], &[t, s], Order::Fortran) => ([1, n, m], [0, s, t]),
            (&[n, m, l], &[s, t, u], Order::C) => ([n, m, l], [s, t, u]),
            (&[l, m, n], &[u, t, s], Order::Fortran) => ([n, m, l], [s, t, u]),
            _ => return None,
        };
        let view = fields.view;
        let itemsize = view.itemsize;
        // Each number less its lower limit, which makes a large one of any below.
        let beyond = |numbers: [isize; 3], low: isize| {
            numbers.iter().fold(0, |all, n| all | n.wrapping_sub(low).cast_unsigned())
        };
        let is_small = beyond(shape, 1) < LONG.unsigned_abs()
            && beyond(strides, -FAR) < (2 * FAR).unsigned_abs()
            && (1..=BYTES).contains(&itemsize);
        if !is_small || !view.suboffsets.is_null() || view.buf.is_null() {
            return None;
        }
        let items = shape.iter().fold(1_isize, |items, n| items.wrapping_mul(*n));
        if items.wrapping_mul(itemsize) != view.len {
            return None;
        }
        let mut extent = Extent { low: 0, high: itemsize };
        for (n, stride) in shape.iter().zip(&strides) {
            let reach = n.wrapping_sub(1).wrapping_mul(*stride);
            extent.low = extent.low.wrapping_add(reach.min(0));
            extent.high = extent.high.wrapping_add(reach.max(0));
        }
        Some(Self { shape, strides, itemsize, len: view.len, extent })
    }

    /// The strides of as many items of the same shape back to back.
    #[inline(always)]
    pub fn dense(&self) -> [isize; 3] {
        let [_, m, l] = self.shape;
        let line = self.itemsize.wrapping_mul(l);
        [line.wrapping_mul(m), line, self.itemsize]
    }

    /// Whether the strides are these, as far as they matter.
    #[inline(always)]
    pub fn lies_at(&self, strides: &[isize; 3]) -> bool {
        let dims = self.shape.iter().zip(&self.strides).zip(strides);
        dims.fold(true, |fit, ((n, stride), other)| fit & ((stride == other) | (*n == 1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::Py_buffer;
    use crate::layout::Order::{C, Fortran};
    use crate::layout::extent::extent;
    use crate::view::View;
    use proptest::prelude::*;
    use std::vec::Vec;

    fn view(
        shape: &mut [isize],
        strides: &mut [isize],
        itemsize: isize,
        buf: &mut u8,
    ) -> Py_buffer {
        Py_buffer {
            buf: core::ptr::from_mut(buf).cast(),
            obj: core::ptr::null_mut(),
            len: shape.iter().fold(itemsize, |len, n| len.saturating_mul(*n)),
            itemsize,
            readonly: 0,
            ndim: shape.len() as i32,
            format: core::ptr::null_mut(),
            shape: shape.as_mut_ptr(),
            strides: strides.as_mut_ptr(),
            suboffsets: core::ptr::null_mut(),
            internal: core::ptr::null_mut(),
        }
    }

    proptest! {
        /// Whatever is taken for small is what `View` believes too, at the extent that it has.
        #[test]
        fn small_views_are_views_of_the_same_numbers(
            dims in prop::collection::vec((prop_oneof![6 => -1..=9_isize, 1 => LONG - 1..=LONG + 1], prop_oneof![
                -99..=99_isize, Just(FAR), Just(-FAR), Just(FAR - 1), Just(isize::MIN), Just(isize::MAX),
            ]), 0..=9),
            itemsize in prop_oneof![-1..=66_isize, Just(isize::MAX)],
            wrong in prop_oneof![4 => Just(0), 1 => -1..=1_isize],
        ) {
            let (mut shape, mut strides): (Vec<_>, Vec<_>) = dims.iter().copied().unzip();
            let mut buf = 0;
            let mut view = view(&mut shape, &mut strides, itemsize, &mut buf);
            view.len = view.len.wrapping_add(wrong);
            let fields = unsafe { Fields::new(&view) };
            let believed = View::new(fields).is_ok();
            for order in [C, Fortran] {
                let Some(found) = Small::new(fields, order) else { continue };
                prop_assert!(believed);
                prop_assert_eq!(Some(found.extent), extent(itemsize, dims.iter().copied()));
            }
        }
    }

    #[test]
    fn dimensions_are_listed_from_the_slowest() {
        let (mut shape, mut strides, mut buf) = ([2, 3, 4], [4, 8, 24], 0);
        let view = view(&mut shape, &mut strides, 4, &mut buf);
        let fields = unsafe { Fields::new(&view) };
        let found = Small::new(fields, Fortran).unwrap();
        assert_eq!((found.shape, found.strides), ([4, 3, 2], [24, 8, 4]));
        assert!(found.lies_at(&found.dense()));
        let found = Small::new(fields, C).unwrap();
        assert!(!found.lies_at(&found.dense()));
        assert_eq!(found.dense(), [48, 16, 4]);
    }

    #[test]
    fn views_of_long_dimensions_or_with_pointers_are_not_small() {
        let (mut shape, mut strides, mut buf) = ([LONG + 1, 3], [3, 1], 0);
        let mut view = view(&mut shape, &mut strides, 1, &mut buf);
        assert!(Small::new(unsafe { Fields::new(&view) }, C).is_none());
        unsafe { *view.shape = LONG };
        view.len = LONG * 3;
        assert!(Small::new(unsafe { Fields::new(&view) }, C).is_some());
        let mut suboffsets = [-1, -1];
        view.suboffsets = suboffsets.as_mut_ptr();
        assert!(Small::new(unsafe { Fields::new(&view) }, C).is_none());
    }
}

//! `PyBuffer_FillContiguousStrides`: every small shape, and numbers that overflow.

use std::ffi::{c_char, c_int};
use std::ptr::null_mut;

use super::super::session::Session;
use super::{ORDERS, shown_order, tuples};

pub fn run(session: &mut Session) {
    const HUGE: isize = isize::MAX;
    for ndim in 0..=4 {
        for shape in tuples(&[0, 1, 2, 3], ndim) {
            for order in [b'C', b'F', b'A', b'f', 0] {
                for itemsize in [1, 3, 8] {
                    compare(session, ndim as c_int, &shape, itemsize, order);
                }
            }
        }
    }
    for shape in tuples(&[-2, 0, 1, 5, HUGE, 1 << 33], 3) {
        for &order in ORDERS {
            for itemsize in [0, -1, 7, c_int::MAX, c_int::MIN] {
                compare(session, 3, &shape, itemsize, order);
            }
        }
    }
    for order in 0..=255 {
        compare(session, 3, &[2, 3, 4], 8, order);
        compare(session, 70, &[2; 70], 1, order);
    }
    for ndim in [0, -1, c_int::MIN + 1] {
        session.compare(
            || format!("ndim {ndim}, null for both arrays"),
            // SAFETY: without a dimension neither array is looked at.
            |_, api| unsafe {
                (api.fill_contiguous_strides)(ndim, null_mut(), null_mut(), 8, b'C' as c_char);
                (0,)
            },
        );
    }
}

fn compare(session: &mut Session, ndim: c_int, shape: &[isize], itemsize: c_int, order: u8) {
    const UNWRITTEN: isize = -0x5a5a;
    session.compare(
        || format!("ndim {ndim}, shape {shape:?}, itemsize {itemsize}, {}", shown_order(order)),
        |_, api| {
            let mut shape = shape.to_vec();
            let mut strides = vec![UNWRITTEN; shape.len() + 2];
            let first = strides[1..].as_mut_ptr();
            // SAFETY: both arrays have an entry for each dimension.
            unsafe {
                let shape = shape.as_mut_ptr();
                (api.fill_contiguous_strides)(ndim, shape, first, itemsize, order as c_char);
            }
            ((shape, strides),)
        },
    );
}

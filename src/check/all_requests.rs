//! All requests that an exporter is sent, by number, and which of them demand more than others.

use core::ffi::c_int;

use crate::abi::{
    PyBUF_ANY_CONTIGUOUS, PyBUF_C_CONTIGUOUS, PyBUF_F_CONTIGUOUS, PyBUF_FORMAT, PyBUF_INDIRECT,
    PyBUF_ND, PyBUF_SIMPLE, PyBUF_STRIDES, PyBUF_WRITABLE,
};

/// How much of the layout a request asks for, the most first.
const SHAPES: [c_int; 10] = [
    PyBUF_INDIRECT,
    PyBUF_STRIDES,
    PyBUF_INDIRECT | PyBUF_C_CONTIGUOUS,
    PyBUF_INDIRECT | PyBUF_F_CONTIGUOUS,
    PyBUF_INDIRECT | PyBUF_ANY_CONTIGUOUS,
    PyBUF_C_CONTIGUOUS,
    PyBUF_F_CONTIGUOUS,
    PyBUF_ANY_CONTIGUOUS,
    PyBUF_ND,
    PyBUF_SIMPLE,
];
/// What else it asks for.
const EXTRAS: [c_int; 4] = [PyBUF_FORMAT, 0, PyBUF_FORMAT | PyBUF_WRITABLE, PyBUF_WRITABLE];
/// The number of combinations, including those that are not requests.
pub const N: usize = SHAPES.len() * EXTRAS.len();

/// For each of `SHAPES`, a bit for each of those that demand more: an exporter that grants one of these can grant it.
const MORE_SHAPES: [u16; SHAPES.len()] = [
    1 << 1 | 1 << 2 | 1 << 4,
    1 << 7,
    1 << 5,
    1 << 6,
    1 << 2 | 1 << 3 | 1 << 7,
    0,
    0,
    1 << 5 | 1 << 6,
    1 << 5,
    1 << 8,
];
/// The same for `EXTRAS`.
const MORE_EXTRAS: [u16; EXTRAS.len()] = [1 << 2, 1 << 0 | 1 << 3, 0, 1 << 2];

/// A request's indices in `SHAPES` and in `EXTRAS`.
fn places(number: usize) -> (usize, usize) {
    (number >> 2, number & 3)
}

const _: () = assert!(EXTRAS.len() == 4, "two bits of a request's number");

/// The flags of a request by its number; `None` from [`N`] on, and for a format without a shape.
pub fn request(number: usize) -> Option<c_int> {
    let (shape, extra) = places(number);
    let (shape, extra) = (*SHAPES.get(shape)?, *EXTRAS.get(extra)?);
    (shape & PyBUF_ND != 0 || extra & PyBUF_FORMAT == 0).then_some(shape | extra)
}

/// Whether a request demands more than another: more in one respect, and as much in the other.
pub fn is_more(number: usize, other: usize) -> bool {
    let ((shape, extra), (other_shape, other_extra)) = (places(number), places(other));
    let has = |more: Option<&u16>, place: usize| more.is_some_and(|more| (more >> place) & 1 == 1);
    extra == other_extra && has(MORE_SHAPES.get(other_shape), shape)
        || shape == other_shape && has(MORE_EXTRAS.get(other_extra), extra)
}

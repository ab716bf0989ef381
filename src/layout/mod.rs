//! Shapes, strides and offsets: integers only, no pointers.
//!
//! Sizes and strides are in bytes. Slices of equal length stand for the arrays of a `Py_buffer`. Predicates whose
//! answers lead to no memory access wrap on overflow, as those of libpython do. Whatever leads to a memory access is
//! computed with checked arithmetic.

#![forbid(unsafe_code)]

pub mod contiguity;
pub mod extent;
pub mod strides;
pub mod verify;

/// The order in which the items of an array follow one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The last dimension varies fastest.
    C,
    /// The first dimension varies fastest.
    Fortran,
}

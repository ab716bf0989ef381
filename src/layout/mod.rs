//! Shapes, strides and offsets: integers only.
//!
//! Sizes and strides are in bytes. Nothing here knows a pointer; slices of equal length stand for a
//! `Py_buffer`'s arrays. Predicates that only answer wrap on overflow, as libpython's do; whatever
//! leads to a memory access is computed with checks.

#![forbid(unsafe_code)]

pub mod contiguity;
pub mod extent;
pub mod strides;
pub mod verify;

/// In which order the items of an array follow one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The last dimension varies fastest.
    C,
    /// The first dimension varies fastest.
    Fortran,
}

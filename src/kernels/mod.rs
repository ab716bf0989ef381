//! Leaf loops: items or runs at constant strides, and nothing else.
//!
//! A kernel may assume that source and destination do not overlap and that all addresses it is told
//! of are there. `generic` is plain Rust for every machine.

pub mod generic;

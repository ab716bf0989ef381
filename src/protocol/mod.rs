//! The functions of the buffer protocol: views are requested, filled, read, written and released.
//!
//! Works on views, and on objects through `runtime`, which alone knows how an object is laid out and an error
//! raised. `capi` has checked for null pointers.

pub mod contiguous;
pub mod copy_data;
pub mod fill;
pub mod format;
pub mod get;
pub mod legacy;
pub mod memoryview;
mod short_cut;
mod sides;

//! The acts of the buffer protocol: a view is asked for, filled, read, written and given back.
//!
//! Works on views and on objects by way of `runtime`; knows nothing of how an object is laid out or
//! how an error is raised. Arguments are not null where a reference is taken; `capi` saw to it.

pub mod contiguous;
pub mod copy_data;
pub mod fill;
pub mod format;
pub mod get;
pub mod legacy;
pub mod memoryview;
mod short_cut;
mod sides;

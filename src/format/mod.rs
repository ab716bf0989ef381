//! What a format string says: integers and text, no objects.

#![forbid(unsafe_code)]

pub mod size;
pub mod unicode;

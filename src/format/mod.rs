//! What a format string says: integers and text, no objects.
//!
//! Two grammars: `size` has that of the module `struct`, and `parse` that of PEP 3118, which is larger
//! and is read as the exporters of the world write it (the rules stand there and in docs/formats.md).
//! They share the table of codes.

#![forbid(unsafe_code)]

pub mod codes;
pub mod equivalent;
pub mod level;
pub mod parse;
mod place;
pub mod problem;
pub mod read;
pub mod row;
pub mod size;
#[cfg(test)]
mod tests;
pub mod unicode;

pub use parse::item_size;

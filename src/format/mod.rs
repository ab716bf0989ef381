//! What a format string means: integers and text only, no objects.
//!
//! There are two grammars. `size` has that of the module `struct`. `parse` has the larger one of PEP 3118, as existing
//! exporters write it (`parse` and docs/formats.md list the rules). Both share the table of codes.

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

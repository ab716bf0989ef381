//! The size of a format's items.

use core::ffi::CStr;

use crate::error::Error;
use crate::format::size::{Grammar, size};
use crate::runtime;

/// The size in bytes of the item that `format` describes, as `struct.calcsize` has it.
///
/// What every CPython accepts needs no interpreter. Everything else is the world's to judge: CPython
/// of its own version's `struct.calcsize`, a process without Python of the newest one's rules.
pub fn size_from_format(format: &CStr) -> Result<isize, Error> {
    match size(format.to_bytes(), Grammar::Common) {
        Ok(size) => Ok(size),
        Err(_) => runtime::for_good().size_from_format(format),
    }
}

//! The size of a format's items.

use core::ffi::CStr;

use crate::error::Error;
use crate::format::size::{Grammar, size};
use crate::runtime;

/// The size in bytes of the item that `format` describes, as `struct.calcsize` has it.
///
/// A format that every CPython accepts needs no interpreter. The world decides about all others: a CPython by its
/// own `struct.calcsize`, a process without Python by the rules of the newest CPython.
pub fn size_from_format(format: &CStr) -> Result<isize, Error> {
    match size(format.to_bytes(), Grammar::Common) {
        Ok(size) => Ok(size),
        Err(_) => runtime::for_good().size_from_format(format),
    }
}

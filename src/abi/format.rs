//! What `pybuffer_format_parse` fills in.

use core::ffi::{c_char, c_int};

use super::Py_ssize_t;

/// What a format says as a whole.
#[repr(C)]
pub struct pybuffer_format_info {
    /// The size of an item in bytes; -1 if the format is wrong.
    pub itemsize: Py_ssize_t,
    /// The alignment that the item needs for its members under `@` to be aligned; 1 if it needs none.
    pub alignment: Py_ssize_t,
    /// How many fields there are, room for them or not.
    pub n_fields: Py_ssize_t,
    /// How many extents there are in the shapes of all fields, room for them or not.
    pub n_extents: Py_ssize_t,
    /// Where the format is wrong: so many bytes before; -1 if it is right.
    pub error_position: Py_ssize_t,
}

/// An item of a format, or a struct that holds the ones after it.
#[repr(C)]
pub struct pybuffer_format_field {
    /// Its name: `name_len` bytes within the format, without a NUL; NULL if it has none.
    pub name: *const c_char,
    /// The length of the name.
    pub name_len: Py_ssize_t,
    /// `shape[ndim]`: its extents, among the caller's; NULL if it has none, or there was no room.
    pub shape: *const Py_ssize_t,
    /// The number that stands before its code, 1 if none does: how many there are one after the other,
    /// within each element of the shape. The length of `s`, `p` and `w`; the bits of `t`.
    pub count: Py_ssize_t,
    /// Where it begins, from the beginning of the struct that holds it.
    pub offset: Py_ssize_t,
    /// The size of one.
    pub itemsize: Py_ssize_t,
    /// The size of all: `product(shape) * count * itemsize`.
    pub size: Py_ssize_t,
    /// The number of the field that is the struct that holds it; -1 if none does.
    pub parent: Py_ssize_t,
    /// Where its code is in the format.
    pub position: Py_ssize_t,
    /// The length of its code: of `Zd` 2; of a struct, a pointer, a function with what belongs to it.
    pub length: Py_ssize_t,
    /// The number of its dimensions.
    pub ndim: c_int,
    /// Its alignment in bytes; 1 if it is not aligned.
    pub alignment: c_int,
    /// The first bit of a `t` in its first byte; 0 for all else.
    pub bit: c_int,
    /// Its code's letter, `Z` for what is complex.
    pub code: c_char,
    /// What it means, whatever its width: one of `b i u f c j J S p U O P X T t V`.
    pub kind: c_char,
    /// `<` or `>`.
    pub byte_order: c_char,
    /// The byte order in force as it was written: one of `@ ^ = < > !`.
    pub mode: c_char,
}

//! The structs that `pybuffer_format_parse` fills in.

use core::ffi::{c_char, c_int};

use super::Py_ssize_t;

/// What a format says as a whole.
#[repr(C)]
pub struct pybuffer_format_info {
    /// The size of an item in bytes; -1 if the format is wrong.
    pub itemsize: Py_ssize_t,
    /// The alignment that the item's address should have, so that its members under `@` are aligned; 1 for any address.
    pub alignment: Py_ssize_t,
    /// The number of fields, including those without room.
    pub n_fields: Py_ssize_t,
    /// The number of extents of all shapes, including those without room.
    pub n_extents: Py_ssize_t,
    /// The offset in the format where it is wrong; -1 if it is right.
    pub error_position: Py_ssize_t,
}

/// An item of a format; or a struct, whose members are the fields after it.
#[repr(C)]
pub struct pybuffer_format_field {
    /// Its name: `name_len` bytes within the format, without a NUL; NULL if it has none.
    pub name: *const c_char,
    /// The length of the name.
    pub name_len: Py_ssize_t,
    /// `shape[ndim]`: its extents, within the caller's array; NULL if it has none, or there was no room.
    pub shape: *const Py_ssize_t,
    /// The number before its code, 1 if there is none: how many items each element of the shape has. The length of
    /// `s`, `p` and `w`; the bits of `t`.
    pub count: Py_ssize_t,
    /// The offset from the start of the struct that it is a member of, or of the item.
    pub offset: Py_ssize_t,
    /// The size of one; 0 for bits.
    pub itemsize: Py_ssize_t,
    /// The size of all: `product(shape) * count * itemsize`; for bits the size of the bytes that they lie in.
    pub size: Py_ssize_t,
    /// The number of the field that is the struct around it; -1 if there is none.
    pub parent: Py_ssize_t,
    /// The offset of its code in the format.
    pub position: Py_ssize_t,
    /// The length of its code: 1; 2 for `Zd`; for a struct, a pointer or a function, that of all that belongs to it.
    pub length: Py_ssize_t,
    /// The number of dimensions of its shape.
    pub ndim: c_int,
    /// The alignment of its offset in bytes; 1 if it is not aligned.
    pub alignment: c_int,
    /// For bits, the number of the first one in its byte; 0 otherwise.
    pub bit: c_int,
    /// The letter of its code; `Z` if it is complex.
    pub code: c_char,
    /// Its kind of value, whatever its width: one of `b i u f c j J S p U O P X T t V`.
    pub kind: c_char,
    /// `<` or `>`.
    pub byte_order: c_char,
    /// The byte order in force, as written: one of `@ ^ = < > !`.
    pub mode: c_char,
}

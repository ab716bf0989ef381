//! The request flags: what a consumer asks an exporter for.

use core::ffi::c_int;

/// The plain request: contiguous bytes, without format and shape.
pub const PyBUF_SIMPLE: c_int = 0;
/// The memory must be writable.
pub const PyBUF_WRITABLE: c_int = 0x1;
/// The old spelling of `PyBUF_WRITABLE`.
pub const PyBUF_WRITEABLE: c_int = PyBUF_WRITABLE;
/// The consumer wants `format`.
pub const PyBUF_FORMAT: c_int = 0x4;
/// The consumer wants `shape`; without `PyBUF_STRIDES` the memory must be C-contiguous.
pub const PyBUF_ND: c_int = 0x8;
/// The consumer wants `shape` and `strides`.
pub const PyBUF_STRIDES: c_int = 0x10 | PyBUF_ND;
/// The memory must be C-contiguous (the last dimension varies fastest).
pub const PyBUF_C_CONTIGUOUS: c_int = 0x20 | PyBUF_STRIDES;
/// The memory must be Fortran-contiguous (the first dimension varies fastest).
pub const PyBUF_F_CONTIGUOUS: c_int = 0x40 | PyBUF_STRIDES;
/// The memory must be contiguous in either order.
pub const PyBUF_ANY_CONTIGUOUS: c_int = 0x80 | PyBUF_STRIDES;
/// The consumer can follow `suboffsets`.
pub const PyBUF_INDIRECT: c_int = 0x100 | PyBUF_STRIDES;
/// Writable, C-contiguous, with shape.
pub const PyBUF_CONTIG: c_int = PyBUF_ND | PyBUF_WRITABLE;
/// C-contiguous, with shape.
pub const PyBUF_CONTIG_RO: c_int = PyBUF_ND;
/// Writable, with shape and strides.
pub const PyBUF_STRIDED: c_int = PyBUF_STRIDES | PyBUF_WRITABLE;
/// With shape and strides.
pub const PyBUF_STRIDED_RO: c_int = PyBUF_STRIDES;
/// Writable, with shape, strides and format.
pub const PyBUF_RECORDS: c_int = PyBUF_STRIDES | PyBUF_WRITABLE | PyBUF_FORMAT;
/// With shape, strides and format.
pub const PyBUF_RECORDS_RO: c_int = PyBUF_STRIDES | PyBUF_FORMAT;
/// Writable, with everything.
pub const PyBUF_FULL: c_int = PyBUF_INDIRECT | PyBUF_WRITABLE | PyBUF_FORMAT;
/// With everything.
pub const PyBUF_FULL_RO: c_int = PyBUF_INDIRECT | PyBUF_FORMAT;
/// For memoryviews only, never a request: the memory will be read.
pub const PyBUF_READ: c_int = 0x100;
/// For memoryviews only, never a request: the memory will be written.
pub const PyBUF_WRITE: c_int = 0x200;
/// The largest number of dimensions that a memoryview may have.
pub const PyBUF_MAX_NDIM: c_int = 64;

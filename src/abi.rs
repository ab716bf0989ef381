//! The C types and constants of the buffer protocol, laid out exactly as in Python.h.
//!
//! Every type is `#[repr(C)]` and shared with C code, so a change of a layout is a change of the ABI. The layouts are
//! asserted below; `tests/abi.rs` compares them with every installed Python.h, and `csrc/` with the C text of the
//! header. This module holds no behaviour.
#![allow(non_camel_case_types, non_upper_case_globals, reason = "these are CPython's names")]

use core::ffi::{c_char, c_int, c_void};

/// A signed size in bytes, as wide as a pointer.
pub type Py_ssize_t = isize;

/// The head of every object: a reference count and a type.
///
/// This is the layout of a standalone object, and of an object in the usual builds of CPython. Other builds (free
/// threading, traced references) lay objects out differently. Only `runtime::layout` knows where an object's type is.
#[repr(C)]
pub struct PyObject {
    /// The number of references to the object. In a standalone process it is changed atomically.
    pub ob_refcnt: Py_ssize_t,
    /// The object's type.
    pub ob_type: *mut PyTypeObject,
}

/// The head of an object with a variable number of items.
#[repr(C)]
pub struct PyVarObject {
    /// The common head.
    pub ob_base: PyObject,
    /// The number of items.
    pub ob_size: Py_ssize_t,
}

/// Frees an object whose last reference was dropped.
pub type destructor = unsafe extern "C" fn(*mut PyObject);
/// Frees the memory of an object.
pub type freefunc = unsafe extern "C" fn(*mut c_void);
/// Fills a view for a consumer. Returns 0, or -1 with an exception set.
pub type getbufferproc = unsafe extern "C" fn(*mut PyObject, *mut Py_buffer, c_int) -> c_int;
/// Called once for every view that `getbufferproc` filled.
pub type releasebufferproc = unsafe extern "C" fn(*mut PyObject, *mut Py_buffer);

/// The two slots that make a type an exporter.
#[repr(C)]
pub struct PyBufferProcs {
    /// Fills a view; `NULL` if the type exports no buffers.
    pub bf_getbuffer: Option<getbufferproc>,
    /// Releases a view; `NULL` if there is nothing to do.
    pub bf_releasebuffer: Option<releasebufferproc>,
}

/// A slot that only keeps the layout: libpybuffer never calls it.
pub type UnusedSlot = *mut c_void;

/// A type: CPython's public layout up to `tp_free`.
#[repr(C)]
pub struct PyTypeObject {
    /// The common head.
    pub ob_base: PyVarObject,
    /// The type's name, as error messages show it.
    pub tp_name: *const c_char,
    /// The size of an instance in bytes.
    pub tp_basicsize: Py_ssize_t,
    /// The size of one item of a variable-sized instance in bytes.
    pub tp_itemsize: Py_ssize_t,
    /// Called when the last reference was dropped; `NULL` means that only the memory is freed.
    pub tp_dealloc: Option<destructor>,
    /// Not used.
    pub tp_vectorcall_offset: Py_ssize_t,
    /// Not used.
    pub tp_getattr: UnusedSlot,
    /// Not used.
    pub tp_setattr: UnusedSlot,
    /// Not used.
    pub tp_as_async: UnusedSlot,
    /// Not used.
    pub tp_repr: UnusedSlot,
    /// Not used.
    pub tp_as_number: UnusedSlot,
    /// Not used.
    pub tp_as_sequence: UnusedSlot,
    /// Not used.
    pub tp_as_mapping: UnusedSlot,
    /// Not used.
    pub tp_hash: UnusedSlot,
    /// Not used.
    pub tp_call: UnusedSlot,
    /// Not used.
    pub tp_str: UnusedSlot,
    /// Not used.
    pub tp_getattro: UnusedSlot,
    /// Not used.
    pub tp_setattro: UnusedSlot,
    /// The buffer slots, or `NULL` if the type exports none.
    pub tp_as_buffer: *mut PyBufferProcs,
    /// `Py_TPFLAGS_*`; not used.
    pub tp_flags: core::ffi::c_ulong,
    /// Not used.
    pub tp_doc: *const c_char,
    /// Not used.
    pub tp_traverse: UnusedSlot,
    /// Not used.
    pub tp_clear: UnusedSlot,
    /// Not used.
    pub tp_richcompare: UnusedSlot,
    /// Not used.
    pub tp_weaklistoffset: Py_ssize_t,
    /// Not used.
    pub tp_iter: UnusedSlot,
    /// Not used.
    pub tp_iternext: UnusedSlot,
    /// Not used.
    pub tp_methods: UnusedSlot,
    /// Not used.
    pub tp_members: UnusedSlot,
    /// Not used.
    pub tp_getset: UnusedSlot,
    /// The base type, from which `PyType_Ready` inherits empty slots.
    pub tp_base: *mut PyTypeObject,
    /// Not used.
    pub tp_dict: UnusedSlot,
    /// Not used.
    pub tp_descr_get: UnusedSlot,
    /// Not used.
    pub tp_descr_set: UnusedSlot,
    /// Not used.
    pub tp_dictoffset: Py_ssize_t,
    /// Not used.
    pub tp_init: UnusedSlot,
    /// Not used.
    pub tp_alloc: UnusedSlot,
    /// Not used.
    pub tp_new: UnusedSlot,
    /// Frees an instance's memory; `NULL` means `PyObject_Free`.
    pub tp_free: Option<freefunc>,
}

/// A view: an exporter's description of its memory, for a consumer.
///
/// Sizes, strides and suboffsets are in bytes.
#[repr(C)]
pub struct Py_buffer {
    /// The address of the first item; with negative strides not the lowest address.
    pub buf: *mut c_void,
    /// A reference to the exporter, owned by the view; `NULL` if there is none to release.
    pub obj: *mut PyObject,
    /// `product(shape) * itemsize`: the size of the items as if they lay back to back.
    pub len: Py_ssize_t,
    /// The size of one item.
    pub itemsize: Py_ssize_t,
    /// 1 if the memory must not be written.
    pub readonly: c_int,
    /// The number of dimensions.
    pub ndim: c_int,
    /// The item's format in the style of `struct`; `NULL` means `"B"`.
    pub format: *mut c_char,
    /// `shape[ndim]`: the number of items along each dimension.
    pub shape: *mut Py_ssize_t,
    /// `strides[ndim]`: the distance between two items along each dimension.
    pub strides: *mut Py_ssize_t,
    /// `suboffsets[ndim]`: if not negative, the entry along this dimension is a pointer. The pointer is followed, and
    /// the suboffset added to it. `NULL` means that there are none.
    pub suboffsets: *mut Py_ssize_t,
    /// For the exporter's own use.
    pub internal: *mut c_void,
}

#[cfg(not(python_h_has_py_buffer))]
mod flags;
pub use flags::*;
/// cbindgen:ignore
mod dlpack;
pub use dlpack::*;
mod format;
pub use format::*;
/// cbindgen:ignore
mod holder;
mod report;
pub use holder::*;
pub use report::*;

const _: () = {
    use core::mem::{offset_of, size_of};
    const WORD: usize = size_of::<usize>();
    // Two C ints share a word on 64-bit machines and take one each on 32-bit ones.
    const INTS: usize = 2 * size_of::<c_int>();
    assert!(size_of::<Py_buffer>() == 9 * WORD + INTS);
    assert!(offset_of!(Py_buffer, format) == 4 * WORD + INTS);
    assert!(size_of::<PyObject>() == 2 * WORD);
    assert!(offset_of!(PyTypeObject, tp_name) == 3 * WORD);
    assert!(offset_of!(PyTypeObject, tp_as_buffer) == 20 * WORD);
    assert!(offset_of!(PyTypeObject, tp_free) == 40 * WORD);
};

//! `PyBuffer_*`: functions of views.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::ptr;
use core::slice;

use super::{null_argument, null_argument_if_known};
use crate::abi::{Py_buffer, Py_ssize_t, PyObject};
use crate::layout::Order;
use crate::layout::strides;
use crate::protocol;
use crate::runtime::{self, raised_if_known, status, status_of};
use crate::view::Fields;

/// Gives a view back to its exporter: calls `bf_releasebuffer` if the exporter has it, sets
/// `view->obj` to NULL, and drops the view's reference to the exporter, in this order.
///
/// A view without an object, or that was given back already, is left alone, and so is NULL. No other
/// field is changed. Every view that `PyObject_GetBuffer` filled must be given back exactly once,
/// from the place in memory where it was filled.
///
/// # Safety
/// `view` is NULL or a view that an exporter filled, or one whose `obj` is NULL. In a process with
/// Python the caller holds the GIL, if `view->obj` is not NULL.
///
/// # Compatibility
/// CPython 3.0 and later; there a NULL `view` crashes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn PyBuffer_Release(view: *mut Py_buffer) {
    // SAFETY: the caller's promise.
    unsafe { release(view) }
}

/// # Safety
/// As for [`PyBuffer_Release`].
#[inline]
pub unsafe fn release(view: *mut Py_buffer) {
    if view.is_null() {
        return;
    }
    match runtime::settled_counted() {
        // SAFETY: a view (caller).
        Some(runtime) => unsafe { runtime::views::release::<true>(runtime, view) },
        // SAFETY: as above.
        None => unsafe { release_elsewhere(view) },
    }
}

super::with_caller! {
    /// As [`release`] before the world is settled, in one of another layout or with other counts, or under
    /// the audit.
    ///
    /// # Safety
    /// As for [`PyBuffer_Release`]; `view` is not null.
    release_elsewhere(view: *mut Py_buffer) -> () = release_for, "rsi", "x1"
}

/// # Safety
/// As for [`PyBuffer_Release`]; `view` is not null.
#[inline(never)]
unsafe extern "C" fn release_for(view: *mut Py_buffer, caller: *const c_void) {
    // SAFETY: a view (caller).
    if unsafe { (*view).obj }.is_null() {
        return;
    }
    runtime::for_objects();
    keep_out_of_the_way!(PyBuffer_Release(view));
    // SAFETY: as above.
    unsafe { protocol::get::give_back_for(view, caller) };
}

/// The size in bytes of the item that `format` describes, in the syntax of Python's module `struct`.
///
/// Returns the size, or -1 with an error set: `struct.error` if the format is wrong,
/// `UnicodeDecodeError` if it is not UTF-8, `ValueError` (before CPython 3.15 `UnicodeEncodeError`) if
/// it is not ASCII, `SystemError` if it is NULL. A format that every CPython since 3.8 accepts needs
/// no interpreter; any other is put to the `struct.calcsize` of the Python in this process, or, without
/// Python, judged as CPython 3.15 does. PEP 3118's additions (`T{...}`, shapes, names) are refused, as
/// `struct` refuses them.
///
/// # Safety
/// `format` is NULL or a C string. In a process with Python the caller holds the GIL, or the format
/// is one that every CPython accepts.
///
/// # Compatibility
/// CPython 3.9 and later (3.8 declares it but lacks it); there NULL crashes, and a replaced
/// `struct.calcsize` is called for every format.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn PyBuffer_SizeFromFormat(format: *const c_char) -> Py_ssize_t {
    // SAFETY: the caller's promise.
    unsafe { size_from_format(format) }
}

/// # Safety
/// As for [`PyBuffer_SizeFromFormat`].
pub unsafe fn size_from_format(format: *const c_char) -> Py_ssize_t {
    if format.is_null() {
        return null_argument() as Py_ssize_t;
    }
    // SAFETY: a C string (caller).
    match protocol::format::size_from_format(unsafe { CStr::from_ptr(format) }) {
        Ok(size) => size,
        Err(error) => {
            runtime::raise(&error);
            -1
        }
    }
}

/// Whether the items of a view lie back to back: `order` `'C'` with the last dimension fastest, `'F'`
/// with the first, `'A'` either.
///
/// Returns 1 or 0, never an error. Any suboffsets mean 0, any other `order` means 0, and `len == 0`
/// means 1.
///
/// # Safety
/// `view` is NULL or a view whose arrays, where not NULL, have `ndim` entries. Needs no GIL.
///
/// # Compatibility
/// CPython 3.0 and later; there a NULL `view`, or a NULL `shape` where it would be read, crashes:
/// here it means 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn PyBuffer_IsContiguous(view: *const Py_buffer, order: c_char) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { is_contiguous(view, order) }
}

/// # Safety
/// As for [`PyBuffer_IsContiguous`].
#[inline]
pub unsafe fn is_contiguous(view: *const Py_buffer, order: c_char) -> c_int {
    keep_out_of_the_way!(PyBuffer_IsContiguous(view, order));
    // SAFETY: null or a view (caller).
    let Some(view) = (unsafe { view.as_ref() }) else { return 0 };
    // SAFETY: the view's arrays are there (caller).
    unsafe { Fields::new(view) }.is_contiguous(order)
}

/// The address of the item at `indices[view->ndim]`.
///
/// The indices are not compared with the shape. Pointers are followed where the view has suboffsets
/// that are not negative. Where `strides` is NULL the items lie in C order, as the protocol says.
///
/// Returns the address, or NULL with an error set: `SystemError` if `view`, or `indices` with
/// `ndim >= 1`, is NULL; `ValueError` if both `strides` and `shape` are and `ndim >= 2`.
///
/// # Safety
/// `view` is NULL or a view whose arrays, where not NULL, have `ndim` entries; `indices` is NULL or
/// has `ndim` entries; where suboffsets are followed, the indices are within the shape. Needs no GIL,
/// but for the error.
///
/// # Compatibility
/// CPython 3.0 and later; there NULLs crash, and so do NULL `strides`, which `ctypes` hands out.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn PyBuffer_GetPointer(
    view: *const Py_buffer,
    indices: *const Py_ssize_t,
) -> *mut c_void {
    // SAFETY: the caller's promise.
    unsafe { get_pointer(view, indices) }
}

/// # Safety
/// As for [`PyBuffer_GetPointer`].
#[inline]
pub unsafe fn get_pointer(view: *const Py_buffer, indices: *const Py_ssize_t) -> *mut c_void {
    // SAFETY: null or a view (caller).
    let Some(view) = (unsafe { view.as_ref() }) else { return null_pointer() };
    if view.ndim > 0 && indices.is_null() {
        return null_pointer();
    }
    // SAFETY: the view's arrays are there (caller).
    let fields = unsafe { Fields::new(view) };
    // SAFETY: `ndim` indices, or none that are read (caller).
    let indices = unsafe { slice_of(indices, fields.ndim()) };
    // SAFETY: the caller's promise is the callee's.
    match unsafe { fields.locate(indices) } {
        Some(pointer) => pointer.cast(),
        // SAFETY: as above.
        None => unsafe { get_pointer_without_strides(fields, indices) },
    }
}

/// # Safety
/// As for [`PyBuffer_GetPointer`].
#[cold]
#[inline(never)]
unsafe fn get_pointer_without_strides(fields: Fields, indices: &[Py_ssize_t]) -> *mut c_void {
    // SAFETY: the caller's promise is the callee's.
    match unsafe { fields.locate_without_strides(indices) } {
        Ok(pointer) => pointer.cast(),
        Err(error) => {
            runtime::raise_if_known(&error);
            ptr::null_mut()
        }
    }
}

#[cold]
#[inline(never)]
fn null_pointer() -> *mut c_void {
    null_argument_if_known();
    ptr::null_mut()
}

/// Copies `len` bytes at `buf`, whose items lie back to back in `order`, to the items of `view`.
///
/// `order` is `'F'` for Fortran order, and anything else for C order, but `'A'` fills a contiguous view
/// as it lies. No more than `view->len` bytes are copied, and fewer if `len` is less: then an incomplete
/// item at the end is left out, unless the view is contiguous. `view->readonly` is not looked at.
///
/// Returns 0, or -1 with an error set and nothing written: `SystemError` for NULLs, `ValueError` if
/// `len` is negative or the view's fields contradict one another, `MemoryError`.
///
/// # Safety
/// `view` is NULL or a view that is held and writable; `buf` is NULL or has `len` readable bytes. The
/// two may overlap: the bytes are then copied as they were before. Needs no GIL, but for the error.
///
/// # Compatibility
/// CPython 3.0 and later; there a view without strides, an itemsize of 0 and contradictions crash.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn PyBuffer_FromContiguous(
    view: *const Py_buffer,
    buf: *const c_void,
    len: Py_ssize_t,
    order: c_char,
) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { from_contiguous(view, buf, len, order) }
}

/// # Safety
/// As for [`PyBuffer_FromContiguous`].
pub unsafe fn from_contiguous(
    view: *const Py_buffer,
    buf: *const c_void,
    len: Py_ssize_t,
    order: c_char,
) -> c_int {
    keep_out_of_the_way!(PyBuffer_FromContiguous(view, buf, len, order));
    // SAFETY: null or a view (caller).
    let Some(view) = (unsafe { view.as_ref() }) else { return null_argument_if_known() };
    // SAFETY: the view's arrays are there (caller).
    let view = unsafe { Fields::new(view) };
    // SAFETY: the view is held, and the block has `len` bytes (caller).
    status_of(unsafe {
        protocol::contiguous::from_contiguous(view, buf, len, order, raised_if_known)
    })
}

/// Copies the items of `src` to `len` bytes at `buf`, back to back in `order`: `'C'` or `'A'` for C
/// order, and anything else for Fortran order, but `'A'` takes a contiguous view as it lies.
///
/// Returns 0, or -1 with an error set and nothing written: `SystemError` for NULLs, `ValueError` if
/// `len` is not `src->len`, is negative, or the view's fields contradict one another, `MemoryError`.
///
/// # Safety
/// `src` is NULL or a view that is held; `buf` is NULL or has `len` writable bytes. The two may
/// overlap: the bytes are then copied as they were before. Needs no GIL, but for the error.
///
/// # Compatibility
/// CPython 3.0 and later; there contradictions in the view overrun `buf` or crash.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn PyBuffer_ToContiguous(
    buf: *mut c_void,
    src: *const Py_buffer,
    len: Py_ssize_t,
    order: c_char,
) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { to_contiguous(buf, src, len, order) }
}

/// # Safety
/// As for [`PyBuffer_ToContiguous`].
pub unsafe fn to_contiguous(
    buf: *mut c_void,
    src: *const Py_buffer,
    len: Py_ssize_t,
    order: c_char,
) -> c_int {
    keep_out_of_the_way!(PyBuffer_ToContiguous(buf, src, len, order));
    // SAFETY: null or a view (caller).
    let Some(src) = (unsafe { src.as_ref() }) else { return null_argument_if_known() };
    // SAFETY: the view's arrays are there (caller).
    let src = unsafe { Fields::new(src) };
    // SAFETY: the view is held, and the block has `len` bytes (caller).
    status_of(unsafe { protocol::contiguous::to_contiguous(buf, src, len, order, raised_if_known) })
}

/// Fills `strides[ndim]` with the byte strides of a contiguous array of `shape[ndim]` with items of
/// `itemsize` bytes: in Fortran order if `order` is `'F'`, and in C order otherwise.
///
/// Never an error; with NULLs or `ndim <= 0` nothing is done. Sizes are taken as they are: an extent
/// of 0 makes the strides of the slower dimensions 0, and products that overflow wrap.
///
/// # Safety
/// `shape` and `strides` are NULL or have `ndim` entries, and do not overlap. Needs no GIL.
///
/// # Compatibility
/// CPython 3.0 and later; there NULLs crash.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn PyBuffer_FillContiguousStrides(
    ndim: c_int,
    shape: *mut Py_ssize_t,
    strides: *mut Py_ssize_t,
    itemsize: c_int,
    order: c_char,
) {
    // SAFETY: the caller's promise.
    unsafe { fill_contiguous_strides(ndim, shape, strides, itemsize, order) }
}

/// # Safety
/// As for [`PyBuffer_FillContiguousStrides`].
#[inline]
pub unsafe fn fill_contiguous_strides(
    ndim: c_int,
    shape: *mut Py_ssize_t,
    strides: *mut Py_ssize_t,
    itemsize: c_int,
    order: c_char,
) {
    let ndim = usize::try_from(ndim).unwrap_or(0);
    if shape.is_null() || strides.is_null() {
        return;
    }
    // SAFETY: `ndim` entries (caller).
    let shape = unsafe { slice::from_raw_parts(shape, ndim) };
    // SAFETY: `ndim` entries apart from the shape's (caller).
    let strides = unsafe { slice::from_raw_parts_mut(strides, ndim) };
    let order = if order as u8 == b'F' { Order::Fortran } else { Order::C };
    strides::fill_contiguous(strides, shape, itemsize as isize, order);
}

/// Fills a view of `len` bytes at `buf` for an exporter of plain bytes, as far as `flags` ask for it.
///
/// The view gets a new reference to `obj`, which may be NULL; `format` is `"B"`, `itemsize` 1, `ndim`
/// 1; `shape` and `strides` point into the view itself, which must therefore not be moved. `len` is not
/// checked.
///
/// Returns 0, or -1 with an error set: `BufferError` if `view` is NULL, or if `flags` ask for writable
/// memory and `readonly` is 1 (not if it is any other number); `SystemError` if `flags` are exactly
/// `PyBUF_READ` or `PyBUF_WRITE` (CPython before 3.13: accepted).
///
/// # Safety
/// `view` is NULL or writable; `obj` is NULL or an object. In a process with Python the caller holds
/// the GIL, if `obj` is not NULL, and for the error.
///
/// # Compatibility
/// CPython 3.0 and later.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn PyBuffer_FillInfo(
    view: *mut Py_buffer,
    obj: *mut PyObject,
    buf: *mut c_void,
    len: Py_ssize_t,
    readonly: c_int,
    flags: c_int,
) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { fill_info(view, obj, buf, len, readonly, flags) }
}

/// # Safety
/// As for [`PyBuffer_FillInfo`].
#[inline]
pub unsafe fn fill_info(
    view: *mut Py_buffer,
    obj: *mut PyObject,
    buf: *mut c_void,
    len: Py_ssize_t,
    readonly: c_int,
    flags: c_int,
) -> c_int {
    // SAFETY: the caller's promise is the callee's.
    status(unsafe { protocol::fill::fill_info(view, obj, buf, len, readonly, flags) })
}

/// A C array as a slice; an empty one may be null.
///
/// # Safety
/// `first` has `n` entries.
unsafe fn slice_of<'a>(first: *const Py_ssize_t, n: usize) -> &'a [Py_ssize_t] {
    if n == 0 {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { slice::from_raw_parts(first, n) }
}

//! `PyBuffer_*`: functions on views.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::ptr;
use core::slice;

use super::{null_argument, null_argument_if_known};
use crate::abi::{Py_buffer, Py_ssize_t, PyObject};
use crate::layout::Order;
use crate::layout::strides;
use crate::protocol;
use crate::runtime::{self, raised_if_known, status_of};
use crate::view::Fields;

/// Releases a view: calls the exporter's `bf_releasebuffer` if it has one, sets `view->obj` to NULL, and
/// drops the view's reference to the exporter, in this order.
///
/// Nothing is done if `view` is NULL, if it has no object, or if it was released already. No other field
/// is changed. Every view that `PyObject_GetBuffer` filled must be released exactly once, from the address
/// at which it was filled.
///
/// # Safety
/// `view` is NULL, a view that an exporter filled, or a view whose `obj` is NULL. In a process with Python
/// the caller holds the GIL if `view->obj` is not NULL.
///
/// # Compatibility
/// CPython 3.0 and later; there a NULL `view` crashes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn PyBuffer_Release(view: *mut Py_buffer) {
    // SAFETY: the same arguments under the same contract (caller).
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
    /// As [`release`] where the fast path is closed: before the world is settled, in a world with another object
    /// layout or other reference counts, and under the audit.
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
    defer_to_unserved!(PyBuffer_Release(view));
    // SAFETY: as above.
    unsafe { protocol::get::release_for(view, caller) };
}

/// The size in bytes of the item that `format` describes, in the syntax of Python's module `struct`.
///
/// A format that every CPython since 3.8 accepts needs no interpreter. Any other format is passed to the
/// `struct.calcsize` of the Python in this process; without Python it is judged as CPython 3.15 judges it.
/// PEP 3118's additions (`T{...}`, shapes, names) are refused, as `struct` refuses them.
///
/// Returns the size, or -1 with an error set: `struct.error` if the format is wrong;
/// `UnicodeDecodeError` if it is not UTF-8; `ValueError` (before CPython 3.15 `UnicodeEncodeError`) if
/// it is not ASCII; `SystemError` if it is NULL.
///
/// # Safety
/// `format` is NULL or a C string. In a process with Python the caller holds the GIL, unless the format
/// is one that every CPython accepts.
///
/// # Compatibility
/// CPython 3.9 and later (3.8 declares it but lacks it). There NULL crashes, and a `struct.calcsize` that
/// was replaced is called for every format.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn PyBuffer_SizeFromFormat(format: *const c_char) -> Py_ssize_t {
    // SAFETY: the same arguments under the same contract (caller).
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

/// Whether the items of a view lie back to back in `order`: `'C'` (the last dimension varies fastest), `'F'`
/// (the first dimension varies fastest), or `'A'` (either of the two).
///
/// Returns 1 or 0, and never sets an error. The result is 0 if `suboffsets` is not NULL, and for any other
/// `order`. Otherwise it is 1 if `len` is 0.
///
/// # Safety
/// `view` is NULL or a view whose arrays, where not NULL, have `ndim` entries. Needs no GIL.
///
/// # Compatibility
/// CPython 3.0 and later. There a NULL `view`, or a NULL `shape` where it would be read, crashes; here the
/// result is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn PyBuffer_IsContiguous(view: *const Py_buffer, order: c_char) -> c_int {
    // SAFETY: the same arguments under the same contract (caller).
    unsafe { is_contiguous(view, order) }
}

/// # Safety
/// As for [`PyBuffer_IsContiguous`].
#[inline]
pub unsafe fn is_contiguous(view: *const Py_buffer, order: c_char) -> c_int {
    defer_to_unserved!(PyBuffer_IsContiguous(view, order));
    // SAFETY: null or a view (caller).
    let Some(view) = (unsafe { view.as_ref() }) else { return 0 };
    // SAFETY: the view's arrays are there (caller).
    unsafe { Fields::new(view) }.is_contiguous(order)
}

/// The address of the item at `indices[view->ndim]`.
///
/// The indices are not compared with the shape. A pointer is followed along each dimension whose suboffset
/// is not negative. If `strides` is NULL, the items lie in C order, as the protocol says.
///
/// Returns the address, or NULL with an error set: `SystemError` if `view` is NULL, or `indices` is NULL and
/// `ndim >= 1`; `ValueError` if both `strides` and `shape` are NULL and `ndim >= 2`.
///
/// # Safety
/// `view` is NULL or a view whose arrays, where not NULL, have `ndim` entries; `indices` is NULL or
/// has `ndim` entries; where suboffsets are followed, the indices are within the shape. Needs no GIL,
/// except to set the error.
///
/// # Compatibility
/// CPython 3.0 and later. There NULL arguments crash, and so does a NULL `strides`, which `ctypes` hands out.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn PyBuffer_GetPointer(
    view: *const Py_buffer,
    indices: *const Py_ssize_t,
) -> *mut c_void {
    // SAFETY: the same arguments under the same contract (caller).
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
    // SAFETY: the indices are within the shape where pointers are followed, so a pointer is there (caller).
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
    // SAFETY: the indices are within the shape where pointers are followed, so a pointer is there (caller).
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
/// `order` `'F'` means Fortran order, and any other C order, except that with `'A'` a contiguous view is
/// filled as it lies in memory. At most `view->len` bytes are copied. If `len` is less, an incomplete item at
/// the end is left out, unless the view is contiguous. `view->readonly` is not looked at.
///
/// `buf` and the view may overlap: the bytes are copied as they were before the call.
///
/// Returns 0, or -1 with an error set and nothing written: `SystemError` if `view` is NULL, or if bytes are to
/// be copied and `buf` or `view->buf` is NULL; `ValueError` if `len` is negative or the view's fields contradict
/// one another; `MemoryError`.
///
/// # Safety
/// `view` is NULL or a view that is held and whose memory may be written; `buf` is NULL or has `len`
/// readable bytes. Needs no GIL, except to set the error.
///
/// # Compatibility
/// CPython 3.0 and later. There a view without strides, an itemsize of 0 and contradicting fields crash.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn PyBuffer_FromContiguous(
    view: *const Py_buffer,
    buf: *const c_void,
    len: Py_ssize_t,
    order: c_char,
) -> c_int {
    // SAFETY: the same arguments under the same contract (caller).
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
    defer_to_unserved!(PyBuffer_FromContiguous(view, buf, len, order));
    // SAFETY: null or a view (caller).
    let Some(view) = (unsafe { view.as_ref() }) else { return null_argument_if_known() };
    // SAFETY: the view's arrays are there (caller).
    let view = unsafe { Fields::new(view) };
    // SAFETY: the view is held and may be written, and `len` bytes are readable at `buf` (caller).
    status_of(unsafe {
        protocol::contiguous::from_contiguous(view, buf, len, order, raised_if_known)
    })
}

/// Copies the items of `src` to `len` bytes at `buf`, back to back in `order`.
///
/// `order` `'C'` or `'A'` means C order, and any other Fortran order, except that with `'A'` a contiguous view
/// is copied as it lies in memory. `buf` and the view may overlap: the bytes are copied as they were before
/// the call.
///
/// Returns 0, or -1 with an error set and nothing written: `SystemError` if `src` is NULL, or if bytes are to be
/// copied and `buf` or `src->buf` is NULL; `ValueError` if `len` is not `src->len`, if it is negative, or if the
/// view's fields contradict one another; `MemoryError`.
///
/// # Safety
/// `src` is NULL or a view that is held; `buf` is NULL or has `len` writable bytes. Needs no GIL, except to
/// set the error.
///
/// # Compatibility
/// CPython 3.0 and later. There a view with contradicting fields overruns `buf` or crashes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn PyBuffer_ToContiguous(
    buf: *mut c_void,
    src: *const Py_buffer,
    len: Py_ssize_t,
    order: c_char,
) -> c_int {
    // SAFETY: the same arguments under the same contract (caller).
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
    defer_to_unserved!(PyBuffer_ToContiguous(buf, src, len, order));
    // SAFETY: null or a view (caller).
    let Some(src) = (unsafe { src.as_ref() }) else { return null_argument_if_known() };
    // SAFETY: the view's arrays are there (caller).
    let src = unsafe { Fields::new(src) };
    // SAFETY: the view is held, and `len` bytes are writable at `buf` (caller).
    status_of(unsafe { protocol::contiguous::to_contiguous(buf, src, len, order, raised_if_known) })
}

/// Fills `strides[ndim]` with the strides, in bytes, of a contiguous array of `shape[ndim]` with items of
/// `itemsize` bytes: in Fortran order if `order` is `'F'`, and in C order otherwise.
///
/// Never sets an error. Nothing is done if an array is NULL or `ndim <= 0`. Sizes are taken as they are: an
/// extent of 0 makes the strides of the slower dimensions 0, and products that overflow wrap.
///
/// # Safety
/// `shape` and `strides` are NULL or have `ndim` entries, and do not overlap. Needs no GIL.
///
/// # Compatibility
/// CPython 3.0 and later. There NULL arrays crash.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn PyBuffer_FillContiguousStrides(
    ndim: c_int,
    shape: *mut Py_ssize_t,
    strides: *mut Py_ssize_t,
    itemsize: c_int,
    order: c_char,
) {
    // SAFETY: the same arguments under the same contract (caller).
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

/// Fills a view of `len` bytes at `buf`, for an exporter of plain bytes. `flags` is the consumer's request:
/// fields that it does not ask for are NULL.
///
/// The view gets a new reference to `obj`, which may be NULL. `format` is `"B"`, `itemsize` 1 and `ndim` 1.
/// `shape` and `strides` point into the view itself, so the view must not be moved. `len` is not checked.
///
/// Returns 0, or -1 with an error set: `BufferError` if `view` is NULL, or if `flags` ask for writable
/// memory and `readonly` is 1 (not if it is any other number); `SystemError` if `flags` are exactly
/// `PyBUF_READ` or `PyBUF_WRITE` (CPython before 3.13: accepted).
///
/// # Safety
/// `view` is NULL or writable; `obj` is NULL or an object. In a process with Python the caller holds
/// the GIL if `obj` is not NULL, and to set the error.
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
    // SAFETY: the same arguments under the same contract (caller).
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
    // SAFETY: `view` is null or writable, and `obj` null or an object that the thread may use (caller).
    status_of(unsafe { protocol::fill::fill_info(view, obj, buf, len, readonly, flags) })
}

/// A C array as a slice. An empty array may be null.
///
/// # Safety
/// `first` has `n` entries.
unsafe fn slice_of<'a>(first: *const Py_ssize_t, n: usize) -> &'a [Py_ssize_t] {
    if n == 0 {
        return &[];
    }
    // SAFETY: `n` entries (caller).
    unsafe { slice::from_raw_parts(first, n) }
}

//! `pybuffer_*dlpack*`: views as tensors of DLPack, and tensors as memoryviews.

use core::ffi::{c_char, c_int, c_void};
use core::ptr;

use super::{null_argument, null_object, object_or_null};
use crate::abi::{DLDataType, DLManagedTensor, DLManagedTensorVersioned, Py_buffer, PyObject};
use crate::dlpack::{self, Form, Source};
use crate::error::Raised;

/// Asks an exporter for a view, and hands it out as a tensor of DLPack 1.x.
///
/// `flags` is 0, or `PYBUFFER_DLPACK_COPY` for a copy of the items in C order, in memory of its own, that is aligned to
/// 256 bytes. `*tensor` receives the tensor, which belongs to the caller until its `deleter` is called: exactly once, by
/// any thread, with or without the GIL. Until then the view is held. `deleter` may be called after `Py_Finalize`, too:
/// during finalisation by another thread and after it, the object and its view are left as they are.
///
/// The tensor has the view's memory, shape and strides; no byte is copied without the flag. `data` is NULL if there are
/// no items, `shape` and `strides` never are. Its `flags` tell whether it is read-only, and whether it is a copy.
///
/// Returns 0; or -1 with an error set and `*tensor` unchanged: the exporter's own; `BufferError` for items that DLPack
/// has no type for (structs, text, objects, long doubles, foreign byte order), more than 64 dimensions, and without the
/// flag for suboffsets, strides that are not whole items, and objects of a subinterpreter; `ValueError` for a wrong
/// format, view or `flags`; `MemoryError`; `SystemError` if an argument is NULL.
///
/// # Safety
/// `obj` is NULL or an object; `tensor` is NULL or writable. In a process with Python the caller holds the GIL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pybuffer_to_dlpack(
    obj: *mut PyObject,
    flags: c_int,
    tensor: *mut *mut DLManagedTensorVersioned,
) -> c_int {
    if obj.is_null() || tensor.is_null() {
        return null_argument();
    }
    // SAFETY: an object (caller).
    let made = unsafe { dlpack::to_dlpack(obj, flags, Form::Versioned) };
    // SAFETY: writable (caller).
    unsafe { store(made, tensor.cast()) }
}

/// As `pybuffer_to_dlpack`, as the struct of DLPack before 1.0.
///
/// That struct cannot say that memory is read-only: then the error is a `BufferError`, but for copies.
///
/// # Safety
/// As for `pybuffer_to_dlpack`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pybuffer_to_dlpack_legacy(
    obj: *mut PyObject,
    flags: c_int,
    tensor: *mut *mut DLManagedTensor,
) -> c_int {
    if obj.is_null() || tensor.is_null() {
        return null_argument();
    }
    // SAFETY: an object (caller).
    let made = unsafe { dlpack::to_dlpack(obj, flags, Form::Legacy) };
    // SAFETY: writable (caller).
    unsafe { store(made, tensor.cast()) }
}

/// As `pybuffer_to_dlpack`, of the memory that a view describes, without an exporter.
///
/// `owner` is any object that owns the memory, and the tensor has a reference to it until its `deleter` is called; or
/// NULL: then the memory has to stay until that call. The view itself, with its arrays and format, is needed during this
/// call only, and `view->obj` is not looked at. A copy needs no owner.
///
/// Returns as `pybuffer_to_dlpack`.
///
/// # Safety
/// `view` is NULL or a view whose arrays, where not NULL, have `ndim` entries, and whose memory stays as said above;
/// `owner` is NULL or an object; `tensor` is NULL or writable. In a process with Python the caller holds the GIL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pybuffer_view_to_dlpack(
    view: *const Py_buffer,
    owner: *mut PyObject,
    flags: c_int,
    tensor: *mut *mut DLManagedTensorVersioned,
) -> c_int {
    // SAFETY: null or a view (caller).
    match unsafe { view.as_ref() } {
        Some(view) if !tensor.is_null() => {
            // SAFETY: the view's arrays and memory are there, and `owner` is null or an object (caller).
            let made = unsafe { dlpack::view_to_dlpack(view, owner, flags) };
            // SAFETY: writable (caller).
            unsafe { store(made, tensor.cast()) }
        }
        _ => null_argument(),
    }
}

/// Stores a tensor where the caller wants it, and returns 0; -1 if an error was raised instead.
///
/// # Safety
/// `tensor` is writable.
unsafe fn store(made: Result<*mut c_void, Raised>, tensor: *mut *mut c_void) -> c_int {
    match made {
        Ok(made) => {
            // SAFETY: writable (caller).
            unsafe { tensor.write(made) };
            0
        }
        Err(Raised) => -1,
    }
}

/// A memoryview of a tensor of DLPack 1.x in the CPU's memory, with its type as the format, its shape and strides;
/// read-only if the tensor is.
///
/// The memoryview takes the tensor over: `tensor->deleter`, if not NULL, is called exactly once, when the memoryview and
/// all memoryviews made from it are released or freed, by the thread that drops the last of them; in a process with
/// Python it holds the GIL. `PyMemoryView_GET_BASE` (in Python `.obj`) is a capsule of the library's own.
///
/// Types without a letter in PEP 3118 (bfloat16, the 8-bit floats, 128-bit floats) are bytes of that size (format
/// `"2x"`); `pybuffer_dlpack_dtype_name` tells what they are.
///
/// Returns a new reference; or NULL with an error set, and the tensor stays the caller's: `BufferError` for another
/// major version, another device, more than one lane, items of less than a byte, opaque handles, and unknown types;
/// `ValueError` for a shape, strides or offsets that make no sense, and for more than 64 dimensions; `MemoryError`;
/// `SystemError` if `tensor` is NULL, or in a CPython whose memoryviews are laid out unlike those of 3.8 to 3.15.
///
/// # Safety
/// `tensor` is NULL or a tensor whose arrays, where not NULL, have `ndim` entries, and whose memory stays until its
/// deleter is called. In a process with Python the caller holds the GIL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pybuffer_from_dlpack(
    tensor: *mut DLManagedTensorVersioned,
) -> *mut PyObject {
    // SAFETY: null or a tensor (caller).
    match unsafe { tensor.as_ref() } {
        // SAFETY: a tensor whose memory stays until its deleter is called (caller).
        Some(tensor) => object_or_null(unsafe { dlpack::from_dlpack(Source::Versioned(tensor)) }),
        None => null_object(),
    }
}

/// As `pybuffer_from_dlpack`, for the struct of DLPack before 1.0, whose memory may be written.
///
/// # Safety
/// As for `pybuffer_from_dlpack`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pybuffer_from_dlpack_legacy(
    tensor: *mut DLManagedTensor,
) -> *mut PyObject {
    // SAFETY: null or a tensor (caller).
    match unsafe { tensor.as_ref() } {
        // SAFETY: a tensor whose memory stays until its deleter is called (caller).
        Some(tensor) => object_or_null(unsafe { dlpack::from_dlpack(Source::Legacy(tensor)) }),
        None => null_object(),
    }
}

/// The name of a data type of DLPack as NumPy, PyTorch and ml_dtypes write it: `"float32"`, `"bfloat16"`,
/// `"float8_e4m3fn"`. Never freed; NULL for a type that the library does not know, or of more than one lane.
#[unsafe(no_mangle)]
pub extern "C" fn pybuffer_dlpack_dtype_name(dtype: DLDataType) -> *const c_char {
    dlpack::find(dtype).map_or(ptr::null(), |(name, _)| name.as_ptr())
}

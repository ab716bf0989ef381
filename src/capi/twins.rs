//! The twins: each drop-in function a second time, under a name that no interpreter has (`pybuffer_` followed by
//! CPython's name).
//!
//! On ELF the interpreter's own definition of a name wins over that of a library linked beside it. With
//! `PYBUFFER_REDIRECT` the header maps every drop-in name to its twin, so that the library's function is called.

use core::ffi::{c_char, c_int, c_void};

use super::{buffer, legacy, memoryview, object};
use crate::abi::{Py_buffer, Py_ssize_t, PyObject};

macro_rules! twins {
    ($($twin:ident($($argument:ident: $type:ty),*) $(-> $result:ty)? = $function:path;)+) => {
        $(
            #[doc = concat!("The function that the name ends in.")]
            ///
            /// # Safety
            /// As for that function.
            #[unsafe(no_mangle)]
            pub unsafe extern "C" fn $twin($($argument: $type),*) $(-> $result)? {
                // SAFETY: the same arguments under the same contract (caller).
                unsafe { $function($($argument),*) }
            }
        )+
    };
}

twins! {
    pybuffer_PyObject_CheckBuffer(obj: *mut PyObject) -> c_int = object::check_buffer;
    pybuffer_PyObject_GetBuffer(obj: *mut PyObject, view: *mut Py_buffer, flags: c_int) -> c_int
        = object::get_buffer;
    pybuffer_PyObject_CopyData(dest: *mut PyObject, src: *mut PyObject) -> c_int
        = object::copy_data;
    pybuffer_PyObject_AsCharBuffer(
        obj: *mut PyObject, buffer: *mut *const c_char, buffer_len: *mut Py_ssize_t
    ) -> c_int = legacy::as_char_buffer;
    pybuffer_PyObject_AsReadBuffer(
        obj: *mut PyObject, buffer: *mut *const c_void, buffer_len: *mut Py_ssize_t
    ) -> c_int = legacy::as_read_buffer;
    pybuffer_PyObject_AsWriteBuffer(
        obj: *mut PyObject, buffer: *mut *mut c_void, buffer_len: *mut Py_ssize_t
    ) -> c_int = legacy::as_write_buffer;
    pybuffer_PyObject_CheckReadBuffer(obj: *mut PyObject) -> c_int = legacy::check_read_buffer;
    pybuffer_PyBuffer_Release(view: *mut Py_buffer) = buffer::release;
    pybuffer_PyBuffer_SizeFromFormat(format: *const c_char) -> Py_ssize_t
        = buffer::size_from_format;
    pybuffer_PyBuffer_IsContiguous(view: *const Py_buffer, order: c_char) -> c_int
        = buffer::is_contiguous;
    pybuffer_PyBuffer_GetPointer(view: *const Py_buffer, indices: *const Py_ssize_t) -> *mut c_void
        = buffer::get_pointer;
    pybuffer_PyBuffer_FromContiguous(
        view: *const Py_buffer, buf: *const c_void, len: Py_ssize_t, order: c_char
    ) -> c_int = buffer::from_contiguous;
    pybuffer_PyBuffer_ToContiguous(
        buf: *mut c_void, src: *const Py_buffer, len: Py_ssize_t, order: c_char
    ) -> c_int = buffer::to_contiguous;
    pybuffer_PyBuffer_FillContiguousStrides(
        ndim: c_int, shape: *mut Py_ssize_t, strides: *mut Py_ssize_t, itemsize: c_int, order: c_char
    ) = buffer::fill_contiguous_strides;
    pybuffer_PyBuffer_FillInfo(
        view: *mut Py_buffer, obj: *mut PyObject, buf: *mut c_void, len: Py_ssize_t,
        readonly: c_int, flags: c_int
    ) -> c_int = buffer::fill_info;
    pybuffer_PyMemoryView_FromObject(obj: *mut PyObject) -> *mut PyObject
        = memoryview::from_object;
    pybuffer_PyMemoryView_FromMemory(mem: *mut c_char, size: Py_ssize_t, flags: c_int)
        -> *mut PyObject = memoryview::from_memory;
    pybuffer_PyMemoryView_FromBuffer(info: *const Py_buffer) -> *mut PyObject
        = memoryview::from_buffer;
    pybuffer_PyMemoryView_GetContiguous(obj: *mut PyObject, buffertype: c_int, order: c_char)
        -> *mut PyObject = memoryview::get_contiguous;
}

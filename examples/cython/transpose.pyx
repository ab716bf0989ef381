# cython: language_level=3
from cpython.buffer cimport PyBUF_FULL_RO, PyBuffer_FillContiguousStrides, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libpybuffer cimport pybuffer_copy


def tobytes(obj):
    """The bytes of the transpose of any exporter. Other threads run while they are copied."""
    cdef Py_buffer src, dst
    cdef Py_ssize_t strides[64]
    cdef int status
    PyObject_GetBuffer(obj, &src, PyBUF_FULL_RO)
    try:
        if src.ndim > 64:
            raise BufferError("more than 64 dimensions")
        result = PyBytes_FromStringAndSize(NULL, src.len)
        # The transpose in C order is the array in Fortran order.
        PyBuffer_FillContiguousStrides(src.ndim, src.shape, strides, src.itemsize, b"F")
        dst = src
        dst.buf = PyBytes_AS_STRING(result)
        dst.readonly = 0
        dst.strides = strides
        dst.suboffsets = NULL
        with nogil:
            status = pybuffer_copy(&dst, &src)
        if status < 0:
            raise BufferError("the views cannot be copied")
        return result
    finally:
        PyBuffer_Release(&src)

# cython: language_level=3
from cpython.buffer cimport PyBUF_FULL_RO, PyBuffer_Release, PyBuffer_ToContiguous, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libpybuffer cimport pybuffer_check_view, pybuffer_report


def tobytes(obj):
    """The bytes of the transpose of any exporter; a BufferError says which rule a view of it breaks."""
    cdef Py_buffer view
    cdef pybuffer_report report
    PyObject_GetBuffer(obj, &view, PyBUF_FULL_RO)
    try:
        if pybuffer_check_view(&view, PyBUF_FULL_RO, &report) > 0:
            raise BufferError(report.findings[0].rule.sentence.decode())
        result = PyBytes_FromStringAndSize(NULL, view.len)
        # The transpose in C order is the array in Fortran order.
        PyBuffer_ToContiguous(PyBytes_AS_STRING(result), &view, view.len, b"F")
        return result
    finally:
        PyBuffer_Release(&view)

/* Bytes from one place to another. */

#include <limits.h>

#include "extension.h"

/* Where fewer bytes are copied, the GIL is kept: a thread that waits for it again may wait for 5 ms, as long
   as some tens of megabytes take. */
#define RELEASE_GIL_FROM (1 << 20)

/* Reads a call (obj, order): the order; 0 with an exception. */
static char take_obj_and_order(const signature *signature, PyObject *const *args, Py_ssize_t n, PyObject *names,
                               PyObject **obj)
{
    PyObject *values[2] = { NULL };
    if (!take_arguments(signature, args, n, names, values))
        return 0;
    *obj = values[0];
    return order_of(values[1]);
}

/* The same, and a view of obj, to be released. */
static char get_view_and_order(const signature *signature, PyObject *const *args, Py_ssize_t n, PyObject *names,
                               Py_buffer *view)
{
    PyObject *obj;
    char order = take_obj_and_order(signature, args, n, names, &obj);
    return order != 0 && PyObject_GetBuffer(obj, view, PyBUF_FULL_RO) == 0 ? order : 0;
}

/* A view of dst that may be written: 0, or -1 with an exception. The same BufferError whenever dst is read-only, also if
   it says so by ValueError (NumPy) or TypeError; any other exception of an exporter is its own. */
static int get_writable(PyObject *dst, Py_buffer *view)
{
    if (PyObject_GetBuffer(dst, view, PyBUF_FULL) == 0)
        return 0;
    int may_be_readonly = PyErr_ExceptionMatches(PyExc_BufferError) || PyErr_ExceptionMatches(PyExc_ValueError) ||
                          PyErr_ExceptionMatches(PyExc_TypeError);
    if (!may_be_readonly || !PyObject_CheckBuffer(dst))
        return -1;
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    int is_readonly = PyObject_GetBuffer(dst, view, PyBUF_FULL_RO) == 0 && view->readonly;
    if (PyErr_Occurred())
        PyErr_Clear();
    else
        PyBuffer_Release(view);
    if (is_readonly) {
        PyErr_NormalizeException(&type, &value, &traceback);
        PyErr_Format(PyExc_BufferError, "copyto: dst is read-only: %S", value);
        Py_XDECREF(type);
        Py_XDECREF(value);
        Py_XDECREF(traceback);
    } else {
        PyErr_Restore(type, value, traceback);
    }
    return -1;
}

/* Whether a view's numbers agree, so that nothing but memory can be missing for its copy. An error found
   without the GIL cannot be raised in every CPython. */
static int numbers_agree(const Py_buffer *view)
{
    if (view->ndim < 0 || view->ndim > PyBUF_MAX_NDIM || view->itemsize <= 0 || view->shape == NULL)
        return 0;
    Py_ssize_t size = view->itemsize;
    for (int i = 0; i < view->ndim; i++) {
        Py_ssize_t n = view->shape[i];
        if (n <= 0 || __builtin_mul_overflow(size, n, &size))
            return 0;
    }
    return size == view->len;
}

/* Copies by at most n_threads threads; a large copy releases the GIL. */
static int copy_views(const Py_buffer *dst, const Py_buffer *src, Py_ssize_t n_threads)
{
    if (src->len < RELEASE_GIL_FROM || dst->readonly || dst->ndim != src->ndim || dst->itemsize != src->itemsize ||
        !numbers_agree(dst) || !numbers_agree(src) ||
        memcmp(dst->shape, src->shape, (size_t)src->ndim * sizeof *src->shape) != 0)
        return pybuffer_copy(dst, src);
    Py_ssize_t n_parts = n_threads == 1 ? 1 : parts_for_threads(dst, src, n_threads);
    int status;
    if (n_parts > 1) {
        status = copy_by_threads(dst, src, n_parts);
    } else {
        Py_BEGIN_ALLOW_THREADS
        status = pybuffer_copy(dst, src);
        Py_END_ALLOW_THREADS
    }
    /* Memory was missing: here, with the GIL, it is found again or the exception is set. */
    return status == 0 ? 0 : pybuffer_copy(dst, src);
}

/* The number of threads that is asked for; NULL is 1. 0 with an exception. */
static Py_ssize_t n_threads_of(PyObject *threads, const char *function)
{
    if (threads == NULL)
        return 1;
    /* True would be one thread, which is not what it is written for. */
    if (!PyIndex_Check(threads) || PyBool_Check(threads)) {
        PyErr_Format(PyExc_TypeError, "%s: threads must be an integer, not %.200R", function, threads);
        return 0;
    }
    Py_ssize_t n = PyNumber_AsSsize_t(threads, NULL); /* the largest or the smallest, if it does not fit */
    if (n == -1 && PyErr_Occurred())
        return 0;
    if (n >= 1)
        return n;
    PyErr_Format(PyExc_ValueError, "%s: threads must be at least 1, not %.200R", function, threads);
    return 0;
}

/* Puts the items of `src` into a block of its length, by several threads where that pays. */
static int copy_to_block(char *block, const Py_buffer *src, char order, Py_ssize_t n_threads)
{
    if (n_threads == 1 || src->len < RELEASE_GIL_FROM || src->itemsize > INT_MAX || !numbers_agree(src))
        return PyBuffer_ToContiguous(block, src, src->len, order);
    Py_ssize_t strides[PyBUF_MAX_NDIM];
    Py_buffer dst = *src;
    if (order == 'A')
        order = PyBuffer_IsContiguous(src, 'F') ? 'F' : 'C';
    PyBuffer_FillContiguousStrides(src->ndim, src->shape, strides, (int)src->itemsize, order);
    dst.buf = block;
    dst.readonly = 0;
    dst.strides = strides;
    dst.suboffsets = NULL;
    return copy_views(&dst, src, n_threads);
}

const char tobytes_doc[] =
    "tobytes(obj, order='C', *, threads=1)\n--\n\n"
    "The bytes of any exporter of buffers, as memoryview(obj).tobytes(order) has them.\n\n"
    "order is 'C' (the last index fastest), 'F' (the first one), or 'A': as it lies if obj lies in either\n"
    "order, else 'C'. None is 'C'. threads is the most that copy at the same time, as for copyto; more than 1\n"
    "release the GIL for a mebibyte or more.\n\n"
    ">>> import libpybuffer\n"
    ">>> libpybuffer.tobytes(memoryview(b'abcdef')[::-2])\n"
    "b'fdb'\n"
    ">>> libpybuffer.tobytes(memoryview(b'abcdef').cast('B', (2, 3)), order='F')\n"
    "b'adbecf'\n\n"
    "TypeError if obj is no exporter, ValueError for another order.";

PyObject *tobytes(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t n, PyObject *names)
{
    static const signature signature = { "O|O$O:tobytes", { "obj", "order", "threads" }, 1, 2 };
    PyObject *values[3] = { NULL };
    if (!take_arguments(&signature, args, n, names, values))
        return NULL;
    char order = order_of(values[1]);
    Py_ssize_t n_threads = order == 0 ? 0 : n_threads_of(values[2], "tobytes");
    Py_buffer view;
    if (n_threads == 0 || PyObject_GetBuffer(values[0], &view, PyBUF_FULL_RO) < 0)
        return NULL;
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, view.len);
    if (bytes != NULL && copy_to_block(PyBytes_AsString(bytes), &view, order, n_threads) < 0) {
        Py_DECREF(bytes);
        bytes = NULL;
    }
    PyBuffer_Release(&view);
    return bytes;
}

const char copyto_doc[] =
    "copyto(dst, src, *, threads=1)\n--\n\n"
    "Copies the items of one exporter to those of another, of the same shape and itemsize.\n\n"
    "Each may lie in memory as it likes, and they may overlap. Formats are not compared. Copies of a mebibyte\n"
    "or more release the GIL. threads is the most that copy at the same time: each is made for at least 2 MiB and\n"
    "gone when copyto returns.\n\n"
    ">>> import libpybuffer\n"
    ">>> canvas = bytearray(b'........')\n"
    ">>> libpybuffer.copyto(memoryview(canvas)[::2], b'abcd')\n"
    ">>> canvas\n"
    "bytearray(b'a.b.c.d.')\n\n"
    "BufferError, and nothing is written, if dst is read-only or the shapes or itemsizes differ; TypeError if\n"
    "one is no exporter.";

PyObject *copyto(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t n, PyObject *names)
{
    static const signature signature = { "OO|$O:copyto", { "dst", "src", "threads" }, 2, 2 };
    PyObject *values[3] = { NULL };
    if (!take_arguments(&signature, args, n, names, values))
        return NULL;
    Py_ssize_t n_threads = n_threads_of(values[2], "copyto");
    if (n_threads == 0)
        return NULL;
    Py_buffer dst, src;
    if (PyObject_GetBuffer(values[1], &src, PyBUF_FULL_RO) < 0)
        return NULL;
    int status = get_writable(values[0], &dst);
    if (status == 0) {
        status = copy_views(&dst, &src, n_threads);
        PyBuffer_Release(&dst);
    }
    PyBuffer_Release(&src);
    if (status < 0)
        return NULL;
    return none();
}

const char contiguous_doc[] =
    "contiguous(obj, order='C')\n--\n\n"
    "A memoryview whose items lie back to back: of obj itself if it lies so, else of a read-only copy.\n\n"
    ">>> import libpybuffer\n"
    ">>> data = bytearray(b'abcdef')\n"
    ">>> libpybuffer.contiguous(data).obj is data\n"
    "True\n"
    ">>> libpybuffer.contiguous(memoryview(data)[::2]).obj\n"
    "b'ace'\n\n"
    "None is 'C'. TypeError if obj is no exporter, ValueError for another order than 'C', 'F' and 'A'.";

PyObject *contiguous(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t n, PyObject *names)
{
    static const signature signature = { "O|O:contiguous", { "obj", "order" }, 1, 2 };
    PyObject *obj;
    char order = take_obj_and_order(&signature, args, n, names, &obj);
    return order == 0 ? NULL : PyMemoryView_GetContiguous(obj, PyBUF_READ, order);
}

const char is_contiguous_doc[] =
    "is_contiguous(obj, order)\n--\n\n"
    "Whether the items of an exporter lie back to back in order 'C', 'F', or either ('A').\n\n"
    ">>> import libpybuffer\n"
    ">>> libpybuffer.is_contiguous(memoryview(b'abcdef').cast('B', (2, 3)), 'F')\n"
    "False\n\n"
    "None is 'C'. TypeError if obj is no exporter, ValueError for another order.";

PyObject *is_contiguous(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t n, PyObject *names)
{
    static const signature signature = { "OO:is_contiguous", { "obj", "order" }, 2, 2 };
    Py_buffer view;
    char order = get_view_and_order(&signature, args, n, names, &view);
    if (order == 0)
        return NULL;
    int is = PyBuffer_IsContiguous(&view, order);
    PyBuffer_Release(&view);
    return PyBool_FromLong(is);
}

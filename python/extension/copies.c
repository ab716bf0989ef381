/* Bytes from one place to another. */

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

const char tobytes_doc[] =
    "tobytes(obj, order='C')\n--\n\n"
    "The bytes of any exporter of buffers, as memoryview(obj).tobytes(order) has them.\n\n"
    "order is 'C' (the last index fastest), 'F' (the first one), or 'A': as it lies if obj lies in either\n"
    "order, else 'C'.\n\n"
    ">>> import libpybuffer\n"
    ">>> libpybuffer.tobytes(memoryview(b'abcdef')[::-2])\n"
    "b'fdb'\n"
    ">>> libpybuffer.tobytes(memoryview(b'abcdef').cast('B', (2, 3)), order='F')\n"
    "b'adbecf'\n\n"
    "TypeError if obj is no exporter, ValueError for another order.";

PyObject *tobytes(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t n, PyObject *names)
{
    static const signature signature = { "O|O:tobytes", { "obj", "order" }, 1, 2 };
    Py_buffer view;
    char order = get_view_and_order(&signature, args, n, names, &view);
    if (order == 0)
        return NULL;
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, view.len);
    if (bytes != NULL && PyBuffer_ToContiguous(PyBytes_AsString(bytes), &view, view.len, order) < 0) {
        Py_DECREF(bytes);
        bytes = NULL;
    }
    PyBuffer_Release(&view);
    return bytes;
}

/* A view of dst that may be written: 0, or -1 with an exception. BufferError if dst is read-only, also if it says so by
   ValueError (NumPy) or TypeError; any other exception of an exporter is its own. */
static int get_writable(PyObject *dst, Py_buffer *view)
{
    if (PyObject_GetBuffer(dst, view, PyBUF_FULL) == 0)
        return 0;
    int may_be_readonly = PyErr_ExceptionMatches(PyExc_ValueError) || PyErr_ExceptionMatches(PyExc_TypeError);
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

static int copy_views(const Py_buffer *dst, const Py_buffer *src)
{
    if (src->len < RELEASE_GIL_FROM || dst->readonly || dst->ndim != src->ndim || dst->itemsize != src->itemsize ||
        !numbers_agree(dst) || !numbers_agree(src) ||
        memcmp(dst->shape, src->shape, (size_t)src->ndim * sizeof *src->shape) != 0)
        return pybuffer_copy(dst, src);
    int status;
    Py_BEGIN_ALLOW_THREADS
    status = pybuffer_copy(dst, src);
    Py_END_ALLOW_THREADS
    /* Nothing was written, and the exception is set with the GIL. */
    return status == 0 ? 0 : pybuffer_copy(dst, src);
}

/* 1 if `threads`, which may be NULL, is 1; 0 with an exception if not. */
static int is_one_thread(PyObject *threads)
{
    if (threads == NULL)
        return 1;
    PyObject *number = PyNumber_Index(threads);
    if (number == NULL)
        return 0;
    int overflow;
    long n = PyLong_AsLongAndOverflow(number, &overflow);
    Py_DECREF(number);
    if (n == 1)
        return 1;
    if (overflow < 0 || (overflow == 0 && n < 1))
        PyErr_Format(PyExc_ValueError, "copyto: threads must be at least 1, not %R", threads);
    else
        PyErr_Format(PyExc_NotImplementedError,
                     "copyto: threads=%R: this version of libpybuffer copies by one thread only", threads);
    return 0;
}

const char copyto_doc[] =
    "copyto(dst, src, *, threads=1)\n--\n\n"
    "Copies the items of one exporter to those of another, of the same shape and itemsize.\n\n"
    "Each may lie in memory as it likes, and they may overlap. Formats are not compared. Copies of a mebibyte\n"
    "or more release the GIL. threads is for a later version: more than 1 is a NotImplementedError.\n\n"
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
    if (!take_arguments(&signature, args, n, names, values) || !is_one_thread(values[2]))
        return NULL;
    Py_buffer dst, src;
    if (PyObject_GetBuffer(values[1], &src, PyBUF_FULL_RO) < 0)
        return NULL;
    int status = get_writable(values[0], &dst);
    if (status == 0) {
        status = copy_views(&dst, &src);
        PyBuffer_Release(&dst);
    }
    PyBuffer_Release(&src);
    if (status < 0)
        return NULL;
    Py_INCREF(Py_None);
    return Py_None;
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
    "TypeError if obj is no exporter, ValueError for another order than 'C', 'F' and 'A'.";

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
    "TypeError if obj is no exporter, ValueError for another order.";

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

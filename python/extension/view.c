/* A memoryview of any layout within an exporter's memory. */

#include "extension.h"

/* What a view is made of. */
typedef struct {
    Py_buffer info;                      /* of the new memoryview */
    Py_ssize_t shape[PyBUF_MAX_NDIM];
    Py_ssize_t strides[PyBUF_MAX_NDIM];
    Py_ssize_t offset;
    PyObject *format;                    /* the bytes that info.format points into, or NULL */
} layout;

/* Reads an integer; 0 with an exception. */
static int read_number(PyObject *object, const char *what, Py_ssize_t *number)
{
    if (!PyIndex_Check(object)) {
        PyErr_Format(PyExc_TypeError, "view: %s must be an integer, not %.200R", what, object);
        return 0;
    }
    *number = PyNumber_AsSsize_t(object, PyExc_ValueError);
    if (*number != -1 || !PyErr_Occurred())
        return 1;
    if (PyLong_Check(object))
        PyErr_Format(PyExc_ValueError, "view: %s: %S is beyond all addresses", what, object);
    return 0;
}

/* Reads a sequence of numbers; their count, or -1 with an exception. */
static int read_numbers(PyObject *sequence, Py_ssize_t *numbers, const char *what, const char *each)
{
    PyObject *tuple = PySequence_Tuple(sequence);
    if (tuple == NULL && (sequence == Py_None || PyIndex_Check(sequence)) && PyErr_ExceptionMatches(PyExc_TypeError))
        PyErr_Format(PyExc_TypeError, "view: %s must be a sequence of integers, not %.200R", what, sequence);
    if (tuple == NULL)
        return -1;
    Py_ssize_t n = PyTuple_Size(tuple);
    if (n > PyBUF_MAX_NDIM) {
        PyErr_Format(PyExc_ValueError, "view: %s has %zd numbers, and a memoryview at most %d dimensions", what, n,
                     PyBUF_MAX_NDIM);
        n = -1;
    }
    for (Py_ssize_t i = 0; i < n; i++)
        if (!read_number(PyTuple_GetItem(tuple, i), each, &numbers[i]))
            n = -1;
    Py_DECREF(tuple);
    return (int)n;
}

/* Sets info.len and, if there are none, the strides. */
static int measure(layout *layout, int has_strides)
{
    Py_buffer *info = &layout->info;
    Py_ssize_t size = info->itemsize;
    int is_empty = 0;
    for (int i = 0; i < info->ndim; i++)
        is_empty |= layout->shape[i] == 0;
    for (int i = info->ndim - 1; i >= 0; i--) {
        if (!has_strides)
            layout->strides[i] = size;
        if (layout->shape[i] < 0) {
            PyErr_Format(PyExc_ValueError, "view: shape[%d] is %zd", i, layout->shape[i]);
            return -1;
        }
        /* Without items the other numbers do not matter, and strides wrap as libpython's do. */
        if (__builtin_mul_overflow(size, layout->shape[i], &size) && !is_empty) {
            PyErr_SetString(PyExc_ValueError, "view: an array of this shape has more bytes than there are addresses");
            return -1;
        }
    }
    info->len = is_empty ? 0 : size;
    return 0;
}

/* Whether all of the items lie within the exporter's bytes: 0, or -1 with ValueError. */
static int verify(const layout *layout, const Py_buffer *memory)
{
    const Py_buffer *info = &layout->info;
    int ndim = info->ndim;
    if (pybuffer_verify_structure(memory->len, info->itemsize, ndim, ndim == 0 ? NULL : layout->shape,
                                  ndim == 0 ? NULL : layout->strides, layout->offset))
        return 0;
    if (info->itemsize == 0) {
        PyErr_SetString(PyExc_ValueError, "view: the itemsize is 0: items need a format that has bytes");
        return -1;
    }
    if (info->itemsize > 0) {
        if (layout->offset % info->itemsize != 0) {
            PyErr_Format(PyExc_ValueError, "view: offset %zd is not a multiple of the itemsize, %zd", layout->offset,
                         info->itemsize);
            return -1;
        }
        for (int i = 0; i < ndim; i++)
            if (layout->strides[i] % info->itemsize != 0) {
                PyErr_Format(PyExc_ValueError, "view: strides[%d], %zd, is not a multiple of the itemsize, %zd", i,
                             layout->strides[i], info->itemsize);
                return -1;
            }
    }
    /* Where there are no items, none can lie outside: an empty view may begin where the memory ends. */
    if (info->itemsize > 0 && info->len == 0 && layout->offset >= 0 && layout->offset <= memory->len)
        return 0;
    PyObject *shape = tuple_of(layout->shape, ndim), *strides = tuple_of(layout->strides, ndim);
    if (shape != NULL && strides != NULL)
        PyErr_Format(PyExc_ValueError, "view: shape %S, strides %S and offset %zd: not all items of %zd bytes lie "
                     "within the exporter's %zd bytes", shape, strides, layout->offset, info->itemsize, memory->len);
    Py_XDECREF(shape);
    Py_XDECREF(strides);
    return -1;
}

/* Keeps an exporter's buffer for the memoryviews of it: not the exporter itself, as a bytearray, say, must know that
   its memory is in use. The garbage collector sees the exporter through it. */
typedef struct {
    PyObject_HEAD
    Py_buffer memory;
} keeper;

static int keeper_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((keeper *)self)->memory.obj);
    return 0;
}

/* (It clears nothing: a memoryview that is part of the same garbage may still be read by a finalizer. The cycle is
   broken where the exporter holds the memoryview.) */
static void keeper_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    PyBuffer_Release(&((keeper *)self)->memory);
    freefunc free = (freefunc)PyType_GetSlot(type, Py_tp_free);
    free(self);
    Py_DECREF(type);
}

PyObject *make_keeper_type(void)
{
    static PyType_Slot slots[] = {
        { Py_tp_doc, "Keeps the memory of libpybuffer.view." },
        { Py_tp_traverse, keeper_traverse },
        { Py_tp_dealloc, keeper_dealloc },
        { 0, NULL },
    };
    static PyType_Spec spec = {
        "libpybuffer._libpybuffer.Memory", sizeof(keeper), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, slots,
    };
    return PyType_FromSpec(&spec);
}

/* Reads what the caller asks for; -1 with an exception. */
static int read_layout(layout *layout, PyObject **values, const Py_buffer *memory)
{
    Py_buffer *info = &layout->info;
    int has_strides = values[2] != NULL && values[2] != Py_None;
    info->ndim = read_numbers(values[1], layout->shape, "shape", "each number of shape");
    if (info->ndim < 0)
        return -1;
    if (has_strides) {
        int n = read_numbers(values[2], layout->strides, "strides", "each number of strides");
        if (n >= 0 && n != info->ndim)
            PyErr_Format(PyExc_ValueError, "view: shape has %d numbers, strides has %d", info->ndim, n);
        if (n != info->ndim)
            return -1;
    }
    if (values[3] != NULL && !read_number(values[3], "offset", &layout->offset))
        return -1;
    info->format = memory->format;
    info->itemsize = memory->itemsize;
    if (values[4] != NULL && values[4] != Py_None) {
        layout->format = text_of(values[4], "view: format");
        if (layout->format == NULL)
            return -1;
        info->format = PyBytes_AsString(layout->format);
        info->itemsize = pybuffer_format_itemsize(info->format);
        if (info->itemsize < 0)
            return -1;
    }
    return measure(layout, has_strides);
}

/* The memoryview of what `keeper` keeps; NULL with an exception. */
static PyObject *make_view(PyObject **values, keeper *keeper)
{
    const Py_buffer *memory = &keeper->memory;
    if (!PyBuffer_IsContiguous(memory, 'A')) {
        PyErr_SetString(PyExc_BufferError, "view: the exporter's memory is not contiguous");
        return NULL;
    }
    layout layout = { .offset = 0 };
    PyObject *made = NULL;
    if (read_layout(&layout, values, memory) == 0 && verify(&layout, memory) == 0) {
        layout.info.buf = (char *)memory->buf + layout.offset;
        layout.info.readonly = memory->readonly;
        layout.info.shape = layout.shape;
        layout.info.strides = layout.strides;
        made = pybuffer_memoryview_from_buffer_with_owner(&layout.info, (PyObject *)keeper);
    }
    Py_XDECREF(layout.format);
    return made;
}

const char view_doc[] =
    "view(obj, shape, strides=None, offset=0, format=None)\n--\n\n"
    "A memoryview of any N-dimensional layout within the memory of an exporter. Nothing is copied.\n\n"
    "shape counts items; strides and offset are in bytes and multiples of the itemsize; without strides the\n"
    "items lie in C order. format is obj's own if none is given. Each item has to lie within obj's memory,\n"
    "which has to be contiguous; the memoryview keeps obj and its memory alive.\n\n"
    ">>> import libpybuffer\n"
    ">>> numbers = bytearray(range(6))\n"
    ">>> libpybuffer.view(numbers, (2, 3)).tolist()\n"
    "[[0, 1, 2], [3, 4, 5]]\n"
    ">>> transposed = libpybuffer.view(numbers, shape=(3, 2), strides=(1, 3))\n"
    ">>> transposed.tolist()\n"
    "[[0, 3], [1, 4], [2, 5]]\n"
    ">>> libpybuffer.tobytes(libpybuffer.view(numbers, (3,), (-2,), offset=4))\n"
    "b'\\x04\\x02\\x00'\n\n"
    "ValueError if an item would lie outside, or for a malformed format; BufferError if obj's memory is not\n"
    "contiguous; TypeError if it is no exporter.";

PyObject *view(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *names)
{
    static const signature signature = { "OO|OOO:view", { "obj", "shape", "strides", "offset", "format" }, 2, 5 };
    PyObject *values[MAX_ARGUMENTS] = { NULL };
    if (!take_arguments(&signature, args, n, names, values))
        return NULL;
    keeper *keeper = (void *)PyType_GenericAlloc((PyTypeObject *)state_of(module)->keeper_type, 0);
    if (keeper == NULL)
        return NULL;
    PyObject *made = NULL;
    if (PyObject_GetBuffer(values[0], &keeper->memory, PyBUF_FULL_RO) < 0)
        keeper->memory.obj = NULL;
    else
        made = make_view(values, keeper);
    Py_DECREF(keeper);
    return made;
}

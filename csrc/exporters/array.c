#include "array.h"

#include <stdio.h>
#include <string.h>

static atomic_long alive;

static int refuse(Py_buffer *view, const char *why)
{
    PyErr_Format(PyExc_BufferError, "array: %s", why);
    view->obj = NULL;
    return -1;
}

static int array_getbuffer(PyObject *self, Py_buffer *view, int flags)
{
    Array *array = (Array *)self;
    if (view == NULL) {
        PyErr_SetString(PyExc_BufferError, "array: view==NULL argument is obsolete");
        return -1;
    }

    Py_buffer *whole = &array->whole;
    const int has_suboffsets = whole->suboffsets != NULL;
    const int is_c = PyBuffer_IsContiguous(whole, 'C');
    if ((flags & PyBUF_WRITABLE) && whole->readonly) {
        return refuse(view, "not writable");
    }
    if ((flags & PyBUF_C_CONTIGUOUS) == PyBUF_C_CONTIGUOUS && !is_c) {
        return refuse(view, "not C-contiguous");
    }
    if ((flags & PyBUF_F_CONTIGUOUS) == PyBUF_F_CONTIGUOUS && !PyBuffer_IsContiguous(whole, 'F')) {
        return refuse(view, "not Fortran contiguous");
    }
    if ((flags & PyBUF_ANY_CONTIGUOUS) == PyBUF_ANY_CONTIGUOUS
        && !PyBuffer_IsContiguous(whole, 'A')) {
        return refuse(view, "not contiguous");
    }
    if ((flags & PyBUF_INDIRECT) != PyBUF_INDIRECT && has_suboffsets) {
        return refuse(view, "a request without PyBUF_INDIRECT cannot see suboffsets");
    }
    if ((flags & PyBUF_STRIDES) != PyBUF_STRIDES && !is_c) {
        return refuse(view, "a request without PyBUF_STRIDES needs C order");
    }

    *view = *whole;
    if ((flags & PyBUF_FORMAT) != PyBUF_FORMAT) {
        view->format = NULL;
    }
    if ((flags & PyBUF_STRIDES) != PyBUF_STRIDES) {
        view->strides = NULL;
    }
    if ((flags & PyBUF_ND) != PyBUF_ND) {
        view->ndim = 1;
        view->shape = NULL;
    }
    Py_INCREF(self);
    view->obj = self;
    atomic_fetch_add(&array->exports, 1);
    return 0;
}

static void array_releasebuffer(PyObject *self, Py_buffer *view)
{
    (void)view;
    atomic_fetch_add(&((Array *)self)->releases, 1);
}

static void array_dealloc(PyObject *self)
{
    atomic_fetch_sub(&alive, 1);
    PyObject_Free(self);
}

static PyBufferProcs array_as_buffer = { array_getbuffer, array_releasebuffer };

static PyTypeObject Array_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "exporters.array",
    .tp_basicsize = sizeof(Array),
    .tp_dealloc = array_dealloc,
    .tp_as_buffer = &array_as_buffer,
    .tp_flags = Py_TPFLAGS_DEFAULT,
};

int array_ready(void)
{
    return PyType_Ready(&Array_Type);
}

PyObject *array_new(ArrayLayout layout)
{
    Array *array = PyObject_New(Array, &Array_Type);
    if (array == NULL) {
        return NULL;
    }
    atomic_fetch_add(&alive, 1);
    atomic_init(&array->exports, 0);
    atomic_init(&array->releases, 0);
    snprintf(array->format, sizeof array->format, "%s", layout.format ? layout.format : "B");

    Py_ssize_t size = layout.itemsize;
    for (int i = layout.ndim - 1; i >= 0; i--) {
        array->shape[i] = layout.shape[i];
        array->strides[i] = layout.strides ? layout.strides[i] : size;
        array->suboffsets[i] = layout.suboffsets ? layout.suboffsets[i] : -1;
        size *= layout.shape[i];
    }
    memset(&array->whole, 0, sizeof array->whole);
    array->whole.buf = layout.buf;
    array->whole.len = size;
    array->whole.itemsize = layout.itemsize;
    array->whole.readonly = layout.readonly;
    array->whole.ndim = layout.ndim;
    array->whole.format = array->format;
    if (layout.ndim > 0) { /* with ndim 0, all three are NULL */
        array->whole.shape = array->shape;
        array->whole.strides = array->strides;
        array->whole.suboffsets = layout.suboffsets ? array->suboffsets : NULL;
    }
    return (PyObject *)array;
}

long array_alive(void)
{
    return atomic_load(&alive);
}

/* A consumer and an exporter's slots, compiled after Python.h, as C and as C++, with any
 * Py_LIMITED_API, with and without PYBUFFER_REDIRECT. It is compiled only; every function is called
 * once, and what its result is assigned to shows its type. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <libpybuffer.h>
#include <libpybuffer.h>

static int get(PyObject *exporter, Py_buffer *view, int flags)
{
    static char byte;
    return PyBuffer_FillInfo(view, exporter, &byte, 1, 1, flags);
}

static void release(PyObject *exporter, Py_buffer *view)
{
    (void)exporter;
    (void)view;
}

static const getbufferproc get_slot = get;
static const releasebufferproc release_slot = release;

/* Where limited API and Python.h let a type have buffer slots, their numbers are there. */
static const int slot_numbers[] = { Py_bf_getbuffer, Py_bf_releasebuffer };

int consume(PyObject *object, Py_ssize_t *strides);

int consume(PyObject *object, Py_ssize_t *strides)
{
    Py_buffer view;
    char copy[PyBUF_MAX_NDIM];
    Py_ssize_t index = 0;
    int failures = 0;

    if (!PyObject_CheckBuffer(object) || PyObject_GetBuffer(object, &view, PyBUF_FULL_RO) < 0) {
        return -1;
    }
    const Py_ssize_t size = PyBuffer_SizeFromFormat(view.format);
    const void *item = PyBuffer_GetPointer(&view, &index);
    PyBuffer_FillContiguousStrides(view.ndim, view.shape, strides, 1, 'C');
    if (!PyBuffer_IsContiguous(&view, 'A') && item && size > 0) {
        failures += PyBuffer_ToContiguous(copy, &view, view.len, 'C');
        failures += PyBuffer_FromContiguous(&view, copy, view.len, 'F');
    }
    PyBuffer_Release(&view);
    return failures + PyObject_CopyData(object, object) + get_slot(object, &view, PyBUF_SIMPLE);
}

int consume_as_of_old(PyObject *object);

int consume_as_of_old(PyObject *object)
{
    const char *chars;
    const void *bytes;
    void *writable;
    Py_ssize_t len;
    return PyObject_CheckReadBuffer(object) + PyObject_AsCharBuffer(object, &chars, &len)
         + PyObject_AsReadBuffer(object, &bytes, &len)
         + PyObject_AsWriteBuffer(object, &writable, &len);
}

PyObject *view_of(PyObject *object, Py_buffer *view);

PyObject *view_of(PyObject *object, Py_buffer *view)
{
    static char memory[4];
    PyObject *views[] = {
        PyMemoryView_FromObject(object),
        PyMemoryView_FromMemory(memory, 4, PyBUF_WRITE),
        PyMemoryView_FromBuffer(view),
        PyMemoryView_GetContiguous(object, PyBUF_READ, 'C'),
    };
    const Py_buffer *found = PyMemoryView_GET_BUFFER(views[0]);
    return PyMemoryView_Check(views[1]) && found->ndim > 0 ? PyMemoryView_GET_BASE(views[2]) : NULL;
}

/* This library's own functions are there after any Python.h. */
const char *whose(Py_buffer *view);

const char *whose(Py_buffer *view)
{
    release_slot(view->obj, view);
    return slot_numbers[0] == 1 && slot_numbers[1] == 2 ? pybuffer_runtime() : pybuffer_version();
}

/* Views that are held from one call to the next. */

#include "extension.h"

typedef struct {
    Py_ssize_t n;
    Py_buffer views[];
} held;

#define HELD "libpybuffer.held"

/* Releases them; a text of the exception that a release left, or NULL. */
static PyObject *release_all(held *held)
{
    PyObject *told = NULL;
    while (held->n > 0) {
        PyBuffer_Release(&held->views[--held->n]);
        if (PyErr_Occurred() && told == NULL) {
            PyObject *type, *value, *traceback;
            PyErr_Fetch(&type, &value, &traceback);
            told = PyUnicode_FromFormat("%S", value == NULL ? type : value);
            Py_XDECREF(type);
            Py_XDECREF(value);
            Py_XDECREF(traceback);
        }
        PyErr_Clear();
    }
    return told;
}

static void destroy(PyObject *capsule)
{
    held *held = PyCapsule_GetPointer(capsule, HELD);
    Py_XDECREF(release_all(held));
    PyMem_Free(held);
}

PyObject *hold_views(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *object;
    Py_ssize_t n;
    if (!PyArg_ParseTuple(args, "On", &object, &n))
        return NULL;
    held *held = n < 0 || n > 4096 ? NULL : PyMem_Malloc(sizeof *held + (size_t)n * sizeof *held->views);
    if (held == NULL)
        return PyErr_NoMemory();
    held->n = 0;
    while (held->n < n && PyObject_GetBuffer(object, &held->views[held->n], PyBUF_FULL_RO) == 0)
        held->n++;
    /* What is refused is judged elsewhere. */
    PyErr_Clear();
    PyObject *capsule = PyCapsule_New(held, HELD, destroy);
    if (capsule == NULL) {
        Py_XDECREF(release_all(held));
        PyMem_Free(held);
    }
    return capsule;
}

PyObject *release_views(PyObject *Py_UNUSED(module), PyObject *capsule)
{
    held *held = PyCapsule_GetPointer(capsule, HELD);
    if (held == NULL)
        return NULL;
    PyObject *told = release_all(held);
    return told == NULL ? none() : told;
}

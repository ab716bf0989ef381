/* The extension module that tests/builds.rs has each build system make: for CPython's stable ABI as of 3.8, so
 * that one file serves every python. It says whose buffer functions it calls. */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x03080000
#include <Python.h>
#include <libpybuffer.h>

#define FUNCTIONS(F)                                                                              \
    F(PyObject_GetBuffer)                                                                         \
    F(PyBuffer_Release)                                                                           \
    F(PyBuffer_ToContiguous)                                                                      \
    F(PyBuffer_IsContiguous)                                                                      \
    F(PyMemoryView_FromBuffer)

#include "../../csrc/extensions/images.h"

/* tobytes(exporter) -> its items in C order */
static PyObject *
tobytes(PyObject *module, PyObject *exporter)
{
    (void)module;
    Py_buffer view;
    if (PyObject_GetBuffer(exporter, &view, PyBUF_FULL_RO) < 0)
        return NULL;
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, view.len);
    if (bytes != NULL && PyBuffer_ToContiguous(PyBytes_AsString(bytes), &view, view.len, 'C') < 0)
        Py_CLEAR(bytes);
    PyBuffer_Release(&view);
    return bytes;
}

static PyMethodDef methods[] = {
    {"images", images, METH_NOARGS, NULL},
    {"tobytes", tobytes, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "built",
    .m_size = -1,
    .m_methods = methods,
};

PyMODINIT_FUNC
PyInit_built(void)
{
    return PyModule_Create(&definition);
}

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <libpybuffer.h>

PyDoc_STRVAR(tobytes_doc, "tobytes(obj)\n--\n\nThe bytes of the transpose of any exporter.");

static PyObject *tobytes(PyObject *module, PyObject *obj)
{
    Py_buffer view;
    if (PyObject_GetBuffer(obj, &view, PyBUF_FULL_RO) < 0)
        return NULL;
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, view.len);
    /* The transpose in C order is the array in Fortran order. */
    if (bytes != NULL && PyBuffer_ToContiguous(PyBytes_AS_STRING(bytes), &view, view.len, 'F') < 0)
        Py_CLEAR(bytes);
    PyBuffer_Release(&view);
    return bytes;
}

static PyMethodDef methods[] = {
    { "tobytes", tobytes, METH_O, tobytes_doc },
    { NULL, NULL, 0, NULL },
};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "transpose",
    .m_methods = methods,
};

PyMODINIT_FUNC PyInit_transpose(void)
{
    return PyModuleDef_Init(&definition);
}

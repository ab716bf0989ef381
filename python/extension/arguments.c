/* How arguments are read. The limited API of CPython 3.8 has no METH_FASTCALL, and PyArg_Parse... takes a
   third of a small call, so it is left to the calls that name an argument, or that are wrong. */

#include "extension.h"

int take_arguments(const signature *signature, PyObject *args, PyObject *kwargs, PyObject **values)
{
    Py_ssize_t n = PyTuple_Size(args);
    if (kwargs == NULL && n >= signature->n_required && n <= signature->n_positional) {
        for (Py_ssize_t i = 0; i < n; i++)
            values[i] = PyTuple_GetItem(args, i);
        return 1;
    }
    PyObject *given[MAX_ARGUMENTS] = { NULL };
    /* It writes no more of them than the format has. */
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, signature->format, (char **)signature->names,
                                     &given[0], &given[1], &given[2], &given[3], &given[4]))
        return 0;
    for (int i = 0; signature->names[i] != NULL; i++)
        values[i] = given[i];
    return 1;
}

char order_of(PyObject *order)
{
    if (order == NULL || order == Py_None)
        return 'C';
    if (!PyUnicode_Check(order)) {
        PyErr_Format(PyExc_TypeError, "order must be 'C', 'F' or 'A', not %R", order);
        return 0;
    }
    if (PyUnicode_GetLength(order) == 1) {
        Py_UCS4 letter = PyUnicode_ReadChar(order, 0);
        if (letter == 'C' || letter == 'F' || letter == 'A')
            return (char)letter;
    }
    PyErr_Format(PyExc_ValueError, "order must be 'C', 'F' or 'A', not %R", order);
    return 0;
}

PyObject *text_of(PyObject *text, const char *what)
{
    PyObject *bytes;
    if (PyUnicode_Check(text)) {
        bytes = PyUnicode_AsUTF8String(text);
    } else if (PyBytes_Check(text)) {
        Py_INCREF(text);
        bytes = text;
    } else {
        PyErr_Format(PyExc_TypeError, "%s must be a str or bytes, not %R", what, text);
        return NULL;
    }
    char *unused;
    /* Without a place for the length, a NUL among the bytes is a ValueError. */
    if (bytes != NULL && PyBytes_AsStringAndSize(bytes, &unused, NULL) < 0) {
        Py_DECREF(bytes);
        return NULL;
    }
    return bytes;
}

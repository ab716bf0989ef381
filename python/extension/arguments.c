/* How arguments are read. The limited API of CPython 3.8 has no METH_FASTCALL, and PyArg_Parse... takes as
   long as a small copy, so it is left to say what is wrong with a call. */

#include "extension.h"

/* Puts the named arguments at their places; 0, without an exception, if one has none. */
static int take_named(const signature *signature, PyObject *kwargs, PyObject **values)
{
    PyObject *name, *value;
    Py_ssize_t position = 0;
    while (PyDict_Next(kwargs, &position, &name, &value)) {
        int i = 0;
        while (signature->names[i] != NULL && PyUnicode_CompareWithASCIIString(name, signature->names[i]) != 0)
            i++;
        if (signature->names[i] == NULL || values[i] != NULL)
            return 0;
        values[i] = value;
    }
    return 1;
}

/* Whether the call fits, and then the values; no exception if not. */
static int take(const signature *signature, PyObject *args, PyObject *kwargs, PyObject **values)
{
    Py_ssize_t n = PyTuple_Size(args);
    if (n > signature->n_positional)
        return 0;
    for (Py_ssize_t i = 0; i < n; i++)
        values[i] = PyTuple_GetItem(args, i);
    if (kwargs != NULL && !take_named(signature, kwargs, values))
        return 0;
    for (Py_ssize_t i = n; i < signature->n_required; i++)
        if (values[i] == NULL)
            return 0;
    return 1;
}

int take_arguments(const signature *signature, PyObject *args, PyObject *kwargs, PyObject **values)
{
    if (take(signature, args, kwargs, values))
        return 1;
    PyObject *unused[MAX_ARGUMENTS];
    /* It writes no more of them than the format has. */
    if (PyArg_ParseTupleAndKeywords(args, kwargs, signature->format, (char **)signature->names, &unused[0],
                                    &unused[1], &unused[2], &unused[3], &unused[4]))
        PyErr_SetString(PyExc_SystemError, "libpybuffer: a call's arguments were read in two ways");
    return 0;
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

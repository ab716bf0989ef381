/* How arguments are read. PyArg_Parse... takes as long as a small copy, so it is left to say what is wrong with a
   call. */

#include "extension.h"

/* Puts the named arguments, whose values follow the positional ones, at their places; 0, without an exception, if
   one has none. */
static int take_named(const signature *signature, PyObject *const *args, PyObject *names, PyObject **values)
{
    Py_ssize_t n = PyTuple_Size(names);
    for (Py_ssize_t k = 0; k < n; k++) {
        PyObject *name = PyTuple_GetItem(names, k);
        int i = 0;
        while (signature->names[i] != NULL && PyUnicode_CompareWithASCIIString(name, signature->names[i]) != 0)
            i++;
        if (signature->names[i] == NULL || values[i] != NULL)
            return 0;
        values[i] = args[k];
    }
    return 1;
}

/* Whether the call fits, and then the values; no exception if not. */
static int take(const signature *signature, PyObject *const *args, Py_ssize_t n, PyObject *names, PyObject **values)
{
    if (n > signature->n_positional)
        return 0;
    for (Py_ssize_t i = 0; i < n; i++)
        values[i] = args[i];
    if (names != NULL && !take_named(signature, args + n, names, values))
        return 0;
    for (Py_ssize_t i = n; i < signature->n_required; i++)
        if (values[i] == NULL)
            return 0;
    return 1;
}

/* Raises what CPython says of a call that does not fit. */
static void refuse(const signature *signature, PyObject *const *args, Py_ssize_t n, PyObject *names)
{
    PyObject *unused[MAX_ARGUMENTS];
    PyObject *positional = PyTuple_New(n), *named = PyDict_New();
    int is_ready = positional != NULL && named != NULL;
    for (Py_ssize_t i = 0; is_ready && i < n; i++) {
        Py_INCREF(args[i]);
        is_ready = PyTuple_SetItem(positional, i, args[i]) == 0;
    }
    for (Py_ssize_t k = 0; is_ready && names != NULL && k < PyTuple_Size(names); k++)
        is_ready = PyDict_SetItem(named, PyTuple_GetItem(names, k), args[n + k]) == 0;
    /* It writes no more of them than the format has. */
    if (is_ready && PyArg_ParseTupleAndKeywords(positional, named, signature->format, (char **)signature->names,
                                                &unused[0], &unused[1], &unused[2], &unused[3], &unused[4]))
        PyErr_SetString(PyExc_SystemError, "libpybuffer: a call's arguments were read in two ways");
    Py_XDECREF(positional);
    Py_XDECREF(named);
}

int take_arguments(const signature *signature, PyObject *const *args, Py_ssize_t n, PyObject *names,
                   PyObject **values)
{
    if (take(signature, args, n, names, values))
        return 1;
    refuse(signature, args, n, names);
    return 0;
}

char order_of(PyObject *order)
{
    if (order == NULL || order == Py_None)
        return 'C';
    if (!PyUnicode_Check(order)) {
        PyErr_Format(PyExc_TypeError, "order must be 'C', 'F' or 'A', not %.200R", order);
        return 0;
    }
    if (PyUnicode_GetLength(order) == 1) {
        Py_UCS4 letter = PyUnicode_ReadChar(order, 0);
        if (letter == 'C' || letter == 'F' || letter == 'A')
            return (char)letter;
    }
    PyErr_Format(PyExc_ValueError, "order must be 'C', 'F' or 'A', not %.200R", order);
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
        PyErr_Format(PyExc_TypeError, "%s must be a str or bytes, not %.200R", what, text);
        return NULL;
    }
    if (bytes == NULL)
        return NULL;
    size_t length = strlen(PyBytes_AsString(bytes));
    if (length != (size_t)PyBytes_Size(bytes)) {
        PyErr_Format(PyExc_ValueError, "%s has a null character at byte %zd: it would end there", what,
                     (Py_ssize_t)length);
        Py_DECREF(bytes);
        return NULL;
    }
    return bytes;
}

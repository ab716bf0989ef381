/* What formats say. */

#include "extension.h"

const char itemsize_doc[] =
    "itemsize(format)\n--\n\n"
    "The size in bytes of the item that a format describes, in the grammar of the module struct and PEP 3118.\n\n"
    ">>> import libpybuffer\n"
    ">>> libpybuffer.itemsize('T{<i:id:(2,3)<d:matrix:}')\n"
    "52\n\n"
    "ValueError that says what is wrong, and where, for a malformed format.";

PyObject *itemsize(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t n, PyObject *names)
{
    static const signature signature = { "O:itemsize", { "format" }, 1, 1 };
    PyObject *values[1] = { NULL };
    if (!take_arguments(&signature, args, n, names, values))
        return NULL;
    PyObject *format = text_of(values[0], "itemsize: format");
    if (format == NULL)
        return NULL;
    Py_ssize_t size = pybuffer_format_itemsize(PyBytes_AsString(format));
    Py_DECREF(format);
    return size < 0 ? NULL : PyLong_FromSsize_t(size);
}

const char equivalent_doc[] =
    "equivalent(a, b)\n--\n\n"
    "Whether two formats describe the same memory: numbers of the same kind, size and byte order at the same\n"
    "offsets. Names, counts, nesting and the writing of padding do not count.\n\n"
    ">>> import libpybuffer\n"
    ">>> libpybuffer.equivalent('T{(2)h:a:}', 'hh')\n"
    "True\n"
    ">>> libpybuffer.equivalent('<i', '>i')\n"
    "False\n\n"
    "ValueError for a malformed format.";

PyObject *equivalent(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t n, PyObject *names)
{
    static const signature signature = { "OO:equivalent", { "a", "b" }, 2, 2 };
    PyObject *values[2] = { NULL };
    if (!take_arguments(&signature, args, n, names, values))
        return NULL;
    PyObject *first = text_of(values[0], "equivalent: a");
    PyObject *second = first == NULL ? NULL : text_of(values[1], "equivalent: b");
    int is = -1;
    if (second != NULL)
        is = pybuffer_format_equivalent(PyBytes_AsString(first), PyBytes_AsString(second));
    Py_XDECREF(first);
    Py_XDECREF(second);
    return is < 0 ? NULL : PyBool_FromLong(is);
}

PyObject *tuple_of(const Py_ssize_t *numbers, int n)
{
    PyObject *tuple = PyTuple_New(n);
    for (int i = 0; tuple != NULL && i < n; i++) {
        PyObject *number = PyLong_FromSsize_t(numbers[i]);
        if (number == NULL || PyTuple_SetItem(tuple, i, number) < 0) {
            Py_DECREF(tuple);
            return NULL;
        }
    }
    return tuple;
}

/* A field in the order of libpybuffer.Field, and behind it the number of its parent. */
static PyObject *field_of(const pybuffer_format_field *field)
{
    /* Not by "s#": what that takes differs between the versions of CPython that one binary serves. */
    PyObject *name = Py_None;
    if (field->name == NULL)
        Py_INCREF(name);
    else
        name = PyUnicode_FromStringAndSize(field->name, field->name_len);
    return Py_BuildValue("(NNnnnnCCCCiinnn)", name, tuple_of(field->shape, field->ndim),
                         field->count, field->offset, field->itemsize, field->size,
                         field->kind, field->code, field->byte_order, field->mode,
                         field->alignment, field->bit, field->position, field->length, field->parent);
}

static PyObject *fields_of(const pybuffer_format_field *fields, Py_ssize_t n)
{
    PyObject *list = PyList_New(0);
    for (Py_ssize_t i = 0; list != NULL && i < n; i++) {
        PyObject *field = field_of(&fields[i]);
        if (field == NULL || PyList_Append(list, field) < 0)
            Py_CLEAR(list);
        Py_XDECREF(field);
    }
    return list;
}

/* ValueError(text, position) for what has just been raised. */
static PyObject *raise_with_position(Py_ssize_t position)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    PyObject *arguments = Py_BuildValue("(Nn)", PyObject_Str(value), position);
    if (arguments != NULL) {
        PyErr_SetObject(type, arguments);
        Py_DECREF(arguments);
    }
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    return NULL;
}

static PyObject *parse_text(const char *format)
{
    pybuffer_format_info info;
    Py_ssize_t n = pybuffer_format_parse(format, NULL, 0, NULL, 0, &info);
    if (n < 0)
        return raise_with_position(info.error_position);
    pybuffer_format_field *fields = PyMem_Calloc((size_t)n + 1, sizeof *fields);
    Py_ssize_t *extents = PyMem_Calloc((size_t)info.n_extents + 1, sizeof *extents);
    PyObject *result = NULL;
    if (fields == NULL || extents == NULL)
        PyErr_NoMemory();
    else if (pybuffer_format_parse(format, fields, n, extents, info.n_extents, &info) >= 0)
        result = Py_BuildValue("(nnN)", info.itemsize, info.alignment, fields_of(fields, n));
    PyMem_Free(fields);
    PyMem_Free(extents);
    return result;
}

PyObject *parse(PyObject *Py_UNUSED(module), PyObject *format)
{
    PyObject *text = text_of(format, "parse: format");
    if (text == NULL)
        return NULL;
    PyObject *result = parse_text(PyBytes_AsString(text));
    Py_DECREF(text);
    return result;
}

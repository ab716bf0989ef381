/* An ordinary extension module, written against Python.h. It calls the buffer functions, and says which image they
 * come from. tests/linking.rs builds it in several ways, to prove whose functions run. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#ifdef PYBUFFER_REDIRECT
#include <libpybuffer.h>
#endif

/* Weak, so that the module loads without libpybuffer, too. */
extern __attribute__((weak)) const char *pybuffer_runtime(void);

/* In 3.8, the first is only a macro, and the second is declared but not defined. */
#if PY_VERSION_HEX >= 0x03090000
#define SINCE_3_9(F) F(PyObject_CheckBuffer) F(PyBuffer_SizeFromFormat)
#else
#define SINCE_3_9(F)
#endif

#define FUNCTIONS(F)                                                                              \
    F(PyObject_GetBuffer)                                                                         \
    F(PyBuffer_Release)                                                                           \
    F(PyBuffer_IsContiguous)                                                                      \
    F(PyBuffer_GetPointer)                                                                        \
    F(PyBuffer_FromContiguous)                                                                    \
    F(PyBuffer_ToContiguous)                                                                      \
    F(PyObject_CopyData)                                                                          \
    F(PyBuffer_FillContiguousStrides)                                                             \
    F(PyBuffer_FillInfo)                                                                          \
    F(PyMemoryView_FromObject)                                                                    \
    F(PyMemoryView_FromMemory)                                                                    \
    F(PyMemoryView_FromBuffer)                                                                    \
    F(PyMemoryView_GetContiguous)                                                                 \
    SINCE_3_9(F)

#include "images.h"

/* runtime() -> what pybuffer_runtime() says, or None without libpybuffer */
static PyObject *
runtime(PyObject *module, PyObject *unused)
{
    (void)module, (void)unused;
    if (pybuffer_runtime == NULL)
        Py_RETURN_NONE;
    return PyUnicode_FromString(pybuffer_runtime());
}

/* to_contiguous(exporter, order, excess=0) -> bytes; excess is added to the length asked for */
static PyObject *
to_contiguous(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *exporter;
    int order;
    Py_ssize_t excess = 0;
    Py_buffer view;
    if (!PyArg_ParseTuple(args, "OC|n", &exporter, &order, &excess))
        return NULL;
    if (PyObject_GetBuffer(exporter, &view, PyBUF_FULL_RO) < 0)
        return NULL;
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, view.len + excess);
    if (bytes != NULL
        && PyBuffer_ToContiguous(PyBytes_AS_STRING(bytes), &view, view.len + excess, (char)order) < 0)
        Py_CLEAR(bytes);
    PyBuffer_Release(&view);
    return bytes;
}

/* from_contiguous(exporter, bytes, order) */
static PyObject *
from_contiguous(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *exporter;
    const char *bytes;
    Py_ssize_t len;
    int order;
    Py_buffer view;
    if (!PyArg_ParseTuple(args, "Oy#C", &exporter, &bytes, &len, &order))
        return NULL;
    if (PyObject_GetBuffer(exporter, &view, PyBUF_FULL) < 0)
        return NULL;
    /* Before 3.11 the parameter is not const. */
    int result = PyBuffer_FromContiguous(&view, (void *)bytes, len, (char)order);
    PyBuffer_Release(&view);
    if (result < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* copy_data(dest, src) */
static PyObject *
copy_data(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *dest, *src;
    if (!PyArg_ParseTuple(args, "OO", &dest, &src) || PyObject_CopyData(dest, src) < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* describe(exporter, *indices) -> (contiguous in C, F, A; offset of the item; whether the strides
 * are those of a C-contiguous array of this shape) */
static PyObject *
describe(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *exporter;
    Py_ssize_t indices[2];
    Py_ssize_t strides[2];
    Py_buffer view;
    if (!PyArg_ParseTuple(args, "Onn", &exporter, &indices[0], &indices[1]))
        return NULL;
    if (PyObject_GetBuffer(exporter, &view, PyBUF_FULL_RO) < 0)
        return NULL;
    PyObject *answer = NULL;
    if (view.ndim != 2)
        PyErr_SetString(PyExc_ValueError, "two dimensions, please");
    else {
        PyBuffer_FillContiguousStrides(2, view.shape, strides, (int)view.itemsize, 'C');
        answer = Py_BuildValue(
            "(iii)ni", PyBuffer_IsContiguous(&view, 'C'), PyBuffer_IsContiguous(&view, 'F'),
            PyBuffer_IsContiguous(&view, 'A'),
            (Py_ssize_t)((char *)PyBuffer_GetPointer(&view, indices) - (char *)view.buf),
            strides[0] == view.strides[0] && strides[1] == view.strides[1]);
    }
    PyBuffer_Release(&view);
    return answer;
}

/* memoryviews(exporter, order) -> memoryviews: of the exporter, of a contiguous copy, of its view, of its memory */
static PyObject *
memoryviews(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *exporter;
    int order;
    Py_buffer view;
    if (!PyArg_ParseTuple(args, "OC", &exporter, &order))
        return NULL;
    if (PyObject_GetBuffer(exporter, &view, PyBUF_FULL_RO) < 0)
        return NULL;
    /* "N" takes the references, even if one of the objects is NULL. */
    PyObject *answer = Py_BuildValue("(NNNN)", PyMemoryView_FromObject(exporter),
                                     PyMemoryView_GetContiguous(exporter, PyBUF_READ, (char)order),
                                     PyMemoryView_FromBuffer(&view),
                                     PyMemoryView_FromMemory(view.buf, view.len, PyBUF_READ));
    PyBuffer_Release(&view);
    return answer;
}

#if PY_VERSION_HEX >= 0x03090000
/* size_from_format(format) -> int */
static PyObject *
size_from_format(PyObject *module, PyObject *args)
{
    (void)module;
    const char *format;
    if (!PyArg_ParseTuple(args, "s", &format))
        return NULL;
    Py_ssize_t size = PyBuffer_SizeFromFormat(format);
    return size < 0 ? NULL : PyLong_FromSsize_t(size);
}
#endif

/* Letters: an exporter of six read-only bytes. */
static int
letters_getbuffer(PyObject *self, Py_buffer *view, int flags)
{
    return PyBuffer_FillInfo(view, self, (void *)"abcdef", 6, 1, flags);
}

static PyBufferProcs letters_buffer = {letters_getbuffer, NULL};

static PyTypeObject letters_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "extension.Letters",
    .tp_basicsize = sizeof(PyObject),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_as_buffer = &letters_buffer,
    .tp_new = PyType_GenericNew,
};

static PyMethodDef methods[] = {
    {"images", images, METH_NOARGS, NULL},
    {"runtime", runtime, METH_NOARGS, NULL},
    {"to_contiguous", to_contiguous, METH_VARARGS, NULL},
    {"from_contiguous", from_contiguous, METH_VARARGS, NULL},
    {"copy_data", copy_data, METH_VARARGS, NULL},
    {"describe", describe, METH_VARARGS, NULL},
    {"memoryviews", memoryviews, METH_VARARGS, NULL},
#if PY_VERSION_HEX >= 0x03090000
    {"size_from_format", size_from_format, METH_VARARGS, NULL},
#endif
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "extension",
    .m_size = -1,
    .m_methods = methods,
};

PyMODINIT_FUNC
PyInit_extension(void)
{
    if (PyType_Ready(&letters_type) < 0)
        return NULL;
    PyObject *module = PyModule_Create(&definition);
    if (module == NULL)
        return NULL;
#ifdef Py_GIL_DISABLED
    PyUnstable_Module_SetGIL(module, Py_MOD_GIL_NOT_USED);
#endif
    if (PyObject_SetAttrString(module, "Letters", (PyObject *)&letters_type) < 0) {
        Py_DECREF(module);
        return NULL;
    }
    return module;
}

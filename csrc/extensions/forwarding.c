/* An extension module whose exporters pass on the views of another exporter, each in its own way and all correctly. It
 * also hands views to the interpreter and takes views from it. Compile it with -O2, so that tail calls are jumps:
 * then the interpreter seems to be the caller. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <dlfcn.h>

PyMODINIT_FUNC PyInit_forwarding(void);

typedef struct {
    PyObject_HEAD
    PyObject *base;
} exporter;

/* Forward: passes on the base's view unchanged; its obj is the base. */
static int
forward_getbuffer(PyObject *self, Py_buffer *view, int flags)
{
    return PyObject_GetBuffer(((exporter *)self)->base, view, flags);
}

/* Replace: passes on the base's view with itself in obj. The base has no bf_releasebuffer, so its view is released by
 * dropping the reference. */
static int
replace_getbuffer(PyObject *self, Py_buffer *view, int flags)
{
    if (PyObject_GetBuffer(((exporter *)self)->base, view, flags) < 0)
        return -1;
    PyObject *base = view->obj;
    Py_INCREF(self);
    view->obj = self;
    Py_DECREF(base);
    return 0;
}

static void
exporter_dealloc(PyObject *self)
{
    Py_DECREF(((exporter *)self)->base);
    PyObject_Free(self);
}

#define TYPE(name) \
    static PyBufferProcs name##_buffer = {name##_getbuffer, NULL}; \
    static PyTypeObject name##_type = { \
        PyVarObject_HEAD_INIT(NULL, 0) \
        .tp_name = "forwarding." #name, \
        .tp_basicsize = sizeof(exporter), \
        .tp_flags = Py_TPFLAGS_DEFAULT, \
        .tp_dealloc = exporter_dealloc, \
        .tp_as_buffer = &name##_buffer, \
    }; \
    static PyObject *name(PyObject *module, PyObject *base) \
    { \
        (void)module; \
        return new_exporter(&name##_type, base); \
    }

static PyObject *
new_exporter(PyTypeObject *type, PyObject *base)
{
    exporter *self = PyObject_New(exporter, type);
    if (self == NULL)
        return NULL;
    Py_INCREF(base);
    self->base = base;
    return (PyObject *)self;
}

TYPE(forward)
TYPE(replace)

/* parse(exporter): the interpreter acquires, the extension releases */
static PyObject *
parse(PyObject *module, PyObject *args)
{
    (void)module;
    Py_buffer view;
    if (!PyArg_ParseTuple(args, "y*", &view))
        return NULL;
    PyBuffer_Release(&view);
    Py_RETURN_NONE;
}

/* lend(memoryview): the extension acquires a view, and the interpreter releases a copy of it, as it does for memoryviews
 * of the module _interpreters. False if this interpreter has no function for that. */
static PyObject *
lend(PyObject *module, PyObject *obj)
{
    (void)module;
    int (*release)(PyInterpreterState *, Py_buffer *);
    *(void **)&release = dlsym(RTLD_DEFAULT, "_PyBuffer_ReleaseInInterpreterAndRawFree");
    if (release == NULL)
        Py_RETURN_FALSE;
    Py_buffer *view = PyMem_RawMalloc(sizeof *view), *copy = PyMem_RawMalloc(sizeof *copy);
    if (view == NULL || copy == NULL || PyObject_GetBuffer(obj, view, PyBUF_FULL_RO) < 0)
        return PyErr_NoMemory();
    *copy = *view;
    PyMem_RawFree(view);
    if (release(PyThreadState_Get()->interp, copy) < 0)
        return NULL;
    Py_RETURN_TRUE;
}

static PyMethodDef methods[] = {
    {"forward", forward, METH_O, NULL}, {"replace", replace, METH_O, NULL},
    {"parse", parse, METH_VARARGS, NULL}, {"lend", lend, METH_O, NULL}, {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "forwarding", .m_size = -1, .m_methods = methods,
};

PyMODINIT_FUNC
PyInit_forwarding(void)
{
    if (PyType_Ready(&forward_type) < 0 || PyType_Ready(&replace_type) < 0)
        return NULL;
    return PyModule_Create(&definition);
}

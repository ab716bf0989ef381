/* An extension module that uses views correctly, and makes every mistake that the live audit knows. Its functions are
 * not static, so that dladdr finds their names. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <errno.h>

PyMODINIT_FUNC PyInit_mistakes(void);

/* Views that are never released, and one that is filled again and again. */
static Py_buffer kept[8];
static int n_kept;
static Py_buffer again;

#define FUNCTION(name) \
    PyObject *name(PyObject *module, PyObject *obj); \
    PyObject *name(PyObject *module, PyObject *obj)

/* right(exporter): a view is acquired and released */
FUNCTION(right)
{
    (void)module;
    Py_buffer view;
    if (PyObject_GetBuffer(obj, &view, PyBUF_SIMPLE) < 0)
        return NULL;
    PyBuffer_Release(&view);
    PyBuffer_Release(&view); /* does nothing: obj is NULL now */
    Py_RETURN_NONE;
}

/* right_by_hand(object): a view is filled by PyBuffer_FillInfo, for an object that need not be an exporter */
FUNCTION(right_by_hand)
{
    (void)module;
    static char byte;
    Py_buffer view;
    if (PyBuffer_FillInfo(&view, obj, &byte, 1, 1, PyBUF_SIMPLE) < 0)
        return NULL;
    PyBuffer_Release(&view);
    Py_RETURN_NONE;
}

/* right_by_parsing(text): the interpreter acquires, the extension releases */
FUNCTION(right_by_parsing)
{
    (void)module;
    Py_buffer view;
    if (!PyArg_Parse(obj, "s*", &view))
        return NULL;
    PyBuffer_Release(&view);
    Py_RETURN_NONE;
}

/* keep(exporter): a view is never released */
FUNCTION(keep)
{
    (void)module;
    if (PyObject_GetBuffer(obj, &kept[n_kept++ % 8], PyBUF_FULL_RO) < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* keep_by_parsing(exporter): the interpreter acquires the view that is never released */
FUNCTION(keep_by_parsing)
{
    (void)module;
    if (!PyArg_Parse(obj, "y*", &kept[n_kept++ % 8]))
        return NULL;
    Py_RETURN_NONE;
}

/* lose(exporter): the Py_buffer is filled again before the view is released */
FUNCTION(lose)
{
    (void)module;
    if (PyObject_GetBuffer(obj, &again, PyBUF_SIMPLE) < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* move(exporter): a copy is released in place of the Py_buffer that was filled */
FUNCTION(move)
{
    (void)module;
    Py_buffer view, copy;
    if (PyObject_GetBuffer(obj, &view, PyBUF_SIMPLE) < 0)
        return NULL;
    copy = view;
    PyBuffer_Release(&copy);
    Py_RETURN_NONE;
}

/* error_after(exporter): as move; whether errno is unchanged after the calls */
FUNCTION(error_after)
{
    errno = 4321;
    PyObject *result = move(module, obj);
    int is_kept = errno == 4321;
    Py_XDECREF(result);
    return result == NULL ? NULL : PyBool_FromLong(is_kept);
}

/* twice(exporter): a copy is released as well. (An extra reference makes up for the one that this drops too many.) */
FUNCTION(twice)
{
    (void)module;
    Py_buffer view, copy;
    if (PyObject_GetBuffer(obj, &view, PyBUF_SIMPLE) < 0)
        return NULL;
    copy = view;
    Py_INCREF(obj);
    PyBuffer_Release(&view);
    PyBuffer_Release(&copy);
    Py_RETURN_NONE;
}

/* never(object): a view is released that was never acquired. (With an extra reference, as above.) */
FUNCTION(never)
{
    (void)module;
    Py_buffer view = {.obj = obj, .buf = &n_kept, .len = 1, .itemsize = 1};
    Py_INCREF(obj);
    PyBuffer_Release(&view);
    Py_RETURN_NONE;
}

/* Wrong: an exporter that always sets a format. */
static int
wrong_getbuffer(PyObject *self, Py_buffer *view, int flags)
{
    if (PyBuffer_FillInfo(view, self, (void *)"abc", 3, 1, flags) < 0)
        return -1;
    view->format = "B";
    return 0;
}

/* Lost: an exporter whose arrays lie in unmapped memory, which only a consumer that reads them notices. */
static int
lost_getbuffer(PyObject *self, Py_buffer *view, int flags)
{
    if (PyBuffer_FillInfo(view, self, (void *)"abc", 3, 1, flags) < 0)
        return -1;
    view->shape = view->strides = view->suboffsets = (Py_ssize_t *)0x10000;
    view->format = (char *)0x10000;
    return 0;
}

/* Silent: an exporter that refuses without an exception. */
static int
silent_getbuffer(PyObject *self, Py_buffer *view, int flags)
{
    (void)self, (void)flags;
    view->obj = NULL;
    return -1;
}

/* Leaves: an exporter that refuses with an exception, but leaves itself in obj. */
static int
leaves_getbuffer(PyObject *self, Py_buffer *view, int flags)
{
    (void)flags;
    view->obj = self;
    PyErr_SetString(PyExc_BufferError, "there is nothing to see");
    return -1;
}

/* delegate(exporter): an exporter that passes on the other one's view as its own, correctly: it puts the other one's obj
 * and internal back into the same Py_buffer before it releases the view. */
typedef struct {
    PyObject_HEAD
    PyObject *other;
} delegate_object;

static int
delegate_getbuffer(PyObject *self, Py_buffer *view, int flags)
{
    void **others = PyMem_Malloc(2 * sizeof *others);
    if (others == NULL || PyObject_GetBuffer(((delegate_object *)self)->other, view, flags) < 0) {
        PyMem_Free(others);
        return -1;
    }
    others[0] = view->obj;
    others[1] = view->internal;
    view->internal = others;
    view->obj = self;
    Py_INCREF(self);
    return 0;
}

static void
delegate_releasebuffer(PyObject *self, Py_buffer *view)
{
    void **others = view->internal;
    view->obj = others[0];
    view->internal = others[1];
    PyMem_Free(others);
    PyBuffer_Release(view);
    view->obj = self; /* the caller drops its reference */
}

static void
delegate_dealloc(PyObject *self)
{
    Py_DECREF(((delegate_object *)self)->other);
    PyObject_Free(self);
}

static PyBufferProcs delegate_buffer = {delegate_getbuffer, delegate_releasebuffer};
static PyTypeObject delegate_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "mistakes.Delegate",
    .tp_basicsize = sizeof(delegate_object),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_dealloc = delegate_dealloc,
    .tp_as_buffer = &delegate_buffer,
};

FUNCTION(delegate)
{
    (void)module;
    delegate_object *self = PyObject_New(delegate_object, &delegate_type);
    if (self == NULL)
        return NULL;
    Py_INCREF(obj);
    self->other = obj;
    return (PyObject *)self;
}

static PyBufferProcs wrong_buffer = {wrong_getbuffer, NULL};
static PyBufferProcs lost_buffer = {lost_getbuffer, NULL};
static PyBufferProcs silent_buffer = {silent_getbuffer, NULL};
static PyBufferProcs leaves_buffer = {leaves_getbuffer, NULL};

#define TYPE(name, procs) \
    static PyTypeObject name = { \
        PyVarObject_HEAD_INIT(NULL, 0) \
        .tp_name = "mistakes." #name, \
        .tp_basicsize = sizeof(PyObject), \
        .tp_flags = Py_TPFLAGS_DEFAULT, \
        .tp_as_buffer = &procs, \
        .tp_new = PyType_GenericNew, \
    }
TYPE(Wrong, wrong_buffer);
TYPE(Lost, lost_buffer);
TYPE(Silent, silent_buffer);
TYPE(Leaves, leaves_buffer);

#define METHOD(name) {#name, name, METH_O, NULL}
static PyMethodDef methods[] = {
    METHOD(right), METHOD(right_by_hand), METHOD(right_by_parsing), METHOD(keep),
    METHOD(keep_by_parsing), METHOD(lose),
    METHOD(move), METHOD(twice), METHOD(never), METHOD(delegate),
    METHOD(error_after), {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "mistakes", .m_size = -1, .m_methods = methods,
};

PyMODINIT_FUNC
PyInit_mistakes(void)
{
    PyObject *module = PyModule_Create(&definition);
    if (module == NULL || PyType_Ready(&Wrong) < 0 || PyType_Ready(&Lost) < 0
        || PyType_Ready(&Silent) < 0 || PyType_Ready(&Leaves) < 0 || PyType_Ready(&delegate_type) < 0)
        return NULL;
#ifdef Py_GIL_DISABLED
    PyUnstable_Module_SetGIL(module, Py_MOD_GIL_NOT_USED);
#endif
    Py_INCREF(&Wrong);
    Py_INCREF(&Lost);
    Py_INCREF(&Silent);
    Py_INCREF(&Leaves);
    if (PyModule_AddObject(module, "Wrong", (PyObject *)&Wrong) < 0
        || PyModule_AddObject(module, "Lost", (PyObject *)&Lost) < 0
        || PyModule_AddObject(module, "Silent", (PyObject *)&Silent) < 0
        || PyModule_AddObject(module, "Leaves", (PyObject *)&Leaves) < 0)
        return NULL;
    return module;
}

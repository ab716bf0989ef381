/* A program without Python that makes memoryviews. Its argument says of what: "forward", an exporter that passes on the
 * view of another; "wrong", one whose len is wrong; or "keep", a correct one, and the memoryview is kept. */

#include <libpybuffer.h>
#include <string.h>

static PyObject *base;
static int is_wrong;

static int
get(PyObject *self, Py_buffer *view, int flags)
{
    if (PyBuffer_FillInfo(view, self, "abc", 3, 1, flags) < 0)
        return -1;
    static Py_ssize_t shape[1] = {3};
    if (view->shape != NULL)
        view->shape = shape;
    view->len = is_wrong ? 7 : 3;
    return 0;
}

static void
release(PyObject *self, Py_buffer *view)
{
    (void)self, (void)view;
}

static int
forward(PyObject *self, Py_buffer *view, int flags)
{
    (void)self;
    return PyObject_GetBuffer(base, view, flags);
}

#define TYPE(name, get, release) \
    static PyBufferProcs name##_buffer = {get, release}; \
    static PyTypeObject name = { \
        PyVarObject_HEAD_INIT(NULL, 0).tp_name = #name, \
        .tp_basicsize = sizeof(PyObject), \
        .tp_flags = Py_TPFLAGS_DEFAULT, \
        .tp_as_buffer = &name##_buffer, \
    }
TYPE(exporter, get, release);
TYPE(forwarder, forward, NULL);

int
main(int argc, char **argv)
{
    if (argc != 2 || PyType_Ready(&exporter) < 0 || PyType_Ready(&forwarder) < 0)
        return 1;
    base = PyObject_New(PyObject, &exporter);
    is_wrong = strcmp(argv[1], "wrong") == 0;
    if (strcmp(argv[1], "keep") == 0)
        return PyMemoryView_FromObject(base) ? 0 : 2;
    PyObject *of = is_wrong ? base : PyObject_New(PyObject, &forwarder);
    for (int i = 0; i < 10; i++) {
        PyObject *memoryview = PyMemoryView_FromObject(of);
        if (memoryview == NULL)
            return PyErr_ExceptionMatches(PyExc_SystemError) ? 3 : 2;
        Py_DECREF(memoryview);
        pybuffer_report report;
        if (!is_wrong && pybuffer_check_exporter(of, &report) != 0)
            return 2;
    }
    return 0;
}

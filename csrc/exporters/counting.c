#include "counting.h"

#include <string.h>

/* Adds to the number of views, and returns what it was. (That which is not atomic reads and writes it by two
 * instructions, as exports++ does.) */
static long add(Counting *counting, long n)
{
    if (counting->is_atomic) {
        return atomic_fetch_add(&counting->exports, n);
    }
    const long before = atomic_load_explicit(&counting->exports, memory_order_relaxed);
    atomic_store_explicit(&counting->exports, before + n, memory_order_relaxed);
    return before;
}

static int counting_getbuffer(PyObject *self, Py_buffer *view, int flags)
{
    Counting *counting = (Counting *)self;
    if (PyBuffer_FillInfo(view, self, counting->items, sizeof counting->items, 0, flags) < 0) {
        view->obj = NULL;
        return -1;
    }
    add(counting, 1);
    return 0;
}

static void counting_releasebuffer(PyObject *self, Py_buffer *view)
{
    Counting *counting = (Counting *)self;
    (void)view;
    if (add(counting, -1) <= 0) {
        add(counting, 1);
        PyErr_SetString(PyExc_SystemError, "counting: more views are released than there are");
    }
}

static PyBufferProcs counting_as_buffer = { counting_getbuffer, counting_releasebuffer };

static PyTypeObject Counting_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "exporters.counting",
    .tp_basicsize = sizeof(Counting),
    .tp_dealloc = (destructor)PyObject_Free,
    .tp_as_buffer = &counting_as_buffer,
    .tp_flags = Py_TPFLAGS_DEFAULT,
};

int counting_ready(void)
{
    return PyType_Ready(&Counting_Type);
}

PyObject *counting_new(int is_atomic)
{
    Counting *counting = PyObject_New(Counting, &Counting_Type);
    if (counting == NULL) {
        return NULL;
    }
    counting->is_atomic = is_atomic;
    atomic_init(&counting->exports, 0);
    memset(counting->items, 0, sizeof counting->items);
    return (PyObject *)counting;
}

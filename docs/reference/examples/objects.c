#include <libpybuffer.h>

typedef struct {
    PyObject_HEAD
    double samples[4];
} Signal;

static int signal_getbuffer(PyObject *self, Py_buffer *view, int flags)
{
    Signal *signal = (Signal *)self;

    return PyBuffer_FillInfo(view, self, signal->samples, sizeof signal->samples, 1, flags);
}

static PyBufferProcs signal_as_buffer = { signal_getbuffer, NULL };
static PyTypeObject Signal_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "demo.Signal",
    .tp_basicsize = sizeof(Signal),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_as_buffer = &signal_as_buffer,
};

int main(void)
{
    Py_buffer view;
    Signal *signal;

    if (PyType_Ready(&Signal_Type) < 0 || (signal = PyObject_New(Signal, &Signal_Type)) == NULL)
        return 1;
    if (PyObject_GetBuffer((PyObject *)signal, &view, PyBUF_WRITABLE) < 0) {
        printf("%s\n", pybuffer_err_text()); /* Object is not writable. */
        PyErr_Clear();
    }
    if (PyObject_GetBuffer((PyObject *)signal, &view, PyBUF_SIMPLE) < 0)
        return 1;
    printf("%zd bytes\n", view.len); /* 32 bytes */
    PyBuffer_Release(&view);
    Py_DECREF(signal);
    return 0;
}

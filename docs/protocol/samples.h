/* samples.h: an exporter of 12 bytes, and a main that checks it. getbuffer is in the file that includes it. */
#include <libpybuffer.h>

typedef struct {
    PyObject_HEAD
    char bytes[12];
} Samples;

static Py_ssize_t shape[1] = { 12 }, strides[1] = { 1 };

/* A correct answer to every request: what is not asked for is NULL. */
static int fill(PyObject *self, Py_buffer *view, int flags)
{
    view->obj = Py_NewRef(self);
    view->buf = ((Samples *)self)->bytes;
    view->len = 12;
    view->itemsize = 1;
    view->readonly = 0;
    view->ndim = 1;
    view->format = (flags & PyBUF_FORMAT) == PyBUF_FORMAT ? "B" : NULL;
    view->shape = (flags & PyBUF_ND) == PyBUF_ND ? shape : NULL;
    view->strides = (flags & PyBUF_STRIDES) == PyBUF_STRIDES ? strides : NULL;
    view->suboffsets = NULL;
    view->internal = NULL;
    return 0;
}

static int getbuffer(PyObject *self, Py_buffer *view, int flags); /* the one with the mistake */

#ifndef RELEASE
#define RELEASE NULL
#endif
static PyBufferProcs procs = { getbuffer, RELEASE };
static PyTypeObject Samples_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "Samples",
    .tp_basicsize = sizeof(Samples),
    .tp_as_buffer = &procs,
};

int main(void)
{
    static pybuffer_report report;
    static char text[8192];
    PyObject *samples;

    if (PyType_Ready(&Samples_Type) < 0)
        return 2;
    samples = (PyObject *)PyObject_New(Samples, &Samples_Type);
    if (samples == NULL)
        return 2;
    pybuffer_check_exporter(samples, &report);
    pybuffer_report_format(&report, text, sizeof text);
    fputs(text, stdout);
    return 0;
}

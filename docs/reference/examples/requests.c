#include <libpybuffer.h>

/* The sum of an exporter's bytes; -1 with an exception set. */
long sum(PyObject *exporter)
{
    Py_buffer view;
    long total = 0;

    if (PyObject_GetBuffer(exporter, &view, PyBUF_SIMPLE) < 0)
        return -1; /* nothing to release */
    for (Py_ssize_t i = 0; i < view.len; i++)
        total += ((unsigned char *)view.buf)[i];
    PyBuffer_Release(&view);
    return total;
}

int main(void)
{
    PyObject *bytes = PyMemoryView_FromMemory((char[]){ 1, 2, 3 }, 3, PyBUF_READ);

    printf("%ld\n", sum(bytes)); /* 6 */
    Py_DECREF(bytes);
    return 0;
}

/* A program that embeds an interpreter. Prints three lines: the image of the PyObject_GetBuffer that it calls, and what
 * pybuffer_runtime() returns before and after Py_Initialize. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

extern const char *pybuffer_runtime(void);

/* Prints the first line: up to 3.9, an interpreter's version has two. */
static void
print_runtime(void)
{
    const char *text = pybuffer_runtime();
    printf("%.*s\n", (int)strcspn(text, "\n"), text);
}

int
main(void)
{
    Dl_info info;
    if (!dladdr((void *)PyObject_GetBuffer, &info))
        return 1;
    printf("%s\n", info.dli_fname);
    print_runtime();
    Py_Initialize();
    print_runtime();

    Py_buffer view;
    PyObject *bytes = PyBytes_FromString("abc");
    if (bytes == NULL || PyObject_GetBuffer(bytes, &view, PyBUF_SIMPLE) < 0 || view.len != 3)
        return 2;
    PyBuffer_Release(&view);
    if (PyObject_GetBuffer(Py_None, &view, PyBUF_SIMPLE) == 0
        || !PyErr_ExceptionMatches(PyExc_TypeError))
        return 3;
    PyErr_Clear();
    Py_DECREF(bytes);
    return Py_FinalizeEx() < 0 ? 4 : 0;
}

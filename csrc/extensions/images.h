/* The function images() of an extension module, which tells whose functions the module calls. Before it is included, a
 * macro FUNCTIONS(F) must be defined that applies F to each function's name; the name may be a macro. */

#include <dlfcn.h>

#define ENTRY(function) {#function, (void *)function},
static const struct {
    const char *name;
    void *function;
} functions[] = {FUNCTIONS(ENTRY)};

/* images() -> {function's name: file that defines the function this module calls} */
static PyObject *
images(PyObject *module, PyObject *unused)
{
    (void)module, (void)unused;
    PyObject *answer = PyDict_New();
    if (answer == NULL)
        return NULL;
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        Dl_info info;
        PyObject *image = NULL;
        if (dladdr(functions[i].function, &info))
            image = PyUnicode_DecodeFSDefault(info.dli_fname);
        else
            PyErr_Format(PyExc_OSError, "no image has %s", functions[i].name);
        if (image == NULL || PyDict_SetItemString(answer, functions[i].name, image) < 0) {
            Py_XDECREF(image);
            Py_DECREF(answer);
            return NULL;
        }
        Py_DECREF(image);
    }
    return answer;
}

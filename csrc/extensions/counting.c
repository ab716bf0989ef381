/* The exporters of csrc/exporters/counting.c for Python: atomic(), racy() and exports(exporter). */

#include "../exporters/counting.c"

PyMODINIT_FUNC PyInit_counting(void);

static PyObject *atomic(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    return counting_new(1);
}

static PyObject *racy(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    return counting_new(0);
}

static PyObject *exports(PyObject *module, PyObject *counting)
{
    (void)module;
    return PyLong_FromLong(atomic_load(&((Counting *)counting)->exports));
}

static PyMethodDef functions[] = {
    {"atomic", atomic, METH_NOARGS, NULL},
    {"racy", racy, METH_NOARGS, NULL},
    {"exports", exports, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "counting",
    .m_size = -1,
    .m_methods = functions,
};

PyMODINIT_FUNC PyInit_counting(void)
{
    if (counting_ready() < 0)
        return NULL;
    PyObject *module = PyModule_Create(&definition);
#ifdef Py_GIL_DISABLED
    if (module != NULL)
        PyUnstable_Module_SetGIL(module, Py_MOD_GIL_NOT_USED);
#endif
    return module;
}

/* An extension module of the stable ABI that free-threaded builds share (abi3t, since CPython 3.15): objects
 * are opaque, and the module is a table of slots. It links the archive; tests/linking.rs proves whose
 * functions run. */

#define Py_TARGET_ABI3T 0x030f0000
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <libpybuffer.h>
#include <dlfcn.h>

/* image() -> the file that defines PyBuffer_ToContiguous, as this module calls it */
static PyObject *
image(PyObject *module, PyObject *unused)
{
    (void)module, (void)unused;
    Dl_info info;
    if (dladdr((void *)PyBuffer_ToContiguous, &info) == 0)
        Py_RETURN_NONE;
    return PyUnicode_DecodeFSDefault(info.dli_fname);
}

static PyObject *
runtime(PyObject *module, PyObject *unused)
{
    (void)module, (void)unused;
    return PyUnicode_FromString(pybuffer_runtime());
}

/* to_fortran(exporter) -> bytes in Fortran order */
static PyObject *
to_fortran(PyObject *module, PyObject *exporter)
{
    (void)module;
    Py_buffer view;
    if (PyObject_GetBuffer(exporter, &view, PyBUF_FULL_RO) < 0)
        return NULL;
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, view.len);
    if (bytes != NULL && PyBuffer_ToContiguous(PyBytes_AsString(bytes), &view, view.len, 'F') < 0) {
        Py_DECREF(bytes);
        bytes = NULL;
    }
    PyBuffer_Release(&view);
    return bytes;
}

/* contiguous(exporter) -> a memoryview of a copy in Fortran order */
static PyObject *
contiguous(PyObject *module, PyObject *exporter)
{
    (void)module;
    return PyMemoryView_GetContiguous(exporter, PyBUF_READ, 'F');
}

static int
letters_get_buffer(PyObject *self, Py_buffer *view, int flags)
{
    static char letters[] = "abcdef";
    return PyBuffer_FillInfo(view, self, letters, 6, 1, flags);
}

static PyType_Slot letters_slots[] = {
    { Py_bf_getbuffer, letters_get_buffer },
    { 0, NULL },
};
static PyType_Spec letters_spec = { "abi3t.Letters", 0, 0, Py_TPFLAGS_DEFAULT, letters_slots };

static int
add_letters(PyObject *module)
{
    PyObject *type = PyType_FromSpec(&letters_spec);
    if (type == NULL)
        return -1;
    const int status = PyObject_SetAttrString(module, "Letters", type);
    Py_DECREF(type);
    return status;
}

static PyMethodDef methods[] = {
    { "image", image, METH_NOARGS, NULL },
    { "runtime", runtime, METH_NOARGS, NULL },
    { "to_fortran", to_fortran, METH_O, NULL },
    { "contiguous", contiguous, METH_O, NULL },
    { NULL, NULL, 0, NULL },
};

PyABIInfo_VAR(abi_info);

static PySlot slots[] = {
    PySlot_STATIC_DATA(Py_mod_name, "abi3t"),
    PySlot_STATIC_DATA(Py_mod_methods, methods),
    PySlot_STATIC_DATA(Py_mod_abi, &abi_info),
    PySlot_FUNC(Py_mod_exec, add_letters),
    PySlot_DATA(Py_mod_gil, Py_MOD_GIL_NOT_USED),
    PySlot_END,
};

PyMODEXPORT_FUNC PyModExport_abi3t(void);

PyMODEXPORT_FUNC
PyModExport_abi3t(void)
{
    return slots;
}

/* DLPack: exporters as tensors, and tensors as memoryviews. */

#include <stdatomic.h>

#include "extension.h"

/* The names of capsules: with a tensor in it, and after a consumer has taken it over. */
static const char VERSIONED[] = "dltensor_versioned", USED_VERSIONED[] = "used_dltensor_versioned";
static const char LEGACY[] = "dltensor", USED_LEGACY[] = "used_dltensor";

/* DLDeviceType's number for memory of the CPU. */
#define CPU 1

/* What to_dlpack returns. */
typedef struct {
    PyObject_HEAD
    PyObject *exporter;
} tensor;

static int tensor_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((tensor *)self)->exporter);
    return 0;
}

static int tensor_clear(PyObject *self)
{
    Py_CLEAR(((tensor *)self)->exporter);
    return 0;
}

static void tensor_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    tensor_clear(self);
    freefunc free = (freefunc)PyType_GetSlot(type, Py_tp_free);
    free(self);
    Py_DECREF(type);
}

static PyObject *tensor_new(PyTypeObject *Py_UNUSED(type), PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(named))
{
    PyErr_SetString(PyExc_TypeError, "libpybuffer.to_dlpack(obj) makes tensors");
    return NULL;
}

/* The destructors of capsules: a tensor that no consumer has taken over is deleted. */
static void end_versioned(PyObject *capsule)
{
    if (PyCapsule_IsValid(capsule, VERSIONED)) {
        DLManagedTensorVersioned *tensor = PyCapsule_GetPointer(capsule, VERSIONED);
        tensor->deleter(tensor);
    }
}

static void end_legacy(PyObject *capsule)
{
    if (PyCapsule_IsValid(capsule, LEGACY)) {
        DLManagedTensor *tensor = PyCapsule_GetPointer(capsule, LEGACY);
        tensor->deleter(tensor);
    }
}

static PyObject *versioned_capsule(PyObject *exporter, int flags)
{
    DLManagedTensorVersioned *tensor;
    if (pybuffer_to_dlpack(exporter, flags, &tensor) < 0)
        return NULL;
    PyObject *capsule = PyCapsule_New(tensor, VERSIONED, end_versioned);
    if (capsule == NULL)
        tensor->deleter(tensor);
    return capsule;
}

static PyObject *legacy_capsule(PyObject *exporter, int flags)
{
    DLManagedTensor *tensor;
    if (pybuffer_to_dlpack_legacy(exporter, flags, &tensor) < 0)
        return NULL;
    PyObject *capsule = PyCapsule_New(tensor, LEGACY, end_legacy);
    if (capsule == NULL)
        tensor->deleter(tensor);
    return capsule;
}

/* Reads a pair of numbers, such as a version; 0 with an exception if it is none. */
static int take_pair(PyObject *pair, const char *what, int *first, int *second)
{
    if (PyTuple_Check(pair) && PyTuple_Size(pair) == 2 && PyArg_ParseTuple(pair, "ii", first, second))
        return 1;
    /* Any other is one of a number's own methods. */
    if (!PyErr_Occurred() || PyErr_ExceptionMatches(PyExc_TypeError) || PyErr_ExceptionMatches(PyExc_OverflowError)) {
        PyErr_Clear();
        PyErr_Format(PyExc_TypeError, "%s must be two numbers in a tuple, not %.200R", what, pair);
    }
    return 0;
}

/* Whether a device, which may be NULL, is the CPU; 0 with an exception if not. */
static int is_cpu(PyObject *device)
{
    int type, id;
    if (device == NULL || device == Py_None)
        return 1;
    if (!take_pair(device, "__dlpack__: dl_device", &type, &id))
        return 0;
    if (type == CPU && id == 0)
        return 1;
    PyErr_Format(PyExc_BufferError, "__dlpack__: dl_device is (%d, %d), and an exporter's memory is on the CPU, (1, 0)",
                 type, id);
    return 0;
}

static const char dlpack_doc[] =
    "__dlpack__($self, /, *, stream=None, max_version=None, dl_device=None, copy=None)\n--\n\n"
    "A capsule with a tensor of the exporter's memory, as the Python array API defines it.\n\n"
    "Each call acquires a view, which is held until the consumer, or the capsule, deletes the tensor.";

static PyObject *tensor_dlpack(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *names)
{
    static const signature signature = {
        "|$OOOO:__dlpack__", { "stream", "max_version", "dl_device", "copy" }, 0, 0
    };
    PyObject *values[MAX_ARGUMENTS] = { NULL };
    if (!take_arguments(&signature, args, n, names, values))
        return NULL;
    if (values[0] != NULL && values[0] != Py_None) {
        PyErr_Format(PyExc_ValueError, "__dlpack__: stream must be None for memory of the CPU, not %.200R", values[0]);
        return NULL;
    }
    int major = 0, minor = 0;
    if (values[1] != NULL && values[1] != Py_None && !take_pair(values[1], "__dlpack__: max_version", &major, &minor))
        return NULL;
    if (!is_cpu(values[2]))
        return NULL;
    int is_copied = values[3] == NULL || values[3] == Py_None ? 0 : PyObject_IsTrue(values[3]);
    PyObject *exporter = ((tensor *)self)->exporter;
    if (is_copied < 0)
        return NULL;
    return (major >= 1 ? versioned_capsule : legacy_capsule)(exporter, is_copied ? PYBUFFER_DLPACK_COPY : 0);
}

static PyObject *tensor_device(PyObject *Py_UNUSED(self), PyObject *Py_UNUSED(unused))
{
    return Py_BuildValue("(ii)", CPU, 0);
}

PyObject *make_tensor_type(void)
{
    static PyMethodDef methods[] = {
        { "__dlpack__", WITH_KEYWORDS(tensor_dlpack), dlpack_doc },
        { "__dlpack_device__", tensor_device, METH_NOARGS,
          "__dlpack_device__($self, /)\n--\n\nThe type and the number of the device: (1, 0), the CPU." },
        { NULL, NULL, 0, NULL },
    };
    static PyType_Slot slots[] = {
        { Py_tp_doc, "An exporter of buffers as a producer of DLPack tensors: see libpybuffer.to_dlpack." },
        { Py_tp_new, tensor_new },
        { Py_tp_methods, methods },
        { Py_tp_traverse, tensor_traverse },
        { Py_tp_clear, tensor_clear },
        { Py_tp_dealloc, tensor_dealloc },
        { 0, NULL },
    };
    static PyType_Spec spec = {
        "libpybuffer._libpybuffer.Tensor", sizeof(tensor), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, slots,
    };
    return PyType_FromSpec(&spec);
}

const char to_dlpack_doc[] =
    "to_dlpack(obj)\n--\n\n"
    "An object with __dlpack__ for any exporter of buffers, so that torch.from_dlpack, numpy.from_dlpack and others\n"
    "take it. Nothing is copied.\n\n"
    "A view of obj is acquired when the consumer calls __dlpack__, and held as long as it uses the memory. What DLPack\n"
    "cannot describe is a BufferError then, which says why: structs, text, objects and foreign byte order; and without\n"
    "copy=True suboffsets, strides that are not whole items, and read-only memory for consumers before DLPack 1.0.\n\n"
    ">>> import libpybuffer\n"
    ">>> numbers = bytearray(b'abc')\n"
    ">>> tensor = libpybuffer.to_dlpack(numbers)\n"
    ">>> tensor.__dlpack_device__()\n"
    "(1, 0)\n"
    ">>> libpybuffer.from_dlpack(tensor)[0] = ord('x')\n"
    ">>> numbers\n"
    "bytearray(b'xbc')\n\n"
    "TypeError if obj is no exporter.";

PyObject *to_dlpack(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *names)
{
    static const signature signature = { "O:to_dlpack", { "obj" }, 1, 1 };
    PyObject *values[MAX_ARGUMENTS] = { NULL };
    if (!take_arguments(&signature, args, n, names, values))
        return NULL;
    if (!PyObject_CheckBuffer(values[0])) {
        PyErr_Format(PyExc_TypeError, "to_dlpack: a bytes-like object is required, not %R", Py_TYPE(values[0]));
        return NULL;
    }
    tensor *made = (void *)PyType_GenericAlloc((PyTypeObject *)state_of(module)->tensor_type, 0);
    if (made != NULL) {
        Py_INCREF(values[0]);
        made->exporter = values[0];
    }
    return (PyObject *)made;
}

/* A method of a producer; NULL with an exception if it has none. */
static PyObject *method_of(PyObject *x, const char *name)
{
    PyObject *method = PyObject_GetAttrString(x, name);
    if (method == NULL && PyErr_ExceptionMatches(PyExc_AttributeError)) {
        PyErr_Clear();
        PyErr_Format(PyExc_TypeError, "from_dlpack: an object with __dlpack__ and __dlpack_device__ is required, not %R",
                     Py_TYPE(x));
    }
    return method;
}

/* What x.__dlpack__ returns for a consumer of DLPack 1.x; producers before 1.0 know no arguments. */
static PyObject *capsule_of(PyObject *x)
{
    PyObject *method = method_of(x, "__dlpack__");
    PyObject *none = method == NULL ? NULL : PyTuple_New(0);
    PyObject *named = none == NULL ? NULL : Py_BuildValue("{s(ii)}", "max_version", 1, 0);
    PyObject *capsule = NULL;
    if (named != NULL) {
        capsule = PyObject_Call(method, none, named);
        if (capsule == NULL && PyErr_ExceptionMatches(PyExc_TypeError)) {
            PyErr_Clear();
            capsule = PyObject_CallObject(method, NULL);
        }
    }
    Py_XDECREF(method);
    Py_XDECREF(none);
    Py_XDECREF(named);
    return capsule;
}

/* Whether x is a producer whose memory is on the CPU; 0 with an exception if not. */
static int is_on_cpu(PyObject *x)
{
    PyObject *method = method_of(x, "__dlpack_device__");
    PyObject *device = method == NULL ? NULL : PyObject_CallObject(method, NULL);
    Py_XDECREF(method);
    if (device == NULL)
        return 0;
    int type = CPU, id;
    int is_pair = take_pair(device, "from_dlpack: what __dlpack_device__ returns", &type, &id);
    Py_DECREF(device);
    if (is_pair && type != CPU)
        PyErr_Format(PyExc_BufferError, "from_dlpack: the tensor is on device (%d, %d), not on the CPU, (1, 0): move it "
                     "there", type, id);
    return is_pair && type == CPU;
}

/* The tensor in a capsule of this name, which is renamed: from now on its destructor leaves the tensor alone, and nobody
   else takes it over, neither another thread nor what a garbage collection runs. NULL, without an exception, if there
   is none. */
static void *take_over(PyObject *capsule, const char *name, const char *used)
{
    static atomic_flag is_busy = ATOMIC_FLAG_INIT; /* matters where there is no GIL; nothing below waits */
    void *tensor = NULL;
    while (atomic_flag_test_and_set(&is_busy))
        ;
    if (PyCapsule_IsValid(capsule, name)) {
        tensor = PyCapsule_GetPointer(capsule, name);
        PyCapsule_SetName(capsule, used);
    }
    atomic_flag_clear(&is_busy);
    return tensor;
}

/* A memoryview, which takes the tensor of a capsule over. If none is made, the capsule still deletes the tensor. */
static PyObject *view_of_capsule(PyObject *capsule)
{
    PyObject *made = NULL;
    void *tensor;
    if ((tensor = take_over(capsule, VERSIONED, USED_VERSIONED)) != NULL) {
        made = pybuffer_from_dlpack(tensor);
        if (made == NULL)
            PyCapsule_SetName(capsule, VERSIONED);
    } else if ((tensor = take_over(capsule, LEGACY, USED_LEGACY)) != NULL) {
        made = pybuffer_from_dlpack_legacy(tensor);
        if (made == NULL)
            PyCapsule_SetName(capsule, LEGACY);
    } else {
        PyErr_Format(PyExc_TypeError, "from_dlpack: __dlpack__ returned %.200R, which is no capsule with a tensor in it",
                     capsule);
    }
    return made;
}

const char from_dlpack_doc[] =
    "from_dlpack(x)\n--\n\n"
    "A memoryview of the memory of any object with __dlpack__: an array of NumPy, PyTorch, JAX, ... on the CPU.\n\n"
    "Nothing is copied. The memoryview keeps the memory until it, and all that was made from it, is gone; it is read-only\n"
    "if x says so. Types that buffers have no letter for (bfloat16, 8-bit floats) are bytes of that size: format '2x'.\n\n"
    ">>> import libpybuffer\n"
    ">>> tensor = libpybuffer.to_dlpack(memoryview(b'abcdef').cast('B', (2, 3)))\n"
    ">>> view = libpybuffer.from_dlpack(tensor)\n"
    ">>> view.tolist(), view.readonly\n"
    "([[97, 98, 99], [100, 101, 102]], True)\n\n"
    "TypeError if x has no __dlpack__; BufferError for another device, or items that no format describes.";

PyObject *from_dlpack(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t n, PyObject *names)
{
    static const signature signature = { "O:from_dlpack", { "x" }, 1, 1 };
    PyObject *values[MAX_ARGUMENTS] = { NULL };
    if (!take_arguments(&signature, args, n, names, values) || !is_on_cpu(values[0]))
        return NULL;
    PyObject *capsule = capsule_of(values[0]);
    if (capsule == NULL)
        return NULL;
    PyObject *made = view_of_capsule(capsule);
    Py_DECREF(capsule);
    return made;
}

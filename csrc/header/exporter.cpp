// An exporter in C++17, which has no designated initializers: it fills its type by assignment. With
// STANDALONE defined it is a program that uses libpybuffer.h alone; otherwise it sees Python.h and
// nothing of libpybuffer, and is compiled only.
#ifdef STANDALONE
#include <libpybuffer.h>
#include <libpybuffer.h>
#else
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#endif

#include <cstdio>
#include <new>
#include <vector>

namespace {

struct Pixels {
    PyObject_HEAD
    std::vector<unsigned char> bytes;
    Py_ssize_t shape[2];
    Py_ssize_t strides[2];
    PyObject *parent;
};

PyTypeObject pixels_type;
PyBufferProcs pixels_buffer;
int deallocated;

Pixels *as_pixels(PyObject *object)
{
    return reinterpret_cast<Pixels *>(object);
}

int pixels_getbuffer(PyObject *self, Py_buffer *view, int flags)
{
    Pixels *pixels = as_pixels(self);
    if ((flags & PyBUF_STRIDES) != PyBUF_STRIDES) {
        PyErr_Format(PyExc_BufferError, "%zd x %zd pixels need strides", pixels->shape[0],
                     pixels->shape[1]);
        view->obj = nullptr;
        return -1;
    }
    const auto len = static_cast<Py_ssize_t>(pixels->bytes.size());
    if (PyBuffer_FillInfo(view, self, pixels->bytes.data(), len, 0, flags) < 0) {
        return -1;
    }
    view->ndim = 2;
    view->shape = pixels->shape;
    view->strides = pixels->strides;
    return 0;
}

void pixels_releasebuffer(PyObject *Py_UNUSED(self), Py_buffer *Py_UNUSED(view))
{
}

void pixels_dealloc(PyObject *self)
{
    Pixels *pixels = as_pixels(self);
    Py_CLEAR(pixels->parent);
    pixels->bytes.~vector();
    ++deallocated;
    Py_TYPE(self)->tp_free(self);
}

int pixels_ready()
{
    pixels_buffer.bf_getbuffer = pixels_getbuffer;
    pixels_buffer.bf_releasebuffer = pixels_releasebuffer;

    const PyVarObject head = {PyObject_HEAD_INIT(nullptr) 0};
    pixels_type.ob_base = head;
    pixels_type.tp_name = "header.pixels";
    pixels_type.tp_doc = "Pixels in columns.";
    pixels_type.tp_basicsize = sizeof(Pixels);
    pixels_type.tp_dealloc = pixels_dealloc;
    pixels_type.tp_as_buffer = &pixels_buffer;
    pixels_type.tp_flags = Py_TPFLAGS_DEFAULT;
    pixels_type.tp_free = PyObject_Free;
    return PyType_Ready(&pixels_type);
}

PyObject *pixels_new(Py_ssize_t height, Py_ssize_t width, PyObject *parent)
{
    Pixels *pixels = PyObject_New(Pixels, &pixels_type);
    if (pixels == nullptr) {
        return nullptr;
    }
    new (&pixels->bytes) std::vector<unsigned char>();
    for (Py_ssize_t i = 0; i < height * width; ++i) {
        pixels->bytes.push_back(static_cast<unsigned char>(i));
    }
    pixels->shape[0] = height;
    pixels->shape[1] = width;
    pixels->strides[0] = 1;
    pixels->strides[1] = height;
    Py_XINCREF(parent);
    pixels->parent = parent;
    return reinterpret_cast<PyObject *>(pixels);
}

// Makes two exporters, of which one holds the other, and copies one out: 0, or the number of a step.
int exercise()
{
    if (pixels_ready() < 0) {
        return 1;
    }
    PyObject *parent = pixels_new(1, 1, nullptr);
    PyObject *pixels = pixels_new(2, 3, parent);
    Py_DECREF(parent);
    if (pixels == nullptr || !PyObject_CheckBuffer(pixels)) {
        return 2;
    }
    Py_buffer view;
    if (PyObject_GetBuffer(pixels, &view, PyBUF_SIMPLE) == 0
        || !PyErr_ExceptionMatches(PyExc_BufferError)) {
        return 3;
    }
    PyErr_Clear();
    if (PyObject_GetBuffer(pixels, &view, PyBUF_RECORDS) < 0) {
        return 4;
    }
    char rows[7] = "";
    if (PyBuffer_ToContiguous(rows, &view, view.len, 'C') < 0) {
        return 5;
    }
    const char expected[] = {0, 2, 4, 1, 3, 5};
    for (int i = 0; i < 6; ++i) {
        if (rows[i] != expected[i]) {
            return 6;
        }
    }
    PyBuffer_Release(&view);
    Py_DECREF(pixels);
    return deallocated == 2 ? 0 : 7;
}

}  // namespace

int main()
{
    const int failed = exercise();
    if (failed != 0) {
        std::printf("exporter.cpp: step %d failed\n", failed);
    }
    return failed;
}

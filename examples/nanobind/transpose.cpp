#include <nanobind/nanobind.h>
#include <libpybuffer.h>

namespace nb = nanobind;

struct View : Py_buffer {
    explicit View(nb::handle obj)
    {
        if (PyObject_GetBuffer(obj.ptr(), this, PyBUF_FULL_RO) < 0)
            throw nb::python_error();
    }
    View(const View &) = delete;
    ~View() { PyBuffer_Release(this); }
};

static nb::bytes tobytes(nb::handle obj)
{
    View view(obj);
    auto bytes = nb::steal<nb::bytes>(PyBytes_FromStringAndSize(nullptr, view.len));
    // The transpose in C order is the array in Fortran order.
    if (!bytes.is_valid() || PyBuffer_ToContiguous(PyBytes_AS_STRING(bytes.ptr()), &view, view.len, 'F') < 0)
        throw nb::python_error();
    return bytes;
}

NB_MODULE(transpose, m)
{
    m.def("tobytes", &tobytes, nb::arg("obj"), "The bytes of the transpose of any exporter.");
}

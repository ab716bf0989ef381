#include <pybind11/pybind11.h>
#include <libpybuffer.h>

namespace py = pybind11;

static py::bytes tobytes(const py::buffer &obj)
{
    py::buffer_info info = obj.request();
    Py_buffer *view = info.view();
    auto bytes = py::reinterpret_steal<py::bytes>(PyBytes_FromStringAndSize(nullptr, view->len));
    // The transpose in C order is the array in Fortran order.
    if (!bytes || PyBuffer_ToContiguous(PyBytes_AS_STRING(bytes.ptr()), view, view->len, 'F') < 0)
        throw py::error_already_set();
    return bytes;
}

PYBIND11_MODULE(transpose, m)
{
    m.def("tobytes", &tobytes, py::arg("obj"), "The bytes of the transpose of any exporter.");
}

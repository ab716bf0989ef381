use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// A view that is released when it is dropped.
struct View(Box<ffi::Py_buffer>);

impl View {
    fn of(obj: &Bound<'_, PyAny>) -> PyResult<Self> {
        let mut view = Box::new(ffi::Py_buffer::new());
        match unsafe { ffi::PyObject_GetBuffer(obj.as_ptr(), &mut *view, ffi::PyBUF_FULL_RO) } {
            0 => Ok(Self(view)),
            _ => Err(PyErr::fetch(obj.py())),
        }
    }
}

impl Drop for View {
    fn drop(&mut self) {
        unsafe { ffi::PyBuffer_Release(&mut *self.0) }
    }
}

/// The bytes of the transpose of any exporter.
#[pyfunction]
fn tobytes<'py>(obj: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
    let (py, mut view) = (obj.py(), View::of(obj)?);
    let len = view.0.len;
    PyBytes::new_with(py, len as usize, |bytes| {
        // The transpose in C order is the array in Fortran order.
        let order = b'F' as std::ffi::c_char;
        match unsafe {
            ffi::PyBuffer_ToContiguous(bytes.as_mut_ptr().cast(), &mut *view.0, len, order)
        } {
            0 => Ok(()),
            _ => Err(PyErr::fetch(py)),
        }
    })
}

#[pymodule]
fn transpose(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(tobytes, module)?)
}

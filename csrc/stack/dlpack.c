/* Tensors of views, and memoryviews of tensors. */
#include <string.h>

#include "array.h"
#include "painted.h"

static char items[64 * 64 * 64];

/* Makes a memoryview of a tensor, if there is one. */
static void use(DLManagedTensorVersioned *tensor)
{
    if (tensor != NULL) {
        PyObject *memoryview = pybuffer_from_dlpack(tensor);
        if (memoryview == NULL) {
            tensor->deleter(tensor);
        }
        pybuffer_decref(memoryview);
    }
    PyErr_Clear();
}

static void to_and_from(void *array)
{
    DLManagedTensorVersioned *tensor = NULL;
    DLManagedTensor *legacy;
    (void)pybuffer_to_dlpack(array, 0, &tensor);
    use(tensor);
    tensor = NULL;
    (void)pybuffer_to_dlpack(array, PYBUFFER_DLPACK_COPY, &tensor);
    use(tensor);
    if (pybuffer_to_dlpack_legacy(array, 0, &legacy) == 0) {
        PyObject *memoryview = pybuffer_from_dlpack_legacy(legacy);
        if (memoryview == NULL) {
            legacy->deleter(legacy);
        }
        pybuffer_decref(memoryview);
    }
    PyErr_Clear();
}

static void of_view(void *view)
{
    DLManagedTensorVersioned *tensor = NULL;
    (void)pybuffer_view_to_dlpack(view, NULL, 0, &tensor);
    use(tensor);
    tensor = NULL;
    (void)pybuffer_view_to_dlpack(view, NULL, PYBUFFER_DLPACK_COPY, &tensor);
    use(tensor);
}

static void from_wrong(void *tensor)
{
    use(tensor);
}

static void keep(DLManagedTensorVersioned *tensor)
{
    (void)tensor;
}

/* An array whose axes are reversed, with items of this format and one less than `n` along each axis. */
static void run_array(const char *format, Py_ssize_t itemsize, int ndim, Py_ssize_t n)
{
    Py_ssize_t shape[PyBUF_MAX_NDIM], strides[PyBUF_MAX_NDIM], stride = itemsize;
    for (int i = 0; i < ndim; i++) {
        shape[i] = i < 6 ? n - 1 : 1;
        strides[i] = stride;
        stride *= i < 6 ? n : 1;
    }
    PyObject *array = array_new((ArrayLayout){ .buf = items, .format = format, .itemsize = itemsize, .ndim = ndim,
                                               .shape = shape, .strides = strides });
    painted_run("DLPack tensors", to_and_from, array);
    if (((Array *)array)->exports != ((Array *)array)->releases) {
        painted_wrong("DLPack tensors", format);
    }
    pybuffer_decref(array);
}

void run_dlpack(void)
{
    static const char *const formats[] = { "T{i}", "O", ">i", "T{T{T{i", "(2,2)b", "Zf" };
    run_array("f", 4, 2, 200);
    run_array("h", 2, 3, 40);
    run_array("B", 1, 6, 7);
    run_array("B", 1, 64, 7);
    run_array("d", 8, 1, 9);
    Py_ssize_t shape[] = { 3, 4 }, odd[] = { 9, 5 };
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        Py_buffer view = { .buf = items, .len = 48, .itemsize = 4, .ndim = 2, .format = (char *)formats[i],
                           .shape = shape, .strides = odd };
        painted_run("DLPack tensors", of_view, &view);
        view.format = "i";
        view.len -= (Py_ssize_t)i;
        painted_run("DLPack tensors", of_view, &view);
    }
    int64_t dims[64] = { 1 << 20, 1 << 20, 1 << 20, 1 << 20 };
    DLManagedTensorVersioned tensor = { .version = { 1, 0 }, .deleter = keep };
    tensor.dl_tensor = (DLTensor){ .data = items, .device = { 1, 0 }, .dtype = { 2, 32, 1 }, .shape = dims };
    for (int ndim = -1; ndim < 66; ndim++) {
        tensor.dl_tensor.ndim = ndim;
        tensor.dl_tensor.strides = ndim % 2 == 0 ? NULL : dims;
        painted_run("DLPack tensors", from_wrong, &tensor);
    }
    tensor.dl_tensor.device.device_type = 2;
    painted_run("DLPack tensors", from_wrong, &tensor);
}

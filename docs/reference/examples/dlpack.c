#include <libpybuffer.h>

int main(void)
{
    float numbers[6] = { 1, 2, 3, 4, 5, 6 };
    PyObject *view = PyMemoryView_FromMemory((char *)numbers, sizeof numbers, PyBUF_WRITE);
    DLManagedTensorVersioned *tensor;

    if (pybuffer_to_dlpack(view, 0, &tensor) < 0) {
        fprintf(stderr, "%s\n", pybuffer_err_text());
        return 1;
    }
    printf("%lld items of %s, %s\n", (long long)tensor->dl_tensor.shape[0],
           pybuffer_dlpack_dtype_name(tensor->dl_tensor.dtype),
           tensor->dl_tensor.data == numbers ? "not copied" : "copied");

    tensor->deleter(tensor); /* exactly once: releases the view */
    Py_DECREF(view);
    return 0;
}

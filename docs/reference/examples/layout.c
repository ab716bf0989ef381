#include <libpybuffer.h>

int main(void)
{
    short grid[2][3] = { { 1, 2, 3 }, { 4, 5, 6 } };
    Py_ssize_t shape[2] = { 2, 3 }, strides[2], indices[2] = { 1, 2 }, outside[2] = { 2, 0 };
    Py_buffer view = { .buf = grid, .len = sizeof grid, .itemsize = 2, .ndim = 2,
                       .shape = shape, .strides = strides };

    PyBuffer_FillContiguousStrides(2, shape, strides, 2, 'C');
    printf("strides %zd, %zd\n", strides[0], strides[1]);
    printf("C %d, F %d\n", PyBuffer_IsContiguous(&view, 'C'), PyBuffer_IsContiguous(&view, 'F'));
    printf("item [1, 2] is %d\n", *(short *)PyBuffer_GetPointer(&view, indices));

    if (pybuffer_get_pointer_checked(&view, outside) == NULL)
        printf("%s\n", pybuffer_err_text());
    strides[0] = 8;
    printf("within the 12 bytes: %d\n", pybuffer_verify_structure(12, 2, 2, shape, strides, 0));
    return 0;
}

#include <libpybuffer.h>

int main(void)
{
    short grid[2][3] = { { 1, 2, 3 }, { 4, 5, 6 } };
    Py_ssize_t shape[2] = { 2, 3 }, strides[2], indices[2] = { 1, 2 }, outside[2] = { 2, 0 };
    Py_buffer view = { .buf = grid, .len = sizeof grid, .itemsize = 2, .ndim = 2,
                       .shape = shape, .strides = strides };

    PyBuffer_FillContiguousStrides(2, shape, strides, 2, 'C');
    printf("strides %zd, %zd\n", strides[0], strides[1]); /* strides 6, 2 */
    printf("C %d, F %d\n", PyBuffer_IsContiguous(&view, 'C'), PyBuffer_IsContiguous(&view, 'F')); /* C 1, F 0 */
    printf("item [1, 2] is %d\n", *(short *)PyBuffer_GetPointer(&view, indices)); /* item [1, 2] is 6 */

    if (pybuffer_get_pointer_checked(&view, outside) == NULL)
        printf("%s\n", pybuffer_err_text());
    strides[0] = 8;
    printf("within %zu bytes: %d\n", sizeof grid, pybuffer_verify_structure(sizeof grid, 2, 2, shape, strides, 0));
    return 0;
}

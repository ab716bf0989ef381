/* A C program without Python: the transpose of a 2-by-3 array. */
#include <libpybuffer.h>
#include <stdio.h>

int main(void)
{
    int items[2][3] = { { 1, 2, 3 }, { 4, 5, 6 } }, transposed[3][2];
    Py_ssize_t shape[] = { 2, 3 }, strides[] = { sizeof items[0], sizeof items[0][0] };
    Py_buffer view = { .buf = items, .len = sizeof items, .itemsize = sizeof items[0][0],
                       .ndim = 2, .shape = shape, .strides = strides };

    /* The transpose in C order is the array in Fortran order. */
    if (PyBuffer_ToContiguous(transposed, &view, view.len, 'F') < 0) {
        fprintf(stderr, "transpose: %s\n", pybuffer_err_text());
        return 1;
    }
    for (int row = 0; row < 3; row++)
        printf("%d %d\n", transposed[row][0], transposed[row][1]);
    return 0;
}

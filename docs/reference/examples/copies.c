#include <libpybuffer.h>

int main(void)
{
    int pixels[2][3] = { { 1, 2, 3 }, { 4, 5, 6 } }, out[6];
    Py_ssize_t shape[2] = { 3, 2 }, strides[2] = { 4, 12 }; /* the transpose of pixels */
    Py_buffer view = { .buf = pixels, .len = sizeof pixels, .itemsize = 4, .ndim = 2,
                       .shape = shape, .strides = strides };

    if (PyBuffer_ToContiguous(out, &view, view.len, 'C') < 0) {
        fprintf(stderr, "%s\n", pybuffer_err_text());
        return 1;
    }
    for (int i = 0; i < 6; i++)
        printf("%d ", out[i]); /* 1 4 2 5 3 6 */
    putchar('\n');

    for (int i = 0; i < 6; i++)
        out[i] *= 10;
    PyBuffer_FromContiguous(&view, out, view.len, 'C'); /* and back, by the same view */
    printf("%d %d %d\n", pixels[0][0], pixels[0][1], pixels[0][2]); /* 10 20 30 */
    return 0;
}

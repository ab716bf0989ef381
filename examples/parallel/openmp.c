/* A transpose by the threads of OpenMP.
 *
 *   cc -fopenmp openmp.c $(pkg-config --cflags --libs pybuffer) -o openmp && ./openmp
 *
 * The library starts no threads. Whoever has some gives a share of the copy to each: all shares together copy every item
 * exactly once, in any order and at the same time.
 */
#include <libpybuffer.h>

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROWS = 3000, COLUMNS = 2000 };

/* As pybuffer_copy, by the threads of OpenMP: 0, or -1. */
static int copy(const Py_buffer *dst, const Py_buffer *src)
{
    /* How many shares pay: 1 for a small copy. */
    Py_ssize_t n_parts = pybuffer_copy_n_parts(dst, src, omp_get_max_threads());
    if (n_parts == 1)
        return pybuffer_copy(dst, src);
    int status = 0;
    #pragma omp parallel for reduction(min : status) schedule(static, 1)
    for (Py_ssize_t part = 0; part < n_parts; part++)
        if (pybuffer_copy_part(dst, src, part, n_parts) < 0)
            status = -1;
    return status;
}

int main(void)
{
    static float from[ROWS][COLUMNS], to[COLUMNS][ROWS];
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < COLUMNS; j++)
            from[i][j] = (float)(i * COLUMNS + j);

    Py_ssize_t shape[] = { COLUMNS, ROWS };
    Py_ssize_t transposed[] = { sizeof(float), COLUMNS * sizeof(float) };
    Py_ssize_t dense[] = { ROWS * sizeof(float), sizeof(float) };
    Py_buffer src = { .buf = from, .len = sizeof from, .itemsize = sizeof(float), .ndim = 2, .shape = shape,
                      .strides = transposed };
    Py_buffer dst = { .buf = to, .len = sizeof to, .itemsize = sizeof(float), .ndim = 2, .shape = shape,
                      .strides = dense };
    if (copy(&dst, &src) < 0) {
        fputs("the copy failed\n", stderr);
        return EXIT_FAILURE;
    }
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < COLUMNS; j++)
            if (to[j][i] != from[i][j])
                return EXIT_FAILURE;
    printf("%d x %d transposed by up to %d threads\n", ROWS, COLUMNS, omp_get_max_threads());
    return EXIT_SUCCESS;
}

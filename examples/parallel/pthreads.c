/* A transpose by two POSIX threads.
 *
 *   cc -pthread pthreads.c $(pkg-config --cflags --libs pybuffer) -o pthreads && ./pthreads
 *
 * Each thread copies a share. To make a thread takes 20 to 70 us, so this pays for copies of some 4 MiB or more; a
 * program that copies often keeps its threads.
 */
#include <libpybuffer.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROWS = 3000, COLUMNS = 2000 };

typedef struct {
    const Py_buffer *dst, *src;
    Py_ssize_t part, n_parts;
    int status;
} Share;

static void *copy_share(void *argument)
{
    Share *share = argument;
    share->status = pybuffer_copy_part(share->dst, share->src, share->part, share->n_parts);
    return NULL;
}

/* As pybuffer_copy, by this thread and another one: 0, or -1. */
static int copy(const Py_buffer *dst, const Py_buffer *src)
{
    pthread_t other;
    Share second = { dst, src, 1, 2, -1 };
    if (pybuffer_copy_n_parts(dst, src, 2) < 2 || pthread_create(&other, NULL, copy_share, &second) != 0)
        return pybuffer_copy(dst, src);
    int first = pybuffer_copy_part(dst, src, 0, 2);
    pthread_join(other, NULL);
    return first < 0 ? first : second.status;
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
    printf("%d x %d transposed by two threads\n", ROWS, COLUMNS);
    return EXIT_SUCCESS;
}

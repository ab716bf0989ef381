/* An image and its views, in a C program without Python.
 *
 *   cc image.c $(pkg-config --cflags --libs pybuffer) -o image && ./image
 *
 * The exporter below is written as for Python: with Python.h in place of libpybuffer.h it compiles
 * the same. A consumer asks it for views of the whole image and of a part of it, upside down, and
 * copies their pixels out back to back, in C and in Fortran order.
 */
#include <libpybuffer.h>

#include <stdio.h>

enum { WIDTH = 128, HEIGHT = 96, EVERY = 4 };

/* ---- The exporter: an image of one byte a pixel ---- */

typedef struct {
    PyObject_HEAD
    Py_ssize_t shape[2];   /* height, width */
    Py_ssize_t strides[2]; /* to the pixel below, to the pixel on the right */
    unsigned char *first;
    unsigned char pixels[HEIGHT * WIDTH];
} Image;

static int image_getbuffer(PyObject *self, Py_buffer *view, int flags)
{
    Image *image = (Image *)self;

    /* A part of an image has gaps: only a consumer that asks for strides can be served. */
    if ((flags & PyBUF_STRIDES) != PyBUF_STRIDES) {
        view->obj = NULL;
        PyErr_SetString(PyExc_BufferError, "an image needs a request with PyBUF_STRIDES");
        return -1;
    }
    view->buf = image->first;
    view->obj = Py_NewRef(self);
    view->len = image->shape[0] * image->shape[1];
    view->itemsize = 1;
    view->readonly = 0;
    view->ndim = 2;
    view->format = (flags & PyBUF_FORMAT) != 0 ? (char *)"B" : NULL;
    view->shape = image->shape;
    view->strides = image->strides;
    view->suboffsets = NULL;
    view->internal = NULL;
    return 0;
}

static PyBufferProcs image_as_buffer = { image_getbuffer, NULL };

static PyTypeObject Image_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "demo.Image",
    .tp_basicsize = sizeof(Image),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_as_buffer = &image_as_buffer,
};

/* A ball, lit from the upper left. */
static unsigned char shade(Py_ssize_t row, Py_ssize_t column)
{
    double x = (column - WIDTH / 2.0) / (HEIGHT / 2.2), y = (row - HEIGHT / 2.0) / (HEIGHT / 2.2);
    double inside = 1.0 - x * x - y * y;

    if (inside < 0.0)
        return (unsigned char)(row * 60 / HEIGHT);
    x += 0.35;
    y += 0.4;
    return (unsigned char)(255.0 / (1.0 + 2.2 * (x * x + y * y)));
}

static Image *image_new(void)
{
    Image *image = PyObject_New(Image, &Image_Type);

    if (image == NULL)
        return NULL;
    for (Py_ssize_t row = 0; row < HEIGHT; row++)
        for (Py_ssize_t column = 0; column < WIDTH; column++)
            image->pixels[row * WIDTH + column] = shade(row, column);
    /* Every fourth pixel of every second row of fours, the lowest row first. */
    image->shape[0] = HEIGHT / (2 * EVERY);
    image->shape[1] = WIDTH / EVERY;
    image->strides[0] = -2 * EVERY * WIDTH;
    image->strides[1] = EVERY;
    image->first = image->pixels + (HEIGHT - 2 * EVERY) * WIDTH;
    return image;
}

/* ---- The consumer ---- */

static void print_picture(const unsigned char *pixels, Py_ssize_t rows, Py_ssize_t columns)
{
    static const char ramp[] = " .:-=+*#%@";

    for (Py_ssize_t row = 0; row < rows; row++) {
        printf("    ");
        for (Py_ssize_t column = 0; column < columns; column++)
            putchar(ramp[pixels[row * columns + column] * (int)(sizeof ramp - 2) / 255]);
        putchar('\n');
    }
}

static int show(Py_buffer *view, char order)
{
    unsigned char pixels[HEIGHT * WIDTH];
    Py_ssize_t rows = view->shape[order == 'C' ? 0 : 1];
    Py_ssize_t columns = view->shape[order == 'C' ? 1 : 0];

    if (PyBuffer_ToContiguous(pixels, view, view->len, order) < 0)
        return -1;
    printf("  PyBuffer_ToContiguous(buf, view, %ld, '%c'): %s\n", (long)view->len, order,
           order == 'C' ? "row after row" : "column after column, so the picture lies on its side");
    print_picture(pixels, rows, columns);
    return 0;
}

int main(void)
{
    Py_buffer view;
    Image *image;

    printf("  libpybuffer %s, objects: %s\n", pybuffer_version(), pybuffer_runtime());
    if (PyType_Ready(&Image_Type) < 0 || (image = image_new()) == NULL)
        goto failed;

    /* What the exporter refuses is an exception, here as in Python. */
    if (PyObject_GetBuffer((PyObject *)image, &view, PyBUF_SIMPLE) < 0) {
        printf("  PyObject_GetBuffer(image, view, PyBUF_SIMPLE): BufferError: %s\n",
               pybuffer_err_text());
        PyErr_Clear();
    }
    if (PyObject_GetBuffer((PyObject *)image, &view, PyBUF_FULL_RO) < 0)
        goto failed;
    printf("  PyObject_GetBuffer(image, view, PyBUF_FULL_RO): shape (%ld, %ld), strides (%ld, %ld), "
           "contiguous: %s\n",
           (long)view.shape[0], (long)view.shape[1], (long)view.strides[0], (long)view.strides[1],
           PyBuffer_IsContiguous(&view, 'A') ? "yes" : "no");
    if (show(&view, 'C') < 0 || show(&view, 'F') < 0)
        goto failed;
    PyBuffer_Release(&view);
    Py_DECREF(image);
    return 0;

failed:
    fprintf(stderr, "image: %s\n", pybuffer_err_text());
    return 1;
}

/* A correct exporter: an N-dimensional array over memory that its creator owns.
 *
 * It may have any strides (negative, zero, unaligned) and any suboffsets. It answers every request as
 * the protocol demands, and counts the views that were acquired and released. */
#ifndef EXPORTERS_ARRAY_H
#define EXPORTERS_ARRAY_H

#include <stdatomic.h>

#include "python_or_pybuffer.h"

/* What an array is made of. All of it is copied, except the items. */
typedef struct {
    void *buf;                    /* the first item; borrowed */
    const char *format;           /* NULL means "B" */
    Py_ssize_t itemsize;
    int readonly;
    int ndim;                     /* at most PyBUF_MAX_NDIM */
    const Py_ssize_t *shape;      /* shape[ndim] */
    const Py_ssize_t *strides;    /* strides[ndim], or NULL for C order */
    const Py_ssize_t *suboffsets; /* suboffsets[ndim], or NULL for none */
} ArrayLayout;

typedef struct {
    PyObject_HEAD
    atomic_long exports;  /* views acquired */
    atomic_long releases; /* views released */
    Py_buffer whole;      /* the answer to PyBUF_FULL, except obj */
    Py_ssize_t shape[PyBUF_MAX_NDIM];
    Py_ssize_t strides[PyBUF_MAX_NDIM];
    Py_ssize_t suboffsets[PyBUF_MAX_NDIM];
    char format[16];
} Array;

/* Initialises the type. To be called once; 0, or -1 with an exception set. */
int array_ready(void);

/* A new array, or NULL with an exception set. */
PyObject *array_new(ArrayLayout layout);

/* The number of arrays that are not yet deallocated. */
long array_alive(void);

#endif

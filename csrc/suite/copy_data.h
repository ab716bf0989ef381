/* What the tests of PyObject_CopyData share. */
#ifndef SUITE_COPY_DATA_H
#define SUITE_COPY_DATA_H

#include "harness.h"

/* The memory around a view, and where its first item is. */
enum { BLOCK = 96, ORIGIN = 40 };

typedef struct {
    Py_ssize_t itemsize;
    int ndim;
    Py_ssize_t *shape, *strides;
} Layout;

static inline PyObject *array_at(void *buf, Py_ssize_t itemsize, int ndim, const Py_ssize_t *shape,
                                 const Py_ssize_t *strides)
{
    return array_new((ArrayLayout){ .buf = buf, .itemsize = itemsize, .ndim = ndim, .shape = shape,
                                    .strides = strides });
}

/* Drops the last reference to an array, whose views have all been released. */
static inline void drop_array(PyObject *array, int line)
{
    expect_int(atomic_load(&((Array *)array)->exports), atomic_load(&((Array *)array)->releases),
               __FILE__, line, "the views released");
    expect_int(1, references(array), __FILE__, line, "the references");
    Py_DECREF(array);
}
#define DROP_ARRAY(array) drop_array((array), __LINE__)

#endif

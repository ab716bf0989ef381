/* Memoryviews as a C program sees them: without a Python by libpybuffer's functions, inside one by its
 * functions too where they are linked, and by Python.h's macros where libpython's own are tested. */
#ifndef SUITE_MEMORYVIEW_H
#define SUITE_MEMORYVIEW_H

#include "harness.h"

#ifndef STANDALONE
/* The macros of Python.h stand before the functions of their names. */
extern int function_check(PyObject *) __asm__("PyMemoryView_Check") __attribute__((weak));
extern Py_buffer *function_get_buffer(PyObject *) __asm__("PyMemoryView_GET_BUFFER")
    __attribute__((weak));
extern PyObject *function_get_base(PyObject *) __asm__("PyMemoryView_GET_BASE")
    __attribute__((weak));
extern PyObject *pybuffer_memoryview_from_buffer_with_owner(const Py_buffer *, PyObject *)
    __attribute__((weak));
extern PyObject *pybuffer_memoryview_from_memory_with_destructor(char *, Py_ssize_t, int,
                                                                 void (*)(void *), void *)
    __attribute__((weak));
extern int pybuffer_memoryview_release(PyObject *) __attribute__((weak));
#else
#define function_check PyMemoryView_Check
#define function_get_buffer PyMemoryView_GET_BUFFER
#define function_get_base PyMemoryView_GET_BASE
#endif

static inline bool is_memoryview(PyObject *object)
{
#ifndef STANDALONE
    if (functions_are_libpythons()) {
        return PyMemoryView_Check(object);
    }
#endif
    return function_check(object) == 1;
}

static inline Py_buffer *buffer_of(PyObject *memoryview)
{
#ifndef STANDALONE
    if (functions_are_libpythons()) {
        return PyMemoryView_GET_BUFFER(memoryview);
    }
#endif
    return function_get_buffer(memoryview);
}

static inline PyObject *base_of(PyObject *memoryview)
{
#ifndef STANDALONE
    if (functions_are_libpythons()) {
        return PyMemoryView_GET_BASE(memoryview);
    }
#endif
    return function_get_base(memoryview);
}

/* memoryview.release() */
static inline int release_memoryview(PyObject *memoryview)
{
#ifndef STANDALONE
    if (functions_are_libpythons()) {
        PyObject *none = PyObject_CallMethod(memoryview, "release", NULL);
        Py_XDECREF(none);
        return none == NULL ? -1 : 0;
    }
#endif
    return pybuffer_memoryview_release(memoryview);
}

/* A new array of ints. */
static inline PyObject *array_of(void *buf, int ndim, const Py_ssize_t *shape, const Py_ssize_t *strides)
{
    return array_new((ArrayLayout){ .buf = buf, .format = "i", .itemsize = 4, .ndim = ndim,
                                    .shape = shape, .strides = strides });
}

/* `call` makes no object, and leaves this exception with exactly this text. */
#define EXPECT_NO_OBJECT(call, type, text)                                                         \
    (expect_pointer(NULL, (call), __FILE__, __LINE__, #call),                                      \
     expect_exception((type), (text), __FILE__, __LINE__, #call))

/* A new memoryview, without which a test cannot go on. */
#define EXPECT_MEMORYVIEW(memoryview)                                                              \
    (EXPECT((memoryview) != NULL), expect_no_exception(__FILE__, __LINE__, #memoryview),           \
     (memoryview) != NULL && is_memoryview(memoryview))

#define RELEASED "operation forbidden on released memoryview object"
#define TOO_MANY_DIMENSIONS "memoryview: number of dimensions must not exceed 64"

#endif

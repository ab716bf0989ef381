/* The extension module libpybuffer._libpybuffer: what its files share. Written against the limited API of
   CPython 3.8, whose Python.h lacks Py_buffer; libpybuffer.h supplies it. */

#ifndef EXTENSION_H
#define EXTENSION_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <libpybuffer.h>

/* METH_FASTCALL belongs to the stable ABI since 3.10; 3.8 and 3.9, which will not change any more, have it alike. Tuple and
   dictionary of METH_VARARGS made a small call with a keyword take twice as long. */
#define FASTCALL 0x0080
#define WITH_KEYWORDS(function) (PyCFunction)(void (*)(void))(function), FASTCALL | METH_KEYWORDS

/* The most arguments that a function has. */
#define MAX_ARGUMENTS 5

/* A function's name and arguments. */
typedef struct {
    const char *format;        /* as for PyArg_ParseTupleAndKeywords; all of them objects */
    const char *names[MAX_ARGUMENTS + 1];
    Py_ssize_t n_required;
    Py_ssize_t n_positional;   /* how many may be given by position */
} signature;

/* Puts the arguments of a call into `values`, which are NULL before and stay so where none is given. 0 with
   an exception if the call does not fit the signature. A call is what METH_FASTCALL | METH_KEYWORDS hands over: n
   arguments by position, those by name behind them, and a tuple of the names, or NULL. */
int take_arguments(const signature *signature, PyObject *const *args, Py_ssize_t n, PyObject *names,
                   PyObject **values);

/* 'C', 'F' or 'A'; NULL and None are 'C'. 0 with an exception for anything else. */
char order_of(PyObject *order);

/* The UTF-8 of a str or bytes, as a new bytes without a NUL in it. */
PyObject *text_of(PyObject *text, const char *what);

/* The module's state: its types. */
typedef struct {
    PyObject *keeper_type;   /* its objects keep an exporter's memory for view() */
    PyObject *tensor_type;   /* its objects are what to_dlpack() returns */
} state;

static inline state *state_of(PyObject *module)
{
    return PyModule_GetState(module);
}

PyObject *make_keeper_type(void);
PyObject *make_tensor_type(void);

/* How many parts pay for a thread each that is made for this copy: from 1 to n_threads. */
Py_ssize_t parts_for_threads(const Py_buffer *dst, const Py_buffer *src, Py_ssize_t n_threads);

/* Copies by `n_parts` threads, the caller's among them; the others are gone when it returns. Releases the GIL. -1, with
   no exception, if a part failed or memory is missing: then pybuffer_copy tells why, or copies all. */
int copy_by_threads(const Py_buffer *dst, const Py_buffer *src, Py_ssize_t n_parts);

/* A new reference to None. (Py_RETURN_NONE of the Python.h of 3.12 and 3.13.0 takes none, which CPython up to 3.11 needs.) */
static inline PyObject *none(void)
{
    Py_INCREF(Py_None);
    return Py_None;
}

/* A tuple of n numbers. */
PyObject *tuple_of(const Py_ssize_t *numbers, int n);

PyObject *tobytes(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *names);
PyObject *copyto(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *names);
PyObject *contiguous(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *names);
PyObject *is_contiguous(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *names);
PyObject *view(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *names);
PyObject *itemsize(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *names);
PyObject *equivalent(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *names);
PyObject *to_dlpack(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *names);
PyObject *from_dlpack(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *names);
PyObject *parse(PyObject *module, PyObject *format);
PyObject *check(PyObject *module, PyObject *object);
PyObject *check_alone(PyObject *module, PyObject *object);
PyObject *check_among_threads(PyObject *module, PyObject *args);
PyObject *join_reports(PyObject *module, PyObject *args);
PyObject *hold_views(PyObject *module, PyObject *args);
PyObject *release_views(PyObject *module, PyObject *capsule);
PyObject *audited_views(PyObject *module, PyObject *object);
PyObject *audit_retell(PyObject *module, PyObject *unused);
PyObject *is_exporter(PyObject *module, PyObject *object);

extern const char tobytes_doc[], copyto_doc[], contiguous_doc[], is_contiguous_doc[], view_doc[],
    itemsize_doc[], equivalent_doc[], to_dlpack_doc[], from_dlpack_doc[];

#endif

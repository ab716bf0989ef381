#include "broken.h"

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

static atomic_long alive;

enum {
    NO_OBJ,
    NO_REFERENCE,
    NO_BUF,
    BUF_OF_NO_MEMORY,
    LEN_OF_ITEMS,
    ITEMSIZE_NEGATIVE,
    FORMAT_OF_ANOTHER_SIZE,
    FORMAT_UNFINISHED,
    NDIM_65,
    SCALAR_WITH_SHAPE,
    SCALAR_OF_SIX,
    EXTENT_NEGATIVE,
    READONLY_2,
    SUBOFFSETS_NEGATIVE,
    STRIDES_BEYOND_BLOCK,
    SHAPE_UNASKED,
    SHAPE_MISSING,
    SHAPE_NOWHERE,
    STRIDES_UNASKED,
    STRIDES_MISSING,
    STRIDES_UNALIGNED,
    SUBOFFSETS_HIDDEN,
    SUBOFFSETS_UNASKED,
    FORMAT_MISSING,
    FORMAT_UNASKED,
    WRITABLE_IGNORED,
    CONTIGUITY_IGNORED,
    FORTRAN_IGNORED,
    C_ORDER_PRETENDED,
    RESULT_1,
    RESULT_MINUS_2,
    REFUSED_IN_SILENCE,
    GRANTED_WITH_EXCEPTION,
    RELEASED_WITH_EXCEPTION,
    REFUSED_WITH_VALUE_ERROR,
    REFUSED_WITH_OBJ,
    REFUSED_WITHOUT_NULL,
    ITEMSIZE_BY_FLAGS,
    LEN_BY_FLAGS,
    SHAPE_BY_FLAGS,
    READONLY_BY_FLAGS,
    EVERY_SECOND_ANSWER,
    REFUSED_AGAIN,
    SIMPLE_REFUSED,
    WRITABLE_REFUSED,
    ARRAYS_SHARED,
    REFERENCE_TOO_MANY,
    REFERENCE_DROPPED_BY_RELEASE,
    REFERENCE_TAKEN_BY_REFUSAL,
    REFERENCES_DROPPED,
    EVERYTHING_REFUSED,
};

const Mistake broken_mistakes[] = {
    [NO_OBJ] = { "obj", "obj is NULL", "obj", 0, 0 },
    [NO_REFERENCE] = { "obj", "obj is the exporter without a reference", "obj", 1, 1 },
    [NO_BUF] = { "buf", "buf is NULL", "buf", 0, 0 },
    [BUF_OF_NO_MEMORY] = { "buf", "buf is where no memory is", "buf", 0, 1 },
    [LEN_OF_ITEMS] = { "len", "len is the number of items", "len", 0, 0 },
    [ITEMSIZE_NEGATIVE] = { "itemsize", "itemsize is -4", "itemsize", 0, 0 },
    [FORMAT_OF_ANOTHER_SIZE] = { "format-size", "format is that of a short", "itemsize", 0, 0 },
    [FORMAT_UNFINISHED] = { "format-syntax", "format lacks its brace", "format", 0, 0 },
    [NDIM_65] = { "ndim", "ndim is 65", "ndim", 0, 0 },
    [SCALAR_WITH_SHAPE] = { "scalar", "ndim is 0 and shape is not NULL", "shape", 0, 0 },
    [SCALAR_OF_SIX] = { "scalar", "ndim is 0 for the plain request", "ndim", 0, 1 },
    [EXTENT_NEGATIVE] = { "extent", "an extent is -2", "shape", 0, 0 },
    [READONLY_2] = { "readonly", "readonly is 2", "readonly", 0, 0 },
    [SUBOFFSETS_NEGATIVE] = { "no-suboffsets", "all suboffsets are -1", "suboffsets", 0, 0 },
    [STRIDES_BEYOND_BLOCK] = { "structure", "strides leave the block", "strides", 0, 1 },
    [SHAPE_UNASKED] = { "shape", "the plain request is shown a shape", "shape", 0, 1 },
    [SHAPE_MISSING] = { "shape", "shape is NULL", "shape", 0, 0 },
    [SHAPE_NOWHERE] = { "shape", "shape is where no memory is", "shape", 0, 1 },
    [STRIDES_UNASKED] = { "strides", "PyBUF_ND is shown strides", "strides", 0, 1 },
    [STRIDES_MISSING] = { "strides", "strides is NULL, as ctypes leaves it", "strides", 0, 0 },
    [STRIDES_UNALIGNED] = { "strides", "strides is no address of numbers", "strides", 0, 0 },
    [SUBOFFSETS_HIDDEN] = { "suboffsets", "PyBUF_STRIDES is not told of pointers", "suboffsets", 0, 1 },
    [SUBOFFSETS_UNASKED] = { "suboffsets", "PyBUF_STRIDES is shown suboffsets", "suboffsets", 0, 1 },
    [FORMAT_MISSING] = { "format", "format is NULL", "format", 0, 0 },
    [FORMAT_UNASKED] = { "format", "format is always there", "format", 0, 1 },
    [WRITABLE_IGNORED] = { "writable", "PyBUF_WRITABLE gets read-only memory", "readonly", 0, 1 },
    [CONTIGUITY_IGNORED] = { "contiguity", "memory has gaps for every request", "strides", 0, 1 },
    [FORTRAN_IGNORED] = { "contiguity", "PyBUF_F_CONTIGUOUS gets C order", "strides", 0, 1 },
    [C_ORDER_PRETENDED] = { "contiguity", "memory has gaps for PyBUF_ND", "strides", 0, 1 },
    [RESULT_1] = { "result", "getbuffer returns 1", "result", 0, 1 },
    [RESULT_MINUS_2] = { "result", "getbuffer returns -2", "result", 0, 1 },
    [REFUSED_IN_SILENCE] = { "exception-missing", "no exception is set", "exception", 0, 1 },
    [GRANTED_WITH_EXCEPTION] = { "exception-left", "an exception is set with 0", "exception", 0, 1 },
    [RELEASED_WITH_EXCEPTION] = { "exception-left", "a release sets an exception", "exception", 0, 1 },
    [REFUSED_WITH_VALUE_ERROR] = { "buffer-error", "ValueError is raised", "exception", 0, 1 },
    [REFUSED_WITH_OBJ] = { "obj-on-failure", "obj is set with -1", "obj", 0, 1 },
    [REFUSED_WITHOUT_NULL] = { "obj-untouched", "obj is left as it was with -1", "obj", 1, 1 },
    [ITEMSIZE_BY_FLAGS] = { "same-memory", "itemsize is 1 without a shape", "itemsize", 0, 1 },
    [LEN_BY_FLAGS] = { "same-memory", "len is one item without a shape", "len", 0, 1 },
    [SHAPE_BY_FLAGS] = { "same-memory", "PyBUF_ND is shown (3, 2)", "shape", 0, 1 },
    [READONLY_BY_FLAGS] = { "same-readonly", "readonly is 1 without a format", "readonly", 0, 1 },
    [EVERY_SECOND_ANSWER] = { "reproducible", "every second answer has another format", "format", 0, 1 },
    [REFUSED_AGAIN] = { "reproducible", "the same request is refused again", "request", 0, 1 },
    [SIMPLE_REFUSED] = { "refusal", "the plain request is refused", "request", 0, 1 },
    [WRITABLE_REFUSED] = { "refusal", "readonly is 0 and PyBUF_WRITABLE is refused", "request", 0, 1 },
    [ARRAYS_SHARED] = { "stable", "a request overwrites the last view's shape", "shape", 0, 1 },
    [REFERENCE_TOO_MANY] = { "references", "two references are taken", "references", 1, 1 },
    [REFERENCE_DROPPED_BY_RELEASE] = { "references", "releasebuffer drops a reference", "references", 1, 1 },
    [REFERENCE_TAKEN_BY_REFUSAL] = { "references", "a refusal takes a reference", "references", 1, 1 },
    [REFERENCES_DROPPED] = { "references", "every request drops six references", "references", 1, 1 },
    [EVERYTHING_REFUSED] = { "nothing-met", "every request is refused", "request", 0, 1 },
};

const int broken_n_mistakes = sizeof broken_mistakes / sizeof *broken_mistakes;

#define HAS(flag) ((flags & (flag)) == (flag))

/* An address where no memory of a process can be: the kernel's half of them. */
static void *nowhere(void)
{
    return (void *)(UINTPTR_MAX / 2 + 1);
}

static int refuse(Broken *broken, Py_buffer *view)
{
    switch (broken->mistake) {
    case REFUSED_IN_SILENCE:
        view->obj = NULL;
        return -1;
    case REFUSED_WITH_VALUE_ERROR:
        PyErr_SetString(PyExc_ValueError, "broken: cannot");
        view->obj = NULL;
        return -1;
    case REFUSED_WITH_OBJ:
        view->obj = (PyObject *)broken;
        break;
    case REFUSED_WITHOUT_NULL:
        break;
    case REFERENCE_TAKEN_BY_REFUSAL:
        broken->too_many++;
        Py_INCREF(broken);
        view->obj = NULL;
        break;
    default:
        view->obj = NULL;
    }
    PyErr_SetString(PyExc_BufferError, "broken: cannot");
    return broken->mistake == RESULT_MINUS_2 ? -2 : -1;
}

/* Whether the memory cannot satisfy the request. */
static int is_refused(const Broken *broken, int flags)
{
    const int mistake = broken->mistake;
    const int is_read_only = mistake == READONLY_2 || mistake == WRITABLE_IGNORED
                             || mistake == WRITABLE_REFUSED;
    if (HAS(PyBUF_WRITABLE) && is_read_only && mistake != WRITABLE_IGNORED) {
        return 1;
    }
    if (mistake == EVERYTHING_REFUSED) {
        return 1;
    }
    if (mistake == SUBOFFSETS_HIDDEN || mistake == SUBOFFSETS_UNASKED) {
        const int is_plain = (flags & ~(PyBUF_WRITABLE | PyBUF_FORMAT)) == PyBUF_STRIDES;
        const int is_indirect = (flags & ~(PyBUF_WRITABLE | PyBUF_FORMAT)) == PyBUF_INDIRECT;
        return !is_plain && !is_indirect;
    }
    if (mistake == C_ORDER_PRETENDED) {
        return HAS(PyBUF_C_CONTIGUOUS) || HAS(PyBUF_F_CONTIGUOUS) || HAS(PyBUF_ANY_CONTIGUOUS);
    }
    if (mistake == SIMPLE_REFUSED && !HAS(PyBUF_ND)) {
        return 1;
    }
    const int is_fortran = mistake == CONTIGUITY_IGNORED || mistake == FORTRAN_IGNORED
                           || mistake == SCALAR_WITH_SHAPE;
    return HAS(PyBUF_F_CONTIGUOUS) && !is_fortran;
}

/* Fills the view as an exporter that makes no mistake. */
static void fill(Broken *broken, Py_buffer *view, int flags, int slot)
{
    const Py_ssize_t size = sizeof(int);
    const int mistake = broken->mistake;
    Py_ssize_t *shape = broken->arrays[slot].shape, *strides = broken->arrays[slot].strides;
    Py_ssize_t *suboffsets = broken->arrays[slot].suboffsets;
    shape[0] = 2;
    shape[1] = 3;
    strides[0] = 3 * size;
    strides[1] = size;
    suboffsets[0] = suboffsets[1] = -1;
    strcpy(broken->arrays[slot].format, "i");
    memset(view, 0, sizeof *view);
    view->buf = broken->items;
    view->len = 6 * size;
    view->itemsize = size;
    view->ndim = HAS(PyBUF_ND) ? 2 : 1;
    view->shape = HAS(PyBUF_ND) ? shape : NULL;
    view->strides = HAS(PyBUF_STRIDES) ? strides : NULL;
    view->format = HAS(PyBUF_FORMAT) ? broken->arrays[slot].format : NULL;
    if (mistake == CONTIGUITY_IGNORED || mistake == C_ORDER_PRETENDED) {
        strides[0] = 6 * size;
    }
    if (mistake == SUBOFFSETS_HIDDEN || mistake == SUBOFFSETS_UNASKED) {
        view->buf = broken->rows;
        strides[0] = sizeof(int *);
        suboffsets[0] = 0;
        view->suboffsets = HAS(PyBUF_INDIRECT) ? suboffsets : NULL;
    }
    if (mistake == SCALAR_WITH_SHAPE) {
        view->ndim = 0;
        view->len = size;
        view->shape = view->strides = NULL;
    }
}

/* Makes the mistake, if it is one in the view. */
static void spoil(Broken *broken, Py_buffer *view, int flags, int slot)
{
    Py_ssize_t *shape = broken->arrays[slot].shape, *strides = broken->arrays[slot].strides;
    Py_ssize_t *suboffsets = broken->arrays[slot].suboffsets;
    char *format = broken->arrays[slot].format;
    const int is_strided = (flags & PyBUF_ANY_CONTIGUOUS) == PyBUF_STRIDES
                           && !HAS(PyBUF_C_CONTIGUOUS) && !HAS(PyBUF_F_CONTIGUOUS);
    switch (broken->mistake) {
    case NO_BUF: view->buf = NULL; break;
    case BUF_OF_NO_MEMORY: view->buf = nowhere(); break;
    case LEN_OF_ITEMS: view->len = 6; break;
    case ITEMSIZE_NEGATIVE: view->itemsize = -4; break;
    case FORMAT_OF_ANOTHER_SIZE: strcpy(format, "h"); break;
    case FORMAT_UNFINISHED: strcpy(format, "T{i"); break;
    case NDIM_65: view->ndim = 65; break;
    case SCALAR_WITH_SHAPE: view->shape = HAS(PyBUF_ND) ? shape : NULL; break;
    case SCALAR_OF_SIX: view->ndim = HAS(PyBUF_ND) ? 2 : 0; break;
    case EXTENT_NEGATIVE: shape[0] = -2; break;
    case READONLY_2: view->readonly = 2; break;
    case SUBOFFSETS_NEGATIVE: view->suboffsets = HAS(PyBUF_INDIRECT) ? suboffsets : NULL; break;
    case STRIDES_BEYOND_BLOCK: strides[0] = is_strided ? 16 : 12; break;
    case SHAPE_UNASKED: view->shape = shape; view->ndim = 2; break;
    case SHAPE_MISSING: view->shape = NULL; break;
    case SHAPE_NOWHERE: view->shape = HAS(PyBUF_ND) ? nowhere() : NULL; break;
    case STRIDES_UNASKED: view->strides = HAS(PyBUF_ND) ? strides : NULL; break;
    case STRIDES_MISSING: view->strides = NULL; break;
    case STRIDES_UNALIGNED:
        view->strides = HAS(PyBUF_STRIDES) ? (Py_ssize_t *)((char *)strides + 1) : NULL;
        break;
    case SUBOFFSETS_UNASKED: view->suboffsets = suboffsets; break;
    case FORMAT_MISSING: view->format = NULL; break;
    case FORMAT_UNASKED: view->format = format; break;
    case WRITABLE_IGNORED: view->readonly = 1; break;
    case ITEMSIZE_BY_FLAGS: view->itemsize = HAS(PyBUF_ND) ? view->itemsize : 1; break;
    case LEN_BY_FLAGS: view->len = HAS(PyBUF_ND) ? view->len : view->itemsize; break;
    case SHAPE_BY_FLAGS:
        if (!HAS(PyBUF_STRIDES)) {
            shape[0] = 3;
            shape[1] = 2;
        }
        break;
    case READONLY_BY_FLAGS:
        view->readonly = !HAS(PyBUF_FORMAT) && !HAS(PyBUF_WRITABLE);
        break;
    case EVERY_SECOND_ANSWER: strcpy(format, slot == 0 ? "i" : "I"); break;
    case ARRAYS_SHARED: broken->arrays[!slot].shape[0] = 99; break;
    default: break;
    }
}

static int broken_getbuffer(PyObject *self, Py_buffer *view, int flags)
{
    Broken *broken = (Broken *)self;
    const int slot = broken->calls++ % 2;
    const int mistake = broken->mistake;
    const int is_again = broken->last_flags == flags;
    broken->last_flags = flags;
    for (int i = 0; mistake == REFERENCES_DROPPED && i < 6; i++) {
        Py_DECREF(self);
    }
    if (is_refused(broken, flags) || (mistake == REFUSED_AGAIN && is_again)) {
        return refuse(broken, view);
    }
    fill(broken, view, flags, slot);
    spoil(broken, view, flags, slot);
    broken->views++;
    if (mistake != NO_OBJ) {
        view->obj = self;
    }
    if (mistake != NO_OBJ && mistake != NO_REFERENCE) {
        Py_INCREF(self);
    }
    if (mistake == REFERENCE_TOO_MANY) {
        broken->too_many++;
        Py_INCREF(self);
    }
    if (mistake == GRANTED_WITH_EXCEPTION) {
        PyErr_SetString(PyExc_KeyError, "broken: forgotten");
    }
    return mistake == RESULT_1 ? 1 : 0;
}

static void broken_releasebuffer(PyObject *self, Py_buffer *view)
{
    Broken *broken = (Broken *)self;
    (void)view;
    broken->views--;
    if (broken->mistake == REFERENCE_DROPPED_BY_RELEASE) {
        Py_DECREF(self);
    }
    if (broken->mistake == RELEASED_WITH_EXCEPTION) {
        PyErr_SetString(PyExc_KeyError, "broken: forgotten");
    }
}

static void broken_dealloc(PyObject *self)
{
    atomic_fetch_sub(&alive, 1);
    PyObject_Free(self);
}

static PyBufferProcs broken_as_buffer = { broken_getbuffer, broken_releasebuffer };

static PyTypeObject Broken_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "exporters.broken",
    .tp_basicsize = sizeof(Broken),
    .tp_dealloc = broken_dealloc,
    .tp_as_buffer = &broken_as_buffer,
    .tp_flags = Py_TPFLAGS_DEFAULT,
};

int broken_ready(void)
{
    return PyType_Ready(&Broken_Type);
}

Broken *broken_new(int mistake)
{
    Broken *broken = PyObject_New(Broken, &Broken_Type);
    if (broken == NULL) {
        return NULL;
    }
    atomic_fetch_add(&alive, 1);
    memset((char *)broken + sizeof(PyObject), 0, sizeof(Broken) - sizeof(PyObject));
    broken->mistake = mistake;
    broken->last_flags = -1;
    broken->rows[0] = broken->items;
    broken->rows[1] = broken->items + 3;
    return broken;
}

void broken_free(Broken *broken)
{
    while (broken->too_many > 0) {
        broken->too_many--;
        Py_DECREF(broken);
    }
    Py_DECREF(broken);
}

long broken_alive(void)
{
    return atomic_load(&alive);
}

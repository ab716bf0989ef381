/* Every family of copy, by every function that copies, beside a naive model. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "model.h"
#include "painted.h"

enum { DIMS = 8, LARGE = 8 << 20 };

/* An array, and a copy of it to back-to-back memory. */
typedef struct {
    const char *family;
    char order;             /* of the back-to-back side */
    Py_ssize_t itemsize;
    int ndim;
    Py_ssize_t shape[DIMS];
    int slowest[DIMS];      /* the dimensions, from the slowest in memory to the fastest */
    Py_ssize_t spread;      /* how many items' room each has */
    int shift;              /* from a multiple of 64 bytes on: the back-to-back side's first byte */
    bool is_turned;         /* negative strides */
    bool has_pointers;      /* the first dimension is one of pointers, to rows out of order */
} Copy;

/* --- an array ------------------------------------------------------------------------------------------- */

typedef struct {
    Py_buffer view;
    Py_ssize_t shape[DIMS], strides[DIMS], suboffsets[DIMS];
    unsigned char *memory;
    size_t size;
    unsigned char **rows;
} Scene;

static void *have(size_t size)
{
    void *memory = aligned_alloc(64, (size + 191) / 64 * 64);
    if (memory == NULL) {
        printf("no memory\n");
        exit(1);
    }
    return memory;
}

static void point(Scene *scene, const Copy *copy, size_t row)
{
    const Py_ssize_t n = copy->shape[0];
    /* Behind the rows: what lies between a row and the pointers counts as the array's. */
    scene->rows = (unsigned char **)(scene->memory + scene->size);
    for (Py_ssize_t i = 0; i < n; i++) {
        scene->rows[i] = scene->memory + (size_t)(i * 7 % n) * row;
    }
    scene->strides[0] = sizeof *scene->rows;
    scene->suboffsets[0] = 3;
    scene->view.buf = scene->rows;
    scene->view.suboffsets = scene->suboffsets;
}

static void set_up(Scene *scene, const Copy *copy)
{
    memset(scene, 0, sizeof *scene);
    Py_ssize_t size = copy->itemsize * copy->spread, n = 1;
    size_t row = 0, first = 0;
    for (int i = copy->ndim - 1; i >= 0; i--) {
        const int dim = copy->slowest[i];
        scene->suboffsets[dim] = -1;
        scene->shape[dim] = copy->shape[dim];
        scene->strides[dim] = size;
        row = dim == 0 ? 0 : row;
        size *= copy->shape[dim];
        n *= copy->shape[dim];
        if (copy->is_turned) {
            first += (size_t)(scene->strides[dim] * (copy->shape[dim] - 1));
            scene->strides[dim] *= -1;
        }
    }
    row = (size_t)(size / copy->shape[0]) + 3;
    scene->size = copy->has_pointers ? (row * (size_t)copy->shape[0] + 63) / 64 * 64 : (size_t)size;
    scene->memory = have(scene->size + (size_t)copy->shape[0] * sizeof *scene->rows);
    for (size_t i = 0; i < scene->size; i++) {
        scene->memory[i] = (unsigned char)(i ^ i >> 7 ^ i >> 13);
    }
    scene->view = (Py_buffer){ .buf = scene->memory + first, .len = n * copy->itemsize,
                               .itemsize = copy->itemsize, .ndim = copy->ndim,
                               .shape = scene->shape, .strides = scene->strides };
    if (copy->has_pointers) {
        point(scene, copy, row);
    }
}

static void clear(Scene *scene)
{
    free(scene->memory);
}

/* --- the functions ---------------------------------------------------------------------------------------- */

typedef struct {
    const Py_buffer *view, *other;
    void *block;
    Py_ssize_t len;
    char order;
    PyObject *dest, *src;
    int result;
} Call;

static void to_contiguous(void *argument)
{
    Call *call = argument;
    call->result = PyBuffer_ToContiguous(call->block, call->view, call->len, call->order);
}

static void from_contiguous(void *argument)
{
    Call *call = argument;
    call->result = PyBuffer_FromContiguous(call->view, call->block, call->len, call->order);
}

static void copy_views(void *argument)
{
    Call *call = argument;
    call->result = pybuffer_copy(call->other, call->view);
}

static void copy_parts(void *argument)
{
    Call *call = argument;
    call->result = 0;
    for (int part = 0; part < 3; part++) {
        call->result |= pybuffer_copy_part(call->other, call->view, part, 3);
    }
}

static void copy_data(void *argument)
{
    Call *call = argument;
    call->result = PyObject_CopyData(call->dest, call->src);
}

/* --- a copy by all of them -------------------------------------------------------------------------------- */

static void expect(const char *family, const Call *call, const void *expected, const void *found, size_t n)
{
    if (call->result != 0 || memcmp(expected, found, n) != 0) {
        painted_wrong(family, call->result != 0 ? "an error" : "bytes that are wrong");
    }
}

/* From the array to memory, by `run`. */
static void gather(const Copy *copy, Call *call, void (*run)(void *), unsigned char *expected)
{
    const size_t n = (size_t)call->view->len;
    memset(call->block, 0x5a, n);
    painted_run(copy->family, run, call);
    expect(copy->family, call, expected, call->block, n);
}

/* From memory to the array, `len` bytes of it. */
static void scatter(const char *family, const Copy *copy, Scene *scene, Call *call, Py_ssize_t len)
{
    Scene model;
    set_up(&model, copy);
    model_scatter(&model.view, call->block, len / copy->itemsize, copy->order);
    call->len = len;
    call->view = &scene->view;
    painted_run(family, from_contiguous, call);
    expect(family, call, model.memory, scene->memory, scene->size);
    clear(&model);
}

static void run_copy(const Copy *copy)
{
    Scene scene;
    set_up(&scene, copy);
    const size_t n = (size_t)scene.view.len;
    unsigned char *expected = have(n), *block = have(n + 64);
    Call call = { .view = &scene.view, .block = block + copy->shift, .len = (Py_ssize_t)n,
                  .order = copy->order };
    model_gather(expected, &scene.view, copy->order);
    gather(copy, &call, to_contiguous, expected);
    if (n > LARGE) { /* the other functions come to the same copy */
        clear(&scene);
        free(expected);
        free(block);
        return;
    }

    Py_ssize_t strides[DIMS];
    model_strides(copy->ndim, scene.shape, strides, copy->itemsize, copy->order);
    Py_buffer dense = scene.view;
    dense.buf = call.block;
    dense.strides = strides;
    dense.suboffsets = NULL;
    call.other = &dense;
    gather(copy, &call, copy_views, expected);
    Copy in_parts = *copy;
    in_parts.family = "copies in parts";
    gather(&in_parts, &call, copy_parts, expected);

    ArrayLayout layout = { .buf = scene.view.buf, .itemsize = copy->itemsize, .ndim = copy->ndim,
                           .shape = scene.shape, .strides = scene.strides,
                           .suboffsets = scene.view.suboffsets };
    call.src = array_new(layout);
    layout = (ArrayLayout){ .buf = call.block, .itemsize = copy->itemsize, .ndim = copy->ndim,
                            .shape = scene.shape, .strides = strides };
    call.dest = array_new(layout);
    gather(copy, &call, copy_data, expected);
    Py_DECREF(call.src);
    Py_DECREF(call.dest);

    for (size_t i = 0; i < n; i++) {
        block[copy->shift + i] = (unsigned char)(i ^ i >> 9 ^ 0x33);
    }
    scatter(copy->family, copy, &scene, &call, (Py_ssize_t)n);
    clear(&scene);
    set_up(&scene, copy);
    scatter("the first part of an array", copy, &scene, &call, (Py_ssize_t)n / 3 * 2 + 1);
    clear(&scene);
    free(expected);
    free(block);
}

/* --- what is not like the others ---------------------------------------------------------------------------- */

/* As many dimensions as a view may have without memory, and more: few of them are longer than 1. */
static void run_many_dimensions(void)
{
    enum { MOST = 100, N = 1 << 12 };
    static Py_ssize_t shape[MOST], strides[MOST];
    static unsigned char from[N * 4], to[N * 4], expected[N * 4];
    for (int i = 0; i < N * 4; i++) {
        from[i] = (unsigned char)(i ^ i >> 5);
    }
    for (int ndim = 9; ndim <= MOST; ndim += 11) {
        for (int i = 0; i < MOST; i++) {
            shape[i] = 1;
            strides[i] = 4;
        }
        /* Twelve of 2, in reverse. */
        Py_ssize_t stride = 4, n = 1;
        for (int i = 0; i < ndim && n < N; i += ndim > 24 ? 2 : 1, stride *= 2, n *= 2) {
            shape[i] = 2;
            strides[i] = stride;
        }
        Py_buffer view = { .buf = from, .len = n * 4, .itemsize = 4, .ndim = ndim, .shape = shape,
                           .strides = strides };
        Py_ssize_t folded[16], folded_strides[16];
        Py_buffer fold = view;
        fold.shape = folded;
        fold.strides = folded_strides;
        fold.ndim = 0;
        for (int i = 0; i < ndim; i++) {
            if (shape[i] > 1) {
                folded[fold.ndim] = shape[i];
                folded_strides[fold.ndim++] = strides[i];
            }
        }
        model_gather(expected, &fold, 'C');
        Call call = { .view = &view, .block = to, .len = view.len, .order = 'C' };
        const char *family = ndim <= 64 ? "9 to 64 dimensions" : "more than 64 dimensions";
        memset(to, 0x5a, sizeof to);
        painted_run(family, to_contiguous, &call);
        if (ndim > 64 && memory_is_refused) {
            if (call.result == 0 || !PyErr_ExceptionMatches(PyExc_MemoryError)) {
                painted_wrong(family, "no MemoryError");
            }
            PyErr_Clear();
        } else {
            expect(family, &call, expected, to, (size_t)view.len);
        }
    }
}

/* Items that share bytes with the ones that they are copied to, and with each other. */
static void run_overlaps(void)
{
    enum { N = 40 };
    static unsigned char memory[N * N * N * 4], expected[sizeof memory];
    Py_ssize_t shape[] = { N, N, N - 1 }, dense[] = { N * N * 4, N * 4, 4 }, turned[] = { 4, N * 4, N * N * 4 };
    for (size_t i = 0; i < sizeof memory; i++) {
        memory[i] = expected[i] = (unsigned char)(i ^ i >> 7);
    }
    const Py_ssize_t len = N * N * (N - 1) * 4;
    Py_buffer src = { .buf = memory, .len = len, .itemsize = 4, .ndim = 3, .shape = shape, .strides = turned };
    Py_buffer dest = src;
    dest.strides = dense;
    Py_buffer model_src = src, model_dest = dest;
    model_src.buf = model_dest.buf = expected;
    Call call = { .view = &src, .other = &dest };
    model_copy(&model_dest, &model_src);
    painted_run("arrays that overlap", copy_views, &call);
    if (memory_is_refused) {
        if (call.result == 0 || !PyErr_ExceptionMatches(PyExc_MemoryError)) {
            painted_wrong("arrays that overlap", "no MemoryError");
        }
        PyErr_Clear();
    } else {
        expect("arrays that overlap", &call, expected, memory, sizeof memory);
    }

    static unsigned char from[64 * 64 * 2];
    Py_ssize_t square[] = { 64, 64 }, rows[] = { 128, 2 }, narrow[] = { 1, 2 };
    memset(memory, 0, sizeof memory);
    memset(expected, 0, sizeof expected);
    for (size_t i = 0; i < sizeof from; i++) {
        from[i] = (unsigned char)(i ^ i >> 6);
    }
    src = (Py_buffer){ .buf = from, .len = sizeof from, .itemsize = 2, .ndim = 2, .shape = square, .strides = rows };
    dest = src;
    dest.buf = memory;
    dest.strides = narrow;
    model_dest = dest;
    model_dest.buf = expected;
    model_scatter(&model_dest, from, 64 * 64, 'C');
    painted_run("items that overlap", copy_views, &call);
    expect("items that overlap", &call, expected, memory, sizeof memory);
}

/* Views that are one block, too few bytes, and what is refused with a text. */
static void run_errors(void)
{
    static unsigned char from[600], to[600];
    Py_ssize_t shape[] = { 10, 20 }, strides[] = { 60, 3 }, wrong[] = { 60, PTRDIFF_MAX / 2 };
    Py_buffer view = { .buf = from, .len = 600, .itemsize = 3, .ndim = 2, .shape = shape, .strides = strides };
    Call call = { .view = &view, .block = to, .len = 600, .order = 'C' };
    painted_run("a view that is one block", to_contiguous, &call);
    expect("a view that is one block", &call, from, to, 600);
    Py_buffer views[3] = { view, view, view };
    views[0].strides = wrong;
    views[1].itemsize = 0;
    views[2].len = 599;
    views[2].strides = (Py_ssize_t[]){ 3, 30 };
    for (int i = 0; i < 3; i++) {
        call.view = call.other = &views[i];
        call.len = views[i].len;
        painted_run("a copy that is refused", to_contiguous, &call);
        if (call.result != -1) {
            painted_wrong("a copy that is refused", "no error");
        }
        PyErr_Clear();
        painted_run("a copy that is refused", from_contiguous, &call);
        call.view = &view;
        painted_run("a copy that is refused", copy_views, &call);
        if (call.result != -1) {
            painted_wrong("a copy that is refused", "no error");
        }
        PyErr_Clear();
    }
}

static const Copy copies[] = {
    { "few items", 'F', 4, 3, { 2, 3, 4 }, { 0, 1, 2 }, 1, 0, 0, 0 },
    { "few items", 'C', 2, 3, { 5, 6, 7 }, { 2, 1, 0 }, 1, 0, 0, 0 },
    { "few items", 'C', 8, 5, { 2, 2, 2, 2, 3 }, { 4, 2, 0, 1, 3 }, 1, 1, 1, 0 },
    { "gather, scatter", 'C', 1, 1, { 5000 }, { 0 }, 2, 1, 0, 0 },
    { "gather, scatter", 'C', 2, 2, { 70, 90 }, { 0, 1 }, 3, 0, 0, 0 },
    { "gather, scatter", 'C', 4, 2, { 70, 90 }, { 0, 1 }, 2, 0, 1, 0 },
    { "gather, scatter", 'C', 8, 1, { 5000 }, { 0 }, 5, 0, 0, 0 },
    { "gather, scatter", 'C', 16, 4, { 5, 9, 6, 7 }, { 0, 1, 2, 3 }, 2, 0, 1, 0 },
    { "odd items", 'C', 3, 2, { 70, 90 }, { 0, 1 }, 2, 0, 0, 0 },
    { "odd items", 'F', 3, 2, { 270, 290 }, { 0, 1 }, 1, 0, 0, 0 },
    { "odd items", 'F', 12, 3, { 40, 50, 30 }, { 0, 1, 2 }, 1, 5, 0, 0 },
    { "odd items", 'F', 24, 3, { 40, 50, 30 }, { 0, 1, 2 }, 1, 0, 0, 0 },
    { "odd items", 'F', 7, 6, { 5, 5, 5, 5, 5, 5 }, { 2, 0, 1, 5, 3, 4 }, 1, 0, 0, 0 },
    { "odd items", 'F', 5, 2, { 1030, 1050 }, { 0, 1 }, 1, 0, 0, 0 },
    { "runs", 'C', 4, 3, { 30, 40, 50 }, { 1, 0, 2 }, 1, 0, 0, 0 },
    { "runs", 'C', 100, 2, { 30, 40 }, { 1, 0 }, 2, 0, 1, 0 },
    { "transposes", 'F', 1, 2, { 300, 500 }, { 0, 1 }, 1, 0, 0, 0 },
    { "transposes", 'F', 2, 2, { 300, 500 }, { 0, 1 }, 1, 1, 0, 0 },
    { "transposes", 'F', 4, 2, { 300, 500 }, { 0, 1 }, 1, 16, 0, 0 },
    { "transposes", 'F', 8, 2, { 512, 256 }, { 0, 1 }, 1, 0, 1, 0 },
    { "transposes", 'F', 16, 2, { 500, 300 }, { 0, 1 }, 1, 16, 0, 0 },
    { "transposes", 'C', 1, 3, { 3, 200, 300 }, { 1, 2, 0 }, 1, 0, 0, 0 },
    { "transposes", 'C', 1, 3, { 200, 300, 3 }, { 2, 0, 1 }, 1, 0, 0, 0 },
    { "transposes", 'C', 4, 3, { 4, 100, 300 }, { 1, 2, 0 }, 1, 0, 0, 0 },
    { "transposes by non-temporal stores", 'F', 8, 2, { 2304, 2304 }, { 0, 1 }, 1, 0, 0, 0 },
    { "transposes by non-temporal stores", 'F', 8, 2, { 2301, 2303 }, { 0, 1 }, 1, 8, 0, 0 },
    { "transposes by non-temporal stores", 'F', 1, 2, { 6144, 6400 }, { 0, 1 }, 1, 0, 0, 0 },
    { "small weaves", 'F', 1, 4, { 6, 6, 6, 6 }, { 0, 1, 2, 3 }, 1, 0, 0, 0 },
    { "small weaves", 'F', 4, 4, { 4, 6, 6, 5 }, { 0, 1, 2, 3 }, 1, 3, 0, 0 },
    { "small weaves", 'C', 1, 5, { 3, 4, 5, 4, 3 }, { 2, 4, 1, 0, 3 }, 1, 0, 0, 0 },
    { "small weaves", 'C', 8, 5, { 3, 4, 5, 4, 2 }, { 3, 1, 4, 2, 0 }, 1, 0, 0, 0 },
    { "weaves", 'F', 1, 6, { 8, 8, 8, 8, 8, 8 }, { 0, 1, 2, 3, 4, 5 }, 1, 0, 0, 0 },
    { "weaves", 'F', 4, 6, { 8, 8, 8, 8, 8, 8 }, { 0, 1, 2, 3, 4, 5 }, 1, 4, 0, 0 },
    { "weaves", 'C', 2, 6, { 9, 7, 8, 6, 5, 8 }, { 0, 5, 2, 4, 3, 1 }, 1, 2, 1, 0 },
    { "weaves", 'C', 8, 6, { 9, 7, 8, 6, 5, 8 }, { 3, 4, 5, 0, 2, 1 }, 1, 0, 0, 0 },
    { "weaves", 'F', 4, 3, { 60, 70, 80 }, { 0, 1, 2 }, 1, 0, 0, 0 },
    { "weaves", 'F', 1, 3, { 2, 5000, 3 }, { 0, 1, 2 }, 1, 0, 0, 0 },
    { "weaves", 'F', 1, 4, { 7, 6, 5, 300 }, { 0, 1, 2, 3 }, 1, 0, 0, 0 },
    { "weaves", 'F', 2, 4, { 7, 6, 5, 300 }, { 0, 1, 2, 3 }, 1, 0, 0, 0 },
    { "weaves", 'F', 16, 4, { 7, 6, 5, 300 }, { 0, 1, 2, 3 }, 1, 0, 0, 0 },
    { "weaves", 'C', 16, 5, { 5, 6, 7, 8, 9 }, { 4, 2, 0, 3, 1 }, 1, 16, 0, 0 },
    { "weaves by non-temporal stores", 'C', 4, 6, { 12, 8, 6, 8, 12, 170 }, { 4, 5, 1, 3, 0, 2 }, 1, 0, 0, 0 },
    { "rows behind pointers", 'C', 4, 3, { 50, 40, 30 }, { 0, 1, 2 }, 1, 0, 0, 1 },
    { "rows behind pointers", 'C', 3, 3, { 50, 40, 30 }, { 0, 2, 1 }, 2, 0, 0, 1 },
    { "rows behind pointers, Fortran order", 'F', 1, 2, { 10, 13 }, { 0, 1 }, 1, 0, 0, 1 },
    { "rows behind pointers, Fortran order", 'F', 4, 2, { 1500, 300 }, { 0, 1 }, 1, 0, 0, 1 },
    { "rows behind pointers, Fortran order", 'F', 2, 3, { 90, 40, 30 }, { 0, 1, 2 }, 1, 1, 0, 1 },
    { "rows behind pointers, Fortran order", 'F', 8, 3, { 50, 40, 30 }, { 0, 2, 1 }, 1, 0, 0, 1 },
    { "rows behind pointers, Fortran order", 'F', 3, 3, { 50, 40, 30 }, { 0, 1, 2 }, 1, 0, 0, 1 },
};

void run_copies(void)
{
    if (array_ready() < 0) {
        painted_wrong("copies", "the exporter's type cannot be made ready");
        return;
    }
    for (size_t i = 0; i < sizeof copies / sizeof *copies; i++) {
        run_copy(&copies[i]);
    }
    run_many_dimensions();
    run_overlaps();
    run_errors();
}

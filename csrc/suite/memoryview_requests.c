/* Memoryviews as exporters: which requests they grant, and when they can be released. */
#include "memoryview.h"

#include <stdlib.h>

#include "families.h"

/* --- answers ------------------------------------------------------------------------------------ */

/* How a memoryview's items lie. */
typedef struct {
    Py_buffer view;
    bool is_c, is_fortran, has_suboffsets;
} Lies;

static const char *why_not(const Lies *lies, int flags)
{
#define ASKS(request) ((flags & (request)) == (request))
    if (ASKS(PyBUF_WRITABLE) && lies->view.readonly) {
        return "memoryview: underlying buffer is not writable";
    }
    if (ASKS(PyBUF_C_CONTIGUOUS) && !lies->is_c) {
        return "memoryview: underlying buffer is not C-contiguous";
    }
    if (ASKS(PyBUF_F_CONTIGUOUS) && !lies->is_fortran) {
        return "memoryview: underlying buffer is not Fortran contiguous";
    }
    if (ASKS(PyBUF_ANY_CONTIGUOUS) && !lies->is_c && !lies->is_fortran) {
        return "memoryview: underlying buffer is not contiguous";
    }
    if (!ASKS(PyBUF_INDIRECT) && lies->has_suboffsets) {
        return "memoryview: underlying buffer requires suboffsets";
    }
    if (!ASKS(PyBUF_STRIDES) && !lies->is_c) {
        return "memoryview: underlying buffer is not C-contiguous";
    }
    if (!ASKS(PyBUF_ND) && ASKS(PyBUF_FORMAT)) {
        return "memoryview: cannot cast to unsigned bytes if the format flag is present";
    }
    return NULL;
}

static void expect_answer(PyObject *memoryview, const Lies *lies, int flags)
{
    const Py_ssize_t before = references(memoryview);
    Py_buffer view = view_filled_with(0xcd);
    const char *why = why_not(lies, flags);
    if (why != NULL) {
        EXPECT_ERROR(-1, PyObject_GetBuffer(memoryview, &view, flags), "BufferError", why);
        EXPECT_POINTER(NULL, view.obj);
        EXPECT_INT(before, references(memoryview));
        return;
    }
    EXPECT_OK(0, PyObject_GetBuffer(memoryview, &view, flags));
    const Py_buffer *whole = buffer_of(memoryview);
    EXPECT_POINTER(memoryview, view.obj);
    EXPECT_INT(before + 1, references(memoryview));
    EXPECT_POINTER(whole->buf, view.buf);
    EXPECT_INT(whole->len, view.len);
    EXPECT_INT(whole->itemsize, view.itemsize);
    EXPECT_INT(whole->readonly, view.readonly);
    EXPECT_INT(ASKS(PyBUF_ND) ? whole->ndim : 1, view.ndim);
    EXPECT_POINTER(ASKS(PyBUF_FORMAT) ? whole->format : NULL, view.format);
    EXPECT_POINTER(ASKS(PyBUF_ND) ? whole->shape : NULL, view.shape);
    EXPECT_POINTER(ASKS(PyBUF_STRIDES) ? whole->strides : NULL, view.strides);
    EXPECT_POINTER(whole->suboffsets, view.suboffsets);
    PyBuffer_Release(&view);
    EXPECT_INT(before, references(memoryview));
#undef ASKS
}

static void memoryview_answers_every_request_or_says_why_not(void)
{
    char items[64], *rows[2] = { items, items + 8 };
    Py_ssize_t none[] = { -1, -1 }, pointers[] = { 0, -1 };
    const Lies all[] = {
        { view_of(items, 4, 2, DIMS(2, 3), DIMS(12, 4)), true, false, false },
        { view_of(items, 4, 2, DIMS(2, 3), DIMS(4, 8)), false, true, false },
        { view_of(items, 4, 2, DIMS(2, 3), DIMS(24, 8)), false, false, false },
        { view_of(items, 4, 2, DIMS(2, 1), DIMS(4, 99)), true, true, false },
        { view_of(items, 4, 2, DIMS(2, 0), DIMS(7, 99)), true, true, false },
        { view_of(items, 4, 1, DIMS(6), DIMS(4)), true, true, false },
        { view_of(items, 4, 1, DIMS(6), DIMS(-4)), false, false, false },
        { view_of(items, 4, 1, DIMS(1), DIMS(99)), true, true, false },
        /* of one dimension len is not looked at */
        { view_of(items, 4, 1, DIMS(0), DIMS(99)), false, false, false },
        { view_of(items, 4, 0, NULL, NULL), true, true, false },
        { view_of(rows, 4, 2, DIMS(2, 2), DIMS(sizeof *rows, 4)), false, false, true },
        { view_of(items, 4, 2, DIMS(2, 3), DIMS(12, 4)), false, false, true },
        { view_of(items, 4, 0, NULL, NULL), true, true, true },
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        Lies lies = all[i];
        lies.view.suboffsets = !lies.has_suboffsets ? NULL : i == 10 ? pointers : none;
        for (lies.view.readonly = 0; lies.view.readonly < 2; lies.view.readonly++) {
            PyObject *memoryview = PyMemoryView_FromBuffer(&lies.view);
            if (!EXPECT_MEMORYVIEW(memoryview)) {
                continue;
            }
            for (int flags = 0; flags < 0x400; flags++) {
                if (flags != PyBUF_READ && flags != PyBUF_WRITE) {
                    expect_answer(memoryview, &lies, flags);
                }
            }
            Py_DECREF(memoryview);
        }
    }
}

/* --- release ------------------------------------------------------------------------------------ */

static void memoryview_with_views_out_is_not_released(void)
{
    int items[6];
    PyObject *array = array_of(items, 1, DIMS(6), NULL);
    PyObject *memoryview = PyMemoryView_FromObject(array);
    Py_buffer first, second;
    EXPECT_OK(0, PyObject_GetBuffer(memoryview, &first, PyBUF_FULL));
    EXPECT_OK(0, PyObject_GetBuffer(memoryview, &second, PyBUF_SIMPLE));
    EXPECT_ERROR(-1, release_memoryview(memoryview), "BufferError",
                 "memoryview has 2 exported buffers");
    PyBuffer_Release(&first);
    EXPECT_ERROR(-1, release_memoryview(memoryview), "BufferError",
                 "memoryview has 1 exported buffer");
    EXPECT_INT(0, atomic_load(&((Array *)array)->releases));
    PyBuffer_Release(&second);
    EXPECT_OK(0, release_memoryview(memoryview));
    EXPECT_INT(1, atomic_load(&((Array *)array)->releases));
    EXPECT_INT(1, references(array));
    Py_DECREF(memoryview);
    Py_DECREF(array);
}

static void memoryview_that_is_released_refuses_everything_else(void)
{
    int items[6];
    PyObject *array = array_of(items, 2, DIMS(2, 3), NULL);
    PyObject *memoryview = PyMemoryView_FromObject(array);
    EXPECT_OK(0, release_memoryview(memoryview));
    EXPECT_OK(0, release_memoryview(memoryview));
    Py_buffer view;
    EXPECT_ERROR(-1, PyObject_GetBuffer(memoryview, &view, PyBUF_FULL_RO), "ValueError", RELEASED);
    EXPECT_NO_OBJECT(PyMemoryView_FromObject(memoryview), "ValueError", RELEASED);
    EXPECT_NO_OBJECT(PyMemoryView_GetContiguous(memoryview, PyBUF_READ, 'F'), "ValueError",
                     RELEASED);
    EXPECT(is_memoryview(memoryview));
    EXPECT_INT(1, references(memoryview));
    Py_DECREF(memoryview);
    EXPECT_INT(1, atomic_load(&((Array *)array)->releases));
    Py_DECREF(array);
}

/* A view that a memoryview handed out keeps the memoryview, and by it the memory. */
static void memoryview_lives_as_long_as_its_views(void)
{
    int items[6];
    PyObject *array = array_of(items, 1, DIMS(6), NULL);
    PyObject *memoryview = PyMemoryView_FromObject(array);
    Py_buffer view;
    EXPECT_OK(0, PyObject_GetBuffer(memoryview, &view, PyBUF_FULL));
    Py_DECREF(memoryview);
    EXPECT_INT(0, atomic_load(&((Array *)array)->releases));
    EXPECT_INT(6, view.shape[0]);
    PyBuffer_Release(&view);
    EXPECT_INT(1, atomic_load(&((Array *)array)->releases));
    EXPECT_INT(1, references(array));
    Py_DECREF(array);
}

const Test memoryview_requests_tests[] = {
    TEST(memoryview_answers_every_request_or_says_why_not),
    TEST(memoryview_with_views_out_is_not_released),
    TEST(memoryview_that_is_released_refuses_everything_else),
    TEST(memoryview_lives_as_long_as_its_views),
    END_OF_TESTS,
};

/* PyMemoryView_FromObject, FromMemory and FromBuffer, and what the memoryviews tell of their memory. */
#include "memoryview.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "families.h"

/* --- FromObject --------------------------------------------------------------------------------- */

static void memoryview_of_an_exporter_tells_what_it_exports(void)
{
    int items[6];
    PyObject *array = array_of(items, 2, DIMS(2, 3), NULL);
    PyObject *memoryview = PyMemoryView_FromObject(array);
    if (EXPECT_MEMORYVIEW(memoryview)) {
        const Py_buffer *view = buffer_of(memoryview);
        EXPECT_POINTER(items, view->buf);
        EXPECT_POINTER(array, view->obj);
        EXPECT_POINTER(array, base_of(memoryview));
        EXPECT_INT(24, view->len);
        EXPECT_INT(4, view->itemsize);
        EXPECT_INT(0, view->readonly);
        EXPECT_INT(2, view->ndim);
        EXPECT_STRING("i", view->format);
        EXPECT_BYTES(DIMS(2, 3), view->shape, 2 * sizeof(Py_ssize_t));
        EXPECT_BYTES(DIMS(12, 4), view->strides, 2 * sizeof(Py_ssize_t));
        EXPECT_POINTER(NULL, view->suboffsets);
        EXPECT_INT(1, references(memoryview));
        EXPECT_INT(2, references(array));
        Py_DECREF(memoryview);
    }
    EXPECT_INT(1, atomic_load(&((Array *)array)->exports));
    EXPECT_INT(1, atomic_load(&((Array *)array)->releases));
    EXPECT_INT(1, references(array));
    Py_DECREF(array);
}

static void memoryview_asks_for_everything_but_to_write(void)
{
    char items[4];
    Scripted *scripted = scripted_new(view_of_bytes(items, 4));
    PyObject *memoryview = PyMemoryView_FromObject((PyObject *)scripted);
    EXPECT_INT(PyBUF_FULL_RO, scripted->last_flags);
    EXPECT_INT(1, scripted->gets);
    Py_XDECREF(memoryview);
    EXPECT_INT(1, scripted->releases);
    Py_DECREF(scripted);
}

static void memoryview_fills_in_what_an_exporter_leaves_out(void)
{
    char items[24];
    Py_buffer answers[] = {
        view_of_bytes(items, 24),
        view_of_bytes(items, 24),
        view_of(items, 4, 3, DIMS(1, 2, 3), NULL),
        view_of(items, 4, 0, NULL, NULL),
    };
    answers[1].itemsize = 4;
    answers[3].shape = answers[3].strides = DIMS(7, 7);
    const Py_ssize_t shapes[][3] = { { 24 }, { 6 }, { 1, 2, 3 } };
    const Py_ssize_t strides[][3] = { { 1 }, { 4 }, { 24, 12, 4 } };
    for (int i = 0; i < 4; i++) {
        Scripted *scripted = scripted_new(answers[i]);
        PyObject *memoryview = PyMemoryView_FromObject((PyObject *)scripted);
        if (EXPECT_MEMORYVIEW(memoryview)) {
            const Py_buffer *view = buffer_of(memoryview);
            EXPECT_STRING("B", view->format);
            if (view->ndim == 0) {
                EXPECT_POINTER(NULL, view->shape);
                EXPECT_POINTER(NULL, view->strides);
            } else {
                const size_t size = (size_t)view->ndim * sizeof(Py_ssize_t);
                EXPECT_BYTES(shapes[i], view->shape, size);
                EXPECT_BYTES(strides[i], view->strides, size);
            }
            Py_DECREF(memoryview);
        }
        Py_DECREF(scripted);
    }
}

static void memoryview_of_a_memoryview_shares_its_acquisition(void)
{
    int items[6];
    PyObject *array = array_of(items, 1, DIMS(6), NULL);
    PyObject *first = PyMemoryView_FromObject(array);
    PyObject *second = PyMemoryView_FromObject(first);
    if (EXPECT_MEMORYVIEW(first) && EXPECT_MEMORYVIEW(second)) {
        EXPECT(first != second);
        EXPECT_POINTER(array, base_of(second));
        EXPECT(buffer_of(first)->shape != buffer_of(second)->shape);
        EXPECT_INT(1, atomic_load(&((Array *)array)->exports));
        EXPECT_INT(1, references(first));
        EXPECT_OK(0, release_memoryview(first));
        Py_DECREF(first);
        EXPECT_INT(0, atomic_load(&((Array *)array)->releases));
        EXPECT_INT(6, buffer_of(second)->shape[0]);
        EXPECT_OK(0, release_memoryview(second));
        EXPECT_INT(1, atomic_load(&((Array *)array)->releases));
        EXPECT_INT(1, references(array));
        Py_DECREF(second);
        EXPECT_INT(1, atomic_load(&((Array *)array)->releases));
    }
    Py_DECREF(array);
}

static void memoryview_of_no_exporter_names_its_type(void)
{
    PyObject *plain = plain_new();
    EXPECT_NO_OBJECT(PyMemoryView_FromObject(plain), "TypeError",
                     "memoryview: a bytes-like object is required, not 'exporters.plain'");
    Py_DECREF(plain);
    plain = plain_slotless_new();
    EXPECT_NO_OBJECT(PyMemoryView_FromObject(plain), "TypeError",
                     "memoryview: a bytes-like object is required, not 'exporters.slotless'");
    Py_DECREF(plain);
    char name[300], text[400];
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    snprintf(text, sizeof text, "memoryview: a bytes-like object is required, not '%.200s'", name);
    plain = plain_named_new(name);
    EXPECT_NO_OBJECT(PyMemoryView_FromObject(plain), "TypeError", text);
    Py_DECREF(plain);
}

static void memoryview_of_an_exporter_that_refuses_has_its_error(void)
{
    char items[4];
    Scripted *scripted = scripted_new(view_of_bytes(items, 4));
    scripted->result = -1;
    scripted->exception = PyExc_BufferError;
    for (scripted->obj_on_failure = 0; scripted->obj_on_failure < 2; scripted->obj_on_failure++) {
#ifndef STANDALONE
        /* libpython would give the view back that was not handed out. */
        if (scripted->obj_on_failure) {
            break;
        }
#endif
        EXPECT_NO_OBJECT(PyMemoryView_FromObject((PyObject *)scripted), "BufferError",
                         "scripted: as told");
    }
    EXPECT_INT(0, scripted->releases);
    EXPECT_INT(1, references((PyObject *)scripted));
    Py_DECREF(scripted);
}

static void memoryview_of_64_dimensions_is_the_largest(void)
{
    char item = 'x';
    Py_ssize_t ones[65];
    for (int i = 0; i < 65; i++) {
        ones[i] = 1;
    }
    Scripted *scripted = scripted_new(view_of(&item, 1, 64, ones, ones));
    PyObject *memoryview = PyMemoryView_FromObject((PyObject *)scripted);
    if (EXPECT_MEMORYVIEW(memoryview)) {
        EXPECT_INT(64, buffer_of(memoryview)->ndim);
        EXPECT_BYTES(ones, buffer_of(memoryview)->strides, 64 * sizeof *ones);
        Py_DECREF(memoryview);
    }
    scripted->answer.ndim = 65;
    EXPECT_NO_OBJECT(PyMemoryView_FromObject((PyObject *)scripted), "ValueError",
                     TOO_MANY_DIMENSIONS);
    EXPECT_INT(2, scripted->releases);
    EXPECT_INT(1, scripted->exception_at_release);
    EXPECT_NO_OBJECT(PyMemoryView_FromBuffer(&scripted->answer), "ValueError",
                     TOO_MANY_DIMENSIONS);
    EXPECT_INT(2, scripted->releases);
    EXPECT_INT(1, references((PyObject *)scripted));
    Py_DECREF(scripted);
}

/* The text is CPython's own, with its file and line in front. */
static void expect_bad_argument(int line)
{
    const Exception found = take_exception();
    EXPECT_STRING("SystemError", found.type);
    expect_true(strstr(found.text, BAD_ARGUMENT) != NULL, __FILE__, line, found.text);
}

static void memoryview_of_fewer_dimensions_than_none_is_a_system_error(void)
{
    char items[4];
    Scripted *scripted = scripted_new(view_of_bytes(items, 4));
    scripted->answer.ndim = -1;
    EXPECT_POINTER(NULL, PyMemoryView_FromObject((PyObject *)scripted));
    expect_bad_argument(__LINE__);
    EXPECT_INT(1, scripted->releases);
    EXPECT_POINTER(NULL, PyMemoryView_FromBuffer(&scripted->answer));
    expect_bad_argument(__LINE__);
    EXPECT_INT(1, references((PyObject *)scripted));
    Py_DECREF(scripted);
}

/* --- FromMemory --------------------------------------------------------------------------------- */

static void memoryview_of_memory_is_writable_for_write_alone(void)
{
    char bytes[5] = "abcd";
    const int flags[] = { PyBUF_READ, PyBUF_WRITE, 0, PyBUF_READ | PyBUF_WRITE, -1 };
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        PyObject *memoryview = PyMemoryView_FromMemory(bytes, 4, flags[i]);
        if (EXPECT_MEMORYVIEW(memoryview)) {
            const Py_buffer *view = buffer_of(memoryview);
            EXPECT_POINTER(bytes, view->buf);
            EXPECT_POINTER(NULL, base_of(memoryview));
            EXPECT_INT(4, view->len);
            EXPECT_INT(flags[i] != PyBUF_WRITE, view->readonly);
            EXPECT_INT(1, view->ndim);
            EXPECT_INT(4, view->shape[0]);
            EXPECT_INT(1, view->strides[0]);
            EXPECT_STRING("B", view->format);
            Py_DECREF(memoryview);
        }
    }
}

static void memoryview_of_memory_null_or_less_than_none_is_made(void)
{
    PyObject *memoryview = PyMemoryView_FromMemory(NULL, 0, PyBUF_WRITE);
    if (EXPECT_MEMORYVIEW(memoryview)) {
        EXPECT_POINTER(NULL, buffer_of(memoryview)->buf);
        EXPECT_INT(0, buffer_of(memoryview)->len);
        Py_DECREF(memoryview);
    }
    char byte;
    memoryview = PyMemoryView_FromMemory(&byte, -3, PyBUF_READ);
    if (EXPECT_MEMORYVIEW(memoryview)) {
        EXPECT_INT(-3, buffer_of(memoryview)->len);
        EXPECT_INT(-3, buffer_of(memoryview)->shape[0]);
        Py_DECREF(memoryview);
    }
}

/* --- FromBuffer --------------------------------------------------------------------------------- */

static void memoryview_of_a_view_copies_its_arrays_and_drops_its_object(void)
{
    char items[24];
    Scripted *scripted = scripted_new(view_of_bytes(items, 24));
    Py_ssize_t shape[] = { 2, 3 }, strides[] = { 4, 8 }, suboffsets[] = { -1, -2 };
    Py_buffer info = view_of(items, 4, 2, shape, strides);
    info.obj = (PyObject *)scripted;
    info.format = "i";
    info.suboffsets = suboffsets;
    info.internal = &info;
    info.readonly = 1;
    PyObject *memoryview = PyMemoryView_FromBuffer(&info);
    if (EXPECT_MEMORYVIEW(memoryview)) {
        memset(shape, 0, sizeof shape);
        memset(strides, 0, sizeof strides);
        memset(suboffsets, 0, sizeof suboffsets);
        const Py_buffer *view = buffer_of(memoryview);
        EXPECT_POINTER(NULL, base_of(memoryview));
        EXPECT_BYTES(DIMS(2, 3), view->shape, sizeof shape);
        EXPECT_BYTES(DIMS(4, 8), view->strides, sizeof strides);
        EXPECT_BYTES(DIMS(-1, -2), view->suboffsets, sizeof suboffsets);
        EXPECT_POINTER(&info, view->internal);
        EXPECT_INT(1, view->readonly);
        EXPECT_STRING("i", view->format);
        Py_DECREF(memoryview);
    }
    EXPECT_INT(0, scripted->releases);
    EXPECT_INT(1, references((PyObject *)scripted));
    Py_DECREF(scripted);
}

/* Also in the memoryviews that come of it, and however long it is. */
static void memoryview_of_a_view_keeps_its_format(void)
{
    const int lengths[] = { 0, 1, 2, 15, 16, 31, 32, 33, 1000 };
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        char expected[1001] = "", *format = malloc(sizeof expected), items[24];
        memset(expected, '1', (size_t)lengths[i]);
        memcpy(format, expected, sizeof expected);
        Py_buffer info = view_of(items, 8, 1, DIMS(3), DIMS(8));
        info.format = format;
        PyObject *first = PyMemoryView_FromBuffer(&info);
        /* Not memset, which a compiler may drop here: musl's free leaves the text as it was. */
        explicit_bzero(format, sizeof expected);
        free(format);
        if (EXPECT_MEMORYVIEW(first)) {
            PyObject *second = PyMemoryView_FromObject(first);
            EXPECT_STRING(expected, buffer_of(first)->format);
            EXPECT_INT(3, buffer_of(first)->shape[0]);
            EXPECT_INT(8, buffer_of(first)->strides[0]);
            EXPECT_POINTER(NULL, buffer_of(first)->suboffsets);
            Py_DECREF(first);
            if (EXPECT_MEMORYVIEW(second)) {
                Py_buffer view;
                EXPECT_OK(0, PyObject_GetBuffer(second, &view, PyBUF_FULL_RO));
                Py_DECREF(second);
                EXPECT_STRING(expected, view.format);
                EXPECT_INT(3, view.shape[0]);
                PyBuffer_Release(&view);
            }
        }
    }
}

static void memoryview_of_a_view_without_buf_is_a_value_error(void)
{
    for (Py_ssize_t len = 0; len < 2; len++) {
        Py_buffer info = view_of_bytes(NULL, len);
        EXPECT_NO_OBJECT(PyMemoryView_FromBuffer(&info), "ValueError",
                         "PyMemoryView_FromBuffer(): info->buf must not be NULL");
    }
}

static void memoryview_of_a_view_that_lacks_a_shape_is_a_value_error(void)
{
    char items[8];
    Py_buffer info = view_of_bytes(items, 8);
    info.ndim = 2;
    EXPECT(PyMemoryView_FromBuffer(&info) == NULL);
    EXPECT_ERROR_NAMING(0, 0, "ValueError", "Py_buffer.shape is NULL", "ndim 2");
    info.ndim = 1;
    info.itemsize = 0;
    EXPECT(PyMemoryView_FromBuffer(&info) == NULL);
    EXPECT_ERROR_NAMING(0, 0, "ValueError", "Py_buffer.shape is NULL", "itemsize 0");
}

/* --- what is no memoryview ---------------------------------------------------------------------- */

static void memoryview_of_null_is_a_system_error(void)
{
    EXPECT_NO_OBJECT(PyMemoryView_FromObject(NULL), "SystemError", NULL_ARGUMENT);
    EXPECT_NO_OBJECT(PyMemoryView_FromBuffer(NULL), "SystemError", NULL_ARGUMENT);
    EXPECT_NO_OBJECT(PyMemoryView_GetContiguous(NULL, PyBUF_READ, 'C'), "SystemError",
                     NULL_ARGUMENT);
    PyObject *memoryview = PyMemoryView_FromMemory(NULL, 0, PyBUF_READ);
    EXPECT_ERROR(-1, PyObject_GetBuffer(memoryview, NULL, PyBUF_SIMPLE), "SystemError",
                 NULL_ARGUMENT);
    Py_XDECREF(memoryview);
}

static void memoryview_check_tells_memoryviews_from_others(void)
{
    char byte = 0;
    PyObject *plain = plain_new(), *memoryview = PyMemoryView_FromMemory(&byte, 1, PyBUF_READ);
    EXPECT(!is_memoryview(plain));
    EXPECT(is_memoryview(memoryview));
    Py_XDECREF(memoryview);
    Py_DECREF(plain);
}

/* The functions behind the macros of Python.h, which crash or read what is not there. */
static void memoryview_fields_of_others_are_a_system_error(void)
{
    if (functions_are_libpythons()) {
        return;
    }
    EXPECT_OK(0, function_check(NULL));
    EXPECT_NO_OBJECT(function_get_buffer(NULL), "SystemError", NULL_ARGUMENT);
    EXPECT_NO_OBJECT(function_get_base(NULL), "SystemError", NULL_ARGUMENT);
    EXPECT_ERROR(-1, pybuffer_memoryview_release(NULL), "SystemError", NULL_ARGUMENT);
    PyObject *plain = plain_new();
    EXPECT_NO_OBJECT(function_get_buffer(plain), "SystemError", BAD_ARGUMENT);
    EXPECT_NO_OBJECT(function_get_base(plain), "SystemError", BAD_ARGUMENT);
    EXPECT_ERROR(-1, pybuffer_memoryview_release(plain), "SystemError", BAD_ARGUMENT);
    EXPECT_INT(1, references(plain));
    Py_DECREF(plain);
}

const Test memoryview_tests[] = {
    TEST(memoryview_of_an_exporter_tells_what_it_exports),
    TEST(memoryview_asks_for_everything_but_to_write),
    TEST(memoryview_fills_in_what_an_exporter_leaves_out),
    TEST(memoryview_of_a_memoryview_shares_its_acquisition),
    TEST(memoryview_of_no_exporter_names_its_type),
    TEST(memoryview_of_an_exporter_that_refuses_has_its_error),
    TEST(memoryview_of_64_dimensions_is_the_largest),
    TEST(memoryview_of_fewer_dimensions_than_none_is_a_system_error),
    TEST(memoryview_of_memory_is_writable_for_write_alone),
    TEST(memoryview_of_memory_null_or_less_than_none_is_made),
    TEST(memoryview_of_a_view_copies_its_arrays_and_drops_its_object),
    TEST(memoryview_of_a_view_keeps_its_format),
    TEST(memoryview_of_a_view_without_buf_is_a_value_error),
    TEST(memoryview_of_a_view_that_lacks_a_shape_is_a_value_error),
    TEST(memoryview_of_null_is_a_system_error),
    TEST(memoryview_check_tells_memoryviews_from_others),
    TEST(memoryview_fields_of_others_are_a_system_error),
    END_OF_TESTS,
};

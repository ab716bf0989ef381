/* PyMemoryView_GetContiguous: of the object itself where it lies so, of a copy where it does not. */
#include "memoryview.h"

#include <stdlib.h>
#include <string.h>

#include "families.h"
#include "model.h"

static PyObject *array_like(const Py_buffer *view)
{
    return array_new((ArrayLayout){ .buf = view->buf, .format = view->format,
                                    .itemsize = view->itemsize, .readonly = view->readonly,
                                    .ndim = view->ndim, .shape = view->shape,
                                    .strides = view->strides, .suboffsets = view->suboffsets });
}

/* The copy of a view in an order: what it holds, and what it says of itself. */
static void expect_copy(PyObject *memoryview, const Py_buffer *of, char order)
{
    const Py_buffer *view = buffer_of(memoryview);
    Py_ssize_t strides[PyBUF_MAX_NDIM] = { 0 };
    const size_t size = (size_t)of->ndim * sizeof *strides;
    unsigned char *expected = malloc((size_t)of->len + 1);
    model_gather(expected, of, order);
    model_strides(of->ndim, of->shape, strides, of->itemsize, order);
    EXPECT_INT(of->len, view->len);
    EXPECT_INT(of->itemsize, view->itemsize);
    EXPECT_INT(of->ndim, view->ndim);
    EXPECT_INT(1, view->readonly);
    EXPECT_STRING(of->format ? of->format : "B", view->format);
    EXPECT(view->format != of->format);
    EXPECT_POINTER(NULL, view->suboffsets);
    EXPECT_BYTES(expected, view->buf, (size_t)of->len);
    if (of->ndim > 0) {
        EXPECT_BYTES(of->shape, view->shape, size);
        EXPECT_BYTES(strides, view->strides, size);
    }
    free(expected);

    PyObject *bytes = base_of(memoryview);
    EXPECT_STRING("bytes", Py_TYPE(bytes)->tp_name);
    EXPECT_POINTER(bytes, view->obj);
    Py_buffer plain;
    EXPECT_OK(0, PyObject_GetBuffer(bytes, &plain, PyBUF_FULL_RO));
    EXPECT_POINTER(view->buf, plain.buf);
    EXPECT_INT(view->len, plain.len);
    EXPECT_INT(1, plain.readonly);
    PyBuffer_Release(&plain);
    EXPECT_ERROR(-1, PyObject_GetBuffer(bytes, &plain, PyBUF_WRITABLE), "BufferError",
                 "Object is not writable.");
}

/* GetContiguous of an array that lies like this, in an order. */
static void expect_contiguous(const Py_buffer *of, char order)
{
    PyObject *array = array_like(of);
    PyObject *memoryview = PyMemoryView_GetContiguous(array, PyBUF_READ, order);
    if (EXPECT_MEMORYVIEW(memoryview)) {
        const bool lies_so
            = of->suboffsets == NULL
              && (of->len == 0 || (order != 'F' && model_is_contiguous(of, 'C'))
                  || (order != 'C' && model_is_contiguous(of, 'F')));
        if (lies_so) {
            EXPECT_POINTER(array, base_of(memoryview));
            EXPECT_POINTER(of->buf, buffer_of(memoryview)->buf);
            EXPECT_INT(0, atomic_load(&((Array *)array)->releases));
        } else {
            expect_copy(memoryview, of, order == 'F' ? 'F' : 'C');
            EXPECT_INT(1, atomic_load(&((Array *)array)->releases));
            EXPECT_INT(1, references(array));
        }
        EXPECT_INT(1, references(memoryview));
        Py_DECREF(memoryview);
    }
    EXPECT_INT(1, atomic_load(&((Array *)array)->releases));
    EXPECT_INT(1, references(array));
    Py_DECREF(array);
}

static void get_contiguous_grid_of_shapes_strides_and_orders(void)
{
    Memory memory = memory_new(4096, 3);
    const Py_ssize_t extents[] = { 0, 1, 2, 3 };
    const Py_ssize_t itemsizes[] = { 1, 3, 4, 8 };
    for (int number = 0; number < 4 * 4 * 4 * 4 * 6; number++) {
        int rest = number;
        const int how = rest % 6;
        rest /= 6;
        Py_buffer view = view_of(memory.bytes + 2048, itemsizes[rest % 4], 3, DIMS(0, 0, 0),
                                 DIMS(0, 0, 0));
        rest /= 4;
        Py_ssize_t shape[3], strides[3];
        view.shape = shape;
        view.strides = strides;
        view.len = view.itemsize;
        for (int i = 0; i < 3; i++, rest /= 4) {
            shape[i] = extents[rest % 4];
            view.len *= shape[i];
        }
        model_strides(3, shape, strides, view.itemsize, how % 2 ? 'F' : 'C');
        strides[how / 2] = how < 2 ? strides[0] : how < 4 ? -strides[1] : 2 * strides[2];
        for (const char *order = "CFA"; *order != '\0'; order++) {
            expect_contiguous(&view, *order);
        }
    }
    FREE_UNTOUCHED(memory);
}

static void get_contiguous_follows_pointers(void)
{
    char items[2][6] = { "abcdef", "ghijkl" }, *rows[] = { items[1], items[0] };
    Py_buffer view = view_of(rows, 2, 2, DIMS(2, 2), DIMS(sizeof *rows, 2));
    view.suboffsets = DIMS(1, -1);
    view.format = "h";
    for (const char *order = "CFA"; *order != '\0'; order++) {
        expect_contiguous(&view, *order);
    }
    PyObject *array = array_like(&view);
    PyObject *memoryview = PyMemoryView_GetContiguous(array, PyBUF_READ, 'F');
    if (EXPECT_MEMORYVIEW(memoryview)) {
        EXPECT_BYTES("hibcjkde", buffer_of(memoryview)->buf, 8);
        Py_DECREF(memoryview);
    }
    Py_DECREF(array);
}

static void get_contiguous_any_other_buffertype_reads(void)
{
    char items[] = "abcdef";
    const int types[] = { PyBUF_READ, 0, -1, PyBUF_READ | PyBUF_WRITE };
    Py_buffer view = view_of(items, 1, 1, DIMS(3), DIMS(2));
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        PyObject *array = array_like(&view);
        PyObject *memoryview = PyMemoryView_GetContiguous(array, types[i], 'C');
        if (EXPECT_MEMORYVIEW(memoryview)) {
            expect_copy(memoryview, &view, 'C');
            Py_DECREF(memoryview);
        }
        Py_DECREF(array);
    }
}

static void get_contiguous_other_orders_are_fortran(void)
{
    char items[] = "abcdef";
    Py_buffer view = view_of(items, 1, 2, DIMS(2, 3), DIMS(3, 1));
    for (const char *order = "Xcf \177"; *order != '\0'; order++) {
        PyObject *array = array_like(&view);
        PyObject *memoryview = PyMemoryView_GetContiguous(array, PyBUF_READ, *order);
        if (EXPECT_MEMORYVIEW(memoryview)) {
            expect_copy(memoryview, &view, 'F');
            Py_DECREF(memoryview);
        }
        Py_DECREF(array);
    }
}

static void get_contiguous_to_write_makes_no_copy(void)
{
    char items[] = "abcdef";
    Py_buffer view = view_of(items, 1, 2, DIMS(2, 3), DIMS(3, 1));
    PyObject *array = array_like(&view);
    PyObject *memoryview = PyMemoryView_GetContiguous(array, PyBUF_WRITE, 'A');
    if (EXPECT_MEMORYVIEW(memoryview)) {
        EXPECT_POINTER(items, buffer_of(memoryview)->buf);
        EXPECT_INT(0, buffer_of(memoryview)->readonly);
        Py_DECREF(memoryview);
    }
    EXPECT_NO_OBJECT(PyMemoryView_GetContiguous(array, PyBUF_WRITE, 'F'), "BufferError",
                     "writable contiguous buffer requested for a non-contiguous object.");
    EXPECT_INT(1, references(array));
    Py_DECREF(array);

    view.readonly = 1;
    array = array_like(&view);
    EXPECT_NO_OBJECT(PyMemoryView_GetContiguous(array, PyBUF_WRITE, 'F'), "BufferError",
                     "underlying buffer is not writable");
    EXPECT_NO_OBJECT(PyMemoryView_GetContiguous(array, PyBUF_WRITE, 'C'), "BufferError",
                     "underlying buffer is not writable");
    EXPECT_INT(2, atomic_load(&((Array *)array)->releases));
    EXPECT_INT(1, references(array));
    Py_DECREF(array);
}

static void get_contiguous_of_what_gives_no_memoryview_has_its_error(void)
{
    PyObject *plain = plain_new();
    EXPECT_NO_OBJECT(PyMemoryView_GetContiguous(plain, PyBUF_READ, 'C'), "TypeError",
                     "memoryview: a bytes-like object is required, not 'exporters.plain'");
    Py_DECREF(plain);
    Scripted *scripted = scripted_new(view_of_bytes("abc", 3));
    scripted->answer.ndim = 65;
    scripted->answer.shape = scripted->answer.strides = (Py_ssize_t[65]){ 0 };
    EXPECT_NO_OBJECT(PyMemoryView_GetContiguous((PyObject *)scripted, PyBUF_READ, 'C'),
                     "ValueError", TOO_MANY_DIMENSIONS);
    EXPECT_INT(1, references((PyObject *)scripted));
    Py_DECREF(scripted);
}

/* The copy outlives the exporter, and the format that it was told of. */
static void get_contiguous_copy_outlives_what_it_is_of(void)
{
    char *items = malloc(6), *format = malloc(2);
    memcpy(items, "abcdef", 6);
    memcpy(format, "h", 2);
    Scripted *scripted = scripted_new(view_of(items, 2, 1, DIMS(3), DIMS(-2)));
    scripted->answer.buf = items + 4;
    scripted->answer.format = format;
    PyObject *memoryview = PyMemoryView_GetContiguous((PyObject *)scripted, PyBUF_READ, 'C');
    Py_DECREF(scripted);
    memset(format, 'x', 2);
    memset(items, 'x', 6);
    free(format);
    free(items);
    if (EXPECT_MEMORYVIEW(memoryview)) {
        PyObject *second = PyMemoryView_FromObject(memoryview);
        Py_DECREF(memoryview);
        if (EXPECT_MEMORYVIEW(second)) {
            EXPECT_STRING("h", buffer_of(second)->format);
            EXPECT_BYTES("efcdab", buffer_of(second)->buf, 6);
            Py_DECREF(second);
        }
    }
}

static void get_contiguous_ndim_0_of_an_unknown_order_or_with_suboffsets_is_the_item(void)
{
    char item[] = "abcd";
    Py_buffer view = view_of(item, 4, 0, NULL, NULL);
    for (int with_suboffsets = 0; with_suboffsets < 2; with_suboffsets++) {
        view.suboffsets = with_suboffsets ? DIMS(0) : NULL;
        Scripted *scripted = scripted_new(view);
        for (const char *order = with_suboffsets ? "CFAX" : "X"; *order != '\0'; order++) {
            PyObject *memoryview
                = PyMemoryView_GetContiguous((PyObject *)scripted, PyBUF_READ, *order);
            if (EXPECT_MEMORYVIEW(memoryview)) {
                expect_copy(memoryview, &(Py_buffer){ .buf = item, .len = 4, .itemsize = 4 }, 'C');
                Py_DECREF(memoryview);
            }
        }
        EXPECT_INT(1, references((PyObject *)scripted));
        Py_DECREF(scripted);
    }
}

static void get_contiguous_shape_that_does_not_match_len_is_a_value_error(void)
{
    char items[12];
    Scripted *scripted = scripted_new(view_of(items, 2, 1, DIMS(3), DIMS(4)));
    scripted->answer.len = 4;
    EXPECT(PyMemoryView_GetContiguous((PyObject *)scripted, PyBUF_READ, 'C') == NULL);
    EXPECT_ERROR_NAMING(0, 0, "ValueError", "Py_buffer.len is 4", "(3,)", "6 bytes");
    EXPECT_INT(1, scripted->releases);
    EXPECT_INT(1, scripted->exception_at_release);
    EXPECT_INT(1, references((PyObject *)scripted));
    Py_DECREF(scripted);
}

const Test memoryview_contiguous_tests[] = {
    TEST(get_contiguous_grid_of_shapes_strides_and_orders),
    TEST(get_contiguous_follows_pointers),
    TEST(get_contiguous_any_other_buffertype_reads),
    TEST(get_contiguous_other_orders_are_fortran),
    TEST(get_contiguous_to_write_makes_no_copy),
    TEST(get_contiguous_of_what_gives_no_memoryview_has_its_error),
    TEST(get_contiguous_copy_outlives_what_it_is_of),
    TEST(get_contiguous_ndim_0_of_an_unknown_order_or_with_suboffsets_is_the_item),
    TEST(get_contiguous_shape_that_does_not_match_len_is_a_value_error),
    END_OF_TESTS,
};

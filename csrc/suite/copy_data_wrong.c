/* PyObject_CopyData of views that contradict themselves or each other. libpython crashes for many of them, or writes where
 * it must not. */
#include "copy_data.h"

#include <string.h>

#include "families.h"
#include "model.h"

static void copy_data_of_nothing_succeeds_whatever_the_fields_are(void)
{
    Memory memory = memory_new(24, 1);
    PyObject *dest = array_at(memory.bytes, 4, 2, DIMS(2, 3), DIMS(4, 8));
    Py_buffer answer = view_of(NULL, 0, 2, DIMS(2, 3), DIMS(1, 2));
    answer.suboffsets = DIMS(0, 0);
    Scripted *src = scripted_new(answer);
    EXPECT_OK(0, PyObject_CopyData(dest, (PyObject *)src));
    src->answer.shape = NULL;
    EXPECT_OK(0, PyObject_CopyData(dest, (PyObject *)src));
    src->answer.ndim = -3;
    EXPECT_OK(0, PyObject_CopyData(dest, (PyObject *)src));
    DROP_ARRAY(dest);
    Py_DECREF(src);
    FREE_UNTOUCHED(memory);
}

/* A ctypes array of two dimensions has no strides, whatever it is asked for. */
static void copy_data_strides_null_are_c_strides(void)
{
    Memory a = memory_new(24, 1), b = memory_new(24, 2), expected = memory_new(24, 3);
    Scripted *c = scripted_new(view_of(a.bytes, 4, 2, DIMS(2, 3), NULL));
    PyObject *f = array_at(b.bytes, 4, 2, DIMS(2, 3), DIMS(4, 8));
    Py_buffer view = view_of(b.bytes, 4, 2, DIMS(2, 3), DIMS(4, 8));
    model_gather(expected.bytes, &view, 'C');
    EXPECT_OK(0, PyObject_CopyData((PyObject *)c, f));
    EXPECT_BYTES(expected.bytes, a.bytes, 24);
    memcpy(expected.bytes, b.bytes, 24);
    memset(b.bytes, 0, 24);
    EXPECT_OK(0, PyObject_CopyData(f, (PyObject *)c));
    EXPECT_BYTES(expected.bytes, b.bytes, 24);
    Py_DECREF(c);
    DROP_ARRAY(f);
    FREE(expected);
    FREE(a);
    FREE(b);
}

static void copy_data_shape_null_of_one_dimension_is_len_by_itemsize(void)
{
    Memory a = memory_new(12, 1), b = memory_new(32, 2);
    Py_buffer answer = view_of_bytes(a.bytes, 12);
    answer.itemsize = 4;
    Scripted *flat = scripted_new(answer);
    PyObject *strided = array_at(b.bytes, 4, 1, DIMS(3), DIMS(10));
    EXPECT_OK(0, PyObject_CopyData((PyObject *)flat, strided));
    for (int i = 0; i < 3; i++) {
        EXPECT_BYTES(b.bytes + 10 * i, a.bytes + 4 * i, 4);
    }
    memset(a.bytes, 0x11, 12);
    EXPECT_OK(0, PyObject_CopyData(strided, (PyObject *)flat));
    for (int i = 0; i < 3; i++) {
        EXPECT_BYTES(a.bytes + 4 * i, b.bytes + 10 * i, 4);
    }
    Py_DECREF(flat);
    DROP_ARRAY(strided);
    FREE(a);
    FREE(b);
}

/* Both views are refused by an exception of `type`, released, and nothing is written. */
#define EXPECT_REFUSED(to, from, type, ...)                                                        \
    do {                                                                                           \
        Memory a = memory_new(BLOCK, 1), b = memory_new(BLOCK, 2);                                 \
        Scripted *dest = scripted_new(to), *src = scripted_new(from);                              \
        dest->answer.buf = a.bytes + ORIGIN;                                                       \
        src->answer.buf = b.bytes + ORIGIN;                                                        \
        EXPECT_ERROR_NAMING(-1, PyObject_CopyData((PyObject *)dest, (PyObject *)src), type,        \
                            __VA_ARGS__);                                                          \
        EXPECT_INT(1, dest->releases);                                                             \
        EXPECT_INT(1, src->releases);                                                              \
        EXPECT_INT(1, references((PyObject *)dest));                                               \
        EXPECT_INT(1, references((PyObject *)src));                                                \
        Py_DECREF(dest);                                                                           \
        Py_DECREF(src);                                                                            \
        FREE_UNTOUCHED(a);                                                                         \
        FREE_UNTOUCHED(b);                                                                         \
    } while (0)

static void copy_data_shape_larger_than_dests_is_a_buffer_error_naming_both(void)
{
    EXPECT_REFUSED(view_of(NULL, 1, 2, DIMS(1, 6), DIMS(6, 1)),
                   view_of(NULL, 1, 2, DIMS(6, 1), DIMS(-2, 1)), "BufferError", "(1, 6)",
                   "(6, 1)");
    EXPECT_REFUSED(view_of(NULL, 2, 2, DIMS(3, 2), DIMS(4, 2)),
                   view_of(NULL, 2, 2, DIMS(2, 3), DIMS(2, 4)), "BufferError", "(3, 2)",
                   "(2, 3)");
}

static void copy_data_ranks_that_differ_are_a_buffer_error_naming_both(void)
{
    EXPECT_REFUSED(view_of(NULL, 1, 2, DIMS(2, 3), DIMS(3, 1)),
                   view_of(NULL, 1, 1, DIMS(6), DIMS(2)), "BufferError", "(2, 3)", "(6,)");
    EXPECT_REFUSED(view_of(NULL, 1, 1, DIMS(6), DIMS(2)),
                   view_of(NULL, 1, 2, DIMS(2, 3), DIMS(3, 1)), "BufferError", "(2, 3)", "(6,)");
    EXPECT_REFUSED(view_of(NULL, 4, 1, DIMS(3), DIMS(8)), view_of(NULL, 4, 0, NULL, NULL),
                   "BufferError", "()", "(3,)");
}

static void copy_data_itemsize_larger_than_dests_is_a_buffer_error_naming_both(void)
{
    EXPECT_REFUSED(view_of(NULL, 3, 1, DIMS(8), DIMS(3)), view_of(NULL, 5, 1, DIMS(4), DIMS(8)),
                   "BufferError", "(8,)", "(4,)", "3", "5");
}

static void copy_data_false_fields_on_the_element_path_are_value_errors(void)
{
    const Py_buffer good = view_of(NULL, 4, 1, DIMS(3), DIMS(8));
    Py_buffer bad = good;
    bad.itemsize = 0;
    EXPECT_REFUSED(good, bad, "ValueError", "itemsize", "0");
    EXPECT_REFUSED(bad, good, "ValueError", "itemsize", "0");
    bad = good;
    bad.itemsize = -4;
    EXPECT_REFUSED(good, bad, "ValueError", "itemsize", "-4");
    bad = good;
    bad.shape = DIMS(-3);
    EXPECT_REFUSED(good, bad, "ValueError", "shape", "-3");
    EXPECT_REFUSED(bad, good, "ValueError", "shape", "-3");
    bad = good;
    bad.ndim = -1;
    bad.suboffsets = DIMS(-1);
    EXPECT_REFUSED(good, bad, "ValueError", "ndim", "-1");
    EXPECT_REFUSED(bad, good, "ValueError", "ndim", "-1");
    bad = good;
    bad.ndim = 2;
    bad.shape = NULL;
    bad.strides = DIMS(4, 4);
    EXPECT_REFUSED(good, bad, "ValueError", "shape", "2");
    bad = good;
    bad.shape = DIMS(4);
    EXPECT_REFUSED(good, bad, "ValueError", "len", "12", "(4,)");
    EXPECT_REFUSED(bad, good, "ValueError", "len", "12", "(4,)");
    bad.shape = DIMS(PY_SSIZE_T_MAX / 4 + 1);
    EXPECT_REFUSED(good, bad, "ValueError", "len", "12", "shape");
    EXPECT_REFUSED(bad, good, "ValueError", "len", "12", "shape");
    bad.shape = DIMS(PY_SSIZE_T_MAX / 2 + 4); /* times 4 it wraps to 12 */
    EXPECT_REFUSED(good, bad, "ValueError", "len", "12", "shape");
    EXPECT_REFUSED(bad, good, "ValueError", "len", "12", "shape");
}

static void copy_data_negative_len_is_a_value_error(void)
{
    EXPECT_REFUSED(view_of_bytes(NULL, 4), view_of_bytes(NULL, -1), "ValueError", "len", "-1");
    EXPECT_REFUSED(view_of_bytes(NULL, -1), view_of_bytes(NULL, -1), "ValueError", "len", "-1");
}

static void copy_data_overlap_is_as_if_src_had_been_read_first(void)
{
    for (int shift = -12; shift <= 12; shift++) {
        Layout layouts[][2] = {
            { { 1, 1, DIMS(24), DIMS(1) }, { 1, 1, DIMS(24), DIMS(1) } },
            { { 4, 1, DIMS(6), DIMS(4) }, { 4, 1, DIMS(6), DIMS(-4) } },
            { { 2, 2, DIMS(3, 4), DIMS(8, 2) }, { 2, 2, DIMS(3, 4), DIMS(2, 6) } },
            { { 2, 1, DIMS(5), DIMS(3) }, { 2, 1, DIMS(5), DIMS(2) } },
        };
        for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
            Layout to = layouts[i][0], from = layouts[i][1];
            Memory found = memory_new(BLOCK, 1), expected = memory_new(BLOCK, 1);
            Py_buffer dest = view_of(expected.bytes + ORIGIN, to.itemsize, to.ndim, to.shape,
                                     to.strides);
            Py_buffer src = view_of(expected.bytes + ORIGIN + shift, from.itemsize, from.ndim,
                                    from.shape, from.strides);
            model_copy(&dest, &src);
            PyObject *a = array_at(found.bytes + ORIGIN, to.itemsize, to.ndim, to.shape,
                                   to.strides);
            PyObject *b = array_at(found.bytes + ORIGIN + shift, from.itemsize, from.ndim,
                                   from.shape, from.strides);
            EXPECT_OK(0, PyObject_CopyData(a, b));
            EXPECT_BYTES(expected.bytes, found.bytes, BLOCK);
            DROP_ARRAY(a);
            DROP_ARRAY(b);
            FREE(expected);
            FREE(found);
        }
    }
}

const Test copy_data_wrong_tests[] = {
    TEST(copy_data_of_nothing_succeeds_whatever_the_fields_are),
    TEST(copy_data_strides_null_are_c_strides),
    TEST(copy_data_shape_null_of_one_dimension_is_len_by_itemsize),
    TEST(copy_data_shape_larger_than_dests_is_a_buffer_error_naming_both),
    TEST(copy_data_ranks_that_differ_are_a_buffer_error_naming_both),
    TEST(copy_data_itemsize_larger_than_dests_is_a_buffer_error_naming_both),
    TEST(copy_data_false_fields_on_the_element_path_are_value_errors),
    TEST(copy_data_negative_len_is_a_value_error),
    TEST(copy_data_overlap_is_as_if_src_had_been_read_first),
    END_OF_TESTS,
};

/* PyObject_CopyData, case by case. Pairs of small layouts are in copy_data_grid.c,
 * views that contradict themselves or each other in copy_data_wrong.c. */
#include "copy_data.h"

#include <string.h>

#include "families.h"
#include "model.h"

static void copy_data_contiguous_views_copies_the_bytes_of_src(void)
{
    Memory a = memory_new(30, 0), b = memory_new(24, 1), before = memory_new(30, 0);
    PyObject *dest = array_at(a.bytes, 5, 2, DIMS(3, 2), NULL);
    PyObject *src = array_at(b.bytes, 4, 1, DIMS(6), NULL);
    EXPECT_OK(0, PyObject_CopyData(dest, src));
    EXPECT_BYTES(b.bytes, a.bytes, 24);
    EXPECT_BYTES(before.bytes + 24, a.bytes + 24, 6);
    DROP_ARRAY(dest);
    DROP_ARRAY(src);
    FREE_UNTOUCHED(b);
    FREE_UNTOUCHED(before);
    FREE(a);
}

static void copy_data_fortran_views_copies_the_bytes_of_src(void)
{
    Memory a = memory_new(24, 0), b = memory_new(24, 1);
    PyObject *dest = array_at(a.bytes, 4, 2, DIMS(2, 3), DIMS(4, 8));
    PyObject *src = array_at(b.bytes, 4, 2, DIMS(3, 2), DIMS(4, 12));
    EXPECT_OK(0, PyObject_CopyData(dest, src));
    EXPECT_BYTES(b.bytes, a.bytes, 24);
    DROP_ARRAY(dest);
    DROP_ARRAY(src);
    FREE_UNTOUCHED(b);
    FREE(a);
}

static void copy_data_asks_for_everything_dest_first(void)
{
    Memory a = memory_new(4, 0), b = memory_new(4, 1);
    Scripted *dest = scripted_new(view_of_bytes(a.bytes, 4));
    Scripted *src = scripted_new(view_of_bytes(b.bytes, 4));
    EXPECT_OK(0, PyObject_CopyData((PyObject *)dest, (PyObject *)src));
    EXPECT_INT(PyBUF_FULL, dest->last_flags);
    EXPECT_INT(PyBUF_FULL_RO, src->last_flags);
    EXPECT_INT(1, dest->releases);
    EXPECT_INT(1, src->releases);
    EXPECT_INT(dest->released_at + 1, src->released_at);
    EXPECT_BYTES(b.bytes, a.bytes, 4);

    /* Where dest fails, src is not asked; where src fails, dest is released. */
    dest->result = -1;
    dest->exception = PyExc_ValueError;
    EXPECT_ERROR(-1, PyObject_CopyData((PyObject *)dest, (PyObject *)src), "ValueError",
                 "scripted: as told");
    EXPECT_INT(1, src->gets);
    dest->result = 0;
    dest->exception = NULL;
    src->result = -1;
    src->exception = PyExc_OSError;
    EXPECT_ERROR(-1, PyObject_CopyData((PyObject *)dest, (PyObject *)src), "OSError",
                 "scripted: as told");
    EXPECT_INT(2, dest->releases);
    EXPECT_INT(1, src->releases);
    EXPECT_INT(1, references((PyObject *)dest));
    EXPECT_INT(1, references((PyObject *)src));
    Py_DECREF(dest);
    Py_DECREF(src);
    FREE_UNTOUCHED(b);
    FREE(a);
}

/* An exporter that is asked to release may look at the exception, as when it was set before. */
static void copy_data_exceptions_are_set_before_the_views_are_released(void)
{
    Memory a = memory_new(4, 0), b = memory_new(8, 1);
    Scripted *dest = scripted_new(view_of_bytes(a.bytes, 4));
    Scripted *src = scripted_new(view_of_bytes(b.bytes, 8));
    EXPECT_ERROR(-1, PyObject_CopyData((PyObject *)dest, (PyObject *)src), "BufferError",
                 "destination is too small to receive data from source");
    EXPECT_INT(1, dest->exception_at_release);
    EXPECT_INT(1, src->exception_at_release);
    EXPECT_INT(dest->released_at + 1, src->released_at);
    src->result = -1;
    src->exception = PyExc_OSError;
    dest->exception_at_release = 0;
    EXPECT_ERROR(-1, PyObject_CopyData((PyObject *)dest, (PyObject *)src), "OSError",
                 "scripted: as told");
    EXPECT_INT(1, dest->exception_at_release);
    Py_DECREF(dest);
    Py_DECREF(src);
    FREE_UNTOUCHED(a);
    FREE_UNTOUCHED(b);
}

static void copy_data_exporter_failing_without_an_exception_fails_without_one(void)
{
    Memory memory = memory_new(4, 0);
    Scripted *good = scripted_new(view_of_bytes(memory.bytes, 4));
    Scripted *silent = scripted_new(view_of_bytes(NULL, 0));
    silent->result = -1;
    EXPECT_OK(-1, PyObject_CopyData((PyObject *)silent, (PyObject *)good));
    EXPECT_OK(-1, PyObject_CopyData((PyObject *)good, (PyObject *)silent));
    EXPECT_INT(1, good->releases);
    EXPECT_INT(0, silent->releases);
    Py_DECREF(good);
    Py_DECREF(silent);
    FREE_UNTOUCHED(memory);
}

static void copy_data_of_no_exporter_is_a_type_error(void)
{
    Memory memory = memory_new(4, 0);
    PyObject *array = array_at(memory.bytes, 1, 1, DIMS(4), NULL);
    PyObject *plain = plain_new(), *slotless = plain_slotless_new();
    const char *text = "both destination and source must be bytes-like objects";
    EXPECT_ERROR(-1, PyObject_CopyData(array, plain), "TypeError", text);
    EXPECT_ERROR(-1, PyObject_CopyData(plain, array), "TypeError", text);
    EXPECT_ERROR(-1, PyObject_CopyData(slotless, array), "TypeError", text);
    EXPECT_ERROR(-1, PyObject_CopyData(array, slotless), "TypeError", text);
    EXPECT_INT(0, atomic_load(&((Array *)array)->exports));
    DROP_ARRAY(array);
    Py_DECREF(plain);
    Py_DECREF(slotless);
    FREE_UNTOUCHED(memory);
}

static void copy_data_readonly_dest_is_the_exporters_error(void)
{
    Memory memory = memory_new(8, 0);
    PyObject *dest = array_new((ArrayLayout){ .buf = memory.bytes, .itemsize = 1, .readonly = 1,
                                              .ndim = 1, .shape = DIMS(4) });
    PyObject *src = array_at(memory.bytes + 4, 1, 1, DIMS(4), NULL);
    EXPECT_ERROR(-1, PyObject_CopyData(dest, src), "BufferError", "array: not writable");
    DROP_ARRAY(dest);
    DROP_ARRAY(src);
    FREE_UNTOUCHED(memory);
}

static void copy_data_dest_smaller_than_src_is_a_buffer_error(void)
{
    Memory a = memory_new(24, 0), b = memory_new(24, 1);
    PyObject *dest = array_at(a.bytes, 1, 1, DIMS(23), NULL);
    PyObject *strided = array_at(a.bytes, 1, 2, DIMS(2, 3), DIMS(9, 2));
    PyObject *src = array_at(b.bytes, 4, 2, DIMS(2, 3), DIMS(4, 8));
    const char *text = "destination is too small to receive data from source";
    EXPECT_ERROR(-1, PyObject_CopyData(dest, src), "BufferError", text);
    EXPECT_ERROR(-1, PyObject_CopyData(strided, src), "BufferError", text);
    DROP_ARRAY(dest);
    DROP_ARRAY(strided);
    DROP_ARRAY(src);
    FREE_UNTOUCHED(a);
    FREE_UNTOUCHED(b);
}

static void copy_data_to_itself_changes_nothing(void)
{
    Memory memory = memory_new(24, 0);
    PyObject *array = array_at(memory.bytes, 2, 2, DIMS(2, 3), DIMS(12, 4));
    EXPECT_OK(0, PyObject_CopyData(array, array));
    DROP_ARRAY(array);
    FREE_UNTOUCHED(memory);
}

/* --- the element path ------------------------------------------------------------------------- */

/* Copies between two layouts, by the model and by the function under test. */
static void expect_copied(Layout to, Layout from, int line)
{
    Memory expected = memory_new(BLOCK, 1), found = memory_new(BLOCK, 1), in = memory_new(BLOCK, 2);
    Py_buffer dest =
        view_of(expected.bytes + ORIGIN, to.itemsize, to.ndim, to.shape, to.strides);
    Py_buffer src = view_of(in.bytes + ORIGIN, from.itemsize, from.ndim, from.shape, from.strides);
    model_copy(&dest, &src);
    PyObject *a = array_at(found.bytes + ORIGIN, to.itemsize, to.ndim, to.shape, to.strides);
    PyObject *b = array_at(in.bytes + ORIGIN, from.itemsize, from.ndim, from.shape, from.strides);
    expect_int(0, PyObject_CopyData(a, b), __FILE__, line, "PyObject_CopyData");
    expect_no_exception(__FILE__, line, "PyObject_CopyData");
    expect_bytes(expected.bytes, found.bytes, BLOCK, __FILE__, line, "the block");
    drop_array(a, line);
    drop_array(b, line);
    FREE_UNTOUCHED(in);
    FREE(expected);
    FREE(found);
}
#define EXPECT_COPIED(to, from) expect_copied((to), (from), __LINE__)

static void copy_data_strided_views_copies_item_by_item(void)
{
    Layout c = { 2, 2, DIMS(2, 3), DIMS(6, 2) }, f = { 2, 2, DIMS(2, 3), DIMS(2, 4) };
    Layout stepped = { 2, 2, DIMS(2, 3), DIMS(12, 4) };
    Layout reversed = { 2, 2, DIMS(2, 3), DIMS(-7, -2) };
    EXPECT_COPIED(f, c);
    EXPECT_COPIED(c, f);
    EXPECT_COPIED(stepped, c);
    EXPECT_COPIED(c, stepped);
    EXPECT_COPIED(reversed, f);
    EXPECT_COPIED(stepped, reversed);
}

static void copy_data_a_smaller_src_fills_the_leading_corner(void)
{
    Layout dest = { 2, 2, DIMS(3, 4), DIMS(8, 2) };
    Layout src = { 2, 2, DIMS(2, 3), DIMS(2, 4) };
    EXPECT_COPIED(dest, src);
    src.shape = DIMS(1, 3);
    src.strides = DIMS(0, -4);
    EXPECT_COPIED(dest, src);
    dest = (Layout){ 2, 2, DIMS(3, 4), DIMS(2, 6) };
    EXPECT_COPIED(dest, src);
}

/* libpython copies the source's itemsize, wherever the destination's items begin. */
static void copy_data_smaller_items_fill_the_front_of_the_larger(void)
{
    Layout dest = { 6, 1, DIMS(4), DIMS(8) };
    Layout src = { 2, 1, DIMS(4), DIMS(-3) };
    EXPECT_COPIED(dest, src);
    dest.strides = DIMS(6);
    EXPECT_COPIED(dest, src);
}

static void copy_data_dest_items_in_the_same_place_keep_the_first_item(void)
{
    Layout dest = { 4, 2, DIMS(2, 3), DIMS(0, 4) };
    Layout src = { 4, 2, DIMS(2, 3), DIMS(4, 8) };
    EXPECT_COPIED(dest, src);
    dest.strides = DIMS(0, 0);
    EXPECT_COPIED(dest, src);
    dest.strides = DIMS(3, -1);
    EXPECT_COPIED(dest, src);
    dest.strides = DIMS(1, 2);
    EXPECT_COPIED(dest, src);
    src.shape = DIMS(1, 2);
    EXPECT_COPIED(dest, src);
}

static void copy_data_of_one_item_without_dimensions(void)
{
    Memory a = memory_new(4, 1), b = memory_new(4, 2);
    PyObject *dest = array_at(a.bytes, 4, 0, NULL, NULL);
    PyObject *src = array_at(b.bytes, 4, 0, NULL, NULL);
    EXPECT_OK(0, PyObject_CopyData(dest, src));
    EXPECT_BYTES(b.bytes, a.bytes, 4);
    memset(a.bytes, 0x77, 4);
    ((Array *)src)->whole.suboffsets = ((Array *)src)->suboffsets; /* of no dimension: not read */
    EXPECT_OK(0, PyObject_CopyData(dest, src));
    EXPECT_BYTES(b.bytes, a.bytes, 4);
    DROP_ARRAY(dest);
    DROP_ARRAY(src);
    FREE_UNTOUCHED(b);
    FREE(a);
}

static void copy_data_suboffsets_are_followed_on_both_sides(void)
{
    Memory in[2] = { memory_new(12, 1), memory_new(12, 2) };
    Memory found[2] = { memory_new(12, 3), memory_new(12, 4) };
    Memory expected[2] = { memory_new(12, 3), memory_new(12, 4) };
    char *in_rows[2] = { (char *)in[1].bytes, (char *)in[0].bytes };
    char *found_rows[2] = { (char *)found[0].bytes, (char *)found[1].bytes };
    for (int i = 0; i < 2; i++) {
        for (int j = 0; j < 3; j++) {
            memcpy(expected[i].bytes + 1 + 4 * j, in[1 - i].bytes + 2 + 3 * j, 2);
        }
    }
    ArrayLayout layout = { .buf = found_rows, .itemsize = 2, .ndim = 2, .shape = DIMS(2, 3),
                           .strides = DIMS(sizeof(char *), 4), .suboffsets = DIMS(1, -1) };
    PyObject *dest = array_new(layout);
    layout.buf = in_rows;
    layout.strides = DIMS(sizeof(char *), 3);
    layout.suboffsets = DIMS(2, -1);
    PyObject *src = array_new(layout);
    EXPECT_OK(0, PyObject_CopyData(dest, src));
    DROP_ARRAY(dest);
    DROP_ARRAY(src);
    for (int i = 0; i < 2; i++) {
        EXPECT_BYTES(expected[i].bytes, found[i].bytes, 12);
        FREE(expected[i]);
        FREE(found[i]);
        FREE_UNTOUCHED(in[i]);
    }
}

/* Any other memory may lie between the rows of either side: here all of the heap. */
static void copy_data_rows_far_apart_are_copied(void)
{
    static char low[] = "abc", low_copy[3];
    char high[] = "def", high_copy[3];
    char *rows[2] = { low, high }, *copies[2] = { high_copy, low_copy };
    ArrayLayout layout = { .buf = copies, .itemsize = 1, .ndim = 2, .shape = DIMS(2, 3),
                           .strides = DIMS(sizeof *copies, 1), .suboffsets = DIMS(0, -1) };
    PyObject *dest = array_new(layout);
    layout.buf = rows;
    PyObject *src = array_new(layout);
    EXPECT_OK(0, PyObject_CopyData(dest, src));
    EXPECT_BYTES("abc", high_copy, 3);
    EXPECT_BYTES("def", low_copy, 3);
    DROP_ARRAY(dest);
    DROP_ARRAY(src);
}

/* --- the contiguous shortcut believes len alone ------------------------------------------------ */

static void copy_data_contiguous_views_are_copied_by_len_alone(void)
{
    Py_ssize_t shape[] = { 2 }, negative_shape[] = { -2, 1 };
    const Py_buffer answers[] = {
        /* NumPy's answer to PyBUF_SIMPLE of a 2 by 3 array */
        { .len = 24, .itemsize = 4, .ndim = 0 },
        { .len = 24, .itemsize = 4, .ndim = 1, .shape = shape },
        { .len = 24, .itemsize = 0, .ndim = 1, .shape = shape },
        { .len = 24, .itemsize = 7, .ndim = 2, .shape = negative_shape },
        { .len = 24, .itemsize = 1, .ndim = 2 },
    };
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        Memory a = memory_new(24, 1), b = memory_new(24, 2);
        Scripted *dest = scripted_new(answers[i]), *src = scripted_new(answers[i]);
        dest->answer.buf = a.bytes;
        src->answer.buf = b.bytes;
        EXPECT_OK(0, PyObject_CopyData((PyObject *)dest, (PyObject *)src));
        EXPECT_BYTES(b.bytes, a.bytes, 24);
        Py_DECREF(dest);
        Py_DECREF(src);
        FREE_UNTOUCHED(b);
        FREE(a);
    }
}

static void copy_data_of_nothing_succeeds(void)
{
    Memory memory = memory_new(24, 1);
    PyObject *dest = array_at(memory.bytes, 4, 2, DIMS(2, 3), DIMS(4, 8));
    PyObject *empty = array_at(NULL, 4, 2, DIMS(0, 3), NULL);
    PyObject *other_rank = array_at(NULL, 8, 1, DIMS(0), DIMS(99));
    EXPECT_OK(0, PyObject_CopyData(dest, empty));
    EXPECT_OK(0, PyObject_CopyData(dest, other_rank));
    EXPECT_OK(0, PyObject_CopyData(other_rank, empty));
    DROP_ARRAY(dest);
    DROP_ARRAY(empty);
    DROP_ARRAY(other_rank);
    FREE_UNTOUCHED(memory);
}

const Test copy_data_tests[] = {
    TEST(copy_data_contiguous_views_copies_the_bytes_of_src),
    TEST(copy_data_fortran_views_copies_the_bytes_of_src),
    TEST(copy_data_asks_for_everything_dest_first),
    TEST(copy_data_exceptions_are_set_before_the_views_are_released),
    TEST(copy_data_exporter_failing_without_an_exception_fails_without_one),
    TEST(copy_data_of_no_exporter_is_a_type_error),
    TEST(copy_data_readonly_dest_is_the_exporters_error),
    TEST(copy_data_dest_smaller_than_src_is_a_buffer_error),
    TEST(copy_data_to_itself_changes_nothing),
    TEST(copy_data_strided_views_copies_item_by_item),
    TEST(copy_data_a_smaller_src_fills_the_leading_corner),
    TEST(copy_data_smaller_items_fill_the_front_of_the_larger),
    TEST(copy_data_dest_items_in_the_same_place_keep_the_first_item),
    TEST(copy_data_of_one_item_without_dimensions),
    TEST(copy_data_suboffsets_are_followed_on_both_sides),
    TEST(copy_data_rows_far_apart_are_copied),
    TEST(copy_data_contiguous_views_are_copied_by_len_alone),
    TEST(copy_data_of_nothing_succeeds),
    END_OF_TESTS,
};

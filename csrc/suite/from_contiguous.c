/* PyBuffer_FromContiguous, case by case. Every small layout is in grid.c. */
#include "harness.h"

#include <string.h>

#include "families.h"
#include "model.h"

enum { BLOCK = 96, ORIGIN = 40 };

/* Scatters the first `len` bytes of a pattern into a fresh block, by the model and by the function
 * under test, and compares the whole block. The view's buf is set here, to block + ORIGIN. */
static void expect_scattered(Py_buffer *view, Py_ssize_t len, char order, char model_order,
                             int line)
{
    Memory src = memory_new(BLOCK, 7);
    Memory expected = memory_new(BLOCK, 1), found = memory_new(BLOCK, 1);
    view->buf = expected.bytes + ORIGIN;
    model_scatter(view, src.bytes, (len < view->len ? len : view->len) / view->itemsize,
                  model_order);
    view->buf = found.bytes + ORIGIN;
    expect_int(0, PyBuffer_FromContiguous(view, src.bytes, len, order), __FILE__, line,
               "PyBuffer_FromContiguous");
    expect_no_exception(__FILE__, line, "PyBuffer_FromContiguous");
    expect_bytes(expected.bytes, found.bytes, BLOCK, __FILE__, line, "the block");
    FREE_UNTOUCHED(src);
    FREE(expected);
    FREE(found);
}
#define EXPECT_SCATTERED(view, len, order, model_order)                                            \
    expect_scattered(&(view), (len), (order), (model_order), __LINE__)

static void from_contiguous_a_part_fills_the_first_items_in_each_order(void)
{
    for (Py_ssize_t len = 0; len <= 12; len++) {
        Py_buffer view = view_of(NULL, 2, 2, DIMS(2, 3), DIMS(12, 4));
        EXPECT_SCATTERED(view, len, 'C', 'C');
        EXPECT_SCATTERED(view, len, 'F', 'F');
        EXPECT_SCATTERED(view, len, 'A', 'C');
        view.strides = DIMS(-20, 3);
        EXPECT_SCATTERED(view, len, 'C', 'C');
        EXPECT_SCATTERED(view, len, 'F', 'F');
    }
}

static void from_contiguous_len_beyond_the_view_is_cut(void)
{
    Py_buffer view = view_of(NULL, 2, 2, DIMS(2, 3), DIMS(12, 4));
    EXPECT_SCATTERED(view, 13, 'C', 'C');
    EXPECT_SCATTERED(view, 90, 'F', 'F');
    view.strides = NULL;
    EXPECT_SCATTERED(view, 90, 'C', 'C');
}

static void from_contiguous_part_of_an_item_is_dropped_unless_contiguous(void)
{
    Py_buffer strided = view_of(NULL, 4, 1, DIMS(3), DIMS(8));
    EXPECT_SCATTERED(strided, 7, 'C', 'C');
    EXPECT_SCATTERED(strided, 3, 'F', 'F');

    Memory src = memory_new(12, 0), dst = memory_new(12, 1), before = memory_new(12, 1);
    Py_buffer contiguous = view_of(dst.bytes, 4, 1, DIMS(3), DIMS(4));
    EXPECT_OK(0, PyBuffer_FromContiguous(&contiguous, src.bytes, 7, 'C'));
    EXPECT_BYTES(src.bytes, dst.bytes, 7);
    EXPECT_BYTES(before.bytes + 7, dst.bytes + 7, 5);
    FREE_UNTOUCHED(src);
    FREE_UNTOUCHED(before);
    FREE(dst);
}

static void from_contiguous_order_a_of_a_fortran_view_keeps_the_bytes(void)
{
    for (Py_ssize_t len = 0; len <= 12; len += 2) {
        Py_buffer view = view_of(NULL, 2, 2, DIMS(2, 3), DIMS(2, 4));
        EXPECT_SCATTERED(view, len, 'A', 'F');
        EXPECT_SCATTERED(view, len, 'F', 'F');
        EXPECT_SCATTERED(view, len, 'C', 'C');
    }
}

/* The opposite of ToContiguous, for which they are Fortran. */
static void from_contiguous_unknown_orders_are_c(void)
{
    const char orders[] = { 'c', 'f', 'a', 'X', '\0', '\xff' };
    for (size_t i = 0; i < sizeof orders; i++) {
        Py_buffer view = view_of(NULL, 2, 2, DIMS(2, 3), DIMS(6, 2));
        EXPECT_SCATTERED(view, 12, orders[i], 'C');
        EXPECT_SCATTERED(view, 6, orders[i], 'C');
        view.strides = DIMS(2, 4);
        EXPECT_SCATTERED(view, 12, orders[i], 'C');
        view = view_of(NULL, 4, 0, NULL, NULL);
        EXPECT_SCATTERED(view, 4, orders[i], 'C');
        EXPECT_SCATTERED(view, 3, orders[i], 'C');
    }
}

static void from_contiguous_readonly_views_are_written(void)
{
    Py_buffer view = view_of(NULL, 2, 1, DIMS(5), DIMS(4));
    view.readonly = 1;
    EXPECT_SCATTERED(view, 10, 'C', 'C');
    view.strides = DIMS(2);
    EXPECT_SCATTERED(view, 10, 'C', 'C');
}

static void from_contiguous_items_in_the_same_place_keep_the_last(void)
{
    Py_buffer view = view_of(NULL, 4, 2, DIMS(2, 3), DIMS(0, 2));
    EXPECT_SCATTERED(view, 24, 'C', 'C');
    EXPECT_SCATTERED(view, 24, 'F', 'F');
    EXPECT_SCATTERED(view, 16, 'F', 'F');
    view.strides = DIMS(0, 0);
    EXPECT_SCATTERED(view, 24, 'C', 'C');
    view.strides = DIMS(-3, 1);
    EXPECT_SCATTERED(view, 24, 'F', 'F');
    view = view_of(NULL, 5, 3, DIMS(2, 2, 2), DIMS(2, -1, 3));
    EXPECT_SCATTERED(view, 40, 'C', 'C');
    EXPECT_SCATTERED(view, 40, 'F', 'F');
    EXPECT_SCATTERED(view, 25, 'F', 'F');
}

static void from_contiguous_suboffsets_are_followed(void)
{
    Memory src = memory_new(24, 7);
    for (int k = 0; k < 4; k++) {
        const char order = k % 2 ? 'F' : 'C';
        const Py_ssize_t len = k < 2 ? 24 : 15;
        Memory expected[3], found[3];
        char *table[3];
        Py_buffer view = view_of(table, 2, 2, DIMS(3, 4), DIMS(sizeof(char *), 3));
        view.suboffsets = DIMS(5, -1);
        for (int i = 0; i < 3; i++) {
            expected[i] = memory_new(20, 1);
            found[i] = memory_new(20, 1);
            table[i] = (char *)expected[i].bytes;
        }
        model_scatter(&view, src.bytes, len / 2, order);
        for (int i = 0; i < 3; i++) {
            table[i] = (char *)found[i].bytes;
        }
        EXPECT_OK(0, PyBuffer_FromContiguous(&view, src.bytes, len, order));
        for (int i = 0; i < 3; i++) {
            EXPECT_POINTER(found[i].bytes, table[i]);
            EXPECT_BYTES(expected[i].bytes, found[i].bytes, 20);
            FREE(expected[i]);
            FREE(found[i]);
        }
    }
    FREE_UNTOUCHED(src);
}

/* Any other memory may lie between the rows: here all of the heap. */
static void from_contiguous_rows_far_apart_are_filled(void)
{
    static unsigned char low[6];
    unsigned char high[6];
    unsigned char *table[2] = { low, high };
    Memory src = memory_new(12, 7);
    Py_buffer view = view_of(table, 2, 2, DIMS(2, 3), DIMS(sizeof *table, 2));
    view.suboffsets = DIMS(0, -1);
    EXPECT_OK(0, PyBuffer_FromContiguous(&view, src.bytes, 12, 'C'));
    EXPECT_BYTES(src.bytes, low, 6);
    EXPECT_BYTES(src.bytes + 6, high, 6);
    FREE_UNTOUCHED(src);
}

static void from_contiguous_more_than_64_dimensions_are_copied(void)
{
    enum { NDIM = 70 };
    Memory src = memory_new(4, 7), dst = memory_new(64, 1), expected = memory_new(64, 1);
    Py_ssize_t shape[NDIM], strides[NDIM];
    for (int i = 0; i < NDIM; i++) {
        shape[i] = 1;
        strides[i] = 13 * i - 100;
    }
    shape[3] = shape[69] = 2;
    strides[3] = 20, strides[69] = -2;
    Py_buffer view = view_of(dst.bytes + 10, 1, NDIM, shape, strides);
    EXPECT_OK(0, PyBuffer_FromContiguous(&view, src.bytes, 4, 'C'));
    expected.bytes[10] = src.bytes[0];
    expected.bytes[8] = src.bytes[1];
    expected.bytes[30] = src.bytes[2];
    expected.bytes[28] = src.bytes[3];
    EXPECT_BYTES(expected.bytes, dst.bytes, 64);
    FREE(expected);
    FREE(dst);
    FREE_UNTOUCHED(src);
}

/* --- the contiguous shortcut believes len alone ------------------------------------------------ */

static void from_contiguous_contiguous_views_are_filled_by_len_alone(void)
{
    Py_ssize_t shape[] = { 3 }, short_shape[] = { 2 }, negative_shape[] = { -2, 1 };
    Py_ssize_t strides[] = { 10 };
    const Py_buffer views[] = {
        /* NumPy's answer to PyBUF_SIMPLE of a 2 by 3 array */
        { .len = 24, .itemsize = 4, .ndim = 0 },
        /* a ctypes array that was resized */
        { .len = 24, .itemsize = 4, .ndim = 1, .shape = shape },
        /* an empty struct */
        { .len = 24, .itemsize = 0, .ndim = 1, .shape = shape },
        /* no multiple of itemsize */
        { .len = 24, .itemsize = 10, .ndim = 1, .shape = short_shape, .strides = strides },
        { .len = 24, .itemsize = 4, .ndim = 2, .shape = negative_shape },
        { .len = 24, .itemsize = 4, .ndim = 2 },
    };
    Memory src = memory_new(24, 7);
    for (size_t i = 0; i < sizeof views / sizeof *views; i++) {
        Memory dst = memory_new(24, 1);
        Py_buffer view = views[i];
        view.buf = dst.bytes;
        EXPECT_OK(0, PyBuffer_FromContiguous(&view, src.bytes, 24, 'C'));
        EXPECT_BYTES(src.bytes, dst.bytes, 24);
        FREE(dst);
    }
    FREE_UNTOUCHED(src);
}

static void from_contiguous_len_0_succeeds(void)
{
    Memory dst = memory_new(24, 1);
    Py_buffer view = view_of(dst.bytes, 4, 2, DIMS(2, 3), DIMS(12, 4));
    EXPECT_OK(0, PyBuffer_FromContiguous(&view, NULL, 0, 'C'));
    EXPECT_OK(0, PyBuffer_FromContiguous(&view, NULL, 0, 'F'));
    view = view_of(NULL, 4, 2, DIMS(0, 3), DIMS(-7, 99));
    EXPECT_OK(0, PyBuffer_FromContiguous(&view, dst.bytes, 24, 'F'));
    view.suboffsets = DIMS(0, 0);
    EXPECT_OK(0, PyBuffer_FromContiguous(&view, dst.bytes, 24, 'C'));
    view = view_of_bytes(NULL, 0);
    EXPECT_OK(0, PyBuffer_FromContiguous(&view, NULL, 0, 'A'));
    EXPECT_OK(0, PyBuffer_FromContiguous(&view, dst.bytes, 24, 'A'));
    FREE_UNTOUCHED(dst);
}

/* --- where libpython crashes, or writes where it must not --------------------------------------- */

static void from_contiguous_len_0_succeeds_whatever_the_fields_are(void)
{
    Memory dst = memory_new(24, 1);
    Py_buffer view = view_of(dst.bytes, 4, 2, DIMS(2, 3), DIMS(4, 8));
    view.itemsize = 0;
    EXPECT_OK(0, PyBuffer_FromContiguous(&view, NULL, 0, 'C'));
    view.ndim = -1;
    EXPECT_OK(0, PyBuffer_FromContiguous(&view, NULL, 0, 'X'));
    view.ndim = 2;
    view.len = 0;
    view.suboffsets = DIMS(0, 0);
    EXPECT_OK(0, PyBuffer_FromContiguous(&view, dst.bytes, 24, 'C'));
    FREE_UNTOUCHED(dst);
}

static void from_contiguous_strides_null_are_c_strides(void)
{
    for (Py_ssize_t len = 0; len <= 12; len++) {
        Py_buffer view = view_of(NULL, 2, 2, DIMS(2, 3), NULL);
        EXPECT_SCATTERED(view, len, 'F', 'F');
        EXPECT_SCATTERED(view, len, 'X', 'C');
    }
}

static void from_contiguous_shape_null_of_one_dimension_is_len_by_itemsize(void)
{
    Py_buffer view = view_of_bytes(NULL, 12);
    view.itemsize = 4;
    EXPECT_SCATTERED(view, 12, 'X', 'C');
    EXPECT_SCATTERED(view, 9, 'X', 'C');
    view.strides = DIMS(8);
    EXPECT_SCATTERED(view, 12, 'X', 'C');
    view.strides = NULL;
    view.suboffsets = DIMS(-1);
    EXPECT_SCATTERED(view, 12, 'F', 'F');
}

static void from_contiguous_ndim_0_with_suboffsets_is_the_item(void)
{
    Py_buffer view = view_of(NULL, 4, 0, NULL, NULL);
    view.suboffsets = DIMS(0);
    EXPECT_SCATTERED(view, 4, 'C', 'C');
    EXPECT_SCATTERED(view, 4, 'F', 'F');
}

/* A view that takes the element path, with one field wrong: refused, and nothing is written. */
#define EXPECT_REFUSED(view, length, order, ...)                                                   \
    do {                                                                                           \
        Memory src = memory_new(BLOCK, 7), dst = memory_new(BLOCK, 1);                             \
        (view).buf = dst.bytes + ORIGIN;                                                           \
        EXPECT_ERROR_NAMING(-1, PyBuffer_FromContiguous(&(view), src.bytes, (length), (order)),    \
                            "ValueError", __VA_ARGS__);                                            \
        FREE_UNTOUCHED(src);                                                                       \
        FREE_UNTOUCHED(dst);                                                                       \
    } while (0)

static void from_contiguous_negative_len_is_a_value_error(void)
{
    Py_buffer view = view_of(NULL, 4, 1, DIMS(3), DIMS(4));
    EXPECT_REFUSED(view, -1, 'C', "len", "-1");
    EXPECT_REFUSED(view, -12, 'F', "len", "-12");
    view.strides = DIMS(8);
    EXPECT_REFUSED(view, -8, 'C', "len", "-8");
}

static void from_contiguous_negative_len_of_the_view_is_a_value_error(void)
{
    Py_buffer view = view_of_bytes(NULL, -1);
    EXPECT_REFUSED(view, 12, 'C', "len", "-1");
    view = view_of(NULL, 2, 1, DIMS(3), DIMS(4));
    view.len = -6;
    EXPECT_REFUSED(view, 6, 'C', "len", "-6");
}

static void from_contiguous_shape_null_of_more_dimensions_is_a_value_error(void)
{
    Py_buffer view = view_of_bytes(NULL, 12);
    view.ndim = 2;
    EXPECT_REFUSED(view, 12, 'F', "shape", "2");
    view.strides = DIMS(2, 2);
    EXPECT_REFUSED(view, 6, 'C', "shape", "2");
}

static void from_contiguous_itemsize_of_0_or_less_is_a_value_error(void)
{
    const Py_ssize_t itemsizes[] = { 0, -1, -4 };
    const char *shown[] = { "0", "-1", "-4" };
    for (int i = 0; i < 3; i++) {
        Py_buffer view = view_of(NULL, 4, 1, DIMS(3), DIMS(8));
        view.itemsize = itemsizes[i];
        EXPECT_REFUSED(view, 12, 'C', "itemsize", shown[i]);
    }
}

static void from_contiguous_negative_shape_is_a_value_error(void)
{
    Py_buffer view = view_of(NULL, 2, 2, DIMS(2, 3), DIMS(1, 2));
    view.shape = DIMS(2, -3);
    EXPECT_REFUSED(view, 12, 'C', "shape", "-3");
    view.shape = DIMS(-2, 3);
    EXPECT_REFUSED(view, 12, 'F', "shape", "-2");
}

static void from_contiguous_negative_ndim_is_a_value_error(void)
{
    Py_buffer view = view_of_bytes(NULL, 8);
    view.ndim = -2;
    EXPECT_REFUSED(view, 8, 'X', "ndim", "-2");
    view.suboffsets = DIMS(-1);
    EXPECT_REFUSED(view, 8, 'C', "ndim", "-2");
}

static void from_contiguous_shape_that_overflows_is_a_value_error(void)
{
    Py_buffer view = view_of(NULL, 4, 2, DIMS(2, 2), DIMS(16, 8));
    view.shape = DIMS(PY_SSIZE_T_MAX / 2 + 1, 4); /* the product wraps to 0 */
    EXPECT_REFUSED(view, 16, 'C', "len", "16", "shape");
    view.shape = DIMS(PY_SSIZE_T_MAX / 2 + 2, 4); /* to 16, as if it were right */
    EXPECT_REFUSED(view, 16, 'C', "len", "16", "shape");
    view.shape = DIMS(PY_SSIZE_T_MAX, 2);
    EXPECT_REFUSED(view, 16, 'F', "len", "16", "shape");
}

static void from_contiguous_shape_that_does_not_match_len_is_a_value_error(void)
{
    Py_buffer view = view_of(NULL, 1, 1, DIMS(6), DIMS(2));
    view.len = 3;
    EXPECT_REFUSED(view, 3, 'C', "len", "3", "shape", "(6,)");
    view = view_of(NULL, 4, 2, DIMS(2, 3), DIMS(4, 8));
    view.len = 28;
    EXPECT_REFUSED(view, 28, 'C', "len", "28", "shape", "(2, 3)", "itemsize", "4");
    view = view_of(NULL, 4, 0, NULL, NULL);
    view.len = 24;
    EXPECT_REFUSED(view, 24, 'X', "len", "24", "itemsize", "4");
}

static void from_contiguous_overlap_is_as_if_the_bytes_had_been_read_first(void)
{
    for (int shift = -12; shift <= 12; shift++) {
        for (int i = 0; i < 3; i++) {
            Memory found = memory_new(BLOCK, 1), expected = memory_new(BLOCK, 1);
            Memory bytes = memory_new(24, 2);
            memcpy(bytes.bytes, found.bytes + ORIGIN + shift, 24);
            Py_buffer reversed = view_of(NULL, 4, 1, DIMS(6), DIMS(-4));
            Py_buffer transposed = view_of(NULL, 2, 2, DIMS(3, 4), DIMS(2, 6));
            Py_buffer contiguous = view_of_bytes(NULL, 24);
            Py_buffer *view = i == 0 ? &reversed : i == 1 ? &transposed : &contiguous;
            const Py_ssize_t start = ORIGIN + (i == 0 ? 20 : 0);
            view->buf = expected.bytes + start;
            model_scatter(view, bytes.bytes, 24 / view->itemsize, 'C');
            view->buf = found.bytes + start;
            EXPECT_OK(0, PyBuffer_FromContiguous(view, found.bytes + ORIGIN + shift, 24, 'C'));
            EXPECT_BYTES(expected.bytes, found.bytes, BLOCK);
            FREE(bytes);
            FREE(expected);
            FREE(found);
        }
    }
}

/* The bytes come from one of the rows that they go to. */
static void from_contiguous_overlap_with_a_row_is_as_if_the_bytes_had_been_read_first(void)
{
    Memory found = memory_new(48, 1), expected = memory_new(48, 1), bytes = memory_new(24, 2);
    char *table[3];
    Py_buffer view = view_of(table, 2, 2, DIMS(3, 4), DIMS(sizeof(char *), 2));
    view.suboffsets = DIMS(0, -1);
    memcpy(bytes.bytes, found.bytes + 10, 24);
    for (int i = 0; i < 3; i++) {
        table[i] = (char *)expected.bytes + 12 * i + 4;
    }
    model_scatter(&view, bytes.bytes, 12, 'F');
    for (int i = 0; i < 3; i++) {
        table[i] = (char *)found.bytes + 12 * i + 4;
    }
    EXPECT_OK(0, PyBuffer_FromContiguous(&view, found.bytes + 10, 24, 'F'));
    EXPECT_BYTES(expected.bytes, found.bytes, 48);
    FREE(bytes);
    FREE(expected);
    FREE(found);
}

const Test from_contiguous_tests[] = {
    TEST(from_contiguous_a_part_fills_the_first_items_in_each_order),
    TEST(from_contiguous_len_beyond_the_view_is_cut),
    TEST(from_contiguous_part_of_an_item_is_dropped_unless_contiguous),
    TEST(from_contiguous_order_a_of_a_fortran_view_keeps_the_bytes),
    TEST(from_contiguous_unknown_orders_are_c),
    TEST(from_contiguous_readonly_views_are_written),
    TEST(from_contiguous_items_in_the_same_place_keep_the_last),
    TEST(from_contiguous_suboffsets_are_followed),
    TEST(from_contiguous_rows_far_apart_are_filled),
    TEST(from_contiguous_more_than_64_dimensions_are_copied),
    TEST(from_contiguous_contiguous_views_are_filled_by_len_alone),
    TEST(from_contiguous_len_0_succeeds),
    TEST(from_contiguous_len_0_succeeds_whatever_the_fields_are),
    TEST(from_contiguous_strides_null_are_c_strides),
    TEST(from_contiguous_shape_null_of_one_dimension_is_len_by_itemsize),
    TEST(from_contiguous_ndim_0_with_suboffsets_is_the_item),
    TEST(from_contiguous_negative_len_is_a_value_error),
    TEST(from_contiguous_negative_len_of_the_view_is_a_value_error),
    TEST(from_contiguous_shape_null_of_more_dimensions_is_a_value_error),
    TEST(from_contiguous_itemsize_of_0_or_less_is_a_value_error),
    TEST(from_contiguous_negative_shape_is_a_value_error),
    TEST(from_contiguous_negative_ndim_is_a_value_error),
    TEST(from_contiguous_shape_that_overflows_is_a_value_error),
    TEST(from_contiguous_shape_that_does_not_match_len_is_a_value_error),
    TEST(from_contiguous_overlap_is_as_if_the_bytes_had_been_read_first),
    TEST(from_contiguous_overlap_with_a_row_is_as_if_the_bytes_had_been_read_first),
    END_OF_TESTS,
};

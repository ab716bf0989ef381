/* PyBuffer_ToContiguous, case by case. Every small layout is in grid.c. */
#include "harness.h"

#include <string.h>

#include "families.h"
#include "model.h"

/* Expects that the view's items arrive as the model gathers them, and no other byte is written. */
static void expect_gathered(Py_buffer *view, char order, char model_order, int line)
{
    Memory expected = memory_new((size_t)view->len, 1), found = memory_new((size_t)view->len, 1);
    model_gather(expected.bytes, view, model_order);
    expect_int(0, PyBuffer_ToContiguous(found.bytes, view, view->len, order), __FILE__, line,
               "PyBuffer_ToContiguous");
    expect_no_exception(__FILE__, line, "PyBuffer_ToContiguous");
    expect_bytes(expected.bytes, found.bytes, found.size, __FILE__, line, "the items");
    FREE(expected);
    FREE(found);
}
#define EXPECT_GATHERED(view, order, model_order)                                                  \
    expect_gathered(&(view), (order), (model_order), __LINE__)

static void to_contiguous_len_other_than_the_views_is_a_value_error(void)
{
    Memory src = memory_new(24, 0), dst = memory_new(24, 1);
    Py_buffer view = view_of(src.bytes, 4, 2, DIMS(2, 3), DIMS(12, 4));
    const Py_ssize_t lens[] = { 0, 23, 25, -1, PY_SSIZE_T_MAX };
    for (int i = 0; i < 5; i++) {
        EXPECT_ERROR(-1, PyBuffer_ToContiguous(dst.bytes, &view, lens[i], 'C'), "ValueError",
                     "PyBuffer_ToContiguous: len != view->len");
    }
    FREE_UNTOUCHED(src);
    FREE_UNTOUCHED(dst);
}

static void to_contiguous_order_a_of_a_fortran_view_keeps_the_bytes(void)
{
    Memory src = memory_new(24, 0);
    Py_buffer view = view_of(src.bytes, 4, 2, DIMS(2, 3), DIMS(4, 8));
    EXPECT_GATHERED(view, 'A', 'F');
    EXPECT_GATHERED(view, 'F', 'F');
    EXPECT_GATHERED(view, 'C', 'C');
    FREE_UNTOUCHED(src);
}

static void to_contiguous_order_a_of_a_scattered_view_is_c(void)
{
    Memory src = memory_new(100, 0);
    Py_buffer view = view_of(src.bytes, 4, 2, DIMS(2, 3), DIMS(8, 16));
    EXPECT_GATHERED(view, 'A', 'C');
    FREE_UNTOUCHED(src);
}

static void to_contiguous_unknown_orders_are_fortran(void)
{
    Memory src = memory_new(24, 0);
    const char orders[] = { 'c', 'f', 'a', 'X', '\0', '\xff' };
    for (size_t i = 0; i < sizeof orders; i++) {
        Py_buffer view = view_of(src.bytes, 4, 2, DIMS(2, 3), DIMS(12, 4));
        EXPECT_GATHERED(view, orders[i], 'F');
        view = view_of(src.bytes, 4, 1, DIMS(6), NULL);
        EXPECT_GATHERED(view, orders[i], 'C');
        view.shape = NULL;
        EXPECT_GATHERED(view, orders[i], 'C');
    }
    FREE_UNTOUCHED(src);
}

static void to_contiguous_strides_null_are_c_strides(void)
{
    Memory src = memory_new(24, 0);
    Py_buffer view = view_of(src.bytes, 4, 2, DIMS(2, 3), NULL);
    EXPECT_GATHERED(view, 'C', 'C');
    EXPECT_GATHERED(view, 'F', 'F');
    EXPECT_GATHERED(view, 'A', 'C');
    FREE_UNTOUCHED(src);
}

static void to_contiguous_shape_null_of_one_dimension_is_len_by_itemsize(void)
{
    Memory src = memory_new(24, 0);
    Py_buffer view = view_of_bytes(src.bytes, 24);
    view.itemsize = 4;
    view.suboffsets = DIMS(-1);
    EXPECT_GATHERED(view, 'C', 'C');
    EXPECT_GATHERED(view, 'F', 'F');
    view.strides = DIMS(-4);
    view.buf = src.bytes + 20;
    EXPECT_GATHERED(view, 'A', 'C');
    FREE_UNTOUCHED(src);
}

static void to_contiguous_suboffsets_are_followed(void)
{
    Memory rows[3] = { memory_new(24, 1), memory_new(24, 2), memory_new(24, 3) };
    char *table[3] = { (char *)rows[2].bytes, (char *)rows[0].bytes, (char *)rows[1].bytes };
    Py_buffer view = view_of(table, 2, 2, DIMS(3, 4), DIMS(sizeof(char *), 2));
    view.suboffsets = DIMS(0, -1);
    EXPECT_GATHERED(view, 'C', 'C');
    EXPECT_GATHERED(view, 'F', 'F');
    view.suboffsets = DIMS(3, -1);
    view.strides = DIMS(sizeof(char *), 5);
    EXPECT_GATHERED(view, 'C', 'C');
    view.buf = table + 2;
    view.strides = DIMS(-(Py_ssize_t)sizeof(char *), 4);
    EXPECT_GATHERED(view, 'A', 'C');
    view.suboffsets = DIMS(-1, -1);
    view.buf = rows[0].bytes;
    view.strides = DIMS(8, 2);
    EXPECT_GATHERED(view, 'C', 'C');
    for (int i = 0; i < 3; i++) {
        FREE_UNTOUCHED(rows[i]);
    }
}

/* Pointers to rows of pointers to items, and back to one block. */
static void to_contiguous_suboffsets_of_every_dimension_are_followed(void)
{
    unsigned char items[2][3] = { { 1, 2, 3 }, { 4, 5, 6 } };
    unsigned char *columns[2][3];
    unsigned char **rows[2] = { columns[1], columns[0] };
    for (int i = 0; i < 6; i++) {
        columns[i / 3][i % 3] = &items[i / 3][(i + 1) % 3];
    }
    Py_buffer view = view_of(rows, 1, 2, DIMS(2, 3), DIMS(sizeof *rows, sizeof **rows));
    view.suboffsets = DIMS(0, 0);
    EXPECT_GATHERED(view, 'C', 'C');
    EXPECT_GATHERED(view, 'F', 'F');
}

static void to_contiguous_more_than_64_dimensions_are_copied(void)
{
    enum { NDIM = 70 };
    Memory src = memory_new(64, 0), dst = memory_new(8, 1);
    Py_ssize_t shape[NDIM], strides[NDIM];
    for (int i = 0; i < NDIM; i++) {
        shape[i] = 1;
        strides[i] = 13 * i - 100;
    }
    shape[3] = shape[40] = shape[69] = 2;
    strides[3] = 20, strides[40] = 7, strides[69] = -2;
    Py_buffer view = view_of(src.bytes + 10, 1, NDIM, shape, strides);
    EXPECT_OK(0, PyBuffer_ToContiguous(dst.bytes, &view, 8, 'C'));
    const unsigned char *b = src.bytes + 10;
    const unsigned char expected[] = { b[0],  b[-2], b[7],  b[5],
                                       b[20], b[18], b[27], b[25] };
    EXPECT_BYTES(expected, dst.bytes, 8);
    FREE(dst);
    FREE_UNTOUCHED(src);
}

/* --- the contiguous shortcut believes len alone ------------------------------------------------ */

static void expect_bytes_copied(Py_buffer *view, char order, int line)
{
    Memory dst = memory_new((size_t)view->len, 9);
    expect_int(0, PyBuffer_ToContiguous(dst.bytes, view, view->len, order), __FILE__, line,
               "PyBuffer_ToContiguous");
    expect_no_exception(__FILE__, line, "PyBuffer_ToContiguous");
    expect_bytes(view->buf, dst.bytes, dst.size, __FILE__, line, "the bytes");
    FREE(dst);
}
#define EXPECT_BYTES_COPIED(view, order) expect_bytes_copied(&(view), (order), __LINE__)

static void to_contiguous_numpys_simple_answer_is_copied_by_len(void)
{
    Memory src = memory_new(24, 0);
    Py_buffer view = view_of_bytes(src.bytes, 24);
    view.ndim = 0;
    view.itemsize = 4;
    EXPECT_BYTES_COPIED(view, 'C');
    EXPECT_BYTES_COPIED(view, 'F');
    EXPECT_BYTES_COPIED(view, 'A');
    FREE_UNTOUCHED(src);
}

static void to_contiguous_a_resized_ctypes_object_is_copied_by_len(void)
{
    Memory src = memory_new(64, 0);
    Py_buffer view = view_of_bytes(src.bytes, 64);
    view.ndim = 0;
    view.itemsize = 4;
    view.format = "<i";
    EXPECT_BYTES_COPIED(view, 'C');
    view.ndim = 1;
    view.shape = DIMS(3);
    EXPECT_BYTES_COPIED(view, 'C');
    FREE_UNTOUCHED(src);
}

static void to_contiguous_itemsize_0_of_a_contiguous_view_is_copied_by_len(void)
{
    Memory src = memory_new(10, 0);
    Py_buffer view = view_of_bytes(src.bytes, 10);
    view.itemsize = 0;
    view.shape = DIMS(5);
    EXPECT_BYTES_COPIED(view, 'C');
    FREE_UNTOUCHED(src);
}

static void to_contiguous_len_that_is_no_multiple_is_copied_whole(void)
{
    Memory src = memory_new(11, 0);
    Py_buffer view = view_of(src.bytes, 4, 1, DIMS(2), DIMS(4));
    view.len = 11;
    EXPECT_BYTES_COPIED(view, 'C');
    EXPECT_BYTES_COPIED(view, 'F');
    view.strides = NULL;
    EXPECT_BYTES_COPIED(view, 'A');
    FREE_UNTOUCHED(src);
}

static void to_contiguous_false_shape_of_a_contiguous_view_is_not_read(void)
{
    Memory src = memory_new(12, 0);
    Py_buffer view = view_of(src.bytes, 2, 2, DIMS(-2, -3), NULL);
    view.len = 12;
    EXPECT_BYTES_COPIED(view, 'C');
    view.ndim = -1;
    EXPECT_BYTES_COPIED(view, 'C');
    view.ndim = 2;
    view.shape = NULL;
    EXPECT_BYTES_COPIED(view, 'C');
    EXPECT_BYTES_COPIED(view, 'A');
    FREE_UNTOUCHED(src);
}

static void to_contiguous_len_0_succeeds(void)
{
    Memory dst = memory_new(4, 1);
    Py_buffer view = view_of_bytes(NULL, 0);
    const char orders[] = { 'C', 'F', 'A' };
    for (int i = 0; i < 3; i++) {
        EXPECT_OK(0, PyBuffer_ToContiguous(dst.bytes, &view, 0, orders[i]));
        EXPECT_OK(0, PyBuffer_ToContiguous(NULL, &view, 0, orders[i]));
    }
    view = view_of(NULL, 4, 2, DIMS(0, 3), DIMS(-7, 99));
    EXPECT_OK(0, PyBuffer_ToContiguous(dst.bytes, &view, 0, 'F'));
    view.itemsize = 0;
    EXPECT_OK(0, PyBuffer_ToContiguous(dst.bytes, &view, 0, 'C'));
    FREE_UNTOUCHED(dst);
}

/* --- where libpython crashes, or writes where it must not --------------------------------------- */

static void to_contiguous_len_0_succeeds_whatever_the_fields_are(void)
{
    Memory dst = memory_new(4, 1);
    Py_buffer view = view_of(NULL, 4, 2, DIMS(2, 3), DIMS(1, 2));
    view.len = 0;
    view.suboffsets = DIMS(0, 0);
    EXPECT_OK(0, PyBuffer_ToContiguous(dst.bytes, &view, 0, 'C'));
    view.suboffsets = NULL;
    view.shape = NULL;
    view.strides = NULL;
    view.itemsize = 0;
    EXPECT_OK(0, PyBuffer_ToContiguous(dst.bytes, &view, 0, 'X'));
    view.ndim = -1;
    EXPECT_OK(0, PyBuffer_ToContiguous(dst.bytes, &view, 0, 'X'));
    FREE_UNTOUCHED(dst);
}

static void to_contiguous_ndim_0_of_an_unknown_order_or_with_suboffsets_is_the_item(void)
{
    Memory src = memory_new(4, 0);
    Py_buffer view = view_of(src.bytes, 4, 0, NULL, NULL);
    EXPECT_BYTES_COPIED(view, 'X');
    EXPECT_BYTES_COPIED(view, '\0');
    view.suboffsets = DIMS(0);
    EXPECT_BYTES_COPIED(view, 'C');
    EXPECT_BYTES_COPIED(view, 'F');
    EXPECT_BYTES_COPIED(view, 'A');
    FREE_UNTOUCHED(src);
}

/* A view that takes the element path, with one field wrong: refused, and nothing is written. */
#define EXPECT_REFUSED(view, order, ...)                                                           \
    do {                                                                                           \
        Memory dst = memory_new(64, 1);                                                            \
        EXPECT_ERROR_NAMING(-1, PyBuffer_ToContiguous(dst.bytes, &(view), (view).len, (order)),    \
                            "ValueError", __VA_ARGS__);                                            \
        FREE_UNTOUCHED(dst);                                                                       \
    } while (0)

static void to_contiguous_shape_null_of_more_dimensions_is_a_value_error(void)
{
    char src[64] = { 0 };
    Py_buffer view = view_of_bytes(src, 24);
    view.ndim = 2;
    EXPECT_REFUSED(view, 'F', "shape", "2");
    view.strides = DIMS(2, 2);
    EXPECT_REFUSED(view, 'C', "shape", "2");
    view.ndim = 3;
    EXPECT_REFUSED(view, 'X', "shape", "3");
}

static void to_contiguous_itemsize_of_0_or_less_is_a_value_error(void)
{
    char src[64] = { 0 };
    const Py_ssize_t itemsizes[] = { 0, -1, -4 };
    const char *shown[] = { "0", "-1", "-4" };
    for (int i = 0; i < 3; i++) {
        Py_buffer view = view_of(src, 4, 1, DIMS(3), DIMS(8));
        view.itemsize = itemsizes[i];
        EXPECT_REFUSED(view, 'C', "itemsize", shown[i]);
        view.shape = NULL;
        view.suboffsets = DIMS(-1);
        EXPECT_REFUSED(view, 'C', "itemsize", shown[i]);
    }
}

static void to_contiguous_negative_shape_is_a_value_error(void)
{
    char src[64] = { 0 };
    Py_buffer view = view_of(src, 2, 2, DIMS(2, 3), DIMS(1, 2));
    view.shape = DIMS(2, -3);
    EXPECT_REFUSED(view, 'C', "shape", "-3");
    view.shape = DIMS(-2, 3);
    EXPECT_REFUSED(view, 'F', "shape", "-2");
}

static void to_contiguous_negative_ndim_is_a_value_error(void)
{
    char src[64] = { 0 };
    Py_buffer view = view_of_bytes(src, 8);
    view.ndim = -2;
    EXPECT_REFUSED(view, 'X', "ndim", "-2");
    view.suboffsets = DIMS(-1);
    EXPECT_REFUSED(view, 'C', "ndim", "-2");
}

static void to_contiguous_shape_that_overflows_is_a_value_error(void)
{
    char src[64] = { 0 };
    Py_buffer view = view_of(src, 4, 2, DIMS(2, 2), DIMS(16, 8));
    view.shape = DIMS(PY_SSIZE_T_MAX / 2 + 1, 4); /* the product wraps to 0 */
    EXPECT_REFUSED(view, 'C', "len", "16", "shape");
    view.shape = DIMS(PY_SSIZE_T_MAX / 2 + 2, 4); /* to 16, as if it were right */
    EXPECT_REFUSED(view, 'C', "len", "16", "shape");
    view.shape = DIMS(PY_SSIZE_T_MAX, 2);
    EXPECT_REFUSED(view, 'F', "len", "16", "shape");
    view.ndim = 1;
    view.shape = DIMS(PY_SSIZE_T_MAX / 4 + 1);
    EXPECT_REFUSED(view, 'C', "len", "16", "shape");
}

/* A shape larger than len would write behind the caller's memory. */
static void to_contiguous_shape_that_does_not_match_len_is_a_value_error(void)
{
    char src[64] = { 0 };
    Py_buffer view = view_of(src, 1, 1, DIMS(6), DIMS(2));
    view.len = 3;
    EXPECT_REFUSED(view, 'C', "len", "3", "shape", "(6,)");
    view = view_of(src, 4, 2, DIMS(2, 3), DIMS(4, 8));
    view.len = 25;
    EXPECT_REFUSED(view, 'C', "len", "25", "shape", "(2, 3)", "itemsize", "4");
    view = view_of(src, 4, 0, NULL, NULL);
    view.len = 24;
    EXPECT_REFUSED(view, 'X', "len", "24", "itemsize", "4");
}

static void to_contiguous_negative_len_is_a_value_error(void)
{
    char src[64] = { 0 };
    Py_buffer view = view_of(src, 1, 1, DIMS(6), DIMS(1));
    view.len = -1;
    EXPECT_REFUSED(view, 'C', "len", "-1");
    view.strides = DIMS(2);
    EXPECT_REFUSED(view, 'C', "len", "-1");
    view = view_of_bytes(src, -8);
    EXPECT_REFUSED(view, 'A', "len", "-8");
}

static void to_contiguous_overlap_is_as_if_the_view_had_been_read_first(void)
{
    for (int shift = -12; shift <= 12; shift++) {
        Memory block = memory_new(64, 0), expected = memory_new(24, 1);
        Py_buffer reversed = view_of(block.bytes + 20 + 20, 4, 1, DIMS(6), DIMS(-4));
        Py_buffer transposed = view_of(block.bytes + 20, 2, 2, DIMS(3, 4), DIMS(2, 6));
        Py_buffer contiguous = view_of_bytes(block.bytes + 20, 24);
        Py_buffer *views[] = { &reversed, &transposed, &contiguous };
        for (int i = 0; i < 3; i++) {
            model_gather(expected.bytes, views[i], 'C');
            EXPECT_OK(0, PyBuffer_ToContiguous(block.bytes + 20 + shift, views[i], 24, 'C'));
            EXPECT_BYTES(expected.bytes, block.bytes + 20 + shift, 24);
        }
        FREE(block);
        FREE(expected);
    }
}

/* The bytes go where the rows lie, or where the pointers to them do. */
static void to_contiguous_overlap_with_rows_or_pointers_is_as_if_they_had_been_read_first(void)
{
    enum { N_ROWS = 4, ROW = 8, SIZE = N_ROWS * ROW };
    const Py_ssize_t pointer = sizeof(char *);
    for (int where = 0; where < 2; where++) {
        Memory rows = memory_new(SIZE, 1), table = memory_new(SIZE, 2), expected = memory_new(SIZE, 3);
        for (int i = 0; i < N_ROWS; i++) {
            char *row = (char *)rows.bytes + ROW * (N_ROWS - 1 - i);
            memcpy(table.bytes + pointer * i, &row, sizeof row);
        }
        Py_buffer view = view_of(table.bytes, 2, 2, DIMS(N_ROWS, ROW / 2), DIMS(pointer, 2));
        view.suboffsets = DIMS(0, -1);
        model_gather(expected.bytes, &view, 'F');
        unsigned char *out = where == 0 ? rows.bytes : table.bytes;
        EXPECT_OK(0, PyBuffer_ToContiguous(out, &view, SIZE, 'F'));
        EXPECT_BYTES(expected.bytes, out, SIZE);
        FREE(expected);
        FREE(table);
        FREE(rows);
    }
}

const Test to_contiguous_tests[] = {
    TEST(to_contiguous_len_other_than_the_views_is_a_value_error),
    TEST(to_contiguous_order_a_of_a_fortran_view_keeps_the_bytes),
    TEST(to_contiguous_order_a_of_a_scattered_view_is_c),
    TEST(to_contiguous_unknown_orders_are_fortran),
    TEST(to_contiguous_strides_null_are_c_strides),
    TEST(to_contiguous_shape_null_of_one_dimension_is_len_by_itemsize),
    TEST(to_contiguous_suboffsets_are_followed),
    TEST(to_contiguous_suboffsets_of_every_dimension_are_followed),
    TEST(to_contiguous_more_than_64_dimensions_are_copied),
    TEST(to_contiguous_numpys_simple_answer_is_copied_by_len),
    TEST(to_contiguous_a_resized_ctypes_object_is_copied_by_len),
    TEST(to_contiguous_itemsize_0_of_a_contiguous_view_is_copied_by_len),
    TEST(to_contiguous_len_that_is_no_multiple_is_copied_whole),
    TEST(to_contiguous_false_shape_of_a_contiguous_view_is_not_read),
    TEST(to_contiguous_len_0_succeeds),
    TEST(to_contiguous_len_0_succeeds_whatever_the_fields_are),
    TEST(to_contiguous_ndim_0_of_an_unknown_order_or_with_suboffsets_is_the_item),
    TEST(to_contiguous_shape_null_of_more_dimensions_is_a_value_error),
    TEST(to_contiguous_itemsize_of_0_or_less_is_a_value_error),
    TEST(to_contiguous_negative_shape_is_a_value_error),
    TEST(to_contiguous_negative_ndim_is_a_value_error),
    TEST(to_contiguous_shape_that_overflows_is_a_value_error),
    TEST(to_contiguous_shape_that_does_not_match_len_is_a_value_error),
    TEST(to_contiguous_negative_len_is_a_value_error),
    TEST(to_contiguous_overlap_is_as_if_the_view_had_been_read_first),
    TEST(to_contiguous_overlap_with_rows_or_pointers_is_as_if_they_had_been_read_first),
    END_OF_TESTS,
};

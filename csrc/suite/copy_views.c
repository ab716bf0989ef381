/* pybuffer_copy: from view to view. libpython has no such function, so these tests are not run on it. */
#include "harness.h"

#include <string.h>

#include "families.h"
#include "model.h"

enum { BLOCK = 4096, ORIGIN = BLOCK / 2 };

typedef struct {
    Py_ssize_t itemsize;
    int ndim;
    Py_ssize_t *shape, *strides;
} Layout;

static Py_buffer view_at(unsigned char *block, Py_ssize_t offset, Layout layout)
{
    return view_of(block + ORIGIN + offset, layout.itemsize, layout.ndim, layout.shape,
                   layout.strides);
}

/* Copies between two layouts, by the model and by the function: apart, and within one block. The items
 * of `to` do not share memory with one another. */
static void expect_copied(Layout to, Layout from, Py_ssize_t distance, int line)
{
    Memory expected = memory_new(BLOCK, 1), found = memory_new(BLOCK, 1), in = memory_new(BLOCK, 2);
    Py_buffer dest = view_at(expected.bytes, 0, to), src = view_at(in.bytes, 0, from);
    model_copy(&dest, &src);
    dest = view_at(found.bytes, 0, to);
    expect_int(0, pybuffer_copy(&dest, &src), __FILE__, line, "pybuffer_copy");
    expect_no_exception(__FILE__, line, "pybuffer_copy");
    expect_bytes(expected.bytes, found.bytes, BLOCK, __FILE__, line, "the block");

    memcpy(found.bytes, in.bytes, BLOCK);
    memcpy(expected.bytes, in.bytes, BLOCK);
    dest = view_at(expected.bytes, distance, to);
    model_copy(&dest, &src);
    dest = view_at(found.bytes, distance, to);
    src = view_at(found.bytes, 0, from);
    expect_int(0, pybuffer_copy(&dest, &src), __FILE__, line, "pybuffer_copy within a block");
    expect_no_exception(__FILE__, line, "pybuffer_copy within a block");
    expect_bytes(expected.bytes, found.bytes, BLOCK, __FILE__, line, "the one block");
    FREE_UNTOUCHED(in);
    FREE(expected);
    FREE(found);
}

/* Strides number `k`: the order of the dimensions, their signs, a gap. */
static void lay_out(int ndim, const Py_ssize_t *shape, int k, Py_ssize_t itemsize,
                    Py_ssize_t *strides)
{
    static const int all_axes[6][3] = { { 0, 1, 2 }, { 1, 0, 2 }, { 0, 2, 1 },
                                        { 2, 0, 1 }, { 1, 2, 0 }, { 2, 1, 0 } };
    Py_ssize_t size = itemsize + (k % 5 == 4);
    for (int i = 2; i >= 0; i--) {
        const int axis = all_axes[k / 8 % 6][i];
        if (axis < ndim) {
            strides[axis] = k >> axis & 1 ? -size : size;
            size *= shape[axis];
        }
    }
}

static void copy_views_of_every_pair_of_layouts_agrees_with_the_model(void)
{
    static const Py_ssize_t itemsizes[] = { 1, 2, 3, 4, 5, 8, 11, 16 };
    /* Few items, and more than a short way takes. */
    static const Py_ssize_t shapes[][3] = { { 2, 1, 3 }, { 3, 2, 2 }, { 5, 3, 9 } };
    const int step = is_quick() ? 29 : 3;
    int turn = 0;
    for (int ndim = 0; ndim <= 3; ndim++) {
        for (int k = 0; k < 48 * 48; k += ndim == 0 ? 48 * 48 : step, turn++) {
            Py_ssize_t shape[3], to[3], from[3];
            const Py_ssize_t itemsize = itemsizes[turn % 8];
            memcpy(shape, shapes[turn / 8 % 3], sizeof shape);
            if (itemsize > 8 && turn / 8 % 3 == 2) {
                shape[2] = 7;
            }
            lay_out(ndim, shape, k / 48, itemsize, to);
            lay_out(ndim, shape, k % 48, itemsize, from);
            expect_copied((Layout){ itemsize, ndim, shape, to }, (Layout){ itemsize, ndim, shape, from },
                          turn % 37 - 18, __LINE__);
        }
    }
}

static void copy_views_without_strides_or_shape_are_in_c_order(void)
{
    Memory a = memory_new(24, 1), b = memory_new(24, 2), expected = memory_new(24, 1);
    Py_buffer dest = view_of(a.bytes, 4, 2, DIMS(2, 3), DIMS(4, 8));
    Py_buffer src = view_of(b.bytes, 4, 2, DIMS(2, 3), NULL);
    Py_buffer model = view_of(expected.bytes, 4, 2, DIMS(2, 3), DIMS(4, 8));
    model_copy(&model, &src);
    EXPECT_OK(0, pybuffer_copy(&dest, &src));
    EXPECT_BYTES(expected.bytes, a.bytes, 24);

    Py_buffer bytes = view_of_bytes(b.bytes, 24);
    dest = view_of(a.bytes, 1, 1, DIMS(24), DIMS(1));
    EXPECT_OK(0, pybuffer_copy(&dest, &bytes));
    EXPECT_BYTES(b.bytes, a.bytes, 24);
    FREE_UNTOUCHED(b);
    FREE(a);
    FREE(expected);
}

static void copy_views_suboffsets_are_followed_on_both_sides(void)
{
    char from[2][8] = { "abcdefg", "hijklmn" }, to[2][8] = { "-------", "-------" };
    char *from_rows[2] = { from[1], from[0] }, *to_rows[2] = { to[0], to[1] };
    Py_buffer dest = view_of(to_rows, 1, 2, DIMS(2, 3), DIMS(sizeof(char *), -2));
    Py_buffer src = view_of(from_rows, 1, 2, DIMS(2, 3), DIMS(sizeof(char *), 2));
    dest.suboffsets = DIMS(6, -1);
    src.suboffsets = DIMS(1, -1);
    EXPECT_OK(0, pybuffer_copy(&dest, &src));
    EXPECT_STRING("--m-k-i", to[0]);
    EXPECT_STRING("--f-d-b", to[1]);
}

static void copy_views_items_in_the_same_place_keep_the_last(void)
{
    char from[] = "abcdef", to[] = "---";
    Py_buffer dest = view_of(to, 1, 2, DIMS(2, 3), DIMS(0, 1));
    Py_buffer src = view_of(from, 1, 2, DIMS(2, 3), DIMS(3, 1));
    EXPECT_OK(0, pybuffer_copy(&dest, &src));
    EXPECT_STRING("def", to);
}

static void copy_views_without_items_need_no_memory(void)
{
    Py_buffer dest = view_of(NULL, 2, 2, DIMS(3, 0), DIMS(4, 4));
    Py_buffer src = view_of(NULL, 2, 2, DIMS(3, 0), NULL);
    EXPECT_OK(0, pybuffer_copy(&dest, &src));
    src.shape = DIMS(0, 3);
    EXPECT_ERROR_NAMING(-1, pybuffer_copy(&dest, &src), "BufferError", "(3, 0)", "(0, 3)");
}

static void copy_views_that_differ_are_a_buffer_error_and_nothing_is_written(void)
{
    Memory a = memory_new(48, 1), b = memory_new(48, 2);
    Py_buffer dest = view_of(a.bytes, 4, 2, DIMS(2, 3), DIMS(12, 4));
    Py_buffer src = view_of(b.bytes, 4, 2, DIMS(3, 2), DIMS(8, 4));
    EXPECT_ERROR_NAMING(-1, pybuffer_copy(&dest, &src), "BufferError", "(2, 3)", "(3, 2)",
                        "the same shape");
    src = view_of(b.bytes, 4, 1, DIMS(6), DIMS(4));
    EXPECT_ERROR_NAMING(-1, pybuffer_copy(&dest, &src), "BufferError", "(2, 3)", "(6,)");
    src = view_of(b.bytes, 2, 2, DIMS(2, 3), DIMS(12, 4));
    EXPECT_ERROR_NAMING(-1, pybuffer_copy(&dest, &src), "BufferError", "4 bytes", "2 bytes",
                        "the same shape and itemsize");
    src = view_of(b.bytes, 4, 2, DIMS(1, 3), DIMS(12, 4));
    EXPECT_ERROR_NAMING(-1, pybuffer_copy(&dest, &src), "BufferError", "(2, 3)", "(1, 3)");
    src = view_of(b.bytes, 4, 2, DIMS(2, 3), DIMS(12, 4));
    dest.readonly = 1;
    EXPECT_ERROR(-1, pybuffer_copy(&dest, &src), "BufferError",
                 "the destination's view is read-only");
    FREE_UNTOUCHED(a);
    FREE_UNTOUCHED(b);
}

static void copy_views_that_contradict_themselves_are_a_value_error(void)
{
    Memory a = memory_new(24, 1), b = memory_new(24, 2);
    Py_buffer good = view_of(a.bytes, 4, 2, DIMS(2, 3), DIMS(12, 4)), bad = good;
    bad.buf = b.bytes;
    bad.len = 20;
    EXPECT_ERROR_NAMING(-1, pybuffer_copy(&good, &bad), "ValueError", "Py_buffer.len is 20", "(2, 3)");
    EXPECT_ERROR_NAMING(-1, pybuffer_copy(&bad, &good), "ValueError", "Py_buffer.len is 20", "(2, 3)");
    bad.len = 24;
    bad.itemsize = 0;
    EXPECT_ERROR_NAMING(-1, pybuffer_copy(&good, &bad), "ValueError", "Py_buffer.itemsize is 0");
    bad.itemsize = 4;
    bad.shape = NULL;
    EXPECT_ERROR_NAMING(-1, pybuffer_copy(&good, &bad), "ValueError", "Py_buffer.shape is NULL");
    FREE_UNTOUCHED(a);
    FREE_UNTOUCHED(b);
}

static void copy_views_of_null_is_a_system_error(void)
{
    Memory a = memory_new(24, 1);
    Py_buffer good = view_of(a.bytes, 4, 2, DIMS(2, 3), DIMS(12, 4)), no_memory = good;
    no_memory.buf = NULL;
    EXPECT_ERROR(-1, pybuffer_copy(NULL, &good), "SystemError", NULL_ARGUMENT);
    EXPECT_ERROR(-1, pybuffer_copy(&good, NULL), "SystemError", NULL_ARGUMENT);
    EXPECT_ERROR(-1, pybuffer_copy(&good, &no_memory), "SystemError", NULL_ARGUMENT);
    EXPECT_ERROR(-1, pybuffer_copy(&no_memory, &good), "SystemError", NULL_ARGUMENT);
    FREE_UNTOUCHED(a);
}

const Test copy_views_tests[] = {
    TEST(copy_views_of_every_pair_of_layouts_agrees_with_the_model),
    TEST(copy_views_without_strides_or_shape_are_in_c_order),
    TEST(copy_views_suboffsets_are_followed_on_both_sides),
    TEST(copy_views_items_in_the_same_place_keep_the_last),
    TEST(copy_views_without_items_need_no_memory),
    TEST(copy_views_that_differ_are_a_buffer_error_and_nothing_is_written),
    TEST(copy_views_that_contradict_themselves_are_a_value_error),
    TEST(copy_views_of_null_is_a_system_error),
    END_OF_TESTS,
};

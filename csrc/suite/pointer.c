/* PyBuffer_GetPointer. */
#include "harness.h"

#include "families.h"
#include "model.h"

static void get_pointer_every_index_of_a_strided_view_is_at_its_offset(void)
{
    Memory memory = memory_new(200, 0);
    Py_ssize_t shape[] = { 2, 3, 4 }, index[] = { 0, 0, 0 };
    Py_ssize_t all_strides[][3] = { { 48, 16, 4 }, { 4, 8, 24 }, { -48, 16, -4 }, { 0, 7, 1 } };
    for (size_t k = 0; k < sizeof all_strides / sizeof *all_strides; k++) {
        Py_buffer view = view_of(memory.bytes + 100, 4, 3, shape, all_strides[k]);
        for (int n = 0; n < 24; n++, model_next(3, index, shape, 'C')) {
            EXPECT_POINTER(model_item(&view, index), PyBuffer_GetPointer(&view, index));
        }
    }
    expect_no_exception(__FILE__, __LINE__, "PyBuffer_GetPointer");
    FREE_UNTOUCHED(memory);
}

static void get_pointer_negative_and_large_indices_are_not_checked(void)
{
    Memory memory = memory_new(100, 0);
    Py_buffer view = view_of(memory.bytes + 50, 2, 2, DIMS(2, 3), DIMS(6, 2));
    EXPECT_POINTER(memory.bytes + 42, PyBuffer_GetPointer(&view, DIMS(-1, -1)));
    EXPECT_POINTER(memory.bytes + 50 + 24 + 10, PyBuffer_GetPointer(&view, DIMS(4, 5)));
    FREE_UNTOUCHED(memory);
}

static void get_pointer_suboffsets_that_are_not_negative_are_followed(void)
{
    Memory rows[2] = { memory_new(16, 1), memory_new(16, 2) };
    char *table[2] = { (char *)rows[0].bytes, (char *)rows[1].bytes };
    Py_buffer view = view_of(table, 2, 2, DIMS(2, 4), DIMS(sizeof(char *), 2));
    view.suboffsets = DIMS(0, -1);
    EXPECT_POINTER(rows[0].bytes + 6, PyBuffer_GetPointer(&view, DIMS(0, 3)));
    EXPECT_POINTER(rows[1].bytes + 2, PyBuffer_GetPointer(&view, DIMS(1, 1)));
    view.suboffsets = DIMS(8, -1);
    EXPECT_POINTER(rows[1].bytes + 10, PyBuffer_GetPointer(&view, DIMS(1, 1)));
    view.suboffsets = DIMS(-1, -1);
    EXPECT_POINTER((char *)table + sizeof(char *) + 2, PyBuffer_GetPointer(&view, DIMS(1, 1)));
    FREE_UNTOUCHED(rows[0]);
    FREE_UNTOUCHED(rows[1]);
}

static void get_pointer_suboffset_of_the_last_dimension_is_followed(void)
{
    char items[3] = "abc";
    char *table[3] = { items + 2, items, items + 1 };
    Py_buffer view = view_of(table, 1, 1, DIMS(3), DIMS(sizeof(char *)));
    view.suboffsets = DIMS(0);
    EXPECT_POINTER(items + 2, PyBuffer_GetPointer(&view, DIMS(0)));
    EXPECT_POINTER(items + 1, PyBuffer_GetPointer(&view, DIMS(2)));
}

static void get_pointer_ndim_0_or_less_is_buf(void)
{
    char item = 0;
    Py_buffer view = view_of(&item, 1, 0, NULL, NULL);
    EXPECT_POINTER(&item, PyBuffer_GetPointer(&view, NULL));
    view.ndim = -1;
    EXPECT_POINTER(&item, PyBuffer_GetPointer(&view, NULL));
    view.buf = NULL;
    EXPECT_POINTER(NULL, PyBuffer_GetPointer(&view, NULL));
    expect_no_exception(__FILE__, __LINE__, "PyBuffer_GetPointer");
}

static void get_pointer_strides_null_counts_in_c_order(void)
{
    Memory memory = memory_new(24, 0);
    Py_buffer view = view_of(memory.bytes, 4, 2, DIMS(2, 3), NULL);
    EXPECT_POINTER(memory.bytes + 20, PyBuffer_GetPointer(&view, DIMS(1, 2)));
    EXPECT_POINTER(memory.bytes + 4, PyBuffer_GetPointer(&view, DIMS(0, 1)));
    view.ndim = 1;
    EXPECT_POINTER(memory.bytes + 12, PyBuffer_GetPointer(&view, DIMS(3)));
    expect_no_exception(__FILE__, __LINE__, "PyBuffer_GetPointer");
    FREE_UNTOUCHED(memory);
}

static void get_pointer_strides_and_shape_null_counts_items(void)
{
    Memory memory = memory_new(24, 0);
    Py_buffer view = view_of_bytes(memory.bytes, 24);
    view.itemsize = 4;
    EXPECT_POINTER(memory.bytes + 12, PyBuffer_GetPointer(&view, DIMS(3)));
    expect_no_exception(__FILE__, __LINE__, "PyBuffer_GetPointer");
    FREE_UNTOUCHED(memory);
}

static void get_pointer_strides_and_shape_null_with_ndim_2_is_a_value_error(void)
{
    char items[6];
    Py_buffer view = view_of_bytes(items, 6);
    view.ndim = 2;
    void *found = PyBuffer_GetPointer(&view, DIMS(1, 1));
    EXPECT_POINTER(NULL, found);
    expect_exception_naming("ValueError", (const char *[]){ "shape", "2", NULL }, __FILE__,
                            __LINE__, "PyBuffer_GetPointer");
}

const Test pointer_tests[] = {
    TEST(get_pointer_every_index_of_a_strided_view_is_at_its_offset),
    TEST(get_pointer_negative_and_large_indices_are_not_checked),
    TEST(get_pointer_suboffsets_that_are_not_negative_are_followed),
    TEST(get_pointer_suboffset_of_the_last_dimension_is_followed),
    TEST(get_pointer_ndim_0_or_less_is_buf),
    TEST(get_pointer_strides_null_counts_in_c_order),
    TEST(get_pointer_strides_and_shape_null_counts_items),
    TEST(get_pointer_strides_and_shape_null_with_ndim_2_is_a_value_error),
    END_OF_TESTS,
};

/* PyBuffer_FillContiguousStrides. */
#include "harness.h"

#include <string.h>

#include "families.h"
#include "model.h"

static void fill_strides_every_small_shape_agrees_with_the_model(void)
{
    static const Py_ssize_t extents[] = { 0, 1, 2, 3, 7 };
    static const int itemsizes[] = { 1, 3, 8, 24 };
    for (int ndim = 0, n_shapes = 1; ndim <= 4; ndim++, n_shapes *= 5) {
        for (int s = 0; s < n_shapes * 4; s++) {
            Py_ssize_t shape[4] = { 0 }, expected[5], found[5];
            int rest = s / 4;
            for (int i = 0; i < ndim; i++, rest /= 5) {
                shape[i] = extents[rest % 5];
            }
            const char orders[] = { 'C', 'F' };
            for (int k = 0; k < 2; k++) {
                memset(expected, 0xcd, sizeof expected);
                memset(found, 0xcd, sizeof found);
                model_strides(ndim, shape, expected, itemsizes[s % 4], orders[k]);
                PyBuffer_FillContiguousStrides(ndim, shape, found, itemsizes[s % 4], orders[k]);
                EXPECT_BYTES(expected, found, sizeof found);
            }
        }
    }
    expect_no_exception(__FILE__, __LINE__, "PyBuffer_FillContiguousStrides");
}

static void fill_strides_orders_other_than_f_are_c(void)
{
    for (int order = 0; order < 256; order++) {
        Py_ssize_t strides[2];
        PyBuffer_FillContiguousStrides(2, DIMS(2, 3), strides, 4, (char)order);
        EXPECT_INT(order == 'F' ? 4 : 12, strides[0]);
        EXPECT_INT(order == 'F' ? 8 : 4, strides[1]);
    }
}

static void fill_strides_a_dimension_of_zero_makes_the_outer_ones_zero(void)
{
    Py_ssize_t strides[3];
    PyBuffer_FillContiguousStrides(3, DIMS(2, 0, 4), strides, 8, 'C');
    EXPECT_BYTES(DIMS(0, 32, 8), strides, sizeof strides);
    PyBuffer_FillContiguousStrides(3, DIMS(2, 0, 4), strides, 8, 'F');
    EXPECT_BYTES(DIMS(8, 16, 0), strides, sizeof strides);
}

static void fill_strides_ndim_0_or_less_writes_nothing(void)
{
    PyBuffer_FillContiguousStrides(0, NULL, NULL, 8, 'C');
    PyBuffer_FillContiguousStrides(-1, NULL, NULL, 8, 'F');
    Py_ssize_t strides[1] = { 77 };
    PyBuffer_FillContiguousStrides(0, DIMS(5), strides, 8, 'C');
    PyBuffer_FillContiguousStrides(-5, DIMS(5), strides, 8, 'F');
    EXPECT_INT(77, strides[0]);
    expect_no_exception(__FILE__, __LINE__, "PyBuffer_FillContiguousStrides");
}

static void fill_strides_sizes_are_not_judged_and_wrap_as_in_c(void)
{
    Py_ssize_t strides[3];
    PyBuffer_FillContiguousStrides(3, DIMS(2, -3, 5), strides, -4, 'C');
    EXPECT_BYTES(DIMS(60, -20, -4), strides, sizeof strides);
    const Py_ssize_t quarter = PY_SSIZE_T_MAX / 2 + 1;
    PyBuffer_FillContiguousStrides(3, DIMS(7, 7, quarter), strides, 8, 'C');
    EXPECT_BYTES(DIMS(0, 0, 8), strides, sizeof strides);
}

static void fill_strides_null_does_nothing(void)
{
    Py_ssize_t strides[1] = { 77 };
    PyBuffer_FillContiguousStrides(1, DIMS(5), NULL, 8, 'C');
    PyBuffer_FillContiguousStrides(1, NULL, NULL, 8, 'F');
    PyBuffer_FillContiguousStrides(1, NULL, strides, 8, 'C');
    EXPECT_INT(77, strides[0]);
    expect_no_exception(__FILE__, __LINE__, "PyBuffer_FillContiguousStrides");
}

const Test strides_tests[] = {
    TEST(fill_strides_every_small_shape_agrees_with_the_model),
    TEST(fill_strides_orders_other_than_f_are_c),
    TEST(fill_strides_a_dimension_of_zero_makes_the_outer_ones_zero),
    TEST(fill_strides_ndim_0_or_less_writes_nothing),
    TEST(fill_strides_sizes_are_not_judged_and_wrap_as_in_c),
    TEST(fill_strides_null_does_nothing),
    END_OF_TESTS,
};

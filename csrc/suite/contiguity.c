/* PyBuffer_IsContiguous. */
#include "harness.h"

#include <string.h>

#include "families.h"
#include "model.h"

/* Strides to try for one dimension: the right ones of both orders, and wrong ones. */
static Py_ssize_t stride_choice(int choice, Py_ssize_t c_stride, Py_ssize_t f_stride)
{
    const Py_ssize_t choices[] = { c_stride, f_stride, 0, -c_stride, c_stride + 1 };
    return choices[choice];
}

enum { STRIDE_CHOICES = 5 };

static void is_contiguous_every_small_layout_agrees_with_the_model(void)
{
    static const Py_ssize_t extents[] = { 0, 1, 2, 3 };
    for (int ndim = 1; ndim <= 3; ndim++) {
        int n_shapes = 1, n_strides = 1;
        for (int i = 0; i < ndim; i++) {
            n_shapes *= 4;
            n_strides *= STRIDE_CHOICES;
        }
        for (int s = 0; s < n_shapes * n_strides; s++) {
            Py_ssize_t shape[3], strides[3], c[3], f[3];
            int rest = s;
            for (int i = 0; i < ndim; i++, rest /= 4) {
                shape[i] = extents[rest % 4];
            }
            model_strides(ndim, shape, c, 2, 'C');
            model_strides(ndim, shape, f, 2, 'F');
            for (int i = 0; i < ndim; i++, rest /= STRIDE_CHOICES) {
                strides[i] = stride_choice(rest % STRIDE_CHOICES, c[i], f[i]);
            }
            Py_buffer view = view_of(NULL, 2, ndim, shape, strides);
            const bool is_c = view.len == 0 || model_is_contiguous(&view, 'C');
            const bool is_f = view.len == 0 || model_is_contiguous(&view, 'F');
            EXPECT_INT(is_c, PyBuffer_IsContiguous(&view, 'C'));
            EXPECT_INT(is_f, PyBuffer_IsContiguous(&view, 'F'));
            EXPECT_INT(is_c || is_f, PyBuffer_IsContiguous(&view, 'A'));
        }
    }
    expect_no_exception(__FILE__, __LINE__, "PyBuffer_IsContiguous");
}

static void expect_contiguous(const Py_buffer *view, int c, int f, int any, int line)
{
    expect_int(c, PyBuffer_IsContiguous(view, 'C'), __FILE__, line, "contiguous in order C");
    expect_int(f, PyBuffer_IsContiguous(view, 'F'), __FILE__, line, "contiguous in order F");
    expect_int(any, PyBuffer_IsContiguous(view, 'A'), __FILE__, line, "contiguous in any order");
    expect_no_exception(__FILE__, line, "PyBuffer_IsContiguous");
}
#define EXPECT_CONTIGUOUS(view, c, f, any) expect_contiguous(&(view), c, f, any, __LINE__)

static void is_contiguous_orders_other_than_c_f_a_are_never(void)
{
    Py_buffer bytes = view_of_bytes(NULL, 4), empty = view_of_bytes(NULL, 0);
    for (int order = 0; order < 256; order++) {
        const int known = order == 'C' || order == 'F' || order == 'A';
        EXPECT_INT(known, PyBuffer_IsContiguous(&bytes, (char)order));
        EXPECT_INT(known, PyBuffer_IsContiguous(&empty, (char)order));
    }
}

static void is_contiguous_with_suboffsets_is_never(void)
{
    Py_buffer view = view_of(NULL, 1, 1, DIMS(4), DIMS(1));
    view.suboffsets = DIMS(-1);
    EXPECT_CONTIGUOUS(view, 0, 0, 0);
    view.len = 0;
    EXPECT_CONTIGUOUS(view, 0, 0, 0);
    view.ndim = 0;
    EXPECT_CONTIGUOUS(view, 0, 0, 0);
}

static void is_contiguous_len_0_is_always(void)
{
    Py_buffer view = view_of(NULL, 8, 2, DIMS(0, 5), DIMS(-3, 1));
    EXPECT_CONTIGUOUS(view, 1, 1, 1);
    view.shape = DIMS(2, 5); /* a lie */
    EXPECT_CONTIGUOUS(view, 1, 1, 1);
    view.shape = NULL;
    EXPECT_CONTIGUOUS(view, 1, 1, 1);
}

static void is_contiguous_without_strides_is_c(void)
{
    Py_buffer view = view_of(NULL, 1, 2, DIMS(2, 3), NULL);
    EXPECT_CONTIGUOUS(view, 1, 0, 1);
    view.shape = DIMS(1, 6);
    EXPECT_CONTIGUOUS(view, 1, 1, 1);
    view.shape = DIMS(6, 1);
    EXPECT_CONTIGUOUS(view, 1, 1, 1);
    view.shape = DIMS(6, -4);
    EXPECT_CONTIGUOUS(view, 1, 1, 1);
    view.ndim = 1;
    view.shape = NULL;
    EXPECT_CONTIGUOUS(view, 1, 1, 1);
}

static void is_contiguous_ndim_0_is_always(void)
{
    Py_buffer view = view_of(NULL, 4, 0, NULL, NULL);
    EXPECT_CONTIGUOUS(view, 1, 1, 1);
    view.len = 24; /* NumPy's answer to PyBUF_SIMPLE of a 2 by 3 array */
    EXPECT_CONTIGUOUS(view, 1, 1, 1);
    view.ndim = -1;
    EXPECT_CONTIGUOUS(view, 1, 1, 1);
}

static void is_contiguous_strides_of_ndim_0_or_less_are_not_read(void)
{
    Py_buffer view = view_of(NULL, 4, 0, NULL, NULL);
    view.strides = DIMS(99);
    EXPECT_CONTIGUOUS(view, 1, 1, 1);
    view.ndim = -1;
    EXPECT_CONTIGUOUS(view, 1, 1, 1);
}

static void is_contiguous_dimensions_of_one_or_less_may_have_any_stride(void)
{
    Py_buffer view = view_of(NULL, 4, 3, DIMS(1, 6, 1), DIMS(99, 4, -99));
    EXPECT_CONTIGUOUS(view, 1, 1, 1);
    view.shape = DIMS(-3, 6, 1);
    EXPECT_CONTIGUOUS(view, 1, 0, 1); /* but they count for the next one's stride */
    view.shape = DIMS(1, 6, 0);
    EXPECT_CONTIGUOUS(view, 0, 1, 1);
}

static void is_contiguous_sizes_wrap_as_in_c(void)
{
    /* 4 * 2**62 is 0 in 64 bits, and so on in 32. */
    const Py_ssize_t quarter = PY_SSIZE_T_MAX / 2 + 1;
    Py_buffer view = view_of_bytes(NULL, 16);
    view.itemsize = 4;
    view.ndim = 2;
    view.shape = DIMS(2, quarter);
    view.strides = DIMS(0, 4);
    EXPECT_CONTIGUOUS(view, 1, 0, 1);
    view.strides = DIMS(4, 8);
    EXPECT_CONTIGUOUS(view, 0, 1, 1);
    view.shape = DIMS(quarter, 2);
    view.strides = DIMS(4, 0);
    EXPECT_CONTIGUOUS(view, 0, 1, 1);
}

static void is_contiguous_view_null_is_false(void)
{
    EXPECT_OK(0, PyBuffer_IsContiguous(NULL, 'C'));
    EXPECT_OK(0, PyBuffer_IsContiguous(NULL, 'F'));
    EXPECT_OK(0, PyBuffer_IsContiguous(NULL, 'A'));
}

static void is_contiguous_shape_null_with_strides_is_false(void)
{
    Py_buffer view = view_of_bytes(NULL, 6);
    view.strides = DIMS(1, 1);
    EXPECT_CONTIGUOUS(view, 0, 0, 0);
    view.ndim = 2;
    EXPECT_CONTIGUOUS(view, 0, 0, 0);
}

static void is_contiguous_shape_and_strides_null_with_ndim_2_is_c_alone(void)
{
    Py_buffer view = view_of_bytes(NULL, 6);
    view.ndim = 2;
    EXPECT_CONTIGUOUS(view, 1, 0, 1);
}

const Test contiguity_tests[] = {
    TEST(is_contiguous_every_small_layout_agrees_with_the_model),
    TEST(is_contiguous_orders_other_than_c_f_a_are_never),
    TEST(is_contiguous_with_suboffsets_is_never),
    TEST(is_contiguous_len_0_is_always),
    TEST(is_contiguous_without_strides_is_c),
    TEST(is_contiguous_ndim_0_is_always),
    TEST(is_contiguous_strides_of_ndim_0_or_less_are_not_read),
    TEST(is_contiguous_dimensions_of_one_or_less_may_have_any_stride),
    TEST(is_contiguous_sizes_wrap_as_in_c),
    TEST(is_contiguous_view_null_is_false),
    TEST(is_contiguous_shape_null_with_strides_is_false),
    TEST(is_contiguous_shape_and_strides_null_with_ndim_2_is_c_alone),
    END_OF_TESTS,
};

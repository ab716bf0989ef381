/* PyObject_CopyData between every pair of small layouts of up to 3 dimensions: both sides dense or
 * with gaps, in every order in memory, each stride of either sign; sources as large as the
 * destination, and smaller. */
#include "harness.h"

#include <string.h>

#include "families.h"
#include "model.h"

enum { MARGIN = 32, LARGEST = 1024 };

static const Py_ssize_t itemsizes[] = { 1, 2, 3, 4, 5, 8, 11, 16 };

/* Strides number `k`: the order of the dimensions, their signs, a gap. Returns the bytes that the
 * items span; `*origin` is where the first is. */
static Py_ssize_t lay_out(int ndim, const Py_ssize_t *shape, int k, Py_ssize_t itemsize,
                          Py_ssize_t *strides, Py_ssize_t *origin)
{
    static const int all_axes[6][3] = { { 0, 1, 2 }, { 1, 0, 2 }, { 0, 2, 1 },
                                        { 2, 0, 1 }, { 1, 2, 0 }, { 2, 1, 0 } };
    const int *axes = all_axes[k / 8 % 6];
    Py_ssize_t size = itemsize + (k % 5 == 4);
    *origin = 0;
    for (int i = 2; i >= 0; i--) {
        const int axis = axes[i];
        if (axis >= ndim) {
            continue;
        }
        const int is_descending = k >> axis & 1;
        strides[axis] = is_descending ? -size : size;
        *origin += is_descending && shape[axis] > 0 ? (shape[axis] - 1) * size : 0;
        size *= shape[axis] > 0 ? shape[axis] : 1;
    }
    return size;
}

static Array *new_array(int ndim)
{
    const Py_ssize_t shape[3] = { 1, 1, 1 };
    return (Array *)array_new((ArrayLayout){ .itemsize = 1, .ndim = ndim, .shape = shape });
}

/* Makes an array another one, for speed: a new one for each pair would take most of the time. */
static void rearrange(Array *array, void *buf, Py_ssize_t itemsize, const Py_ssize_t *shape,
                      const Py_ssize_t *strides)
{
    array->whole.buf = buf;
    array->whole.itemsize = array->whole.len = itemsize;
    for (int i = 0; i < array->whole.ndim; i++) {
        array->shape[i] = shape[i];
        array->strides[i] = strides[i];
        array->whole.len *= shape[i];
    }
}

static void check_pairs_of(int ndim)
{
    static unsigned char in[LARGEST], expected[LARGEST], found[LARGEST];
    for (int i = 0; i < LARGEST; i++) {
        in[i] = (unsigned char)(i * 7 % 251);
    }
    int n_shapes = 1;
    for (int i = 0; i < ndim; i++) {
        n_shapes *= 3;
    }
    Array *dest_array = new_array(ndim), *src_array = new_array(ndim);
    const int n_layouts = ndim == 3 ? 48 : 16, step = is_quick() ? 7 : 1;
    int turn = 0;
    for (int s = 0; s < n_shapes; s++) {
        for (int k = 0; k < n_layouts * n_layouts; k += step, turn++) {
            Py_ssize_t shape[3], smaller[3], strides[3], src_strides[3], origin, src_origin;
            int rest = s;
            for (int i = 0; i < ndim; i++, rest /= 3) {
                shape[i] = 1 + rest % 3;
                smaller[i] = turn % 11 == i ? shape[i] - 1 : shape[i];
            }
            const Py_ssize_t itemsize = itemsizes[turn % 8];
            const Py_ssize_t span =
                lay_out(ndim, shape, k / n_layouts, itemsize, strides, &origin);
            lay_out(ndim, smaller, k % n_layouts, itemsize, src_strides, &src_origin);

            const size_t end = (size_t)span + 2 * MARGIN;
            memset(expected, 0xcd, end);
            memset(found, 0xcd, end);
            rearrange(src_array, in + MARGIN + src_origin, itemsize, smaller, src_strides);
            rearrange(dest_array, expected + MARGIN + origin, itemsize, shape, strides);
            const Py_buffer *dest = &dest_array->whole, *src = &src_array->whole;
            const char order =
                model_is_contiguous(dest, 'C') && model_is_contiguous(src, 'C')   ? 'C'
                : model_is_contiguous(dest, 'F') && model_is_contiguous(src, 'F') ? 'F'
                                                                                  : 0;
            if (order != 0) {
                model_gather(expected + MARGIN, src, order);
            } else {
                model_copy(dest, src);
            }
            rearrange(dest_array, found + MARGIN + origin, itemsize, shape, strides);
            EXPECT_OK(0, PyObject_CopyData((PyObject *)dest_array, (PyObject *)src_array));
            EXPECT_BYTES(expected, found, end);
        }
    }
    EXPECT_INT(turn, atomic_load(&dest_array->releases));
    EXPECT_INT(turn, atomic_load(&src_array->releases));
    Py_DECREF(dest_array);
    Py_DECREF(src_array);
}

static void copy_data_every_pair_of_1_dimension_agrees_with_the_model(void)
{
    check_pairs_of(1);
}

static void copy_data_every_pair_of_2_dimensions_agrees_with_the_model(void)
{
    check_pairs_of(2);
}

static void copy_data_every_pair_of_3_dimensions_agrees_with_the_model(void)
{
    check_pairs_of(3);
}

const Test copy_data_grid_tests[] = {
    TEST(copy_data_every_pair_of_1_dimension_agrees_with_the_model),
    TEST(copy_data_every_pair_of_2_dimensions_agrees_with_the_model),
    TEST(copy_data_every_pair_of_3_dimensions_agrees_with_the_model),
    END_OF_TESTS,
};

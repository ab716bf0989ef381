/* PyBuffer_ToContiguous and PyBuffer_FromContiguous over every small layout.
 *
 * Up to 4 dimensions of 0, 1, 2, 3 or 7 items, in every order in memory, each stride of either
 * sign. Itemsize, gaps between the items, order and the part that FromContiguous copies go round
 * with periods that share no divisor with the number of layouts, so that all of them meet. */
#include "harness.h"

#include <string.h>

#include "families.h"
#include "model.h"

enum {
    N_EXTENTS = 5,
    MARGIN = 64,
    N_ITEMSIZES = 19,
    N_GAPS = 11,
    LARGEST = 160000, /* 7**4 items of 32 bytes with gaps */
};

static const Py_ssize_t extents[N_EXTENTS] = { 0, 1, 2, 3, 7 };
static const Py_ssize_t itemsizes[N_ITEMSIZES] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
                                                   16, 17, 24, 32 };
static const char orders[] = { 'C', 'F', 'A' };

/* Bytes between two neighbours in memory; none for most layouts, as most are dense. */
static const Py_ssize_t gaps[N_GAPS] = { 0, 1, 0, 8, 0, 0, 3, 0, 0, 16, 0 };

static unsigned char src[LARGEST], expected[LARGEST], found[LARGEST];

/* The k-th order of ndim dimensions, the innermost last. */
static void nth_permutation(int ndim, int k, int *axes)
{
    int left[4] = { 0, 1, 2, 3 };
    for (int i = 0; i < ndim; i++) {
        const int n_left = ndim - i, at = k % n_left;
        k /= n_left;
        axes[i] = left[at];
        memmove(left + at, left + at + 1, (size_t)(n_left - at - 1) * sizeof *left);
    }
}

/* Strides for a shape whose dimensions lie in memory as `axes` says, the bits of `signs` marking
 * the descending ones. Returns the bytes that the items span; `*origin` is where the first is. */
static Py_ssize_t lay_out(int ndim, const Py_ssize_t *shape, const int *axes, int signs,
                          Py_ssize_t itemsize, Py_ssize_t gap, Py_ssize_t *strides,
                          Py_ssize_t *origin)
{
    Py_ssize_t size = itemsize;
    *origin = 0;
    for (int i = ndim - 1; i >= 0; i--) {
        const int axis = axes[i];
        const Py_ssize_t stride = size + gap;
        const Py_ssize_t last = shape[axis] > 0 ? (shape[axis] - 1) * stride : 0;
        if (signs & 1 << axis) {
            strides[axis] = -stride;
            *origin += last;
        } else {
            strides[axis] = stride;
        }
        size += last;
    }
    return size;
}

static void check_to(Py_buffer *view, char order)
{
    const char model_order = order == 'F' || (order == 'A' && model_is_contiguous(view, 'F')
                                              && !model_is_contiguous(view, 'C'))
                                 ? 'F'
                                 : 'C';
    const size_t end = (size_t)view->len + 2 * MARGIN;
    memset(expected, 0xcd, end);
    memset(found, 0xcd, end);
    model_gather(expected + MARGIN, view, model_order);
    EXPECT_OK(0, PyBuffer_ToContiguous(found + MARGIN, view, view->len, order));
    EXPECT_BYTES(expected, found, end);
}

static void check_from(Py_buffer *view, Py_ssize_t len, char order, Py_ssize_t span,
                       Py_ssize_t origin)
{
    const char model_order = order == 'F' || (order == 'A' && model_is_contiguous(view, 'F')
                                              && !model_is_contiguous(view, 'C'))
                                 ? 'F'
                                 : 'C';
    const size_t end = (size_t)span + 2 * MARGIN;
    memset(expected, 0xcd, end);
    memset(found, 0xcd, end);
    view->buf = expected + MARGIN + origin;
    model_scatter(view, src, len / view->itemsize, model_order);
    view->buf = found + MARGIN + origin;
    EXPECT_OK(0, PyBuffer_FromContiguous(view, src, len, order));
    EXPECT_BYTES(expected, found, end);
}

static void check_layouts_of(int ndim)
{
    int n_shapes = 1, n_permutations = 1;
    for (int i = 0; i < ndim; i++) {
        n_shapes *= N_EXTENTS;
        n_permutations *= i + 1;
    }
    const int n_signs = 1 << ndim;
    /* Few dimensions meet every itemsize and order, more of them meet some. */
    const int n_rounds = is_quick() ? 1 : ndim < 2 ? 1000 : ndim == 2 ? 300 : ndim == 3 ? 19 : 1;
    const int step = is_quick() && ndim > 2 ? 31 : 1;

    unsigned turn = 0;
    for (int k = 0; k < n_shapes * n_permutations * n_signs * n_rounds; k += step, turn++) {
        Py_ssize_t shape[4], strides[4], origin;
        int axes[4], rest = k / n_rounds;
        const int signs = rest % n_signs;
        rest /= n_signs;
        nth_permutation(ndim, rest % n_permutations, axes);
        rest /= n_permutations;
        for (int i = 0; i < ndim; i++, rest /= N_EXTENTS) {
            shape[i] = extents[rest % N_EXTENTS];
        }
        const Py_ssize_t itemsize = itemsizes[turn % N_ITEMSIZES];
        const Py_ssize_t gap = gaps[turn % N_GAPS];
        const char order = orders[turn / N_GAPS % 3];
        const Py_ssize_t span =
            lay_out(ndim, shape, axes, signs, itemsize, gap, strides, &origin);

        Py_buffer view = view_of(src + MARGIN + origin, itemsize, ndim, shape, strides);
        check_to(&view, order);
        const Py_ssize_t len = turn % 13 == 0 ? view.len / itemsize / 2 * itemsize : view.len;
        check_from(&view, len, order, span, origin);
    }
}

static void fill_src(void)
{
    for (size_t i = 0; i < sizeof src; i++) {
        src[i] = (unsigned char)((i * 167 + i / 251) % 253);
    }
}

#define GRID_TEST(name, ndim)                                                                      \
    static void name(void)                                                                         \
    {                                                                                              \
        fill_src();                                                                                \
        check_layouts_of(ndim);                                                                    \
    }

GRID_TEST(grid_every_layout_of_one_item_agrees_with_the_model, 0)
GRID_TEST(grid_every_layout_of_1_dimension_agrees_with_the_model, 1)
GRID_TEST(grid_every_layout_of_2_dimensions_agrees_with_the_model, 2)
GRID_TEST(grid_every_layout_of_3_dimensions_agrees_with_the_model, 3)
GRID_TEST(grid_every_layout_of_4_dimensions_agrees_with_the_model, 4)

const Test grid_tests[] = {
    TEST(grid_every_layout_of_one_item_agrees_with_the_model),
    TEST(grid_every_layout_of_1_dimension_agrees_with_the_model),
    TEST(grid_every_layout_of_2_dimensions_agrees_with_the_model),
    TEST(grid_every_layout_of_3_dimensions_agrees_with_the_model),
    TEST(grid_every_layout_of_4_dimensions_agrees_with_the_model),
    END_OF_TESTS,
};

#include "model.h"

#include <stdlib.h>
#include <string.h>

static Py_ssize_t extent(const Py_buffer *view, int i)
{
    return view->shape ? view->shape[i] : view->len / view->itemsize;
}

Py_ssize_t model_n_items(const Py_buffer *view)
{
    Py_ssize_t n_items = 1;
    for (int i = 0; i < view->ndim; i++) {
        n_items *= extent(view, i);
    }
    return n_items;
}

unsigned char *model_item(const Py_buffer *view, const Py_ssize_t *index)
{
    unsigned char *item = view->buf;
    for (int i = 0; i < view->ndim; i++) {
        Py_ssize_t stride = view->itemsize;
        for (int j = i + 1; j < view->ndim; j++) {
            stride *= extent(view, j);
        }
        item += index[i] * (view->strides ? view->strides[i] : stride);
        if (view->suboffsets && view->suboffsets[i] >= 0) {
            unsigned char *next;
            memcpy(&next, item, sizeof next);
            item = next + view->suboffsets[i];
        }
    }
    return item;
}

void model_next(int ndim, Py_ssize_t *index, const Py_ssize_t *shape, char order)
{
    for (int i = 0; i < ndim; i++) {
        int k = order == 'F' ? i : ndim - 1 - i;
        if (++index[k] < shape[k]) {
            return;
        }
        index[k] = 0;
    }
}

void model_strides(int ndim, const Py_ssize_t *shape, Py_ssize_t *strides, Py_ssize_t itemsize,
                   char order)
{
    for (int i = 0; i < ndim; i++) {
        strides[i] = itemsize;
        for (int j = 0; j < ndim; j++) {
            if (order == 'F' ? j < i : j > i) {
                strides[i] *= shape[j];
            }
        }
    }
}

bool model_is_contiguous(const Py_buffer *view, char order)
{
    Py_ssize_t strides[PyBUF_MAX_NDIM];
    model_strides(view->ndim, view->shape, strides, view->itemsize, order);
    for (int i = 0; i < view->ndim; i++) {
        if (view->shape[i] > 1 && view->strides[i] != strides[i]) {
            return false;
        }
    }
    return true;
}

/* The shape as an array, also where the view has none. */
static void copy_shape(const Py_buffer *view, Py_ssize_t *shape)
{
    for (int i = 0; i < view->ndim; i++) {
        shape[i] = extent(view, i);
    }
}

void model_gather(unsigned char *out, const Py_buffer *view, char order)
{
    Py_ssize_t index[PyBUF_MAX_NDIM] = { 0 }, shape[PyBUF_MAX_NDIM];
    copy_shape(view, shape);
    for (Py_ssize_t n = model_n_items(view); n > 0; n--) {
        memcpy(out, model_item(view, index), (size_t)view->itemsize);
        out += view->itemsize;
        model_next(view->ndim, index, shape, order);
    }
}

void model_scatter(const Py_buffer *view, const unsigned char *in, Py_ssize_t n_items, char order)
{
    Py_ssize_t index[PyBUF_MAX_NDIM] = { 0 }, shape[PyBUF_MAX_NDIM];
    copy_shape(view, shape);
    for (; n_items > 0; n_items--) {
        memcpy(model_item(view, index), in, (size_t)view->itemsize);
        in += view->itemsize;
        model_next(view->ndim, index, shape, order);
    }
}

void model_copy(const Py_buffer *dest, const Py_buffer *src)
{
    const Py_ssize_t n_items = model_n_items(src), size = src->itemsize;
    unsigned char *items = malloc((size_t)(n_items * size) + 1);
    Py_ssize_t index[PyBUF_MAX_NDIM] = { 0 }, shape[PyBUF_MAX_NDIM];
    copy_shape(src, shape);
    model_gather(items, src, 'C');
    for (Py_ssize_t n = 1; n <= n_items; n++) {
        model_next(src->ndim, index, shape, 'C');
        memcpy(model_item(dest, index), items + n % n_items * size, (size_t)size);
    }
    free(items);
}

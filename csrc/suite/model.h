/* What the functions should do, said as plainly as possible and as slowly as it may be.
 *
 * Nothing here calls a function under test. Views are believed: they must be valid. */
#ifndef SUITE_MODEL_H
#define SUITE_MODEL_H

#include "harness.h"

/* The number of items. */
Py_ssize_t model_n_items(const Py_buffer *view);

/* The first byte of an item. A missing shape is len / itemsize, missing strides are C strides. */
unsigned char *model_item(const Py_buffer *view, const Py_ssize_t *index);

/* Goes to the next index, the last dimension running fastest, or in order 'F' the first. */
void model_next(int ndim, Py_ssize_t *index, const Py_ssize_t *shape, char order);

/* The strides of items back to back. */
void model_strides(int ndim, const Py_ssize_t *shape, Py_ssize_t *strides, Py_ssize_t itemsize,
                   char order);

/* Whether items lie back to back in order 'C' or 'F'. Dimensions of one or no item do not count. */
bool model_is_contiguous(const Py_buffer *view, char order);

/* The items of a view, in C order or 'F', to back-to-back memory. */
void model_gather(unsigned char *out, const Py_buffer *view, char order);

/* The first `n_items` items from back-to-back memory to the view. */
void model_scatter(const Py_buffer *view, const unsigned char *in, Py_ssize_t n_items, char order);

/* The items of `src` to the leading corner of `dest`. The first item is written last, as libpython
 * does: it shows where items of `dest` share memory. */
void model_copy(const Py_buffer *dest, const Py_buffer *src);

#endif

/* What the tests of DLPack share: the functions, and tensors of the tests' own. */
#ifndef SUITE_DLPACK_H
#define SUITE_DLPACK_H

#include "harness.h"

#include <libpybuffer.h>

/* The suite is linked with libpython alone, too: these tests are not run there. */
#pragma weak pybuffer_to_dlpack
#pragma weak pybuffer_to_dlpack_legacy
#pragma weak pybuffer_view_to_dlpack
#pragma weak pybuffer_from_dlpack
#pragma weak pybuffer_from_dlpack_legacy
#pragma weak pybuffer_dlpack_dtype_name

/* A tensor of the tests' own, in both structs, whose deleters count their calls: a second one is a failed expectation. */
typedef struct {
    DLManagedTensorVersioned versioned;
    DLManagedTensor legacy;
    int n_deletions;
} OwnTensor;

/* Makes a tensor of CPU memory; `shape` and `strides` are borrowed. */
void own_tensor(OwnTensor *own, void *data, DLDataType dtype, int ndim, int64_t *shape, int64_t *strides);

#define DTYPE(code, bits) ((DLDataType){ (code), (bits), 1 })
#define DIMS64(...) ((int64_t[]){ __VA_ARGS__ })

#endif

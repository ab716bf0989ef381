/* The families of tests: this list is the only one. The family NAME is the file NAME.c, whose last definition is the
 * array NAME_tests. (tests/c_suite.rs reads the list to know what to compile.) */
#ifndef SUITE_FAMILIES_H
#define SUITE_FAMILIES_H

#include "harness.h"

/* Those that are compiled for both worlds. */
#define FAMILIES_OF_BOTH_WORLDS(X) \
    X(get_release) \
    X(fill_info) \
    X(contiguity) \
    X(strides) \
    X(pointer) \
    X(size_from_format) \
    X(to_contiguous) \
    X(from_contiguous) \
    X(grid) \
    X(copy_data) \
    X(copy_data_wrong) \
    X(copy_data_grid) \
    X(copy_views) \
    X(copy_parts) \
    X(legacy) \
    X(null_arguments) \
    X(exceptions) \
    X(formats) \
    X(formats_wrong) \
    X(formats_equivalent) \
    X(memoryview) \
    X(memoryview_requests) \
    X(memoryview_contiguous) \
    X(memoryview_owner) \
    X(dlpack_to) \
    X(dlpack_from) \
    X(check) \
    X(check_threads)

/* Those of one. */
#ifdef STANDALONE
#define FAMILIES(X) FAMILIES_OF_BOTH_WORLDS(X) X(objects)
#else
#define FAMILIES(X) FAMILIES_OF_BOTH_WORLDS(X) X(host)
#endif

#define DECLARE_FAMILY(name) extern const Test name##_tests[];
FAMILIES(DECLARE_FAMILY)

#endif

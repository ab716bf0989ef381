/* The families of tests, one file each. */
#ifndef SUITE_FAMILIES_H
#define SUITE_FAMILIES_H

#include "harness.h"

extern const Test get_release_tests[];
extern const Test fill_info_tests[];
extern const Test contiguity_tests[];
extern const Test strides_tests[];
extern const Test pointer_tests[];
extern const Test size_from_format_tests[];
extern const Test to_contiguous_tests[];
extern const Test from_contiguous_tests[];
extern const Test grid_tests[];
extern const Test copy_data_tests[];
extern const Test copy_data_grid_tests[];
extern const Test copy_views_tests[];
extern const Test legacy_tests[];
extern const Test null_argument_tests[];
extern const Test exception_tests[];
extern const Test format_tests[];
extern const Test memoryview_tests[];
extern const Test memoryview_contiguous_tests[];
extern const Test memoryview_owner_tests[];
extern const Test check_tests[];
#ifdef STANDALONE
extern const Test object_tests[];
#else
extern const Test host_tests[];
#endif

#endif

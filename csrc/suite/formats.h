/* What the tests of formats share. libpybuffer's own functions: where libpython's are under test, there is nothing to test. */
#ifndef SUITE_FORMATS_H
#define SUITE_FORMATS_H

#include "harness.h"

#include <libpybuffer.h>

#ifndef STANDALONE
#pragma weak pybuffer_format_parse
#pragma weak pybuffer_format_itemsize
#pragma weak pybuffer_format_equivalent
#endif

/* A test of what libpython does not have. */
#define OURS_TEST(name)                                                                            \
    static void name##_by_us(void);                                                                \
    static void name(void)                                                                         \
    {                                                                                              \
        if (!functions_are_libpythons()) {                                                         \
            name##_by_us();                                                                        \
        }                                                                                          \
    }                                                                                              \
    static void name##_by_us(void)

#define IS_LITTLE_ENDIAN (*(const char *)&(const int){ 1 } == 1)

#endif

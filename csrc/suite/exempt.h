/* Where libpython is known to fail the suite. */
#ifndef SUITE_EXEMPT_H
#define SUITE_EXEMPT_H

#include <stdbool.h>

typedef enum {
    FAILS,    /* libpython crashes, or its result is wrong */
    MAY_FAIL, /* in some versions it does */
} Outcome;

typedef enum {
    EVERYWHERE,
    DEBUG_BUILDS, /* an assertion of CPython's own, off in release builds, ends the process */
    BEFORE_3_9,   /* the function is missing */
} Where;

typedef struct {
    const char *test;
    Outcome outcome;
    Where where;
} Exemption;

/* Ends with a test of NULL. */
extern const Exemption exemptions[];

#endif

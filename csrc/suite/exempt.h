/* Where libpython is known to fail the suite. */
#ifndef SUITE_EXEMPT_H
#define SUITE_EXEMPT_H

#include <stdbool.h>

typedef enum {
    CRASHES,  /* libpython crashes, or its result is wrong: the test must fail there */
    UNDEFINED /* C leaves open what libpython does: the test may pass by luck */
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

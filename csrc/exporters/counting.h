/* An exporter that counts its views, and says so if more are released than there are: by atomic operations, or not, so
 * that several threads that use it at once make it count wrongly. */
#ifndef EXPORTERS_COUNTING_H
#define EXPORTERS_COUNTING_H

#include "python_or_pybuffer.h"

#include <stdatomic.h>

/* The rule that it breaks unless it is atomic. */
#define COUNTING_RULE "threads"

typedef struct {
    PyObject_HEAD
    int is_atomic;
    atomic_long exports;
    char items[16];
} Counting;

/* Initialises the type. To be called once; 0, or -1 with an exception set. */
int counting_ready(void);

/* A new exporter; NULL with an exception set without memory. */
PyObject *counting_new(int is_atomic);

#endif

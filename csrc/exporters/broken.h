/* An exporter that keeps the contract of the buffer protocol but for one thing: a 2 by 3 array of int
 * (or what else it takes to break the rule) that answers every request, and makes one mistake. */
#ifndef EXPORTERS_BROKEN_H
#define EXPORTERS_BROKEN_H

#include "python_or_pybuffer.h"

/* A mistake, and the rule that it breaks. */
typedef struct {
    const char *rule;     /* the rule's name */
    const char *mistake;  /* what is done wrong */
    const char *field;    /* the field that the finding names */
    int needs_references; /* can be told only where references can be counted */
    int is_of_answers;    /* needs more than one answer, or the call, to be told */
} Mistake;

extern const Mistake broken_mistakes[];
extern const int broken_n_mistakes;

typedef struct {
    PyObject_HEAD
    int mistake;       /* index in broken_mistakes; -1: none */
    int calls;         /* of getbuffer */
    int last_flags;    /* of its last request */
    int views;         /* handed out and not taken back */
    int too_many;      /* references that were taken and will not be dropped */
    int items[12];
    int *rows[2];
    struct {
        Py_ssize_t shape[2], strides[2], suboffsets[2];
        char format[8];
    } arrays[2];
} Broken;

/* Makes the type usable. To be called once; 0, or -1 with an exception set. */
int broken_ready(void);

/* A new exporter that makes a mistake, or none; NULL with an exception set if memory is short. */
Broken *broken_new(int mistake);

/* Drops the references that its mistake has left, and one more. */
void broken_free(Broken *broken);

/* The number of these that have not been deallocated. */
long broken_alive(void);

#endif

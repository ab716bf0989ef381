/* An exporter that makes one mistake, and otherwise keeps the contract of the buffer protocol. It is a 2 by 3 array of
 * int, or whatever it takes to break the rule. */
#ifndef EXPORTERS_BROKEN_H
#define EXPORTERS_BROKEN_H

#include "python_or_pybuffer.h"

/* A mistake, and the rule that it breaks. */
typedef struct {
    const char *rule;     /* the rule's name */
    const char *mistake;  /* what is done wrong */
    const char *field;    /* the field that the finding names */
    int needs_references; /* noticed only where references can be counted */
    int is_of_answers;    /* noticed only by asking: one view does not show it */
} Mistake;

extern const Mistake broken_mistakes[];
extern const int broken_n_mistakes;

typedef struct {
    PyObject_HEAD
    int mistake;       /* index in broken_mistakes; -1: none */
    int calls;         /* of getbuffer */
    int last_flags;    /* of its last request */
    int views;         /* acquired and not released */
    int too_many;      /* references that the mistake has taken */
    int items[12];
    int *rows[2];
    struct {
        Py_ssize_t shape[2], strides[2], suboffsets[2];
        char format[8];
    } arrays[2];
    Py_ssize_t behind[64]; /* whoever is told of 65 dimensions may look as far */
} Broken;

/* Initialises the type. To be called once; 0, or -1 with an exception set. */
int broken_ready(void);

/* A new exporter that makes a mistake, or none (-1); NULL with an exception set without memory. */
Broken *broken_new(int mistake);

/* Drops the references that the mistake has taken, and one more. */
void broken_free(Broken *broken);

/* The number of these exporters that are not yet deallocated. */
long broken_alive(void);

#endif

/* An exporter that misbehaves on demand: it hands out the view it is told to, true or not, and
 * returns what it is told to, with or without an exception. It remembers what it was asked. */
#ifndef EXPORTERS_SCRIPTED_H
#define EXPORTERS_SCRIPTED_H

#include "python_or_pybuffer.h"

typedef struct Scripted {
    PyObject_HEAD

    /* The script. */
    Py_buffer answer;         /* handed out as it is, but for obj */
    int result;               /* what getbuffer returns; on -1 it touches nothing but obj */
    PyObject *exception;      /* raised before returning, or NULL; borrowed */
    int without_obj;          /* view->obj becomes NULL, not self */
    int obj_on_failure;       /* view->obj becomes self (without a reference) although it fails */
    PyObject *redirect;       /* view->obj becomes a new reference to this; borrowed */

    /* What happened. */
    int gets;                 /* calls of getbuffer */
    int last_flags;           /* its request */
    int releases;             /* calls of releasebuffer */
    int released_at;          /* how many calls, of all exporters, the last of them made */
    int exception_at_release; /* whether an exception was pending then */
    Py_buffer *last_view;     /* the view that came back last */
    PyObject *last_obj;       /* its obj at that time */
} Scripted;

/* Make the types usable. To be called once; 0, or -1 with an exception set. */
int scripted_ready(void);

/* A new exporter whose answer is `answer`; NULL with an exception set if memory is short. */
Scripted *scripted_new(Py_buffer answer);

/* The same, of a type that has no bf_releasebuffer. */
Scripted *scripted_new_unreleased(Py_buffer answer);

/* The number of scripted exporters, and plain objects, that have not been deallocated. */
long scripted_alive(void);

/* The slots of the type, for a test that exchanges one. */
extern PyBufferProcs scripted_as_buffer;

/* Counts every call that runs into scripted_dealloc. */
extern int scripted_deallocs;

/* Objects that export nothing. */
PyObject *plain_new(void);          /* its type has no tp_as_buffer; its name is "exporters.plain" */
PyObject *plain_slotless_new(void); /* its type has a tp_as_buffer without bf_getbuffer */
PyObject *plain_named_new(const char *name); /* named so; one at a time, name borrowed */

#endif

/* An exporter that follows a script: it hands out the view that it is told to, valid or not, and returns
 * what it is told to, with or without an exception. It records the calls that it gets. */
#ifndef EXPORTERS_SCRIPTED_H
#define EXPORTERS_SCRIPTED_H

#include "python_or_pybuffer.h"

typedef struct Scripted {
    PyObject_HEAD

    /* The script. */
    Py_buffer answer;         /* handed out as it is, except obj */
    int result;               /* what getbuffer returns; if -1, it writes nothing but obj */
    PyObject *exception;      /* raised before returning, or NULL; borrowed */
    int without_obj;          /* view->obj becomes NULL, not self */
    int obj_on_failure;       /* view->obj becomes self (without a reference) although it fails */
    PyObject *redirect;       /* view->obj becomes a new reference to this; borrowed */

    /* What happened. */
    int gets;                 /* calls of getbuffer */
    int last_flags;           /* the flags of the last */
    int releases;             /* calls of releasebuffer */
    int released_at;          /* the number of the last, counted over all exporters */
    int exception_at_release; /* whether an exception was pending at the last */
    Py_buffer *last_view;     /* the view that was released last */
    PyObject *last_obj;       /* its obj then */
} Scripted;

/* Initialises the types. To be called once; 0, or -1 with an exception set. */
int scripted_ready(void);

/* A new exporter whose answer is `answer`; NULL with an exception set without memory. */
Scripted *scripted_new(Py_buffer answer);

/* The same, of a type without bf_releasebuffer. */
Scripted *scripted_new_unreleased(Py_buffer answer);

/* The number of scripted exporters and plain objects that are not yet deallocated. */
long scripted_alive(void);

/* The type's slots, for a test that replaces one. */
extern PyBufferProcs scripted_as_buffer;

/* The number of calls of scripted_dealloc. */
extern int scripted_deallocs;

/* Objects that are no exporters. */
PyObject *plain_new(void);          /* its type has no tp_as_buffer; its name is "exporters.plain" */
PyObject *plain_slotless_new(void); /* its type has a tp_as_buffer without bf_getbuffer */
PyObject *plain_named_new(const char *name); /* its type has this name, which is borrowed; one at a time */

#endif

/* The live audit's record of outstanding views. */

#include <string.h>

#include "extension.h"

/* A name, which is cut in the middle of a character if it is very long. */
static PyObject *name_of(const char *name)
{
    return PyUnicode_DecodeUTF8(name, (Py_ssize_t)strlen(name), "replace");
}

/* A tuple of (file, line, function) for each Python frame, the innermost first. */
static PyObject *frames_of(const pybuffer_holder *holder)
{
    PyObject *frames = PyTuple_New(holder->n_frames);
    for (int i = 0; frames != NULL && i < holder->n_frames; i++) {
        const pybuffer_frame *frame = holder->frames + i;
        PyObject *one = Py_BuildValue("(NnN)", name_of(frame->file), frame->line, name_of(frame->function));
        if (one == NULL || PyTuple_SetItem(frames, i, one) < 0)
            Py_CLEAR(frames);
    }
    return frames;
}

static PyObject *values_of(const pybuffer_holder *holder)
{
    return Py_BuildValue("(sinnKdKzznN)", holder->type_name, holder->flags, holder->len, holder->n_views,
                         (unsigned long long)holder->thread, holder->age, (unsigned long long)holder->view,
                         holder->file, holder->function, (Py_ssize_t)holder->offset, frames_of(holder));
}

PyObject *audited_views(PyObject *Py_UNUSED(module), PyObject *object)
{
    PyObject *exporter = object == Py_None ? NULL : object;
    pybuffer_holder *holders = NULL;
    Py_ssize_t room = 0, n;
    /* Other threads may acquire views meanwhile. */
    while ((n = pybuffer_holders(exporter, holders, room)) > room) {
        PyMem_Free(holders);
        room = n + 8;
        holders = PyMem_Malloc((size_t)room * sizeof *holders);
        if (holders == NULL)
            return PyErr_NoMemory();
    }
    PyObject *list = n < 0 ? NULL : PyList_New(n);
    for (Py_ssize_t i = 0; list != NULL && i < n; i++) {
        PyObject *values = values_of(holders + i);
        if (values == NULL || PyList_SetItem(list, i, values) < 0)
            Py_CLEAR(list);
    }
    PyMem_Free(holders);
    return list;
}

PyObject *audit_retell(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(unused))
{
    return PyLong_FromLong(pybuffer_audit_retell());
}

#include "scripted.h"

#include <stdatomic.h>
#include <string.h>

static atomic_long alive;
int scripted_deallocs;

static int scripted_getbuffer(PyObject *self, Py_buffer *view, int flags)
{
    Scripted *scripted = (Scripted *)self;
    scripted->gets++;
    scripted->last_flags = flags;
    if (scripted->exception != NULL) {
        PyErr_SetString(scripted->exception, "scripted: as told");
    }
    if (scripted->result < 0) {
        if (scripted->obj_on_failure) {
            view->obj = self;
        }
        return scripted->result;
    }
    *view = scripted->answer;
    view->obj = scripted->without_obj ? NULL : scripted->redirect ? scripted->redirect : self;
    Py_XINCREF(view->obj);
    return scripted->result;
}

static void scripted_releasebuffer(PyObject *self, Py_buffer *view)
{
    static int all_releases;
    Scripted *scripted = (Scripted *)self;
    scripted->releases++;
    scripted->released_at = ++all_releases;
    scripted->exception_at_release = PyErr_Occurred() != NULL;
    scripted->last_view = view;
    scripted->last_obj = view->obj;
}

static void scripted_dealloc(PyObject *self)
{
    scripted_deallocs++;
    atomic_fetch_sub(&alive, 1);
    PyObject_Free(self);
}

PyBufferProcs scripted_as_buffer = { scripted_getbuffer, scripted_releasebuffer };
static PyBufferProcs unreleased_as_buffer = { scripted_getbuffer, NULL };
static PyBufferProcs slotless_as_buffer = { NULL, NULL };

#define EXPORTERS_TYPE(variable, name, size, as_buffer)                                            \
    static PyTypeObject variable = {                                                               \
        PyVarObject_HEAD_INIT(NULL, 0)                                                             \
        .tp_name = name,                                                                           \
        .tp_basicsize = size,                                                                      \
        .tp_dealloc = scripted_dealloc,                                                            \
        .tp_as_buffer = as_buffer,                                                                 \
        .tp_flags = Py_TPFLAGS_DEFAULT,                                                            \
    }

EXPORTERS_TYPE(Scripted_Type, "exporters.scripted", sizeof(Scripted), &scripted_as_buffer);
EXPORTERS_TYPE(Unreleased_Type, "exporters.unreleased", sizeof(Scripted), &unreleased_as_buffer);
EXPORTERS_TYPE(Plain_Type, "exporters.plain", sizeof(PyObject), NULL);
EXPORTERS_TYPE(Slotless_Type, "exporters.slotless", sizeof(PyObject), &slotless_as_buffer);
EXPORTERS_TYPE(Named_Type, "exporters.named", sizeof(PyObject), NULL);

int scripted_ready(void)
{
    PyTypeObject *types[] = { &Scripted_Type, &Unreleased_Type, &Plain_Type, &Slotless_Type,
                              &Named_Type };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (PyType_Ready(types[i]) < 0) {
            return -1;
        }
    }
    return 0;
}

static Scripted *new_of(PyTypeObject *type, Py_buffer answer)
{
    Scripted *scripted = PyObject_New(Scripted, type);
    if (scripted == NULL) {
        return NULL;
    }
    atomic_fetch_add(&alive, 1);
    memset((char *)scripted + sizeof(PyObject), 0, sizeof(Scripted) - sizeof(PyObject));
    scripted->answer = answer;
    return scripted;
}

Scripted *scripted_new(Py_buffer answer)
{
    return new_of(&Scripted_Type, answer);
}

Scripted *scripted_new_unreleased(Py_buffer answer)
{
    return new_of(&Unreleased_Type, answer);
}

long scripted_alive(void)
{
    return atomic_load(&alive);
}

static PyObject *plain_of(PyTypeObject *type)
{
    PyObject *plain = PyObject_New(PyObject, type);
    if (plain != NULL) {
        atomic_fetch_add(&alive, 1);
    }
    return plain;
}

PyObject *plain_new(void)
{
    return plain_of(&Plain_Type);
}

PyObject *plain_slotless_new(void)
{
    return plain_of(&Slotless_Type);
}

PyObject *plain_named_new(const char *name)
{
    Named_Type.tp_name = name;
    return plain_of(&Named_Type);
}

/* A program without a Python that holds each macro of libpybuffer.h to what Python.h says of it: its
 * result, and that it evaluates each argument once. It prints what does not hold. */
#include <libpybuffer.h>
#include <libpybuffer.h>

static int failures;

#define CHECK(condition) check((condition) != 0, __LINE__, #condition)

static void check(int holds, int line, const char *condition)
{
    if (!holds) {
        printf("standalone.c:%d: %s\n", line, condition);
        failures++;
    }
}

/* Of each call, one evaluation. */
static int evaluations;

static int once(void)
{
    int first = evaluations == 1;
    evaluations = 0;
    return first;
}

#define EVALUATED(argument) (*(evaluations++, &(argument)))

/* A link in a chain; its dealloc looks at the variable that pointed to it. */
typedef struct Link {
    PyObject_HEAD
    struct Link *next;
} Link;

static Link *chain;
static int deallocated;
static int seen_in_chain;

static void link_dealloc(PyObject *self)
{
    Link *link = (Link *)self;
    deallocated++;
    seen_in_chain = chain == link;
    Py_CLEAR(link->next);
    Py_TYPE(self)->tp_free(self);
}

static PyTypeObject Link_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "standalone.Link",
    .tp_basicsize = sizeof(Link),
    .tp_dealloc = link_dealloc,
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_free = PyObject_Del,
};

static Link *link_new(Link *next)
{
    Link *link = PyObject_New(Link, &Link_Type);
    if (link != NULL) {
        link->next = (Link *)Py_XNewRef(next);
    }
    return link;
}

static void check_types(void)
{
    static PyTypeObject head_only = { PyVarObject_HEAD_INIT(&Link_Type, 3) .tp_name = "head" };
    CHECK(head_only.ob_base.ob_size == 3);
    CHECK(head_only.ob_base.ob_base.ob_type == &Link_Type);
    CHECK(head_only.ob_base.ob_base.ob_refcnt == 1);

    CHECK(PyType_Ready(&Link_Type) == 0);
    Link *link = link_new(NULL);
    CHECK(link != NULL);
    CHECK(Py_TYPE(link) == &Link_Type);
    CHECK(Py_TYPE(EVALUATED(link)) == &Link_Type && once());
    CHECK(link->ob_base.ob_refcnt == 1);
    Py_DECREF(link);
    CHECK(deallocated == 1);
}

static void check_references(void)
{
    Link *link = link_new(NULL);
    PyObject *object = (PyObject *)link;
    deallocated = 0;

    Py_INCREF(EVALUATED(link));
    CHECK(once() && object->ob_refcnt == 2);
    Py_DECREF(EVALUATED(link));
    CHECK(once() && object->ob_refcnt == 1);
    Py_XINCREF(EVALUATED(object));
    CHECK(once() && object->ob_refcnt == 2);
    Py_XDECREF(EVALUATED(object));
    CHECK(once() && object->ob_refcnt == 1);
    CHECK(Py_NewRef(EVALUATED(link)) == object && once() && object->ob_refcnt == 2);
    CHECK(Py_XNewRef(EVALUATED(link)) == object && once() && object->ob_refcnt == 3);
    Py_DECREF(object);
    Py_DECREF(object);

    Link *none = NULL;
    Py_XINCREF(none);
    Py_XDECREF(none);
    CHECK(Py_XNewRef(none) == NULL);
    CHECK(deallocated == 0);

    Py_DECREF(link);
    CHECK(deallocated == 1);
}

static void check_variables(void)
{
    deallocated = 0;
    chain = link_new(NULL);
    Py_CLEAR(EVALUATED(chain));
    CHECK(once());
    CHECK(chain == NULL && deallocated == 1 && !seen_in_chain);
    Py_CLEAR(chain);
    CHECK(chain == NULL && deallocated == 1);

    /* The old link is dropped when the variable already holds the new one, which holds the old. */
    chain = link_new(NULL);
    Link *head = link_new(chain);
    Py_SETREF(EVALUATED(chain), head);
    CHECK(once());
    CHECK(chain == head && head->ob_base.ob_refcnt == 1 && deallocated == 1);
    Link *last = link_new(NULL);
    Py_XSETREF(chain, EVALUATED(last));
    CHECK(once());
    CHECK(chain == last && deallocated == 3 && !seen_in_chain);
    Py_XSETREF(chain, NULL);
    CHECK(chain == NULL && deallocated == 4);
    Py_XSETREF(chain, NULL);
    CHECK(chain == NULL);
}

static void check_errors(void)
{
    CHECK(PyErr_Occurred() == NULL);
    CHECK(pybuffer_err_text() == NULL);

    PyErr_SetString(PyExc_ValueError, "plain");
    CHECK(PyErr_Occurred() == PyExc_ValueError);
    CHECK(PyErr_ExceptionMatches(PyExc_ValueError));
    CHECK(!PyErr_ExceptionMatches(PyExc_TypeError));
    CHECK(strcmp(pybuffer_err_text(), "plain") == 0);
    PyErr_Clear();
    CHECK(PyErr_Occurred() == NULL);

    const Py_ssize_t smallest = -1;
    CHECK(PyErr_Format(PyExc_TypeError, "%zd of %.3s at %d%%", smallest, "abcd", 7) == NULL);
    CHECK(PyErr_ExceptionMatches(PyExc_TypeError));
    CHECK(strcmp(pybuffer_err_text(), "-1 of abc at 7%") == 0);

    /* A text that is too long is cut. */
    (void)PyErr_Format(PyExc_TypeError, "%2000d", 1);
    const size_t len = strlen(pybuffer_err_text());
    CHECK(len > 100 && len < 2000);

    CHECK(PyErr_NoMemory() == NULL);
    CHECK(PyErr_ExceptionMatches(PyExc_MemoryError));
    PyErr_Clear();
}

static void check_exceptions(void)
{
    PyObject *exceptions[] = {
        PyExc_Exception,     PyExc_ArithmeticError,     PyExc_AttributeError, PyExc_BufferError,
        PyExc_IndexError,    PyExc_KeyError,            PyExc_LookupError,    PyExc_MemoryError,
        PyExc_OSError,       PyExc_NotImplementedError, PyExc_OverflowError,  PyExc_RuntimeError,
        PyExc_SystemError,   PyExc_TypeError,           PyExc_ValueError,     PyExc_UnicodeDecodeError,
    };
    const size_t n = sizeof exceptions / sizeof *exceptions;
    for (size_t i = 0; i < n; i++) {
        CHECK(exceptions[i] != NULL);
        for (size_t j = 0; j < i; j++) {
            CHECK(exceptions[i] != exceptions[j]);
        }
    }
}

static void check_version(void)
{
    char version[32];
    snprintf(version, sizeof version, "%d.%d.%d", PYBUFFER_VERSION_MAJOR, PYBUFFER_VERSION_MINOR,
             PYBUFFER_VERSION_PATCH);
    CHECK(strcmp(version, PYBUFFER_VERSION) == 0);
    CHECK(strcmp(pybuffer_version(), PYBUFFER_VERSION) == 0);
    CHECK(strcmp(pybuffer_runtime(), "standalone") == 0);
    CHECK(strstr("generic sse avx2 avx512", pybuffer_cpu_level()) != NULL);
}

/* A pointer to a function that a macro renames, as a slot or a table would hold. */
static void (*const free_object)(void *) = PyObject_Free;

static void check_unused(int Py_UNUSED(ignored))
{
    free_object(NULL);
}

int main(void)
{
    check_types();
    check_references();
    check_variables();
    check_errors();
    check_exceptions();
    check_version();
    check_unused(0);
    return failures != 0;
}

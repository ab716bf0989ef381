/* The objects that libpybuffer has when no Python is in the process: types, references, exceptions
 * of each thread. Compiled without Python.h only. */
#include "harness.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "families.h"

enum { N_THREADS = 4, N_TURNS = 20000 };

static void in_threads(void *(*work)(void *), void *argument)
{
    pthread_t threads[N_THREADS];
    for (int i = 0; i < N_THREADS; i++) {
        EXPECT_INT(0, pthread_create(&threads[i], NULL, work, argument));
    }
    for (int i = 0; i < N_THREADS; i++) {
        EXPECT_INT(0, pthread_join(threads[i], NULL));
    }
}

/* --- types and objects ------------------------------------------------------------------------ */

typedef struct {
    PyObject_HEAD
    long values[100];
} Counted;

static int counted_deallocs;

static void counted_dealloc(PyObject *self)
{
    counted_deallocs++;
    PyObject_Del(self);
}

static int counted_getbuffer(PyObject *self, Py_buffer *view, int flags)
{
    Counted *counted = (Counted *)self;
    return PyBuffer_FillInfo(view, self, counted->values, sizeof counted->values, 0, flags);
}

static PyBufferProcs counted_as_buffer = { counted_getbuffer, NULL };

static PyTypeObject Counted_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "suite.counted",
    .tp_basicsize = sizeof(Counted),
    .tp_dealloc = counted_dealloc,
    .tp_as_buffer = &counted_as_buffer,
    .tp_flags = Py_TPFLAGS_DEFAULT,
};

static Counted *counted_new(void)
{
    EXPECT_OK(0, PyType_Ready(&Counted_Type));
    return PyObject_New(Counted, &Counted_Type);
}

static void object_new_has_one_reference_a_type_and_its_memory(void)
{
    Counted *counted = counted_new();
    EXPECT_INT(1, references((PyObject *)counted));
    EXPECT_POINTER(&Counted_Type, Py_TYPE(counted));
    for (int i = 0; i < 100; i++) {
        counted->values[i] = i;
    }
    const int deallocs = counted_deallocs;
    Py_DECREF(counted);
    EXPECT_INT(deallocs + 1, counted_deallocs);
}

static void object_type_is_ready_as_often_as_asked(void)
{
    EXPECT_OK(0, PyType_Ready(&Counted_Type));
    EXPECT_OK(0, PyType_Ready(&Counted_Type));
    EXPECT_STRING("suite.counted", Counted_Type.tp_name);
    EXPECT_INT(sizeof(Counted), Counted_Type.tp_basicsize);
}

static void object_macros_take_what_they_say(void)
{
    const int deallocs = counted_deallocs;
    PyObject *object = (PyObject *)counted_new(), *nothing = NULL;
    Py_INCREF(object);
    EXPECT_INT(2, references(object));
    Py_XINCREF(object);
    Py_XINCREF(nothing);
    EXPECT_INT(3, references(object));
    PyObject *other = Py_NewRef(object);
    EXPECT_POINTER(object, other);
    EXPECT_INT(4, references(object));
    EXPECT_POINTER(object, Py_XNewRef(object));
    EXPECT_POINTER(NULL, Py_XNewRef(nothing));
    EXPECT_INT(5, references(object));
    Py_DECREF(object);
    Py_XDECREF(object);
    Py_XDECREF(nothing);
    EXPECT_INT(3, references(object));
    Py_CLEAR(other);
    EXPECT_POINTER(NULL, other);
    Py_CLEAR(other);
    EXPECT_INT(2, references(object));
    other = object;
    PyObject *next = (PyObject *)counted_new();
    Py_SETREF(other, next);
    EXPECT_POINTER(next, other);
    EXPECT_INT(1, references(object));
    EXPECT_INT(deallocs, counted_deallocs);
    Py_DECREF(object);
    Py_DECREF(other);
    EXPECT_INT(deallocs + 2, counted_deallocs);
}

static PyObject *seen_in_dealloc;
static PyObject *cleared;

static void clearing_dealloc(PyObject *self)
{
    seen_in_dealloc = cleared;
    PyObject_Free(self);
}

/* The variable is NULL before the object goes, so that the object's end cannot find it. */
static void object_clear_sets_null_first(void)
{
    static PyTypeObject Type = {
        PyVarObject_HEAD_INIT(NULL, 0)
        .tp_name = "suite.clearing",
        .tp_basicsize = sizeof(PyObject),
        .tp_dealloc = clearing_dealloc,
    };
    EXPECT_OK(0, PyType_Ready(&Type));
    cleared = PyObject_New(PyObject, &Type);
    seen_in_dealloc = cleared;
    Py_CLEAR(cleared);
    EXPECT_POINTER(NULL, seen_in_dealloc);
}

static void object_without_dealloc_is_freed(void)
{
    static PyTypeObject Type = {
        PyVarObject_HEAD_INIT(NULL, 0)
        .tp_name = "suite.undealloc",
        .tp_basicsize = 4000,
    };
    EXPECT_OK(0, PyType_Ready(&Type));
    PyObject *object = PyObject_New(PyObject, &Type);
    memset((char *)object + sizeof(PyObject), 1, 4000 - sizeof(PyObject));
    Py_DECREF(object); /* valgrind would see it leak */
}

static void object_type_inherits_what_it_lacks_from_its_base(void)
{
    static PyTypeObject Derived_Type = {
        PyVarObject_HEAD_INIT(NULL, 0)
        .tp_name = "suite.derived",
        .tp_basicsize = sizeof(Counted),
        .tp_base = &Counted_Type,
    };
    EXPECT_OK(0, PyType_Ready(&Counted_Type));
    EXPECT_OK(0, PyType_Ready(&Derived_Type));
    const int deallocs = counted_deallocs;
    PyObject *object = (PyObject *)PyObject_New(Counted, &Derived_Type);
    EXPECT_INT(1, PyObject_CheckBuffer(object));
    Py_buffer view;
    EXPECT_OK(0, PyObject_GetBuffer(object, &view, PyBUF_SIMPLE));
    EXPECT_INT(sizeof((Counted *)NULL)->values, view.len);
    PyBuffer_Release(&view);
    Py_DECREF(object);
    EXPECT_INT(deallocs + 1, counted_deallocs);
}

static void object_without_references_left_by_a_view_ends_with_the_view(void)
{
    const int deallocs = counted_deallocs;
    PyObject *object = (PyObject *)counted_new();
    Py_buffer first, second;
    EXPECT_OK(0, PyObject_GetBuffer(object, &first, PyBUF_SIMPLE));
    EXPECT_OK(0, PyObject_GetBuffer(object, &second, PyBUF_SIMPLE));
    Py_DECREF(object);
    PyBuffer_Release(&first);
    EXPECT_INT(deallocs, counted_deallocs);
    memset(second.buf, 3, (size_t)second.len);
    PyBuffer_Release(&second);
    EXPECT_INT(deallocs + 1, counted_deallocs);
}

static void object_functions_take_null(void)
{
    pybuffer_incref(NULL);
    pybuffer_decref(NULL);
    pybuffer_object_free(NULL);
    expect_no_exception(__FILE__, __LINE__, "references of NULL");
    EXPECT_POINTER(NULL, pybuffer_object_new(NULL));
    EXPECT_STRING("SystemError", take_exception().type);
    EXPECT_INT(-1, pybuffer_type_ready(NULL));
    EXPECT_STRING("SystemError", take_exception().type);
}

/* --- threads ------------------------------------------------------------------------------------ */

static void *count_up_and_down(void *object)
{
    for (int i = 0; i < N_TURNS; i++) {
        Py_INCREF((PyObject *)object);
        Py_INCREF((PyObject *)object);
        Py_DECREF((PyObject *)object);
        Py_DECREF((PyObject *)object);
    }
    Py_INCREF((PyObject *)object);
    return NULL;
}

static void object_references_are_counted_by_all_threads(void)
{
    const int deallocs = counted_deallocs;
    PyObject *object = (PyObject *)counted_new();
    in_threads(count_up_and_down, object);
    EXPECT_INT(1 + N_THREADS, references(object));
    for (int i = 0; i < 1 + N_THREADS; i++) {
        EXPECT_INT(deallocs, counted_deallocs);
        Py_DECREF(object);
    }
    EXPECT_INT(deallocs + 1, counted_deallocs);
}

static void *get_and_release(void *object)
{
    for (int i = 0; i < N_TURNS; i++) {
        Py_buffer view;
        if (PyObject_GetBuffer(object, &view, PyBUF_FULL_RO) == 0) {
            PyBuffer_Release(&view);
        }
    }
    Py_DECREF((PyObject *)object);
    return NULL;
}

static void object_views_of_all_threads_are_released_once(void)
{
    char items[8];
    PyObject *object = array_new((ArrayLayout){ .buf = items, .itemsize = 1, .ndim = 1,
                                                .shape = DIMS(8) });
    for (int i = 0; i < N_THREADS; i++) {
        Py_INCREF(object);
    }
    in_threads(get_and_release, object);
    Array *array = (Array *)object;
    EXPECT_INT(N_THREADS * N_TURNS, atomic_load(&array->exports));
    EXPECT_INT(N_THREADS * N_TURNS, atomic_load(&array->releases));
    EXPECT_INT(1, references(object));
    Py_DECREF(object);
}

/* Each thread drops a reference: exactly one of them frees the object. */
static void *drop_reference(void *object)
{
    Py_DECREF((PyObject *)object);
    return NULL;
}

static void object_dropped_by_all_threads_is_freed_once(void)
{
    const int deallocs = counted_deallocs, turns = is_quick() ? 20 : 200;
    for (int turn = 0; turn < turns; turn++) {
        PyObject *object = (PyObject *)counted_new();
        for (int i = 1; i < N_THREADS; i++) {
            Py_INCREF(object);
        }
        in_threads(drop_reference, object);
    }
    EXPECT_INT(deallocs + turns, counted_deallocs);
}

static atomic_int n_confused;

static void *raise_in_this_thread(void *argument)
{
    (void)argument;
    char text[32];
    snprintf(text, sizeof text, "of thread %p", (void *)text);
    n_confused += PyErr_Occurred() != NULL;
    for (int i = 0; i < 1000; i++) {
        PyErr_SetString(i % 2 ? PyExc_KeyError : PyExc_TypeError, text);
        n_confused += PyErr_Occurred() != (i % 2 ? PyExc_KeyError : PyExc_TypeError);
        n_confused += strcmp(pybuffer_err_text(), text) != 0;
        n_confused += PyBuffer_ToContiguous(NULL, NULL, 1, 'C') != -1;
    }
    return NULL; /* with an exception pending: its memory goes with the thread */
}

static void err_every_thread_has_its_own(void)
{
    PyErr_SetString(PyExc_IndexError, "of the main thread");
    n_confused = 0;
    in_threads(raise_in_this_thread, NULL);
    EXPECT_INT(0, n_confused);
    expect_exception("IndexError", "of the main thread", __FILE__, __LINE__, "other threads' errors");
}

static void *look_for_an_exception(void *argument)
{
    (void)argument;
    n_confused += PyErr_Occurred() != NULL;
    return NULL;
}

/* Threads end with an exception pending, and others begin: as many as the kernel commonly has
 * numbers for, so that a new thread gets the number of an old one. */
static void err_a_new_thread_begins_without_one(void)
{
    enum { COMMON_NUMBERS = 32768 };
    const int n_threads = has_few_threads() ? 100 : COMMON_NUMBERS + 100;
    n_confused = 0;
    in_threads(raise_in_this_thread, NULL);
    for (int i = 0; i < n_threads && n_confused == 0; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, look_for_an_exception, NULL) != 0) {
            EXPECT(!"a thread can be had");
            break;
        }
        pthread_join(thread, NULL);
    }
    EXPECT_INT(0, n_confused);
}

/* --- exceptions, as libpybuffer alone has them ------------------------------------------------ */

static void err_text_is_null_without_an_exception(void)
{
    EXPECT_POINTER(NULL, pybuffer_err_text());
    PyErr_SetString(PyExc_ValueError, "");
    EXPECT_STRING("", pybuffer_err_text());
    PyErr_Clear();
    EXPECT_POINTER(NULL, pybuffer_err_text());
}

static void err_a_very_long_text_is_kept_or_cut_readably(void)
{
    static char text[20000];
    memset(text, 'y', sizeof text - 1);
    PyErr_SetString(PyExc_ValueError, text);
    const char *kept = pybuffer_err_text();
    EXPECT(kept != NULL && strlen(kept) >= 200 && strlen(kept) < sizeof text);
    EXPECT(kept != NULL && strncmp(kept, text, 200) == 0);
    PyErr_Format(PyExc_ValueError, "%s", text);
    kept = pybuffer_err_text();
    EXPECT(kept != NULL && strlen(kept) >= 200 && strncmp(kept, text, 200) == 0);
    PyErr_Clear();
}

static void err_exceptions_have_names(void)
{
    EXPECT_POINTER(PyExc_ValueError, pybuffer_exception("ValueError"));
    EXPECT_POINTER(PyExc_BufferError, pybuffer_exception("BufferError"));
    EXPECT(pybuffer_exception("struct.error") != NULL);
    EXPECT(pybuffer_exception("UnicodeDecodeError") != NULL);
    EXPECT(pybuffer_exception("struct.error") != pybuffer_exception("ValueError"));
    EXPECT_POINTER(NULL, pybuffer_exception("NoSuchError"));
    EXPECT_POINTER(NULL, pybuffer_exception("valueerror"));
    EXPECT_POINTER(NULL, pybuffer_exception(""));
    EXPECT_POINTER(NULL, pybuffer_exception(NULL));
    expect_no_exception(__FILE__, __LINE__, "pybuffer_exception");
}

static void err_of_a_format_matches_its_bases(void)
{
    EXPECT_INT(-1, PyBuffer_SizeFromFormat("~"));
    EXPECT_POINTER(pybuffer_exception("struct.error"), PyErr_Occurred());
    EXPECT(PyErr_ExceptionMatches(PyExc_Exception));
    EXPECT(!PyErr_ExceptionMatches(PyExc_ValueError));
    PyErr_Clear();
    EXPECT_INT(-1, PyBuffer_SizeFromFormat("\xff"));
    EXPECT(PyErr_ExceptionMatches(PyExc_ValueError));
    PyErr_Clear();
}

/* Borrowed for ever: an exception's references may be counted, and it never goes. */
static void err_exceptions_outlive_their_references(void)
{
    PyObject *exception = PyExc_KeyError;
    for (int i = 0; i < 10; i++) {
        Py_INCREF(exception);
    }
    for (int i = 0; i < 10; i++) {
        Py_DECREF(exception);
    }
    PyErr_SetString(exception, "still there");
    expect_exception("KeyError", "still there", __FILE__, __LINE__, "PyErr_SetString");
}

static void runtime_is_standalone(void)
{
    EXPECT_STRING("standalone", pybuffer_runtime());
    EXPECT(strlen(pybuffer_version()) >= 5);
    EXPECT_INT(-1, pybuffer_attach(NULL));
    PyErr_Clear();
    EXPECT_STRING("standalone", pybuffer_runtime());
}

const Test objects_tests[] = {
    TEST(object_new_has_one_reference_a_type_and_its_memory),
    TEST(object_type_is_ready_as_often_as_asked),
    TEST(object_macros_take_what_they_say),
    TEST(object_clear_sets_null_first),
    TEST(object_without_dealloc_is_freed),
    TEST(object_type_inherits_what_it_lacks_from_its_base),
    TEST(object_without_references_left_by_a_view_ends_with_the_view),
    TEST(object_functions_take_null),
    TEST(object_references_are_counted_by_all_threads),
    TEST(object_views_of_all_threads_are_released_once),
    TEST(object_dropped_by_all_threads_is_freed_once),
    TEST(err_every_thread_has_its_own),
    TEST(err_a_new_thread_begins_without_one),
    TEST(err_text_is_null_without_an_exception),
    TEST(err_a_very_long_text_is_kept_or_cut_readably),
    TEST(err_exceptions_have_names),
    TEST(err_of_a_format_matches_its_bases),
    TEST(err_exceptions_outlive_their_references),
    TEST(runtime_is_standalone),
    END_OF_TESTS,
};

/* Memoryviews that keep the owner of their memory, or call a destructor when they are gone; and the
 * balance of all references. The first are libpybuffer's own: against libpython's functions these tests
 * have nothing to look at. */
#include "memoryview.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "families.h"
#include "model.h"

/* --- owners --------------------------------------------------------------------------------------- */

/* The owner exports buffers itself, takes views back, and is never asked to do either. */
static void owner_lives_as_long_as_any_view_of_its_memory(void)
{
    if (functions_are_libpythons()) {
        return;
    }
    int items[6];
    PyObject *owner = array_new((ArrayLayout){ .buf = items, .itemsize = 4, .ndim = 1,
                                               .shape = DIMS(6) });
    Py_buffer info = view_of(items + 2, 4, 1, DIMS(2), DIMS(8));
    info.format = "i";
    PyObject *first = pybuffer_memoryview_from_buffer_with_owner(&info, owner);
    if (!EXPECT_MEMORYVIEW(first)) {
        return;
    }
    EXPECT_POINTER(owner, base_of(first));
    EXPECT_POINTER(items + 2, buffer_of(first)->buf);
    EXPECT_INT(8, buffer_of(first)->strides[0]);
    EXPECT_INT(2, references(owner));
    PyObject *second = PyMemoryView_FromObject(first);
    EXPECT_INT(2, references(owner));
    const long alive = array_alive();
    Py_DECREF(owner);
    Py_DECREF(first);
    EXPECT_INT(alive, array_alive());
    EXPECT_POINTER(owner, base_of(second));
    Py_buffer view;
    EXPECT_OK(0, PyObject_GetBuffer(second, &view, PyBUF_STRIDED_RO));
    Py_DECREF(second);
    EXPECT_INT(alive, array_alive());
    EXPECT_INT(0, atomic_load(&((Array *)owner)->exports));
    EXPECT_INT(0, atomic_load(&((Array *)owner)->releases));
    EXPECT_POINTER(items + 2, view.buf);
    PyBuffer_Release(&view);
    EXPECT_INT(alive - 1, array_alive());
}

static void owner_is_dropped_at_release(void)
{
    if (functions_are_libpythons()) {
        return;
    }
    char items[6];
    PyObject *owner = plain_new();
    Py_buffer info = view_of_bytes(items, 6);
    PyObject *memoryview = pybuffer_memoryview_from_buffer_with_owner(&info, owner);
    EXPECT_INT(2, references(owner));
    EXPECT_OK(0, release_memoryview(memoryview));
    EXPECT_INT(1, references(owner));
    Py_DECREF(memoryview);
    EXPECT_INT(1, references(owner));
    Py_DECREF(owner);
}

/* A part of a memoryview's memory, kept by the memoryview. */
static void owner_may_be_a_memoryview(void)
{
    if (functions_are_libpythons()) {
        return;
    }
    char items[6];
    PyObject *whole = PyMemoryView_FromMemory(items, 6, PyBUF_WRITE);
    Py_buffer info = view_of_bytes(items + 2, 2);
    PyObject *part = pybuffer_memoryview_from_buffer_with_owner(&info, whole);
    if (EXPECT_MEMORYVIEW(part)) {
        EXPECT_POINTER(whole, base_of(part));
        Py_DECREF(whole);
        EXPECT_INT(2, buffer_of(part)->len);
        Py_DECREF(part);
    }
}

static void owner_of_no_memoryview_is_left_alone(void)
{
    if (functions_are_libpythons()) {
        return;
    }
    char items[6];
    PyObject *owner = plain_new();
    Py_buffer info = view_of_bytes(NULL, 6);
    EXPECT_NO_OBJECT(pybuffer_memoryview_from_buffer_with_owner(&info, owner), "ValueError",
                     "PyMemoryView_FromBuffer(): info->buf must not be NULL");
    info.buf = items;
    info.shape = info.strides = (Py_ssize_t[65]){ 0 };
    info.ndim = 65;
    EXPECT_NO_OBJECT(pybuffer_memoryview_from_buffer_with_owner(&info, owner), "ValueError",
                     TOO_MANY_DIMENSIONS);
    EXPECT_NO_OBJECT(pybuffer_memoryview_from_buffer_with_owner(NULL, owner), "SystemError",
                     NULL_ARGUMENT);
    EXPECT_NO_OBJECT(pybuffer_memoryview_from_buffer_with_owner(&info, NULL), "SystemError",
                     NULL_ARGUMENT);
    EXPECT_INT(1, references(owner));
    Py_DECREF(owner);
}

/* --- destructors ------------------------------------------------------------------------------------ */

static void count_call(void *context)
{
    ++*(int *)context;
}

static void destructor_runs_once_after_the_last_view(void)
{
    if (functions_are_libpythons()) {
        return;
    }
    char bytes[] = "abcdef";
    int calls = 0;
    PyObject *first = pybuffer_memoryview_from_memory_with_destructor(bytes, 6, PyBUF_WRITE,
                                                                      count_call, &calls);
    if (!EXPECT_MEMORYVIEW(first)) {
        return;
    }
    EXPECT_INT(0, buffer_of(first)->readonly);
    EXPECT_INT(6, buffer_of(first)->len);
    PyObject *second = PyMemoryView_FromObject(first);
    PyObject *third = PyMemoryView_GetContiguous(second, PyBUF_WRITE, 'C');
    Py_buffer view;
    EXPECT_OK(0, PyObject_GetBuffer(third, &view, PyBUF_FULL));
    Py_DECREF(first);
    EXPECT_OK(0, release_memoryview(second));
    Py_DECREF(third);
    EXPECT_INT(0, calls);
    EXPECT_BYTES("abcdef", view.buf, 6);
    PyBuffer_Release(&view);
    EXPECT_INT(1, calls);
    Py_DECREF(second);
    EXPECT_INT(1, calls);
}

static void destructor_of_no_memory_runs_too(void)
{
    if (functions_are_libpythons()) {
        return;
    }
    int calls = 0;
    PyObject *memoryview
        = pybuffer_memoryview_from_memory_with_destructor(NULL, 0, 0, count_call, &calls);
    if (EXPECT_MEMORYVIEW(memoryview)) {
        EXPECT_POINTER(NULL, buffer_of(memoryview)->buf);
        EXPECT_INT(1, buffer_of(memoryview)->readonly);
        EXPECT_OK(0, release_memoryview(memoryview));
        EXPECT_INT(1, calls);
        Py_DECREF(memoryview);
    }
    EXPECT_INT(1, calls);
    EXPECT_NO_OBJECT(pybuffer_memoryview_from_memory_with_destructor(NULL, 0, 0, NULL, &calls),
                     "SystemError", NULL_ARGUMENT);
    EXPECT_INT(1, calls);
}

/* It neither sees the pending error, nor changes it, nor leaves one of its own. */
static void count_and_leave_an_error(void *context)
{
    ++*(int *)context;
    EXPECT_POINTER(NULL, PyErr_Occurred());
    PyErr_SetString(PyExc_TypeError, "left by a destructor");
}

static void destructor_runs_with_the_pending_error_put_aside(void)
{
    if (functions_are_libpythons()) {
        return;
    }
    char bytes[] = "abcdef";
    int calls = 0;
    PyObject *memoryview = pybuffer_memoryview_from_memory_with_destructor(
        bytes, 6, PyBUF_WRITE, count_and_leave_an_error, &calls);
    PyErr_SetString(PyExc_ValueError, "pending");
    Py_XDECREF(memoryview);
    expect_exception("ValueError", "pending", __FILE__, __LINE__, "Py_DECREF");
    EXPECT_INT(1, calls);

    memoryview = pybuffer_memoryview_from_memory_with_destructor(bytes, 6, PyBUF_WRITE,
                                                                 count_and_leave_an_error, &calls);
    EXPECT_OK(0, release_memoryview(memoryview));
    EXPECT_INT(2, calls);
    Py_XDECREF(memoryview);
    EXPECT_POINTER(NULL, PyErr_Occurred());
}

/* --- balance ---------------------------------------------------------------------------------------- */

static int n_destroyed;

static void count_destroyed(void *context)
{
    (void)context;
    n_destroyed++;
}

/* Makes one of everything, fails in every way, and drops it all. */
static void turn(PyObject *array, PyObject *plain, Py_buffer *strided)
{
    PyObject *first = PyMemoryView_FromObject(array);
    PyObject *second = PyMemoryView_FromObject(first);
    PyObject *copy = PyMemoryView_GetContiguous(second, PyBUF_READ, 'F');
    PyObject *described = PyMemoryView_FromBuffer(strided);
    PyObject *lent = PyMemoryView_FromMemory(strided->buf, 4, PyBUF_READ);
    Py_buffer view;
    PyObject_GetBuffer(copy, &view, PyBUF_FULL_RO);
    Py_XDECREF(release_memoryview(copy) == 0 ? copy : NULL);
    PyErr_Clear();
    PyBuffer_Release(&view);
    PyObject_GetBuffer(described, &view, PyBUF_SIMPLE);
    PyErr_Clear();
    release_memoryview(first);
    PyMemoryView_FromObject(first);
    PyErr_Clear();
    PyMemoryView_FromObject(plain);
    PyErr_Clear();
    PyMemoryView_GetContiguous(array, PyBUF_WRITE, 'F');
    PyErr_Clear();
    Py_buffer wrong = *strided;
    wrong.ndim = 65;
    PyMemoryView_FromBuffer(&wrong);
    wrong.buf = NULL;
    PyMemoryView_FromBuffer(&wrong);
    PyErr_Clear();
    if (!functions_are_libpythons()) {
        PyObject *owned = pybuffer_memoryview_from_buffer_with_owner(strided, array);
        PyObject *part = PyMemoryView_FromObject(owned);
        pybuffer_memoryview_from_buffer_with_owner(&wrong, array);
        PyErr_Clear();
        Py_DECREF(pybuffer_memoryview_from_memory_with_destructor(strided->buf, 4, 0,
                                                                  count_destroyed, NULL));
        Py_DECREF(owned);
        Py_DECREF(part);
    }
    Py_DECREF(first);
    Py_DECREF(second);
    Py_DECREF(copy);
    Py_DECREF(described);
    Py_DECREF(lent);
}

static void memoryview_references_balance(void)
{
    const int turns = is_quick() ? 1000 : 100000;
    short items[12];
    Py_ssize_t many[65] = { 2, 3 }, strides[65] = { 12, 4 };
    Py_buffer strided = view_of(items, 2, 2, many, strides);
    strided.format = "h";
    PyObject *array = array_new((ArrayLayout){ .buf = items, .itemsize = 2, .ndim = 2,
                                               .shape = many, .strides = strides });
    PyObject *plain = plain_new();
    n_destroyed = 0;
    for (int i = 0; i < turns; i++) {
        turn(array, plain, &strided);
    }
    EXPECT_INT(1, references(array));
    EXPECT_INT(1, references(plain));
    EXPECT_INT(functions_are_libpythons() ? 0 : turns, n_destroyed);
    EXPECT_INT(2L * turns, atomic_load(&((Array *)array)->exports));
    EXPECT_INT(2L * turns, atomic_load(&((Array *)array)->releases));
    Py_DECREF(plain);
    Py_DECREF(array);
}

#ifdef STANDALONE

enum { N_THREADS = 8 };

typedef struct {
    PyObject *array, *memoryview;
    int turns;
} Shared;

static void *use_shared(void *argument)
{
    Shared *shared = argument;
    for (int i = 0; i < shared->turns; i++) {
        PyObject *first = PyMemoryView_FromObject(shared->array);
        PyObject *second = PyMemoryView_FromObject(shared->memoryview);
        PyObject *copy = PyMemoryView_GetContiguous(shared->memoryview, PyBUF_READ, 'C');
        Py_buffer view;
        if (PyObject_GetBuffer(shared->memoryview, &view, PyBUF_FULL_RO) < 0) {
            return "not exported";
        }
        if (pybuffer_memoryview_release(shared->memoryview) == 0) {
            return "released with a view out";
        }
        pybuffer_err_clear();
        PyBuffer_Release(&view);
        if (pybuffer_memoryview_release(second) < 0 || *(char *)buffer_of(copy)->buf != 'a') {
            return "not as it should be";
        }
        Py_DECREF(second);
        Py_DECREF(copy);
        Py_DECREF(first);
    }
    return NULL;
}

/* Eight threads make, ask and drop views of one object and of one memoryview. */
static void memoryview_of_one_object_serves_many_threads(void)
{
    char items[] = "abcdefgh";
    PyObject *array = array_new((ArrayLayout){ .buf = items, .itemsize = 1, .ndim = 1,
                                               .shape = DIMS(4), .strides = DIMS(2) });
    Shared shared = { array, PyMemoryView_FromObject(array), is_quick() ? 200 : 20000 };
    pthread_t threads[N_THREADS];
    for (int i = 0; i < N_THREADS; i++) {
        EXPECT_INT(0, pthread_create(&threads[i], NULL, use_shared, &shared));
    }
    for (int i = 0; i < N_THREADS; i++) {
        void *complaint = NULL;
        EXPECT_INT(0, pthread_join(threads[i], &complaint));
        EXPECT_POINTER(NULL, complaint);
    }
    EXPECT_INT(1, references(shared.memoryview));
    EXPECT_OK(0, release_memoryview(shared.memoryview));
    EXPECT_INT(atomic_load(&((Array *)array)->exports),
               atomic_load(&((Array *)array)->releases));
    EXPECT_INT(1, references(array));
    Py_DECREF(shared.memoryview);
    Py_DECREF(array);
}

/* Two threads release what two others ask for a while: a view is handed out whole or not at all. */
static void *release_shared(void *argument)
{
    Shared *shared = argument;
    while (pybuffer_memoryview_release(shared->memoryview) < 0) {
        pybuffer_err_clear();
        sched_yield();
    }
    return NULL;
}

static void *ask_shared(void *argument)
{
    Shared *shared = argument;
    for (int i = 0; i < 100; i++) {
        Py_buffer view;
        Py_XDECREF(PyMemoryView_FromObject(shared->memoryview));
        if (PyObject_GetBuffer(shared->memoryview, &view, PyBUF_FULL_RO) == 0) {
            PyBuffer_Release(&view);
        }
        pybuffer_err_clear();
    }
    return NULL;
}

static void memoryview_release_races_with_requests_of_other_threads(void)
{
    char items[] = "abcdefgh";
    for (int i = 0; i < (is_quick() ? 20 : 500); i++) {
        PyObject *array = array_new((ArrayLayout){ .buf = items, .itemsize = 1, .ndim = 1,
                                                   .shape = DIMS(8) });
        Shared shared = { array, PyMemoryView_FromObject(array), 0 };
        pthread_t threads[4];
        for (int j = 0; j < 4; j++) {
            void *(*work)(void *) = j < 2 ? ask_shared : release_shared;
            EXPECT_INT(0, pthread_create(&threads[j], NULL, work, &shared));
        }
        for (int j = 0; j < 4; j++) {
            EXPECT_INT(0, pthread_join(threads[j], NULL));
        }
        EXPECT_INT(1, references(array));
        EXPECT_INT(1, references(shared.memoryview));
        Py_DECREF(shared.memoryview);
        Py_DECREF(array);
    }
}

#endif

const Test memoryview_owner_tests[] = {
    TEST(owner_lives_as_long_as_any_view_of_its_memory),
    TEST(owner_is_dropped_at_release),
    TEST(owner_may_be_a_memoryview),
    TEST(owner_of_no_memoryview_is_left_alone),
    TEST(destructor_runs_once_after_the_last_view),
    TEST(destructor_of_no_memory_runs_too),
    TEST(destructor_runs_with_the_pending_error_put_aside),
    TEST(memoryview_references_balance),
#ifdef STANDALONE
    TEST(memoryview_of_one_object_serves_many_threads),
    TEST(memoryview_release_races_with_requests_of_other_threads),
#endif
    END_OF_TESTS,
};

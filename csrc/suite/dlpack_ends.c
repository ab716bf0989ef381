/* Deleters of tensors that are called late: in subinterpreters, during finalisation, after it, and in the next life of
 * the interpreter.
 *
 * Exits with 0 if all is as expected; prints what is not. A deleter that hangs is ended by an alarm. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <libpybuffer.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "array.h"

static int n_failures;
static const char *when = "";

static void expect(int line, const char *what, int holds)
{
    if (!holds) {
        n_failures++;
        printf("%s:%d: %s: %s\n", __FILE__, line, when, what);
    }
}
#define EXPECT(condition) expect(__LINE__, #condition, (condition))

static char items[4] = "abc";

/* A tensor that holds the only reference to a new array. */
static DLManagedTensorVersioned *tensor_of_array(int flags)
{
    DLManagedTensorVersioned *tensor = NULL;
    const Py_ssize_t shape = 4;
    PyObject *array = array_new((ArrayLayout){ .buf = items, .itemsize = 1, .ndim = 1, .shape = &shape });
    EXPECT(pybuffer_to_dlpack(array, flags, &tensor) == 0 && tensor != NULL);
    Py_DECREF(array);
    return tensor;
}

static DLManagedTensorVersioned *tensor_of_owner(void)
{
    DLManagedTensorVersioned *tensor = NULL;
    Py_ssize_t shape = 4;
    Py_buffer view = { .buf = items, .len = 4, .itemsize = 1, .ndim = 1, .shape = &shape };
    PyObject *array = array_new((ArrayLayout){ .buf = items, .itemsize = 1, .ndim = 1, .shape = &shape });
    EXPECT(pybuffer_view_to_dlpack(&view, array, 0, &tensor) == 0 && tensor != NULL);
    Py_DECREF(array);
    return tensor;
}

static void delete(DLManagedTensorVersioned *tensor)
{
    tensor->deleter(tensor);
}

static void *delete_in_a_thread(void *tensor)
{
    delete(tensor);
    return tensor;
}

/* Whether the deleter returned in a thread that has no thread state: CPython ends or hangs those that wait for the GIL
 * too late. */
static int returns_in_a_thread(DLManagedTensorVersioned *tensor)
{
    pthread_t thread;
    void *result = NULL;
    return pthread_create(&thread, NULL, delete_in_a_thread, tensor) == 0 && pthread_join(thread, &result) == 0
           && result == (void *)tensor;
}

/* --- subinterpreters ------------------------------------------------------------------------------- */

static void use_a_subinterpreter(void)
{
    when = "in a subinterpreter";
    const long before = array_alive();
    PyThreadState *first = PyThreadState_Get();
    DLManagedTensorVersioned *of_main = tensor_of_array(0), *other = tensor_of_array(0), *third = tensor_of_array(0);
    PyThreadState *sub = Py_NewInterpreter();
    EXPECT(sub != NULL);

    /* Its own objects: a view is refused, and a copy holds nothing. */
    DLManagedTensorVersioned *tensor = NULL;
    PyObject *bytes = PyBytes_FromString("sub");
    EXPECT(pybuffer_to_dlpack(bytes, 0, &tensor) == -1 && tensor == NULL);
    EXPECT(PyErr_ExceptionMatches(PyExc_BufferError));
    PyErr_Clear();
    EXPECT(Py_REFCNT(bytes) == 1);
    EXPECT(pybuffer_to_dlpack(bytes, PYBUFFER_DLPACK_COPY, &tensor) == 0);
    EXPECT(Py_REFCNT(bytes) == 1);
    Py_DECREF(bytes);

    /* The main interpreter's: released there, where it can be told whether this thread holds the GIL. */
    delete(of_main);
    EXPECT(PyThreadState_Get() == sub);
    const int can_tell = PY_VERSION_HEX >= 0x030c0000;
    EXPECT(array_alive() == before + (can_tell ? 2 : 3));
    const long left = array_alive() - 2;
    Py_EndInterpreter(sub);

    PyThreadState_Swap(first);
    when = "after a subinterpreter's end";
    delete(tensor);
    delete(other);
    EXPECT(array_alive() == left + 1);
    PyThreadState *saved = PyEval_SaveThread();
    EXPECT(returns_in_a_thread(third));
    PyEval_RestoreThread(saved);
    /* Without a GIL, an object that another thread gives up is freed when its own thread runs Python code. */
    EXPECT(PyRun_SimpleString("pass") == 0);
    EXPECT(array_alive() == left);
}

/* --- finalisation ------------------------------------------------------------------------------------- */

static DLManagedTensorVersioned *of_this_thread, *of_another_thread;
static int n_destroyed;

/* Called when the modules are torn down. */
static void delete_during_finalisation(PyObject *capsule)
{
    (void)capsule;
    when = "during finalisation";
    n_destroyed++;
    EXPECT(!Py_IsInitialized());
    const long before = array_alive();
    delete(of_this_thread);
    EXPECT(array_alive() == before - 1);
    EXPECT(returns_in_a_thread(of_another_thread));
    EXPECT(array_alive() == before - 1);
}

static void leave_work_for_finalisation(void)
{
    PyObject *capsule = PyCapsule_New(items, "test", delete_during_finalisation);
    PyObject *builtins = PyImport_ImportModule("builtins");
    EXPECT(capsule != NULL && PyObject_SetAttrString(builtins, "pybuffer_test", capsule) == 0);
    Py_XDECREF(capsule);
    Py_XDECREF(builtins);
    of_this_thread = tensor_of_array(0);
    of_another_thread = tensor_of_array(0);
}

int main(void)
{
    alarm(60);
    Py_InitializeEx(0);
    if (array_ready() < 0) {
        printf("the exporter's type cannot be made ready\n");
        return 1;
    }
    when = "in the first life";
    DLManagedTensorVersioned *late[5];
    for (int i = 0; i < 4; i++) {
        late[i] = tensor_of_array(0);
    }
    late[4] = tensor_of_owner();
    DLManagedTensorVersioned *copy = tensor_of_array(PYBUFFER_DLPACK_COPY);
    use_a_subinterpreter();
    leave_work_for_finalisation();
    EXPECT(Py_FinalizeEx() == 0);
    EXPECT(n_destroyed == 1);

    /* The objects stay as they are. */
    when = "after Py_Finalize";
    const long alive = array_alive();
    delete(late[0]);
    delete(late[4]);
    EXPECT(returns_in_a_thread(late[1]));
    EXPECT(memcmp(copy->dl_tensor.data, "abc", 4) == 0);
    delete(copy);
    EXPECT(array_alive() == alive);

    when = "in the second life";
    Py_InitializeEx(0);
    delete(late[2]);
    EXPECT(array_alive() == alive);
    DLManagedTensorVersioned *last = tensor_of_array(0), *owned = tensor_of_owner();
    delete(last);
    delete(owned);
    EXPECT(array_alive() == alive);
    EXPECT(Py_FinalizeEx() == 0);
    delete(late[3]);
    EXPECT(array_alive() == alive);
    printf("%d failures\n", n_failures);
    return n_failures > 0;
}

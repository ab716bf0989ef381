/* Errors and memoryviews for those who hold the GIL with a thread state that is not the one CPython
 * knows of their thread: a second one of the same thread, and one that was made elsewhere. Up to 3.11
 * PyGILState_Check() says no to them.
 *
 * Exits with 0 if all is as expected; prints what is not. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <libpybuffer.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "functions.h"

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

/* A call that fails, with an exception set. */
static void expect_error(int line, const char *what, int failed, PyObject *exception)
{
    expect(line, what, failed && PyErr_Occurred() && PyErr_ExceptionMatches(exception));
    PyErr_Clear();
}
#define EXPECT_ERROR(exception, condition)                                                         \
    expect_error(__LINE__, #condition, (condition), PyExc_##exception)

static int n_destroyed;

static void count_and_fail(void *context)
{
    (void)context;
    n_destroyed++;
    PyErr_SetString(PyExc_ValueError, "left by a destructor");
}

static void make_memoryviews(PyObject *bytes)
{
    Py_buffer view;
    char memory[4] = "abc";
    PyObject *first = PyMemoryView_FromObject(bytes), *made[5];
    EXPECT(first != NULL);
    EXPECT(PyObject_GetBuffer(bytes, &view, PyBUF_FULL_RO) == 0);
    made[0] = PyMemoryView_FromBuffer(&view);
    made[1] = PyMemoryView_FromMemory(memory, 4, PyBUF_WRITE);
    made[2] = PyMemoryView_GetContiguous(bytes, PyBUF_READ, 'C');
    made[3] = pybuffer_memoryview_from_buffer_with_owner(&view, bytes);
    made[4] = pybuffer_memoryview_from_memory_with_destructor(memory, 4, 0, count_and_fail, NULL);
    EXPECT(pybuffer_memoryview_release(first) == 0);
    Py_XDECREF(first);
    PyErr_SetString(PyExc_KeyError, "pending");
    for (int i = 0; i < 5; i++) {
        EXPECT(made[i] != NULL);
        Py_XDECREF(made[i]);
    }
    EXPECT(n_destroyed == 1);
    n_destroyed = 0;
    EXPECT_ERROR(KeyError, 1);
    PyBuffer_Release(&view);
}

static void fail(PyObject *bytes, PyObject *number)
{
    Py_buffer view;
    const void *memory;
    Py_ssize_t size;
    EXPECT_ERROR(TypeError, PyMemoryView_FromObject(number) == NULL);
    EXPECT_ERROR(BufferError, PyMemoryView_GetContiguous(bytes, PyBUF_WRITE, 'C') == NULL);
    EXPECT_ERROR(SystemError, pybuffer_memoryview_release(number) == -1);
    EXPECT_ERROR(TypeError, PyObject_GetBuffer(number, &view, PyBUF_SIMPLE) == -1);
    EXPECT_ERROR(BufferError, PyObject_GetBuffer(bytes, &view, PyBUF_WRITABLE) == -1);
    EXPECT_ERROR(SystemError, PyObject_GetBuffer(NULL, &view, PyBUF_SIMPLE) == -1);
    EXPECT_ERROR(TypeError, PyObject_CopyData(number, bytes) == -1);
    EXPECT_ERROR(TypeError, PyObject_AsReadBuffer(number, &memory, &size) == -1);
    EXPECT_ERROR(BufferError, PyBuffer_FillInfo(&view, bytes, NULL, 0, 1, PyBUF_WRITABLE) == -1);
    EXPECT_ERROR(Exception, PyBuffer_SizeFromFormat("~") == -1);
}

/* bytes and memoryviews ask for buffers by themselves, of this library if it was preloaded. */
static const char SCRIPT[] = "assert bytes(memoryview(b'xyz')) == b'xyz'\n"
                             "for wrong in lambda: b''.join([b'', 5]), lambda: memoryview(5):\n"
                             "    try:\n"
                             "        wrong()\n"
                             "    except TypeError:\n"
                             "        continue\n"
                             "    assert False\n";

static void use_objects(const char *now)
{
    when = now;
    PyObject *bytes = PyBytes_FromString("abcdef"), *number = PyLong_FromLong(5);
    make_memoryviews(bytes);
    fail(bytes, number);
    PyObject *names = PyDict_New();
    PyDict_SetItemString(names, "__builtins__", PyEval_GetBuiltins());
    PyObject *result = PyRun_String(SCRIPT, Py_file_input, names, names);
    EXPECT(result != NULL);
    if (result == NULL) {
        PyErr_Print();
    }
    Py_XDECREF(result);
    Py_DECREF(names);
    EXPECT(Py_REFCNT(bytes) == 1);
    Py_DECREF(bytes);
    Py_DECREF(number);
}

static void *work(void *state)
{
    PyEval_AcquireThread(state);
    use_objects("with a state of another thread's making");
    PyEval_ReleaseThread(state);
    return NULL;
}

int main(void)
{
    Py_InitializeEx(0);
    PyThreadState *first = PyThreadState_Get();
#if PY_VERSION_HEX < 0x03090000
    PyInterpreterState *interpreter = first->interp;
#else
    PyInterpreterState *interpreter = PyInterpreterState_Get();
#endif
    PyThreadState *second = PyThreadState_New(interpreter);
    use_objects("with the first state");
#if !defined(Py_DEBUG) || PY_VERSION_HEX >= 0x030c0000 /* a debug build stops at it */
    PyThreadState_Swap(second);
    use_objects("with the second state");
    PyThreadState_Swap(first);
#else
    (void)second;
#endif

    PyThreadState *third = PyThreadState_New(interpreter);
    pthread_t thread;
    PyEval_SaveThread();
    if (pthread_create(&thread, NULL, work, third) != 0 || pthread_join(thread, NULL) != 0) {
        n_failures++;
        printf("no thread can be had\n");
    }
    PyEval_RestoreThread(first);
    printf("%d failures\n", n_failures);
    return n_failures > 0;
}

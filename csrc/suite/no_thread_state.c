/* Every function where Python cannot be told of an error: before Py_Initialize, after Py_Finalize,
 * and in threads that hold no GIL. The return value alone tells then, and no exception turns up
 * anywhere else. libpython crashes in most of these calls, so this is of libpybuffer alone.
 *
 * Up to 3.11 a function of objects cannot tell that it is another thread that holds the GIL. There
 * only those that need no GIL are called.
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

static void expect(int line, const char *what, long long expected, long long found)
{
    if (expected != found) {
        n_failures++;
        printf("%s:%d: %s: %s: expected %lld, found %lld\n", __FILE__, line, when, what, expected,
               found);
    }
}
#define EXPECT(expected, call) expect(__LINE__, #call, (expected), (long long)(call))

/* --- exporters that need no interpreter -------------------------------------------------------- */

/* Whether the calling thread may raise; then errors turn up as exceptions. */
static int can_raise;

/* Whether functions whose callers must hold the GIL may be called all the same. */
static int may_use_objects = 1;

static char memory[16] = "0123456789abcde";

static int readonly_getbuffer(PyObject *self, Py_buffer *view, int flags)
{
    (void)self;
    return PyBuffer_FillInfo(view, NULL, memory, 16, 1, flags);
}

/* Four items of two bytes, backwards, with two between them, whatever is asked for. */
static int strided_getbuffer(PyObject *self, Py_buffer *view, int flags)
{
    static Py_ssize_t shape[] = { 4 }, strides[] = { -4 };
    (void)self;
    (void)flags;
    memset(view, 0, sizeof *view);
    view->buf = memory + 12;
    view->len = 8;
    view->itemsize = 2;
    view->ndim = 1;
    view->shape = shape;
    view->strides = strides;
    return 0;
}

static int failing_getbuffer(PyObject *self, Py_buffer *view, int flags)
{
    (void)self;
    (void)view;
    (void)flags;
    if (can_raise) {
        PyErr_SetString(PyExc_BufferError, "failing");
    }
    return -1;
}

static char bytes[8];

static int bytes_getbuffer(PyObject *self, Py_buffer *view, int flags)
{
    (void)self;
    return PyBuffer_FillInfo(view, NULL, bytes, 8, 0, flags);
}

/* The same bytes as four items. */
static int dense_getbuffer(PyObject *self, Py_buffer *view, int flags)
{
    static Py_ssize_t shape[] = { 4 }, strides[] = { 2 };
    int result = bytes_getbuffer(self, view, flags);
    view->itemsize = 2;
    view->shape = shape;
    view->strides = strides;
    return result;
}

#define EXPORTER(name, getbuffer)                                                                  \
    static PyBufferProcs name##_procs = { getbuffer, NULL };                                       \
    static PyTypeObject name##_type = {                                                            \
        PyVarObject_HEAD_INIT(&PyType_Type, 0)                                                     \
        .tp_name = #name,                                                                          \
        .tp_as_buffer = &name##_procs,                                                             \
    };                                                                                             \
    static struct {                                                                                \
        PyObject_HEAD                                                                              \
    } name##_object = { PyObject_HEAD_INIT(&name##_type) };                                        \
    static PyObject *const name = (PyObject *)&name##_object

EXPORTER(readonly, readonly_getbuffer);
EXPORTER(strided, strided_getbuffer);
EXPORTER(failing, failing_getbuffer);
EXPORTER(bytewise, bytes_getbuffer);
EXPORTER(dense, dense_getbuffer);
EXPORTER(plain, NULL);

/* --- the calls ---------------------------------------------------------------------------------- */

/* A call that fails: with an exception where this thread can raise, and without where it cannot. */
static void expect_error(int line, const char *what, long long expected, long long found)
{
    expect(line, what, expected, found);
    if (can_raise) {
        expect(line, "an exception is set", 1, PyErr_Occurred() != NULL);
        PyErr_Clear();
    }
}
#define EXPECT_ERROR(expected, call)                                                               \
    expect_error(__LINE__, #call, (expected), (long long)(call))

static void get_and_release(void)
{
    Py_buffer view;
    EXPECT(0, PyObject_CheckBuffer(NULL));
    EXPECT(0, PyObject_CheckBuffer(plain));
    EXPECT(1, PyObject_CheckBuffer(strided));
    EXPECT_ERROR(-1, PyObject_GetBuffer(NULL, &view, PyBUF_SIMPLE));
    EXPECT_ERROR(-1, PyObject_GetBuffer(plain, &view, PyBUF_SIMPLE));
    EXPECT_ERROR(-1, PyObject_GetBuffer(failing, &view, PyBUF_SIMPLE));
    EXPECT_ERROR(-1, PyObject_GetBuffer(readonly, &view, PyBUF_WRITABLE));
    EXPECT(0, PyObject_GetBuffer(readonly, &view, PyBUF_FULL_RO));
    EXPECT(16, view.len);
    PyBuffer_Release(&view);
    PyBuffer_Release(NULL);
    EXPECT_ERROR(-1, PyBuffer_FillInfo(NULL, NULL, memory, 16, 0, PyBUF_SIMPLE));
    EXPECT_ERROR(-1, PyBuffer_FillInfo(&view, NULL, memory, 16, 1, PyBUF_WRITABLE));
#if PY_VERSION_HEX >= 0x030d0000
    EXPECT_ERROR(-1, PyObject_GetBuffer(readonly, &view, PyBUF_READ));
    EXPECT_ERROR(-1, PyBuffer_FillInfo(&view, NULL, memory, 16, 1, PyBUF_WRITE));
#endif
}

static void look_at_views(void)
{
    Py_ssize_t index[] = { 1 }, strides[2], shape[] = { 2, 3 };
    Py_buffer view;
    EXPECT(0, PyObject_GetBuffer(strided, &view, PyBUF_FULL));
    EXPECT(0, PyBuffer_IsContiguous(&view, 'A'));
    EXPECT(0, PyBuffer_IsContiguous(NULL, 'C'));
    EXPECT(1, PyBuffer_GetPointer(&view, index) == memory + 8);
    EXPECT_ERROR(1, PyBuffer_GetPointer(&view, NULL) == NULL);
    EXPECT_ERROR(1, PyBuffer_GetPointer(NULL, index) == NULL);
    PyBuffer_FillContiguousStrides(2, shape, strides, 4, 'C');
    EXPECT(12, strides[0]);
    PyBuffer_FillContiguousStrides(2, NULL, NULL, 4, 'F');
    PyBuffer_Release(&view);
}

/* Errors of these are for struct.calcsize to tell, which takes an interpreter. */
static void measure_formats(void)
{
    EXPECT(4, PyBuffer_SizeFromFormat("i"));
    EXPECT(8, PyBuffer_SizeFromFormat("<2hi"));
    if (may_use_objects) {
        EXPECT_ERROR(-1, PyBuffer_SizeFromFormat("~"));
        EXPECT_ERROR(-1, PyBuffer_SizeFromFormat("\xff"));
        EXPECT_ERROR(-1, PyBuffer_SizeFromFormat("\xc3\xa9"));
        EXPECT_ERROR(-1, PyBuffer_SizeFromFormat("9999999999999999999b"));
        EXPECT_ERROR(-1, PyBuffer_SizeFromFormat(NULL));
    }

    pybuffer_format_info info;
    const long long item = sizeof(struct { int a; double b; });
    EXPECT(3, pybuffer_format_parse("T{i:a:d:b:}", NULL, 0, NULL, 0, &info));
    EXPECT(item, info.itemsize);
    EXPECT(item, pybuffer_format_itemsize("T{i:a:d:b:}"));
    EXPECT(1, pybuffer_format_equivalent("iii", "3i"));
    EXPECT_ERROR(-1, pybuffer_format_parse("T{i", NULL, 0, NULL, 0, &info));
    EXPECT(1, info.error_position);
    EXPECT_ERROR(-1, pybuffer_format_itemsize("~"));
    EXPECT_ERROR(-1, pybuffer_format_equivalent("i", "3"));
}

static void copy_views(void)
{
    char out[16];
    Py_ssize_t negative[] = { -4 };
    Py_buffer view;
    EXPECT(0, PyObject_GetBuffer(strided, &view, PyBUF_FULL));
    EXPECT(0, PyBuffer_ToContiguous(out, &view, 8, 'C'));
    EXPECT(0, memcmp(out, "cd894501", 8));
    EXPECT(0, PyBuffer_FromContiguous(&view, out, 8, 'F'));
    EXPECT_ERROR(-1, PyBuffer_ToContiguous(out, &view, 7, 'C'));
    EXPECT_ERROR(-1, PyBuffer_ToContiguous(NULL, &view, 8, 'C'));
    EXPECT_ERROR(-1, PyBuffer_ToContiguous(out, NULL, 8, 'C'));
    EXPECT_ERROR(-1, PyBuffer_FromContiguous(NULL, out, 8, 'C'));
    EXPECT_ERROR(-1, PyBuffer_FromContiguous(&view, out, -1, 'C'));
    view.itemsize = 0;
    EXPECT_ERROR(-1, PyBuffer_ToContiguous(out, &view, 8, 'C'));
    view.itemsize = 2;
    view.shape = negative;
    view.suboffsets = negative;
    EXPECT_ERROR(-1, PyBuffer_FromContiguous(&view, out, 8, 'C'));
    EXPECT_ERROR(-1, pybuffer_copy(&view, NULL));
}

static void copy_objects(void)
{
    EXPECT(0, PyObject_CopyData(dense, strided));
    EXPECT(0, memcmp(bytes, "cd894501", 8));
    EXPECT(0, PyObject_CopyData(bytewise, dense));
    EXPECT_ERROR(-1, PyObject_CopyData(NULL, strided));
    EXPECT_ERROR(-1, PyObject_CopyData(plain, strided));
    EXPECT_ERROR(-1, PyObject_CopyData(strided, failing));
    EXPECT_ERROR(-1, PyObject_CopyData(strided, readonly)); /* too large */
    EXPECT_ERROR(-1, PyObject_CopyData(strided, bytewise)); /* 8 items into 4 */
    EXPECT_ERROR(-1, PyObject_CopyData(readonly, strided));
}

static void use_the_old_functions(void)
{
    const void *readable;
    const char *chars;
    void *writable;
    Py_ssize_t len;
    EXPECT(0, PyObject_AsReadBuffer(readonly, &readable, &len));
    EXPECT(0, PyObject_AsCharBuffer(readonly, &chars, &len));
    EXPECT(0, PyObject_AsWriteBuffer(bytewise, &writable, &len));
    EXPECT(1, PyObject_CheckReadBuffer(readonly));
    EXPECT(0, PyObject_CheckReadBuffer(plain));
    EXPECT(0, PyObject_CheckReadBuffer(failing));
    EXPECT(0, PyObject_CheckReadBuffer(NULL));
    EXPECT_ERROR(-1, PyObject_AsReadBuffer(plain, &readable, &len));
    EXPECT_ERROR(-1, PyObject_AsReadBuffer(NULL, &readable, &len));
    EXPECT_ERROR(-1, PyObject_AsCharBuffer(failing, &chars, &len));
    EXPECT_ERROR(-1, PyObject_AsWriteBuffer(readonly, &writable, &len));
    EXPECT_ERROR(-1, PyObject_AsWriteBuffer(NULL, &writable, &len));
}

/* Objects are made with a thread state only: without one none comes back, and no error. */
static void expect_object(int line, const char *what, PyObject *found)
{
    expect(line, what, can_raise, found != NULL);
    if (can_raise) {
        Py_XDECREF(found);
    }
}
#define EXPECT_OBJECT(call) expect_object(__LINE__, #call, call)

extern PyObject *pybuffer_memoryview_from_buffer_with_owner(const Py_buffer *, PyObject *);
extern PyObject *pybuffer_memoryview_from_memory_with_destructor(char *, Py_ssize_t, int,
                                                                 void (*)(void *), void *);
extern int pybuffer_memoryview_release(PyObject *);

static void ignore(void *context)
{
    (void)context;
}

static void make_memoryviews(void)
{
    Py_buffer view;
    EXPECT(0, PyObject_GetBuffer(strided, &view, PyBUF_FULL));
    EXPECT_OBJECT(PyMemoryView_FromObject(strided));
    EXPECT_OBJECT(PyMemoryView_FromMemory(memory, 16, PyBUF_READ));
    EXPECT_OBJECT(PyMemoryView_FromBuffer(&view));
    EXPECT_OBJECT(PyMemoryView_GetContiguous(strided, PyBUF_READ, 'C'));
    EXPECT_OBJECT(pybuffer_memoryview_from_buffer_with_owner(&view, plain));
    EXPECT_OBJECT(pybuffer_memoryview_from_memory_with_destructor(memory, 16, 0, ignore, NULL));
    EXPECT_ERROR(1, PyMemoryView_FromObject(NULL) == NULL);
    EXPECT_ERROR(1, PyMemoryView_FromObject(plain) == NULL);
    EXPECT_ERROR(1, PyMemoryView_FromBuffer(NULL) == NULL);
    EXPECT_ERROR(1, PyMemoryView_GetContiguous(strided, PyBUF_WRITE, 'C') == NULL);
    EXPECT_ERROR(1, pybuffer_memoryview_from_buffer_with_owner(&view, NULL) == NULL);
    EXPECT_ERROR(-1, pybuffer_memoryview_release(NULL));
    EXPECT_ERROR(-1, pybuffer_memoryview_release(plain));
    view.buf = NULL;
    EXPECT_ERROR(1, PyMemoryView_FromBuffer(&view) == NULL);
}

static void call_everything(const char *now)
{
    when = now;
    look_at_views();
    measure_formats();
    copy_views();
    if (may_use_objects) {
        get_and_release();
        copy_objects();
        use_the_old_functions();
        make_memoryviews();
    }
    EXPECT(0, strncmp(pybuffer_runtime(), "CPython 3.", strlen("CPython 3.")));
    EXPECT(1, strlen(pybuffer_version()) > 0);
}

static void *call_everything_in_a_thread(void *now)
{
    call_everything(now);
    return NULL;
}

static void *call_everything_in_a_thread_with_the_gil(void *now)
{
    PyGILState_STATE state = PyGILState_Ensure();
    can_raise = 1;
    call_everything(now);
    can_raise = 0;
    PyGILState_Release(state);
    return NULL;
}

static void in_a_thread(void *(*work)(void *), char *now)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, work, now) != 0 || pthread_join(thread, NULL) != 0) {
        n_failures++;
        printf("no thread can be had\n");
    }
}

static void live_once(void)
{
    Py_InitializeEx(0);
    can_raise = 1;
    call_everything("with the GIL");
    can_raise = 0;

    may_use_objects = PY_VERSION_HEX >= 0x030c0000;
    in_a_thread(call_everything_in_a_thread, "while another thread holds the GIL");
    may_use_objects = 1;
    EXPECT(0, PyErr_Occurred() != NULL);

    PyThreadState *state = PyEval_SaveThread();
    call_everything("after the thread gave up the GIL");
    in_a_thread(call_everything_in_a_thread, "in a thread, while none holds the GIL");
    in_a_thread(call_everything_in_a_thread_with_the_gil, "in a thread that took the GIL");
    PyEval_RestoreThread(state);
    EXPECT(0, PyErr_Occurred() != NULL);
    if (Py_FinalizeEx() < 0) {
        n_failures++;
    }
}

int main(void)
{
    call_everything("before Py_Initialize");
    live_once();
    call_everything("after Py_Finalize");
    in_a_thread(call_everything_in_a_thread, "in a thread after Py_Finalize");
    live_once();
    call_everything("after the second Py_Finalize");
    printf("%d failures\n", n_failures);
    return n_failures > 0;
}

/* What it costs to acquire and release a view: in instructions, counted by single-stepping a child, and in nanoseconds.
 * Built as an extension module, which uses CPython's exporters, and, with STANDALONE, as a program without Python, whose
 * threads use one exporter at the same time. */

#ifdef STANDALONE
#define _GNU_SOURCE
#include <libpybuffer.h>
#else
#include <Python.h>
#endif
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef void work(PyObject *);

static void
by_calls(PyObject *obj)
{
    Py_buffer view;
    PyObject_GetBuffer(obj, &view, PyBUF_SIMPLE);
    PyBuffer_Release(&view);
}

/* The same by the exporter's own slots: the cost that cannot be avoided. */
static void
by_slots(PyObject *obj)
{
    Py_buffer view;
    PyBufferProcs *slots = Py_TYPE(obj)->tp_as_buffer;
    slots->bf_getbuffer(obj, &view, PyBUF_SIMPLE);
    if (slots->bf_releasebuffer != NULL)
        slots->bf_releasebuffer(obj, &view);
    Py_DECREF(view.obj);
}

/* The instructions of a child that calls the function n times; 0 if single-stepping is not allowed here. */
static long
steps(work *function, PyObject *obj, int n)
{
    int status;
    long count = 0;
    pid_t child = fork();
    if (child == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
            _exit(1);
        raise(SIGSTOP);
        for (int i = 0; i < n; i++)
            function(obj);
        _exit(0);
    }
    while (waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
        ptrace(PTRACE_SINGLESTEP, child, NULL, NULL);
        count++;
    }
    return count > 1 ? count : 0;
}

static long
instructions(work *function, PyObject *obj)
{
    function(obj); /* does what is done only once */
    return (steps(function, obj, 11) - steps(function, obj, 1)) / 10;
}

static double
nanoseconds(work *function, PyObject *obj, int n)
{
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (int i = 0; i < n; i++)
        function(obj);
    clock_gettime(CLOCK_MONOTONIC, &end);
    return ((end.tv_sec - begin.tv_sec) * 1e9 + (end.tv_nsec - begin.tv_nsec)) / n;
}

#ifdef STANDALONE

static int
get(PyObject *self, Py_buffer *view, int flags)
{
    *view = (Py_buffer){.buf = "abc", .obj = self, .len = 3, .itemsize = 1, .readonly = 1, .ndim = 1};
    static Py_ssize_t three = 3, one = 1;
    view->shape = flags & PyBUF_ND ? &three : NULL;
    view->strides = flags & PyBUF_STRIDES ? &one : NULL;
    Py_INCREF(self);
    return 0;
}
static PyBufferProcs procs = {get, NULL};
static PyTypeObject letters = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "letters",
    .tp_basicsize = sizeof(PyObject),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_as_buffer = &procs,
};

static PyObject *exporter;
static pthread_barrier_t all_there;

static void *
run_thread(void *result)
{
    enum { N = 300000 };
    pthread_barrier_wait(&all_there);
    *(double *)result = nanoseconds(by_calls, exporter, N);
    return NULL;
}

/* cost N: runs N threads, and prints the time of a view in the slowest */
int
main(int argc, char **argv)
{
    int n = argc > 1 ? atoi(argv[1]) : 1;
    pthread_t threads[64];
    double times[64], slowest = 0;
    if (n < 1 || n > 64 || PyType_Ready(&letters) < 0 || (exporter = PyObject_New(PyObject, &letters)) == NULL)
        return 1;
    pthread_barrier_init(&all_there, NULL, n);
    for (int i = 0; i < n; i++)
        if (pthread_create(&threads[i], NULL, run_thread, &times[i]) != 0)
            return 1;
    for (int i = 0; i < n; i++) {
        pthread_join(threads[i], NULL);
        slowest = times[i] > slowest ? times[i] : slowest;
    }
    printf("[%ld, %ld, %.1f]\n", instructions(by_slots, exporter), instructions(by_calls, exporter), slowest);
    return 0;
}

#else

/* measure(exporter) -> (instructions by slots, instructions by calls, nanoseconds by calls) */
static PyObject *
measure(PyObject *module, PyObject *obj)
{
    (void)module;
    long slots = instructions(by_slots, obj), calls = instructions(by_calls, obj);
    double best = 1e9;
    /* Short enough that some are not interrupted, however busy the machine is. */
    for (int i = 0; i < 7000; i++) {
        double time = nanoseconds(by_calls, obj, 100);
        best = time < best ? time : best;
    }
    return Py_BuildValue("lld", slots, calls, best);
}

static PyMethodDef methods[] = {{"measure", measure, METH_O, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "cost", .m_size = -1, .m_methods = methods,
};

PyMODINIT_FUNC
PyInit_cost(void)
{
    return PyModule_Create(&definition);
}

#endif

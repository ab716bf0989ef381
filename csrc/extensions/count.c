/* Counts the calls of the buffer functions in a process, and tells which image answers them.
 *
 * Preloaded before libpybuffer.so: every function here counts the call and passes it on to the next
 * definition of its name. A process that exits normally appends one line for each function that
 * was called to the file named by PYBUFFER_COUNTS:
 *
 *     pid <TAB> function <TAB> calls <TAB> image that answered
 *
 * A process that ends by _exit (a fork of multiprocessing, say) is not counted: the counts are
 * lower bounds. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct object PyObject;
typedef struct bufferinfo Py_buffer;
typedef ssize_t Py_ssize_t;

/* F(result, return statement or nothing, name, parameters, arguments) */
#define FUNCTIONS(F)                                                                              \
    F(int, return, PyObject_CheckBuffer, (PyObject *obj), (obj))                                  \
    F(int, return, PyObject_GetBuffer, (PyObject *obj, Py_buffer *view, int flags),               \
      (obj, view, flags))                                                                         \
    F(void, , PyBuffer_Release, (Py_buffer *view), (view))                                        \
    F(Py_ssize_t, return, PyBuffer_SizeFromFormat, (const char *format), (format))                \
    F(int, return, PyBuffer_IsContiguous, (const Py_buffer *view, char order), (view, order))     \
    F(void *, return, PyBuffer_GetPointer, (const Py_buffer *view, const Py_ssize_t *indices),    \
      (view, indices))                                                                            \
    F(int, return, PyBuffer_FromContiguous,                                                       \
      (const Py_buffer *view, const void *buf, Py_ssize_t len, char fort),                        \
      (view, buf, len, fort))                                                                     \
    F(int, return, PyBuffer_ToContiguous,                                                         \
      (void *buf, const Py_buffer *src, Py_ssize_t len, char order), (buf, src, len, order))      \
    F(int, return, PyObject_CopyData, (PyObject *dest, PyObject *src), (dest, src))               \
    F(void, , PyBuffer_FillContiguousStrides,                                                     \
      (int ndims, Py_ssize_t *shape, Py_ssize_t *strides, int itemsize, char fort),               \
      (ndims, shape, strides, itemsize, fort))                                                    \
    F(int, return, PyBuffer_FillInfo,                                                             \
      (Py_buffer *view, PyObject *exporter, void *buf, Py_ssize_t len, int readonly, int flags),  \
      (view, exporter, buf, len, readonly, flags))                                                \
    F(int, return, PyObject_AsCharBuffer, (PyObject *obj, const char **buf, Py_ssize_t *len),     \
      (obj, buf, len))                                                                            \
    F(int, return, PyObject_AsReadBuffer, (PyObject *obj, const void **buf, Py_ssize_t *len),     \
      (obj, buf, len))                                                                            \
    F(int, return, PyObject_AsWriteBuffer, (PyObject *obj, void **buf, Py_ssize_t *len),          \
      (obj, buf, len))                                                                            \
    F(int, return, PyObject_CheckReadBuffer, (PyObject *obj), (obj))                              \
    F(PyObject *, return, PyMemoryView_FromObject, (PyObject *obj), (obj))                        \
    F(PyObject *, return, PyMemoryView_FromMemory, (char *mem, Py_ssize_t size, int flags),       \
      (mem, size, flags))                                                                         \
    F(PyObject *, return, PyMemoryView_FromBuffer, (const Py_buffer *info), (info))               \
    F(PyObject *, return, PyMemoryView_GetContiguous, (PyObject *obj, int type, char order),      \
      (obj, type, order))

enum {
#define NUMBER(result, ret, name, params, args) NUMBER_##name,
    FUNCTIONS(NUMBER) N_FUNCTIONS
};

static const char *const names[N_FUNCTIONS] = {
#define NAME(result, ret, name, params, args) #name,
    FUNCTIONS(NAME)
};

static void *next[N_FUNCTIONS];
static unsigned long long calls[N_FUNCTIONS];

#define DEFINE(result, ret, name, params, args)                                                   \
    result name params;                                                                           \
    result name params                                                                            \
    {                                                                                             \
        __atomic_fetch_add(&calls[NUMBER_##name], 1, __ATOMIC_RELAXED);                           \
        ret((result(*) params)next[NUMBER_##name]) args;                                          \
    }
FUNCTIONS(DEFINE)

/* The parent writes its own lines, so a child begins at 0. */
static void
forget_calls(void)
{
    for (int i = 0; i < N_FUNCTIONS; i++)
        calls[i] = 0;
}

__attribute__((constructor)) static void
find_next(void)
{
    for (int i = 0; i < N_FUNCTIONS; i++)
        next[i] = dlsym(RTLD_NEXT, names[i]);
    pthread_atfork(NULL, NULL, forget_calls);
}

__attribute__((destructor)) static void
write_calls(void)
{
    const char *path = getenv("PYBUFFER_COUNTS");
    int file = path ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666) : -1;
    if (file < 0)
        return;
    for (int i = 0; i < N_FUNCTIONS; i++) {
        if (calls[i] == 0)
            continue;
        Dl_info answered;
        char line[4096 + 128];
        int known = dladdr(next[i], &answered);
        int len = snprintf(line, sizeof line, "%ld\t%s\t%llu\t%s\n", (long)getpid(), names[i],
                           calls[i], known ? answered.dli_fname : "unknown");
        /* One write for each line, so that lines of processes that end at the same time do not mix. */
        if (write(file, line, (size_t)len) != len)
            abort();
    }
    close(file);
}

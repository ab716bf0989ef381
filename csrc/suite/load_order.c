/* libpybuffer and a libpython that meet in one process, each loaded by dlopen.
 *
 * usage: load_order LIBPYBUFFER LIBPYTHON HOW
 *
 * HOW  library-first   libpybuffer, then libpython for all to see
 *      python-first    the other way round
 *      attach          a libpython that only its own handle reaches
 *      stay            an error before libpython comes: the process stays without Python's objects
 *      close           the library is closed again while the interpreter runs
 *
 * Linked with neither. Exits with 0 if all is as expected; prints what is not. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libpybuffer.h>

/* Pointers to the functions, by their names without the prefix. */
static __typeof__(pybuffer_runtime) *runtime;
static __typeof__(pybuffer_attach) *attach;
static __typeof__(pybuffer_err_text) *err_text;
static __typeof__(pybuffer_err_clear) *err_clear;
static __typeof__(PyObject_GetBuffer) *get_buffer;
static __typeof__(PyBuffer_Release) *release;
static __typeof__(PyBuffer_ToContiguous) *to_contiguous;
static __typeof__(PyBuffer_IsContiguous) *is_contiguous;
static __typeof__(PyBuffer_SizeFromFormat) *size_from_format;

static void (*py_initialize_ex)(int);
static int (*py_finalize_ex)(void);
static const char *(*py_get_version)(void);
static PyObject *(*py_bytes_from_string)(const char *);
static void (*py_dec_ref)(PyObject *);
static PyObject *(*py_err_occurred)(void);
static void (*py_err_clear)(void);
static PyObject **py_exc_system_error;

static int n_failures;

static void expect(int line, const char *what, int is_true)
{
    if (!is_true) {
        n_failures++;
        printf("%s:%d: expected: %s\n", __FILE__, line, what);
    }
}
#define EXPECT(condition) expect(__LINE__, #condition, (condition))

static void *open_library(const char *path, int scope)
{
    void *handle = dlopen(path, RTLD_NOW | scope);
    if (handle == NULL) {
        printf("%s\n", dlerror());
        exit(2);
    }
    return handle;
}

static void find(void *handle, const char *name, void *pointer)
{
    void *address = dlsym(handle, name);
    if (address == NULL) {
        printf("%s\n", dlerror());
        exit(2);
    }
    memcpy(pointer, &address, sizeof address);
}

static void load_library(const char *path)
{
    void *handle = open_library(path, RTLD_LOCAL);
    find(handle, "pybuffer_runtime", &runtime);
    find(handle, "pybuffer_attach", &attach);
    find(handle, "pybuffer_err_text", &err_text);
    find(handle, "pybuffer_err_clear", &err_clear);
    find(handle, "PyObject_GetBuffer", &get_buffer);
    find(handle, "PyBuffer_Release", &release);
    find(handle, "PyBuffer_ToContiguous", &to_contiguous);
    find(handle, "PyBuffer_IsContiguous", &is_contiguous);
    find(handle, "PyBuffer_SizeFromFormat", &size_from_format);
}

static void *load_python(const char *path, int scope)
{
    void *handle = open_library(path, scope);
    find(handle, "Py_InitializeEx", &py_initialize_ex);
    find(handle, "Py_FinalizeEx", &py_finalize_ex);
    find(handle, "Py_GetVersion", &py_get_version);
    find(handle, "PyBytes_FromString", &py_bytes_from_string);
    find(handle, "Py_DecRef", &py_dec_ref);
    find(handle, "PyErr_Occurred", &py_err_occurred);
    find(handle, "PyErr_Clear", &py_err_clear);
    find(handle, "PyExc_SystemError", &py_exc_system_error);
    return handle;
}

/* Calls that need no object and raise nothing decide nothing either. */
static void work_without_objects(void)
{
    char items[] = "abcdef", out[6];
    Py_ssize_t shape[] = { 2, 3 }, strides[] = { 1, 2 };
    Py_buffer view = { .buf = items, .len = 6, .itemsize = 1, .ndim = 2, .shape = shape,
                       .strides = strides };
    EXPECT(is_contiguous(&view, 'F') == 1);
    EXPECT(to_contiguous(out, &view, 6, 'C') == 0);
    EXPECT(memcmp(out, "acebdf", 6) == 0);
    EXPECT(size_from_format("<id") == 12);
}

static void expect_cpython(void)
{
    char expected[40];
    const char *version = py_get_version();
    snprintf(expected, sizeof expected, "CPython %.*s", (int)strcspn(version, " "), version);
    EXPECT(strncmp(runtime(), expected, strlen(expected)) == 0);
}

/* Python's objects and Python's errors. */
static void work_with_python(void)
{
    expect_cpython();
    work_without_objects();
    EXPECT(to_contiguous(NULL, NULL, 1, 'C') == -1); /* no interpreter yet to be told */

    py_initialize_ex(0);
    PyObject *bytes = py_bytes_from_string("spam");
    Py_buffer view;
    EXPECT(get_buffer(bytes, &view, PyBUF_FULL_RO) == 0);
    EXPECT(view.len == 4 && memcmp(view.buf, "spam", 4) == 0);
    release(&view);
    EXPECT(get_buffer(bytes, &view, PyBUF_WRITABLE) == -1);
    EXPECT(py_err_occurred() != NULL);
    py_err_clear();
    EXPECT(get_buffer(NULL, &view, PyBUF_SIMPLE) == -1);
    EXPECT(py_err_occurred() == *py_exc_system_error);
    EXPECT(err_text() == NULL);
    py_err_clear();
    py_dec_ref(bytes);
    EXPECT(py_finalize_ex() == 0);

    EXPECT(to_contiguous(NULL, NULL, 1, 'C') == -1);
    expect_cpython();
}

static void stay(const char *library, const char *python)
{
    load_library(library);
    EXPECT(to_contiguous(NULL, NULL, 1, 'C') == -1);
    EXPECT(err_text() != NULL);
    void *handle = load_python(python, RTLD_GLOBAL);
    EXPECT(strcmp(runtime(), "standalone") == 0);
    EXPECT(attach(handle) == -1);
    EXPECT(err_text() != NULL);
    py_initialize_ex(0);
    EXPECT(strcmp(runtime(), "standalone") == 0);
    err_clear();
    EXPECT(size_from_format("~") == -1);
    EXPECT(err_text() != NULL && strcmp(err_text(), "bad char in struct format") == 0);
    EXPECT(py_err_occurred() == NULL);
    err_clear();
    EXPECT(py_finalize_ex() == 0);
}

/* Closed before the interpreter ends, when all tensors are deleted. */
static void close_library(const char *library, const char *python)
{
    load_python(python, RTLD_GLOBAL);
    void *handle = open_library(library, RTLD_LOCAL);
    __typeof__(pybuffer_to_dlpack) *to_dlpack;
    find(handle, "pybuffer_to_dlpack", &to_dlpack);
    py_initialize_ex(0);
    PyObject *bytes = py_bytes_from_string("spam");
    DLManagedTensorVersioned *tensor;
    EXPECT(to_dlpack(bytes, 0, &tensor) == 0);
    tensor->deleter(tensor);
    py_dec_ref(bytes);
    EXPECT(dlclose(handle) == 0);
    EXPECT(py_finalize_ex() == 0);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        printf("usage: %s LIBPYBUFFER LIBPYTHON HOW\n", argv[0]);
        return 2;
    }
    const char *library = argv[1], *python = argv[2], *how = argv[3];
    if (strcmp(how, "library-first") == 0) {
        load_library(library);
        EXPECT(strcmp(runtime(), "standalone") == 0);
        work_without_objects();
        load_python(python, RTLD_GLOBAL);
        work_with_python();
    } else if (strcmp(how, "python-first") == 0) {
        load_python(python, RTLD_GLOBAL);
        load_library(library);
        work_with_python();
    } else if (strcmp(how, "attach") == 0) {
        load_library(library);
        work_without_objects();
        EXPECT(attach(NULL) == -1);
        void *handle = load_python(python, RTLD_LOCAL);
        EXPECT(strcmp(runtime(), "standalone") == 0);
        EXPECT(attach(dlopen(library, RTLD_NOW)) == -1);
        EXPECT(attach(handle) == 0);
        EXPECT(attach(handle) == 0);
        work_with_python();
    } else if (strcmp(how, "stay") == 0) {
        stay(library, python);
    } else if (strcmp(how, "close") == 0) {
        close_library(library, python);
    } else {
        printf("no such way: %s\n", how);
        return 2;
    }
    printf("%d failures\n", n_failures);
    return n_failures > 0;
}

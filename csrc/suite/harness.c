#include "harness.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report.h"

/* --- where the suite runs --------------------------------------------------------------------- */

static bool quick, few_threads;

void harness_be_quick(void)
{
    quick = true;
}

bool has_few_threads(void)
{
    return quick || few_threads;
}

void harness_begin_few_threads(void)
{
    few_threads = true;
}

bool is_quick(void)
{
    return quick;
}

int python_version(void)
{
#ifdef STANDALONE
    return 0x030f;
#else
    static int version;
    if (version == 0) {
        int major = 0, minor = 0;
        sscanf(Py_GetVersion(), "%d.%d", &major, &minor);
        version = major << 8 | minor;
    }
    return version;
#endif
}

bool functions_are_libpythons(void)
{
#ifdef STANDALONE
    return false;
#else
    return pybuffer_version == NULL;
#endif
}

/* --- failures --------------------------------------------------------------------------------- */

enum { SHOWN_FAILURES = 10 };

static int n_failures;
static bool exits_at_failure;

void report_exit_at_failure(void)
{
    exits_at_failure = true;
}

void report_begin_test(void)
{
    n_failures = 0;
}

int report_end_test(void)
{
    return n_failures;
}

static void fail(const char *file, int line, const char *format, ...)
{
    if (exits_at_failure) {
        _exit(1);
    }
    if (++n_failures > SHOWN_FAILURES) {
        return;
    }
    char text[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    printf("  %s:%d: %s\n", file, line, text);
    if (n_failures == SHOWN_FAILURES) {
        printf("  (further failures of this test are not shown)\n");
    }
}

void expect_true(bool is_true, const char *file, int line, const char *expression)
{
    if (!is_true) {
        fail(file, line, "expected: %s", expression);
    }
}

void expect_int(intmax_t expected, intmax_t found, const char *file, int line, const char *what)
{
    if (expected != found) {
        fail(file, line, "%s: expected %" PRIdMAX ", found %" PRIdMAX, what, expected, found);
    }
}

void expect_pointer(const void *expected, const void *found, const char *file, int line,
                    const char *what)
{
    if (expected != found) {
        fail(file, line, "%s: expected %p, found %p", what, expected, found);
    }
}

void expect_string(const char *expected, const char *found, const char *file, int line,
                   const char *what)
{
    if (found == NULL || strcmp(expected, found) != 0) {
        fail(file, line, "%s: expected \"%s\", found \"%s\"", what, expected,
             found ? found : "(null)");
    }
}

void expect_bytes(const void *expected, const void *found, size_t size, const char *file, int line,
                  const char *what)
{
    const unsigned char *a = expected, *b = found;
    if (size == 0 || memcmp(a, b, size) == 0) {
        return;
    }
    size_t at = 0;
    while (a[at] == b[at]) {
        at++;
    }
    char bytes_expected[25] = "", bytes_found[25] = "";
    for (size_t i = 0; i < 8 && at + i < size; i++) {
        sprintf(bytes_expected + 3 * i, "%02x ", a[at + i]);
        sprintf(bytes_found + 3 * i, "%02x ", b[at + i]);
    }
    fail(file, line, "%s: from byte %zu of %zu: expected %s, found %s", what, at, size,
         bytes_expected, bytes_found);
}

/* --- exceptions ------------------------------------------------------------------------------- */

#ifdef STANDALONE

/* Every exception of the standalone world, by the name that Python gives it. */
static const char *const exception_names[] = {
    "ArithmeticError", "AttributeError", "BufferError", "Exception", "IndexError", "KeyError",
    "LookupError", "MemoryError", "NotImplementedError", "OSError", "OverflowError",
    "RuntimeError", "SystemError", "TypeError", "UnicodeDecodeError", "ValueError",
    "struct.error",
};

static bool read_exception(char *type, size_t type_size, char *text, size_t text_size)
{
    PyObject *pending = pybuffer_err_occurred();
    if (pending == NULL) {
        return false;
    }
    snprintf(type, type_size, "(unknown exception)");
    for (size_t i = 0; i < sizeof exception_names / sizeof *exception_names; i++) {
        if (pending == pybuffer_exception(exception_names[i])) {
            snprintf(type, type_size, "%s", exception_names[i]);
        }
    }
    const char *pending_text = pybuffer_err_text();
    snprintf(text, text_size, "%s", pending_text ? pending_text : "(no text)");
    pybuffer_err_clear();
    return true;
}

#else

/* "ValueError", or with its module "struct.error". */
static void write_name_of(PyObject *class, char *name, size_t size)
{
    PyObject *module = PyObject_GetAttrString(class, "__module__");
    const char *module_name = PyUnicode_AsUTF8(module);
    const char *short_name = strrchr(((PyTypeObject *)class)->tp_name, '.');
    short_name = short_name ? short_name + 1 : ((PyTypeObject *)class)->tp_name;
    const bool is_builtin = strcmp(module_name, "builtins") == 0;
    snprintf(name, size, "%s%s%s", is_builtin ? "" : module_name, is_builtin ? "" : ".",
             short_name);
    Py_DECREF(module);
}

static bool read_exception(char *type, size_t type_size, char *text, size_t text_size)
{
    if (!PyErr_Occurred()) {
        return false;
    }
    PyObject *class, *value, *traceback;
    PyErr_Fetch(&class, &value, &traceback);
    PyErr_NormalizeException(&class, &value, &traceback);
    write_name_of(class, type, type_size);
    PyObject *string = PyObject_Str(value);
    const char *utf8 = string ? PyUnicode_AsUTF8(string) : NULL;
    snprintf(text, text_size, "%s", utf8 ? utf8 : "(no text)");
    PyErr_Clear();
    Py_XDECREF(string);
    Py_XDECREF(class);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    return true;
}

#endif

/* libpython's PyErr_BadInternalCall() puts the place in its source before the text. */
static void drop_file_and_line(char *text)
{
    char *found = strstr(text, ": " BAD_ARGUMENT);
    if (functions_are_libpythons() && found != NULL) {
        memmove(text, found + 2, strlen(found + 2) + 1);
    }
}

Exception take_exception(void)
{
    Exception exception = { "", "" };
    if (read_exception(exception.type, sizeof exception.type, exception.text,
                       sizeof exception.text)
        && strcmp(exception.type, "SystemError") == 0) {
        drop_file_and_line(exception.text);
    }
    return exception;
}

void expect_no_exception(const char *file, int line, const char *what)
{
    Exception found = take_exception();
    if (found.type[0] != '\0') {
        fail(file, line, "%s: expected no exception, found %s: %s", what, found.type, found.text);
    }
}

static bool is_of_type(const Exception *found, const char *type, const char *file, int line,
                       const char *what)
{
    if (strcmp(found->type, type) == 0) {
        return true;
    }
    if (found->type[0] == '\0') {
        fail(file, line, "%s: expected %s, found no exception", what, type);
    } else {
        fail(file, line, "%s: expected %s, found %s: %s", what, type, found->type, found->text);
    }
    return false;
}

void expect_exception(const char *type, const char *text, const char *file, int line,
                      const char *what)
{
    Exception found = take_exception();
    if (is_of_type(&found, type, file, line, what) && strcmp(found.text, text) != 0) {
        fail(file, line, "%s: expected the text \"%s\", found \"%s\"", what, text, found.text);
    }
}

/* Whether a text is whole: a sentence of at most two lines' length, nothing left unformatted. */
static bool reads_well(const char *text)
{
    const size_t length = strlen(text);
    for (size_t i = 0; i < length; i++) {
        if (text[i] < ' ' || text[i] > '~') {
            return false;
        }
    }
    return length >= 20 && length <= 240 && strchr(text, '%') == NULL && strchr(text, '{') == NULL
           && strstr(text, "  ") == NULL && text[length - 1] != ' ' && text[length - 1] != ':';
}

void expect_exception_naming(const char *type, const char *const *needles, const char *file,
                             int line, const char *what)
{
    Exception found = take_exception();
    if (!is_of_type(&found, type, file, line, what)) {
        return;
    }
    for (; *needles != NULL; needles++) {
        if (strstr(found.text, *needles) == NULL) {
            fail(file, line, "%s: expected \"%s\" in the text, found \"%s\"", what, *needles,
                 found.text);
        }
    }
    if (!reads_well(found.text)) {
        fail(file, line, "%s: expected a readable text, found \"%s\"", what, found.text);
    }
}

/* --- memory ----------------------------------------------------------------------------------- */

enum { GUARD = 64 };

static unsigned char pattern(size_t i, unsigned seed)
{
    return (unsigned char)((i * 167 + i / 251 + seed * 59 + 13) % 256);
}

Memory memory_new(size_t size, unsigned seed)
{
    unsigned char *block = malloc(size + 2 * GUARD);
    if (block == NULL) {
        printf("out of memory\n");
        exit(2);
    }
    for (size_t i = 0; i < size + 2 * GUARD; i++) {
        block[i] = pattern(i, seed);
    }
    return (Memory){ block + GUARD, size, seed };
}

static bool is_patterned(const Memory *memory, size_t start, size_t end)
{
    const unsigned char *block = memory->bytes - GUARD;
    for (size_t i = start; i < end; i++) {
        if (block[i] != pattern(i, memory->seed)) {
            return false;
        }
    }
    return true;
}

bool memory_is_untouched(const Memory *memory)
{
    return is_patterned(memory, 0, memory->size + 2 * GUARD);
}

void memory_free(Memory *memory, const char *file, int line)
{
    if (!is_patterned(memory, 0, GUARD)) {
        fail(file, line, "bytes before the memory were written");
    }
    if (!is_patterned(memory, GUARD + memory->size, memory->size + 2 * GUARD)) {
        fail(file, line, "bytes behind the memory were written");
    }
    free(memory->bytes - GUARD);
    memory->bytes = NULL;
}

/* --- views ------------------------------------------------------------------------------------ */

Py_buffer view_of(void *buf, Py_ssize_t itemsize, int ndim, Py_ssize_t *shape, Py_ssize_t *strides)
{
    Py_buffer view = view_of_bytes(buf, itemsize);
    for (int i = 0; i < ndim; i++) {
        view.len *= shape[i];
    }
    view.itemsize = itemsize;
    view.ndim = ndim;
    view.shape = ndim > 0 ? shape : NULL;
    view.strides = ndim > 0 ? strides : NULL;
    return view;
}

Py_buffer view_of_bytes(void *buf, Py_ssize_t len)
{
    Py_buffer view;
    memset(&view, 0, sizeof view);
    view.buf = buf;
    view.len = len;
    view.itemsize = 1;
    view.ndim = 1;
    return view;
}

Py_buffer view_filled_with(unsigned char filler)
{
    Py_buffer view;
    memset(&view, filler, sizeof view);
    return view;
}

Py_ssize_t references(PyObject *object)
{
#ifdef Py_GIL_DISABLED
    /* What other threads have dropped is subtracted by the thread that made the object, when it runs Python code. */
    PyRun_SimpleString("pass");
#endif
#ifdef STANDALONE
    return object->ob_refcnt;
#else
    return Py_REFCNT(object);
#endif
}

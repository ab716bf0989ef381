/* Formats, memoryviews, exporters' checks, and the small functions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "broken.h"
#include "painted.h"
#include "scripted.h"

/* --- formats ---------------------------------------------------------------------------------------------- */

typedef struct {
    const char *first, *second;
    pybuffer_format_field fields[200];
    Py_ssize_t extents[200];
    pybuffer_format_info info;
    Py_ssize_t result;
} Format;

static void parse(void *argument)
{
    Format *format = argument;
    format->result
        = pybuffer_format_parse(format->first, format->fields, 200, format->extents, 200, &format->info);
}

static void itemsize(void *argument)
{
    Format *format = argument;
    format->result = pybuffer_format_itemsize(format->first);
}

static void size_from_format(void *argument)
{
    Format *format = argument;
    format->result = PyBuffer_SizeFromFormat(format->first);
}

static void equivalent(void *argument)
{
    Format *format = argument;
    format->result = pybuffer_format_equivalent(format->first, format->second);
}

/* `text` so often, then `inner`, then `end` so often. */
static char *nested(const char *text, const char *inner, const char *end, int n)
{
    char *made = malloc((strlen(text) + strlen(end)) * (size_t)n + strlen(inner) + 1), *at = made;
    for (int i = 0; i < n; i++) {
        at = stpcpy(at, text);
    }
    at = stpcpy(at, inner);
    for (int i = 0; i < n; i++) {
        at = stpcpy(at, end);
    }
    return made;
}

static void run_format(const char *first, const char *second, Py_ssize_t expected)
{
    static Format format;
    format.first = first;
    format.second = second;
    painted_run("pybuffer_format_parse", parse, &format);
    PyErr_Clear();
    painted_run("pybuffer_format_itemsize", itemsize, &format);
    PyErr_Clear();
    painted_run("PyBuffer_SizeFromFormat", size_from_format, &format);
    PyErr_Clear();
    painted_run("pybuffer_format_equivalent", equivalent, &format);
    if (format.result != expected) {
        painted_wrong("pybuffer_format_equivalent", first);
    }
    PyErr_Clear();
}

void run_formats(void)
{
    static const struct {
        const char *text, *inner, *end;
    } nests[] = {
        { "T{", "i", "}" },
        { "b2T{c", "(2,3)2i:name:", "h}:n:" },
        { "X{", "i", "}" },
        { "&", "d", "" },
        { "X{i->", "T{hh}", "}" },
        { "T{b&X{h}", "xxt3t", ":a:}" },
        { "100000T{", "ic", "}" },
    };
    run_format("i", "i", 1);
    run_format("i", "<i", 1);
    run_format("<i", ">i", 0);
    run_format("T{<h:a:<2H:b:(2,3)d:c:T{bb}:d:}", "<hHHdddddd2b", 1);
    for (size_t i = 0; i < sizeof nests / sizeof *nests; i++) {
        for (int n = 1; n <= 64; n += n < 62 ? 6 : 1) {
            char *first = nested(nests[i].text, nests[i].inner, nests[i].end, n);
            char *second = nested("T{", first, "}", 1);
            char *spaced = nested(" ", first, "", 1);
            static Format whole;
            whole.first = first;
            painted_run("pybuffer_format_itemsize", itemsize, &whole);
            const bool is_right = whole.result >= 0;
            PyErr_Clear();
            run_format(first, spaced, is_right ? 1 : -1);
            whole.first = first;
            whole.second = second;
            painted_run("pybuffer_format_equivalent", equivalent, &whole);
            PyErr_Clear();
            free(first);
            free(second);
            free(spaced);
        }
    }
    char *deep = nested("T{", "i", "}", 70), *open = nested("T{", "", "", 64), *shut = nested("", "", "}", 3);
    run_format(deep, "i", -1);
    run_format(open, "i", -1);
    run_format("i", shut, -1);
    run_format("(1,2)3(4)i", "i", -1);
    run_format("i", "Z9", -1);
    run_format("\xff\xfe", "i", -1);
    run_format("99999999999999999999i", "i", -1);
    free(deep);
    free(open);
    free(shut);
}

/* --- memoryviews ------------------------------------------------------------------------------------------ */

static short items[24];
static PyObject *array;

static Py_buffer picture(void)
{
    static Py_ssize_t shape[] = { 4, 3 }, strides[] = { 12, 4 };
    return (Py_buffer){ .buf = items, .len = 24, .itemsize = 2, .ndim = 2,
                        .format = "T{<h:a name that does not fit where short ones lie:}", .shape = shape,
                        .strides = strides };
}

static void destroyed(void *context)
{
    (void)context;
}

static void use(PyObject *made)
{
    if (made != NULL) {
        PyMemoryView_Check(made);
        PyMemoryView_GET_BASE(made);
        PyObject *again = PyMemoryView_FromObject(made);
        Py_XDECREF(again);
        pybuffer_memoryview_release(made);
        Py_DECREF(made);
    }
    PyErr_Clear();
}

static void memoryviews(void *argument)
{
    (void)argument;
    Py_buffer info = picture();
    use(PyMemoryView_FromObject(array));
    use(PyMemoryView_FromMemory((char *)items, 4, PyBUF_WRITE));
    use(PyMemoryView_FromBuffer(&info));
    use(PyMemoryView_GetContiguous(array, PyBUF_READ, 'C'));
    use(PyMemoryView_GetContiguous(array, PyBUF_READ, 'F'));
    use(PyMemoryView_GetContiguous(array, PyBUF_WRITE, 'F'));
    use(pybuffer_memoryview_from_buffer_with_owner(&info, array));
    use(pybuffer_memoryview_from_memory_with_destructor((char *)items, 4, PyBUF_WRITE, destroyed, NULL));
    use(PyMemoryView_FromObject((PyObject *)plain_new()));
}

static void large_memoryview(void *argument)
{
    use(PyMemoryView_GetContiguous(argument, PyBUF_READ, 'F'));
}

/* --- exporters -------------------------------------------------------------------------------------------- */

static void buffers(void *argument)
{
    (void)argument;
    Py_buffer view;
    for (int flags = 0; flags < 0x200; flags += 8) {
        if (PyObject_GetBuffer(array, &view, flags) == 0) {
            PyBuffer_IsContiguous(&view, 'A');
            PyBuffer_Release(&view);
        }
        PyErr_Clear();
    }
    PyBuffer_FillInfo(&view, array, items, 24, 0, PyBUF_FULL);
    Py_ssize_t index[] = { 1, 2 }, strides[] = { 0, 0 };
    PyBuffer_GetPointer(&view, index);
    pybuffer_get_pointer_checked(&view, index);
    PyErr_Clear();
    PyBuffer_Release(&view);
    PyBuffer_FillContiguousStrides(2, index, strides, 4, 'F');
    PyBuffer_FillInfo(&view, array, items, 24, 1, PyBUF_WRITABLE);
    PyObject *plain = plain_new();
    const void *bytes;
    void *writable;
    const char *characters;
    Py_ssize_t len;
    PyObject *objects[] = { array, plain };
    for (int i = 0; i < 2; i++) {
        PyObject_CheckBuffer(objects[i]);
        PyObject_CheckReadBuffer(objects[i]);
        PyObject_AsReadBuffer(objects[i], &bytes, &len);
        PyErr_Clear();
        PyObject_AsWriteBuffer(objects[i], &writable, &len);
        PyErr_Clear();
        PyObject_AsCharBuffer(objects[i], &characters, &len);
        PyErr_Clear();
    }
    PyObject_GetBuffer(plain, &view, 0);
    PyErr_Clear();
    Py_DECREF(plain);
}

static pybuffer_report report;

static void check_exporter(void *argument)
{
    pybuffer_check_exporter(argument, &report);
}

static void check_view(void *argument)
{
    pybuffer_check_view(argument, PyBUF_FULL, &report);
}

static void report_format(void *argument)
{
    (void)argument;
    static char text[8192];
    pybuffer_report_format(&report, text, sizeof text);
}

static void rules(void *argument)
{
    (void)argument;
    pybuffer_rule rule;
    for (int i = 1; pybuffer_rule_describe(i, &rule) == 0; i++) {
    }
}

void run_objects(void)
{
    Py_buffer whole = picture();
    if (broken_ready() < 0 || scripted_ready() < 0) {
        painted_wrong("objects", "a type cannot be made ready");
        return;
    }
    array = array_new((ArrayLayout){ .buf = items, .format = "h", .itemsize = 2, .ndim = 2,
                                     .shape = whole.shape, .strides = whole.strides });
    painted_run("PyObject_GetBuffer and its like", buffers, NULL);
    painted_run("memoryviews", memoryviews, NULL);
    static char cube[64 * 64 * 64];
    Py_ssize_t shape[] = { 8, 8, 8, 8, 8, 8 };
    PyObject *large = array_new((ArrayLayout){ .buf = cube, .itemsize = 1, .ndim = 6, .shape = shape });
    painted_run("PyMemoryView_GetContiguous", large_memoryview, large);
    Py_DECREF(large);

    for (int i = -1; i < broken_n_mistakes; i++) {
        Broken *broken = broken_new(i);
        painted_run("pybuffer_check_exporter", check_exporter, broken);
        PyErr_Clear();
        painted_run("pybuffer_report_format", report_format, NULL);
        broken_free(broken);
    }
    Scripted *scripted = scripted_new((Py_buffer){ .ndim = 3, .itemsize = -1, .len = 7, .format = "T{i" });
    scripted->exception = PyExc_ValueError;
    for (int result = 0; result >= -2; result--) {
        scripted->result = result;
        painted_run("pybuffer_check_exporter", check_exporter, scripted);
        PyErr_Clear();
        painted_run("pybuffer_report_format", report_format, NULL);
    }
    Py_DECREF(scripted);
    painted_run("pybuffer_check_exporter", check_exporter, array);
    painted_run("pybuffer_check_view", check_view, &whole);
    painted_run("pybuffer_report_format", report_format, NULL);
    painted_run("pybuffer_rule_describe", rules, NULL);
    Py_DECREF(array);
}

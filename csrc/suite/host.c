/* Inside a CPython: its own exporters, among them the ones that live on the contiguous shortcut.
 * Compiled with Python.h only. */
#include "harness.h"

#include <stdio.h>
#include <string.h>

#include "families.h"
#include "model.h"

/* Evaluates a Python expression; ctypes, array and b = bytearray(b"abcdefghijkl") are known. */
static PyObject *python(const char *expression)
{
    static PyObject *names;
    if (names == NULL) {
        names = PyDict_New();
        PyDict_SetItemString(names, "__builtins__", PyEval_GetBuiltins());
        PyObject *done = PyRun_String("import array, ctypes\n"
                                      "def resized(object, size):\n"
                                      "    ctypes.resize(object, size)\n"
                                      "    return object\n"
                                      "class Empty(ctypes.Structure):\n"
                                      "    _fields_ = []\n",
                                      Py_file_input, names, names);
        if (done == NULL) {
            PyErr_Print();
        }
        Py_XDECREF(done);
    }
    PyObject *object = PyRun_String(expression, Py_eval_input, names, names);
    if (object == NULL) {
        printf("  %s:\n", expression);
        PyErr_Print();
        EXPECT(object != NULL);
        object = PyList_New(0);
    }
    return object;
}

/* Whether a Python expression about `x` is true. */
static bool holds(PyObject *x, const char *expression)
{
    PyObject *names = PyDict_New();
    PyDict_SetItemString(names, "__builtins__", PyEval_GetBuiltins());
    PyDict_SetItemString(names, "x", x);
    PyObject *answer = PyRun_String(expression, Py_eval_input, names, names);
    if (answer == NULL) {
        PyErr_Print();
    }
    const bool is_true = answer == Py_True;
    Py_XDECREF(answer);
    Py_DECREF(names);
    return is_true;
}

static void host_runtime_says_which_cpython_it_is(void)
{
    if (functions_are_libpythons()) {
        return;
    }
    char expected[32];
    const char *version = Py_GetVersion();
    snprintf(expected, sizeof expected, "CPython %.*s", (int)strcspn(version, " "), version);
    const char *runtime = pybuffer_runtime();
    EXPECT(strncmp(runtime, expected, strlen(expected)) == 0);
}

static void host_check_buffer_knows_pythons_exporters(void)
{
    const char *exporters[] = { "b''", "bytearray()", "memoryview(b'')", "array.array('i')",
                                "(ctypes.c_int * 3)()" };
    const char *others[] = { "''", "1", "None", "[]", "object()", "type('X', (), {})()" };
    for (size_t i = 0; i < sizeof exporters / sizeof *exporters; i++) {
        PyObject *object = python(exporters[i]);
        EXPECT_OK(1, PyObject_CheckBuffer(object));
        Py_DECREF(object);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        PyObject *object = python(others[i]);
        EXPECT_OK(0, PyObject_CheckBuffer(object));
        Py_DECREF(object);
    }
}

static void host_get_buffer_of_no_exporter_names_its_type(void)
{
    PyObject *object = python("type('X' * 150, (), {})()");
    char text[200] = "a bytes-like object is required, not '";
    memset(text + strlen(text), 'X', 100);
    strcat(text, "'");
    Py_buffer view;
    EXPECT_ERROR(-1, PyObject_GetBuffer(object, &view, PyBUF_SIMPLE), "TypeError", text);
    Py_DECREF(object);
    object = python("3");
    EXPECT_ERROR(-1, PyObject_GetBuffer(object, &view, PyBUF_SIMPLE), "TypeError",
                 "a bytes-like object is required, not 'int'");
    Py_DECREF(object);
}

static void host_get_buffer_exporters_errors_are_kept(void)
{
    Py_buffer view;
    PyObject *object = python("b'abc'");
    EXPECT_ERROR(-1, PyObject_GetBuffer(object, &view, PyBUF_WRITABLE), "BufferError",
                 "Object is not writable.");
    EXPECT_ERROR(-1, PyObject_GetBuffer(object, NULL, PyBUF_SIMPLE), "BufferError",
                 "PyBuffer_FillInfo: view==NULL argument is obsolete");
    Py_DECREF(object);
    object = python("bytearray()");
    EXPECT_ERROR(-1, PyObject_GetBuffer(object, NULL, PyBUF_SIMPLE), "BufferError",
                 "bytearray_getbuffer: view==NULL argument is obsolete");
    Py_DECREF(object);
    object = python("array.array('i')");
    EXPECT_ERROR(-1, PyObject_GetBuffer(object, NULL, PyBUF_SIMPLE), "BufferError",
                 "array_buffer_getbuf: view==NULL argument is obsolete");
    Py_DECREF(object);
    object = python("memoryview(b'abcd')[::2]");
    EXPECT_ERROR(-1, PyObject_GetBuffer(object, &view, PyBUF_SIMPLE), "BufferError",
                 "memoryview: underlying buffer is not C-contiguous");
    EXPECT_POINTER(NULL, view.obj);
    Py_DECREF(object);
}

static void host_get_buffer_of_a_memoryview_without_a_view_is_a_system_error(void)
{
    PyObject *object = python("memoryview(b'abc')");
    EXPECT_ERROR(-1, PyObject_GetBuffer(object, NULL, PyBUF_SIMPLE), "SystemError", NULL_ARGUMENT);
    Py_DECREF(object);
}

static void host_release_lets_a_bytearray_grow_again(void)
{
    PyObject *object = python("bytearray(b'abc')");
    Py_buffer view;
    EXPECT_OK(0, PyObject_GetBuffer(object, &view, PyBUF_SIMPLE));
    EXPECT_INT(-1, PyByteArray_Resize(object, 100));
    EXPECT_STRING("BufferError", take_exception().type);
    PyBuffer_Release(&view);
    EXPECT_OK(0, PyByteArray_Resize(object, 100));
    Py_DECREF(object);
}

/* The bytes of an object's items, in C order. */
static void expect_items(const char *expression, const char *expected, size_t size, char order,
                         int line)
{
    PyObject *object = python(expression);
    Py_buffer view;
    expect_int(0, PyObject_GetBuffer(object, &view, PyBUF_FULL_RO), __FILE__, line, expression);
    expect_int((intmax_t)size, view.len, __FILE__, line, expression);
    Memory dst = memory_new(size, 1);
    expect_int(0, PyBuffer_ToContiguous(dst.bytes, &view, (Py_ssize_t)size, order), __FILE__, line,
               expression);
    expect_no_exception(__FILE__, line, expression);
    expect_bytes(expected, dst.bytes, size, __FILE__, line, expression);
    FREE(dst);
    PyBuffer_Release(&view);
    Py_DECREF(object);
}
#define EXPECT_ITEMS(expression, expected, order)                                                  \
    expect_items((expression), (expected), sizeof(expected) - 1, (order), __LINE__)

static void host_to_contiguous_of_pythons_exporters(void)
{
    EXPECT_ITEMS("b'abc'", "abc", 'C');
    EXPECT_ITEMS("memoryview(b'abcdef')[::-2]", "fdb", 'C');
    EXPECT_ITEMS("memoryview(b'abcdef').cast('B', (2, 3))", "adbecf", 'F');
    EXPECT_ITEMS("memoryview(b'abcdefgh').cast('H')[::-1]", "ghefcdab", 'A');
    EXPECT_ITEMS("memoryview(array.array('h', b'abcdef'))[::2]", "abef", 'F');
    EXPECT_ITEMS("b''", "", 'C');
}

/* ctypes has shapes without strides, objects larger than their shape, and items of no size. */
static void host_to_contiguous_of_ctypes_objects(void)
{
    EXPECT_ITEMS("((ctypes.c_char * 3) * 2).from_buffer(bytearray(b'abcdef'))", "abcdef", 'C');
    EXPECT_ITEMS("((ctypes.c_char * 3) * 2).from_buffer(bytearray(b'abcdef'))", "adbecf", 'F');
    EXPECT_ITEMS("resized((ctypes.c_uint16 * 2)(0x6161, 0x6161), 8)", "aaaa\0\0\0\0", 'C');
    EXPECT_ITEMS("resized(ctypes.c_uint16(0x6161), 7)", "aa\0\0\0\0\0", 'A');
    EXPECT_ITEMS("Empty()", "", 'C');
    EXPECT_ITEMS("(Empty * 5)()", "", 'F');
}

static void host_from_contiguous_fills_pythons_exporters(void)
{
    PyObject *object = python("bytearray(12)");
    Py_buffer view;
    EXPECT_OK(0, PyObject_GetBuffer(object, &view, PyBUF_FULL));
    EXPECT_OK(0, PyBuffer_FromContiguous(&view, "abcdefghijkl", 12, 'C'));
    PyBuffer_Release(&view);
    EXPECT(holds(object, "x == b'abcdefghijkl'"));

    PyObject *names = PyMemoryView_FromObject(object);
    PyObject *reversed = PyObject_GetItem(
        names, PySlice_New(NULL, NULL, PyLong_FromLong(-2)));
    EXPECT_OK(0, PyObject_GetBuffer(reversed, &view, PyBUF_FULL));
    EXPECT_OK(0, PyBuffer_FromContiguous(&view, "ABCDEFGHI", 4, 'F'));
    PyBuffer_Release(&view);
    EXPECT(holds(object, "x == b'abcdeDgCiBkA'"));
    Py_DECREF(reversed);
    Py_DECREF(names);
    Py_DECREF(object);

    object = python("resized((ctypes.c_uint16 * 2)(), 8)");
    EXPECT_OK(0, PyObject_GetBuffer(object, &view, PyBUF_FULL));
    EXPECT_OK(0, PyBuffer_FromContiguous(&view, "abcdefgh", 8, 'C'));
    EXPECT_BYTES("abcdefgh", view.buf, 8);
    PyBuffer_Release(&view);
    Py_DECREF(object);
}

static void host_copy_data_between_pythons_exporters(void)
{
    PyObject *dest = python("bytearray(6)"), *src = python("memoryview(b'abcdef')[::-1]");
    EXPECT_OK(0, PyObject_CopyData(dest, src));
    EXPECT(holds(dest, "x == b'fedcba'"));
    PyObject *constant = python("b'abcdef'");
    EXPECT_ERROR(-1, PyObject_CopyData(constant, src), "BufferError", "Object is not writable.");
    PyObject *text = python("'abcdef'");
    EXPECT_ERROR(-1, PyObject_CopyData(dest, text), "TypeError",
                 "both destination and source must be bytes-like objects");
    PyObject *readonly = python("memoryview(b'abcdef')");
    EXPECT_ERROR(-1, PyObject_CopyData(readonly, src), "BufferError",
                 "memoryview: underlying buffer is not writable");
    PyObject *released = python("(lambda m: (m.release(), m)[1])(memoryview(b''))");
    EXPECT_ERROR(-1, PyObject_CopyData(dest, released), "ValueError",
                 "operation forbidden on released memoryview object");
    EXPECT_OK(0, PyByteArray_Resize(dest, 5));
    EXPECT_ERROR(-1, PyObject_CopyData(dest, src), "BufferError",
                 "destination is too small to receive data from source");
    EXPECT(holds(dest, "x == b'fedcb'"));
    PyObject *objects[] = { dest, src, constant, text, readonly, released };
    for (int i = 0; i < 6; i++) {
        Py_DECREF(objects[i]);
    }
}

static void host_ctypes_array_of_two_dimensions_takes_fortran_items(void)
{
    PyObject *dest = python("((ctypes.c_char * 3) * 2)()");
    char items[] = "abcdef";
    PyObject *src = array_new((ArrayLayout){ .buf = items, .itemsize = 1, .ndim = 2,
                                             .shape = DIMS(2, 3), .strides = DIMS(1, 2) });
    EXPECT_OK(0, PyObject_CopyData(dest, src));
    EXPECT(holds(dest, "bytes(x) == b'acebdf'"));
    Py_buffer view;
    EXPECT_OK(0, PyObject_GetBuffer(dest, &view, PyBUF_FULL));
    EXPECT_OK(0, PyBuffer_FromContiguous(&view, "abcdef", 6, 'F'));
    PyBuffer_Release(&view);
    EXPECT(holds(dest, "bytes(x) == b'acebdf'"));
    Py_DECREF(dest);
    Py_DECREF(src);
}

static void host_legacy_functions_know_pythons_exporters(void)
{
    PyObject *constant = python("b'abc'"), *number = python("5");
    const void *bytes;
    void *writable;
    Py_ssize_t len;
    EXPECT_OK(0, PyObject_AsReadBuffer(constant, &bytes, &len));
    EXPECT_INT(3, len);
    EXPECT_BYTES("abc", bytes, 3);
    EXPECT_ERROR(-1, PyObject_AsWriteBuffer(constant, &writable, &len), "TypeError",
                 "expected a writable bytes-like object");
    EXPECT_ERROR(-1, PyObject_AsReadBuffer(number, &bytes, &len), "TypeError",
                 "a bytes-like object is required, not 'int'");
    EXPECT_OK(1, PyObject_CheckReadBuffer(constant));
    EXPECT_OK(0, PyObject_CheckReadBuffer(number));
    Py_DECREF(constant);
    Py_DECREF(number);
}

static void host_fill_info_counts_a_reference_of_pythons_object(void)
{
    PyObject *list = PyList_New(0);
    Py_buffer view;
    EXPECT_OK(0, PyBuffer_FillInfo(&view, list, NULL, 0, 1, PyBUF_FULL_RO));
    EXPECT_INT(2, references(list));
    PyBuffer_Release(&view);
    EXPECT_INT(1, references(list));
    Py_DECREF(list);
}

/* From 3.12 on a class may export through __buffer__ and __release_buffer__. */
static void host_classes_with_dunder_buffer_are_exporters_from_3_12_on(void)
{
    PyObject *object = python("type('X', (), {'__buffer__': lambda self, flags: memoryview(b'xyz'),"
                              " '__release_buffer__': lambda self, view: view.release()})()");
    Py_buffer view;
    if (python_version() < 0x030c) {
        EXPECT_OK(0, PyObject_CheckBuffer(object));
        EXPECT_ERROR(-1, PyObject_GetBuffer(object, &view, PyBUF_FULL_RO), "TypeError",
                     "a bytes-like object is required, not 'X'");
    } else {
        EXPECT_OK(1, PyObject_CheckBuffer(object));
        EXPECT_OK(0, PyObject_GetBuffer(object, &view, PyBUF_FULL_RO));
        EXPECT_BYTES("xyz", view.buf, 3);
        PyBuffer_Release(&view);
        expect_no_exception(__FILE__, __LINE__, "PyBuffer_Release");
    }
    EXPECT_INT(1, references(object));
    Py_DECREF(object);
}

/* libpython imports struct and calls whatever calcsize it finds there. */
static void host_a_replaced_calcsize_is_not_asked(void)
{
    PyObject *replaced = PyImport_ImportModule("struct");
    PyObject *calcsize = PyObject_GetAttrString(replaced, "calcsize");
    PyObject *liar = python("lambda format: 77");
    EXPECT_INT(0, PyObject_SetAttrString(replaced, "calcsize", liar));
    EXPECT_OK(4, PyBuffer_SizeFromFormat("i"));
    EXPECT_OK(12, PyBuffer_SizeFromFormat("<2hd"));
    EXPECT_INT(0, PyObject_SetAttrString(replaced, "calcsize", calcsize));
    Py_DECREF(liar);
    Py_DECREF(calcsize);
    Py_DECREF(replaced);
}

const Test host_tests[] = {
    TEST(host_runtime_says_which_cpython_it_is),
    TEST(host_check_buffer_knows_pythons_exporters),
    TEST(host_get_buffer_of_no_exporter_names_its_type),
    TEST(host_get_buffer_exporters_errors_are_kept),
    TEST(host_get_buffer_of_a_memoryview_without_a_view_is_a_system_error),
    TEST(host_release_lets_a_bytearray_grow_again),
    TEST(host_to_contiguous_of_pythons_exporters),
    TEST(host_to_contiguous_of_ctypes_objects),
    TEST(host_from_contiguous_fills_pythons_exporters),
    TEST(host_copy_data_between_pythons_exporters),
    TEST(host_ctypes_array_of_two_dimensions_takes_fortran_items),
    TEST(host_legacy_functions_know_pythons_exporters),
    TEST(host_a_replaced_calcsize_is_not_asked),
    TEST(host_fill_info_counts_a_reference_of_pythons_object),
    TEST(host_classes_with_dunder_buffer_are_exporters_from_3_12_on),
    END_OF_TESTS,
};

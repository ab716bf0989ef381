/* The four functions of old that the stable ABI still carries. */
#include "harness.h"

#include "families.h"

static PyObject *array_of(Memory *memory, int readonly)
{
    return array_new((ArrayLayout){ .buf = memory->bytes, .itemsize = 1, .ndim = 1,
                                    .readonly = readonly,
                                    .shape = DIMS((Py_ssize_t)memory->size) });
}

static void as_read_buffer_gives_memory_and_releases_the_view(void)
{
    Memory memory = memory_new(9, 0);
    PyObject *array = array_of(&memory, 1);
    const void *bytes = NULL;
    const char *chars = NULL;
    Py_ssize_t len = -1;
    EXPECT_OK(0, PyObject_AsReadBuffer(array, &bytes, &len));
    EXPECT_POINTER(memory.bytes, bytes);
    EXPECT_INT(9, len);
    len = -1;
    EXPECT_OK(0, PyObject_AsCharBuffer(array, &chars, &len));
    EXPECT_POINTER(memory.bytes, chars);
    EXPECT_INT(9, len);
    EXPECT_INT(2, atomic_load(&((Array *)array)->releases));
    EXPECT_INT(1, references(array));
    Py_DECREF(array);
    FREE_UNTOUCHED(memory);
}

static void as_write_buffer_gives_memory_and_releases_the_view(void)
{
    Memory memory = memory_new(9, 0);
    PyObject *array = array_of(&memory, 0);
    void *bytes = NULL;
    Py_ssize_t len = -1;
    EXPECT_OK(0, PyObject_AsWriteBuffer(array, &bytes, &len));
    EXPECT_POINTER(memory.bytes, bytes);
    EXPECT_INT(9, len);
    EXPECT_INT(1, atomic_load(&((Array *)array)->releases));
    Py_DECREF(array);
    FREE_UNTOUCHED(memory);
}

static void legacy_requests_are_simple_and_writable(void)
{
    Scripted *exporter = scripted_new(view_of_bytes(NULL, 0));
    PyObject *object = (PyObject *)exporter;
    const void *bytes;
    const char *chars;
    void *writable;
    Py_ssize_t len;
    EXPECT_OK(0, PyObject_AsReadBuffer(object, &bytes, &len));
    EXPECT_INT(PyBUF_SIMPLE, exporter->last_flags);
    EXPECT_OK(0, PyObject_AsWriteBuffer(object, &writable, &len));
    EXPECT_INT(PyBUF_WRITABLE, exporter->last_flags);
    EXPECT_OK(0, PyObject_AsCharBuffer(object, &chars, &len));
    EXPECT_INT(PyBUF_SIMPLE, exporter->last_flags);
    exporter->last_flags = -1;
    EXPECT_OK(1, PyObject_CheckReadBuffer(object));
    EXPECT_INT(PyBUF_SIMPLE, exporter->last_flags);
    EXPECT_INT(4, exporter->gets);
    EXPECT_INT(4, exporter->releases);
    Py_DECREF(exporter);
}

static void as_read_buffer_failure_is_the_exporters(void)
{
    Memory memory = memory_new(24, 0);
    PyObject *array = array_new((ArrayLayout){ .buf = memory.bytes, .itemsize = 4, .ndim = 2,
                                               .shape = DIMS(2, 3), .strides = DIMS(4, 8) });
    const void *bytes = &memory;
    const char *chars = (char *)&memory;
    Py_ssize_t len = -7;
    EXPECT_ERROR(-1, PyObject_AsReadBuffer(array, &bytes, &len), "BufferError",
                 "array: a request without PyBUF_STRIDES needs C order");
    EXPECT_ERROR(-1, PyObject_AsCharBuffer(array, &chars, &len), "BufferError",
                 "array: a request without PyBUF_STRIDES needs C order");
    EXPECT_POINTER(&memory, bytes);
    EXPECT_POINTER(&memory, chars);
    EXPECT_INT(-7, len);
    Py_DECREF(array);
    FREE_UNTOUCHED(memory);
}

static void as_read_buffer_of_no_exporter_is_a_type_error(void)
{
    PyObject *plain = plain_new();
    const void *bytes;
    const char *chars;
    Py_ssize_t len;
    EXPECT_ERROR(-1, PyObject_AsReadBuffer(plain, &bytes, &len), "TypeError",
                 "a bytes-like object is required, not 'exporters.plain'");
    EXPECT_ERROR(-1, PyObject_AsCharBuffer(plain, &chars, &len), "TypeError",
                 "a bytes-like object is required, not 'exporters.plain'");
    Py_DECREF(plain);
}

static void as_write_buffer_any_failure_is_the_same_type_error(void)
{
    Memory memory = memory_new(4, 0);
    PyObject *objects[] = { plain_new(), plain_slotless_new(), array_of(&memory, 1) };
    for (int i = 0; i < 3; i++) {
        void *bytes = &memory;
        Py_ssize_t len = -7;
        EXPECT_ERROR(-1, PyObject_AsWriteBuffer(objects[i], &bytes, &len), "TypeError",
                     "expected a writable bytes-like object");
        EXPECT_POINTER(&memory, bytes);
        EXPECT_INT(-7, len);
        EXPECT_INT(1, references(objects[i]));
        Py_DECREF(objects[i]);
    }
    Scripted *silent = scripted_new(view_of_bytes(NULL, 0));
    silent->result = -1;
    void *bytes;
    Py_ssize_t len;
    EXPECT_ERROR(-1, PyObject_AsWriteBuffer((PyObject *)silent, &bytes, &len), "TypeError",
                 "expected a writable bytes-like object");
    Py_DECREF(silent);
    FREE_UNTOUCHED(memory);
}

static void check_read_buffer_answers_and_leaves_no_exception(void)
{
    Memory memory = memory_new(24, 0);
    PyObject *good = array_of(&memory, 1), *plain = plain_new(), *slotless = plain_slotless_new();
    PyObject *fortran = array_new((ArrayLayout){ .buf = memory.bytes, .itemsize = 4, .ndim = 2,
                                                 .shape = DIMS(2, 3), .strides = DIMS(4, 8) });
    EXPECT_OK(1, PyObject_CheckReadBuffer(good));
    EXPECT_OK(0, PyObject_CheckReadBuffer(plain));
    EXPECT_OK(0, PyObject_CheckReadBuffer(slotless));
    EXPECT_OK(0, PyObject_CheckReadBuffer(fortran));
    EXPECT_INT(1, atomic_load(&((Array *)good)->releases));
    Py_DECREF(good);
    Py_DECREF(plain);
    Py_DECREF(slotless);
    Py_DECREF(fortran);
    FREE_UNTOUCHED(memory);
}

static void legacy_null_arguments_are_system_errors(void)
{
    Memory memory = memory_new(4, 0);
    PyObject *array = array_of(&memory, 0);
    const void *bytes;
    const char *chars;
    void *writable;
    Py_ssize_t len;
    EXPECT_ERROR(-1, PyObject_AsReadBuffer(NULL, &bytes, &len), "SystemError", NULL_ARGUMENT);
    EXPECT_ERROR(-1, PyObject_AsReadBuffer(array, NULL, &len), "SystemError", NULL_ARGUMENT);
    EXPECT_ERROR(-1, PyObject_AsReadBuffer(array, &bytes, NULL), "SystemError", NULL_ARGUMENT);
    EXPECT_ERROR(-1, PyObject_AsCharBuffer(NULL, &chars, &len), "SystemError", NULL_ARGUMENT);
    EXPECT_ERROR(-1, PyObject_AsCharBuffer(array, NULL, &len), "SystemError", NULL_ARGUMENT);
    EXPECT_ERROR(-1, PyObject_AsCharBuffer(array, &chars, NULL), "SystemError", NULL_ARGUMENT);
    EXPECT_ERROR(-1, PyObject_AsWriteBuffer(NULL, &writable, &len), "SystemError", NULL_ARGUMENT);
    EXPECT_ERROR(-1, PyObject_AsWriteBuffer(array, NULL, &len), "SystemError", NULL_ARGUMENT);
    EXPECT_ERROR(-1, PyObject_AsWriteBuffer(array, &writable, NULL), "SystemError", NULL_ARGUMENT);
    EXPECT_INT(0, atomic_load(&((Array *)array)->exports));
    Py_DECREF(array);
    FREE_UNTOUCHED(memory);
}

static void legacy_null_argument_keeps_a_pending_exception(void)
{
    const void *bytes;
    Py_ssize_t len;
    PyErr_SetString(PyExc_IndexError, "raised before");
    EXPECT_ERROR(-1, PyObject_AsReadBuffer(NULL, &bytes, &len), "IndexError", "raised before");
}

static void check_read_buffer_of_null_is_false(void)
{
    EXPECT_OK(0, PyObject_CheckReadBuffer(NULL));
}

const Test legacy_tests[] = {
    TEST(as_read_buffer_gives_memory_and_releases_the_view),
    TEST(as_write_buffer_gives_memory_and_releases_the_view),
    TEST(legacy_requests_are_simple_and_writable),
    TEST(as_read_buffer_failure_is_the_exporters),
    TEST(as_read_buffer_of_no_exporter_is_a_type_error),
    TEST(as_write_buffer_any_failure_is_the_same_type_error),
    TEST(check_read_buffer_answers_and_leaves_no_exception),
    TEST(legacy_null_arguments_are_system_errors),
    TEST(legacy_null_argument_keeps_a_pending_exception),
    TEST(check_read_buffer_of_null_is_false),
    END_OF_TESTS,
};

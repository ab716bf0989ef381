/* The exceptions that an exporter raises: PyErr_* and PyExc_*, Python's own or libpybuffer's. */
#include "harness.h"

#include <string.h>

#include "families.h"

static void err_nothing_is_pending_at_first(void)
{
    EXPECT_POINTER(NULL, PyErr_Occurred());
    PyErr_Clear();
    EXPECT_POINTER(NULL, PyErr_Occurred());
}

static void err_set_string_keeps_type_and_a_copy_of_the_text(void)
{
    char text[] = "a text";
    PyErr_SetString(PyExc_ValueError, text);
    memset(text, 'x', sizeof text - 1);
    EXPECT_POINTER(PyExc_ValueError, PyErr_Occurred());
    expect_exception("ValueError", "a text", __FILE__, __LINE__, "PyErr_SetString");
    EXPECT_POINTER(NULL, PyErr_Occurred());
}

static void err_set_string_replaces_what_is_pending(void)
{
    PyErr_SetString(PyExc_ValueError, "the first");
    PyErr_SetString(PyExc_TypeError, "the second");
    expect_exception("TypeError", "the second", __FILE__, __LINE__, "PyErr_SetString");
}

static void err_clear_forgets(void)
{
    PyErr_SetString(PyExc_ValueError, "forgotten");
    PyErr_Clear();
    EXPECT_POINTER(NULL, PyErr_Occurred());
}

static void err_format_formats_and_returns_null(void)
{
    Py_ssize_t size = -5;
    EXPECT_POINTER(NULL, PyErr_Format(PyExc_BufferError, "%s has %d of %zd: %c%%", "it", 7, size,
                                      'x'));
    expect_exception("BufferError", "it has 7 of -5: x%", __FILE__, __LINE__, "PyErr_Format");
}

static void err_no_memory_is_a_memory_error(void)
{
    EXPECT_POINTER(NULL, PyErr_NoMemory());
    EXPECT_POINTER(PyExc_MemoryError, PyErr_Occurred());
    EXPECT_STRING("MemoryError", take_exception().type);
}

static void err_every_exception_can_be_raised_and_matches_itself_and_its_bases(void)
{
    const struct {
        PyObject *exception;
        const char *name;
        PyObject *base, *stranger;
    } cases[] = {
        { PyExc_Exception, "Exception", PyExc_Exception, PyExc_ValueError },
        { PyExc_ArithmeticError, "ArithmeticError", PyExc_Exception, PyExc_OverflowError },
        { PyExc_AttributeError, "AttributeError", PyExc_Exception, PyExc_TypeError },
        { PyExc_BufferError, "BufferError", PyExc_Exception, PyExc_ValueError },
        { PyExc_IndexError, "IndexError", PyExc_LookupError, PyExc_KeyError },
        { PyExc_KeyError, "KeyError", PyExc_LookupError, PyExc_IndexError },
        { PyExc_LookupError, "LookupError", PyExc_Exception, PyExc_KeyError },
        { PyExc_MemoryError, "MemoryError", PyExc_Exception, PyExc_BufferError },
        { PyExc_NotImplementedError, "NotImplementedError", PyExc_RuntimeError, PyExc_OSError },
        { PyExc_OSError, "OSError", PyExc_Exception, PyExc_RuntimeError },
        { PyExc_OverflowError, "OverflowError", PyExc_ArithmeticError, PyExc_ValueError },
        { PyExc_RuntimeError, "RuntimeError", PyExc_Exception, PyExc_NotImplementedError },
        { PyExc_SystemError, "SystemError", PyExc_Exception, PyExc_RuntimeError },
        { PyExc_TypeError, "TypeError", PyExc_Exception, PyExc_ValueError },
        { PyExc_ValueError, "ValueError", PyExc_Exception, PyExc_TypeError },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        PyErr_SetString(cases[i].exception, "raised");
        EXPECT_POINTER(cases[i].exception, PyErr_Occurred());
        EXPECT(PyErr_ExceptionMatches(cases[i].exception));
        EXPECT(PyErr_ExceptionMatches(cases[i].base));
        EXPECT(PyErr_ExceptionMatches(PyExc_Exception));
        EXPECT(!PyErr_ExceptionMatches(cases[i].stranger));
        EXPECT_STRING(cases[i].name, take_exception().type);
    }
}

static void err_without_an_exception_nothing_matches(void)
{
    PyErr_SetString(PyExc_ValueError, "not the last word");
    PyErr_Clear();
    EXPECT_POINTER(NULL, PyErr_Occurred());
#ifdef STANDALONE /* CPython wants an exception to be set before it is asked */
    EXPECT_INT(0, PyErr_ExceptionMatches(PyExc_Exception));
#endif
}

/* An exporter's exception passes through every function that asks it for a view. */
static void err_of_an_exporter_passes_through_every_function(void)
{
    Scripted *exporter = scripted_new(view_of_bytes(NULL, 0));
    exporter->result = -1;
    exporter->exception = PyExc_OverflowError;
    PyObject *object = (PyObject *)exporter;
    Py_buffer view;
    const void *bytes;
    const char *chars;
    Py_ssize_t len;
    const char *text = "scripted: as told";
    EXPECT_ERROR(-1, PyObject_GetBuffer(object, &view, PyBUF_SIMPLE), "OverflowError", text);
    EXPECT_ERROR(-1, PyObject_AsReadBuffer(object, &bytes, &len), "OverflowError", text);
    EXPECT_ERROR(-1, PyObject_AsCharBuffer(object, &chars, &len), "OverflowError", text);
    EXPECT_ERROR(-1, PyObject_CopyData(object, object), "OverflowError", text);
    EXPECT_OK(0, PyObject_CheckReadBuffer(object));
    Py_DECREF(exporter);
}

const Test exceptions_tests[] = {
    TEST(err_nothing_is_pending_at_first),
    TEST(err_set_string_keeps_type_and_a_copy_of_the_text),
    TEST(err_set_string_replaces_what_is_pending),
    TEST(err_clear_forgets),
    TEST(err_format_formats_and_returns_null),
    TEST(err_no_memory_is_a_memory_error),
    TEST(err_every_exception_can_be_raised_and_matches_itself_and_its_bases),
    TEST(err_without_an_exception_nothing_matches),
    TEST(err_of_an_exporter_passes_through_every_function),
    END_OF_TESTS,
};

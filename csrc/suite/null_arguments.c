/* NULL where no function may be given NULL. Those that only answer or only tidy up do nothing
 * (contiguity.c, strides.c); FillInfo and the old functions have libpython's errors of their own. */
#include "harness.h"

#include "families.h"

static void check_buffer_null_is_false(void)
{
    EXPECT_OK(0, PyObject_CheckBuffer(NULL));
}

static void get_buffer_obj_null_is_a_system_error(void)
{
    Py_buffer view = view_filled_with(0xcd), before = view;
    EXPECT_ERROR(-1, PyObject_GetBuffer(NULL, &view, PyBUF_FULL_RO), "SystemError", NULL_ARGUMENT);
    EXPECT_ERROR(-1, PyObject_GetBuffer(NULL, NULL, PyBUF_SIMPLE), "SystemError", NULL_ARGUMENT);
    EXPECT_BYTES(&before, &view, sizeof view);
}

/* The flags are looked at first, as libpython does from 3.13 on. */
static void get_buffer_obj_null_with_flags_read_is_refused_for_the_flags(void)
{
    Py_buffer view;
    if (python_version() >= 0x030d) {
        EXPECT_ERROR(-1, PyObject_GetBuffer(NULL, &view, PyBUF_READ), "SystemError", BAD_ARGUMENT);
        EXPECT_ERROR(-1, PyObject_GetBuffer(NULL, &view, PyBUF_WRITE), "SystemError",
                     BAD_ARGUMENT);
    }
}

static void release_null_does_nothing(void)
{
    PyBuffer_Release(NULL);
    expect_no_exception(__FILE__, __LINE__, "PyBuffer_Release(NULL)");
}

static void get_pointer_null_is_a_system_error(void)
{
    char items[6];
    Py_buffer view = view_of(items, 1, 2, DIMS(2, 3), DIMS(3, 1));
    EXPECT_POINTER(NULL, PyBuffer_GetPointer(NULL, DIMS(0)));
    expect_exception("SystemError", NULL_ARGUMENT, __FILE__, __LINE__, "view NULL");
    EXPECT_POINTER(NULL, PyBuffer_GetPointer(&view, NULL));
    expect_exception("SystemError", NULL_ARGUMENT, __FILE__, __LINE__, "indices NULL");
    EXPECT_POINTER(NULL, PyBuffer_GetPointer(NULL, NULL));
    expect_exception("SystemError", NULL_ARGUMENT, __FILE__, __LINE__, "both NULL");
}

static void to_contiguous_null_is_a_system_error(void)
{
    Memory dst = memory_new(12, 0);
    char items[32] = { 0 };
    Py_buffer contiguous = view_of_bytes(items, 12);
    Py_buffer strided = view_of(items, 4, 1, DIMS(3), DIMS(8));
    Py_buffer nowhere = view_of_bytes(NULL, 12);
    Py_buffer nowhere_strided = view_of(NULL, 4, 1, DIMS(3), DIMS(8));
    EXPECT_ERROR(-1, PyBuffer_ToContiguous(dst.bytes, NULL, 12, 'C'), "SystemError",
                 NULL_ARGUMENT);
    EXPECT_ERROR(-1, PyBuffer_ToContiguous(dst.bytes, NULL, 0, 'C'), "SystemError", NULL_ARGUMENT);
    EXPECT_ERROR(-1, PyBuffer_ToContiguous(NULL, &contiguous, 12, 'C'), "SystemError",
                 NULL_ARGUMENT);
    EXPECT_ERROR(-1, PyBuffer_ToContiguous(NULL, &strided, 12, 'F'), "SystemError", NULL_ARGUMENT);
    EXPECT_ERROR(-1, PyBuffer_ToContiguous(dst.bytes, &nowhere, 12, 'C'), "SystemError",
                 NULL_ARGUMENT);
    EXPECT_ERROR(-1, PyBuffer_ToContiguous(dst.bytes, &nowhere_strided, 12, 'C'), "SystemError",
                 NULL_ARGUMENT);
    FREE_UNTOUCHED(dst);
}

static void from_contiguous_null_is_a_system_error(void)
{
    Memory dst = memory_new(32, 0);
    char bytes[12] = { 0 };
    Py_buffer contiguous = view_of_bytes(dst.bytes, 12);
    Py_buffer strided = view_of(dst.bytes, 4, 1, DIMS(3), DIMS(8));
    Py_buffer nowhere = view_of_bytes(NULL, 12);
    Py_buffer nowhere_strided = view_of(NULL, 4, 1, DIMS(3), DIMS(8));
    EXPECT_ERROR(-1, PyBuffer_FromContiguous(NULL, bytes, 12, 'C'), "SystemError", NULL_ARGUMENT);
    EXPECT_ERROR(-1, PyBuffer_FromContiguous(NULL, bytes, 0, 'C'), "SystemError", NULL_ARGUMENT);
    EXPECT_ERROR(-1, PyBuffer_FromContiguous(&contiguous, NULL, 12, 'C'), "SystemError",
                 NULL_ARGUMENT);
    EXPECT_ERROR(-1, PyBuffer_FromContiguous(&strided, NULL, 12, 'F'), "SystemError",
                 NULL_ARGUMENT);
    EXPECT_ERROR(-1, PyBuffer_FromContiguous(&nowhere, bytes, 12, 'C'), "SystemError",
                 NULL_ARGUMENT);
    EXPECT_ERROR(-1, PyBuffer_FromContiguous(&nowhere_strided, bytes, 12, 'C'), "SystemError",
                 NULL_ARGUMENT);
    FREE_UNTOUCHED(dst);
}

static void copy_data_null_is_a_system_error(void)
{
    Memory memory = memory_new(4, 0);
    PyObject *array = array_new((ArrayLayout){ .buf = memory.bytes, .itemsize = 1, .ndim = 1,
                                               .shape = DIMS(4) });
    EXPECT_ERROR(-1, PyObject_CopyData(NULL, array), "SystemError", NULL_ARGUMENT);
    EXPECT_ERROR(-1, PyObject_CopyData(array, NULL), "SystemError", NULL_ARGUMENT);
    EXPECT_ERROR(-1, PyObject_CopyData(NULL, NULL), "SystemError", NULL_ARGUMENT);
    EXPECT_INT(0, atomic_load(&((Array *)array)->exports));
    EXPECT_INT(1, references(array));
    Py_DECREF(array);
    FREE_UNTOUCHED(memory);
}

static void copy_data_buf_null_is_a_system_error(void)
{
    Memory memory = memory_new(16, 0);
    PyObject *array = array_new((ArrayLayout){ .buf = memory.bytes, .itemsize = 4, .ndim = 1,
                                               .shape = DIMS(4) });
    Scripted *nowhere = scripted_new(view_of_bytes(NULL, 16));
    Scripted *nowhere_strided = scripted_new(view_of(NULL, 4, 1, DIMS(4), DIMS(8)));
    PyObject *all[] = { (PyObject *)nowhere, (PyObject *)nowhere_strided };
    for (int i = 0; i < 2; i++) {
        EXPECT_ERROR(-1, PyObject_CopyData(array, all[i]), "SystemError", NULL_ARGUMENT);
        EXPECT_ERROR(-1, PyObject_CopyData(all[i], array), "SystemError", NULL_ARGUMENT);
        EXPECT_INT(2, ((Scripted *)all[i])->releases);
        EXPECT_INT(1, references(all[i]));
        Py_DECREF(all[i]);
    }
    EXPECT_INT(4, atomic_load(&((Array *)array)->releases));
    Py_DECREF(array);
    FREE_UNTOUCHED(memory);
}

static void null_argument_keeps_a_pending_exception(void)
{
    Py_buffer view;
    PyErr_SetString(PyExc_IndexError, "raised before");
    EXPECT_ERROR(-1, PyObject_GetBuffer(NULL, &view, PyBUF_SIMPLE), "IndexError", "raised before");
}

const Test null_arguments_tests[] = {
    TEST(check_buffer_null_is_false),
    TEST(get_buffer_obj_null_is_a_system_error),
    TEST(get_buffer_obj_null_with_flags_read_is_refused_for_the_flags),
    TEST(release_null_does_nothing),
    TEST(get_pointer_null_is_a_system_error),
    TEST(to_contiguous_null_is_a_system_error),
    TEST(from_contiguous_null_is_a_system_error),
    TEST(copy_data_null_is_a_system_error),
    TEST(copy_data_buf_null_is_a_system_error),
    TEST(null_argument_keeps_a_pending_exception),
    END_OF_TESTS,
};

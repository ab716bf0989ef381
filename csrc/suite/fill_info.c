/* PyBuffer_FillInfo. */
#include "harness.h"

#include "families.h"

static void fill_info_each_request_sets_the_fields_it_asks_for(void)
{
    Memory memory = memory_new(10, 0);
    PyObject *owner = plain_new();
    for (int flags = 0; flags < 0x400; flags++) {
        if (flags == PyBUF_READ || flags == PyBUF_WRITE) {
            continue;
        }
        Py_buffer view = view_filled_with(0xcd);
        EXPECT_OK(0, PyBuffer_FillInfo(&view, owner, memory.bytes, 10, 0, flags));
        EXPECT_POINTER(owner, view.obj);
        EXPECT_POINTER(memory.bytes, view.buf);
        EXPECT_INT(10, view.len);
        EXPECT_INT(1, view.itemsize);
        EXPECT_INT(0, view.readonly);
        EXPECT_INT(1, view.ndim);
        if (flags & PyBUF_FORMAT) {
            EXPECT_STRING("B", view.format);
        } else {
            EXPECT_POINTER(NULL, view.format);
        }
        EXPECT_POINTER((flags & PyBUF_ND) ? &view.len : NULL, view.shape);
        EXPECT_POINTER((flags & PyBUF_STRIDES) == PyBUF_STRIDES ? &view.itemsize : NULL,
                       view.strides);
        EXPECT_POINTER(NULL, view.suboffsets);
        EXPECT_POINTER(NULL, view.internal);
        EXPECT_INT(2, references(owner));
        PyBuffer_Release(&view);
    }
    EXPECT_INT(1, references(owner));
    Py_DECREF(owner);
    FREE_UNTOUCHED(memory);
}

static void fill_info_read_or_write_alone_is_refused_from_3_13_on(void)
{
    const int requests[] = { PyBUF_READ, PyBUF_WRITE };
    for (size_t i = 0; i < 2; i++) {
        Py_buffer view = view_filled_with(0xcd), before = view;
        if (python_version() >= 0x030d) {
            EXPECT_ERROR(-1, PyBuffer_FillInfo(&view, NULL, NULL, 0, 0, requests[i]),
                         "SystemError", BAD_ARGUMENT);
            EXPECT_BYTES(&before, &view, sizeof view);
        } else {
            EXPECT_OK(0, PyBuffer_FillInfo(&view, NULL, NULL, 0, 0, requests[i]));
            EXPECT_POINTER(NULL, view.shape);
        }
    }
}

static void fill_info_view_null_is_a_buffer_error(void)
{
    PyObject *owner = plain_new();
    EXPECT_ERROR(-1, PyBuffer_FillInfo(NULL, owner, NULL, 0, 0, PyBUF_SIMPLE), "BufferError",
                 "PyBuffer_FillInfo: view==NULL argument is obsolete");
    EXPECT_ERROR(-1, PyBuffer_FillInfo(NULL, owner, NULL, 0, 1, PyBUF_READ), "BufferError",
                 "PyBuffer_FillInfo: view==NULL argument is obsolete");
    EXPECT_INT(1, references(owner));
    Py_DECREF(owner);
}

static void fill_info_writable_request_of_readonly_memory_is_refused(void)
{
    PyObject *owner = plain_new();
    Py_buffer view = view_filled_with(0xcd), before = view;
    EXPECT_ERROR(-1, PyBuffer_FillInfo(&view, owner, NULL, 0, 1, PyBUF_WRITABLE), "BufferError",
                 "Object is not writable.");
    EXPECT_ERROR(-1, PyBuffer_FillInfo(&view, owner, NULL, 0, 1, PyBUF_FULL), "BufferError",
                 "Object is not writable.");
    EXPECT_BYTES(&before, &view, sizeof view);
    EXPECT_INT(1, references(owner));
    EXPECT_OK(0, PyBuffer_FillInfo(&view, owner, NULL, 0, 1, PyBUF_FULL_RO));
    EXPECT_INT(1, view.readonly);
    PyBuffer_Release(&view);
    Py_DECREF(owner);
}

/* Only the value 1 means read-only when a writable view is asked for. */
static void fill_info_readonly_is_kept_as_it_is(void)
{
    const int values[] = { 2, -1, 0x100 };
    for (size_t i = 0; i < 3; i++) {
        Py_buffer view;
        EXPECT_OK(0, PyBuffer_FillInfo(&view, NULL, NULL, 0, values[i], PyBUF_WRITABLE));
        EXPECT_INT(values[i], view.readonly);
    }
}

static void fill_info_without_obj_has_nothing_to_release(void)
{
    Memory memory = memory_new(3, 0);
    Py_buffer view;
    EXPECT_OK(0, PyBuffer_FillInfo(&view, NULL, memory.bytes, 3, 1, PyBUF_FULL_RO));
    EXPECT_POINTER(NULL, view.obj);
    EXPECT_INT(3, view.shape[0]);
    EXPECT_INT(1, view.strides[0]);
    PyBuffer_Release(&view);
    FREE_UNTOUCHED(memory);
}

static void fill_info_does_not_judge_buf_and_len(void)
{
    Py_buffer view;
    EXPECT_OK(0, PyBuffer_FillInfo(&view, NULL, NULL, -3, 0, PyBUF_FULL));
    EXPECT_POINTER(NULL, view.buf);
    EXPECT_INT(-3, view.len);
    EXPECT_INT(-3, view.shape[0]);
    EXPECT_OK(0, PyBuffer_FillInfo(&view, NULL, NULL, PY_SSIZE_T_MAX, 0, PyBUF_SIMPLE));
    EXPECT_INT(PY_SSIZE_T_MAX, view.len);
}

static void fill_info_in_a_getbuffer_makes_a_view_that_is_released(void)
{
    Memory memory = memory_new(5, 0);
    Scripted *exporter = scripted_new(view_of_bytes(NULL, 0));
    Py_buffer view;
    EXPECT_OK(0, PyBuffer_FillInfo(&view, (PyObject *)exporter, memory.bytes, 5, 1, PyBUF_SIMPLE));
    PyBuffer_Release(&view);
    EXPECT_INT(1, exporter->releases);
    EXPECT_INT(1, references((PyObject *)exporter));
    Py_DECREF(exporter);
    FREE_UNTOUCHED(memory);
}

const Test fill_info_tests[] = {
    TEST(fill_info_each_request_sets_the_fields_it_asks_for),
    TEST(fill_info_read_or_write_alone_is_refused_from_3_13_on),
    TEST(fill_info_view_null_is_a_buffer_error),
    TEST(fill_info_writable_request_of_readonly_memory_is_refused),
    TEST(fill_info_readonly_is_kept_as_it_is),
    TEST(fill_info_without_obj_has_nothing_to_release),
    TEST(fill_info_does_not_judge_buf_and_len),
    TEST(fill_info_in_a_getbuffer_makes_a_view_that_is_released),
    END_OF_TESTS,
};

/* PyObject_CheckBuffer, PyObject_GetBuffer, PyBuffer_Release. */
#include "harness.h"

#include <stdio.h>
#include <string.h>

#include "families.h"

static PyObject *bytes_array(Memory *memory)
{
    return array_new((ArrayLayout){ .buf = memory->bytes, .itemsize = 1, .ndim = 1,
                                    .shape = DIMS((Py_ssize_t)memory->size) });
}

/* --- PyObject_CheckBuffer --------------------------------------------------------------------- */

static void check_buffer_exporter_is_true(void)
{
    Memory memory = memory_new(4, 0);
    PyObject *array = bytes_array(&memory);
    EXPECT_OK(1, PyObject_CheckBuffer(array));
    Py_DECREF(array);
    FREE_UNTOUCHED(memory);
}

static void check_buffer_type_without_slots_is_false(void)
{
    PyObject *plain = plain_new();
    EXPECT_OK(0, PyObject_CheckBuffer(plain));
    Py_DECREF(plain);
}

static void check_buffer_empty_slot_is_false(void)
{
    PyObject *plain = plain_slotless_new();
    EXPECT_OK(0, PyObject_CheckBuffer(plain));
    Py_DECREF(plain);
}

/* --- PyObject_GetBuffer ----------------------------------------------------------------------- */

static void get_buffer_hands_out_the_exporters_view(void)
{
    Memory memory = memory_new(24, 0);
    PyObject *array = array_new((ArrayLayout){ .buf = memory.bytes, .format = "i", .itemsize = 4,
                                               .ndim = 2, .shape = DIMS(2, 3) });
    Py_buffer view = view_filled_with(0xcd);
    EXPECT_OK(0, PyObject_GetBuffer(array, &view, PyBUF_FULL_RO));
    EXPECT_POINTER(memory.bytes, view.buf);
    EXPECT_POINTER(array, view.obj);
    EXPECT_INT(24, view.len);
    EXPECT_INT(4, view.itemsize);
    EXPECT_INT(2, view.ndim);
    EXPECT_STRING("i", view.format);
    EXPECT_INT(3, view.shape[1]);
    EXPECT_INT(12, view.strides[0]);
    EXPECT_POINTER(NULL, view.suboffsets);
    EXPECT_INT(2, references(array));
    PyBuffer_Release(&view);
    EXPECT_INT(1, references(array));
    Py_DECREF(array);
    FREE_UNTOUCHED(memory);
}

static void get_buffer_any_flags_reach_the_exporter_unchanged(void)
{
    Scripted *exporter = scripted_new(view_of_bytes(NULL, 0));
    const int requests[] = { 0, 1, 2, 4, 8, 0x18, 0x38, 0x58, 0x98, 0x118, PyBUF_FULL, 0x101, 0x104,
                             0x204, 0x300, 0x400, 0x7fffffff, -1, -0x100 };
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        Py_buffer view;
        EXPECT_OK(0, PyObject_GetBuffer((PyObject *)exporter, &view, requests[i]));
        EXPECT_INT(requests[i], exporter->last_flags);
        PyBuffer_Release(&view);
    }
    Py_DECREF(exporter);
}

/* PyBUF_READ and PyBUF_WRITE are no requests; from 3.13 on they are refused. */
static void get_buffer_read_or_write_alone_is_refused_from_3_13_on(void)
{
    const int requests[] = { PyBUF_READ, PyBUF_WRITE };
    for (size_t i = 0; i < 2; i++) {
        Scripted *exporter = scripted_new(view_of_bytes(NULL, 0));
        Py_buffer view = view_filled_with(0xcd), before = view;
        if (python_version() >= 0x030d) {
            EXPECT_ERROR(-1, PyObject_GetBuffer((PyObject *)exporter, &view, requests[i]),
                         "SystemError", BAD_ARGUMENT);
            EXPECT_INT(0, exporter->gets);
            EXPECT_BYTES(&before, &view, sizeof view);
        } else {
            EXPECT_OK(0, PyObject_GetBuffer((PyObject *)exporter, &view, requests[i]));
            EXPECT_INT(requests[i], exporter->last_flags);
            PyBuffer_Release(&view);
        }
        Py_DECREF(exporter);
    }
}

static void get_buffer_of_no_exporter_is_a_type_error(void)
{
    PyObject *plains[] = { plain_new(), plain_slotless_new() };
    const char *texts[] = { "a bytes-like object is required, not 'exporters.plain'",
                            "a bytes-like object is required, not 'exporters.slotless'" };
    for (size_t i = 0; i < 2; i++) {
        Py_buffer view = view_filled_with(0xcd), before = view;
        EXPECT_ERROR(-1, PyObject_GetBuffer(plains[i], &view, PyBUF_SIMPLE), "TypeError", texts[i]);
        EXPECT_BYTES(&before, &view, sizeof view);
        EXPECT_INT(1, references(plains[i]));
        Py_DECREF(plains[i]);
    }
}

static void get_buffer_of_a_long_type_name_cuts_it_at_100_bytes(void)
{
    char name[151], text[200] = "a bytes-like object is required, not '";
    memset(name, 'n', 150);
    name[150] = '\0';
    strncat(text, name, 100);
    strcat(text, "'");
    PyObject *plain = plain_named_new(name);
    Py_buffer view;
    EXPECT_ERROR(-1, PyObject_GetBuffer(plain, &view, PyBUF_SIMPLE), "TypeError", text);
    Py_DECREF(plain);
}

/* The cut may fall into a character of more than one byte: what is left of it becomes U+FFFD, from
 * 3.14 on nothing. What is no UTF-8 at all becomes U+FFFD in every version. */
static void get_buffer_of_a_type_name_that_is_no_whole_utf_8_replaces_it(void)
{
    static const char start[] = "a bytes-like object is required, not '";
    static const char replacement[] = "\xef\xbf\xbd";
    char name[120], text[200];
    memset(name, 'n', sizeof name);
    strcpy(name + 98, "\xe2\x82\xac of 3 bytes");
    snprintf(text, sizeof text, "%s%.98s%s'", start, name,
             python_version() >= 0x030e ? "" : replacement);
    PyObject *plain = plain_named_new(name);
    Py_buffer view;
    EXPECT_ERROR(-1, PyObject_GetBuffer(plain, &view, PyBUF_SIMPLE), "TypeError", text);
    Py_DECREF(plain);

    plain = plain_named_new("a\xff\xc3\xa9");
    snprintf(text, sizeof text, "%sa%s\xc3\xa9'", start, replacement);
    EXPECT_ERROR(-1, PyObject_GetBuffer(plain, &view, PyBUF_SIMPLE), "TypeError", text);
    Py_DECREF(plain);

    plain = plain_named_new("uncut \xe2\x82");
    snprintf(text, sizeof text, "%suncut %s'", start, replacement);
    EXPECT_ERROR(-1, PyObject_GetBuffer(plain, &view, PyBUF_SIMPLE), "TypeError", text);
    Py_DECREF(plain);
}

static void get_buffer_exporters_exception_is_kept(void)
{
    Scripted *exporter = scripted_new(view_of_bytes(NULL, 0));
    exporter->result = -1;
    exporter->exception = PyExc_KeyError;
    Py_buffer view = view_filled_with(0xcd), before = view;
    int result = PyObject_GetBuffer((PyObject *)exporter, &view, PyBUF_SIMPLE);
    EXPECT_INT(-1, result);
    EXPECT_INT(1, PyErr_ExceptionMatches(PyExc_KeyError));
    EXPECT_STRING("KeyError", take_exception().type);
    EXPECT_BYTES(&before, &view, sizeof view);
    EXPECT_INT(1, references((PyObject *)exporter));
    Py_DECREF(exporter);
}

static void get_buffer_failing_without_an_exception_fails_without_one(void)
{
    Scripted *exporter = scripted_new(view_of_bytes(NULL, 0));
    exporter->result = -1;
    Py_buffer view = view_filled_with(0xcd);
    EXPECT_OK(-1, PyObject_GetBuffer((PyObject *)exporter, &view, PyBUF_SIMPLE));
    Py_DECREF(exporter);
}

static void get_buffer_obj_left_on_failure_stays_and_is_not_released(void)
{
    Scripted *exporter = scripted_new(view_of_bytes(NULL, 0));
    exporter->result = -1;
    exporter->exception = PyExc_BufferError;
    exporter->obj_on_failure = 1;
    Py_buffer view = view_filled_with(0xcd);
    EXPECT_ERROR(-1, PyObject_GetBuffer((PyObject *)exporter, &view, PyBUF_SIMPLE), "BufferError",
                 "scripted: as told");
    EXPECT_POINTER(exporter, view.obj);
    EXPECT_INT(0, exporter->releases);
    EXPECT_INT(1, references((PyObject *)exporter));
    Py_DECREF(exporter);
}

static void get_buffer_other_results_are_returned_as_they_are(void)
{
    const int results[] = { 1, 7 };
    for (size_t i = 0; i < 2; i++) {
        Scripted *exporter = scripted_new(view_of_bytes(NULL, 0));
        exporter->result = results[i];
        Py_buffer view;
        EXPECT_OK(results[i], PyObject_GetBuffer((PyObject *)exporter, &view, PyBUF_SIMPLE));
        PyBuffer_Release(&view);
        Py_DECREF(exporter);
    }
}

static void get_buffer_view_null_is_the_exporters_affair(void)
{
    Memory memory = memory_new(4, 0);
    PyObject *array = bytes_array(&memory);
    EXPECT_ERROR(-1, PyObject_GetBuffer(array, NULL, PyBUF_SIMPLE), "BufferError",
                 "array: view==NULL argument is obsolete");
    Py_DECREF(array);
    FREE_UNTOUCHED(memory);
}

static void get_buffer_false_answers_are_not_judged(void)
{
    Py_buffer lies = view_of_bytes(NULL, -5);
    lies.itemsize = -1;
    lies.ndim = 1000;
    Scripted *exporter = scripted_new(lies);
    Py_buffer view;
    EXPECT_OK(0, PyObject_GetBuffer((PyObject *)exporter, &view, PyBUF_FULL));
    EXPECT_INT(-5, view.len);
    EXPECT_INT(-1, view.itemsize);
    EXPECT_INT(1000, view.ndim);
    PyBuffer_Release(&view);
    Py_DECREF(exporter);
}

/* --- PyBuffer_Release ------------------------------------------------------------------------- */

static void release_without_obj_does_nothing(void)
{
    Py_buffer view = view_filled_with(0xcd);
    view.obj = NULL;
    Py_buffer before = view;
    PyBuffer_Release(&view);
    EXPECT_BYTES(&before, &view, sizeof view);
}

static void release_tells_the_exporter_once_with_obj_still_set(void)
{
    Scripted *exporter = scripted_new(view_of_bytes(NULL, 0));
    Py_buffer view;
    EXPECT_OK(0, PyObject_GetBuffer((PyObject *)exporter, &view, PyBUF_SIMPLE));
    EXPECT_INT(0, exporter->releases);
    PyBuffer_Release(&view);
    EXPECT_INT(1, exporter->releases);
    EXPECT_POINTER(&view, exporter->last_view);
    EXPECT_POINTER(exporter, exporter->last_obj);
    EXPECT_INT(1, references((PyObject *)exporter));
    Py_DECREF(exporter);
}

static void release_clears_obj_and_no_other_field(void)
{
    Memory memory = memory_new(6, 0);
    Py_buffer answer = view_of(memory.bytes, 2, 1, DIMS(3), DIMS(2));
    answer.internal = &memory;
    answer.readonly = 1;
    Scripted *exporter = scripted_new(answer);
    Py_buffer view;
    EXPECT_OK(0, PyObject_GetBuffer((PyObject *)exporter, &view, PyBUF_FULL_RO));
    PyBuffer_Release(&view);
    EXPECT_POINTER(NULL, view.obj);
    EXPECT_BYTES(&answer, &view, sizeof view);
    Py_DECREF(exporter);
    FREE_UNTOUCHED(memory);
}

static void release_twice_is_harmless(void)
{
    Scripted *exporter = scripted_new(view_of_bytes(NULL, 0));
    Py_buffer view;
    EXPECT_OK(0, PyObject_GetBuffer((PyObject *)exporter, &view, PyBUF_SIMPLE));
    PyBuffer_Release(&view);
    PyBuffer_Release(&view);
    EXPECT_INT(1, exporter->releases);
    EXPECT_INT(1, references((PyObject *)exporter));
    Py_DECREF(exporter);
}

static void release_without_a_slot_drops_the_reference(void)
{
    Scripted *exporter = scripted_new_unreleased(view_of_bytes(NULL, 0));
    Py_buffer view;
    EXPECT_OK(0, PyObject_GetBuffer((PyObject *)exporter, &view, PyBUF_SIMPLE));
    EXPECT_INT(2, references((PyObject *)exporter));
    PyBuffer_Release(&view);
    EXPECT_POINTER(NULL, view.obj);
    EXPECT_INT(1, references((PyObject *)exporter));
    EXPECT_INT(0, exporter->releases);
    Py_DECREF(exporter);
}

/* A re-exporter hands out another object's view: the other one is asked to release. */
static void release_of_a_redirected_view_tells_the_object_in_it(void)
{
    Scripted *inner = scripted_new(view_of_bytes(NULL, 0));
    Scripted *outer = scripted_new(view_of_bytes(NULL, 0));
    outer->redirect = (PyObject *)inner;
    Py_buffer view;
    EXPECT_OK(0, PyObject_GetBuffer((PyObject *)outer, &view, PyBUF_SIMPLE));
    EXPECT_POINTER(inner, view.obj);
    EXPECT_INT(2, references((PyObject *)inner));
    EXPECT_INT(1, references((PyObject *)outer));
    PyBuffer_Release(&view);
    EXPECT_INT(1, inner->releases);
    EXPECT_INT(0, outer->releases);
    EXPECT_INT(1, references((PyObject *)inner));
    Py_DECREF(outer);
    Py_DECREF(inner);
}

static void release_of_a_view_without_obj_leaves_the_exporter_alone(void)
{
    Scripted *exporter = scripted_new(view_of_bytes(NULL, 0));
    exporter->without_obj = 1;
    Py_buffer view;
    EXPECT_OK(0, PyObject_GetBuffer((PyObject *)exporter, &view, PyBUF_SIMPLE));
    EXPECT_INT(1, references((PyObject *)exporter));
    PyBuffer_Release(&view);
    EXPECT_INT(0, exporter->releases);
    Py_DECREF(exporter);
}

static void release_of_the_last_reference_deallocates_once(void)
{
    const int deallocs = scripted_deallocs;
    Scripted *exporter = scripted_new(view_of_bytes(NULL, 0));
    Py_buffer view;
    EXPECT_OK(0, PyObject_GetBuffer((PyObject *)exporter, &view, PyBUF_SIMPLE));
    Py_DECREF(exporter);
    EXPECT_INT(deallocs, scripted_deallocs);
    PyBuffer_Release(&view);
    EXPECT_INT(deallocs + 1, scripted_deallocs);
    EXPECT_POINTER(NULL, view.obj);
}

static int other_releases;

static void other_releasebuffer(PyObject *self, Py_buffer *view)
{
    other_releases += view->obj == self;
}

static void release_reads_the_slot_when_it_is_called(void)
{
    Scripted *exporter = scripted_new(view_of_bytes(NULL, 0));
    Py_buffer view;
    EXPECT_OK(0, PyObject_GetBuffer((PyObject *)exporter, &view, PyBUF_SIMPLE));
    releasebufferproc usual = scripted_as_buffer.bf_releasebuffer;
    scripted_as_buffer.bf_releasebuffer = other_releasebuffer;
    other_releases = 0;
    PyBuffer_Release(&view);
    scripted_as_buffer.bf_releasebuffer = usual;
    EXPECT_INT(1, other_releases);
    EXPECT_INT(0, exporter->releases);
    Py_DECREF(exporter);
}

static void release_leaves_a_pending_exception_alone(void)
{
    Scripted *exporter = scripted_new(view_of_bytes(NULL, 0));
    Py_buffer view;
    EXPECT_OK(0, PyObject_GetBuffer((PyObject *)exporter, &view, PyBUF_SIMPLE));
    PyErr_SetString(PyExc_IndexError, "raised before");
    PyBuffer_Release(&view);
    expect_exception("IndexError", "raised before", __FILE__, __LINE__, "PyBuffer_Release(&view)");
    Py_DECREF(exporter);
}

static void release_in_any_order_counts_each_view(void)
{
    Memory memory = memory_new(4, 0);
    PyObject *object = bytes_array(&memory);
    Array *array = (Array *)object;
    Py_buffer views[5];
    for (int i = 0; i < 5; i++) {
        EXPECT_OK(0, PyObject_GetBuffer(object, &views[i], PyBUF_SIMPLE));
    }
    EXPECT_INT(5, atomic_load(&array->exports));
    EXPECT_INT(6, references(object));
    const int order[] = { 2, 0, 4, 1, 3 };
    for (int i = 0; i < 5; i++) {
        PyBuffer_Release(&views[order[i]]);
        EXPECT_INT(i + 1, atomic_load(&array->releases));
    }
    EXPECT_INT(1, references(object));
    Py_DECREF(object);
    FREE_UNTOUCHED(memory);
}

const Test get_release_tests[] = {
    TEST(check_buffer_exporter_is_true),
    TEST(check_buffer_type_without_slots_is_false),
    TEST(check_buffer_empty_slot_is_false),
    TEST(get_buffer_hands_out_the_exporters_view),
    TEST(get_buffer_any_flags_reach_the_exporter_unchanged),
    TEST(get_buffer_read_or_write_alone_is_refused_from_3_13_on),
    TEST(get_buffer_of_no_exporter_is_a_type_error),
    TEST(get_buffer_of_a_long_type_name_cuts_it_at_100_bytes),
    TEST(get_buffer_of_a_type_name_that_is_no_whole_utf_8_replaces_it),
    TEST(get_buffer_exporters_exception_is_kept),
    TEST(get_buffer_failing_without_an_exception_fails_without_one),
    TEST(get_buffer_obj_left_on_failure_stays_and_is_not_released),
    TEST(get_buffer_other_results_are_returned_as_they_are),
    TEST(get_buffer_view_null_is_the_exporters_affair),
    TEST(get_buffer_false_answers_are_not_judged),
    TEST(release_without_obj_does_nothing),
    TEST(release_tells_the_exporter_once_with_obj_still_set),
    TEST(release_clears_obj_and_no_other_field),
    TEST(release_twice_is_harmless),
    TEST(release_without_a_slot_drops_the_reference),
    TEST(release_of_a_redirected_view_tells_the_object_in_it),
    TEST(release_of_a_view_without_obj_leaves_the_exporter_alone),
    TEST(release_of_the_last_reference_deallocates_once),
    TEST(release_reads_the_slot_when_it_is_called),
    TEST(release_leaves_a_pending_exception_alone),
    TEST(release_in_any_order_counts_each_view),
    END_OF_TESTS,
};

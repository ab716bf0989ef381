/* What is wrong with a view or an exporter: pybuffer_check_view, pybuffer_check_exporter, reports. And
 * pybuffer_verify_structure, pybuffer_get_item_pointer, pybuffer_get_pointer_checked; pybuffer_holders without an audit. */
#include "harness.h"

#include <libpybuffer.h>
#include <stdio.h>
#include <string.h>

#include "broken.h"
#include "counting.h"
#include "families.h"

/* The suite is linked with libpython alone, too: these tests are not run there. */
#define WEAK(function) extern __typeof__(function) function __attribute__((weak))
WEAK(pybuffer_check_view);
WEAK(pybuffer_check_exporter);
WEAK(pybuffer_holders);
WEAK(pybuffer_report_format);
WEAK(pybuffer_rule_describe);
WEAK(pybuffer_verify_structure);
WEAK(pybuffer_get_item_pointer);
WEAK(pybuffer_get_pointer_checked);

static const char *text_of(const pybuffer_report *report)
{
    static char text[16384];
    EXPECT(pybuffer_report_format(report, text, sizeof text) < sizeof text);
    return text;
}

/* A request that is sent more than once counts once. */
static void expect_no_more_requests_than_there_are(const pybuffer_report *report)
{
    for (int i = 0; i < report->n_findings; i++) {
        EXPECT(report->findings[i].n_requests <= report->n_requests);
    }
}

/* The report has this one finding. */
static void expect_finding(const pybuffer_report *report, const Mistake *mistake)
{
    const pybuffer_finding *finding = &report->findings[0];
    const int is_it = report->n_findings == 1 && strcmp(finding->rule.name, mistake->rule) == 0
                      && strcmp(finding->field, mistake->field) == 0;
    if (!is_it) {
        printf("  %s (%s):\n%s", mistake->mistake, mistake->rule, text_of(report));
    }
    EXPECT(is_it);
    EXPECT_INT(finding->rule.severity == PYBUFFER_MUST, report->n_violations);
    EXPECT_INT(0, report->n_dropped);
}

static void expect_clean(const pybuffer_report *report)
{
    if (report->n_findings != 0) {
        printf("%s", text_of(report));
    }
    EXPECT_INT(0, report->n_findings);
}

/* --- exporters -------------------------------------------------------------------------------- */

static void check_exporter_names_the_rule_that_is_broken_and_no_other(void)
{
    for (int i = 0; i < broken_n_mistakes; i++) {
        Broken *broken = broken_new(i);
        const Py_ssize_t before = references((PyObject *)broken);
        pybuffer_report report;
        const int n_violations = pybuffer_check_exporter((PyObject *)broken, &report);
        expect_no_exception(__FILE__, __LINE__, broken_mistakes[i].mistake);
        EXPECT_INT(report.n_violations, n_violations);
        expect_no_more_requests_than_there_are(&report);
        if (report.has_references || !broken_mistakes[i].needs_references) {
            expect_finding(&report, &broken_mistakes[i]);
        }
        EXPECT_INT(before + broken->too_many, references((PyObject *)broken));
        EXPECT(strcmp(broken_mistakes[i].field, "obj") == 0 || broken->views == 0);
        broken_free(broken);
    }
}

static void check_exporter_without_a_mistake_finds_nothing(void)
{
    Broken *broken = broken_new(-1);
    pybuffer_report report;
    EXPECT_OK(0, pybuffer_check_exporter((PyObject *)broken, &report));
    expect_clean(&report);
    EXPECT_INT(38, report.n_requests);
    EXPECT_INT(30, report.n_granted);
    EXPECT_STRING("exporters.broken", report.exporter);
    EXPECT_INT(0, broken->views);
    broken_free(broken);
}

/* Arrays of all kinds, read-only and writable. */
static void check_exporter_finds_nothing_in_arrays(void)
{
    static char items[4096];
    char *rows[2] = { items, items + 100 };
    Py_ssize_t many[PyBUF_MAX_NDIM];
    for (int i = 0; i < PyBUF_MAX_NDIM; i++) {
        many[i] = 1 + (i % 32 == 0);
    }
    const ArrayLayout layouts[] = {
        { items, "i", 4, 0, 0, NULL, NULL, NULL },
        { items, "B", 1, 0, 1, DIMS(24), NULL, NULL },
        { items, "i", 4, 0, 1, DIMS(0), NULL, NULL },
        { items, "i", 4, 0, 1, DIMS(1), DIMS(999), NULL },
        { items, "i", 4, 0, 2, DIMS(2, 3), NULL, NULL },
        { items, "i", 4, 0, 2, DIMS(2, 3), DIMS(4, 8), NULL },
        { items + 100, "i", 4, 0, 2, DIMS(2, 3), DIMS(-12, 4), NULL },
        { items, "i", 4, 0, 2, DIMS(2, 3), DIMS(48, 16), NULL },
        { items, "i", 4, 0, 2, DIMS(20, 3), DIMS(0, 4), NULL },
        { items, "2h", 4, 0, 3, DIMS(2, 0, 3), DIMS(24, 12, 4), NULL },
        { items, "T{<h:a:x}", 3, 0, 1, DIMS(5), NULL, NULL },
        { items, "d", 8, 0, PyBUF_MAX_NDIM, many, NULL, NULL },
        { rows, "h", 2, 0, 2, DIMS(2, 4), DIMS(sizeof(char *), 2), DIMS(0, -1) },
    };
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
        for (int readonly = 0; readonly < 2; readonly++) {
            ArrayLayout layout = layouts[i];
            layout.readonly = readonly;
            Array *array = (Array *)array_new(layout);
            pybuffer_report report;
            EXPECT_OK(0, pybuffer_check_exporter((PyObject *)array, &report));
            expect_clean(&report);
            EXPECT(report.n_granted > 0);
            EXPECT_INT(array->exports, array->releases);
            Py_DECREF(array);
        }
    }
}

/* Whoever refuses everything works for nobody: that, and what was raised, comes first. */
static void check_exporter_that_refuses_all_is_told_with_what_it_raises(void)
{
    Scripted *scripted = scripted_new((Py_buffer){ 0 });
    scripted->result = -1;
    scripted->exception = PyExc_ValueError;
    const Py_ssize_t before = references((PyObject *)scripted);
    pybuffer_report report;
    EXPECT_OK(1, pybuffer_check_exporter((PyObject *)scripted, &report));
    EXPECT_INT(0, report.n_granted);
    EXPECT_STRING("ValueError: scripted: as told", report.raised);
    EXPECT_INT(0, report.is_python);
    int n_nothing_met = 0;
    for (int i = 0; i < report.n_findings; i++) {
        const pybuffer_finding *finding = &report.findings[i];
        if (strcmp(finding->rule.name, "nothing-met") == 0) {
            n_nothing_met++;
            EXPECT_STRING("ValueError: scripted: as told", finding->found);
            EXPECT_INT(38, finding->n_requests);
        } else {
            EXPECT_STRING("obj-untouched", finding->rule.name);
        }
    }
    EXPECT_INT(1, n_nothing_met);
    const char *first_lines = "exporters.scripted: no request is met: ValueError: scripted: as told\n"
                              "exporters.scripted: 0 of 38 requests met; rules broken: 1 MUST";
    EXPECT(strncmp(first_lines, text_of(&report), strlen(first_lines)) == 0);
    EXPECT_INT(before, references((PyObject *)scripted));
    scripted->exception = NULL;
    EXPECT_OK(2, pybuffer_check_exporter((PyObject *)scripted, &report));
    EXPECT_STRING("", report.raised);
    EXPECT(strstr(text_of(&report), ": no request is met: nothing is raised\n") != NULL);
    Py_DECREF(scripted);
}

/* What was raised where others are met is no more than a finding. */
static void check_exporter_that_meets_some_requests_says_what_it_raises_for_others(void)
{
    int i = 0;
    while (strcmp(broken_mistakes[i].rule, "buffer-error") != 0) {
        i++;
    }
    Broken *broken = broken_new(i);
    pybuffer_report report;
    EXPECT_OK(1, pybuffer_check_exporter((PyObject *)broken, &report));
    EXPECT_STRING("", report.raised);
    EXPECT_STRING("ValueError: broken: cannot", report.findings[0].found);
    broken_free(broken);
}

/* A view may be of another object than the one that was asked. */
static void check_exporter_may_redirect(void)
{
    Broken *other = broken_new(-1);
    char bytes[6];
    Py_buffer answer = view_of_bytes(bytes, sizeof bytes);
    Scripted *scripted = scripted_new(answer);
    scripted->redirect = (PyObject *)other;
    const Py_ssize_t before = references((PyObject *)other);
    pybuffer_report report;
    pybuffer_check_exporter((PyObject *)scripted, &report);
    for (int i = 0; i < report.n_findings; i++) {
        EXPECT(strcmp(report.findings[i].rule.name, "obj") != 0);
        EXPECT(strcmp(report.findings[i].rule.name, "references") != 0);
    }
    EXPECT_INT(before, references((PyObject *)other));
    take_exception();
    Py_DECREF(scripted);
    Py_DECREF(other);
}

static void check_exporter_of_nothing_is_an_error(void)
{
    pybuffer_report report;
    EXPECT_ERROR(-1, pybuffer_check_exporter(NULL, &report), "SystemError", NULL_ARGUMENT);
    PyObject *plain = plain_new();
    EXPECT_ERROR(-1, pybuffer_check_exporter(plain, NULL), "SystemError", NULL_ARGUMENT);
    EXPECT_ERROR(-1, pybuffer_check_exporter(plain, &report), "TypeError",
                 "a bytes-like object is required, not 'exporters.plain'");
    EXPECT_INT(0, report.n_findings);
    Py_DECREF(plain);
    Broken *broken = broken_new(-1);
    PyErr_SetString(PyExc_KeyError, "pending");
    EXPECT_INT(-1, pybuffer_check_exporter((PyObject *)broken, &report));
    EXPECT_STRING("KeyError", take_exception().type);
    EXPECT_INT(0, broken->calls);
    broken_free(broken);
}

/* --- views ------------------------------------------------------------------------------------ */

static void check_view_names_the_rule_that_is_broken_and_no_other(void)
{
    for (int i = 0; i < broken_n_mistakes; i++) {
        if (broken_mistakes[i].is_of_answers) {
            continue;
        }
        Broken *broken = broken_new(i);
        Py_buffer view;
        pybuffer_report report;
        EXPECT_OK(0, PyObject_GetBuffer((PyObject *)broken, &view, PyBUF_FULL_RO));
        const int n_violations = pybuffer_check_view(&view, PyBUF_FULL_RO, &report);
        EXPECT_INT(n_violations, report.n_violations);
        expect_finding(&report, &broken_mistakes[i]);
        EXPECT_INT(PyBUF_FULL_RO, report.findings[0].flags);
        if (view.obj == NULL) {
            EXPECT_STRING("a view without an exporter", report.exporter);
        } else {
            EXPECT_STRING("exporters.broken", report.exporter);
        }
        PyBuffer_Release(&view);
        broken_free(broken);
    }
}

static void check_view_that_is_right_has_no_findings(void)
{
    Broken *broken = broken_new(-1);
    const int requests[] = { PyBUF_SIMPLE, PyBUF_ND, PyBUF_STRIDED, PyBUF_FULL, PyBUF_FULL_RO };
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        Py_buffer view;
        pybuffer_report report;
        EXPECT_OK(0, PyObject_GetBuffer((PyObject *)broken, &view, requests[i]));
        EXPECT_OK(0, pybuffer_check_view(&view, requests[i], &report));
        expect_clean(&report);
        PyBuffer_Release(&view);
    }
    broken_free(broken);
}

static void check_view_of_nothing_is_an_error(void)
{
    Py_buffer view = { 0 };
    pybuffer_report report;
    EXPECT_ERROR(-1, pybuffer_check_view(NULL, 0, &report), "SystemError", NULL_ARGUMENT);
    EXPECT_ERROR(-1, pybuffer_check_view(&view, 0, NULL), "SystemError", NULL_ARGUMENT);
}

/* --- reports ---------------------------------------------------------------------------------- */

static void report_says_what_is_wrong_and_what_to_do(void)
{
    int items[6];
    Py_buffer view = view_of(items, 4, 2, DIMS(2, 3), NULL);
    view.len = 6;
    view.obj = plain_new();
    view.format = "i";
    view.readonly = 7;
    pybuffer_report report;
    EXPECT_OK(2, pybuffer_check_view(&view, PyBUF_FULL_RO, &report));
    EXPECT_STRING(
        "exporters.plain: 1 of 1 requests met; rules broken: 2 MUST, 1 advice\n"
        "MUST 14 strides: PyBUF_FULL_RO: strides: found NULL, expected an array of ndim "
        "numbers\n"
        "  Rule: strides has ndim entries if PyBUF_STRIDES is asked for, and is NULL otherwise. [Buffer "
        "request types: shape, strides, suboffsets]\n"
        "  Fix: Set view->strides if (flags & PyBUF_STRIDES) == PyBUF_STRIDES and to NULL if not.\n"
        "MUST 3 len: PyBUF_FULL_RO: len: found 6, expected 24\n"
        "  Rule: len is product(shape) * itemsize. [Request-independent fields; Buffer structure: len, "
        "shape]\n"
        "  Fix: Set view->len to the product of the extents times itemsize, even if the memory has "
        "gaps.\n"
        "advice 10 readonly: PyBUF_FULL_RO: readonly: found 7, expected 1 or 0\n"
        "  Rule: readonly is 1 or 0. [Buffer structure: readonly; compound requests]\n"
        "  Fix: Set view->readonly to 1 or 0: PyBuffer_FillInfo compares it with 1.\n",
        text_of(&report));
    Py_DECREF(view.obj);
}

static void report_is_written_as_snprintf_writes(void)
{
    Py_buffer view = { 0 };
    pybuffer_report report;
    pybuffer_check_view(&view, PyBUF_SIMPLE, &report);
    const size_t len = strlen(text_of(&report));
    char text[64];
    memset(text, 'x', sizeof text);
    EXPECT_INT(len, pybuffer_report_format(&report, text, 10));
    EXPECT_STRING("a view wi", text);
    EXPECT_INT('x', text[10]);
    EXPECT_INT(len, pybuffer_report_format(&report, NULL, 0));
    EXPECT_INT(0, pybuffer_report_format(NULL, text, sizeof text));
}

static void rule_describe_knows_every_rule(void)
{
    pybuffer_rule rule;
    int n = 0;
    while (pybuffer_rule_describe(n + 1, &rule) == 0) {
        n++;
        EXPECT_INT(n, rule.id);
        EXPECT(rule.severity == PYBUFFER_MUST || rule.severity == PYBUFFER_ADVICE);
        /* The suite has an exporter that breaks it. */
        int is_broken = strcmp(rule.name, COUNTING_RULE) == 0;
        for (int i = 0; i < broken_n_mistakes; i++) {
            is_broken = is_broken || strcmp(broken_mistakes[i].rule, rule.name) == 0;
        }
        EXPECT_STRING(is_broken ? rule.name : "a rule that some exporter here breaks", rule.name);
    }
    EXPECT(n >= 30);
    EXPECT_INT(-1, pybuffer_rule_describe(0, &rule));
    EXPECT_INT(-1, pybuffer_rule_describe(1, NULL));
    expect_no_exception(__FILE__, __LINE__, "pybuffer_rule_describe");
}

/* How often a finding was made is told in words, and requests by the names that people use. */
static void report_names_requests_and_counts_them_as_people_do(void)
{
    Broken *broken = broken_new(-1);
    pybuffer_report report;
    Py_buffer view;
    EXPECT_OK(0, PyObject_GetBuffer((PyObject *)broken, &view, PyBUF_CONTIG_RO));
    view.len++;
    EXPECT_OK(1, pybuffer_check_view(&view, PyBUF_CONTIG_RO, &report));
    const char *others[] = { "24\n", "24 (and in 1 other request)\n", "24 (and in 2 other requests)\n" };
    for (int n = 1; n <= 3; n++) {
        report.findings[0].n_requests = n;
        EXPECT(strstr(text_of(&report), "PyBUF_CONTIG_RO: len: found 25, expected ") != NULL);
        EXPECT(strstr(text_of(&report), others[n - 1]) != NULL);
    }
    view.len--;
    PyBuffer_Release(&view);
    broken_free(broken);
}

/* --- structure and pointers ------------------------------------------------------------------- */

static void verify_structure_knows_arrays_within_their_block(void)
{
    EXPECT_INT(1, pybuffer_verify_structure(24, 4, 2, DIMS(2, 3), DIMS(12, 4), 0));
    EXPECT_INT(1, pybuffer_verify_structure(24, 4, 2, DIMS(2, 3), DIMS(-12, 4), 12));
    EXPECT_INT(0, pybuffer_verify_structure(24, 4, 2, DIMS(2, 3), DIMS(-12, 4), 8));
    EXPECT_INT(0, pybuffer_verify_structure(23, 4, 2, DIMS(2, 3), DIMS(12, 4), 0));
    EXPECT_INT(0, pybuffer_verify_structure(24, 4, 1, DIMS(2), DIMS(6), 0));
    EXPECT_INT(0, pybuffer_verify_structure(24, 4, 1, DIMS(2), DIMS(4), 2));
    EXPECT_INT(0, pybuffer_verify_structure(24, 4, 1, DIMS(2), DIMS(4), -4));
    EXPECT_INT(1, pybuffer_verify_structure(24, 4, 2, DIMS(0, 9), DIMS(400, 4), 0));
    EXPECT_INT(0, pybuffer_verify_structure(24, 0, 1, DIMS(2), DIMS(4), 0));
    EXPECT_INT(1, pybuffer_verify_structure(4, 4, 0, NULL, NULL, 0));
    EXPECT_INT(0, pybuffer_verify_structure(4, 4, 0, DIMS(1), NULL, 0));
    EXPECT_INT(0, pybuffer_verify_structure(4, 4, -1, NULL, NULL, 0));
    EXPECT_INT(0, pybuffer_verify_structure(4, 4, 1, DIMS(1), NULL, 0));
    EXPECT_INT(0, pybuffer_verify_structure(4, 4, 1, NULL, DIMS(1), 0));
    const Py_ssize_t most = PY_SSIZE_T_MAX;
    EXPECT_INT(0, pybuffer_verify_structure(most, 1, 2, DIMS(most, most), DIMS(most, most), 0));
    expect_no_exception(__FILE__, __LINE__, "pybuffer_verify_structure");
}

static void get_item_pointer_follows_the_documentation(void)
{
    char items[2][4];
    char *rows[2] = { items[0], items[1] };
    EXPECT_POINTER(&items[1][2], pybuffer_get_item_pointer(2, items, DIMS(4, 1), NULL, DIMS(1, 2)));
    EXPECT_POINTER(&items[1][2], pybuffer_get_item_pointer(2, rows, DIMS(sizeof *rows, 1), DIMS(0, -1),
                                                           DIMS(1, 2)));
    EXPECT_POINTER(&items[1][3], pybuffer_get_item_pointer(2, rows, DIMS(sizeof *rows, 1), DIMS(1, -1),
                                                           DIMS(1, 2)));
    EXPECT_POINTER(items, pybuffer_get_item_pointer(0, items, NULL, NULL, NULL));
    expect_no_exception(__FILE__, __LINE__, "pybuffer_get_item_pointer");
    EXPECT_POINTER(NULL, pybuffer_get_item_pointer(1, items, NULL, NULL, DIMS(0)));
    expect_exception("SystemError", NULL_ARGUMENT, __FILE__, __LINE__, "strides NULL");
    EXPECT_POINTER(NULL, pybuffer_get_item_pointer(1, items, DIMS(1), NULL, NULL));
    expect_exception("SystemError", NULL_ARGUMENT, __FILE__, __LINE__, "indices NULL");
}

static void get_pointer_checked_refuses_indices_outside_of_the_shape(void)
{
    int items[2][3];
    Py_buffer view = view_of(items, sizeof(int), 2, DIMS(2, 3), DIMS(12, 4));
    EXPECT_POINTER(&items[1][2], pybuffer_get_pointer_checked(&view, DIMS(1, 2)));
    EXPECT_POINTER(&items[0][0], pybuffer_get_pointer_checked(&view, DIMS(0, 0)));
    view.strides = NULL;
    EXPECT_POINTER(&items[1][2], pybuffer_get_pointer_checked(&view, DIMS(1, 2)));
    expect_no_exception(__FILE__, __LINE__, "pybuffer_get_pointer_checked");
    EXPECT_POINTER(NULL, pybuffer_get_pointer_checked(&view, DIMS(1, 3)));
    expect_exception("IndexError",
                     "index 3 is out of bounds for dimension 1 of Py_buffer.shape (2, 3): it must be "
                     "from 0 to below 3",
                     __FILE__, __LINE__, "too large");
    EXPECT_POINTER(NULL, pybuffer_get_pointer_checked(&view, DIMS(-1, 0)));
    expect_exception_naming("IndexError", (const char *[]){ "-1", "dimension 0", NULL }, __FILE__,
                            __LINE__, "negative");
    view.shape = NULL;
    EXPECT_POINTER(NULL, pybuffer_get_pointer_checked(&view, DIMS(1, 1)));
    expect_exception("ValueError", "Py_buffer.shape is NULL, but Py_buffer.ndim is 2", __FILE__,
                     __LINE__, "no shape");
    Py_buffer bytes = view_of_bytes(items, sizeof items);
    EXPECT_POINTER((char *)items + 23, pybuffer_get_pointer_checked(&bytes, DIMS(23)));
    EXPECT_POINTER(NULL, pybuffer_get_pointer_checked(&bytes, DIMS(24)));
    EXPECT_STRING("IndexError", take_exception().type);
    bytes.itemsize = 0;
    EXPECT_POINTER(NULL, pybuffer_get_pointer_checked(&bytes, DIMS(0)));
    EXPECT_STRING("IndexError", take_exception().type);
    Py_buffer scalar = view_of(items, sizeof(int), 0, NULL, NULL);
    EXPECT_POINTER(items, pybuffer_get_pointer_checked(&scalar, NULL));
    scalar.ndim = -1;
    EXPECT_POINTER(NULL, pybuffer_get_pointer_checked(&scalar, NULL));
    expect_exception("ValueError", "Py_buffer.ndim is negative", __FILE__, __LINE__, "ndim -1");
    EXPECT_POINTER(NULL, pybuffer_get_pointer_checked(NULL, DIMS(0)));
    expect_exception("SystemError", NULL_ARGUMENT, __FILE__, __LINE__, "view NULL");
    EXPECT_POINTER(NULL, pybuffer_get_pointer_checked(&bytes, NULL));
    expect_exception("SystemError", NULL_ARGUMENT, __FILE__, __LINE__, "indices NULL");
}

static void holders_of_nothing_or_without_an_audit_are_an_error(void)
{
    pybuffer_holder holder;
    PyObject *plain = plain_new();
    /* NULL is any object. */
    EXPECT_INT(-1, pybuffer_holders(NULL, &holder, 1));
    EXPECT_STRING("RuntimeError", take_exception().type);
    EXPECT_ERROR(-1, pybuffer_holders(plain, NULL, 1), "SystemError", NULL_ARGUMENT);
    EXPECT_ERROR(-1, pybuffer_holders(plain, &holder, -1), "SystemError", NULL_ARGUMENT);
    EXPECT_INT(-1, pybuffer_holders(plain, NULL, 0));
    Exception exception = take_exception();
    EXPECT_STRING("RuntimeError", exception.type);
    EXPECT(strstr(exception.text, "PYBUFFER_AUDIT=warn") != NULL);
    Py_DECREF(plain);
}

const Test check_tests[] = {
    TEST(check_exporter_names_the_rule_that_is_broken_and_no_other),
    TEST(check_exporter_without_a_mistake_finds_nothing),
    TEST(check_exporter_finds_nothing_in_arrays),
    TEST(check_exporter_that_refuses_all_is_told_with_what_it_raises),
    TEST(check_exporter_that_meets_some_requests_says_what_it_raises_for_others),
    TEST(check_exporter_may_redirect),
    TEST(check_exporter_of_nothing_is_an_error),
    TEST(check_view_names_the_rule_that_is_broken_and_no_other),
    TEST(check_view_that_is_right_has_no_findings),
    TEST(check_view_of_nothing_is_an_error),
    TEST(report_says_what_is_wrong_and_what_to_do),
    TEST(report_names_requests_and_counts_them_as_people_do),
    TEST(report_is_written_as_snprintf_writes),
    TEST(rule_describe_knows_every_rule),
    TEST(verify_structure_knows_arrays_within_their_block),
    TEST(get_item_pointer_follows_the_documentation),
    TEST(get_pointer_checked_refuses_indices_outside_of_the_shape),
    TEST(holders_of_nothing_or_without_an_audit_are_an_error),
    END_OF_TESTS,
};

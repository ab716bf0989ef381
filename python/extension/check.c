/* What is wrong with an exporter. */

#include "extension.h"

/* A report's text for people. */
static PyObject *text_of_report(const pybuffer_report *report)
{
    size_t length = pybuffer_report_format(report, NULL, 0);
    char *text = PyMem_Malloc(length + 1);
    if (text == NULL)
        return PyErr_NoMemory();
    pybuffer_report_format(report, text, length + 1);
    PyObject *decoded = PyUnicode_DecodeUTF8(text, (Py_ssize_t)length, "replace");
    PyMem_Free(text);
    return decoded;
}

/* A finding in the order of libpybuffer.Finding, but where that has the words for severity and request there is a
   number, and the text of a report of this finding alone, whose second line begins "MUST 3 len: REQUEST: ". */
static PyObject *finding_of(const pybuffer_report *report, int i)
{
    pybuffer_report alone = *report;
    alone.raised[0] = '\0';
    alone.n_findings = 1;
    alone.findings[0] = report->findings[i];
    const pybuffer_finding *finding = &alone.findings[0];
    const pybuffer_rule *rule = &finding->rule;
    return Py_BuildValue("(isiNsisssssi)", rule->id, rule->name, rule->severity, text_of_report(&alone),
                         finding->field, finding->axis, finding->found, finding->expected, rule->fix,
                         rule->sentence, rule->source, finding->n_requests);
}

static PyObject *findings_of(const pybuffer_report *report)
{
    PyObject *list = PyList_New(0);
    for (int i = 0; list != NULL && i < report->n_findings; i++) {
        PyObject *finding = finding_of(report, i);
        if (finding == NULL || PyList_Append(list, finding) < 0)
            Py_CLEAR(list);
        Py_XDECREF(finding);
    }
    return list;
}

/* What a Report is made of. */
static PyObject *values_of(const pybuffer_report *report)
{
    PyObject *exporter = PyUnicode_DecodeUTF8(report->exporter, (Py_ssize_t)strlen(report->exporter), "replace");
    PyObject *raised = PyUnicode_DecodeUTF8(report->raised, (Py_ssize_t)strlen(report->raised), "replace");
    return Py_BuildValue("(NiiiiiiNNN)", exporter, report->n_requests, report->n_granted, report->n_violations,
                         report->n_dropped, report->has_references, report->is_python, raised, findings_of(report),
                         text_of_report(report));
}

PyObject *check(PyObject *Py_UNUSED(module), PyObject *object)
{
    pybuffer_report report;
    return pybuffer_check_exporter(object, &report) < 0 ? NULL : values_of(&report);
}

/* ---- by several threads. A report is handed from call to call as bytes. */

/* The report in bytes of check_alone() or check_among_threads(); NULL with an exception if they are not. */
static pybuffer_report *report_in(PyObject *bytes)
{
    if (!PyBytes_Check(bytes) || PyBytes_Size(bytes) != sizeof(pybuffer_report)) {
        PyErr_SetString(PyExc_TypeError, "this is no report in bytes");
        return NULL;
    }
    return (pybuffer_report *)PyBytes_AsString(bytes);
}

PyObject *check_alone(PyObject *Py_UNUSED(module), PyObject *object)
{
    pybuffer_report report;
    if (pybuffer_check_exporter(object, &report) < 0)
        return NULL;
    return PyBytes_FromStringAndSize((char *)&report, sizeof report);
}

PyObject *check_among_threads(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *object, *alone;
    pybuffer_report *known, report;
    int n_rounds;
    if (!PyArg_ParseTuple(args, "OOi", &object, &alone, &n_rounds) || (known = report_in(alone)) == NULL)
        return NULL;
    if (pybuffer_check_among_threads(object, n_rounds, known, &report) < 0)
        return NULL;
    if (report.n_findings == 0)
        return none();
    return PyBytes_FromStringAndSize((char *)&report, sizeof report);
}

/* Adds a finding, unless there is one of the same rule and field, or no room. */
static void add(pybuffer_report *report, const pybuffer_finding *finding)
{
    for (int i = 0; i < report->n_findings; i++)
        if (report->findings[i].rule.id == finding->rule.id && report->findings[i].axis == finding->axis &&
            strcmp(report->findings[i].field, finding->field) == 0)
            return;
    if (report->n_findings == PYBUFFER_REPORT_FINDINGS) {
        report->n_dropped++;
        return;
    }
    report->findings[report->n_findings++] = *finding;
    report->n_violations += finding->rule.severity == PYBUFFER_MUST;
}

/* The rule `threads`, and its advice for Python code. */
#define THREADS 32
#define FIX "Take a lock in __buffer__ and __release_buffer__ around what they share: several threads may run them at once."

/* Adds what was found of counts to a report: pairs of texts, what is there and what should be. */
static int add_counts(pybuffer_report *report, PyObject *counts)
{
    for (Py_ssize_t i = 0; i < PyTuple_Size(counts); i++) {
        const char *field, *found, *expected;
        pybuffer_finding finding = { .flags = PyBUF_FULL_RO, .last_flags = PyBUF_FULL_RO, .n_requests = 1, .axis = -1 };
        if (!PyArg_ParseTuple(PyTuple_GetItem(counts, i), "sss", &field, &found, &expected))
            return -1;
        pybuffer_rule_describe(THREADS, &finding.rule);
        if (report->is_python)
            finding.rule.fix = FIX;
        finding.field = strcmp(field, "references") == 0 ? "references" : "exports";
        PyOS_snprintf(finding.found, sizeof finding.found, "%s", found);
        PyOS_snprintf(finding.expected, sizeof finding.expected, "%s", expected);
        add(report, &finding);
    }
    return 0;
}

PyObject *join_reports(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *alone, *others, *counts;
    pybuffer_report *known;
    if (!PyArg_ParseTuple(args, "OO!O!", &alone, &PyTuple_Type, &others, &PyTuple_Type, &counts) ||
        (known = report_in(alone)) == NULL)
        return NULL;
    pybuffer_report joined = *known;
    for (Py_ssize_t i = 0; i < PyTuple_Size(others); i++) {
        const pybuffer_report *other = report_in(PyTuple_GetItem(others, i));
        if (other == NULL)
            return NULL;
        for (int k = 0; k < other->n_findings; k++)
            add(&joined, &other->findings[k]);
    }
    return add_counts(&joined, counts) < 0 ? NULL : values_of(&joined);
}

PyObject *is_exporter(PyObject *Py_UNUSED(module), PyObject *object)
{
    return PyBool_FromLong(PyObject_CheckBuffer(object));
}

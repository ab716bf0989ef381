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

PyObject *check(PyObject *Py_UNUSED(module), PyObject *object)
{
    pybuffer_report report;
    if (pybuffer_check_exporter(object, &report) < 0)
        return NULL;
    PyObject *exporter = PyUnicode_DecodeUTF8(report.exporter, (Py_ssize_t)strlen(report.exporter), "replace");
    PyObject *raised = PyUnicode_DecodeUTF8(report.raised, (Py_ssize_t)strlen(report.raised), "replace");
    return Py_BuildValue("(NiiiiiiNNN)", exporter, report.n_requests, report.n_granted, report.n_violations,
                         report.n_dropped, report.has_references, report.is_python, raised, findings_of(&report),
                         text_of_report(&report));
}

PyObject *is_exporter(PyObject *Py_UNUSED(module), PyObject *object)
{
    return PyBool_FromLong(PyObject_CheckBuffer(object));
}

/* What is wrong with an exporter. */

#include "extension.h"

/* A finding in the order of libpybuffer.Finding, but with numbers where that has words. */
static PyObject *finding_of(const pybuffer_finding *finding)
{
    const pybuffer_rule *rule = &finding->rule;
    return Py_BuildValue("(isiisisssssi)", rule->id, rule->name, rule->severity, finding->flags, finding->field,
                         finding->axis, finding->found, finding->expected, rule->fix, rule->sentence, rule->source,
                         finding->n_requests);
}

static PyObject *findings_of(const pybuffer_report *report)
{
    PyObject *list = PyList_New(0);
    for (int i = 0; list != NULL && i < report->n_findings; i++) {
        PyObject *finding = finding_of(&report->findings[i]);
        if (finding == NULL || PyList_Append(list, finding) < 0)
            Py_CLEAR(list);
        Py_XDECREF(finding);
    }
    return list;
}

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

PyObject *check(PyObject *Py_UNUSED(module), PyObject *object)
{
    pybuffer_report report;
    if (pybuffer_check_exporter(object, &report) < 0)
        return NULL;
    PyObject *exporter = PyUnicode_DecodeUTF8(report.exporter, (Py_ssize_t)strlen(report.exporter), "replace");
    return Py_BuildValue("(NiiiiiNN)", exporter, report.n_requests, report.n_granted, report.n_violations,
                         report.n_dropped, report.has_references, findings_of(&report), text_of_report(&report));
}

"""What is wrong with an exporter."""

import collections
import html
import operator
from typing import NamedTuple

from . import _libpybuffer

#: The last reports that were asked for their truth and are false: the pytest plugin shows them.
false_reports = collections.deque(maxlen=8)


class Finding(NamedTuple):
    """A rule that an exporter breaks.

    rule        its number, the same in every version
    name        a word for it
    severity    'MUST' or 'advice'
    request     the first request in which it was seen, as 'PyBUF_FULL_RO'
    field       the member of Py_buffer that is wrong, or what else is
    axis        the dimension, or the byte of the format; or -1
    found       what is there
    expected    what should be
    fix         what to do
    sentence    what the rule asks
    source      where the documentation of CPython says so
    n_requests  in how many requests it was seen
    """

    rule: int
    name: str
    severity: str
    request: str
    field: str
    axis: int
    found: str
    expected: str
    fix: str
    sentence: str
    source: str
    n_requests: int


class Report:
    """What `check` found. It is true if no MUST is broken; str() is for people, to_dict() for tools.

    findings        each rule that is broken, a Finding
    exporter        the name of the exporter's type
    n_requests      how many requests were judged
    n_granted       how many of them were met
    n_violations    how many findings break a MUST
    n_dropped       how many findings there was no room for
    has_references  whether references could be counted
    is_python       whether the exporter is of a Python class with __buffer__
    raised          if no request was met: what the first one raised, class and text
    note            of a check by threads: how many, how long, and what they could not show
    """

    def __init__(self, exporter, n_requests, n_granted, n_violations, n_dropped, has_references, is_python, raised,
                 findings, text, note=""):
        self.exporter = exporter
        self.n_requests = n_requests
        self.n_granted = n_granted
        self.n_violations = n_violations
        self.n_dropped = n_dropped
        self.has_references = bool(has_references)
        self.is_python = bool(is_python)
        self.raised = raised
        self.findings = tuple(findings)
        self.note = note
        self._text = text.rstrip() + ("\n({})".format(note) if note else "")

    def __bool__(self):
        if self.n_violations:
            false_reports.append(self)
        return self.n_violations == 0

    def __str__(self):
        return self._text

    def __repr__(self):
        return "<libpybuffer.Report of {}: {} MUST broken, {} advice>".format(
            self.exporter, self.n_violations, len(self.findings) - self.n_violations)

    def to_dict(self):
        """All that it says, as json.dumps takes it."""
        return {
            "exporter": self.exporter, "ok": self.n_violations == 0, "n_requests": self.n_requests,
            "n_granted": self.n_granted, "n_violations": self.n_violations, "n_dropped": self.n_dropped,
            "has_references": self.has_references, "is_python": self.is_python, "raised": self.raised,
            "note": self.note,
            "findings": [finding._asdict() for finding in self.findings],
        }

    def _repr_html_(self):
        names = "rule", "severity", "request", "field", "found", "expected", "fix"
        head = "".join("<th>{}</th>".format(name) for name in names)
        rows = "".join(
            "<tr>{}</tr>".format("".join("<td>{}</td>".format(html.escape(str(getattr(finding, name))))
                                         for name in names))
            for finding in self.findings)
        table = "<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>".format(head, rows) if rows else ""
        return "<p>{}</p>{}".format(html.escape(self._text.split("\n", 1)[0]), table)


def check(obj, threads=1, *, seconds=2.0, probe=None):
    """Sends an exporter every request of the buffer protocol, and judges the answers: a Report.

    >>> import ctypes, libpybuffer
    >>> bool(libpybuffer.check(bytearray(b'sound')))
    True
    >>> report = libpybuffer.check((ctypes.c_int * 3)())
    >>> bool(report)
    False
    >>> sorted(finding.field for finding in report.findings)
    ['format', 'shape', 'strides']
    >>> print(report)  # doctest: +ELLIPSIS
    c_int_Array_3: 38 of 38 requests met; rules broken: 3 MUST, 0 advice
    ...

    With `threads`, so many threads then use the exporter at once for some seconds. What they find wrong, and the exporter
    alone does not do, breaks the rule `threads`: fields that change, refusals, a count of references or of exports that is
    not as before. Whether the exporter still counts views is seen by `probe`, a function without arguments that
    raises BufferError while any are outstanding, such as one that resizes it; for bytearray, array.array and memoryview
    there is one. The report's `note` tells what could not be seen, as in a python with a GIL.

    TypeError if obj is no exporter. docs/rules.md of the project lists the rules.
    """
    threads, note = operator.index(threads), ""
    if threads < 1 or not seconds > 0:
        raise ValueError("threads and seconds must be greater than 0")
    if threads == 1:
        values = _libpybuffer.check(obj)
    else:
        from . import _threads
        values, note = _threads.check(obj, threads, seconds, probe)
    *numbers, findings, text = values
    return Report(*numbers, (_finding(*values) for values in findings), text, note)


def _finding(rule, name, severity, text, *rest):
    # "MUST 14 strides: PyBUF_FULL_RO: strides: found ..."
    request = text.split("\n")[1].split(": ")[1]
    return Finding(rule, name, "MUST" if severity else "advice", request, *rest)

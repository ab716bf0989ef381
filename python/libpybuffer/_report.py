"""What is wrong with an exporter."""

import collections
import html
from typing import NamedTuple

from . import _libpybuffer

#: The last reports that were asked for their truth and are false: the pytest plugin shows them.
false_reports = collections.deque(maxlen=8)


class Finding(NamedTuple):
    """A rule that an exporter breaks."""

    rule: int            #: its number, in every version
    name: str            #: a word for it
    severity: str        #: "MUST" or "advice"
    request: str         #: the first request in which it was seen, "PyBUF_FULL_RO"
    field: str           #: the member of Py_buffer that is wrong, or what else is
    axis: int            #: the dimension, or the byte of the format; or -1
    found: str           #: what is there
    expected: str        #: what should be
    fix: str             #: what to do
    sentence: str        #: what the rule asks
    source: str          #: where the documentation says so
    n_requests: int      #: in how many requests it was seen


class Report:
    """What `check` found. True when no MUST is broken; str() is for people, to_dict() for tools."""

    def __init__(self, exporter, n_requests, n_granted, n_violations, n_dropped, has_references, is_python, raised,
                 findings, text):
        self.exporter = exporter              #: the name of the exporter's type
        self.n_requests = n_requests          #: how many requests were judged
        self.n_granted = n_granted            #: how many of them were met
        self.n_violations = n_violations      #: how many findings break a MUST
        self.n_dropped = n_dropped            #: findings for which there was no room
        self.has_references = bool(has_references)  #: whether references could be counted
        self.is_python = bool(is_python)      #: whether the exporter is of a Python class with __buffer__
        self.raised = raised                  #: if no request was met: what the first one raised, class and text
        self.findings = tuple(findings)       #: each rule that is broken, a Finding
        self._text = text.rstrip()

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


def check(obj):
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

    TypeError if obj is no exporter. docs/rules.md of the project lists the rules.
    """
    *numbers, findings, text = _libpybuffer.check(obj)
    return Report(*numbers, (_finding(*values) for values in findings), text)


def _finding(rule, name, severity, text, *rest):
    # "MUST 14 strides: PyBUF_FULL_RO: strides: found ..."
    request = text.split("\n")[1].split(": ")[1]
    return Finding(rule, name, "MUST" if severity else "advice", request, *rest)

"""Calls the checker of exporters by ctypes, in the library that PYBUFFER_LIBRARY names."""

import ctypes
import os


class Rule(ctypes.Structure):
    """pybuffer_rule of libpybuffer.h."""

    _fields_ = [("id", ctypes.c_int), ("severity", ctypes.c_int), ("name", ctypes.c_char_p),
                ("sentence", ctypes.c_char_p), ("source", ctypes.c_char_p), ("fix", ctypes.c_char_p)]


class Finding(ctypes.Structure):
    """pybuffer_finding."""

    _fields_ = [("rule", Rule), ("flags", ctypes.c_int), ("n_requests", ctypes.c_int),
                ("field", ctypes.c_char_p), ("axis", ctypes.c_int), ("last_flags", ctypes.c_int),
                ("found", ctypes.c_char * 60), ("expected", ctypes.c_char * 64)]


class Report(ctypes.Structure):
    """pybuffer_report."""

    _fields_ = [("exporter", ctypes.c_char * 96), ("n_requests", ctypes.c_int),
                ("n_granted", ctypes.c_int), ("n_findings", ctypes.c_int),
                ("n_violations", ctypes.c_int), ("n_dropped", ctypes.c_int),
                ("has_references", ctypes.c_int), ("is_python", ctypes.c_int),
                ("raised", ctypes.c_char * 252), ("reserved", ctypes.c_ssize_t * 4),
                ("findings", Finding * 32)]


def load():
    """Loads the library; the GIL is held during its calls."""
    library = ctypes.PyDLL(os.environ["PYBUFFER_LIBRARY"])
    library.pybuffer_check_exporter.argtypes = [ctypes.py_object, ctypes.POINTER(Report)]
    library.pybuffer_report_format.argtypes = [ctypes.POINTER(Report), ctypes.c_char_p, ctypes.c_size_t]
    library.pybuffer_report_format.restype = ctypes.c_size_t
    return library


def check(library, exporter):
    """The report on an exporter; TypeError if the object is none."""
    report = Report()
    library.pybuffer_check_exporter(exporter, report)  # a PyDLL raises the pending exception
    return report


def text_of(library, report):
    """The text of a report."""
    size = library.pybuffer_report_format(report, None, 0) + 1
    text = ctypes.create_string_buffer(size)
    library.pybuffer_report_format(report, text, size)
    return text.value.decode()

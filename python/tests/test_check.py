"""check: the exporters that every CPython brings along keep the contract, but for those of ctypes."""

import array
import ctypes
import io
import json
import mmap
import os
import pickle
import random
import sys

import pytest

import libpybuffer

counts_references = getattr(sys, "_is_gil_enabled", lambda: True)()


def rules_broken(exporter, severity="MUST"):
    """The names of the rules that it breaks; no reference is left or taken."""
    before = sys.getrefcount(exporter)
    report = libpybuffer.check(exporter)
    assert sys.getrefcount(exporter) == before, exporter
    assert report.n_dropped == 0
    return {finding.name for finding in report.findings if finding.severity == severity}, report


def sound_exporters():
    yield from (b"", b"abc", bytearray(), bytearray(b"abcdef"), io.BytesIO(b"abc").getbuffer())
    for code in array.typecodes:
        yield from (array.array(code), array.array(code, "ab" if code in "uw" else [1, 2, 3]))
    data = bytearray(range(96))
    view = memoryview(data)
    yield from (view, view[::2], view[::-1], view[5:5], view.toreadonly())
    for code in "bBhHiIlLqQnNfd?cP":
        yield view.cast(code)
        yield view[:8].cast(code, [8 // memoryview(bytes(8)).cast(code).itemsize])
    for shape in ([4, 6], [2, 3, 4], [1, 24], [1, 1, 24]):
        yield view.cast("B", [24 * 4]).cast("i", shape)
    yield view[:4].cast("i", [])
    yield view.cast("i", [4, 6])[::2]
    yield view.cast("i", [4, 6])[:0]
    yield memoryview(b"abc")
    yield mmap.mmap(-1, 100)
    yield pickle.PickleBuffer(data)
    yield pickle.PickleBuffer(view[::3])
    if sys.version_info >= (3, 12):
        class Wrapper:
            """An exporter written in Python."""

            def __buffer__(self, flags):
                return memoryview(data)

        yield Wrapper()
    try:
        from _testbuffer import ND_FORTRAN, ND_PIL, ND_WRITABLE, ndarray
    except ImportError:
        return
    for flags in 0, ND_WRITABLE, ND_FORTRAN, ND_PIL, ND_PIL | ND_WRITABLE:
        yield ndarray(list(range(12)), shape=[3, 4], format="i", flags=flags)
    yield ndarray(5, shape=[], format="d")
    yield ndarray(list(range(12)), shape=[3, 4], format="i")[::2, ::-1]
    yield ndarray([(1, 2)] * 3, shape=[3], format="hb")


@pytest.mark.filterwarnings("ignore:The 'u' type code")
def test_sound_exporters_break_no_rule():
    for exporter in sound_exporters():
        broken, report = rules_broken(exporter)
        assert not broken and report, report
        assert report.n_requests == 38 and report.n_granted > 0, exporter
        # bytes of a length below 2 live for ever from 3.12 on, and classes' instances may not be counted.
        assert report.has_references or isinstance(exporter, bytes) or not counts_references, exporter


def random_arrays():
    """Slices of CPython's test exporter, through memoryviews and by themselves: all flags, all strides."""
    try:
        import _testbuffer as t
    except ImportError:
        return
    rng = random.Random(3118)
    kinds = [0, t.ND_WRITABLE, t.ND_FORTRAN, t.ND_PIL, t.ND_PIL | t.ND_WRITABLE, t.ND_REDIRECT, t.ND_GETBUF_FAIL]
    for _ in range(600):
        shape = [rng.choice([0, 1, 2, 3, 5]) for _ in range(rng.randrange(1, 4))]
        kind, format = rng.choice(kinds), rng.choice(["B", "i", "<q", "3s"])
        n_items = max(1, shape[0] * (shape[1:] + [1])[0] * (shape[2:] + [1])[0])
        item = b"abc" if format == "3s" else 1
        exporter = t.ndarray([item] * n_items, shape=shape, format=format, flags=kind)
        if kind != t.ND_GETBUF_FAIL and rng.random() < 0.5:
            exporter = exporter[tuple(slice(None, None, rng.choice([1, 2, -1, -2])) for _ in shape)]
        can_view = kind not in (t.ND_GETBUF_FAIL, t.ND_REDIRECT)
        yield memoryview(exporter) if can_view and rng.random() < 0.5 else exporter


def test_random_arrays_break_no_rule_and_no_advice():
    for exporter in random_arrays():
        broken, report = rules_broken(exporter)
        advice, _ = rules_broken(exporter, severity="advice")
        expected = set() if report.n_granted else {"nothing-met"}  # ND_GETBUF_FAIL
        assert broken == expected and not advice, report


def test_no_view_is_held_after_a_check():
    growing = bytearray(b"abc")
    rules_broken(growing)
    growing.append(1)  # a BufferError if a view were still held


def test_released_memoryview_refuses_everything():
    released = memoryview(b"abc")
    released.release()
    broken, report = rules_broken(released)
    assert broken == {"nothing-met"} and report.n_granted == 0
    assert report.raised == "ValueError: operation forbidden on released memoryview object" and not report


@pytest.mark.parametrize("exporter, expected", [
    ((ctypes.c_int * 3)(), {"strides", "shape", "format"}),
    (ctypes.create_string_buffer(4), {"strides", "shape", "format"}),
    (ctypes.c_double(), {"format"}),
])
def test_exporters_of_ctypes_break_three(exporter, expected):
    broken, report = rules_broken(exporter)
    assert broken == expected, report
    assert not report


def test_report_reads_well_and_is_data():
    report = libpybuffer.check((ctypes.c_int * 3)())
    lines = str(report).splitlines()
    assert lines[0] == "c_int_Array_3: 38 of 38 requests met; rules broken: 3 MUST, 0 advice"
    assert lines[1].startswith("MUST 14 strides: PyBUF_FULL_RO: strides: found NULL, expected an array of")
    assert repr(report) == "<libpybuffer.Report of c_int_Array_3: 3 MUST broken, 0 advice>"
    first = report.findings[0]
    assert (first.rule, first.name, first.severity, first.field, first.found) == (14, "strides", "MUST", "strides", "NULL")
    assert first.request == "PyBUF_FULL_RO" and first.fix.startswith("Set view->strides")
    told = json.loads(json.dumps(report.to_dict()))
    assert (told["exporter"], told["ok"], told["n_violations"]) == ("c_int_Array_3", False, 3)
    assert told["findings"][0]["expected"] == first.expected
    html = report._repr_html_()
    assert html.count("<tr>") == 4 and "PyBUF_FULL_RO" in html
    assert libpybuffer.check(array.array("i"))._repr_html_().count("<tr>") == 0


def test_findings_are_those_of_the_text():
    for exporter in (ctypes.c_int * 3)(), ctypes.c_double(), memoryview(b"ab"):
        report = libpybuffer.check(exporter)
        heads = [line for line in str(report).splitlines() if line.startswith(("MUST", "advice"))]
        expected = ["{0.severity} {0.rule} {0.name}: {0.request}: {0.field}".format(f) for f in report.findings]
        assert sorted(":".join(head.split(":")[:3]) for head in heads) == sorted(expected)


def verify_structure(memlen, itemsize, ndim, shape, strides, offset):
    """As the documentation of the buffer protocol defines it, in other words; itemsize 0 is false."""
    if itemsize == 0 or offset % itemsize or offset < 0 or offset + itemsize > memlen:
        return False
    if any(stride % itemsize for stride in strides):
        return False
    if ndim <= 0:
        return ndim == 0 and not shape and not strides
    if 0 in shape:
        return True
    reach = [stride * (n - 1) for stride, n in zip(strides, shape)]
    low = sum(r for r, stride in zip(reach, strides) if stride <= 0)
    high = sum(r for r, stride in zip(reach, strides) if stride > 0)
    return 0 <= offset + low and offset + high + itemsize <= memlen


def test_verify_structure_is_that_of_the_documentation():
    """Of the shared library in the package, called by ctypes."""
    ssize_t = ctypes.c_ssize_t
    library = ctypes.PyDLL(os.path.join(libpybuffer.get_library_dir(), "libpybuffer.so"))
    library.pybuffer_verify_structure.argtypes = [ssize_t, ssize_t, ctypes.c_int, ctypes.c_void_p,
                                                  ctypes.c_void_p, ssize_t]
    most = sys.maxsize
    rng = random.Random(3118)
    numbers = [0, 1, 2, 3, 4, 6, 8, 12, 24, -1, -2, -4, -8, -12, most, -most - 1, most // 2, most - 3]

    def pick():
        return rng.choice(numbers if rng.random() < 0.3 else numbers[:13])

    n_valid = 0
    for _ in range(20000):
        ndim = rng.randrange(0, 5)
        shape, strides = [pick() for _ in range(ndim)], [pick() for _ in range(ndim)]
        memlen, itemsize, offset = pick() * rng.choice([1, 4]), pick(), pick()
        memlen = max(-most - 1, min(most, memlen))
        arrays = [(ssize_t * ndim)(*numbers_) if ndim else None for numbers_ in (shape, strides)]
        found = library.pybuffer_verify_structure(memlen, itemsize, ndim, *arrays, offset)
        expected = verify_structure(memlen, itemsize, ndim, shape, strides, offset)
        assert found == expected, (memlen, itemsize, ndim, shape, strides, offset)
        n_valid += expected
    assert n_valid > 1000, n_valid

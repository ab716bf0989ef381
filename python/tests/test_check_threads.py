"""check(obj, threads=8): who counts his views by operations that are not atomic is found, and nobody else."""

import array
import ctypes
import sys
import threading

import pytest

import libpybuffer
from exporters import writable

has_gil = getattr(sys, "_is_gil_enabled", lambda: True)()


@pytest.fixture
def counting():
    """The extension of csrc/extensions/counting.c, which tests/package.rs builds where there is a Python.h."""
    return pytest.importorskip("counting", reason="the exporters in C were not built")


def threads_found(report):
    return [finding for finding in report.findings if finding.name == "threads"]


@pytest.mark.parametrize("make", [make for _, make in writable()], ids=[name for name, _ in writable()])
def test_sound_exporters_stay_sound(make):
    exporter = make()
    if not has_gil and isinstance(exporter, (array.array, memoryview)):
        pytest.skip("CPython's own counts are not atomic there")
    before, references = libpybuffer.check(exporter), sys.getrefcount(exporter)
    interval = sys.getswitchinterval()
    report = libpybuffer.check(exporter, threads=8, seconds=0.2)
    assert not threads_found(report), report
    assert report.findings == before.findings and report.n_requests == before.n_requests
    assert sys.getrefcount(exporter) == references and sys.getswitchinterval() == interval
    assert threading.active_count() == 1
    assert report.note.startswith("checked by 8 threads for 0.2 s")
    assert ("GIL" in report.note) == has_gil and report.note in str(report) and report.to_dict()["note"] == report.note


def test_bytearray_is_as_it_was_and_may_be_locked():
    data = bytearray(b"abc")
    with memoryview(data):
        assert libpybuffer.check(data, threads=2, seconds=0.1)
    assert libpybuffer.check(data, threads=2, seconds=0.1) and data == b"abc"
    data.append(1)


def test_an_atomic_count_in_c_is_never_found(counting):
    for _ in range(5):
        exporter = counting.atomic()
        assert libpybuffer.check(exporter, threads=8, seconds=0.5)
        assert counting.exports(exporter) == 0


def test_a_racy_count_in_c_is_found_in_nine_runs_of_ten(counting):
    if has_gil:
        report = libpybuffer.check(counting.racy(), threads=8, seconds=0.2)
        assert report and "has a GIL" in report.note
        return
    reports = [libpybuffer.check(counting.racy(), threads=8) for _ in range(10)]
    found = [report for report in reports if not report]
    assert len(found) >= 9, reports
    assert {finding.field for report in found for finding in report.findings} <= {"exception", "exports"}
    assert "MUST 32 threads: " in str(found[0])


@pytest.mark.skipif(sys.version_info < (3, 12), reason="classes have no __buffer__ yet")
def test_a_racy_count_in_python_is_found_with_a_gil_too():
    class Racy:
        def __init__(self):
            self.n, self.data = 0, bytearray(8)

        def __buffer__(self, flags):
            n = self.n
            view = memoryview(self.data)
            self.n = n + 1
            return view

        def __release_buffer__(self, view):
            self.n -= 1
            view.release()

        def resize(self):
            if self.n:
                raise BufferError("{} views".format(self.n))

    exporter = Racy()
    report = libpybuffer.check(exporter, threads=8, seconds=1, probe=exporter.resize)
    found = [finding for finding in threads_found(report) if finding.field == "exports"]
    assert len(found) == 1 and found[0].found.startswith("BufferError: ") and found[0].found.endswith("views")
    assert not report and "__release_buffer__" in found[0].fix


def test_what_threads_cannot_check_is_told():
    released = memoryview(b"")
    released.release()
    report = libpybuffer.check(released, threads=8, seconds=0.1)
    assert "nothing-met" in {finding.name for finding in report.findings} and not threads_found(report)
    assert report.note == "not checked by threads: it meets no request"
    broken = libpybuffer.check((ctypes.c_int * 3)(), threads=2, seconds=0.1)
    assert {finding.name for finding in broken.findings} == {"strides", "shape", "format"}


@pytest.mark.parametrize("arguments, error", [
    (dict(threads=0), ValueError), (dict(threads=-1), ValueError), (dict(threads=2, seconds=0), ValueError),
    (dict(threads=2.5), TypeError), (dict(threads="2"), TypeError),
])
def test_wrong_arguments(arguments, error):
    with pytest.raises(error):
        libpybuffer.check(b"", **arguments)
    with pytest.raises(TypeError, match="bytes-like"):
        libpybuffer.check(1, threads=2)

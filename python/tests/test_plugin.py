"""The plugin for pytest, in runs of pytest of its own."""

import gc
import os
import subprocess
import sys
import threading
import time

import pytest

from libpybuffer._asked import MANAGED_BUFFER
from libpybuffer._outstanding import Outstanding


TESTS = """
import ctypes
import libpybuffer

broken = (ctypes.c_int * 3)()

def test_assertion():
    assert libpybuffer.check(broken)

def test_assertion_with_a_text():
    report = libpybuffer.check(broken)
    assert not report
    assert libpybuffer.check(b"") and report, "see %r" % report

def test_other_assertion():
    assert not libpybuffer.check(broken)
    assert 1 == 2

def test_fixture(check_exporter):
    check_exporter(broken)

def test_sound(check_exporter):
    assert check_exporter(b"abc").n_requests == 38
    assert libpybuffer.check(b"abc")
"""


def test_report_is_shown_where_an_assertion_fails(tmp_path):
    (tmp_path / "test_it.py").write_text(TESTS)
    told = subprocess.run([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--tb=short", "test_it.py"],
                          cwd=str(tmp_path), stdout=subprocess.PIPE, universal_newlines=True,
                          env=dict(os.environ, PYTEST_ADDOPTS=""))
    text = told.stdout
    assert "4 failed, 1 passed" in text, text
    parts = text.split("\n____")
    shown = {name: part for name in ("assertion", "assertion_with_a_text", "other_assertion", "fixture")
             for part in parts if " test_{} ".format(name) in part.partition("\n")[0]}
    rule = "MUST 14 strides: PyBUF_FULL_RO: strides: found NULL, expected an array of ndim numbers"
    assert "E   assert <libpybuffer.Report of c_int_Array_3: 3 MUST broken, 0 advice>" in shown["assertion"]
    assert "E   " + rule in shown["assertion"]
    assert shown["assertion_with_a_text"].count("E   " + rule) == 1
    assert rule not in shown["other_assertion"]
    assert "E   Failed: c_int_Array_3: 38 of 38 requests met" in shown["fixture"] and rule in shown["fixture"]
    assert "pytest_libpybuffer.py" not in shown["fixture"]


def test_nothing_is_imported_before_a_test_asks_for_it(tmp_path):
    (tmp_path / "test_it.py").write_text("""
import sys

def test_modules(pytestconfig):
    assert pytestconfig.pluginmanager.hasplugin("libpybuffer")
    assert not {"libpybuffer", "numpy"} & set(sys.modules)
""")
    told = subprocess.run([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "test_it.py"], cwd=str(tmp_path),
                          stdout=subprocess.PIPE, universal_newlines=True, env=dict(os.environ, PYTEST_ADDOPTS=""))
    assert "1 passed" in told.stdout, told.stdout


AUDITED = """
import ctypes
import pytest

kept = []

@pytest.fixture(scope="module")
def shared():
    view = memoryview(bytearray(100))
    yield view
    view.release()

@pytest.fixture
def own():
    view = memoryview(bytearray(50))
    yield view
    view.release()

def test_sound(shared, own):
    with memoryview(bytearray(4)) as view:
        assert view[0] == 0

def test_cycle():
    cycle = [memoryview(bytearray(4))]
    cycle.append(cycle)

def test_held():
    kept.append(memoryview(bytearray(5)))

def test_held_too(own):
    kept.append(memoryview(bytearray(5)))

@pytest.mark.buffer_audit(ignore="array.*:held, bytearray:held")
def test_held_is_ignored():
    kept.append(memoryview(bytearray(5)))

def test_must():
    memoryview((ctypes.c_int * 3)()).release()

def test_must_too():
    memoryview((ctypes.c_int * 3)()).release()

@pytest.mark.buffer_audit(ignore=["c_int_*:14"])
def test_must_is_ignored():
    memoryview((ctypes.c_int * 3)()).release()

@pytest.mark.buffer_audit(ignore="other.*, ctypes.* : strides,")
def test_must_is_ignored_of_a_base():
    memoryview((ctypes.c_int * 3)()).release()

def test_fails_itself():
    view = memoryview(bytearray(8))
    assert not view
"""


def audited(tmp_path, *arguments):
    """The output of a run with --buffer-audit, and whether the interpreter's own calls are heard there."""
    (tmp_path / "test_it.py").write_text(AUDITED)
    names = ("LD_PRELOAD", "LD_AUDIT", "PYBUFFER_AUDIT", "PYBUFFER_AUDIT_LOG", "PYBUFFER_PYTEST")
    environment = {name: value for name, value in os.environ.items() if name not in names}
    told = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short", "--buffer-audit",
                           "test_it.py", *arguments],
                          cwd=str(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
                          env=dict(environment, PYTEST_ADDOPTS=""))
    assert told.returncode == 1 and told.stderr == "", told
    assert not list(tmp_path.glob("*.jsonl"))
    return told.stdout, "buffer audit: o" not in told.stdout and "do not reach libpybuffer" not in told.stdout


@pytest.mark.parametrize("arguments", [[], ["-n2"]], ids=["alone", "xdist"])
def test_each_test_answers_for_its_views(tmp_path, arguments):
    if arguments:
        pytest.importorskip("xdist")
    text, is_heard = audited(tmp_path, *arguments)
    failed = {line.split("::")[1].split(" ")[0] for line in text.splitlines() if line.startswith(("FAILED", "ERROR "))}
    expected = {"test_held", "test_held_too", "test_fails_itself"} | ({"test_must", "test_must_too"} if is_heard else set())
    assert failed == expected, text
    assert "bytearray: held in 2 tests" in text
    assert "memoryview in item 0 of a list in variable 'kept' of module test_it" in text
    if not is_heard:
        assert text.count("buffer audit: the interpreter's own calls do not reach") + text.count("buffer audit: off") == 1
        return
    assert "c_int_Array_3: strides in 2 tests" in text
    at = AUDITED.splitlines().index("    kept.append(memoryview(bytearray(5)))") + 1
    assert "acquired at {}:{} in test_held\n".format(tmp_path / "test_it.py", at) in text
    assert "MUST 14 strides: 'c_int_Array_3' for PyBUF_FULL_RO: strides: found NULL" in text
    assert text.count("_pytest") == 0


def test_memory_without_an_exporter_is_not_held():
    """While a thread waits to read, as pytest-xdist's do, a memoryview of the file's buffer exists."""
    def n_without():
        return sum(type(one) is MANAGED_BUFFER and not gc.get_referents(one) for one in gc.get_objects())

    outstanding, before, end = Outstanding(0), n_without(), time.monotonic() + 10
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as file:
        outstanding.begin()
        thread = threading.Thread(target=file.read, args=(1,))
        thread.start()
        try:
            while n_without() <= before and time.monotonic() < end:
                time.sleep(.001)
            assert n_without() > before
            kept = memoryview(bytearray(4))
            found = outstanding.held()
        finally:
            os.close(writer)
            thread.join()
    assert [one.text.partition("\n")[0] for one in found] == ["HELD: 1 view of 'bytearray'"]
    kept.release()


def test_program_that_runs_pytest_is_not_run_again(tmp_path):
    (tmp_path / "test_it.py").write_text("def test_it():\n    pass\n")
    program = "import pytest, sys; print('begins'); sys.exit(pytest.main(['-q', '-p', 'no:cacheprovider', '--buffer-audit']))"
    told = subprocess.run([sys.executable, "-c", program], cwd=str(tmp_path), stdout=subprocess.PIPE, universal_newlines=True,
                          env=dict(os.environ, PYTEST_ADDOPTS=""))
    assert told.returncode == 0 and told.stdout.count("begins") == 1
    assert "start that by pybuffer-run --audit" in told.stdout, told.stdout

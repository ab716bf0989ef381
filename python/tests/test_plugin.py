"""The plugin for pytest, in runs of pytest of its own."""

import os
import subprocess
import sys

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

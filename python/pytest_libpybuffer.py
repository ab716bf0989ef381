"""The plugin for pytest: the fixture check_exporter, the report where `assert libpybuffer.check(obj)` fails, and
--buffer-audit.

A module of its own, outside the package: pytest imports it at every start, and nothing of libpybuffer is imported before a
test or an option asks for it.
"""

import sys

import pytest


def pytest_addoption(parser):
    parser.getgroup("libpybuffer").addoption(
        "--buffer-audit", action="store_true", dest="buffer_audit",
        help="fail each test that leaves views of buffers outstanding, releases them wrongly, or meets an exporter that breaks "
             "the buffer protocol (pytest is restarted by pybuffer-run)")


def pytest_configure(config):
    config.addinivalue_line("markers", "buffer_audit(ignore): what --buffer-audit leaves out in this test: True, or "
                                       "'TYPE:RULE' with * in TYPE and a rule's name or number, or held; or a list of these.")
    if config.getoption("buffer_audit"):
        from libpybuffer import _pytest_audit
        _pytest_audit.configure(config)


@pytest.fixture
def check_exporter():
    """A function that fails the test with a report if an exporter breaks a rule of the buffer protocol.

    def test_exporter(check_exporter):
        check_exporter(MyArray(3))
    """
    import libpybuffer

    def check_exporter(obj):
        __tracebackhide__ = True
        report = libpybuffer.check(obj)
        if report.n_violations:
            pytest.fail(str(report))
        return report

    return check_exporter


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    """Puts the reports that were false below an assertion that failed."""
    _false_reports().clear()
    outcome = yield
    failure = outcome.excinfo[1] if outcome.excinfo else None
    if isinstance(failure, AssertionError):
        text = str(failure)
        # One whose truth was asked for twice is shown once.
        shown = {str(report): None for report in _false_reports() if repr(report) in text}
        if shown:
            failure.args = ("\n".join([text, *shown]),)


def _false_reports():
    module = sys.modules.get("libpybuffer._report")
    return [] if module is None else module.false_reports

"""The plugin for pytest: the fixture check_exporter, and the report where `assert libpybuffer.check(obj)` fails.

A module of its own, outside the package: pytest imports it at every start, and nothing of libpybuffer is imported before a
test asks for it.
"""

import sys

import pytest


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

"""The tests of the installed package. They see nothing of the repository but this folder."""

import collections
import os
import sys

import pytest

import libpybuffer



def pytest_report_header():
    return "libpybuffer {} in {}".format(libpybuffer.__version__, os.path.dirname(libpybuffer.__file__))


@pytest.fixture
def unchanged():
    """A destination, which a test that fails must leave as it was."""
    memory = bytearray(b"untouched")
    yield memory
    assert memory == b"untouched"

"""Exporters of all kinds, by name: what each of them is made of, and whether it may be written."""

import array
import ctypes
import mmap
import sys

BYTES = bytes(range(24))


def of_class():
    """An exporter written in Python, from 3.12 on."""
    class Exporter:
        def __init__(self):
            self.data = bytearray(BYTES)

        def __buffer__(self, flags):
            return memoryview(self.data)

    return Exporter()


def mapped():
    memory = mmap.mmap(-1, 24)
    memory[:] = BYTES
    return memory


def writable():
    """Functions that make exporters of 24 bytes, 0 to 23 in C order."""
    yield "bytearray", lambda: bytearray(BYTES)
    yield "array", lambda: array.array("H", BYTES)
    yield "mmap", mapped
    yield "ctypes", lambda: (ctypes.c_uint16 * 12).from_buffer_copy(BYTES)
    yield "ctypes, two dimensions", lambda: (ctypes.c_uint8 * 4 * 6).from_buffer_copy(BYTES)
    yield "memoryview", lambda: memoryview(bytearray(BYTES)).cast("i", (2, 3))
    yield "every second", every_second
    yield "backwards", lambda: memoryview(bytearray(BYTES[::-1]))[::-1]
    if sys.version_info >= (3, 12):
        yield "class", of_class
    if has_numpy():
        import numpy
        yield "numpy", lambda: numpy.frombuffer(bytearray(BYTES), "<i4").reshape(2, 3)
        yield "numpy, Fortran", lambda: numpy.asfortranarray(numpy.frombuffer(BYTES, "u1").reshape(4, 6))
        yield "numpy, records", lambda: numpy.frombuffer(bytearray(BYTES), "<i4,<f8")


def every_second():
    memory = bytearray(48)
    memory[::2] = BYTES
    return memoryview(memory)[::2]


def readonly():
    yield "bytes", lambda: BYTES
    yield "memoryview", lambda: memoryview(bytearray(BYTES)).toreadonly()
    if has_numpy():
        import numpy
        yield "numpy", lambda: numpy.frombuffer(BYTES, "u1")


def has_numpy():
    """Whether NumPy is there. The requirements install it for every python that it has a wheel for."""
    try:
        import numpy  # noqa: F401
    except ImportError:
        assert not must_have_numpy(), "python/tests/requirements.txt was not installed"
        return False
    return True


def must_have_numpy():
    import sysconfig
    return not sysconfig.get_config_var("Py_GIL_DISABLED") and sys.version_info < (3, 14)

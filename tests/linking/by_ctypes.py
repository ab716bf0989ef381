"""Calls the functions of a libpybuffer.so (argument 1) by ctypes, as scripts and tests do."""

import ctypes
import os
import sys

library = ctypes.PyDLL(sys.argv[1])


class DlInfo(ctypes.Structure):
    _fields_ = [
        ("fname", ctypes.c_char_p),
        ("fbase", ctypes.c_void_p),
        ("sname", ctypes.c_char_p),
        ("saddr", ctypes.c_void_p),
    ]


def image(function):
    info = DlInfo()
    assert ctypes.CDLL(None).dladdr(ctypes.cast(function, ctypes.c_void_p), ctypes.byref(info))
    return os.path.realpath(os.fsdecode(info.fname))


for name in "PyObject_GetBuffer", "PyBuffer_SizeFromFormat", "PyObject_CopyData":
    assert image(library[name]) == os.path.realpath(sys.argv[1]), image(library[name])

library.PyBuffer_SizeFromFormat.restype = ctypes.c_ssize_t
assert library.PyBuffer_SizeFromFormat(b"@bi") == 8
dest = bytearray(3)
assert library.PyObject_CopyData(ctypes.py_object(dest), ctypes.py_object(b"abc")) == 0
assert dest == b"abc"
# PyDLL checks for a pending exception after the call, and raises it.
try:
    library.PyObject_CopyData(ctypes.py_object(1), ctypes.py_object(b"abc"))
except TypeError as error:
    assert str(error) == "both destination and source must be bytes-like objects", error
else:
    raise AssertionError("the error did not arrive")
library.pybuffer_runtime.restype = ctypes.c_char_p
print(library.pybuffer_runtime().decode())

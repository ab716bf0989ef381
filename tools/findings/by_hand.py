"""The answers that docs/findings.md is about, as libpython's own PyObject_GetBuffer hands them out: no
libpybuffer is loaded here. `make findings` appends them to docs/findings.txt."""

import ctypes

import numpy
import pyarrow


class View(ctypes.Structure):
    """Py_buffer."""

    _fields_ = [("buf", ctypes.c_void_p), ("obj", ctypes.c_void_p), ("len", ctypes.c_ssize_t),
                ("itemsize", ctypes.c_ssize_t), ("readonly", ctypes.c_int), ("ndim", ctypes.c_int),
                ("format", ctypes.c_char_p), ("shape", ctypes.POINTER(ctypes.c_ssize_t)),
                ("strides", ctypes.POINTER(ctypes.c_ssize_t)),
                ("suboffsets", ctypes.POINTER(ctypes.c_ssize_t)), ("internal", ctypes.c_void_p)]


get = ctypes.pythonapi.PyObject_GetBuffer
get.argtypes = [ctypes.py_object, ctypes.POINTER(View), ctypes.c_int]
release = ctypes.pythonapi.PyBuffer_Release
release.argtypes = [ctypes.POINTER(View)]
UNTOUCHED = 0x1230


def shown(view, array):
    return tuple(array[:view.ndim]) if array else "NULL"


def show(name, exporter, request, flags):
    view = View(obj=UNTOUCHED)
    try:
        get(exporter, view, flags)
    except Exception as error:
        obj = {None: "NULL", UNTOUCHED: "untouched"}.get(view.obj, "set")
        print(f"{name}, {request}: {type(error).__name__}: {error}; obj {obj}")
        return
    print(f"{name}, {request}: len {view.len}, itemsize {view.itemsize}, readonly {view.readonly}, "
          f"ndim {view.ndim}, format {(view.format or b'NULL').decode()}, "
          f"shape {shown(view, view.shape)}, strides {shown(view, view.strides)}")
    release(view)


class Bits(ctypes.Structure):
    _fields_ = [("a", ctypes.c_int, 3), ("b", ctypes.c_int, 5)]


class Either(ctypes.Union):
    _fields_ = [("i", ctypes.c_int), ("d", ctypes.c_double)]


resized = (ctypes.c_int * 2)()
ctypes.resize(resized, 11)
plain = numpy.arange(12, dtype="i4").reshape(3, 4)
gaps = numpy.dtype({"names": ["a"], "formats": ["i4"], "offsets": [4], "itemsize": 16})
requests = {"SIMPLE": 0, "WRITABLE": 1, "ND": 8, "STRIDES": 0x18, "C_CONTIGUOUS": 0x38,
            "F_CONTIGUOUS": 0x58, "FULL_RO": 0x11c, "FULL": 0x11d}
print("\n---- the same by libpython's own PyObject_GetBuffer ----\n")
for name, exporter, asked in [
    ("bytes", b"abc", "WRITABLE"),
    ("ctypes c_int", ctypes.c_int(), "SIMPLE"),
    ("ctypes c_int * 3", (ctypes.c_int * 3)(), "SIMPLE ND FULL_RO"),
    ("ctypes (c_int * 3) * 2", (ctypes.c_int * 3 * 2)(), "F_CONTIGUOUS"),
    ("ctypes Structure of bit fields", Bits(), "FULL_RO"),
    ("ctypes Union", Either(), "FULL_RO"),
    ("ctypes c_int * 2, resized to 11 bytes", resized, "FULL_RO"),
    ("numpy i4 (3, 4)", plain, "SIMPLE WRITABLE F_CONTIGUOUS FULL_RO"),
    ("numpy i4, no items", numpy.zeros((0, 3), "i4"), "SIMPLE FULL_RO"),
    ("numpy i4, broadcast", numpy.broadcast_to(plain, (3, 4)), "FULL"),
    ("numpy void scalar", numpy.zeros(1, "u1,i4")[0], "SIMPLE FULL_RO"),
    ("numpy datetime64 scalar", numpy.datetime64("2026-11-21"), "SIMPLE ND STRIDES FULL_RO"),
    ("numpy datetime64", numpy.zeros(3, "M8[s]"), "FULL_RO STRIDES"),
    ("numpy records with gaps", numpy.zeros(3, gaps), "FULL_RO"),
    ("pyarrow buffer", pyarrow.py_buffer(b"abc"), "SIMPLE ND WRITABLE FULL_RO"),
    ("pyarrow tensor, strided", pyarrow.Tensor.from_numpy(plain[:, ::2]), "SIMPLE ND C_CONTIGUOUS F_CONTIGUOUS"),
]:
    for request in asked.split():
        show(name, exporter, request, requests[request])

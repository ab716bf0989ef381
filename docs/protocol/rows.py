"""An image whose rows lie anywhere in memory, as a memoryview with suboffsets, made by ctypes from CPython's own API."""

import ctypes


class Py_buffer(ctypes.Structure):
    _fields_ = [
        ("buf", ctypes.c_void_p), ("obj", ctypes.c_void_p), ("len", ctypes.c_ssize_t), ("itemsize", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int), ("ndim", ctypes.c_int), ("format", ctypes.c_char_p),
        ("shape", ctypes.POINTER(ctypes.c_ssize_t)), ("strides", ctypes.POINTER(ctypes.c_ssize_t)),
        ("suboffsets", ctypes.POINTER(ctypes.c_ssize_t)), ("internal", ctypes.c_void_p),
    ]


kept = []  # the memory of the images, which nothing else keeps


def image(rows, margin=0):
    """A view of rows of bytes, each without its first `margin` bytes."""
    lines = [ctypes.create_string_buffer(row, len(row)) for row in rows]
    pointers = (ctypes.c_void_p * len(rows))(*map(ctypes.addressof, lines))
    pair = ctypes.c_ssize_t * 2
    width = len(rows[0]) - margin
    view = Py_buffer(buf=ctypes.addressof(pointers), len=len(rows) * width, itemsize=1, ndim=2, format=b"B",
                     shape=pair(len(rows), width), strides=pair(ctypes.sizeof(ctypes.c_void_p), 1),
                     suboffsets=pair(margin, -1))
    kept.append((lines, pointers))
    make = ctypes.pythonapi.PyMemoryView_FromBuffer
    make.restype = ctypes.py_object
    return make(ctypes.byref(view))

"""Calls each buffer function at least once, by ctypes, as the process resolves its name.

CPython's own suites do not call all of them. A failure raises AssertionError.
"""

import ctypes
from ctypes import POINTER, byref, c_char, c_char_p, c_int, c_ssize_t, c_void_p, py_object


class Py_buffer(ctypes.Structure):
    _fields_ = [
        ("buf", c_void_p),
        ("obj", c_void_p),
        ("len", c_ssize_t),
        ("itemsize", c_ssize_t),
        ("readonly", c_int),
        ("ndim", c_int),
        ("format", c_void_p),
        ("shape", POINTER(c_ssize_t)),
        ("strides", POINTER(c_ssize_t)),
        ("suboffsets", POINTER(c_ssize_t)),
        ("internal", c_void_p),
    ]


FULL_RO = 0x11C
FULL = FULL_RO | 1
View = POINTER(Py_buffer)
Sizes = POINTER(c_ssize_t)


def function(name, result, *parameters):
    found = getattr(ctypes.pythonapi, name)
    found.restype = result
    found.argtypes = parameters
    return found


check_buffer = function("PyObject_CheckBuffer", c_int, py_object)
get_buffer = function("PyObject_GetBuffer", c_int, py_object, View, c_int)
release = function("PyBuffer_Release", None, View)
size_from_format = function("PyBuffer_SizeFromFormat", c_ssize_t, c_char_p)
is_contiguous = function("PyBuffer_IsContiguous", c_int, View, c_char)
get_pointer = function("PyBuffer_GetPointer", c_void_p, View, Sizes)
from_contiguous = function("PyBuffer_FromContiguous", c_int, View, c_void_p, c_ssize_t, c_char)
to_contiguous = function("PyBuffer_ToContiguous", c_int, c_void_p, View, c_ssize_t, c_char)
copy_data = function("PyObject_CopyData", c_int, py_object, py_object)
fill_strides = function("PyBuffer_FillContiguousStrides", None, c_int, Sizes, Sizes, c_int, c_char)
fill_info = function(
    "PyBuffer_FillInfo", c_int, View, py_object, c_void_p, c_ssize_t, c_int, c_int
)
as_char = function("PyObject_AsCharBuffer", c_int, py_object, POINTER(c_void_p), Sizes)
as_read = function("PyObject_AsReadBuffer", c_int, py_object, POINTER(c_void_p), Sizes)
as_write = function("PyObject_AsWriteBuffer", c_int, py_object, POINTER(c_void_p), Sizes)
check_read = function("PyObject_CheckReadBuffer", c_int, py_object)

canvas = bytearray(6)
picture = memoryview(canvas).cast("B", (2, 3))

assert check_buffer(picture) == 1
assert check_buffer(1) == 0
assert check_read(picture) == 1

view = Py_buffer()
assert get_buffer(picture, byref(view), FULL) == 0
assert (view.ndim, view.shape[:2], view.strides[:2]) == (2, [2, 3], [3, 1])
assert is_contiguous(byref(view), b"C") == 1
assert is_contiguous(byref(view), b"F") == 0

assert from_contiguous(byref(view), b"adbecf", 6, b"F") == 0
assert canvas == b"abcdef"
columns = ctypes.create_string_buffer(6)
assert to_contiguous(columns, byref(view), 6, b"F") == 0
assert columns.raw == b"adbecf"

assert get_pointer(byref(view), (c_ssize_t * 2)(1, 2)) == view.buf + 5
strides = (c_ssize_t * 2)()
fill_strides(2, view.shape, strides, 4, b"F")
assert list(strides) == [4, 8]

assert size_from_format(b"@bi") == 8
assert copy_data(memoryview(canvas)[::-1], b"uvwxyz") == 0
assert canvas == b"zyxwvu"
release(byref(view))
assert view.obj is None

owner = b"owner"
assert fill_info(byref(view), owner, None, 5, 1, FULL_RO) == 0
assert (view.len, view.readonly, view.shape[0], view.strides[0]) == (5, 1, 5, 1)
release(byref(view))

from_object = function("PyMemoryView_FromObject", py_object, py_object)
from_memory = function("PyMemoryView_FromMemory", py_object, c_char_p, c_ssize_t, c_int)
from_buffer = function("PyMemoryView_FromBuffer", py_object, View)
get_contiguous = function("PyMemoryView_GetContiguous", py_object, py_object, c_int, c_char)

assert from_object(canvas).obj is canvas
letters = ctypes.create_string_buffer(b"abcdef")
plain = from_memory(ctypes.cast(letters, c_char_p), 6, 0x200)
assert (plain.tobytes(), plain.obj, plain.readonly) == (b"abcdef", None, False)

format = ctypes.create_string_buffer(b"H")
info = Py_buffer(
    buf=ctypes.addressof(letters), len=6, itemsize=2, ndim=1, shape=(c_ssize_t * 1)(3),
    format=ctypes.addressof(format),
)
described = from_buffer(byref(info))
format[0] = b"!"
assert (described.format, described.shape, described.obj) == ("H", (3,), None)
described.release()

columns = get_contiguous(memoryview(b"abcdef").cast("B", (2, 3)), 0x100, b"F")
assert (columns.obj, columns.strides, columns.tolist()) == (b"adbecf", (1, 2), [[97, 98, 99], [100, 101, 102]])
assert (columns.format, columns.readonly, columns.f_contiguous) == ("B", True, True)

for function, argument in (as_char, b"abc"), (as_read, b"abc"), (as_write, bytearray(b"abc")):
    start, length = c_void_p(), c_ssize_t()
    assert function(argument, byref(start), byref(length)) == 0
    assert ctypes.string_at(start, length.value) == b"abc"

try:
    get_buffer(1, byref(view), FULL_RO)
except TypeError as error:
    assert str(error) == "a bytes-like object is required, not 'int'", error
else:
    raise AssertionError("no error")
print("done")

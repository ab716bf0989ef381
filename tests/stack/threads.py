"""Every hosted function that may need much stack, on threads that have little: threads.py [libpybuffer.so]

Without the library, libpython's own tobytes alone. With it, run under LD_PRELOAD: an 8^6 array of bytes in Fortran order is copied into C order and back, by libpython's
own functions (tobytes) and by libpybuffer's, on a thread of 32 KiB, and twenty calls deep on one of 64 KiB."""
import ctypes
import sys
import threading
from ctypes import POINTER, c_char, c_char_p, c_int, c_ssize_t, c_void_p, py_object

NDIM, N = 6, 8
LEN = N ** NDIM


class Buffer(ctypes.Structure):
    _fields_ = [("buf", c_void_p), ("obj", c_void_p), ("len", c_ssize_t), ("itemsize", c_ssize_t),
                ("readonly", c_int), ("ndim", c_int), ("format", c_char_p), ("shape", POINTER(c_ssize_t)),
                ("strides", POINTER(c_ssize_t)), ("suboffsets", POINTER(c_ssize_t)), ("internal", c_void_p)]


def prototype(name, result, *arguments):
    function = getattr(library, name)
    function.restype, function.argtypes = result, arguments
    return function


has_library = len(sys.argv) > 1
library = ctypes.PyDLL(sys.argv[1]) if has_library else ctypes.pythonapi
from_buffer = prototype("PyMemoryView_FromBuffer", py_object, POINTER(Buffer))
get_contiguous = prototype("PyMemoryView_GetContiguous", py_object, py_object, c_int, c_char)
to_contiguous = prototype("PyBuffer_ToContiguous", c_int, c_void_p, POINTER(Buffer), c_ssize_t, c_char)
from_contiguous = prototype("PyBuffer_FromContiguous", c_int, POINTER(Buffer), c_void_p, c_ssize_t, c_char)
copy_data = prototype("PyObject_CopyData", c_int, py_object, py_object)
if has_library:
    parse = prototype("pybuffer_format_parse", c_ssize_t, c_char_p, c_void_p, c_ssize_t, c_void_p, c_ssize_t, c_void_p)
    equivalent = prototype("pybuffer_format_equivalent", c_int, c_char_p, c_char_p)
    check = prototype("pybuffer_check_exporter", c_int, py_object, c_void_p)
    runtime = prototype("pybuffer_runtime", c_char_p)
    assert runtime().startswith(b"CPython"), runtime()

items = bytearray((i ^ i >> 7 ^ i >> 13) & 255 for i in range(LEN))
memory = (c_char * LEN).from_buffer(items)
shape = (c_ssize_t * NDIM)(*[N] * NDIM)
fortran = (c_ssize_t * NDIM)(*[N ** i for i in range(NDIM)])
view = Buffer(ctypes.addressof(memory), None, LEN, 1, 0, NDIM, b"B", shape, fortran, None, None)
memoryview_of_it = from_buffer(ctypes.byref(view))
# The digits of an index in C order, read the other way round, are its place in Fortran order.
digits = [sum((i // N ** k % N) * N ** (NDIM - 1 - k) for k in range(NDIM)) for i in range(LEN)]
expected = bytes(items[place] for place in digits)
block = ctypes.create_string_buffer(LEN)
address, report = ctypes.addressof(block), ctypes.create_string_buffer(1 << 16)
before, writable = bytes(items), bytearray(LEN)
deep = b"T{b" * 60 + b"i" + b"}" * 60
by_view = ctypes.byref(view)


def work():
    assert memoryview_of_it.tobytes() == expected
    if not has_library:
        return
    assert to_contiguous(address, by_view, LEN, b"C") == 0 and block.raw == expected
    assert from_contiguous(by_view, address, LEN, b"C") == 0 and bytes(items) == before
    assert get_contiguous(memoryview_of_it, 0x100, b"C").tobytes() == expected
    assert copy_data(writable, memoryview_of_it) == 0 and bytes(writable) == before
    assert parse(deep, None, 0, None, 0, None) == 121
    assert equivalent(deep, b" " + deep) == 1
    check(memoryview_of_it, report)


def nested(depth):
    if depth == 0:
        work()
    else:
        nested(depth - 1)


def run_on(size, target, *arguments):
    done = []

    def run():
        try:
            target(*arguments)
            done.append(None)
        except BaseException as error:
            done.append(error)

    threading.stack_size(size)
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if done != [None]:
        raise done[0]


run_on(32768, work)
run_on(65536, nested, 20)
print("as on the main thread")

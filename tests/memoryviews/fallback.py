"""Memoryviews in a CPython in which their layout is unknown to the library.

Arguments: libpybuffer.so, and the check that must fail:

type    The sizes in the type do not fit the fields. The type is changed only while the library measures it.
object  The type fits, but no memoryview passes the check: the type of managed buffers has another name.

A failure raises AssertionError. A crash would mean that the library called one of libpython's functions with
arguments that this cannot handle.
"""

import ctypes
import sys
from ctypes import POINTER, byref, c_char, c_char_p, c_int, c_ssize_t, c_void_p, py_object

HEAD = object.__basicsize__
WORD = ctypes.sizeof(c_void_p)
READ, WRITE = 0x100, 0x200
library = ctypes.PyDLL(sys.argv[1])
runtime = library.pybuffer_runtime
runtime.restype = c_char_p


class Py_buffer(ctypes.Structure):
    _fields_ = [
        ("buf", c_void_p), ("obj", c_void_p), ("len", c_ssize_t), ("itemsize", c_ssize_t),
        ("readonly", c_int), ("ndim", c_int), ("format", c_char_p),
        ("shape", POINTER(c_ssize_t)), ("strides", POINTER(c_ssize_t)),
        ("suboffsets", POINTER(c_ssize_t)), ("internal", c_void_p),
    ]


def function(name, *parameters, result=py_object, of=library):
    found = of[name]  # not an attribute, which ctypes would cache
    found.restype, found.argtypes = result, parameters
    return found


from_object = function("PyMemoryView_FromObject", py_object)
from_memory = function("PyMemoryView_FromMemory", c_void_p, c_ssize_t, c_int)
from_buffer = function("PyMemoryView_FromBuffer", POINTER(Py_buffer))
get_contiguous = function("PyMemoryView_GetContiguous", py_object, c_int, c_char)
with_owner = function("pybuffer_memoryview_from_buffer_with_owner", POINTER(Py_buffer), py_object)
with_destructor = function(
    "pybuffer_memoryview_from_memory_with_destructor", c_void_p, c_ssize_t, c_int, c_void_p, c_void_p
)
release = function("pybuffer_memoryview_release", py_object, result=c_int)
get_buffer = function("PyMemoryView_GET_BUFFER", py_object, result=POINTER(Py_buffer))
own_get_contiguous = function(
    "PyMemoryView_GetContiguous", py_object, c_int, c_char, of=ctypes.pythonapi
)

# Memory that outlives all views of it.
items = (c_char * 24)(*b"abcdefghijklmnopqrstuvwx")


def info(itemsize, format, shape, strides, suboffsets=None, readonly=0):
    sizes = c_ssize_t * max(len(shape), 1)
    view = Py_buffer(
        buf=ctypes.addressof(items), len=itemsize, itemsize=itemsize, ndim=len(shape), format=format,
        readonly=readonly, shape=sizes(*shape), strides=sizes(*strides),
    )
    if suboffsets is not None:
        view.suboffsets = sizes(*suboffsets)
    for n in shape:
        view.len *= n
    return view


def described(*arguments, **more):
    return from_buffer(byref(info(*arguments, **more)))


def raised(kind, call, *arguments):
    try:
        call(*arguments)
    except kind as error:
        return str(error)
    raise AssertionError("no %s" % kind.__name__)


def shown(view):
    return (
        type(view), type(view.obj), view.tobytes(), view.format, view.itemsize, view.shape, view.strides,
        view.suboffsets, view.readonly, view.c_contiguous, view.f_contiguous, view.contiguous,
    )


def unknown_type():
    itemsize = c_ssize_t.from_address(id(memoryview) + HEAD + WORD + 2 * WORD)
    assert itemsize.value == memoryview.__itemsize__ == WORD
    itemsize.value += 1
    said = runtime()
    itemsize.value -= 1
    assert said.startswith(b"CPython"), said
    unknown(get_buffer, memoryview(b""))


def unknown_objects():
    view = memoryview(b"")
    managed = c_void_p.from_address(id(view) + HEAD + WORD).value
    name = c_char_p.from_address(c_void_p.from_address(managed + HEAD - WORD).value + HEAD + WORD)
    assert name.value == b"managedbuffer", name.value
    name.value = b"another"
    assert get_buffer(view).contents.len == 0


def unknown(call, *arguments):
    said = raised(SystemError, call, *arguments)
    assert "does not know how its memoryviews are laid out" in said, said


def views_are_made():
    owner = bytes(range(6))
    view = from_object(owner)
    assert view.obj is owner and from_object(view)[1:].tolist() == [1, 2, 3, 4, 5]
    lent = from_memory(ctypes.addressof(items), 3, WRITE)
    lent[0] = 0x41
    assert items[:3] == b"Abc" and from_memory(ctypes.addressof(items), 3, -1).readonly
    lent[0] = 0x61
    unknown(from_memory, None, 3, READ)
    view = described(2, b"h", (2, 3), (6, 2))
    assert view.obj is None and view.shape == (2, 3) and view.tobytes() == b"abcdefghijkl"
    assert "must not exceed 64" in raised(ValueError, described, 1, b"B", (1,) * 65, (1,) * 65)
    assert "must not be NULL" in raised(ValueError, from_buffer, byref(Py_buffer()))
    assert release(view) == 0 and raised(ValueError, from_object, view)
    assert raised(TypeError, from_object, 5)


def owners_are_refused():
    owner = object()
    before = sys.getrefcount(owner)
    view = info(2, b"h", (2, 3), (6, 2))
    unknown(with_owner, byref(view), owner)
    view.buf = None
    assert "must not be NULL" in raised(ValueError, with_owner, byref(view), owner)
    assert sys.getrefcount(owner) == before
    calls = []
    destructor = ctypes.PYFUNCTYPE(None, c_void_p)(calls.append)
    for memory in ctypes.addressof(items), None:
        unknown(with_destructor, memory, 3, READ, destructor, 7)
    assert calls == [], calls


def copies_are_libpythons():
    pictures = [
        described(2, b"h", (2, 3), (6, 2)),
        described(2, b"h", (2, 3), (2, 4), readonly=1),
        described(4, b"i", (3,), (8,)),
        described(1, b"B", (2, 2, 2), (1, 12, 2)),
        described(1, b"B", (2, 0), (1, 12)),
        memoryview(b"abcdef")[::-2],
        memoryview(b"abcdef").cast("h"),
        memoryview(b"abcd").cast("i", ()),
    ]
    asserts = hasattr(sys, "gettotalrefcount")
    for picture in pictures:
        before = sys.getrefcount(picture)
        for order in b"C", b"F", b"A", b"X", b"c", b"\0":
            for buffertype in READ, 0, -1, READ | WRITE:
                known = order in b"CFA" and order != b"\0"
                if not known and (picture.ndim == 0 or picture.f_contiguous):
                    # With F, which the library passes on instead, libpython would make no copy, or crash.
                    unknown(get_contiguous, picture, buffertype, order)
                    continue
                own = own_get_contiguous(picture, READ if asserts else buffertype,
                                         order if known else b"F")
                assert shown(get_contiguous(picture, buffertype, order)) == shown(own), order
        assert sys.getrefcount(picture) == before
    assert get_contiguous(pictures[0], WRITE, b"A").readonly is False
    said = raised(BufferError, get_contiguous, pictures[0], WRITE, b"F")
    assert said == "writable contiguous buffer requested for a non-contiguous object.", said
    assert raised(BufferError, get_contiguous, pictures[1], WRITE, b"F") == (
        "underlying buffer is not writable"
    )


def what_libpython_cannot_take_is_refused():
    scalar = described(4, b"i", (), (), suboffsets=(0,))
    for order in b"C", b"F", b"A", b"X":
        unknown(get_contiguous, scalar, READ, order)
    view = info(2, b"h", (2, 3), (2, 4))
    view.len = 6
    assert "len" in raised(ValueError, get_contiguous, from_buffer(byref(view)), READ, b"C")
    view = described(2, b"h", (2, 3), (2, 4))
    view.release()
    assert "released" in raised(ValueError, get_contiguous, view, READ, b"X")
    assert raised(TypeError, get_contiguous, 5, 0, b"X")


{"type": unknown_type, "object": unknown_objects}[sys.argv[2]]()
views_are_made()
owners_are_refused()
copies_are_libpythons()
what_libpython_cannot_take_is_refused()

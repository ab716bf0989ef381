"""Runs inside the python to be compared with: makes the objects, and calls the harness.

The harness reads this module's dictionary. Everything has a name, so that a difference can name it.
"""

import array
import ctypes
import io
import mmap
import os
import pickle
import struct
import sys
import warnings
import zlib

warnings.simplefilter("ignore", DeprecationWarning)  # array("u")

major, minor = sys.version_info[:2]
debug = hasattr(sys, "gettotalrefcount")
head = object.__basicsize__
getrefcount = sys.getrefcount
calcsize = struct.calcsize
struct_error = struct.error
try:
    limits_items = not calcsize("0s%dc" % sys.maxsize)
except struct_error:
    limits_items = True
from builtins import BufferError, LookupError, TypeError, ValueError  # by name, for the harness

try:
    from _testbuffer import ndarray
    import _testbuffer
except ImportError:
    ndarray = None


class Exporter:
    """The harness gives it a bf_getbuffer and a bf_releasebuffer."""


class ExporterWithoutRelease:
    """The harness gives it a bf_getbuffer only."""


exporters = [("own %d" % i, Exporter()) for i in range(2)]
exporters += [("own %d, no releasebuffer" % i, ExporterWithoutRelease()) for i in range(2)]

log = []


def take_log(_):
    """What Python code saw since the last time."""
    text = repr(log)
    del log[:]
    return text


def is_free(exporter):
    """Whether nobody holds a view of it, where the object can tell."""
    if isinstance(exporter, bytearray):
        try:
            exporter.append(0)
        except BufferError as error:
            return str(error)
        exporter.pop()
    elif isinstance(exporter, io.BytesIO):
        try:
            exporter.write(b"")
        except BufferError as error:
            return str(error)
    elif isinstance(exporter, array.array):
        try:
            exporter.extend(exporter[:0])
        except BufferError as error:
            return str(error)
    return "free"


# --- Objects that export, and stay as they are -----------------------------------------------

DATA = bytes(range(1, 49))


class Point(ctypes.Structure):
    _fields_ = [("tag", ctypes.c_uint8), ("x", ctypes.c_int32), ("y", ctypes.c_double)]


class BigPoint(ctypes.BigEndianStructure):
    _fields_ = [("x", ctypes.c_int32), ("y", ctypes.c_int16)]


class Packed(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = [("tag", ctypes.c_uint8), ("x", ctypes.c_int32)]


class Empty(ctypes.Structure):
    _fields_ = []


class Either(ctypes.Union):
    _fields_ = [("x", ctypes.c_int32), ("y", ctypes.c_double)]


class Bytes(bytes):
    pass


class Bytearray(bytearray):
    pass


def ctypes_objects():
    yield "c_int", ctypes.c_int(7)
    yield "c_int[6]", (ctypes.c_int * 6)(*range(6))
    yield "c_int[0]", (ctypes.c_int * 0)()
    yield "c_short[2][3]", ((ctypes.c_short * 3) * 2)((1, 2, 3), (4, 5, 6))
    yield "c_char[8]", (ctypes.c_char * 8)(*b"buffer!!")
    yield "c_double[3][1][2]", (((ctypes.c_double * 2) * 1) * 3)()
    yield "Structure", Point(1, 2, 3.0)
    yield "Structure[2]", (Point * 2)(Point(1, 2, 3.0), Point(4, 5, 6.0))
    yield "BigEndianStructure", BigPoint(1, 2)
    yield "packed Structure", Packed(1, 2)
    yield "empty Structure", Empty()
    yield "empty Structure[3]", (Empty * 3)()
    yield "Union", Either(5)
    yield "pointer", ctypes.pointer(ctypes.c_int(3))
    yield "py_object", ctypes.py_object(DATA)
    grown = (ctypes.c_int * 2)(1, 2)
    ctypes.resize(grown, 40)
    yield "c_int[2] resized", grown


def memoryviews():
    yield "memoryview(bytes)", memoryview(DATA)
    yield "memoryview(bytes)[::2]", memoryview(DATA)[::2]
    yield "memoryview(bytes)[::-1]", memoryview(DATA)[::-1]
    yield "memoryview(bytes)[40:3:-7]", memoryview(DATA)[40:3:-7]
    yield "memoryview(bytes)[9:9]", memoryview(DATA)[9:9]
    yield "memoryview(bytes)[9:10:5]", memoryview(DATA)[9:10:5]
    for code in "bBcihqfd?":
        yield "memoryview.cast(%r)" % code, memoryview(bytearray(DATA)).cast(code)
    yield "memoryview.cast('i')[::3]", memoryview(bytearray(DATA)).cast("i")[::3]
    yield "memoryview 4x12", memoryview(bytearray(DATA)).cast("B", [4, 12])
    yield "memoryview 2x3x8", memoryview(DATA).cast("B", [2, 3, 8])
    yield "memoryview 3x2 of q", memoryview(bytearray(DATA)).cast("q", [3, 2])
    yield "memoryview 1x1x6 of d", memoryview(bytearray(DATA)).cast("d", [1, 1, 6])
    yield "memoryview 3x2 of q, every second row", memoryview(bytearray(DATA)).cast("q", [3, 2])[::2]
    yield "memoryview scalar", memoryview(bytearray(8)).cast("d", [])
    yield "memoryview(bytearray).toreadonly()", memoryview(bytearray(DATA)).toreadonly()
    yield "memoryview(array)", memoryview(array.array("f", range(5)))
    yield "memoryview(memoryview)[1:]", memoryview(memoryview(bytearray(DATA)))[1:]
    yield "memoryview(c_short[2][3])", memoryview(((ctypes.c_short * 3) * 2)())
    released = memoryview(bytearray(DATA))
    released.release()
    yield "memoryview released", released


def ndarrays():
    if ndarray is None:
        return
    from _testbuffer import ND_FORTRAN, ND_GETBUF_FAIL, ND_GETBUF_UNDEFINED, ND_PIL
    from _testbuffer import ND_REDIRECT, ND_SCALAR, ND_VAREXPORT, ND_WRITABLE

    def make(shape, format="B", flags=ND_WRITABLE, **more):
        n = 1
        for extent in shape:
            n *= extent
        items = list(range(n)) if shape else 5
        return ndarray(items, shape=shape, format=format, flags=flags, **more)

    yield "ndarray scalar", ndarray(5, shape=[], format="i")
    yield "ndarray 12", make([12])
    yield "ndarray 12 of h, read-only", make([12], "h", 0)
    yield "ndarray 3x4", make([3, 4], "i")
    yield "ndarray 3x4, Fortran", make([3, 4], "i", ND_WRITABLE | ND_FORTRAN)
    yield "ndarray 3x4, PIL", make([3, 4], "i", ND_WRITABLE | ND_PIL)
    yield "ndarray 2x3x2, PIL, read-only", make([2, 3, 2], "h", ND_PIL)
    yield "ndarray 2x1x3, Fortran", make([2, 1, 3], "q", ND_WRITABLE | ND_FORTRAN)
    yield "ndarray 0x3", ndarray([1], shape=[0, 3], flags=ND_WRITABLE)
    yield "ndarray 5, negative stride", make([5], "h", strides=[-2], offset=8)
    yield "ndarray 2x3, transposed", make([2, 3], "h", strides=[2, 4])
    yield "ndarray redirecting", ndarray([1, 2, 3], shape=[3], flags=ND_REDIRECT | ND_WRITABLE)
    yield "ndarray varexport", ndarray([1, 2, 3, 4], shape=[4], flags=ND_VAREXPORT | ND_WRITABLE)
    yield "ndarray failing", ndarray([1, 2, 3], shape=[3], flags=ND_GETBUF_FAIL)
    yield "ndarray failing, obj undefined", ndarray(
        [1, 2, 3], shape=[3], flags=ND_GETBUF_FAIL | ND_GETBUF_UNDEFINED
    )
    for getbuf in "PyBUF_SIMPLE", "PyBUF_ND", "PyBUF_STRIDES", "PyBUF_RECORDS":
        flags = getattr(_testbuffer, getbuf)
        yield "ndarray made by " + getbuf, ndarray(bytearray(DATA), getbuf=flags)


def python_exporters():
    """Classes with __buffer__, which 3.12 brought."""
    if (major, minor) < (3, 12):
        return

    class Plain:
        def __init__(self, base):
            self.base = base

        def __buffer__(self, flags):
            log.append(("buffer", flags))
            return memoryview(self.base)

    class Noticing(Plain):
        def __release_buffer__(self, view):
            log.append(("release", view.nbytes, view.readonly))
            view.release()

    class Raising(Plain):
        def __buffer__(self, flags):
            raise LookupError("no buffer for flags %d" % flags)

    class Wrong(Plain):
        def __buffer__(self, flags):
            return 42

    class RaisingOnRelease(Plain):
        def __release_buffer__(self, view):
            raise LookupError("not taken back")

    class OfBytearray(bytearray):
        def __buffer__(self, flags):
            log.append(("buffer", flags))
            return super().__buffer__(flags)

        def __release_buffer__(self, view):
            log.append(("release", view.nbytes))
            super().__release_buffer__(view)

    yield "__buffer__", Plain(bytearray(DATA))
    yield "__buffer__ of bytes", Plain(DATA)
    yield "__buffer__ of a slice", Plain(memoryview(bytearray(DATA))[::3])
    yield "__buffer__ of a released memoryview", Plain(released_memoryview())
    yield "__buffer__ and __release_buffer__", Noticing(bytearray(DATA))
    yield "__buffer__ raising", Raising(DATA)
    yield "__buffer__ returning an int", Wrong(DATA)
    yield "__release_buffer__ raising", RaisingOnRelease(bytearray(DATA))
    yield "__buffer__ of a subclass of bytearray", OfBytearray(DATA)


def released_memoryview():
    view = memoryview(DATA)
    view.release()
    return view


sys.unraisablehook = lambda unraisable: log.append(("unraisable", repr(unraisable.exc_value)))


def exporting():
    yield "bytes", DATA
    yield "bytes, empty", b""
    yield "subclass of bytes", Bytes(DATA)
    yield "bytearray", bytearray(DATA)
    yield "bytearray, empty", bytearray()
    yield "subclass of bytearray", Bytearray(DATA)
    for code in array.typecodes:  # "u" until 3.15
        items = "array" if code in "uw" else range(6)
        yield "array(%r)" % code, array.array(code, items)
    yield "array('i'), empty", array.array("i")
    yield "mmap", mmap.mmap(-1, 64)
    yield "PickleBuffer", pickle.PickleBuffer(bytearray(DATA))
    yield "BytesIO.getbuffer()", io.BytesIO(DATA).getbuffer()
    for maker in ctypes_objects, memoryviews, ndarrays, python_exporters:
        for pair in maker():
            yield pair


real = list(exporting())
for _, exporter in real:
    is_free(exporter)  # the first time moves a bytearray's bytes


# --- Objects that export nothing --------------------------------------------------------------

def class_named(name):
    return type(name, (), {})


released_pickle_buffer = pickle.PickleBuffer(DATA)
released_pickle_buffer.release()

silent = [
    ("None", None),
    ("int", 1),
    ("str", "text"),
    ("list", [1, 2]),
    ("function", class_named),
    ("module", sys),
    ("type", bytes),
    ("instance", class_named("Plain")()),
    ("static type with a module's name", struct.Struct("i")),
    ("name of 99 characters", class_named("n" * 99)()),
    ("name of 100 characters", class_named("n" * 100)()),
    ("name of 101 characters", class_named("n" * 101)()),
    ("name of 3000 characters", class_named("n" * 3000)()),
    ("name that is cut inside a character", class_named("n" * 99 + "\xe9\u20ac")()),
    ("name of large characters", class_named("\U0001f40d" * 60)()),
    ("name with a percent sign", class_named("100%s %n %d")()),
]


# --- What a memoryview says of itself ----------------------------------------------------------

def shown_fields(view):
    return repr((
        type(view).__name__, type(view.obj).__name__, view.format, view.itemsize, view.ndim, view.shape,
        view.strides, view.suboffsets, view.readonly, view.nbytes,
        view.c_contiguous, view.f_contiguous, view.contiguous,
    ))


def shown_items(view):
    """In both orders, and what becomes of a slice, of the memoryview's end and of its use after that."""
    said = [len(view.tobytes()), zlib.crc32(view.tobytes()), zlib.crc32(view.tobytes("F"))]
    for use in (
        lambda: zlib.crc32(view[1::2].tobytes()),
        lambda: memoryview(view).obj is view.obj,
        lambda: hash(view) == hash(view.tobytes()),
        lambda: view.tolist()[:2],
        view.release,
        lambda: view.obj,
    ):
        try:
            said.append(use())
        except Exception as error:
            said.append(repr(error))
    return repr(said)


def base_of(view):
    return view.obj


# --- Objects to write into, made anew for each call -------------------------------------------

def writable():
    """Yields a name and a function that makes an object and the object whose bytes it shows."""

    def over(slicing):
        def make():
            base = bytearray(b"\xee" * 96)
            return slicing(memoryview(base)), base

        return make

    def itself(maker):
        def make():
            made = maker()
            return made, made

        return make

    yield "bytearray", itself(lambda: bytearray(b"\xee" * 64))
    yield "bytes", itself(lambda: bytes(64))
    yield "array('i')", itself(lambda: array.array("i", [-1] * 12))
    yield "memoryview[::2]", over(lambda m: m[::2])
    yield "memoryview[::-1]", over(lambda m: m[::-1])
    yield "memoryview 2x48", over(lambda m: m.cast("B", [2, 48]))
    yield "memoryview of i [::2]", over(lambda m: m.cast("i")[::2])
    yield "memoryview of h [40:4:-3]", over(lambda m: m.cast("h")[40:4:-3])
    yield "memoryview 6x2 of q, every second row", over(lambda m: m.cast("q", [6, 2])[::2])
    yield "memoryview of 3 bytes", over(lambda m: m[:3])
    yield "memoryview scalar", over(lambda m: m[:8].cast("d", []))
    yield "memoryview read-only", over(lambda m: m.toreadonly())
    yield "c_short[2][3]", itself((ctypes.c_short * 3) * 2)
    yield "c_int[12]", itself(ctypes.c_int * 12)
    yield "Structure", itself(Point)
    yield "not an exporter", lambda: (7, b"")
    if ndarray is not None:
        from _testbuffer import ND_FORTRAN, ND_PIL, ND_WRITABLE

        def nd(n, shape, format, flags=0):
            flags |= ND_WRITABLE
            return itself(lambda: ndarray([0] * n, shape=shape, format=format, flags=flags))

        yield "ndarray 12", nd(12, [12], "B")
        yield "ndarray 3x4", nd(12, [3, 4], "i")
        yield "ndarray 3x4, Fortran", nd(12, [3, 4], "i", ND_FORTRAN)
        yield "ndarray 3x4, PIL", nd(12, [3, 4], "i", ND_PIL)
        yield "ndarray 4x4, PIL", nd(16, [4, 4], "i", ND_PIL)
        yield "ndarray 2x3x2, Fortran", nd(12, [2, 3, 2], "h", ND_FORTRAN)
    for name, exporter in python_exporters():

        def make(of=type(exporter)):
            made = of(bytearray(b"\xee" * 96))
            return made, getattr(made, "base", made)

        yield name, make


targets = list(writable())


def make_target(maker):
    """The object to write into; what it writes to is kept for `target_bytes`."""
    global target_base
    made, target_base = maker()
    return made


def target_bytes(_):
    return bytes(memoryview(target_base).tobytes()).hex()


if __name__ == "__main__":
    harness = ctypes.PyDLL(sys.argv[1])
    harness.pybuffer_differential.argtypes = [ctypes.py_object]
    status = harness.pybuffer_differential(globals())
    sys.stdout.flush()
    # Wrong implementations leave views behind that the end of an interpreter would stumble over.
    os._exit(status)

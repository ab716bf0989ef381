"""Writes what the checker finds in exporters of ctypes, NumPy, Pillow, PyArrow and h5py: docs/findings.txt.

`make findings` runs it. The report without the rules' own sentences.
"""

import ctypes
import platform
from importlib.metadata import version

import h5py
import numpy
import PIL.Image
import PIL.ImagePath
import pyarrow

import libpybuffer


class Point(ctypes.Structure):
    _fields_ = [("x", ctypes.c_ubyte), ("y", ctypes.c_int)]


class Packed(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = [("x", ctypes.c_ubyte), ("y", ctypes.c_int)]


class Bits(ctypes.Structure):
    _fields_ = [("a", ctypes.c_int, 3), ("b", ctypes.c_int, 5)]


class Either(ctypes.Union):
    _fields_ = [("i", ctypes.c_int), ("d", ctypes.c_double)]


class Empty(ctypes.Structure):
    _fields_ = []


class Callback(ctypes.Structure):
    _fields_ = [("function", ctypes.CFUNCTYPE(ctypes.c_int))]


def resized():
    array = (ctypes.c_int * 2)()
    ctypes.resize(array, 11)
    return array


def dtype_with(**names):
    return numpy.dtype(names)


def read_only(array):
    array.flags.writeable = False
    return array


def dataset():
    with h5py.File("findings.h5", "w", driver="core", backing_store=False) as file:
        data = file.create_dataset("x", data=numpy.arange(6, dtype=">i2").reshape(2, 3))
        yield "h5py dataset, read", data[...]
        yield "h5py dataset, one item", data[1, 2]
        yield "h5py file image", file.id.get_file_image()
        strings = file.create_dataset("s", data=numpy.array([b"ab", b"cde"]))
        yield "h5py dataset of strings, read", strings[...]
        record = numpy.dtype([("a", "i1"), ("b", "<f8")], align=True)
        records = file.create_dataset("r", data=numpy.zeros(3, record))
        yield "h5py dataset of records, read", records[...]
        yield "h5py dataset itself", data


def cases():
    yield from of_ctypes()
    plain = numpy.arange(12, dtype="i4").reshape(3, 4)
    yield from of_numpy(plain)
    yield from of_pillow()
    yield from of_pyarrow(plain)
    yield from dataset()


def of_ctypes():
    yield "ctypes c_int", ctypes.c_int()
    yield "ctypes c_int * 3", (ctypes.c_int * 3)()
    yield "ctypes c_int * 0", (ctypes.c_int * 0)()
    yield "ctypes (c_int * 3) * 2", (ctypes.c_int * 3 * 2)()
    yield "ctypes c_longdouble", ctypes.c_longdouble()
    yield "ctypes c_wchar * 3", (ctypes.c_wchar * 3)()
    yield "ctypes c_char_p", ctypes.c_char_p()
    yield "ctypes c_wchar_p", ctypes.c_wchar_p()
    yield "ctypes POINTER(c_int)", ctypes.POINTER(ctypes.c_int)()
    yield "ctypes CFUNCTYPE(c_int)", ctypes.CFUNCTYPE(ctypes.c_int)(int)
    yield "ctypes Structure", Point()
    yield "ctypes Structure * 2", (Point * 2)()
    yield "ctypes Structure, packed", Packed()
    yield "ctypes Structure of bit fields", Bits()
    yield "ctypes Structure, empty", Empty()
    yield "ctypes Structure of a callback", Callback()
    yield "ctypes Union", Either()
    yield "ctypes BigEndianStructure", type("Big", (ctypes.BigEndianStructure,), {"_fields_": [("x", ctypes.c_int)]})()
    yield "ctypes c_int * 2, resized to 11 bytes", resized()


def of_numpy(plain):
    yield "numpy i4 (3, 4)", plain
    yield "numpy i4 (3, 4), read-only", read_only(plain.copy())
    yield "numpy i4 (3, 4), transposed", plain.T
    yield "numpy i4 (3, 4), every second", plain[::2, ::-1]
    yield "numpy i4, of 1 item", numpy.zeros(1, "i4")
    yield "numpy i4, scalar array", numpy.array(3, "i4")
    yield "numpy i4, no items", numpy.zeros((0, 3), "i4")
    yield "numpy i4, broadcast", numpy.broadcast_to(numpy.arange(3, dtype="i4"), (2, 3))
    yield "numpy i4, a field of packed records", numpy.zeros(3, "u1,i4")["f1"]
    yield "numpy i4 scalar", numpy.int32(3)
    yield "numpy longdouble scalar", numpy.longdouble(3)
    yield "numpy datetime64 scalar", numpy.datetime64("2026-11-21")
    yield "numpy str scalar", numpy.str_("abc")
    yield "numpy bytes scalar", numpy.bytes_(b"abc")
    yield "numpy void scalar", numpy.zeros(1, "u1,i4")[0]
    yield "numpy datetime64", numpy.zeros(3, "M8[s]")
    for code in "?", "f2", "f4", "f8", "g", "F", "D", "G", ">i4", "S3", "U3", "V3", "O", "S0", "U0", "V0":
        yield f"numpy {code}", numpy.zeros(3, code)
    yield "numpy StringDType", numpy.zeros(3, numpy.dtypes.StringDType())
    yield "numpy packed records", numpy.zeros(3, "u1,i4")
    yield "numpy aligned records", numpy.zeros(3, numpy.dtype("u1,i4", align=True))
    yield "numpy records padded at the end", numpy.zeros(3, numpy.dtype("i4,u1", align=True))
    yield "numpy records with sub-arrays", numpy.zeros(3, [("a", "i2", (2, 3)), ("b", "f8")])
    yield "numpy nested records", numpy.zeros(3, [("a", [("x", "u1"), ("y", "i4")]), ("b", "u1")])
    yield "numpy records of the other byte order", numpy.zeros(3, [("a", ">i4"), ("b", "<i2")])
    yield "numpy records with gaps", numpy.zeros(3, dtype_with(names=["a"], formats=["i4"], offsets=[4], itemsize=16))
    yield "numpy records that overlap", numpy.zeros(
        3, dtype_with(names=["a", "b"], formats=["i4", "i2"], offsets=[0, 2], itemsize=4))
    yield "numpy records with no fields", numpy.zeros(3, numpy.dtype([]))
    yield "numpy record array", numpy.rec.array([(1, 2.0)], dtype="i4,f8")
    yield "numpy memmap", numpy.memmap(__file__, mode="r", dtype="u1", shape=(16,))
    yield "numpy 64 dimensions", numpy.zeros((1,) * 64, "u1")


def of_pillow():
    image = PIL.Image.new("RGB", (4, 3))
    yield "Pillow image", image
    yield "Pillow image core", image.im
    yield "Pillow image.tobytes()", image.tobytes()
    yield "Pillow numpy.asarray(image)", numpy.asarray(image)
    yield "Pillow path", PIL.ImagePath.Path([(0, 1), (2, 3)])


def of_pyarrow(plain):
    yield "pyarrow buffer", pyarrow.py_buffer(b"abc")
    yield "pyarrow buffer, writable", pyarrow.py_buffer(bytearray(b"abc"))
    yield "pyarrow buffer, allocated", pyarrow.allocate_buffer(8)
    yield "pyarrow buffer, empty", pyarrow.py_buffer(b"")
    yield "pyarrow array's buffer", pyarrow.array([1, 2, 3]).buffers()[1]
    yield "pyarrow array", pyarrow.array([1, 2, 3])
    yield "pyarrow tensor", pyarrow.Tensor.from_numpy(plain)
    yield "pyarrow tensor, strided", pyarrow.Tensor.from_numpy(plain[:, ::2])
    yield "pyarrow tensor, Fortran", pyarrow.Tensor.from_numpy(numpy.asfortranarray(plain))


def described(exporter):
    try:
        report = libpybuffer.check(exporter)
    except TypeError as error:
        return f"    no exporter: {error}"
    lines = str(report).splitlines()
    return "\n".join(f"    {line}" for line in lines if not line.startswith(("  Rule: ", "  Fix: ")))


packages = ["numpy", "pillow", "pyarrow", "h5py"]
print("CPython", platform.python_version(), *(f"{name} {version(name)}" for name in packages), sep=", ")
print("Made by `make findings`; what it means is in findings.md.")
for name, exporter in cases():
    print(f"\n{name}\n{described(exporter)}")

"""parse, itemsize, equivalent."""

import ctypes
import pickle
import struct

import pytest

import libpybuffer
from exporters import has_numpy


@pytest.mark.parametrize("format", ["i", "<i", "3s", "2h3i", "@bq", "=bq", "?", "n", "10p", "x4xd", "P", "!e"])
def test_itemsize_is_that_of_struct(format):
    assert libpybuffer.itemsize(format) == struct.calcsize(format) == libpybuffer.parse(format).itemsize
    assert libpybuffer.itemsize(format.encode()) == struct.calcsize(format)


def test_parse_nests_structs():
    format = libpybuffer.parse("T{<i:id:(2,3)<d:m:T{2h:x:T{>f:z:}:y:}:p:}3s")
    assert (format.format, format.itemsize, len(format)) == ("T{<i:id:(2,3)<d:m:T{2h:x:T{>f:z:}:y:}:p:}3s", 63, 2)
    outer, text = format
    assert (outer.kind, outer.name, outer.size, [f.name for f in outer.fields]) == ("T", None, 60, ["id", "m", "p"])
    assert outer.fields[1]._asdict() == dict(
        name="m", shape=(2, 3), count=1, offset=4, itemsize=8, size=48, kind="f", code="d", byte_order="<", mode="<",
        alignment=1, bit=0, position=14, length=1, fields=())
    x, y = outer.fields[2].fields
    assert (x.name, x.count, x.offset, y.fields[0].name, y.fields[0].byte_order) == ("x", 2, 0, "z", ">")
    assert (text.kind, text.count, text.offset) == ("S", 3, 60)


def test_parse_is_a_tuple_that_prints_and_pickles():
    format = libpybuffer.parse("<hT{b:n\N{LATIN SMALL LETTER E WITH ACUTE}:}")
    again = pickle.loads(pickle.dumps(format))
    assert again == format and again.itemsize == 3 and again[1].fields[0].name == "n\xe9"
    lines = str(format).splitlines()
    assert lines[0].endswith(": 3 bytes, aligned to 1") and len(lines) == 5
    assert "signed integer, 16 bits" in lines[2] and "n\xe9" in lines[4]
    assert repr(libpybuffer.parse("i")) == "<Format 'i': 4 bytes, 1 field>"


def test_parse_agrees_with_numpy_and_ctypes():
    class Point(ctypes.Structure):
        _fields_ = [("x", ctypes.c_int16), ("y", ctypes.c_int16 * 3)]

    point, = libpybuffer.parse(memoryview(Point()).format)
    assert [(f.name, f.offset) for f in point.fields] == [("x", Point.x.offset), ("y", Point.y.offset)]
    if has_numpy():
        import numpy
        dtype = numpy.dtype([("a", "<i4"), ("b", ">f8", (2, 3)), ("c", "S5"), ("d", [("e", "<u2")])], align=True)
        record, = libpybuffer.parse(memoryview(numpy.zeros(2, dtype)).format)
        assert [(f.name, f.offset, f.shape) for f in record.fields] == [
            (name, dtype.fields[name][1], dtype[name].shape) for name in dtype.names]


@pytest.mark.parametrize("format, position", [
    ("ii)i", 2), ("i\0i", 1), (b"T{i:\xc3\xa9:}\0", 7), ("i]", 1), ("T{i:a:(2,3)", 11), ("T{i:\xe9\xe9:}?]?", 9), (b"T{i:\xc3\xa9:}?@[", 9), ("3", 1),
])
def test_malformed_format_has_a_caret_under_the_position(format, position):
    with pytest.raises(libpybuffer.FormatError) as caught:
        libpybuffer.parse(format)
    error, shown = caught.value, str(caught.value).splitlines()
    text = format.decode() if isinstance(format, bytes) else format
    assert isinstance(error, ValueError)
    assert (error.format, error.position) == (text, position)
    assert shown[1:] == ["    " + text.replace("\0", " "), "    " + " " * position + "^"]
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    with pytest.raises(ValueError, match="position|at byte"):
        libpybuffer.itemsize(format)
    for a, b in (format, "i"), ("i", format):
        with pytest.raises(ValueError):
            libpybuffer.equivalent(a, b)


def test_table_of_a_format_has_no_control_characters():
    lines = str(libpybuffer.parse("T{i:a\n\x1b[2J:}")).split("\n")
    assert len(lines) == 4 and lines[3].split()[2] == "a\\n\\x1b[2J", lines


def test_long_malformed_format_is_shown_around_the_position():
    with pytest.raises(libpybuffer.FormatError) as caught:
        libpybuffer.parse("i" * 1000 + "\n]" + "i" * 1000)
    _, shown, caret = str(caught.value).splitlines()
    assert shown[caret.index("^")] == "]" and len(shown) < 90


def test_equivalent_is_of_the_memory():
    assert libpybuffer.equivalent("T{(2)h:a:}", "hh") is True
    assert libpybuffer.equivalent("<i", ">i") is False
    assert libpybuffer.equivalent(b"i", "=i")


@pytest.mark.parametrize("wrong", [None, 1, bytearray(b"i")])
def test_format_of_another_type_is_a_type_error(wrong):
    for call in (lambda: libpybuffer.parse(wrong), lambda: libpybuffer.itemsize(wrong),
                 lambda: libpybuffer.equivalent(wrong, "i"), lambda: libpybuffer.equivalent("i", wrong)):
        with pytest.raises(TypeError, match="must be a str or bytes"):
            call()

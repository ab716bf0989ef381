"""view: layouts, bounds, and how long the memory lives."""

import gc
import sys
import weakref

import pytest

import libpybuffer


def test_view_has_the_layout_that_was_asked_for():
    memory = bytearray(range(24))
    view = libpybuffer.view(memory, (2, 3), strides=(-12, 4), offset=12, format="<i")
    assert (view.shape, view.strides, view.format, view.itemsize, view.ndim) == ((2, 3), (-12, 4), "<i", 4, 2)
    assert view.tobytes() == bytes(memory[12:] + memory[:12])
    assert not view.readonly
    assert libpybuffer.view(bytes(24), [24]).readonly
    assert libpybuffer.view(memory, ()).tolist() == 0


def test_view_without_strides_is_in_c_order_and_has_the_format_of_its_exporter():
    view = libpybuffer.view(memoryview(bytes(24)).cast("i"), (3, 2))
    assert (view.strides, view.format) == ((8, 4), "i")
    assert libpybuffer.view(b"abc", (3,), None, 0, None).tolist() == [97, 98, 99]


def test_view_is_written_through():
    memory = bytearray(6)
    libpybuffer.copyto(libpybuffer.view(memory, (3, 2), (1, 3)), libpybuffer.view(b"abcdef", (3, 2)))
    assert memory == b"acebdf"


@pytest.mark.parametrize("arguments, text", [
    (dict(shape=(7,)), r"shape \(7,\), strides \(1,\) and offset 0: not all items"),
    (dict(shape=(2, 3), strides=(3, 2)), "not all items"),
    (dict(shape=(2,), strides=(-1,)), "not all items"),
    (dict(shape=(1,), offset=6), "not all items"),
    (dict(shape=(1,), offset=-1), "not all items"),
    (dict(shape=(2,), strides=(sys.maxsize,)), "not all items"),
    (dict(shape=(-1,)), r"shape\[0\] is -1"),
    (dict(shape=(2 ** 40, 2 ** 40), strides=(0, 0)), "more bytes than there are addresses"),
    (dict(shape=(2 ** 40, 2 ** 40)), "more bytes than there are addresses"),
    (dict(shape=(10 ** 30,)), "view: each number of shape: 1000000000000000000000000000000 is beyond all addresses"),
    (dict(shape=(1,), strides=(-10 ** 30,)), "view: each number of strides: -10"),
    (dict(shape=(1,), offset=10 ** 30), "view: offset: 10"),
    (dict(shape=(0,), offset=7), "not all items"),
    (dict(shape=(0,), offset=-1), "not all items"),
    (dict(shape=(0,), offset=5, format="h"), "multiple of the itemsize"),
    (dict(shape=(1,) * 65), "65 numbers, and a memoryview at most 64"),
    (dict(shape=(1, 1), strides=(1,)), "shape has 2 numbers, strides has 1"),
    (dict(shape=(1,), offset=1, format="h"), "offset 1 is not a multiple of the itemsize, 2"),
    (dict(shape=(2,), strides=(3,), format="h"), r"strides\[0\], 3, is not a multiple of the itemsize, 2"),
    (dict(shape=(1,), format="i]"), "position 1 of the format"),
    (dict(shape=(1,), format="i\0"), "view: format has a null character at byte 1"),
    (dict(shape=(1,), format=""), "itemsize is 0"),
    (dict(shape=(1,), format="0s"), "itemsize is 0"),
])
def test_view_that_cannot_be_is_a_value_error(arguments, text):
    with pytest.raises(ValueError, match=text):
        libpybuffer.view(b"abcdef", **arguments)


@pytest.mark.parametrize("arguments, text", [
    (dict(shape=3), "view: shape must be a sequence of integers, not 3"),
    (dict(shape=None), "view: shape must be a sequence of integers, not None"),
    (dict(shape=object()), "not iterable"),
    (dict(shape=(1.5,)), "view: each number of shape must be an integer, not 1.5"),
    (dict(shape=(1,), strides=1), "view: strides must be a sequence of integers, not 1"),
    (dict(shape=(1,), strides="a"), "view: each number of strides must be an integer, not 'a'"),
    (dict(shape=(1,), offset=None), "view: offset must be an integer, not None"),
    (dict(shape=(1,), format=1), "view: format must be a str or bytes, not 1"),
])
def test_view_of_wrong_types_is_a_type_error(arguments, text):
    with pytest.raises(TypeError, match=text):
        libpybuffer.view(b"abcdef", **arguments)


def test_exceptions_of_a_number_are_its_own():
    class Number:
        def __index__(self):
            raise ValueError("mine")

    for arguments in dict(shape=(Number(),)), dict(shape=(1,), offset=Number()):
        with pytest.raises(ValueError, match="^mine$"):
            libpybuffer.view(b"abcdef", **arguments)
    with pytest.raises(ValueError, match="^mine$"):
        libpybuffer.copyto(bytearray(1), b"a", threads=Number())


def test_view_of_memory_with_gaps_is_a_buffer_error():
    with pytest.raises(BufferError, match="not contiguous"):
        libpybuffer.view(memoryview(b"abcdef")[::2], (1,))


def test_view_keeps_the_memory_in_its_place_until_the_last_of_it_is_gone():
    memory = bytearray(6)
    view = libpybuffer.view(memory, (3, 2))
    part = view[1:]
    view.release()
    for _ in range(2):
        with pytest.raises(BufferError):
            memory.append(1)
    del view
    part.release()
    memory.append(1)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="classes export since 3.12")
def test_view_keeps_its_exporter_alive_and_releases_it_once():
    released = []

    class Exporter:
        def __buffer__(self, flags):
            return memoryview(b"abcdef")

        def __release_buffer__(self, view):
            released.append(view)

    exporter = Exporter()
    alive = weakref.ref(exporter)
    view = libpybuffer.view(exporter, (2,), (3,))
    del exporter
    gc.collect()
    assert alive() is not None and view.tolist() == [97, 100] and not released
    del view
    gc.collect()
    assert alive() is None and len(released) == 1


def test_view_in_a_cycle_with_its_exporter_is_collected():
    class Owner(bytearray):
        pass

    owner = Owner(8)
    owner.view = libpybuffer.view(owner, (8,))
    gone = weakref.ref(owner)
    del owner
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("shape", [(0, 2 ** 40, 2 ** 40), (2 ** 40, 0, 2 ** 40), (2 ** 40, 2 ** 40, 0)])
def test_shape_without_items_is_empty_whatever_its_other_numbers(shape):
    assert libpybuffer.tobytes(libpybuffer.view(b"abcd", shape)) == b""
    assert libpybuffer.view(b"abcd", shape, offset=4).shape == shape
    assert libpybuffer.view(b"", shape, format="d").nbytes == 0

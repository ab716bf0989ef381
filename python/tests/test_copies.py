"""tobytes, copyto, contiguous, is_contiguous: against memoryview, in every kind of exporter."""

import contextlib
import gc
import subprocess
import sys
import threading
import time

import pytest

import libpybuffer
from exporters import BYTES, readonly, writable

WRITABLE = dict(writable())
ALL = dict(WRITABLE, **{"read-only " + name: make for name, make in readonly()})


@pytest.mark.parametrize("order", ["C", "F", "A", None])
@pytest.mark.parametrize("name", ALL)
def test_tobytes_is_what_memoryview_says(name, order):
    exporter = ALL[name]()
    assert libpybuffer.tobytes(exporter, order) == memoryview(exporter).tobytes(order)
    assert libpybuffer.tobytes(exporter) == libpybuffer.tobytes(obj=exporter, order="C") == BYTES


def test_tobytes_of_every_layout_of_small_arrays():
    memory = bytes(range(200))
    for shape in [(), (0,), (5,), (2, 3), (3, 0, 2), (2, 3, 4), (2, 1, 3, 2)]:
        for strides in strides_of(shape):
            view = libpybuffer.view(memory, shape, strides, offset=100)
            for order in "CFA":
                assert libpybuffer.tobytes(view, order) == view.tobytes(order), (shape, strides, order)


def strides_of(shape):
    """C order, Fortran order, both backwards, one wider, and broadcast."""
    c, fortran, step = [], [], 1
    for extent in reversed(shape):
        c.insert(0, step)
        step *= max(extent, 1)
    step = 1
    for extent in shape:
        fortran.append(step)
        step *= max(extent, 1)
    yield from (c, fortran, [-s for s in c], [-s for s in fortran], [2 * s for s in c], [0] * len(shape))


@pytest.mark.parametrize("name", WRITABLE)
def test_copyto_fills_every_exporter(name):
    dst, like = WRITABLE[name](), memoryview(WRITABLE[name]())
    zeros = libpybuffer.view(bytes(64), like.shape, [0] * like.ndim, format=like.format)
    libpybuffer.copyto(dst, zeros)
    assert libpybuffer.tobytes(dst) == bytes(24)
    assert libpybuffer.copyto(dst, like) is None
    assert libpybuffer.tobytes(dst) == BYTES
    libpybuffer.copyto(dst=dst, src=like)


def test_copyto_of_what_overlaps_reads_first():
    memory = bytearray(b"abcdef")
    libpybuffer.copyto(memory, memoryview(memory)[::-1])
    assert memory == b"fedcba"


@pytest.mark.parametrize("name", dict(readonly()))
def test_copyto_of_a_readonly_destination_is_a_buffer_error(name):
    dst = dict(readonly())[name]()
    with pytest.raises(BufferError, match="^copyto: dst is read-only: "):
        libpybuffer.copyto(dst, bytes(24))
    assert libpybuffer.tobytes(dst) == BYTES


@pytest.mark.parametrize("src", [b"short", b"too long for it", memoryview(b"untouched").cast("B", (3, 3)),
                                 memoryview(bytes(18)).cast("H")], ids=["short", "long", "ndim", "itemsize"])
def test_copyto_of_another_shape_is_a_buffer_error(unchanged, src):
    with pytest.raises(BufferError, match="same shape and itemsize"):
        libpybuffer.copyto(unchanged, src)


@pytest.mark.parametrize("function", [libpybuffer.tobytes, libpybuffer.contiguous, libpybuffer.check,
                                      lambda obj: libpybuffer.is_contiguous(obj, "C"),
                                      lambda obj: libpybuffer.view(obj, (1,)),
                                      lambda obj: libpybuffer.copyto(obj, b"abc"),
                                      lambda obj: libpybuffer.copyto(bytearray(3), obj)])
@pytest.mark.parametrize("nothing", [1, "abc", None, object()], ids=lambda nothing: type(nothing).__name__)
def test_no_exporter_is_a_type_error_with_its_type(function, nothing):
    with pytest.raises(TypeError, match="a bytes-like object is required, not '{}'".format(type(nothing).__name__)):
        function(nothing)


@pytest.mark.parametrize("function", [libpybuffer.tobytes, libpybuffer.contiguous, libpybuffer.is_contiguous])
@pytest.mark.parametrize("order, error", [("X", ValueError), ("", ValueError), ("CF", ValueError), ("c", ValueError),
                                          (b"C", TypeError), (1, TypeError)])
def test_unknown_order_is_an_error(function, order, error):
    with pytest.raises(error, match="order must be 'C', 'F' or 'A', not "):
        function(b"abc", order)


@pytest.mark.parametrize("function", [libpybuffer.tobytes, libpybuffer.contiguous,
                                      lambda view: libpybuffer.is_contiguous(view, "C"),
                                      lambda view: libpybuffer.view(view, (1,)),
                                      lambda view: libpybuffer.copyto(view, b"abc"),
                                      lambda view: libpybuffer.copyto(bytearray(3), view)])
def test_released_memoryview_is_a_value_error(function):
    view = memoryview(bytearray(3))
    view.release()
    with pytest.raises(ValueError, match="released memoryview"):
        function(view)


@pytest.mark.parametrize("call, text", [
    (lambda: libpybuffer.tobytes(), "missing required argument 'obj'"),
    (lambda: libpybuffer.tobytes(order="C"), "missing required argument 'obj'"),
    (lambda: libpybuffer.tobytes(b"", "C", 1), "2 positional arguments"),
    (lambda: libpybuffer.tobytes(b"", obj=b""), "given by name"),
    (lambda: libpybuffer.tobytes(b"", colour="C"), "colour"),
    (lambda: libpybuffer.copyto(bytearray(), b"", 1), "2 positional arguments"),
    (lambda: libpybuffer.copyto(bytearray()), "argument"),
])
def test_wrong_calls_are_type_errors(call, text):
    with pytest.raises(TypeError, match=text):
        call()


@pytest.mark.parametrize("call", [
    lambda large: libpybuffer.tobytes(b"abc", large), lambda large: libpybuffer.contiguous(b"abc", large.encode()),
    lambda large: libpybuffer.tobytes(b"abc", threads=large), lambda large: libpybuffer.itemsize([large]),
    lambda large: libpybuffer.view(b"abc", shape=(large,)),
])
def test_messages_do_not_grow_with_what_they_show(call):
    with pytest.raises((TypeError, ValueError)) as raised:
        call("x" * 100000)
    assert len(str(raised.value)) < 300


def test_contiguous_copies_only_what_it_has_to():
    data = bytearray(range(24))
    grid = memoryview(data).cast("B", (4, 6))
    turned = libpybuffer.view(data, (6, 4), (1, 6))
    for view, order, is_kept in [(grid, "C", True), (grid, "A", True), (grid, "F", False), (turned, "F", True),
                                 (turned, "A", True), (turned, "C", False), (grid[::2], "A", False)]:
        found = libpybuffer.contiguous(view, order)
        assert isinstance(found, memoryview)
        assert libpybuffer.is_contiguous(view, order) is is_kept
        assert libpybuffer.is_contiguous(found, order)
        assert (type(found.obj) is not bytes) is is_kept
        assert found.readonly is not is_kept
        assert found.tolist() == view.tolist()


@pytest.mark.skipif(not hasattr(sys, "getrefcount"), reason="references are not counted here")
def test_no_reference_is_left_or_taken():
    data, view = bytearray(range(24)), memoryview(bytearray(24))
    before = sys.getrefcount(data), sys.getrefcount(view)
    for _ in range(1000):
        libpybuffer.tobytes(data, "F")
        libpybuffer.copyto(view, data)
        libpybuffer.contiguous(view[::2])
        libpybuffer.view(data, [2, 3], strides=(3, 1), offset=1, format="b")
        for wrong in (lambda: libpybuffer.copyto(view, b"abc"), lambda: libpybuffer.view(data, (99,)),
                      lambda: libpybuffer.tobytes(data, "X"), lambda: libpybuffer.view(data, (1,), format="?]")):
            with pytest.raises((BufferError, ValueError)):
                wrong()
    gc.collect()
    assert (sys.getrefcount(data), sys.getrefcount(view)) == before
    data.append(1)  # a BufferError if a view were still held


def test_large_copies_release_the_gil():
    size = 32 << 20
    dst, src = bytearray(size), memoryview(bytes(2 * size))[::2]
    n_ticks, is_done = 0, False

    def tick():
        nonlocal n_ticks
        while not is_done:
            n_ticks += 1
            time.sleep(0.0005)

    other = threading.Thread(target=tick)
    other.start()
    before, end = n_ticks, time.monotonic() + 10
    # One call of a second or so in all: a thread that never got the GIL meanwhile would not tick.
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1000)
    try:
        while n_ticks < before + 5 and time.monotonic() < end:
            libpybuffer.copyto(dst, src)
    finally:
        sys.setswitchinterval(interval)
        is_done = True
        other.join()
    assert n_ticks >= before + 5


def test_memory_cannot_move_during_a_large_copy():
    n = 16 << 20
    dst, source = bytearray(n), bytes(n)

    def resize():
        for _ in range(20):
            with contextlib.suppress(BufferError):  # a copy was going on
                if len(dst) > n:
                    del dst[-1:]
                else:
                    dst.extend(b"x")
            time.sleep(0.0005)

    other = threading.Thread(target=resize)
    other.start()
    while other.is_alive():
        with contextlib.suppress(BufferError):  # it had one byte more just then
            libpybuffer.copyto(dst, source)
    other.join()
    assert len(dst) in (n, n + 1)


HUGE_PAGES = """
import libpybuffer, mmap, sys
data = bytes(16 << 20)
if "shared" in sys.argv:
    libpybuffer.copyto(mmap.mmap(-1, len(data)), data)
def huge():
    with open("/proc/self/smaps_rollup") as lines:
        return sum(int(line.split()[1]) for line in lines if line.startswith("AnonHugePages"))
before = huge()
kept = libpybuffer.tobytes(memoryview(data).cast("B", (4096, 4096)), "F")
print(huge() - before)
"""


def test_copy_into_shared_memory_leaves_huge_pages_to_others():
    def kib(*arguments):
        return int(subprocess.check_output([sys.executable, "-c", HUGE_PAGES, *arguments]))

    if not kib():
        pytest.skip("the system has no huge pages, or does not give them")
    assert kib("shared")


@pytest.mark.skipif(sys.version_info < (3, 12), reason="classes have no __buffer__")
@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, RuntimeError])
def test_copyto_leaves_the_exporter_s_own_exceptions(error):
    class Refuses:
        def __buffer__(self, flags):
            if flags & 1:
                raise error("mine")
            return memoryview(b"abcd")

    with pytest.raises(error, match="mine"):
        libpybuffer.copyto(Refuses(), b"abcd")

"""to_dlpack and from_dlpack: against NumPy's and PyTorch's own answers, where these are installed."""

import array
import ctypes
import gc
import subprocess
import sys
import threading
import weakref

import pytest

import libpybuffer
from exporters import BYTES, writable

numpy = pytest.importorskip("numpy")
WRITABLE = dict(writable())
NUMBERS = ["?", "b", "B", "h", "H", "i", "I", "q", "Q", "e", "f", "d", "F", "D"]
needs_numpy_2 = pytest.mark.skipif(not hasattr(numpy, "from_dlpack") or numpy.__version__ < "2.1",
                                   reason="NumPy before 2.1 makes no versioned tensors")


def producer(array):
    """An object that has nothing of a NumPy array but DLPack."""
    class Producer:
        def __dlpack__(self, **named):
            return array.__dlpack__(**named)

        def __dlpack_device__(self):
            return array.__dlpack_device__()

    return Producer()


def slices(dtype):
    """Arrays of all shapes of layout."""
    whole = (numpy.arange(60) % 2 if dtype == "?" else numpy.arange(60)).astype(dtype).reshape(3, 4, 5)
    yield "C", whole
    yield "F", numpy.asfortranarray(whole)
    yield "transposed", whole.transpose(2, 0, 1)
    yield "stepped", whole[::2, 1:, ::3]
    yield "backwards", whole[::-1, :, ::-2]
    yield "broadcast", numpy.broadcast_to(whole[0, 0], (4, 5))
    yield "empty", whole[:, :0]
    yield "one", whole[1:2, 2:3, 3:4]
    yield "no dimensions", whole[1, 2, 3, ...]


def steps(view):
    """The strides that mean something."""
    return [stride for stride, n in zip(view.strides, view.shape) if n > 1] if 0 not in view.shape else []


CASES = [(dtype, name) for dtype in NUMBERS for name, _ in slices("B")]


@needs_numpy_2
@pytest.mark.parametrize("dtype, name", CASES)
def test_numpy_takes_what_it_would_take_from_itself(dtype, name):
    source = dict(slices(dtype))[name]
    taken = numpy.from_dlpack(libpybuffer.to_dlpack(source))
    expected = numpy.from_dlpack(source)
    assert (taken.dtype, taken.shape, steps(taken)) == (expected.dtype, expected.shape, steps(expected))
    assert taken.flags.writeable == expected.flags.writeable
    assert taken.tobytes() == source.tobytes()
    if source.size and source.flags.writeable:
        taken[...] = 1
        assert (source == 1).all()


@needs_numpy_2
@pytest.mark.parametrize("dtype, name", CASES)
def test_numpy_s_tensors_are_its_own_buffers(dtype, name):
    source = dict(slices(dtype))[name]
    view, expected = libpybuffer.from_dlpack(producer(source)), memoryview(source)
    assert (view.shape, view.itemsize, view.nbytes, view.readonly) == (
        expected.shape, expected.itemsize, expected.nbytes, expected.readonly)
    assert libpybuffer.equivalent(view.format, expected.format)
    assert view.tobytes() == source.tobytes()
    assert steps(view) == steps(expected)


@pytest.mark.parametrize("name", [name for name in WRITABLE if "records" not in name])
def test_every_exporter_goes_there_and_back(name):
    exporter = WRITABLE[name]()
    view = libpybuffer.from_dlpack(libpybuffer.to_dlpack(exporter))
    assert libpybuffer.tobytes(view) == BYTES
    libpybuffer.copyto(view, libpybuffer.view(bytes(64), view.shape, [0] * view.ndim, format=view.format))
    assert libpybuffer.tobytes(exporter) == bytes(24)


@needs_numpy_2
def test_readonly_memory_stays_readonly():
    assert libpybuffer.from_dlpack(libpybuffer.to_dlpack(b"abc")).readonly
    assert not numpy.from_dlpack(libpybuffer.to_dlpack(b"abc")).flags.writeable
    locked = numpy.arange(3)
    locked.flags.writeable = False
    assert libpybuffer.from_dlpack(producer(locked)).readonly


def test_old_consumers_get_the_old_struct_but_for_readonly_memory():
    tensor = libpybuffer.to_dlpack(bytearray(3))
    assert '"dltensor"' in repr(tensor.__dlpack__())
    assert '"dltensor_versioned"' in repr(tensor.__dlpack__(max_version=(1, 0)))
    with pytest.raises(BufferError, match="read-only"):
        libpybuffer.to_dlpack(b"abc").__dlpack__()
    assert '"dltensor"' in repr(libpybuffer.to_dlpack(b"abc").__dlpack__(copy=True))


class Old:
    """A producer from before DLPack 1.0."""
    def __init__(self, exporter):
        self.tensor = libpybuffer.to_dlpack(exporter)

    def __dlpack__(self):
        return self.tensor.__dlpack__()

    def __dlpack_device__(self):
        return 1, 0


def test_old_producers_are_taken_from():
    memory = bytearray(b"abc")
    view = libpybuffer.from_dlpack(Old(memory))
    view[0] = ord("x")
    assert memory == b"xbc"


def test_a_copy_is_the_consumer_s_own():
    memory = bytearray(b"abcdef")
    every_second = memoryview(memory)[::2]

    class Copied:
        __dlpack_device__ = staticmethod(lambda: (1, 0))
        __dlpack__ = staticmethod(lambda **named: libpybuffer.to_dlpack(every_second).__dlpack__(copy=True, **named))

    view = libpybuffer.from_dlpack(Copied())
    assert (view.tobytes(), view.strides, view.readonly) == (b"ace", (1,), False)
    view[0] = 0
    assert memory == b"abcdef"


@pytest.mark.parametrize("exporter, why", [
    (numpy.zeros(3, ">i4"), "native byte order"), (numpy.zeros(3, "O"), "references to objects"),
    (numpy.zeros(3, "U2"), "text"), (numpy.zeros(3, "i4, f8"), "structs"),
    (numpy.zeros(3, "S2"), "text"), (numpy.zeros(3, "g"), "has no DLPack type"),
    (numpy.zeros(4, "i4, i2")["f0"], "copy"), (libpybuffer.view(bytes(8), (2,), format="Bxxx"), "padded"),
], ids=lambda value: value if isinstance(value, str) else "")
def test_what_has_no_type_is_a_buffer_error_with_the_reason(exporter, why):
    with pytest.raises(BufferError, match=why):
        libpybuffer.to_dlpack(exporter).__dlpack__(max_version=(1, 0))


def test_suboffsets_are_followed_by_copies_only():
    testbuffer = pytest.importorskip("_testbuffer")
    rows = testbuffer.ndarray(list(range(12)), shape=[3, 4], format="B", flags=testbuffer.ND_PIL)
    tensor = libpybuffer.to_dlpack(rows)
    with pytest.raises(BufferError, match="copy"):
        tensor.__dlpack__(max_version=(1, 0))
    tensor.__dlpack__(max_version=(1, 0), copy=True)


@pytest.mark.parametrize("named, error, text", [
    ({"stream": 1}, ValueError, "stream must be None"), ({"dl_device": (2, 0)}, BufferError, r"\(2, 0\)"),
    ({"dl_device": 1}, TypeError, "dl_device must be two numbers"), ({"max_version": "1.0"}, TypeError, "max_version"),
    ({"max_version": (1,)}, TypeError, "max_version"), ({"max_version": (2**40, 0)}, TypeError, "max_version"),
    ({"shape": 1}, TypeError, "shape"),
])
def test_wrong_requests_are_refused(named, error, text):
    memory = bytearray(3)
    with pytest.raises(error, match=text):
        libpybuffer.to_dlpack(memory).__dlpack__(**named)
    memory.append(0)


def on_device(device, capsule=None):
    class Producer:
        def __dlpack__(self, **named):
            return capsule

        def __dlpack_device__(self):
            return device

    return Producer()


@pytest.mark.parametrize("x, error, text", [
    (1, TypeError, "int"), (b"abc", TypeError, "__dlpack__"), (on_device((2, 0)), BufferError, r"device \(2, 0\)"),
    (on_device(None), TypeError, "__dlpack_device__"), (on_device((1, 0)), TypeError, "no capsule"),
    (on_device((1, 0), b"abc"), TypeError, "no capsule"),
])
def test_what_is_no_tensor_of_the_cpu_is_an_error(x, error, text):
    with pytest.raises(error, match=text):
        libpybuffer.from_dlpack(x)


@pytest.mark.parametrize("name", ["__dlpack__", "__dlpack_device__"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, TypeError])
def test_what_a_producer_raises_is_passed_on(name, error):
    def raises(self):
        raise error("mine")

    lacking = on_device((1, 0))
    setattr(type(lacking), name, property(raises))
    with pytest.raises(error, match="mine"):
        libpybuffer.from_dlpack(lacking)
    setattr(type(lacking), name, lambda self, **named: raises(self))
    with pytest.raises(error, match="mine"):
        libpybuffer.from_dlpack(lacking)


def test_what_a_number_raises_is_passed_on():
    class Number:
        def __index__(self):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        libpybuffer.to_dlpack(b"abc").__dlpack__(max_version=(Number(), 0))
    with pytest.raises(KeyboardInterrupt):
        libpybuffer.from_dlpack(on_device((1, Number())))


def test_messages_do_not_grow_with_what_they_show():
    large = "x" * 100000
    for call in [lambda: libpybuffer.from_dlpack(on_device((1, 0), large)), lambda: libpybuffer.from_dlpack(on_device(large)),
                 lambda: libpybuffer.to_dlpack(b"").__dlpack__(max_version=large)]:
        with pytest.raises(TypeError) as raised:
            call()
        assert len(str(raised.value)) < 400
    with pytest.raises(ValueError) as raised:
        libpybuffer.to_dlpack(b"").__dlpack__(stream=large)
    assert len(str(raised.value)) < 400


def test_a_tensor_is_taken_over_once():
    capsule = libpybuffer.to_dlpack(bytearray(3)).__dlpack__(max_version=(1, 0))
    producer = on_device((1, 0), capsule)
    view = libpybuffer.from_dlpack(producer)
    assert '"used_dltensor_versioned"' in repr(capsule)
    with pytest.raises(TypeError, match="used_dltensor_versioned"):
        libpybuffer.from_dlpack(producer)
    assert view.tobytes() == bytes(3)


@pytest.mark.parametrize("version", [None, (1, 0)])
def test_a_tensor_is_taken_over_once_by_what_a_collection_runs(version):
    """Before 3.12 any new object may start a garbage collection, and so a finaliser: here with each object in turn."""
    threshold = gc.get_threshold()
    try:
        for n_objects in range(14):
            memory, taken = bytearray(3), []
            producer = on_device((1, 0), libpybuffer.to_dlpack(memory).__dlpack__(max_version=version))

            def take():
                try:
                    taken.append(libpybuffer.from_dlpack(producer))
                except TypeError:  # another one has it
                    pass

            class Garbage:
                def __del__(self):
                    take()

            gc.collect()
            garbage = Garbage()
            garbage.itself = garbage
            del garbage
            gc.set_threshold(gc.get_count()[0] + n_objects, 1000, 1000)
            take()
            gc.set_threshold(0)
            gc.collect()
            assert len(taken) == 1
            taken.clear()
            memory.append(0)
    finally:
        gc.set_threshold(*threshold)


def test_a_tensor_is_taken_over_once_by_threads():
    n_threads, taken, n_taken = 4, [], 0
    start, end = threading.Barrier(n_threads + 1), threading.Barrier(n_threads + 1)
    producers = [on_device((1, 0), libpybuffer.to_dlpack(bytearray(3)).__dlpack__(max_version=version))
                 for version in [None, (1, 0)] * 100]

    def take():
        for producer in producers:
            start.wait()
            try:
                taken.append(libpybuffer.from_dlpack(producer))
            except TypeError:  # another one has it
                pass
            end.wait()

    threads = [threading.Thread(target=take, daemon=True) for _ in range(n_threads)]
    for thread in threads:
        thread.start()
    for _ in producers:
        start.wait(60)
        end.wait(60)
        n_taken += 1
        assert len(taken) == n_taken
    for thread in threads:
        thread.join()


def test_a_refused_tensor_stays_in_its_capsule():
    memory = bytearray(3)
    capsule = libpybuffer.to_dlpack(memory).__dlpack__(max_version=(1, 0))
    get = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(("PyCapsule_GetPointer",
                                                                                 ctypes.pythonapi))
    major = ctypes.c_uint32.from_address(get(capsule, b"dltensor_versioned"))
    major.value = 2
    with pytest.raises(BufferError, match="DLPack 2.0"):
        libpybuffer.from_dlpack(on_device((1, 0), capsule))
    assert '"dltensor_versioned"' in repr(capsule)
    major.value = 1
    assert libpybuffer.from_dlpack(on_device((1, 0), capsule)).tobytes() == bytes(3)


@pytest.mark.parametrize("version", [None, (1, 0)])
def test_the_view_is_held_as_long_as_somebody_uses_it(version):
    memory = bytearray(3)
    tensor = libpybuffer.to_dlpack(memory)
    memory.append(0)  # not yet
    capsule = tensor.__dlpack__(max_version=version)
    with pytest.raises(BufferError):
        memory.append(0)
    del capsule  # never taken over
    memory.append(0)
    view = libpybuffer.from_dlpack(tensor)
    part = view[1:]
    view.release()
    with pytest.raises(BufferError):
        memory.append(0)
    del view, part
    memory.append(0)


def test_the_source_is_kept_and_let_go():
    class Array(numpy.ndarray):
        pass

    source = numpy.arange(3).view(Array)
    alive = weakref.ref(source)
    view = libpybuffer.from_dlpack(source)
    del source
    gc.collect()
    assert view.tolist() == [0, 1, 2]
    del view
    gc.collect()
    assert alive() is None


def test_other_threads_may_drop_the_last_of_it():
    # One each: without a GIL, CPython's bytearray loses count of views that several threads release.
    memories = [bytearray(3) for _ in range(100)]
    views = [libpybuffer.from_dlpack(libpybuffer.to_dlpack(memory)) for memory in memories]
    threads = [threading.Thread(target=lambda: views.pop()) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for memory in memories:
        memory.append(0)


AT_THE_END = """\
import libpybuffer
kept = [libpybuffer.from_dlpack(libpybuffer.to_dlpack(bytearray(3))) for _ in range(3)]
capsule = libpybuffer.to_dlpack(bytearray(3)).__dlpack__(max_version=(1, 0))
kept.append(kept)
import builtins
builtins.kept = kept, capsule
"""


def test_tensors_may_outlive_everything():
    assert subprocess.call([sys.executable, "-c", AT_THE_END]) == 0


def test_tensors_are_made_by_to_dlpack_alone():
    with pytest.raises(TypeError, match="to_dlpack"):
        type(libpybuffer.to_dlpack(b"abc"))()
    with pytest.raises(TypeError, match="a bytes-like object is required"):
        libpybuffer.to_dlpack(1)


def test_a_tensor_in_a_cycle_is_collected():
    class Exporter(bytearray):
        pass

    exporter = Exporter(3)
    exporter.tensor = libpybuffer.to_dlpack(exporter)
    alive = weakref.ref(exporter)
    del exporter
    gc.collect()
    assert alive() is None


class TestTorch:
    """With PyTorch, where somebody installed it: it is too large to be installed for this."""
    DTYPES = ["uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64", "complex64", "complex128",
              "bool"]

    @pytest.fixture
    def torch(self):
        return pytest.importorskip("torch")

    @pytest.mark.parametrize("name", DTYPES)
    def test_both_ways(self, torch, name):
        source = torch.arange(24).to(getattr(torch, name)).reshape(2, 3, 4)
        for tensor in source, source.permute(2, 0, 1), source[:, ::2], source[:, :0], source[1, 2, 3]:
            view = libpybuffer.from_dlpack(tensor)
            assert view.shape == tuple(tensor.shape)
            assert "complex" in name or view.tolist() == tensor.tolist()
            back = torch.from_dlpack(libpybuffer.to_dlpack(view))
            assert back.dtype == tensor.dtype and torch.equal(back, tensor)
            assert back.data_ptr() == tensor.data_ptr() or tensor.numel() == 0

    def test_types_without_a_letter_are_bytes(self, torch):
        for name in "bfloat16", "float8_e4m3fn", "float8_e5m2":
            tensor = torch.zeros(3, dtype=getattr(torch, name))
            view = libpybuffer.from_dlpack(tensor)
            assert (view.format, view.itemsize) == ("2x" if name == "bfloat16" else "x", tensor.element_size())

    def test_ctypes_and_array(self, torch):
        for exporter in array.array("f", [1, 2]), (ctypes.c_float * 2)(1, 2):
            assert torch.from_dlpack(libpybuffer.to_dlpack(exporter)).tolist() == [1, 2]

"""Checks a CPython's own exporters by check_exporter.py (argument 1). None breaks a MUST, except those of ctypes, which
break three. Prints how many were checked."""

import array
import ctypes
import importlib.util
import io
import mmap
import pickle
import random
import sys

sys.dont_write_bytecode = True
spec = importlib.util.spec_from_file_location("check_exporter", sys.argv[1])
check_exporter = importlib.util.module_from_spec(spec)
spec.loader.exec_module(check_exporter)
library = check_exporter.load()
n_checked = 0


def rules_broken(exporter, severity=1):
    global n_checked
    n_checked += 1
    before = sys.getrefcount(exporter)
    report = check_exporter.check(library, exporter)
    assert sys.getrefcount(exporter) == before, exporter
    assert report.n_dropped == 0
    found = report.findings[:report.n_findings]
    return {f.rule.name.decode() for f in found if f.rule.severity == severity}, report


def sound_exporters():
    yield from (b"", b"abc", bytearray(), bytearray(b"abcdef"), io.BytesIO(b"abc").getbuffer())
    for code in array.typecodes:
        yield from (array.array(code), array.array(code, "ab" if code in "uw" else [1, 2, 3]))
    data = bytearray(range(96))
    view = memoryview(data)
    yield from (view, view[::2], view[::-1], view[5:5], view.toreadonly())
    for code in "bBhHiIlLqQnNfd?cP":
        yield view.cast(code)
        yield view[:8].cast(code, [8 // memoryview(bytes(8)).cast(code).itemsize])
    for shape in ([4, 6], [2, 3, 4], [1, 24], [1, 1, 24]):
        yield view.cast("B", [24 * 4]).cast("i", shape)
    yield view[:4].cast("i", [])
    yield view.cast("i", [4, 6])[::2]
    yield view.cast("i", [4, 6])[:0]
    yield memoryview(b"abc")
    yield mmap.mmap(-1, 100)
    yield pickle.PickleBuffer(data)
    yield pickle.PickleBuffer(view[::3])
    if sys.version_info >= (3, 12):
        class Wrapper:
            """An exporter written in Python."""

            def __buffer__(self, flags):
                return memoryview(data)

        yield Wrapper()
    try:
        from _testbuffer import ND_FORTRAN, ND_PIL, ND_WRITABLE, ndarray
    except ImportError:
        return
    for flags in 0, ND_WRITABLE, ND_FORTRAN, ND_PIL, ND_PIL | ND_WRITABLE:
        yield ndarray(list(range(12)), shape=[3, 4], format="i", flags=flags)
    yield ndarray(5, shape=[], format="d")
    yield ndarray(list(range(12)), shape=[3, 4], format="i")[::2, ::-1]
    yield ndarray([(1, 2)] * 3, shape=[3], format="hb")


for exporter in sound_exporters():
    broken, report = rules_broken(exporter)
    assert not broken, (exporter, check_exporter.text_of(library, report))
    assert report.n_requests == 38 and report.n_granted > 0, exporter
    # Without a GIL, references to instances of classes may not be counted.
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        continue
    # bytes of a length below 2 are immortal from 3.12 on.
    assert report.has_references or isinstance(exporter, bytes), exporter



def random_arrays():
    """Slices of CPython's test exporter, directly and by memoryviews: all flags, all strides."""
    try:
        import _testbuffer as t
    except ImportError:
        return
    rng = random.Random(3118)
    kinds = [0, t.ND_WRITABLE, t.ND_FORTRAN, t.ND_PIL, t.ND_PIL | t.ND_WRITABLE, t.ND_REDIRECT, t.ND_GETBUF_FAIL]
    for _ in range(600):
        shape = [rng.choice([0, 1, 2, 3, 5]) for _ in range(rng.randrange(1, 4))]
        kind, format = rng.choice(kinds), rng.choice(["B", "i", "<q", "3s"])
        n_items = max(1, shape[0] * (shape[1:] + [1])[0] * (shape[2:] + [1])[0])
        item = b"abc" if format == "3s" else 1
        exporter = t.ndarray([item] * n_items, shape=shape, format=format, flags=kind)
        if kind != t.ND_GETBUF_FAIL and rng.random() < 0.5:
            exporter = exporter[tuple(slice(None, None, rng.choice([1, 2, -1, -2])) for _ in shape)]
        can_view = kind not in (t.ND_GETBUF_FAIL, t.ND_REDIRECT)
        yield memoryview(exporter) if can_view and rng.random() < 0.5 else exporter


for exporter in random_arrays():
    broken, report = rules_broken(exporter)
    advice, _ = rules_broken(exporter, severity=0)
    expected = set() if report.n_granted else {"nothing-met"}  # ND_GETBUF_FAIL
    assert broken == expected and not advice, check_exporter.text_of(library, report)

growing = bytearray(b"abc")
rules_broken(growing)
growing.append(1)  # a BufferError if a view were still held

released = memoryview(b"abc")
released.release()
broken, report = rules_broken(released)
assert broken == {"nothing-met"} and report.n_granted == 0, broken

for exporter in (ctypes.c_int * 3)(), ctypes.c_double(), ctypes.create_string_buffer(4):
    broken, report = rules_broken(exporter)
    expected = {"strides", "shape", "format"} if hasattr(exporter, "__len__") else {"format"}
    assert broken == expected, check_exporter.text_of(library, report)

for nothing in 1, "abc", None:
    try:
        check_exporter.check(library, nothing)
    except TypeError as error:
        assert "a bytes-like object is required, not " in str(error), error
    else:
        raise AssertionError(nothing)


def verify_structure(memlen, itemsize, ndim, shape, strides, offset):
    """As the documentation of the buffer protocol defines it, rewritten; an itemsize of 0 is invalid."""
    if itemsize == 0 or offset % itemsize or offset < 0 or offset + itemsize > memlen:
        return False
    if any(stride % itemsize for stride in strides):
        return False
    if ndim <= 0:
        return ndim == 0 and not shape and not strides
    if 0 in shape:
        return True
    reach = [stride * (n - 1) for stride, n in zip(strides, shape)]
    low = sum(r for r, stride in zip(reach, strides) if stride <= 0)
    high = sum(r for r, stride in zip(reach, strides) if stride > 0)
    return 0 <= offset + low and offset + high + itemsize <= memlen


ssize_t = ctypes.c_ssize_t
library.pybuffer_verify_structure.argtypes = [ssize_t, ssize_t, ctypes.c_int, ctypes.c_void_p,
                                              ctypes.c_void_p, ssize_t]
most = sys.maxsize
rng = random.Random(3118)
numbers = [0, 1, 2, 3, 4, 6, 8, 12, 24, -1, -2, -4, -8, -12, most, -most - 1, most // 2, most - 3]
n_valid = 0
for _ in range(20000):
    ndim = rng.randrange(0, 5)
    pick = lambda: rng.choice(numbers if rng.random() < 0.3 else numbers[:13])
    shape, strides = [pick() for _ in range(ndim)], [pick() for _ in range(ndim)]
    memlen, itemsize, offset = pick() * rng.choice([1, 4]), pick(), pick()
    memlen = max(-most - 1, min(most, memlen))
    arrays = [(ssize_t * ndim)(*numbers_) if ndim else None for numbers_ in (shape, strides)]
    found = library.pybuffer_verify_structure(memlen, itemsize, ndim, *arrays, offset)
    expected = verify_structure(memlen, itemsize, ndim, shape, strides, offset)
    assert found == expected, (memlen, itemsize, ndim, shape, strides, offset)
    n_valid += expected
assert n_valid > 1000, n_valid

print(n_checked, "exporters checked")

"""The Python package beside memoryview, NumPy and the C functions in it: `make bench-package`.

    python benches/package.py [FILE]

All calls of a row are timed in turns, so that whatever else the machine does comes to each of them; the package's time is
the median of the turns, and the ratios are medians of each turn's. Results are compared before they are timed. FILE
gets the page in Markdown. The exit status is 1 if a small call takes more than 1.2 times as long as memoryview's, or a
large one more than 1.1 times as long as the C function, in three turns of four.
"""

import ctypes
import datetime
import os
import platform
import random
import statistics
import sys
import time
import timeit

import numpy

import libpybuffer

SMALL_LIMIT, LARGE_LIMIT = 1.2, 1.1
TURNS = 61
SECONDS = 0.002  # that a call is repeated for, in each turn

TITLE = """\
# The Python package

What a call of the package `libpybuffer` costs beside `memoryview`, NumPy and the C function that it calls. Written by
`make bench-package`, which measures in turns (`benches/package.py`). The other columns are their time over the package's:
above 1, the package is faster. NumPy's arrays are made beforehand. The C function is called by `ctypes` with views that were
got beforehand, and with a new `bytes` of its own where the package makes one. Times are those of the thread.
"""


class View(ctypes.Structure):
    """Py_buffer; of its members only `len` is read here."""
    _fields_ = [("buf", ctypes.c_void_p), ("obj", ctypes.c_void_p), ("len", ctypes.c_ssize_t), ("rest", ctypes.c_char * 56)]


def function(library, name, result, *arguments):
    found = getattr(library, name)
    found.restype, found.argtypes = result, arguments
    return found


def c_functions():
    """What the package calls: tobytes and copyto of views, by ctypes."""
    library = ctypes.PyDLL(os.path.join(libpybuffer.get_library_dir(), "libpybuffer.so"))
    view, size, integer, any_ = ctypes.POINTER(View), ctypes.c_ssize_t, ctypes.c_int, ctypes.py_object
    get = function(library, "pybuffer_PyObject_GetBuffer", integer, any_, view, integer)
    new = function(ctypes.pythonapi, "PyBytes_FromStringAndSize", any_, ctypes.c_void_p, size)
    to_contiguous = function(library, "pybuffer_PyBuffer_ToContiguous", integer, ctypes.c_void_p, view, size, ctypes.c_char)
    copy = function(library, "pybuffer_copy", integer, view, view)

    def view_of(obj, flags=0x11c):  # PyBUF_FULL_RO
        made = View()
        get(obj, made, flags)
        return made

    def tobytes(made, order=b"C"):
        result = new(None, made.len)
        to_contiguous(result, made, made.len, order)
        return result

    return view_of, tobytes, copy


def doubles(*shape):
    return numpy.arange(numpy.prod(shape), dtype="d").reshape(shape)


def reads():
    """Rows of tobytes: title, whether small, exporter, and what follows it in the call."""
    text = bytes(range(64))
    yield "64 bytes", True, text, ""
    yield "every second of 64 bytes", True, memoryview(text)[::2], ""
    yield "memoryview of 4 × 4 doubles", True, memoryview(doubles(4, 4)), ""
    yield "array of 4 × 4 doubles", True, doubles(4, 4), ""
    yield "the same, transposed", True, doubles(4, 4).T, ""
    yield "memoryview of 64 bytes", True, memoryview(text), ""
    yield "the same, `order='F'`", True, memoryview(text), "order='F'"
    yield "memoryview of 4 × 4 doubles, `'F'`", True, memoryview(doubles(4, 4)), "'F'"
    yield "the same, `order='F'`", True, memoryview(doubles(4, 4)), "order='F'"
    yield "32 MB of doubles", False, doubles(2048, 2048), ""
    yield "the same, transposed", False, doubles(2048, 2048).T, ""
    yield "every second of 4,000,000 doubles", False, doubles(4000000)[::2], ""
    planes = numpy.zeros((3, 1080, 1920), "B")
    planes[:] = numpy.arange(1920) % 251
    yield "three planes of 1920 × 1080 bytes to pixels", False, planes.transpose(1, 2, 0), ""


def writes():
    """Rows of copyto: title, whether small, destination, source."""
    yield "64 bytes", True, bytearray(64), bytes(range(64))
    yield "32 bytes to every second", True, memoryview(bytearray(64))[::2], bytes(range(32))
    yield "4 × 4 doubles", True, numpy.zeros((4, 4)), doubles(4, 4)
    yield "4 × 4 doubles, transposed", True, numpy.zeros((4, 4)), doubles(4, 4).T
    yield "32 MB of doubles", False, numpy.zeros((2048, 2048)), doubles(2048, 2048)
    yield "32 MB of doubles, transposed", False, numpy.zeros((2048, 2048)), doubles(2048, 2048).T
    planes, pixels = numpy.ones((3, 1080, 1920), "B"), numpy.zeros((1080, 1920, 3), "B")
    yield "three planes of 1920 × 1080 bytes to pixels", False, pixels, planes.transpose(1, 2, 0)


def read_calls(obj, order):
    """The package's call and its rivals', by name, and the names that they use."""
    view_of, tobytes, _ = c_functions()
    letter = "F" if order else "C"
    comma = ", " if order else ""
    names = {"obj": obj, "array": numpy.asarray(memoryview(obj)), "view": view_of(obj), "c_tobytes": tobytes,
             "tobytes": libpybuffer.tobytes, "ascontiguousarray": numpy.ascontiguousarray}
    calls = {"ours": f"tobytes(obj{comma}{order})",
             "memoryview": f"memoryview(obj).tobytes({order})",
             "NumPy": f"ascontiguousarray(array).tobytes({order})",
             "C function": f"c_tobytes(view, b'{letter}')"}
    expected = names["array"].tobytes(letter)
    for call in calls.values():
        assert eval(call, names) == expected, call
    return calls, names


def write_calls(dst, src):
    view_of, _, copy = c_functions()
    names = {"dst": dst, "src": src, "copyto": libpybuffer.copyto, "c_copy": copy, "numpy_copyto": numpy.copyto,
             "dst_array": numpy.asarray(memoryview(dst)), "src_array": numpy.asarray(memoryview(src)), "dst_view": view_of(dst, 0x11d),
             "src_view": view_of(src)}
    calls = {"ours": "copyto(dst, src)", "NumPy": "numpy_copyto(dst_array, src_array)",
             "C function": "c_copy(dst_view, src_view)"}
    if names["dst_array"].ndim == 1:  # memoryview assigns no other
        calls["memoryview"] = "memoryview(dst)[:] = src"
    for call in calls.values():
        names["dst_array"][...] = 77
        exec(call, names)
        assert numpy.array_equal(names["dst_array"], names["src_array"]), call
    return calls, names


def measure(calls, names, is_small):
    """The seconds of this thread that a call of each takes, turn by turn."""
    timers = {name: timeit.Timer(call, timer=time.thread_time, globals=names) for name, call in calls.items()}
    counts = {}
    for name, timer in timers.items():
        counts[name] = max(1, int(SECONDS / min(timer.repeat(3, 1000 if is_small else 1)) * (1000 if is_small else 1)))
    seconds = {name: [] for name in calls}
    for _ in range(TURNS if is_small else TURNS // 4):
        for name in random.sample(list(calls), len(calls)):
            seconds[name].append(timers[name].timeit(counts[name]) / counts[name])
    return seconds


def text_of(seconds):
    for unit, size in ("ms", 1e-3), ("µs", 1e-6):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.0f} ns"


def row(title, is_small, calls, names):
    """A line of the table, and what is too slow in it."""
    seconds = measure(calls, names, is_small)
    turns = {name: [theirs / ours for theirs, ours in zip(seconds[name], seconds["ours"])] for name in calls}
    ratios = {name: statistics.median(turns[name]) for name in calls}
    cells = [title, text_of(statistics.median(seconds["ours"]))]
    # By ctypes a small call takes longer than what it calls.
    shown = ["memoryview", "NumPy"] + ([] if is_small else ["C function"])
    for name in "memoryview", "NumPy", "C function":
        cells.append(f"{ratios[name]:.2f}" if name in shown and name in ratios else "")
    rival, limit = ("memoryview", SMALL_LIMIT) if is_small else ("C function", LARGE_LIMIT)
    slow = []
    # In three turns of four: other tenants of the machine are not to blame.
    if rival in ratios and statistics.quantiles(turns[rival], n=4)[2] < 1 / limit:
        slow.append(f"{title}: {1 / ratios[rival]:.2f} times as long as {rival}")
    line = "| " + " | ".join(cells) + " |"
    print(line, flush=True)
    return line, slow


def cpu():
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def main(arguments):
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    where = (f"{datetime.date.today()}: libpybuffer {libpybuffer.__version__}, CPython {platform.python_version()}, "
             f"NumPy {numpy.__version__}, {cpu()}.")
    print(where)
    page, slow = [TITLE, where], []
    for name, calls_of, cases in ("tobytes(obj)", read_calls, reads()), ("copyto(dst, src)", write_calls, writes()):
        head = [f"\n| `{name}` of | package | memoryview | NumPy | C function |", "|---|---:|---:|---:|---:|"]
        print("\n".join(head))
        page += head
        for title, is_small, *objects in cases:
            line, found = row(title, is_small, *calls_of(*objects))
            page.append(line)
            slow += found
    for line in slow:
        print("TOO SLOW:", line)
    for file in arguments:
        with open(file, "w", encoding="utf-8") as out:
            out.write("\n".join(page) + "\n")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

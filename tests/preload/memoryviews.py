"""The library's memoryviews, used from Python: in threads, in other interpreters, in cycles.

Argument 1 is libpybuffer.so. A failure raises AssertionError; a hang ends with a traceback. The last line
printed names the module that made the other interpreters.
"""

import faulthandler
import gc
import sys
import threading
import weakref

# Runs in every interpreter, after a definition of LIBRARY.
WORK = r"""
import ctypes, pickle, sys
from ctypes import POINTER, byref, c_char, c_char_p, c_int, c_ssize_t, c_void_p, py_object

class Py_buffer(ctypes.Structure):
    _fields_ = [
        ("buf", c_void_p), ("obj", c_void_p), ("len", c_ssize_t), ("itemsize", c_ssize_t),
        ("readonly", c_int), ("ndim", c_int), ("format", c_void_p),
        ("shape", POINTER(c_ssize_t)), ("strides", POINTER(c_ssize_t)),
        ("suboffsets", POINTER(c_ssize_t)), ("internal", c_void_p),
    ]

def function(name, *parameters):
    found = getattr(ctypes.PyDLL(LIBRARY), name)
    found.restype, found.argtypes = py_object, parameters
    return found

from_object = function("PyMemoryView_FromObject", py_object)
from_buffer = function("PyMemoryView_FromBuffer", POINTER(Py_buffer))
get_contiguous = function("PyMemoryView_GetContiguous", py_object, c_int, c_char)
with_owner = function("pybuffer_memoryview_from_buffer_with_owner", POINTER(Py_buffer), py_object)
with_destructor = function(
    "pybuffer_memoryview_from_memory_with_destructor",
    c_void_p, c_ssize_t, c_int, c_void_p, c_void_p,
)
READ, WRITE = 0x100, 0x200
DESTRUCTOR = ctypes.PYFUNCTYPE(None, c_void_p)

def describe(array, itemsize, format, shape, strides):
    text = ctypes.create_string_buffer(format)
    sizes = c_ssize_t * max(len(shape), 1)
    info = Py_buffer(
        buf=ctypes.addressof(array), len=itemsize, itemsize=itemsize, ndim=len(shape),
        format=ctypes.addressof(text), shape=sizes(*shape), strides=sizes(*strides),
    )
    for n in shape:
        info.len *= n
    return info, text

def fails(kind, function, *arguments):
    try:
        function(*arguments)
    except kind:
        return True
    return False

def a_copy(picture):
    copy = get_contiguous(picture, READ, b"F")
    assert type(copy) is memoryview and type(copy.obj) is bytes, copy.obj
    assert copy.tolist() == picture.tolist()
    assert copy.shape == picture.shape and copy.strides == (2, 4), copy.strides
    assert (copy.format, copy.itemsize, copy.readonly) == ("h", 2, True)
    assert (copy.c_contiguous, copy.f_contiguous, copy.contiguous) == (False, True, True)
    assert copy.nbytes == 12 and copy.suboffsets == ()
    assert copy.tobytes("F") == copy.obj and bytes(copy) == picture.tobytes()
    assert pickle.loads(pickle.dumps(pickle.PickleBuffer(copy), protocol=5)) == copy.obj
    assert fails(TypeError, copy.__setitem__, (0, 0), 1)
    line = get_contiguous(memoryview(b"abcdefgh").cast("h")[::-2], READ, b"C")
    assert line[1:].tolist() == line.tolist()[1:] and line.obj == b"ghcd"
    assert line.cast("B").cast("i").tolist() == [int.from_bytes(b"ghcd", sys.byteorder)]
    part = line[:1]
    line.release()
    assert fails(ValueError, line.tolist) and part.tobytes() == b"gh"
    assert fails(ValueError, get_contiguous, line, READ, b"C")
    assert fails(BufferError, get_contiguous, picture, WRITE, b"F")

def an_owner():
    array = (ctypes.c_short * 6)(*range(6))
    class Owner: pass
    owner = Owner()
    owner.array = array
    before = sys.getrefcount(owner)
    info, text = describe(array, 2, b"h", (3,), (4,))
    view = with_owner(byref(info), owner)
    text[0] = b"!"
    assert view.obj is owner and view.format == "h" and view.tolist() == [0, 2, 4]
    assert sys.getrefcount(owner) == before + 1
    part = view[1:]
    del view
    assert sys.getrefcount(owner) == before + 1 and part.obj is owner
    part.release()
    assert sys.getrefcount(owner) == before
    info.buf = None
    assert fails(ValueError, with_owner, byref(info), owner)
    assert sys.getrefcount(owner) == before

def a_destructor():
    calls = []
    destructor = DESTRUCTOR(calls.append)
    array = ctypes.create_string_buffer(b"abc", 3)
    view = with_destructor(ctypes.addressof(array), 3, WRITE, destructor, 7)
    part = view[1:]
    part[0] = 120
    view.release()
    assert (array.raw, calls) == (b"axc", [])
    del part
    assert calls == [7], calls
    del view
    assert calls == [7], calls
    # The destructor raises and catches errors while the last view is destroyed during another exception.
    busy = DESTRUCTOR(lambda context: calls.append(fails(KeyError, {}.__getitem__, context)))
    assert fails(ZeroDivisionError, lambda: (with_destructor(None, 0, WRITE, busy, 8), 1 / 0))
    assert calls == [7, True], calls

def work(n, shared=bytes(range(12)), callbacks=True):
    for _ in range(n):
        picture = from_object(shared).cast("h", (2, 3))
        assert picture.obj is shared
        a_copy(picture)
        an_owner()
        if callbacks:
            a_destructor()
        assert fails(TypeError, from_object, n)
"""
exec("LIBRARY = %r\n" % sys.argv[1] + WORK)
LIBC = ctypes.CDLL(None)


def in_cycles():
    """An owner that refers to its own view, and a view in a list that contains itself, are collected."""

    class Owner:
        pass

    owner = Owner()
    owner.array = (ctypes.c_short * 6)()
    info, _ = describe(owner.array, 2, b"h", (6,), (2,))
    owner.view = with_owner(byref(info), owner)
    dead = weakref.ref(owner)
    del owner
    gc.collect()
    assert dead() is None

    calls = []
    destructor = DESTRUCTOR(calls.append)
    cycle = [with_destructor(None, 0, READ, destructor, 1)]
    cycle.append(cycle)
    del cycle
    gc.collect()
    assert calls == [1], calls
    view = get_contiguous(memoryview(b"abcd")[::2], READ, b"C")
    weak = weakref.ref(view)
    assert weak() is view and gc.is_tracked(view)
    assert gc.get_referents(*gc.get_referents(view)) == [view.obj]


def without_growth():
    """10^5 rounds of all functions, failing calls included, do not leak memory."""
    array = (ctypes.c_short * 6)()
    info, _ = describe(array, 2, b"h", (2, 3), (2, 4))
    wrong, _ = describe(array, 2, b"h", (1,) * 65, (2,) * 65)
    picture = memoryview(bytes(12)).cast("h", (2, 3))
    before = sys.getrefcount(array)

    def turns(n):
        for _ in range(n):
            owned = with_owner(byref(info), array)
            part = owned[1:]
            copy = get_contiguous(owned, READ, b"C")
            owned.release()
            from_buffer(byref(info))
            fails(ValueError, from_object, owned)
            fails(ValueError, with_owner, byref(wrong), array)
            fails(ValueError, from_buffer, byref(wrong))
            fails(BufferError, get_contiguous, picture, WRITE, b"F")
            fails(BufferError, with_a_view_out, copy)

    def with_a_view_out(view):
        with memoryview(view):
            view.release()

    turns(2000)
    blocks, of_malloc = allocated()
    turns(100000)
    blocks, of_malloc = (after - first for after, first in zip(allocated(), (blocks, of_malloc)))
    assert sys.getrefcount(array) == before
    assert blocks < 1000, blocks
    assert of_malloc < 1 << 20, of_malloc  # 100,000 of malloc's smallest blocks are 1.6 MB


class Mallinfo(ctypes.Structure):
    """What glibc's mallinfo2 gives, and by smaller fields mallinfo, which is all that glibc before 2.33 has."""
    _fields_ = [(name, ctypes.c_size_t if hasattr(LIBC, "mallinfo2") else c_int) for name in
                "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()]


def allocated():
    """The blocks that Python's allocator has given out, and the bytes that malloc has.

    (Not the process's memory, to which an emulator adds what it translates.)
    """
    gc.collect()
    mallinfo = getattr(LIBC, "mallinfo2", None) or getattr(LIBC, "mallinfo", None)
    if mallinfo is None:  # musl's
        return sys.getallocatedblocks(), mapped()
    mallinfo.restype = Mallinfo
    info = mallinfo()
    return sys.getallocatedblocks(), info.uordblks + info.hblkhd


def mapped():
    """The bytes of all memory that can be written and is no file's."""
    with open("/proc/self/maps") as lines:
        fields = [line.split() for line in lines]
    bounds = [area[0].split("-") for area in fields if area[1] == "rw-p" and area[4] == "0"]
    return sum(int(end, 16) - int(start, 16) for start, end in bounds)


def in_threads():
    """Eight threads make and release views of one object."""
    failures = []

    def run():
        try:
            work(150)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures


def in_subinterpreters():
    """Two at the same time, each in a thread. Since 3.12 each has its own GIL, and does nothing if it cannot
    import ctypes. (Callbacks of ctypes run in the first interpreter only.)"""
    try:
        import _interpreters as interpreters  # 3.13 on
    except ImportError:
        try:
            import _xxsubinterpreters as interpreters  # 3.8 to 3.12
        except ImportError:
            return None
    text = "try:\n    import ctypes\nexcept ImportError:\n    pass\nelse:\n"
    text += "    exec(%r)\n    work(50, callbacks=False)\n" % ("LIBRARY = %r\n" % sys.argv[1] + WORK)
    pair = [interpreters.create() for _ in range(2)]
    results = []

    def run(interpreter):
        results.append(interpreters.run_string(interpreter, text))

    threads = [threading.Thread(target=run, args=(interpreter,)) for interpreter in pair]
    for thread in threads:
        thread.start()
    work(20)
    for thread in threads:
        thread.join()
    assert results == [None, None], results
    for interpreter in pair:
        interpreters.destroy(interpreter)
    return interpreters.__name__


if __name__ == "__main__":
    faulthandler.dump_traceback_later(250, exit=True)
    work(10)
    in_cycles()
    in_threads()
    without_growth()
    print("threads, cycles, %s" % in_subinterpreters())

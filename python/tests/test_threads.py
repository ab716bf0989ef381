"""copyto and tobytes by several threads."""

import random
import subprocess
import sys
import threading

import pytest

import libpybuffer

MIB = 1 << 20
# Enough for four threads of 2 MiB each and a little more.
SIZE = 9 * MIB
MEMORY = bytearray(random.Random(1).getrandbits(8) for _ in range(4099)) * (SIZE // 4099 + 2)


def layouts():
    """Name, shape, strides, offset, format."""
    yield "as it lies", (SIZE,), (1,), 3, "B"
    yield "backwards", (SIZE // 4,), (-4,), SIZE - 4, "I"
    yield "every second", (SIZE // 2,), (2,), 0, "B"
    yield "transposed", (1024, 9, 1024), (1, 1024 * 1024, 1024), 0, "B"
    yield "transposed doubles", (1024, 1152), (8, 8 * 1024), 0, "d"
    yield "planes to pixels", (1024, 3072, 3), (3072, 1, 1024 * 3072), 0, "B"
    yield "one number everywhere", (1024, 1152), (0, 0), 8, "d"
    yield "too little", (9,), (1,), 0, "B"
    yield "nothing", (SIZE, 0), (1, 1), 0, "B"


LAYOUTS = {name: layout for name, *layout in layouts()}


def view_of(name):
    shape, strides, offset, form = LAYOUTS[name]
    return libpybuffer.view(MEMORY, shape, strides, offset, form)


@pytest.mark.parametrize("threads", [2, 3, 64, 10**30])
@pytest.mark.parametrize("name", LAYOUTS)
def test_tobytes(name, threads):
    view = view_of(name)
    for order in "CFA":
        assert libpybuffer.tobytes(view, order, threads=threads) == view.tobytes(order), order


@pytest.mark.parametrize("threads", [2, 3, 64, 10**30])
@pytest.mark.parametrize("name", LAYOUTS)
def test_copyto_leaves_gaps_alone(name, threads):
    src = view_of(name)
    expected, step = src.tobytes(), 2 * src.itemsize
    strides = [step]
    for extent in reversed(src.shape[1:]):
        strides.insert(0, strides[0] * extent)
    memory = bytearray(b"\xee") * (2 * src.nbytes + 8)
    libpybuffer.copyto(libpybuffer.view(memory, src.shape, strides, format=src.format), src, threads=threads)
    whole = memoryview(memory)[:2 * src.nbytes]
    for byte in range(src.itemsize):
        assert whole[byte::step].tobytes() == expected[byte::src.itemsize]
        assert whole[src.itemsize + byte::step].tobytes() == b"\xee" * len(expected[::src.itemsize])


def test_copyto_of_what_overlaps_reads_first():
    memory = bytearray(MEMORY)
    libpybuffer.copyto(memory, memoryview(memory)[::-1], threads=4)
    assert memory == MEMORY[::-1]


def test_copyto_to_items_that_overlap_one_another_keeps_the_last():
    one = libpybuffer.view(bytearray(8), (SIZE // 8,), (0,))
    libpybuffer.copyto(one, libpybuffer.view(MEMORY, one.shape, (1,)), threads=4)
    assert one[0] == MEMORY[SIZE // 8 - 1]


@pytest.mark.parametrize("call", [lambda threads: libpybuffer.copyto(bytearray(9), bytes(9), threads=threads),
                                  lambda threads: libpybuffer.tobytes(bytes(9), threads=threads)])
@pytest.mark.parametrize("threads, error, text", [(0, ValueError, "threads must be at least 1, not 0"),
                                                  (-10**30, ValueError, "threads must be at least 1, not -1"),
                                                  (1.0, TypeError, "threads must be an integer"),
                                                  (True, TypeError, "threads must be an integer, not True"),
                                                  ("1", TypeError, "threads must be an integer"),
                                                  (None, TypeError, "threads must be an integer")])
def test_other_numbers_are_errors(call, threads, error, text):
    with pytest.raises(error, match=text):
        call(threads)


def test_errors_come_before_any_thread():
    with pytest.raises(BufferError, match="not writable"):
        libpybuffer.copyto(bytes(SIZE), bytes(SIZE), threads=4)
    with pytest.raises(BufferError, match="same shape"):
        libpybuffer.copyto(bytearray(SIZE), bytes(SIZE + 1), threads=4)


def run(program):
    """What a program prints, in a process of its own: others have threads of NumPy's BLAS."""
    ran = subprocess.run([sys.executable, "-W", "error", "-c", program], stdout=subprocess.PIPE, universal_newlines=True)
    assert ran.returncode == 0
    return ran.stdout


FORKING = """\
import os, libpybuffer
src = libpybuffer.view(bytes(range(256)) * 36864, (1024, 9, 1024), (1, 1 << 20, 1024))
dst = memoryview(bytearray(src.nbytes)).cast("B", src.shape)
for _ in range(50):
    libpybuffer.copyto(dst, src, threads=4)
    assert len(os.listdir("/proc/self/task")) == 1
    child = os.fork()
    if child == 0:
        # In the child too, which has none of the parent's threads.
        os._exit(libpybuffer.tobytes(src, threads=4) != dst.tobytes())
    assert os.waitpid(child, 0)[1] == 0
print("done")
"""


def test_the_threads_are_gone_when_the_call_returns_so_fork_is_silent():
    assert run(FORKING) == "done\n"


def test_other_threads_run_meanwhile_and_may_copy_too():
    views = [view_of(name) for name in LAYOUTS]
    expected = [view.tobytes() for view in views]
    copied = []

    def copy():
        for view, as_bytes in zip(views, expected):
            copied.append(libpybuffer.tobytes(view, threads=3) == as_bytes)

    threads = [threading.Thread(target=copy) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # A thread that raised has copied fewer.
    assert copied == [True] * (4 * len(views))


WITHOUT_THREADS = """\
import os, resource, threading, libpybuffer
src, dst = bytes(range(256)) * 40000, bytearray(256 * 40000)
# No address space for the stack of a thread.
with open("/proc/self/statm") as file:
    used = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
resource.setrlimit(resource.RLIMIT_AS, (used + (1 << 20), resource.RLIM_INFINITY))
try:
    threading.Thread(target=int).start()
except RuntimeError:
    libpybuffer.copyto(dst, src, threads=4)
    print(dst == src)
"""


def test_a_system_that_grants_no_thread_has_the_caller_copy_all():
    assert run(WITHOUT_THREADS) == "True\n"


def test_without_memory_for_threads_the_caller_copies_all():
    testcapi = pytest.importorskip("_testcapi")
    src, dst = bytes(range(256)) * (SIZE // 256), bytearray(SIZE)
    n_copied = 0
    for nth in range(1, 6):
        dst[:] = bytes(SIZE)
        try:
            # Of the interpreter's allocations only this one is refused.
            testcapi.set_nomemory(nth, nth + 1)
            libpybuffer.copyto(dst, src, threads=4)
        except MemoryError:
            continue
        finally:
            testcapi.remove_mem_hooks()
        n_copied += 1
        assert dst == src
    assert n_copied > 0

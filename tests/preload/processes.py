"""Uses buffers in every kind of process, thread and interpreter that a Python program can start.

Argument 1 is the preloaded libpybuffer.so. A failure raises AssertionError; a hang ends with a traceback.
The last line printed names what was used, and the module that made the other interpreters.
"""

import array
import faulthandler
import multiprocessing
import os
import subprocess
import sys
import threading
import warnings

# Runs in each of them.
WORK = """
import array
def work(n):
    view = memoryview(array.array("i", range(n)))
    assert view[::-2].tobytes() == array.array("i", list(range(n))[::-2]).tobytes()
    assert bytes(view) == view.tobytes()
    for wrong in (1, None, "text"):
        try:
            array.array("B").frombytes(wrong)
        except TypeError as error:
            kind = type(wrong).__name__
            assert str(error) == "a bytes-like object is required, not '%s'" % kind, error
        else:
            raise AssertionError("no error")
    return n
"""
exec(WORK)


def is_loaded():
    with open("/proc/self/maps") as maps:
        return os.path.realpath(sys.argv[1]) in maps.read()


def work_loaded(n):
    assert is_loaded()
    return work(n)


def in_subprocess():
    code = WORK + "print(work(100))"
    ran = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, b"100\n", b""), ran
    # A program without Python.
    ran = subprocess.run(["sh", "-c", "echo $0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, b"sh\n", b""), ran


def at_exit():
    """In atexit and during the finalisation of modules, with the debug hooks of the allocators."""
    code = WORK + """
import atexit
class Last:
    def __del__(self):
        print(memoryview(b"abc")[::-1].tobytes())
        try:
            array.array("B").frombytes(1)
        except TypeError as error:
            print(error)
last = Last()
never_released = memoryview(array.array("i", [1]))
atexit.register(work, 10)
"""
    command = [sys.executable, "-X", "dev", "-c", code]
    ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    expected = b"b'cba'\na bytes-like object is required, not 'int'\n"
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, expected, b""), ran


def in_worker_processes(method):
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert pool.map(work_loaded, range(20, 40)) == list(range(20, 40))


def in_shared_memory():
    """A view of memory that a forked child writes."""
    shared = multiprocessing.get_context("fork").RawArray("i", 10)

    def fill():
        memoryview(shared).cast("B")[:] = array.array("i", range(10)).tobytes()

    child = multiprocessing.get_context("fork").Process(target=fill)
    child.start()
    child.join()
    assert child.exitcode == 0
    assert memoryview(shared).cast("B").cast("i").tolist() == list(range(10))


def in_threads():
    failures = []

    def run():
        try:
            for _ in range(200):
                work(50)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures


def in_subinterpreters():
    """By the private module of each version; None if there is none."""
    try:
        import _interpreters as interpreters  # 3.13 on
    except ImportError:
        try:
            import _xxsubinterpreters as interpreters  # 3.8 to 3.12
        except ImportError:
            return None
    for _ in range(3):
        interpreter = interpreters.create()
        failure = interpreters.run_string(interpreter, WORK + "work(100)")
        assert failure is None, failure
        interpreters.destroy(interpreter)
    # Two at the same time, each in a thread; since 3.12 each has its own GIL.
    pair = [interpreters.create() for _ in range(2)]
    results = []

    def run(interpreter):
        results.append(interpreters.run_string(interpreter, WORK + "for n in range(200): work(n)"))

    threads = [threading.Thread(target=run, args=(interpreter,)) for interpreter in pair]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [None, None], results
    for interpreter in pair:
        interpreters.destroy(interpreter)
    return interpreters.__name__


if __name__ == "__main__":
    faulthandler.dump_traceback_later(120, exit=True)
    # Threads of one pool may still be running when the next one forks.
    warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
    assert is_loaded()
    work(100)
    in_threads()
    in_subprocess()
    at_exit()
    in_worker_processes("fork")
    in_worker_processes("spawn")
    in_worker_processes("forkserver")
    in_shared_memory()
    print("threads, processes, %s" % in_subinterpreters())

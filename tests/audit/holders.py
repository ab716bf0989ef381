"""Asks who holds views of an object. Arguments: the folder of mistakes.so and forwarding.so, the library, and `heard` if the
interpreter's own calls reach the library."""

import os
import pickle
import sys
import threading
import time

sys.path.insert(0, sys.argv[1])
import asking
import forwarding
import mistakes

holders = asking.load(sys.argv[2])
is_heard = sys.argv[3] == "heard"
FULL_RO = 0x11C


def line():
    return sys._getframe(1).f_lineno


def here(holder):
    """The line of the innermost frame, which is one of this file."""
    file, _, number = holder.frames[0]
    assert file == __file__, file
    return number


def without_python_code():
    data = bytearray(5)
    assert holders(data) == ([], 0)
    mistakes.keep(data); at = line()
    mistakes.lose(data); other = line()
    time.sleep(0.01)
    mistakes.lose(data); last = line()
    (kept, lost, again), n = holders(data)
    assert n == 3
    assert [here(kept), here(lost), here(again)] == [at, other, last]
    assert (kept.type_name, kept.file, kept.function) == ("bytearray", "mistakes.so", "keep")
    assert (kept.flags, kept.len, kept.n_views, kept.n_lost) == (FULL_RO, 5, 1, 0)
    assert (lost.flags, lost.n_views, lost.n_lost, again.n_lost) == (0, 1, 1, 0)
    assert kept.thread == threading.get_ident()
    # Both were put into one Py_buffer, which is why the first is lost.
    assert kept.view != lost.view == again.view != 0
    assert [one for one in holders()[0] if one.view == kept.view][0].frames == kept.frames
    assert 0.01 <= lost.age <= kept.age < 60 and again.age < lost.age
    # Views that agree in all but the age are one entry.
    for _ in range(3):
        mistakes.lose(bytearray(2))
    other = bytearray(3)
    for _ in range(3):
        mistakes.lose(other)
    (one,), n = holders(other)
    assert (one.n_views, one.n_lost, n) == (3, 2, 1)
    # Less room than there are entries.
    (first,), n = holders(data, 1)
    assert (here(first), n) == (at, 3)
    assert holders(data, 0) == ([], 3)


def with_memoryviews():
    data = bytearray(7)
    view = memoryview(data); at = line()
    (holder,), _ = holders(data)
    assert here(holder) == at
    assert holder.frames[0][1] == "with_memoryviews" and holder.file is not None
    # A memoryview's own views, and those of what it shows.
    part = memoryview(view)[2:]
    mistakes.right(view)
    mistakes.keep(view); at_view = line()
    both, n = holders(view)
    assert n == 2 and [here(one) for one in both] == [at, at_view], both
    assert [one.type_name for one in both] == ["bytearray", "memoryview"]
    del part
    view = memoryview(data)
    # An exporter that passes the request on is one that is asked.
    pickled = pickle.PickleBuffer(data)
    assert holders(pickled) == ([], 0)
    passed = memoryview(pickled); at = line()
    (one,), _ = holders(pickled)
    assert (here(one), one.type_name) == (at, "pickle.PickleBuffer")
    assert at in [here(one) for one in holders(data)[0]]
    passed.release()
    assert holders(pickled) == ([], 0)
    fresh = bytearray(1)
    short = memoryview(fresh)
    short.release()
    assert holders(fresh) == ([], 0) == holders(short)


class Class:
    def __buffer__(self, flags):
        return memoryview(b"abc")


def with_python_exporters():
    exporter = Class()
    view = memoryview(exporter); at = line()
    (one,), _ = holders(exporter)
    assert (here(one), one.type_name) == (at, "Class")
    del view
    assert holders(exporter) == ([], 0)


def in_other_threads():
    data, ids = bytearray(4), []

    def work():
        ids.append(threading.get_ident())
        mistakes.keep(data)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
        thread.join()
    found, _ = holders(data)
    assert {one.thread for one in found} == set(ids)
    assert sum(one.n_views for one in found) == 3
    child = os.fork()
    if child == 0:
        # What the parent holds locks the child's copy, too.
        os._exit(0 if sum(one.n_views for one in holders(data)[0]) == 3 else 1)
    assert os.waitpid(child, 0)[1] == 0


def with_many():
    """Four times as many kinds of views take some four times as long. (They took sixteen times as long.)"""
    seconds = []
    for n in 7500, 30000:
        shown = memoryview(bytearray(n))
        kept = [pickle.PickleBuffer(shown[:i]) for i in list(range(n)) * 2]
        times = []
        for _ in range(5):
            begin = time.perf_counter()
            _, count = holders(room=0)
            times.append(time.perf_counter() - begin)
        seconds.append(min(times))
        found, _ = holders(room=count)
        assert all(one.age >= other.age for one, other in zip(found, found[1:]))
        assert sum(one.n_views for one in found) >= 2 * n
        assert found[-1].n_views == 2 and n <= count <= n + 10
        del kept
    assert seconds[1] < 10 * seconds[0], seconds


without_python_code()
if is_heard:
    with_memoryviews()
    with_many()
    if sys.version_info >= (3, 12):
        with_python_exporters()
    # Elsewhere a view counts only if it does not lie on a stack, and libraries may lie near a thread's.
    in_other_threads()
for wrong in -1, None:
    try:
        holders(bytearray(), wrong) if wrong else holders.__closure__[0].cell_contents(b"", None, 3)
    except (SystemError, ValueError):
        pass
    else:
        raise AssertionError(wrong)
print("done")

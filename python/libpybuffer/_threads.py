"""A check of an exporter that several threads use at once."""

import array
import contextlib
import gc
import sys
import threading
import time

from . import _frames, _libpybuffer

#: The rules `obj` and `references`: who breaks them loses references with each view, and would be deallocated.
_FATAL = {1, 30}
#: How many reports of findings each thread keeps.
_MOST = 4
#: How many views each thread holds at once.
_AT_ONCE = 2000

_GIL = ("this python has a GIL: the threads took turns, as an exporter in C gives the GIL up only where it says so; "
        "a free-threaded python shows more")


def check(obj, threads, seconds, probe):
    """What a Report is made of, and its note."""
    target, probe = _target(obj, probe)
    alone = _libpybuffer.check_alone(target)
    values = _libpybuffer.join_reports(alone, (), ())
    why = _why_not(values, target)
    if why:
        return values, "not checked by threads: " + why
    is_locked = _raises(probe)
    references = _count(target)
    crowd = _Crowd(target, alone, threads, seconds)
    with _short_turns():
        crowd.run()
    # And alone, as before.
    reports = crowd.reports + [_libpybuffer.check_among_threads(target, alone, 1)]
    raised, crowd = crowd.raised, None
    more = _count(target) - references
    counts = [("references", "{} more".format(more), "as many as before: 0 more") if more else None,
              ("exports", raised, "as many as were acquired") if raised else
              None if is_locked else _exports(probe)]
    note = "checked by {} threads for {:g} s{}".format(threads, seconds, "; " + _GIL if _frames.has_gil() else "")
    return _libpybuffer.join_reports(alone, tuple(filter(None, reports)), tuple(filter(None, counts))), note


def _count(target):
    """The number of references to the exporter, and those of the call."""
    gc.collect()  # what an exporter in Python raised may hold it
    return sys.getrefcount(target)


def _exports(probe):
    raised = _raises(probe)
    return ("exports", raised, "no outstanding view, as before") if raised else None


def _why_not(values, target):
    if any(finding[0] in _FATAL for finding in values[8]):
        return "it breaks a rule on references, which must be corrected first"
    if values[2] == 0:
        return "it meets no request"
    try:
        with memoryview(target), memoryview(target):
            return ""
    except Exception:
        return "it does not hand out two views at once to one thread either"


def _target(obj, probe):
    """What the threads use, and a function that raises BufferError while there are views of it, or None."""
    if type(obj) is memoryview:
        # One of the same memory that can be released.
        with contextlib.suppress(ValueError):  # released
            target = memoryview(obj)
            return target, probe or _once(target.release)
    if type(obj) is bytearray:
        return obj, probe or (lambda: (obj.append(0), obj.pop()))
    if type(obj) is array.array and len(obj):
        return obj, probe or (lambda: (obj.append(obj[-1]), obj.pop()))
    return obj, probe


def _once(function):
    """The function, from the second call on."""
    calls = []

    def call():
        calls.append(None)
        if len(calls) > 1:
            function()

    return call


def _raises(probe):
    """What a probe raises, as a text; empty if nothing."""
    try:
        if probe is not None:
            probe()
    except BufferError as error:
        return "BufferError: {}".format(error)
    except SystemError as error:  # memoryview.release() of a negative count
        return "SystemError: {}".format(error)
    return ""


class _Crowd:
    """Threads that use an exporter at once."""

    def __init__(self, target, alone, n, seconds):
        self.target, self.alone = target, alone
        self.reports, self.errors = [], []  # reports with findings, in bytes; what a thread raised
        self.raised = None                  # the text of what a release raised
        self.meeting, self.turn = threading.Barrier(n, self._decide), threading.Lock()
        self.is_over, self.seconds, self.n = False, seconds, n
        self.until = [time.monotonic() + seconds / 2, time.monotonic() + seconds]

    def run(self):
        """Starts the threads, and returns when all of them have ended."""
        workers = [threading.Thread(target=self._work) for _ in range(self.n)]
        started = []
        try:
            for worker in workers:
                worker.start()
                started.append(worker)
        except RuntimeError:  # the system grants no more
            self.meeting.abort()
            raise
        finally:
            for worker in started:
                worker.join()
        if self.errors:
            raise self.errors[0]

    def _decide(self):
        self.is_over = time.monotonic() >= self.until[0]

    def _work(self):
        try:
            self._acquire_at_once()
            self._acquire_and_release()
        except threading.BrokenBarrierError:
            pass
        except BaseException as error:
            self.errors.append(error)
            self.meeting.abort()

    def _acquire_at_once(self):
        """All acquire, and then one after the other releases. If the exporter has counted too few views, a release may
        notice; if both happened at once, it would as often count too many, of which nobody hears."""
        while not self.is_over:
            self.meeting.wait()
            views = _libpybuffer.hold_views(self.target, _AT_ONCE)
            self.meeting.wait()
            with self.turn:
                self.raised = _libpybuffer.release_views(views) or self.raised
            self.meeting.wait()

    def _acquire_and_release(self):
        found = []
        while True:
            report = _libpybuffer.check_among_threads(self.target, self.alone, 1)
            if report is not None and len(found) < _MOST:
                found.append(report)
            if time.monotonic() >= self.until[1]:
                break
        self.reports.extend(found)


@contextlib.contextmanager
def _short_turns():
    """With a GIL, threads take turns more often."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        yield
    finally:
        sys.setswitchinterval(before)

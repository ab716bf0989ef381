"""What check_exporter.py (argument 1) reports of exporters that raise: the exception's class and text, whatever they are.
No reference is left behind."""

import gc
import importlib.util
import pickle
import sys

sys.dont_write_bytecode = True
spec = importlib.util.spec_from_file_location("check_exporter", sys.argv[1])
check_exporter = importlib.util.module_from_spec(spec)
spec.loader.exec_module(check_exporter)
library = check_exporter.load()


def checked(exporter):
    """The report, and its text."""
    before = sys.getrefcount(exporter)
    report = check_exporter.check(library, exporter)
    gc.collect()  # of tracebacks that are local variables of their own frames
    assert sys.getrefcount(exporter) == before, exporter
    return report, check_exporter.text_of(library, report)


def expect_nothing_met(exporter, raised):
    report, text = checked(exporter)
    name = type(exporter).__name__
    assert report.n_granted == 0 and report.n_violations == 1 and report.n_requests == 38, text
    assert report.raised.decode() == raised, (report.raised, raised)
    first, second = text.splitlines()[:2]
    assert first.endswith("%s: no request is met: %s" % (name, raised)), first
    assert second.endswith("%s: 0 of 38 requests met; rules broken: 1 MUST, %d advice" %
                           (name, report.n_findings - 1)), second
    assert "MUST 31 nothing-met: PyBUF_FULL_RO: request: found " in text, text
    assert "(and in 37 other requests)" in text, text
    return text


view = memoryview(b"abc")
view.release()
text = expect_nothing_met(view, "ValueError: operation forbidden on released memoryview object")
assert "view->obj = NULL" in text, text
picklable = pickle.PickleBuffer(b"abc")
picklable.release()
expect_nothing_met(picklable, "ValueError: operation forbidden on released PickleBuffer object")

if sys.version_info < (3, 12):
    sys.exit()


class Exporter:
    """Answers with what a function returns, or raises it."""

    def __init__(self, answer):
        self.answer = answer

    def __buffer__(self, flags):
        answer = self.answer(flags)
        if isinstance(answer, BaseException):
            raise answer
        return answer


class Unspeakable(Exception):
    def __str__(self):
        raise self


class Talkative(Exception):
    """An exception whose text asks the same exporter again."""

    def __str__(self):
        inner = check_exporter.check(library, Exporter(lambda flags: KeyError("inner")))
        return "after " + inner.raised.decode()


class Odd(Exception):
    def __str__(self):
        return 1


def unmade(flags):
    """Raises a class that cannot be made without an argument."""
    raise UnicodeDecodeError


def text_of_the_wrong_type():
    """CPython's own text, which differs between versions."""
    try:
        memoryview(Exporter(lambda flags: b"abc"))
    except TypeError as error:
        return "TypeError: %s" % error
    raise AssertionError("no error")


IN_PYTHON = "Fix: Correct what __buffer__ raises, and return a memoryview; a closed object has no buffer to check.\n"
for answer, raised in [
    (lambda: RuntimeError("device is closed"), "RuntimeError: device is closed"),
    (lambda: b"abc", text_of_the_wrong_type()),
    (lambda: BufferError("no"), "BufferError: no"),
    (lambda: BufferError(), "BufferError"),
    (lambda: KeyError(1, "two"), "KeyError: (1, 'two')"),
    (lambda: ValueError("one\ntwo \u00e9\u20ac"), "ValueError: one two \u00e9\u20ac"),
    (lambda: ValueError("\ud800"), "ValueError: ?"),
    (lambda: ValueError("a\0b"), "ValueError: a"),
    (lambda: Unspeakable(), "Unspeakable"),
    (lambda: Odd(), "Odd"),
    (lambda: Talkative(), "Talkative: after KeyError: 'inner'"),
    (lambda: KeyboardInterrupt(), "KeyboardInterrupt"),
]:
    text = expect_nothing_met(Exporter(lambda flags: answer()), raised)
    assert text.endswith(IN_PYTHON) and "view->" not in text and "bf_" not in text.split("Fix")[1], text

text = checked(Exporter(unmade))[1]
assert "no request is met: TypeError: " in text, text

# A long text in any script is cut to whole characters.
for size in range(215, 260):
    report, _ = checked(Exporter(lambda flags: ValueError("x" * size + "\u20ac" * 20)))
    assert report.raised.decode().startswith("ValueError: " + "x" * min(size, 239))
    report.findings[0].found.decode()
for size in range(30, 60):
    report, _ = checked(Exporter(lambda flags: ValueError("x" * size + "\U0001f40d" * 9)))
    assert report.findings[0].found.decode().startswith("ValueError: " + "x" * min(size, 47))


# Some requests are met: the report has what the others raise, and a fix in terms of Python.
def read_only(flags):
    return ValueError("only to be read") if flags & 1 else memoryview(b"abc")


report, text = checked(Exporter(read_only))
assert report.raised == b"" and "no request is met" not in text, text
assert "MUST 22 buffer-error: PyBUF_FULL: exception: found ValueError: only to be read, expected BufferError" in text
assert "Fix: Raise BufferError in __buffer__, or return a memoryview" in text, text


# An address differs from run to run, and so is not part of a text.
def new_each_time(flags):
    return memoryview(bytearray(b"abcdef"))


report, text = checked(Exporter(new_each_time))
assert "MUST 27 reproducible: PyBUF_FULL_RO: buf: found another address, expected the address that was shown" in text
assert "0x" not in text and "Fix: Return a memoryview of the same memory from __buffer__" in text, text


def refuses(*refused):
    memory = memoryview(bytearray(b"abc"))
    return lambda flags: BufferError("no") if flags in refused else memory


for refused, others in ((0,), "PyBUF_CONTIG_RO"), ((0, 1), "PyBUF_CONTIG_RO (and in 1 other request)"):
    lines = checked(Exporter(refuses(*refused)))[1].splitlines()
    expected = "advice 28 refusal: PyBUF_SIMPLE: request: found refused, expected met, as this is: " + others
    assert expected in lines, lines


# A class derived from one in C answers by the slot in C, even if it is written in Python itself.
class Derived(bytearray):
    pass


assert checked(Exporter(lambda flags: memoryview(b"abc")))[0].is_python == 1
for exporter in b"abc", bytearray(), Derived(), memoryview(b"abc"), pickle.PickleBuffer(b"abc"):
    assert checked(exporter)[0].is_python == 0, exporter

"""check of exporters that raise: the class and the text, whatever they are, and nothing is left behind."""

import gc
import pickle
import sys
import weakref

import pytest

import libpybuffer

if_classes_export = pytest.mark.skipif(sys.version_info < (3, 12), reason="classes export since 3.12")


def checked(exporter):
    """The report, and its text."""
    before = sys.getrefcount(exporter)
    report = libpybuffer.check(exporter)
    gc.collect()  # a traceback that is a local variable of its own frame
    assert sys.getrefcount(exporter) == before, exporter
    return report, str(report)


def expect_nothing_met(exporter, raised):
    report, text = checked(exporter)
    name = type(exporter).__name__
    assert report.n_granted == 0 and report.n_violations == 1 and report.n_requests == 38, text
    assert report.raised == raised
    first, second = text.splitlines()[:2]
    assert first.endswith("%s: no request is met: %s" % (name, raised)), first
    assert second.endswith("%s: 0 of 38 requests met; rules broken: 1 MUST, %d advice" %
                           (name, len(report.findings) - 1)), second
    assert "MUST 31 nothing-met: PyBUF_FULL_RO: request: found " in text, text
    assert "(and in 37 other requests)" in text, text
    return text


def test_released_views_say_so():
    view = memoryview(b"abc")
    view.release()
    text = expect_nothing_met(view, "ValueError: operation forbidden on released memoryview object")
    assert "view->obj = NULL" in text, text
    picklable = pickle.PickleBuffer(b"abc")
    picklable.release()
    expect_nothing_met(picklable, "ValueError: operation forbidden on released PickleBuffer object")


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
        return "after " + libpybuffer.check(Exporter(lambda flags: KeyError("inner"))).raised


class Odd(Exception):
    def __str__(self):
        return 1


def unmade(flags):
    """Raises a class that cannot be made without an argument."""
    raise UnicodeDecodeError


def text_of_the_wrong_type():
    """CPython's own words, which differ between versions."""
    with pytest.raises(TypeError) as caught:
        memoryview(Exporter(lambda flags: b"abc"))
    return "TypeError: %s" % caught.value


IN_PYTHON = "Fix: Correct what __buffer__ raises, and return a memoryview; a closed object has no buffer to check."


@if_classes_export
@pytest.mark.parametrize("answer, raised", [
    (lambda: RuntimeError("device is closed"), "RuntimeError: device is closed"),
    (lambda: b"abc", text_of_the_wrong_type),
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
])
def test_what_is_raised_is_told(answer, raised):
    text = expect_nothing_met(Exporter(lambda flags: answer()), raised() if callable(raised) else raised)
    assert text.endswith(IN_PYTHON) and "view->" not in text and "bf_" not in text.split("Fix")[1], text


@if_classes_export
def test_class_that_cannot_be_made_is_told():
    assert "no request is met: TypeError: " in checked(Exporter(unmade))[1]


@if_classes_export
def test_long_texts_are_cut_to_whole_characters():
    for size in range(215, 260):
        report, _ = checked(Exporter(lambda flags: ValueError("x" * size + "\u20ac" * 20)))
        assert report.raised.startswith("ValueError: " + "x" * min(size, 239))
        assert "\ufffd" not in report.raised
    for size in range(30, 60):
        report, _ = checked(Exporter(lambda flags: ValueError("x" * size + "\U0001f40d" * 9)))
        assert report.findings[0].found.startswith("ValueError: " + "x" * min(size, 47))


def read_only(flags):
    return ValueError("only to be read") if flags & 1 else memoryview(b"abc")


@if_classes_export
def test_what_some_requests_raise_is_told_in_words_of_python():
    report, text = checked(Exporter(read_only))
    assert report.raised == "" and "no request is met" not in text, text
    assert "MUST 22 buffer-error: PyBUF_FULL: exception: found ValueError: only to be read, expected BufferError" in text
    assert "Fix: Raise BufferError in __buffer__, or return a memoryview" in text, text


@if_classes_export
def test_addresses_are_no_part_of_a_text():
    _, text = checked(Exporter(lambda flags: memoryview(bytearray(b"abcdef"))))
    assert "MUST 27 reproducible: PyBUF_FULL_RO: buf: found another address, expected the address that was shown" in text
    assert "0x" not in text and "Fix: Return a memoryview of the same memory from __buffer__" in text, text


@if_classes_export
@pytest.mark.parametrize("refused, others", [((0,), "PyBUF_CONTIG_RO"), ((0, 1), "PyBUF_CONTIG_RO (and in 1 other request)")])
def test_refusal_of_less_is_advice(refused, others):
    memory = memoryview(bytearray(b"abc"))
    _, text = checked(Exporter(lambda flags: BufferError("no") if flags in refused else memory))
    assert "advice 28 refusal: PyBUF_SIMPLE: request: found refused, expected met, as this is: " + others in text.splitlines()


@if_classes_export
def test_class_that_exports_is_told_from_one_in_c():
    class Derived(bytearray):
        pass

    assert checked(Exporter(lambda flags: memoryview(b"abc")))[0].is_python
    for exporter in b"abc", bytearray(), Derived(), memoryview(b"abc"), pickle.PickleBuffer(b"abc"):
        assert not checked(exporter)[0].is_python, exporter


@if_classes_export
def test_exporters_that_raised_are_freed_though_the_collector_runs_meanwhile():
    def answer(flags):
        error = KeyError(1)  # held by the frame of __buffer__, which its traceback holds
        return error

    alive = weakref.WeakSet()
    for _ in range(200):
        exporter = Exporter(answer)
        alive.add(exporter)
        libpybuffer.check(exporter)
    del exporter
    gc.collect()
    assert not alive, len(alive)


def test_name_of_a_type_is_on_one_line():
    import ctypes
    kind = type("X\nY\x1b: Z", ((ctypes.c_int * 3),), {"_type_": ctypes.c_int, "_length_": 3})
    report, text = checked(kind())
    assert text.splitlines()[0].startswith("X Y : Z: 38 of 38 requests met"), text
    plain = libpybuffer.check((ctypes.c_int * 3)()).findings
    assert "\x1b" not in text and [f.request for f in report.findings] == [f.request for f in plain], text

"""holders(obj): who holds a view, by variable and line; it keeps nothing, and runs no code of the program's."""

import array
import asyncio
import collections
import ctypes
import gc
import io
import mmap
import os
import pickle
import struct
import subprocess
import sys
import threading
import time
import types

import pytest

import libpybuffer
from exporters import has_numpy

HERE = __file__
has_gil = getattr(sys, "_is_gil_enabled", lambda: True)()
kept = {}


class Reader:
    def __init__(self, data):
        self.view = memoryview(data)


class Slotted:
    __slots__ = ("other", "view")


def line():
    """The line of the caller."""
    return sys._getframe(1).f_lineno


def only(data):
    """The text of the one who holds a view."""
    found = libpybuffer.holders(data)
    assert len(found) == 1, found
    assert isinstance(found, list) and "interpreter" in found.sources
    return found[0]


def test_variables_are_named_with_the_line_that_sets_them():
    data = bytearray(8)
    assert libpybuffer.holders(data) == []
    view, at = memoryview(data)[2:5], line()
    holder = only(data)
    assert (holder.kind, holder.type, holder.request, holder.count) == ("memoryview", "bytearray", "PyBUF_FULL_RO", 1)
    assert (holder.file, holder.line) == (HERE, at)
    assert "memoryview in variable 'view' of " in str(holder) and "{}:{}".format(HERE, at) in str(holder)
    assert holder.function.endswith("test_variables_are_named_with_the_line_that_sets_them")
    view.release()
    assert libpybuffer.holders(data) == []


def test_nothing_is_kept():
    """Not in the frames either, whose f_locals are copies before 3.13."""
    data = bytearray(8)
    view = memoryview(data)
    found = libpybuffer.holders(data)
    text = str(found)
    del view
    assert libpybuffer.holders(data) == []
    data.append(1)
    assert "variable 'view'" in text and str(found) == text
    before = len(gc.get_objects())
    for _ in range(3):
        libpybuffer.holders(data)
    assert len(gc.get_objects()) <= before + 5


def test_locals_that_the_program_has_stay():
    data, name = bytearray(8), "kept"
    mine = locals()
    view = memoryview(data)
    assert libpybuffer.holders(data)
    assert mine["name"] == "kept" and mine["data"] is data
    view.release()


def traced(code):
    """Runs code with a trace function of Python's, which stores f_locals in the variables after each call."""
    def trace(frame, event, arg):
        code()
        return trace

    before = sys.gettrace()

    def run():
        here = "stays"
        sys.settrace(trace)
        try:
            there = here
        finally:
            sys.settrace(before)
        return here, there

    return run()


def test_trace_functions_may_ask():
    data = bytearray(8)
    view = memoryview(data)
    assert traced(lambda: libpybuffer.holders(data)) == ("stays", "stays")
    view.release()


@pytest.mark.parametrize("threads", [0, 1])
def test_attributes_containers_and_closures_are_named(threads):
    # (Once a thread was started, the collector of CPython 3.13t knows no functions, types and modules.)
    for _ in range(threads):
        thread = threading.Thread(target=gc.collect)
        thread.start()
        thread.join()
    data = bytearray(8)
    reader = Reader(data)
    assert "attribute 'view' of a {}.Reader in variable 'reader' of ".format(__name__) in str(only(data))
    del reader
    slotted = Slotted()
    slotted.view = memoryview(data)
    assert "attribute 'view' of a {}.Slotted in variable 'slotted' of ".format(__name__) in str(only(data))
    del slotted
    several = [None, {"a key": (memoryview(data),)}]
    assert "item 0 of a tuple in key 'a key' of a dict in item 1 of a list in variable 'several' of" in str(only(data))
    del several
    Reader.shared = memoryview(data)
    assert "attribute 'shared' of class {}.Reader".format(__name__) in str(only(data))
    del Reader.shared
    kept["global"] = memoryview(data)
    assert "key 'global' of a dict in variable 'kept' of module {}".format(__name__) in str(only(data))
    del kept["global"]

    def closure(captured):
        return lambda: captured

    function = closure(memoryview(data))
    text = str(only(data))
    assert "variable 'captured' in the closure of function " in text and "<lambda> at {}:".format(HERE) in text
    del function
    assert not libpybuffer.holders(data)


def test_suspended_and_ended_calls_are_named():
    data = bytearray(8)

    def generate():
        own = memoryview(data)
        yield own

    generator = generate()
    next(generator)
    text = str(only(data))
    assert "variable 'own' of " in text and "generate at {}:".format(HERE) in text and "which is suspended" in text
    generator.close()

    async def wait(future):
        own = memoryview(data)
        await future
        return own

    async def ask():
        future = asyncio.get_running_loop().create_future()
        task = asyncio.ensure_future(wait(future))
        await asyncio.sleep(0)
        text = str(only(data))
        future.set_result(None)
        await task
        return text

    text = asyncio.run(ask())
    assert "variable 'own' of " in text and "which is suspended" in text

    def fail():
        own = memoryview(data)
        raise ValueError(len(own))

    try:
        fail()
    except ValueError as raised:
        error = raised
    text = str(only(data))
    assert "variable 'own' of " in text and "fail at {}:".format(HERE) in text and "which has ended, but is kept" in text
    del error
    assert not libpybuffer.holders(data)


def test_other_threads_are_looked_at_where_they_stand_still():
    data = bytearray(8)
    begun, end = threading.Event(), threading.Event()

    def work():
        own = memoryview(data)
        begun.set()
        end.wait()
        own.release()

    worker = threading.Thread(target=work, name="the worker")
    worker.start()
    begun.wait()
    found = libpybuffer.holders(data)
    end.set()
    worker.join()
    assert len(found) == 1
    if has_gil:
        assert "variable 'own' of " in str(found[0]) and "in thread the worker" in str(found[0])
    else:
        assert "variables of other threads" in found.note


@pytest.mark.parametrize("make, kind", [
    (lambda data: pickle.PickleBuffer(data), "pickle.PickleBuffer"),
    (lambda data: struct.iter_unpack("B", data), "unpack_iterator"),
    (lambda data: ctypes.c_ubyte.from_buffer(data), "memoryview in attribute '_objects' of a ctypes.c_ubyte"),
], ids=["PickleBuffer", "iter_unpack", "ctypes"])
def test_other_consumers_are_named(make, kind):
    data = bytearray(8)
    consumer = make(data)
    assert kind + " in variable 'consumer' of" in str(only(data))
    del consumer
    assert not libpybuffer.holders(data)


def test_exporters_that_pass_requests_on():
    stream = io.BytesIO(b"abc")
    view = stream.getbuffer()
    assert "memoryview in variable 'view' of" in str(only(stream))
    view.release()
    data = bytearray(8)
    shown = memoryview(data)
    other = memoryview(shown)
    texts = sorted(map(str, libpybuffer.holders(shown)))
    assert len(texts) == 1 and "variable 'shown'" in texts[0] and "variable 'other'" in texts[0]
    other.release()
    if sys.version_info >= (3, 12):
        class Exporter:
            def __buffer__(self, flags):
                return memoryview(data)

        exporter = Exporter()
        view = memoryview(exporter)
        assert "memoryview in variable 'view' of" in str(only(exporter))
        view.release()


@pytest.mark.parametrize("make", [lambda: array.array("i", [1]), lambda: mmap.mmap(-1, 10), lambda: b"abc", bytearray])
def test_exporters_of_all_kinds(make):
    exporter = make()
    view = memoryview(exporter)
    assert len(libpybuffer.holders(exporter)) == 1
    view.release()


@pytest.mark.skipif(not has_numpy(), reason="no NumPy here")
def test_arrays_of_numpy_are_named():
    import numpy
    data = bytearray(8)
    part = numpy.frombuffer(data, "u1")[2:]
    assert "memoryview in a numpy.ndarray in variable 'part' of" in str(only(data))
    reader = Reader(b"")
    reader.part, part = part, None
    assert "in a numpy.ndarray in attribute 'part' of a {}.Reader in variable 'reader'".format(__name__) in str(only(data))
    reader.part = {"key": (reader.part,)}
    assert "in a numpy.ndarray in item 0 of a tuple in key 'key' of a dict in attribute 'part' of" in str(only(data))
    several, reader = {"key": reader.part["key"][0]}, None
    assert "in a numpy.ndarray in key 'key' of a dict in variable 'several' of" in str(only(data))
    del several
    assert not libpybuffer.holders(data)


def test_no_code_of_the_program_runs():
    class Sly:
        def __init__(self, view):
            object.__setattr__(self, "view", view)

        def __getattribute__(self, name):
            raise AssertionError("asked for " + name)

        def __eq__(self, other):
            raise AssertionError("compared")

        __hash__ = None

        def __repr__(self):
            raise AssertionError("shown")

    data = bytearray(8)
    several = [Sly(memoryview(data))]
    assert "attribute 'view' of a " in str(only(data))
    del several


class Told(type):
    """A class whose objects' code must not run: of its own, and of the class."""

    def __getattribute__(cls, name):
        raise AssertionError("the class was asked for " + name)


class Descriptor:
    @property
    def __class__(self):
        raise AssertionError("asked for its class")


class Key(str):
    __hash__ = str.__hash__

    def __eq__(self, other):
        raise AssertionError("compared")


class Module(types.ModuleType):
    def __getattribute__(self, name):
        raise AssertionError("loaded for " + name)


class Mapping:
    """Variables of code that exec runs."""

    def __init__(self, **values):
        self.values, self.is_open = values, True

    def __getitem__(self, name):
        assert self.is_open or name == "ask"
        return self.values[name]

    def __setitem__(self, name, value):
        self.values[name] = value


class Items(dict):
    def items(self):
        raise AssertionError("asked for its items")


def hidden_in(kind):
    return type("Hidden", (kind,), {"__iter__": lambda self: pytest.fail("gone through")})


@pytest.mark.parametrize("make", [
    lambda view: hidden_in(list)([view]), lambda view: tuple.__new__(hidden_in(tuple), [view]),
    lambda view: hidden_in(collections.deque)([view]), lambda view: {Key("__builtins__"): view, Key("__name__"): 1},
], ids=["list", "tuple", "deque", "dict"])
def test_no_code_of_containers_runs(make):
    data = bytearray(8)
    container = make(memoryview(data))
    assert "in variable 'container' of" in str(only(data))
    del container


def test_no_code_of_classes_modules_and_mappings_runs(monkeypatch):
    data = bytearray(8)
    slotted = Told("Slotted", (), {"__slots__": ("view",)})
    holder = object.__new__(slotted)
    object.__setattr__(holder, "view", memoryview(data))
    assert "attribute 'view' of a " in str(only(data))
    del holder, slotted

    class Described:
        x = Descriptor()

    described = Described()
    described.view = memoryview(data)
    assert "attribute 'view' of a " in str(only(data))
    del described
    monkeypatch.setitem(sys.modules, "lazy", Module("lazy"))
    nameless = types.ModuleType("nameless")
    del nameless.__name__
    monkeypatch.setitem(sys.modules, "nameless", nameless)
    nameless.view = memoryview(data)
    assert "variable 'view' of module nameless" in str(only(data))
    del nameless.view
    names = {"__name__": "other", "__file__": Descriptor(), "data": data}
    exec("view = memoryview(data)", names)
    assert "variable 'view' of module other" in str(only(data))
    del names["view"], names


def test_variables_in_mappings_of_the_program():
    data, found = bytearray(8), []
    variables = Mapping(data=data, memoryview=memoryview)
    variables.values["ask"] = lambda: (setattr(variables, "is_open", False), found.append(str(only(data))))
    exec("view = memoryview(data); ask()", {}, variables)
    assert "memoryview in key 'view' of a dict in attribute 'values' of a " in found[0]
    del variables
    items = Items(data=data, ask=lambda: found.append(str(only(data))))
    exec("view = memoryview(data); ask()", {}, items)
    assert "memoryview in variable 'view' of <module>" in found[1]


def test_many_views_end_soon_and_are_all_counted():
    data, n = bytearray(8), 20000
    views = [memoryview(data) for _ in range(n)]
    begin = time.monotonic()
    found = libpybuffer.holders(data)
    assert time.monotonic() - begin < 20  # 0.7 s, where it took minutes
    assert sum(holder.count for holder in found) == n and len(found) < 400
    assert "of a list in variable 'views' of" in str(found) and "not looked for, as there are so many" in str(found)
    del views


def test_what_is_no_exporter_is_refused():
    for other in 1, "text", None:
        with pytest.raises(TypeError, match="a bytes-like object is required, not '"):
            libpybuffer.holders(other)


def test_cycles_and_deep_containers_end():
    data = bytearray(8)
    several = [memoryview(data)]
    several.append(several)
    for _ in range(20):
        several = [several]
    assert "item 0 of a list" in str(only(data))
    del several
    gc.collect()
    assert not libpybuffer.holders(data)


def test_answer_says_what_it_cannot_see():
    found = libpybuffer.holders(bytearray())
    assert found.sources in (("interpreter",), ("audit", "interpreter"))
    if found.sources == ("interpreter",):
        assert "views that C code keeps outside a memoryview are not seen" in found.note and found.note in str(found)
    assert str(found).startswith("nobody holds a view that could be seen")


def test_each_recorded_view_is_told_once(monkeypatch):
    """A view that is lost has the address of that which took its place."""
    first = ("bytearray", 0, 8, 1, 1, 2.0, 0x1000, "a.so", "lose", 1, (("a.py", 1, "main"),))
    second = first[:5] + (1.0,) + first[6:10] + ((("a.py", 2, "main"),),)
    answers = [[first, second], [first[:5] + (2.5,) + first[6:], second]]
    monkeypatch.setattr(libpybuffer._audited, "_libpybuffer", types.SimpleNamespace(audited_views=answers.pop))
    lines = [view.frames[0][1] for view in libpybuffer._audited.views([0, 0])]
    assert sorted(lines) == [1, 2]


LONG = """
import libpybuffer
for name in "x" + "\\u00e9" * 3000, "\\U0001f40d" * 2000:
    names = {"data": bytearray(8)}
    exec(compile("view = memoryview(data)", name, "exec"), names)
    (holder,) = libpybuffer.holders(names["data"])
    assert holder.age is None or holder.file[:1000] == name[:1000], holder  # (None in a static python)
"""


def test_names_that_were_cut_are_told():
    command = [sys.executable, "-m", "libpybuffer", "run", "--quiet", "--audit", sys.executable, "-c", LONG]
    told = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
    if told.returncode == 2:
        pytest.skip(told.stderr)
    assert told.returncode == 0, told


def test_views_that_others_release_meanwhile():
    data, stop = bytearray(8), threading.Event()

    def make_and_release():
        while not stop.is_set():
            views = [memoryview(data) for _ in range(100)]
            for view in views:
                view.release()

    threads = [threading.Thread(target=make_and_release) for _ in range(4)]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        rounds, end = 0, time.monotonic() + 10
        while rounds < 30 and (time.monotonic() < end or rounds < 3):
            for holder in libpybuffer.holders(data):
                assert holder.length in (0, 8, None)  # released, held, freed
            rounds += 1
    finally:
        stop.set()
        sys.setswitchinterval(before)
        for thread in threads:
            thread.join()


AUDITED = """
import libpybuffer, struct, sys
data = bytearray(8)

def acquire():
    return memoryview(data)

def main():
    view = acquire()
    numbers = [memoryview(data) for _ in range(3)]
    return libpybuffer.holders(data)

found = main()
print("|".join(found.sources), found.note)
for holder in found:
    print(holder.count, holder.file, holder.line, holder.age is not None, holder)
assert not libpybuffer.holders(data)
"""


def test_audit_adds_who_acquired_and_when(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(AUDITED)
    command = [sys.executable, "-m", "libpybuffer", "run", "--quiet", "--audit", sys.executable, str(program)]
    told = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
                          env=dict(os.environ, PYBUFFER_AUDIT_ONLY="none"))
    if told.returncode == 2:
        pytest.skip(told.stderr)
    assert told.returncode == 0, told
    lines = told.stdout.splitlines()
    if "do not reach the audit" in lines[0]:
        assert len(lines) == 5  # a static python: each memoryview for itself
        assert "variable 'view' of main at {}:9".format(program) in lines[1]
        return
    assert lines[0].split()[0] == "audit|interpreter" and len(lines) == 3, told.stdout
    assert lines[1].startswith("1 {} 6 True memoryview in variable 'view' of main at {}:9, acquired at {}:6 in acquire by "
                               .format(program, program, program))
    assert lines[2].startswith("3 {} 10 True 3 of them: memoryview in item 0 of a list".format(program))
    assert "item 2 of a list" in lines[2]

"""Tells who holds the object of a BufferError, below its traceback."""

import array
import io
import mmap
import re
import sys
import threading

from . import _frames, _holders, _libpybuffer, _places

#: Of which types the errors of CPython's own exporters speak.
_TYPES = (("Existing exports of data", (bytearray, io.BytesIO)), ("cannot resize an array", (array.array,)),
          ("cannot close exported pointers", (mmap.mmap,)), ("mmap can't resize", (mmap.mmap,)),
          ("memoryview has", (memoryview,)))
_ABOUT_EXPORTS = re.compile("export|re-?siz", re.IGNORECASE)
#: How many exceptions are gone through that were raised while others were handled.
_MOST = 10


def error_in(value):
    """The BufferError about exports that an exception is, or that led to it; else None."""
    for _ in range(_MOST):
        if isinstance(value, BufferError) and _ABOUT_EXPORTS.search(str(value)):
            return value
        value = value.__cause__ or value.__context__ if value is not None else None
    return None


def tell(value, frame):
    """Writes to standard error who holds the object that an exception is about. Nothing for other exceptions."""
    error = error_in(value)
    if error is not None and sys.stderr is not None:
        sys.stderr.write("".join("libpybuffer: {}\n".format(line) for line in _lines(error, frame)))
        sys.stderr.flush()


def _lines(error, frame):
    wanted = next((types for text, types in _TYPES if str(error).startswith(text)), None)
    frames, traceback = [], error.__traceback__
    while traceback is not None:
        frames.append(traceback.tb_frame)
        traceback = traceback.tb_next
    note = ""
    # Other exporters raise errors in CPython's words, too: any may be meant, if none of CPython's is held.
    for types in (wanted, None) if wanted else (None,):
        for one in reversed(frames):
            names, exporters = _candidates(one, types)
            if not exporters:
                continue
            found = _holders.of_all(tuple(exporters), frame)
            note = found[0].note
            told = list(_told(names, exporters, found))
            if told:
                return told + ["({})".format(note)] * bool(note)
    return ["nobody was found to hold a view of an object here" + " ({})".format(note) * bool(note)]


def _told(names, exporters, found):
    for name, exporter, holders in zip(names, exporters, found):
        if holders:
            yield "{} {} is held by".format(_places.type_name(type(exporter)), name)
            for holder in holders:
                yield "    {}".format(holder)


def _candidates(frame, wanted):
    """Exporters of a frame: names and objects. They are in its variables, in attributes of these, or in global variables
    that it uses."""
    found = {}

    def see(name, value):
        if issubclass(type(value), wanted) if wanted else _libpybuffer.is_exporter(value) and not issubclass(type(value), memoryview):
            found.setdefault(id(value), (name, value))

    def see_with_attributes(name, value):
        see(name, value)
        for key, attribute in list((_places.attributes(value) or {}).items()):
            see("{}.{}".format(name, key), attribute)

    _frames.look(frame, see_with_attributes)
    for name in frame.f_code.co_names:
        if name in frame.f_globals:
            see_with_attributes(name, frame.f_globals[name])
    return [name for name, _ in found.values()], [value for _, value in found.values()]


def install(trim):
    """Has sys.excepthook and threading.excepthook tell it. `trim` takes a traceback, and returns what is to be shown."""
    hooked = threading.excepthook

    def threading_excepthook(args):
        hooked(args)
        tell(args.exc_value, sys._getframe(1))

    threading.excepthook = threading_excepthook
    hook(trim)


def hook(trim):
    """The same for sys.excepthook, as it is now; nothing if it does so already."""
    hooked = sys.excepthook
    if getattr(hooked, "tells_holders", False):
        return

    def excepthook(kind, value, traceback):
        traceback = trim(traceback)
        hooked(kind, value.with_traceback(traceback), traceback)
        tell(value, sys._getframe())

    excepthook.tells_holders = True
    sys.excepthook = excepthook

"""Tells who holds the object of a BufferError, below its traceback."""

import array
import contextlib
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
#: How many exceptions are gone through: those of groups, and those that were handled when others were raised.
_MOST = 100
_GROUPS = (BaseExceptionGroup,) if sys.version_info >= (3, 11) else ()


def error_in(value):
    """The BufferError about exports that an exception is, or that led to it, or that is in its group; else None."""
    left, seen = [value], []
    while left and len(seen) < _MOST:
        one = left.pop(0)
        if one is None or any(one is other for other in seen):
            continue
        seen.append(one)
        if isinstance(one, BufferError) and _ABOUT_EXPORTS.search(_text_of(one)):
            return one
        left[:0] = one.exceptions if isinstance(one, _GROUPS) else ()
        left.append(one.__cause__ or one.__context__)
    return None


def _text_of(error):
    try:
        return str(error)
    except Exception:  # an exception class of the program's
        return ""


def tell(value, frame):
    """Writes to standard error who holds the object that an exception is about. Nothing for other exceptions."""
    error, stream = error_in(value), sys.stderr
    if error is None or stream is None:
        return
    text = "".join("libpybuffer: {}\n".format(line) for line in _lines(error, frame))
    encoding = getattr(stream, "encoding", None) or "utf-8"
    with contextlib.suppress(OSError, ValueError):  # it is closed
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()


def _lines(error, frame):
    wanted = next((types for text, types in _TYPES if _text_of(error).startswith(text)), None)
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
        try:
            hooked(args)
        finally:
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
        try:
            hooked(kind, value.with_traceback(traceback), traceback)
        finally:
            tell(value, sys._getframe())

    excepthook.tells_holders = True
    sys.excepthook = excepthook

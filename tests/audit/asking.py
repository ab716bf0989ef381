"""pybuffer_holders by ctypes, for the tests' scripts."""

import collections
import ctypes


class Frame(ctypes.Structure):
    _fields_ = [("file", ctypes.c_char_p), ("function", ctypes.c_char_p), ("line", ctypes.c_ssize_t)]


class Entry(ctypes.Structure):
    _fields_ = [
        ("type_name", ctypes.c_char_p),
        ("file", ctypes.c_char_p),
        ("function", ctypes.c_char_p),
        ("offset", ctypes.c_size_t),
        ("frames", ctypes.POINTER(Frame)),
        ("n_frames", ctypes.c_int),
        ("flags", ctypes.c_int),
        ("len", ctypes.c_ssize_t),
        ("thread", ctypes.c_size_t),
        ("n_views", ctypes.c_ssize_t),
        ("n_lost", ctypes.c_ssize_t),
        ("age", ctypes.c_double),
        ("view", ctypes.c_size_t),
        ("reserved", ctypes.c_ssize_t),
    ]


Holder = collections.namedtuple(
    "Holder", "type_name file function frames flags len thread n_views n_lost age view"
)


# Not an object whose holders are asked for, but all of them.
EVERY = object()


def text(name):
    return name and name.decode("utf-8", "replace")


def load(path):
    """The function of the library at a path: holders(object=EVERY, room=None) returns a list, and the number there are."""
    call = ctypes.PyDLL(path).pybuffer_holders
    call.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_ssize_t]
    call.restype = ctypes.c_ssize_t

    def holders(obj=EVERY, room=None):
        obj = None if obj is EVERY else id(obj)
        if room is None:
            room = call(obj, None, 0) + 2
        entries = (Entry * room)()
        n = call(obj, entries, room)
        found = []
        for entry in entries[: min(n, room)]:
            frames = [entry.frames[i] for i in range(entry.n_frames)]
            frames = [(text(at.file), text(at.function), at.line) for at in frames]
            assert entry.reserved == 0
            found.append(
                Holder(
                    text(entry.type_name), text(entry.file), text(entry.function), frames, entry.flags,
                    entry.len, entry.thread, entry.n_views, entry.n_lost, entry.age,
                    entry.view,
                )
            )
        return found, n

    return holders

"""libpybuffer's functions for formats, called through ctypes. Its path is the first argument."""

import ctypes
import sys

_library = ctypes.PyDLL(sys.argv[1])


class Field(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_void_p),
        ("name_len", ctypes.c_ssize_t),
        ("shape", ctypes.POINTER(ctypes.c_ssize_t)),
    ] + [
        (name, ctypes.c_ssize_t)
        for name in ("count", "offset", "itemsize", "size", "parent", "position", "length")
    ] + [
        (name, ctypes.c_int) for name in ("ndim", "alignment", "bit")
    ] + [
        (name, ctypes.c_char) for name in ("code", "kind", "byte_order", "mode")
    ]


class Info(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_ssize_t)
        for name in ("itemsize", "alignment", "n_fields", "n_extents", "error_position")
    ]


_parse = _library.pybuffer_format_parse
_parse.restype = ctypes.c_ssize_t
_parse.argtypes = [
    ctypes.c_char_p, ctypes.POINTER(Field), ctypes.c_ssize_t,
    ctypes.POINTER(ctypes.c_ssize_t), ctypes.c_ssize_t, ctypes.POINTER(Info),
]
_itemsize = _library.pybuffer_format_itemsize
_itemsize.restype = ctypes.c_ssize_t
_itemsize.argtypes = [ctypes.c_char_p]
_equivalent = _library.pybuffer_format_equivalent
_equivalent.argtypes = [ctypes.c_char_p, ctypes.c_char_p]


def encoded(format):
    return format.encode("utf-8", "surrogateescape")


def itemsize(format):
    return _itemsize(encoded(format))


def equivalent(first, second):
    return _equivalent(encoded(first), encoded(second)) == 1


class Node:
    """A field with its members. All extents of its shape and its count together are `extents`."""

    def __init__(self, field, text):
        start = field.position
        self.code = text[start:start + field.length].decode("latin-1")
        self.name = None
        if field.name is not None:
            self.name = ctypes.string_at(field.name, field.name_len).decode(
                "utf-8", "surrogateescape")
        self.extents = tuple(field.shape[i] for i in range(field.ndim))
        self.count = field.count
        self.offset = field.offset
        self.size = field.size
        self.itemsize = field.itemsize
        self.kind = field.kind.decode()
        self.byte_order = field.byte_order.decode()
        self.members = []


def parse(format):
    """The fields outside of all structs, and the size of the item."""
    text = ctypes.create_string_buffer(encoded(format))
    info = Info()
    n = _parse(text, None, 0, None, 0, info)
    fields = (Field * n)()
    extents = (ctypes.c_ssize_t * info.n_extents)()
    again = Info()
    assert _parse(text, fields, n, extents, info.n_extents, again) == n
    assert bytes(info) == bytes(again) and n == info.n_fields
    assert itemsize(format) == info.itemsize, format
    assert equivalent(format, format), format
    nodes, top = [], []
    for field in fields:
        node = Node(field, text.value)
        nodes.append(node)
        (top if field.parent < 0 else nodes[field.parent].members).append(node)
    return top, info.itemsize

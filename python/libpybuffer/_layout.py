"""Where the items of a buffer lie: the numbers behind the picture that `layout(obj)` draws.

A buffer is a block of memory and a rule. The rule is one number for each axis, its *stride*: how many bytes one step
along that axis moves. `Layout` holds that rule and answers questions about it, by `_layout_block`; `_layout_text` and
`_layout_svg` draw.

Nothing here reads the memory, and nothing walks through all items: a layout of 10**15 items takes as long as one of 20.
"""

import math
import struct
from collections import namedtuple

from ._layout_block import Block, axis_names, c_strides

POINTER_SIZE = struct.calcsize("P")

#: A part of one item, as its format names it.
Field = namedtuple("Field", "name offset size text")


class Layout:
    """Where the items of a buffer lie: `print(layout)` draws it, `layout.svg()` is the same as an SVG image.

    `layout(obj)` makes one. It is made of numbers alone, so one can be made of a memory that is not there:

    >>> import libpybuffer
    >>> print(libpybuffer.Layout(shape=(2, 3), strides=(8, 16), itemsize=8, format="d").formula())
    offset = i*8 + j*16

    shape       how many items there are along each axis
    strides     how many bytes a step along each axis moves; C order if none are given
    suboffsets  for each axis -1, or how far behind a pointer the rest lies, which is there; () if there are none
    itemsize    the size of an item, in bytes
    format      what an item is, for the module struct
    nbytes      the size of all items
    readonly    whether the memory may not be written
    type_name   the name of the exporter's type
    """

    def __init__(self, shape, strides=None, suboffsets=(), itemsize=1, format="B", *,
                 nbytes=None, readonly=False, type_name="", fields=()):  # fmt: skip
        self.shape = tuple(shape)
        self.ndim = len(self.shape)
        self.itemsize, self.format, self.readonly, self.type_name = itemsize, format, readonly, type_name
        self.strides = c_strides(self.shape, itemsize) if strides is None else tuple(strides)
        self.suboffsets = tuple(suboffsets or ())
        if len(self.strides) != self.ndim or len(self.suboffsets) not in (0, self.ndim):
            raise ValueError("shape, strides and suboffsets must have one number for each axis")
        if itemsize < 0 or any(n < 0 for n in self.shape):
            raise ValueError("itemsize and the numbers of shape must not be negative")
        self.names = axis_names(self.ndim)
        self.nbytes = math.prod(self.shape) * itemsize if nbytes is None else nbytes
        self.fields = list(fields)
        self.blocks = self._blocks()

    def _blocks(self):
        """The blocks from the first pointers to the items: one, unless suboffsets say that pointers are followed."""
        ends = [axis + 1 for axis, suboffset in enumerate(self.suboffsets) if suboffset >= 0]
        blocks, begin, start = [], 0, None
        for end in ends + [self.ndim]:
            is_last = len(blocks) == len(ends)
            axes = slice(begin, end)
            size = self.itemsize if is_last else POINTER_SIZE
            blocks.append(Block(self.names[axes], self.shape[axes], self.strides[axes], size, start))
            begin, start = end, None if is_last else self.suboffsets[end - 1]
        return blocks

    def is_contiguous(self, order):
        """Whether the items lie back to back in order "C" or "F"."""
        if any(suboffset >= 0 for suboffset in self.suboffsets):
            return False
        if 0 in self.shape:
            return True
        if order == "F":
            expected = c_strides(self.shape[::-1], self.itemsize)[::-1]
        else:
            expected = c_strides(self.shape, self.itemsize)
        return all(n == 1 or s == e for n, s, e in zip(self.shape, self.strides, expected))

    @property
    def contiguity(self):
        """The orders in which it is contiguous, in words."""
        c, f = self.is_contiguous("C"), self.is_contiguous("F")
        return "C- and F-contiguous" if c and f else "C-contiguous" if c else "F-contiguous" if f else \
            "neither C- nor F-contiguous"  # fmt: skip

    def formula(self):
        """The offset of an item as a sum over this view's strides; of the first pointer if suboffsets lead on."""
        return self.blocks[0].formula()

    def __str__(self):
        return self.text()

    def __repr__(self):
        return "<libpybuffer.Layout: shape %s, strides %s, itemsize %d, %s>" % (
            self.shape, self.strides, self.itemsize, self.contiguity)  # fmt: skip

    def text(self, width=None, ascii=None):
        """The picture for a terminal of `width` columns (as wide as it is, by default), of ASCII alone if so wanted."""
        from ._layout_text import draw

        return draw(self, width, ascii)

    def svg(self, brief=False):
        """The picture as the text of an SVG file; a brief one has the offsets and the memory, without explanations."""
        from ._layout_svg import draw

        return draw(self, brief)

    def _repr_svg_(self):
        return self.svg()


def layout(obj):
    """A picture of where the items of `obj` lie in memory. `obj` is anything that memoryview takes.

    >>> import libpybuffer
    >>> picture = libpybuffer.layout(memoryview(b"abcdef")[::-2])
    >>> print(picture.formula())
    offset = 4 - i*2
    >>> print(picture.text(width=60, ascii=True))  # doctest: +ELLIPSIS
    memoryview, format 'B' (unsigned integer), itemsize 1, shape
    ...
      +0--+1----+2--+3----+4--+
      |[2]|:1 B:|[1]|:1 B:|[0]|
      +---+-----+---+-----+---+
        ^-- -2 ---^-- -2 ---/
    ...
    """
    with memoryview(obj) as view:
        return Layout(view.shape, view.strides, view.suboffsets, view.itemsize, view.format, nbytes=view.nbytes,
                      readonly=view.readonly, type_name=type(obj).__name__, fields=_fields(view.format, view.itemsize))  # fmt: skip


def _fields(format, itemsize):
    """The parts of an item, where it has several or they have names. They come from the library's own parser."""
    try:
        from ._formats import parse

        parsed = parse(format)
    except (ImportError, ValueError):
        return []
    fields = list(_leaves(parsed, "", 0)) if parsed.itemsize == itemsize else []
    return fields if len(fields) > 1 or any(field.name for field in fields) else []


def _leaves(fields, prefix, base):
    """The fields of formats' structs, those of inner structs by a name with dots."""
    for field in fields:
        name, offset = prefix + (field.name or ""), base + field.offset
        if field.kind == "T" and field.size == field.itemsize:
            yield from _leaves(field.fields, name + "." if name else "", offset)
            continue
        word = _SHORT.get(field.kind)
        order = field.byte_order if word and field.itemsize > 1 else ""
        text = order + (word + "%d" % (8 * field.itemsize) if word else field.kind if field.kind != "T" else "struct")
        shape = field.shape + ((field.count,) if field.count != 1 else ())
        yield Field(name, offset, field.size, text + (" " + "x".join(map(str, shape)) if shape else ""))


_SHORT = {"i": "int", "u": "uint", "f": "float", "c": "complex", "b": "bool"}

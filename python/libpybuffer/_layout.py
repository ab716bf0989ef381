"""Where the items of a buffer lie: the numbers behind the picture that `layout(obj)` draws.

A buffer is a block of memory and a rule. The rule is one number for each axis, its *stride*: how many bytes one step
along that axis moves. `Layout` holds that rule and answers questions about it; `_layout_text` and `_layout_svg` draw.

Nothing here reads the memory, and nothing walks through all items: a layout of 10**15 items takes as long as one of 20.
"""

import itertools
import math
import struct
from collections import namedtuple

POINTER_SIZE = struct.calcsize("P")

#: One piece of the tape that memory is drawn as, beginning `offset` bytes from the block's beginning. `kind` is
#: "item" (`index` lies here, and `more` other items as well), "gap" (`size` bytes that no item covers) or
#: "cut" (`more` items, None if unknown, that are not drawn).
Piece = namedtuple("Piece", "kind offset size index more")

#: A part of one item, as its format names it.
Field = namedtuple("Field", "name offset size text")

_KINDS = {
    **dict.fromkeys("bhilqn", "signed integer"),
    **dict.fromkeys("BHILQN", "unsigned integer"),
    **dict.fromkeys("efdg", "floating point"),
    **dict.fromkeys(["Ze", "Zf", "Zd", "Zg", "F", "D", "G"], "complex number"),
    "?": "true or false", "c": "one byte", "x": "padding", "s": "bytes", "p": "bytes with their length",
    "u": "UCS-2 character", "w": "UCS-4 character", "P": "pointer", "O": "Python object",
}  # fmt: skip


def kind_of(format):
    """What a format of one code means in words, or ""."""
    text = format.lstrip("@=<>!^")
    code = text.lstrip("0123456789")
    repeated = text[: len(text) - len(code)] not in ("", "1")
    return "" if repeated and code not in ("s", "p") else _KINDS.get(code, "")


def axis_names(ndim):
    """Letters for the axes, without the `l` and the `o` that look like digits; numbers where letters run out."""
    return list("ijkmnpqr"[:ndim]) if ndim <= 8 else ["i%d" % axis for axis in range(ndim)]


class Block:
    """A run of memory that is walked by strides: of the items, or of pointers to further blocks."""

    def __init__(self, names, shape, strides, size, start=None):
        self.names, self.shape, self.strides, self.size = names, shape, strides, size
        #: How far before the item with all indices 0 the lowest one lies.
        self.below = -sum(s * (n - 1) for n, s in zip(shape, strides) if s < 0 and n > 0)
        #: The offset of the item with all indices 0. Without a place of its own, the block begins at its lowest item.
        self.start = self.below if start is None else start
        self.low = self.start - self.below
        self.is_empty = 0 in shape
        self._spans = self._nested()

    def offset(self, index):
        """The offset of an item from the block's beginning: the one formula that everything here is about."""
        return self.start + sum(i * s for i, s in zip(index, self.strides))

    @property
    def extent(self):
        """The bytes from the lowest item's first to the highest item's last."""
        return 0 if self.is_empty else self.size + sum(abs(s) * (n - 1) for n, s in zip(self.shape, self.strides))

    def moving_axes(self):
        """The axes along which a step leads elsewhere, the smallest step first."""
        axes = [a for a, (n, s) in enumerate(zip(self.shape, self.strides)) if n > 1 and s != 0]
        return sorted(axes, key=lambda a: (abs(self.strides[a]), -a))

    def fastest_axis(self):
        """The axis with the smallest step, if there is one alone among several."""
        axes = self.moving_axes()
        return axes[0] if len(axes) > 1 and abs(self.strides[axes[0]]) < abs(self.strides[axes[1]]) else None

    def _nested(self):
        """[(stride, extent)] if each axis steps over all that those below it reach, so no items overlap; else None."""
        reach, spans = self.size, []
        for axis in self.moving_axes():
            stride, n = abs(self.strides[axis]), self.shape[axis]
            if stride < reach:
                return None
            spans.append((stride, n))
            reach += stride * (n - 1)
        return spans

    @property
    def n_places(self):
        """How many different places the items have, or None where items overlap."""
        return None if self._spans is None else math.prod(n for _, n in self._spans)

    @property
    def is_dense(self):
        return self.n_places is not None and self.n_places * self.size == self.extent

    def rank(self, offset):
        """How many places lie below the item at `offset`; None where items overlap."""
        if self._spans is None:
            return None
        left, rank, below = offset - self.low, 0, self.n_places
        for stride, n in reversed(self._spans):
            below //= n
            rank += left // stride * below
            left %= stride
        return rank

    def formula(self, index=None):
        """The offset as a sum over the strides; with an index, that index in it, and the outcome."""
        names = self.names if index is None else ["%d" % i for i in index]
        text = "%d" % self.start if self.start or not names else ""
        for name, stride in zip(names, self.strides):
            sign = "-" if stride < 0 else "+"
            text += " %s " % sign if text else "-" if stride < 0 else ""
            text += "%s*%d" % (name, abs(stride))
        if index is None:
            return "offset = " + text
        return text if text == "%d" % self.offset(index) else "%s = %d" % (text, self.offset(index))

    def example(self):
        """An index that shows how the formula is used: the last one that has a small number on each axis."""
        return tuple(min(n - 1, 3) for n in self.shape)

    def drawn(self, budget):
        """For each axis the indices that are drawn: `budget` items at most, of which the last axes keep the most."""
        moving = set(self.moving_axes())
        caps = [min(n, budget) if axis in moving else min(n, 1) for axis, n in enumerate(self.shape)]
        # Many axes: the first ones keep one index, so that the product stays small enough to work with.
        while math.prod(caps) > budget:
            caps[max(range(len(caps)), key=lambda axis: (caps[axis], -axis))] -= 1
        return [cut(n, cap) if n > 1 and axis in moving else list(range(cap))
                for axis, (n, cap) in enumerate(zip(self.shape, caps))]  # fmt: skip

    def tape(self, budget):
        """The pieces of memory in order of addresses, with `budget` items at most."""
        if self.is_empty:
            return []
        places = {}
        drawn = self.drawn(budget)
        for index in itertools.product(*drawn):
            places.setdefault(self.offset(index), []).append(index)
        complete = all(len(d) == n or s == 0 for d, n, s in zip(drawn, self.shape, self.strides))
        pieces, end, rank = [], self.low, 0
        for offset in sorted(places):
            here = self.rank(offset)
            self._between(pieces, end, offset, complete, here - rank if here is not None else None)
            indices = places[offset]
            pieces.append(Piece("item", offset, self.size, indices[0], len(indices) - 1 if complete else 0))
            end, rank = offset + self.size, None if here is None else here + 1
        top = self.low + self.extent
        self._between(pieces, end, top, complete, None if rank is None else self.n_places - rank)
        return pieces

    @staticmethod
    def _between(pieces, end, offset, complete, n_items):
        """Adds what lies between two drawn items: nothing, bytes of no item, or items that are not drawn."""
        if offset > end:
            is_gap = complete or n_items == 0
            pieces.append(Piece("gap" if is_gap else "cut", end, offset - end, None, 0 if is_gap else n_items))

    def first_row(self, budget):
        """[(i, offset)] of the drawn items along the last axis, the other indices being 0; none if that is one item."""
        if not self.shape or self.is_empty:
            return []
        first = (0,) * (len(self.shape) - 1)
        row = [(i, self.offset(first + (i,))) for i in self.drawn(budget)[-1]]
        return row if len(row) > 1 else []


def cut(n, cap):
    """The indices of an axis that are drawn if there is place for `cap`: the first ones, and the last beside two."""
    if n <= cap:
        return list(range(n))
    return list(range(cap - 1)) + [n - 1] if cap >= 3 else list(range(cap))


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


def c_strides(shape, itemsize):
    """The strides of items that lie one after another, the last index moving first."""
    strides = []
    for n in reversed(shape):
        strides.insert(0, itemsize)
        itemsize *= n
    return tuple(strides)


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

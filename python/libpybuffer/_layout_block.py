"""How a run of memory is walked by strides: which offsets its items have, and which of them are drawn."""

import itertools
import math
from collections import namedtuple

#: One piece of the tape that memory is drawn as, beginning `offset` bytes from the block's beginning. `kind` is
#: "item" (`index` lies here, and `more` other items as well), "gap" (`size` bytes that no item covers) or
#: "cut" (`more` items, None if unknown, that are not drawn).
Piece = namedtuple("Piece", "kind offset size index more")


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


def c_strides(shape, itemsize):
    """The strides of items that lie one after another, the last index moving first."""
    strides = []
    for n in reversed(shape):
        strides.insert(0, itemsize)
        itemsize *= n
    return tuple(strides)

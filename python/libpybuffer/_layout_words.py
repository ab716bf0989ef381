"""What a layout's picture says in words, in the terminal as in SVG."""

from ._formats import printable
from ._layout_block import c_strides

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


def plural(n, noun):
    return "%d %s" % (n, noun if n == 1 else noun + "s")


def numbers(values):
    """A tuple as Python writes it, held together by spaces that do not break."""
    return str(tuple(values)).replace(" ", "\u00a0") if len(values) <= 8 else str(tuple(values))


def heading(layout):
    """One line: what it is."""
    kind = kind_of(layout.format)
    parts = [printable(layout.type_name)] if layout.type_name else []
    parts.append("format '%s'" % printable(layout.format) + (" (%s)" % kind if kind else ""))
    parts += ["itemsize %d" % layout.itemsize, "shape " + numbers(layout.shape), "strides " + numbers(layout.strides)]
    if len(layout.blocks) > 1:
        parts.append("suboffsets " + numbers(layout.suboffsets))
    parts += [plural(layout.nbytes, "byte"), "read-only" if layout.readonly else "writable"]
    parts.append(layout.contiguity.replace(" ", "\u00a0"))
    return ", ".join(parts)


def strides(layout):
    """What newcomers need to know first."""
    text = "A stride says how many bytes one step along an axis moves."
    if len(layout.blocks) > 1:
        text += " A suboffset that is not negative says that a pointer lies there, which is followed."
    return text if layout.ndim else ""


def block_titles(layout):
    """A title for each block; none where there is only one."""
    if len(layout.blocks) == 1:
        return [""]
    titles, axes = [], []
    for number, block in enumerate(layout.blocks, 1):
        led = ", one block behind each pointer [%s]" % ", ".join(axes) if axes else ""
        axes += block.names
        is_last = number == len(layout.blocks)
        what = "items" if is_last else "pointers"
        titles.append("Block %d: %s of %s%s" % (number, what, plural(block.size, "byte"), led))
    return titles


def formulas(layout, number):
    """Where an item of a block lies: the rule, the rule with this view's numbers, and an example (may be "")."""
    block = layout.blocks[number]
    axis = sum(len(b.names) for b in layout.blocks[:number])
    terms = ["%s*strides[%d]" % (name, axis + n) for n, name in enumerate(block.names)]
    if number:
        terms.insert(0, "suboffsets[%d]" % (axis - 1))
    elif block.start:
        terms.insert(0, "start")
    rule = "offset = " + (" + ".join(terms) or "0")
    if not block.names or block.is_empty or len(block.names) > 8:
        return rule, block.formula(), ""
    index = block.example()
    noun = noun_of(layout, number)
    return rule, block.formula(), "%s [%s]: %s" % (noun, ", ".join(map(str, index)), block.formula(index))


def noun_of(layout, number):
    """What a block consists of."""
    return "item" if number == len(layout.blocks) - 1 else "pointer"


def origin(layout, number):
    """From where the offsets of a block are counted."""
    block = layout.blocks[number]
    if number:
        return "bytes from where the pointer points"
    if block.start:
        first = ", ".join("0" for _ in block.names)
        return "bytes from the block's beginning; item [%s] is at %d, as a stride is negative" % (first, block.start)
    return "bytes from the block's beginning"


def steps(layout):
    """[(axis, bytes, what one step does)], the axis that moves slowest first; none where there are no items."""
    rows = []
    if 0 in layout.shape:
        return rows
    for number, block in enumerate(layout.blocks):
        moving = block.moving_axes()
        still = [axis for axis in range(len(block.names)) if axis not in moving]
        for axis in still + moving[::-1]:
            stride = block.strides[axis]
            said = _step(stride, block.shape[axis], block.size, noun_of(layout, number))
            if axis == block.fastest_axis():
                said += "  (the fastest axis: the smallest step)"
            rows.append((block.names[axis], "%+d" % stride, said))
    return rows


def _step(stride, n, size, noun):
    distance = abs(stride)
    if n <= 1:
        return "never taken: the axis has one index"
    if stride == 0:
        return "stays where it is: all %d indices share the same %ss" % (n, noun)
    if distance == size:
        return "to the next %s in memory" % noun if stride > 0 else "to the %s before it in memory" % noun
    if distance < size:
        return "less than the %d bytes of one %s: neighbours overlap" % (size, noun)
    whole, rest = divmod(distance, size) if size else (0, distance)
    text = plural(whole, noun) if whole else ""
    text += (" and " if text and rest else "") + (plural(rest, "byte") if rest else "")
    return text + (" further" if stride > 0 else " back")


def contiguity(layout):
    """What C and Fortran order would be, and whether the view is so."""
    if layout.ndim == 0 or 0 in layout.shape or len(layout.blocks) > 1:
        return []
    lines = []
    f_strides = c_strides(layout.shape[::-1], layout.itemsize)[::-1]
    orders = [("C", "last", c_strides(layout.shape, layout.itemsize)), ("F", "first", f_strides)]
    for order, axis, strides in orders[: 1 if layout.ndim == 1 else 2]:
        names = "%s-contiguous" % order if layout.ndim > 1 else "Contiguous"
        moves = " (%s axis fastest, no gaps)" % axis if layout.ndim > 1 else " (each item right after the last)"
        if layout.is_contiguous(order):
            lines.append("%s%s: yes" % (names, moves))
        else:
            lines.append("%s%s: no, strides would be %s" % (names, moves, numbers(strides)))
    block = layout.blocks[0]
    shared = any(n > 1 and s == 0 for n, s in zip(layout.shape, layout.strides))
    if layout.ndim > 1 and block.is_dense and not shared and "neither" in layout.contiguity:
        lines.append("But without a gap: every byte of the block belongs to an item.")
    return lines


class Labels:
    """How an index is written in a cell. `*` is any index of an axis with stride 0; with many axes, those of
    which only index 0 is drawn are left out at the beginning (`..`)."""

    def __init__(self, block, budget):
        self.stars = [n > 1 and s == 0 for n, s in zip(block.shape, block.strides)]
        self.skip = 0
        if len(block.shape) > 6 and not block.is_empty:
            drawn = block.drawn(budget)
            while self.skip < len(drawn) - 1 and drawn[self.skip] == [0]:
                self.skip += 1

    def __call__(self, piece):
        parts = ["*" if star else "%d" % i for star, i in zip(self.stars, piece.index)][self.skip :]
        text = (".." if self.skip else "") + ",".join(parts) or "()"
        return text + ("+%d" % piece.more if piece.more else "")

    def legend(self, pieces):
        """[(mark, what it means)] of the marks that these pieces have."""
        said = []
        if any(piece.kind == "gap" for piece in pieces):
            said.append(("░", "bytes that belong to no item"))
        if any(self.stars):
            said.append(("*", "every index of an axis with stride 0: these items share their bytes"))
        if any(piece.kind == "item" and piece.more for piece in pieces):
            said.append(("+n", "n more items lie in the same place"))
        if self.skip:
            said.append(("..", plural(self.skip, "leading 0")))
        return said


def tape_title(layout, number, pieces, overlaps):
    """What the drawn memory is, with the cut told."""
    block = layout.blocks[number]
    what = "%ss of %s" if overlaps else "each cell is one %s of %s, the number above it is its offset"
    text = "Memory, bytes %d to %d: " % (block.low, block.low + block.extent - 1)
    text += what % (noun_of(layout, number), plural(block.size, "byte"))
    n_drawn = sum(piece.kind == "item" for piece in pieces)
    n_all = block.n_places
    if any(piece.kind == "cut" for piece in pieces):
        text += " (cut: %d %s drawn)" % (n_drawn, "places" if n_all is None else "of %d" % n_all)
    return text


def row_name(block):
    """The first row of a block, which is marked in the drawing."""
    zeros = ["0"] * (len(block.names) - 1)
    return ", ".join((zeros if len(zeros) <= 6 else [".."]) + [block.names[-1]])


def piece_label(piece):
    """What a cell says that is no item."""
    if piece.kind == "gap":
        return "%d B" % piece.size
    return "... %s ..." % plural(piece.more, "item") if piece.more is not None else "..."

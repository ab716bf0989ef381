"""What a layout's picture is made of, before anything draws it: tables of offsets, and memory as a tape of cells.

Widths are in characters; an SVG image multiplies them by the width of one.
"""

import itertools
import math
import textwrap

from . import _layout_words as words
from ._formats import printable
from ._layout_block import cut

INDENT = "  "


def wrapped(text, width, indent=INDENT, further="    "):
    """Lines of whole words; what is written with spaces that do not break stays together."""
    indents = {"initial_indent": indent, "subsequent_indent": indent + further}
    lines = textwrap.wrap(text, width, break_on_hyphens=False, **indents)
    return [line.replace("\u00a0", " ") for line in lines] or [""]


class Cell:
    """A box of the tape, or an entry of a table, `width` characters wide; `index` is that of its item, if it is one."""

    def __init__(self, offset, label, width, index=None, kind="item", is_marked=False):
        self.offset, self.label, self.width, self.index = offset, label, width, index
        self.kind, self.is_marked = kind, is_marked


class Grid:
    """Tables of offsets: rows and columns are the last two axes, and each index of the others has a table."""

    MOST_TABLES, MOST_ROWS, MOST_COLUMNS = 6, 6, 12

    def __init__(self, block, width):
        self.block, self.two = block, len(block.shape) > 1
        leading = block.shape[:-2]
        self.rows = cut(block.shape[-2], self.MOST_ROWS) if self.two else [None]
        self.margin = len("%s=%d" % (block.names[-2], block.shape[-2] - 1)) if self.two else len("offset")
        pages = [unravel(n, leading) for n in range(min(math.prod(leading), self.MOST_TABLES))]
        most = self.MOST_COLUMNS
        while True:
            self.columns = cut(block.shape[-1], most)
            self.column = self._column(pages)
            self.table_width = self.margin + sum(self.column + len(self._before(n)) for n in range(len(self.columns)))
            if most <= 3 or len(INDENT) + self.table_width <= width:
                break
            most -= 1
        if leading:
            self.table_width = max(self.table_width, *(len(self._title(page)) for page in pages))
        self.across = max(1, (width - len(INDENT) + 4) // (self.table_width + 4))
        self.pages, self.n_pages = pages[: self.across * 3], math.prod(leading)

    def title(self):
        """What the tables are, with the cut told."""
        parts = [("tables", self.pages, self.n_pages), ("rows", self.rows, self.block.shape[-2] if self.two else 1),
                 ("columns", self.columns, self.block.shape[-1])]  # fmt: skip
        cuts = ["%d of %d %s" % (len(part), n, what) for what, part, n in parts if len(part) < n]
        return "The offset for each index%s:" % (" (cut: %s)" % ", ".join(cuts) if cuts else "")

    def tables(self):
        """Tables in lines of those that stand beside each other; each is a list of lines of cells."""
        drawn = [self._table(page) for page in self.pages]
        return [drawn[n : n + self.across] for n in range(0, len(drawn), self.across)]

    def _offset(self, page, row, column):
        index = page + (() if row is None else (row,)) + (column,)
        return index, self.block.offset(index)

    def _column(self, pages):
        texts = ["%s=0" % self.block.names[-1], "%d" % self.columns[-1]]
        texts += ["%d" % self._offset(*place)[1] for place in itertools.product(pages, self.rows, self.columns)]
        return max(map(len, texts)) + 2

    def _before(self, n):
        return " .." if n and self.columns[n] != self.columns[n - 1] + 1 else ""

    def _title(self, page):
        parts = ["%s=%d" % pair for pair in zip(self.block.names, page)]
        return ", ".join(parts if len(parts) <= 4 else [".."] + parts[-3:])

    def _table(self, page):
        lines = [[Cell(None, self._title(page), self.table_width)]] if page else []
        lines.append([Cell(None, "", self.margin)])
        for n, column in enumerate(self.columns):
            text = "%d" % column if n else "%s=%d" % (self.block.names[-1], column)
            lines[-1] += self._gap(n) + [Cell(None, text.rjust(self.column), self.column)]
        for n, row in enumerate(self.rows):
            if n and row != self.rows[n - 1] + 1:
                lines.append([Cell(None, "..", self.table_width)])
            lines.append([Cell(None, "%s=%d" % (self.block.names[-2], row) if self.two else "offset", self.margin)])
            for n, column in enumerate(self.columns):
                index, offset = self._offset(page, row, column)
                lines[-1] += self._gap(n) + [Cell(offset, ("%d" % offset).rjust(self.column), self.column, index)]
        return lines

    def _gap(self, n):
        return [Cell(None, self._before(n), len(self._before(n)))] if self._before(n) else []


def unravel(n, shape):
    """The index of item `n` in C order."""
    index = []
    for extent in reversed(shape):
        n, i = divmod(n, extent)
        index.insert(0, i)
    return tuple(index)


class Tape:
    """Memory as a tape of cells, with what is said above it."""

    def __init__(self, layout, number, width):
        self.block = layout.blocks[number]
        budget = 36 if width >= 100 else 24
        self.pieces = self.block.tape(budget)
        self.items = [piece for piece in self.pieces if piece.kind == "item"]
        self.labels = words.Labels(self.block, budget)
        self.row = self.block.first_row(budget)
        self.overlaps = any(b.offset < a.offset + a.size for a, b in zip(self.items, self.items[1:]))
        self.title = words.tape_title(layout, number, self.pieces, self.overlaps)
        self.legend = self.labels.legend(self.pieces)
        if self.overlaps:
            self.items = self.items[:12]
            self.legend.insert(0, ("|--|", "the bytes of one item: they overlap, so each has a line"))
            n_more = (self.block.n_places or math.prod(self.block.shape)) - len(self.items)
            self.legend += [("cut", "the first %d items are drawn" % len(self.items))] if n_more > 0 else []
        elif self.row:
            what = "row [%s]; ▲ is where each step of %s lands" % (words.row_name(self.block), self.block.names[-1])
            self.legend.insert(0, ("[ ]", what))

    def cells(self):
        marked = {offset for _, offset in self.row}
        texts = {piece.offset: self.labels(piece) for piece in self.items}
        digits = len("%d" % self.pieces[-1].offset) + 1
        inner = max(digits, max(map(len, texts.values())) + 2)
        cells = []
        for piece in self.pieces:
            if piece.kind == "item":
                is_marked = piece.offset in marked
                cells.append(Cell(piece.offset, texts[piece.offset], inner, piece.index, is_marked=is_marked))
                continue
            text = words.piece_label(piece)
            # A gap is as long as it should be beside the items, up to two of them.
            size = self.block.size
            true = round((inner + 1) * piece.size / size) - 1 if piece.kind == "gap" and size else 0
            wide = max(len(text) + 2, digits, min(true, 2 * inner + 1))
            cells.append(Cell(piece.offset, text, wide, None, piece.kind))
        return cells

    def lines(self, width):
        """The cells in lines, of which each repeats what the strides repeat, if that fits."""
        cells, low = self.cells(), self.block.low
        full = lines_of(cells, width)
        best, allowed = full, 2 * len(full) + 1
        for axis in self.block.moving_axes() if len(full) > 1 else []:
            stride, n = abs(self.block.strides[axis]), self.block.shape[axis]
            for many in range(1, min(n, 64) + 1):
                lines = lines_of(cells, width, stride * many, low) if n % many == 0 else []
                turns = {(cell.offset - low) // (stride * many) for cell in cells}
                if len(turns) == len(lines) and 1 < len(lines) <= allowed:
                    best, allowed = lines, len(lines) - 1
        return best


def lines_of(cells, width, period=0, low=0):
    """Cells in lines: a new one where the width is used up, or `period` bytes are over."""
    lines, used, last = [], 0, None
    for cell in cells:
        turn = (cell.offset - low) // period if period else 0
        if not lines or used + cell.width + 1 > width or turn != last:
            lines.append([])
            used = len(INDENT) + 1
        lines[-1].append(cell)
        used += cell.width + 1
        last = turn
    return lines


def field_cells(layout):
    """The parts of one item, with the padding between them."""
    cells, end = [], 0
    for field in layout.fields + [None]:
        begin = layout.itemsize if field is None else field.offset
        if begin > end:
            text = "%d B" % (begin - end)
            cells.append(Cell(end, text, max(len(text), len("%d" % end)) + 2, None, "gap"))
        if field is not None:
            text = printable("%s: %s" % (field.name, field.text) if field.name else field.text)
            cells.append(Cell(begin, text, max(len(text), len("%d" % begin)) + 2))
            end = max(end, begin + field.size)
    return cells


def opening(layout, width):
    """The first lines: what it is, and what strides are."""
    said = words.strides(layout)
    return wrapped(words.heading(layout), width, ""), wrapped(said, width, "") if said else []


def rule(layout, number, width):
    """Where an item of a block lies, as a formula."""
    block = layout.blocks[number]
    if block.is_empty:
        return ["There are no items: an axis has no index (0 in the shape)."]
    noun = words.noun_of(layout, number)
    formula, numbers, example = words.formulas(layout, number)
    begin = "%s [%s]" % (noun.capitalize(), ", ".join(block.names)) if block.names else "The %s" % noun
    lines = wrapped("%s lies at (%s):" % (begin, words.origin(layout, number)), width, "")
    if block.names:
        lines += wrapped(formula, width)
        numbers = numbers.replace("offset", "      ", 1)
    if example and len(INDENT + numbers + "     " + example) <= width:
        return lines + [INDENT + numbers + "     " + example]
    lines += textwrap.wrap(numbers, width, initial_indent=INDENT, subsequent_indent=" " * 11)
    return lines + (wrapped(example, width) if example else [])


def legend(marks, width):
    """What marks mean, in two columns."""
    wide = max([len(mark) for mark, _ in marks], default=0) + 2
    lines = []
    for mark, meaning in marks:
        lines += wrapped(mark.ljust(wide).replace(" ", "\u00a0") + meaning, width, INDENT, " " * wide)
    return lines


def closing(layout, width):
    """The last lines: how far one step goes, and contiguity."""
    lines = []
    rows = words.steps(layout)
    if rows:
        ordered = ", the slowest first" if len(layout.blocks) == 1 else ""
        lines += ["", "One step along %s:" % ("the axis" if len(rows) == 1 else "each axis" + ordered)]
        name, size = max(len(row[0]) for row in rows), max(len(row[1]) for row in rows)
        for axis, stride, said in rows:
            unit = "byte " if stride in ("+1", "-1") else "bytes"
            begin = "%s  %s %s  " % (axis.ljust(name), stride.rjust(size), unit)
            lines += textwrap.wrap(said, width, initial_indent=INDENT + begin, subsequent_indent=" " * (len(begin) + 2))
    said = words.contiguity(layout)
    return lines + ([""] + [line for text in said for line in wrapped(text, width, "")] if said else [])

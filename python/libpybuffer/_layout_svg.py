"""A layout as an SVG image: the same picture as in the terminal, with colours.

The image has a background of its own, so that it reads on a light page and on a dark one, and turns dark where the
reader's system is. Colours (of Okabe and Ito, told apart by colour-blind people) only repeat what is written.
"""

from xml.sax.saxutils import escape, quoteattr

from . import _layout_parts as parts
from . import _layout_words as words
from ._layout_parts import INDENT

CHAR, LINE, BOX, MARGIN, COLUMNS = 8, 20, 24, 16, 104

_LIGHT = ["#cfe8fb", "#fde3b8", "#c9ecdd", "#f7f1a8", "#f6cfe4", "#e2dcf5"]
_DARK = ["#1d4e73", "#744c08", "#0f5c46", "#625c06", "#733759", "#4a4273"]
_RULES = """
S text{font:13px ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;fill:INK;white-space:pre}
S .h{font-weight:bold}S .q{fill:QUIET}S .b{fill:BACK}S .c{stroke:LINE}S .g{fill:GAP;stroke:LINE}
S .f{fill:none;stroke:MARK;stroke-width:3}S .a{fill:none;stroke:MARK;stroke-width:2}S .t,S .s{fill:MARK}"""


def _style():
    """The colours for light, and for dark where the reader's system says so, for no element of the page around."""

    def rules(fills, **colours):
        sheet = _RULES
        for name, colour in colours.items():
            sheet = sheet.replace(name, colour)
        sheet += "".join("S .n%d{fill:%s}" % (n, fill) for n, fill in enumerate(fills))
        return sheet.replace("S ", ".pbl-layout ")

    light = rules(_LIGHT, INK="#1a1a1a", QUIET="#595959", BACK="#ffffff", LINE="#6b6b6b", GAP="#e4e4e4", MARK="#b34700")
    dark = rules(_DARK, INK="#f2f2f2", QUIET="#b5b5b5", BACK="#1e1e1e", LINE="#9a9a9a", GAP="#3a3a3a", MARK="#ff9d5c")
    return "%s\n@media (prefers-color-scheme:dark){%s}" % (light, dark)


class _Canvas:
    """Elements in order, and how far they reach."""

    def __init__(self):
        self.elements, self.y, self.right = [], MARGIN, 0

    def add(self, element, right=0):
        self.elements.append(element)
        self.right = max(self.right, right)

    def text(self, x, y, said, kind="", anchor=""):
        if not said:
            return
        attributes = ' class="%s"' % kind if kind else ""
        attributes += ' text-anchor="%s"' % anchor if anchor else ""
        element = '<text x="%g" y="%g"%s>%s</text>' % (x, y, attributes, escape(said))
        self.add(element, 0 if anchor else x + len(said) * CHAR)

    def lines(self, lines, kind=""):
        for line in lines:
            self.y += LINE
            if line.strip():
                indent = len(line) - len(line.lstrip())
                self.text(MARGIN + indent * CHAR, self.y - 5, line.strip(), kind)

    def box(self, x, y, width, height, kind, data=""):
        place = (x, y, width, height, kind, data)
        self.add('<rect x="%g" y="%g" width="%g" height="%g" class="%s"%s/>' % place, x + width)

    @staticmethod
    def right_of(line):
        """Where a line of cells ends."""
        return MARGIN + (len(INDENT) + sum(cell.width + 1 for cell in line)) * CHAR


def draw(layout, brief=False):
    """The text of the image; a brief one leaves out what is explained."""
    canvas = _Canvas()
    heading, stride = parts.opening(layout, COLUMNS)
    canvas.lines(heading, "h")
    canvas.lines([] if brief else [""] + stride)
    for number, title in enumerate(words.block_titles(layout)):
        canvas.lines(["", title] if title else [], "h")
        canvas.lines([] if brief else parts.rule(layout, number, COLUMNS))
        if not layout.blocks[number].is_empty:
            _grid(canvas, layout.blocks[number])
            _memory(canvas, layout, number, brief)
    if layout.fields:
        canvas.lines(["", "Inside each item:"])
        for line in parts.lines_of(parts.field_cells(layout), COLUMNS):
            _cells(canvas, line, lambda cell: "g" if cell.kind == "gap" else "c n1")
    canvas.lines([] if brief else parts.closing(layout, COLUMNS))
    width, height = canvas.right + MARGIN, canvas.y + MARGIN
    label = quoteattr(" ".join(heading))
    return "\n".join([
        '<svg xmlns="http://www.w3.org/2000/svg" xml:space="preserve" class="pbl-layout"'
        ' width="%d" height="%d" viewBox="0 0 %d %d" role="img" aria-label=%s>' % (width, height, width, height, label),
        "<style>%s</style>" % _style(),
        '<rect width="100%" height="100%" rx="6" class="b"/>',
        *canvas.elements, "</svg>\n"])  # fmt: skip


def _colour(block, index):
    """The class of an item's colour: one for each index of the first axis, so that one sees where it goes."""
    return "n%d" % (index[0] % len(_LIGHT) if len(index) > 1 and block.strides[0] else 0)


def _place(cell):
    """What a program that reads the image may want to know of a cell."""
    if cell.index is None:
        return ""
    return ' data-index="%s" data-offset="%d"' % (",".join(map(str, cell.index)), cell.offset)


def _grid(canvas, block):
    """The offsets of all indices, as in the terminal, each on its colour."""
    if not block.names:
        return
    grid = parts.Grid(block, COLUMNS)
    canvas.lines(["", *parts.wrapped(grid.title(), COLUMNS, "")])
    for beside in grid.tables():
        top = canvas.y
        for n, table in enumerate(beside):
            canvas.y = top
            for line in table:
                canvas.y += LINE
                x = MARGIN + (len(INDENT) + n * (grid.table_width + 4)) * CHAR
                for cell in line:
                    _entry(canvas, block, cell, x)
                    x += cell.width * CHAR
        canvas.y += LINE // 2
    canvas.y -= LINE // 2


def _entry(canvas, block, cell, x):
    """One cell of a table: an offset, or what stands at its side."""
    text = cell.label.strip()
    if cell.index is None:
        canvas.text(x + (len(cell.label) - len(cell.label.lstrip())) * CHAR, canvas.y - 5, text, "q")
        return
    x, wide = x + 1.5 * CHAR, (cell.width - 1.5) * CHAR
    canvas.box(x, canvas.y - LINE + 1, wide, LINE - 2, _colour(block, cell.index), _place(cell))
    canvas.text(x + wide - 4, canvas.y - 5, text, "", "end")


def _memory(canvas, layout, number, brief):
    tape = parts.Tape(layout, number, COLUMNS)
    said = {"[ ]": "frame", "░": "grey", "|--|": "box"}
    legend = [(said.get(mark, mark), what.replace("▲", "the arrow")) for mark, what in tape.legend]
    if len(tape.block.names) > 1 and tape.block.strides[0]:
        legend.append(("colour", "one for each %s" % tape.block.names[0]))
    if brief:  # what the picture shows by itself is not said
        legend = [(mark, what) for mark, what in legend if mark not in ("frame", "colour")]
    title = "The memory:" if brief else tape.title
    canvas.lines(["", *parts.wrapped(title, COLUMNS, ""), *parts.legend(legend, COLUMNS)])
    canvas.y += 6
    if tape.overlaps:
        _staircase(canvas, tape)
        return

    def kind(cell):
        if cell.index is None:
            return "g" if cell.kind == "gap" else "c b"
        return "c " + _colour(tape.block, cell.index)

    for line in tape.lines(COLUMNS):
        centres = _cells(canvas, line, kind)
        _arrows(canvas, tape.row, line, centres)


def _cells(canvas, line, kind):
    """A line of boxes with their offsets above; returns where the middle of each is."""
    x, centres, frames = MARGIN + len(INDENT) * CHAR, {}, []
    top = canvas.y + LINE
    for cell in line:
        wide = (cell.width + 1) * CHAR
        canvas.text(x + 2, top - 4, "%d" % cell.offset, "q")
        canvas.box(x, top, wide, BOX, kind(cell), _place(cell))
        centres[cell.offset] = x + wide / 2
        canvas.text(x + wide / 2, top + 16, cell.label, "h" if cell.is_marked else "", "middle")
        if cell.is_marked:
            frames.append((x + 1.5, top + 1.5, wide - 3, BOX - 3, "f"))
        x += wide
    for frame in frames:
        canvas.box(*frame)
    canvas.y = top + BOX + 6
    return centres


def _arrows(canvas, row, line, centres):
    """Arrows from each marked item to the next; one that leads to another line goes to the end of this one."""
    begins, ends = line[0].offset, line[-1].offset
    left, right = MARGIN, canvas.right_of(line)
    y, n_drawn = canvas.y, 0
    for (i, here), (following, there) in zip(row, row[1:]):
        if following != i + 1 or (here not in centres and there not in centres):
            continue
        n_drawn += 1
        x1 = centres.get(here, left if here < begins else right)
        x2 = centres.get(there, right if there > ends else left)
        way = 1 if there > here else -1
        x1 += 4 * way if here in centres else 0
        begin = "M%g %g v8" % (x1, y - 4) if here in centres else "M%g %g" % (x1, y + 4)
        if there in centres:
            x2 -= 4 * way
            canvas.add('<path class="a" d="%s H%g v-4"/>' % (begin, x2))
            canvas.add('<path class="t" d="M%g %g l4 7 h-8 z"/>' % (x2, y - 5))
        else:
            canvas.add('<path class="a" d="%s H%g"/>' % (begin, x2))
            canvas.add('<path class="t" d="M%g %g l%d -4 v8 z"/>' % (x2 + 6 * way, y + 4, -7 * way))
        label = "%+d" % (there - here)
        if here in centres and abs(x2 - x1) >= len(label) * CHAR:
            canvas.text((x1 + x2) / 2, y + 18, label, "s", "middle")
    canvas.y += 20 if n_drawn else 0


def _staircase(canvas, tape):
    """Items that overlap, each on a line of its own."""
    low, high = tape.items[0].offset, max(item.offset + item.size for item in tape.items)
    left = MARGIN + (max(3, *(len(tape.labels(item)) for item in tape.items)) + 5) * CHAR
    scale = min(4 * CHAR, (COLUMNS * CHAR - left) / (high - low))
    canvas.y += LINE
    canvas.text(MARGIN + len(INDENT) * CHAR, canvas.y - 5, "byte", "q")
    free = 0
    for mark in sorted({item.offset for item in tape.items} | {high}):
        x, text = left + (mark - low) * scale, "%d" % mark
        if x >= free:
            canvas.text(x, canvas.y - 5, text, "q")
            free = x + (len(text) + 1) * CHAR
    for item in tape.items:
        x, wide = left + (item.offset - low) * scale, max(item.size * scale, 2)
        canvas.box(x, canvas.y, wide, BOX - 2, "c " + _colour(tape.block, item.index), _place(item))
        canvas.text(MARGIN + len(INDENT) * CHAR, canvas.y + 16, "[%s]" % tape.labels(item))
        canvas.y += BOX + 2

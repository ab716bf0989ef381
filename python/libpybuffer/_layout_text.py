"""A layout drawn with characters, for terminals."""

import shutil
import sys

from . import _layout_parts as parts
from . import _layout_words as words
from ._layout_parts import INDENT

_ASCII = str.maketrans("─│┌┬┐└┴┘├┤░▲╰╯▸◂", "-|++++++||:^\\/><")


def draw(layout, width=None, ascii=None):
    """The whole picture."""
    if width is None:
        width = shutil.get_terminal_size((100, 24)).columns
    if ascii is None:
        ascii = not _can_encode(sys.stdout)
    width = max(width, 40)
    heading, stride = parts.opening(layout, width)
    lines = heading + [""] + stride
    for number, title in enumerate(words.block_titles(layout)):
        lines += ["", *parts.wrapped(title, width, "")] if title else []
        lines += parts.rule(layout, number, width)
        if not layout.blocks[number].is_empty:
            lines += _grid(layout.blocks[number], width)
            lines += _memory(layout, number, width)
    if layout.fields:
        lines += ["", "Inside each item:"]
        for line in parts.lines_of(parts.field_cells(layout), width):
            lines += _boxes(line)
    lines += parts.closing(layout, width)
    text = "\n".join(line.rstrip() for line in lines)
    return text.translate(_ASCII).encode("ascii", "backslashreplace").decode() if ascii else text


def _can_encode(stream):
    try:
        "─░▲╰▸".encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeError, LookupError):
        return False
    return True


def _grid(block, width):
    if not block.names:
        return []
    grid = parts.Grid(block, width)
    lines = ["", *parts.wrapped(grid.title(), width, "")]
    for n, beside in enumerate(grid.tables()):
        lines += [""] if n else []
        for cells in zip(*beside):
            lines.append(INDENT + (" " * 4).join("".join(c.label.ljust(c.width) for c in line) for line in cells))
    return lines


def _memory(layout, number, width):
    tape = parts.Tape(layout, number, width)
    lines = ["", *parts.wrapped(tape.title, width, ""), *parts.legend(tape.legend, width)]
    if tape.overlaps:
        return lines + _staircase(tape, width)
    for line in tape.lines(width):
        lines += _boxes(line)
        arrows = _arrows(line, tape.row)
        lines += [INDENT + arrows] if arrows.strip() else []
    return lines


def _boxes(line):
    """Cells with their offsets in the upper border."""
    top, middle, bottom = "", "", ""
    for n, cell in enumerate(line):
        label = "[%s]" % cell.label if cell.is_marked else cell.label
        top += ("┬" if n else "┌") + ("%d" % cell.offset).ljust(cell.width, "─")
        middle += "│" + label.center(cell.width, "░" if cell.kind == "gap" else " ")
        bottom += ("┴" if n else "└") + "─" * cell.width
    return [INDENT + top + "┐", INDENT + middle + "│", INDENT + bottom + "┘"]


def _arrows(line, row):
    """Under a line of cells, the steps that begin, end or pass there. Only those from i to i + 1 have arrows."""
    centres, x = {}, 0
    for cell in line:
        centres[cell.offset] = x + 1 + cell.width // 2
        x += cell.width + 1
    drawn, begins, ends = [" "] * (x + 1), line[0].offset, line[-1].offset
    for (i, here), (following, there) in zip(row, row[1:]):
        low, high = min(here, there), max(here, there)
        if following != i + 1 or high < begins or low > ends:
            continue
        left, right = centres.get(low, 0), centres.get(high, x)
        drawn[left + 1 : right] = "─" * (right - left - 1)
        label = " %+d " % (there - here)
        if len(label) <= right - left - 1:
            at = left + 1 + (right - left - 1 - len(label)) // 2
            drawn[at : at + len(label)] = label
        head = "▸" if there > here else "◂"
        if high > ends:
            drawn[right] = head
        if low < begins:
            drawn[left] = head
    for number, (_, offset) in enumerate(row):
        if offset in centres:
            drawn[centres[offset]] = "▲" if number else "╰" if row[1][1] > offset else "╯"
    return "".join(drawn)


def _staircase(tape, width):
    """Items that overlap: each on a line of its own, under a ruler of bytes."""
    low, high = tape.items[0].offset, max(item.offset + item.size for item in tape.items)
    margin = max(3, *(len(tape.labels(item)) for item in tape.items)) + 3
    digits = len("%d" % high)
    scale = min(4.0, (width - len(INDENT) - margin - digits) / (high - low))
    scale = int(scale) if scale >= 1 else scale

    def at(offset):
        return int((offset - low) * scale)

    ruler, free = [" "] * (at(high) + digits), 0
    for mark in sorted({item.offset for item in tape.items} | {high}):
        text = "%d" % mark
        if at(mark) >= free:
            ruler[at(mark) : at(mark) + len(text)] = text
            free = at(mark) + len(text) + 1
    lines = [INDENT + "byte".ljust(margin) + "".join(ruler)]
    for item in tape.items:
        begin, end = at(item.offset), max(at(item.offset + item.size), at(item.offset) + 1)
        bar = "├" + "─" * (end - begin - 2) + "┤" if end - begin > 1 else "│"
        lines.append(INDENT + ("[%s]" % tape.labels(item)).ljust(margin) + " " * begin + bar)
    return lines

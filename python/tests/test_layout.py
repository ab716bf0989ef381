"""What `libpybuffer.layout` draws: small pictures exactly, and the cells of random views against a naive model."""

import array
import ctypes
import itertools
import math
import os
import random
import re
import sys
import time
import xml.etree.ElementTree as ElementTree

import pytest

from libpybuffer import view
from libpybuffer._layout import Field, Layout, layout
from libpybuffer._layout_block import cut

SVG = "{http://www.w3.org/2000/svg}"
TRANSPOSED = Layout((4, 2, 3), (8, 96, 32), (), 8, "l", type_name="ndarray")


def drawn(view, width=60):
    """The picture without the indent of this file."""
    return view.text(width, ascii=False)


def test_picture_of_a_transposed_view_is_this_one():
    assert drawn(TRANSPOSED, 120) == """\
ndarray, format 'l' (signed integer), itemsize 8, shape (4, 2, 3), strides (8, 96, 32), 192 bytes, writable,
    neither C- nor F-contiguous

A stride says how many bytes one step along an axis moves.
Item [i, j, k] lies at (bytes from the block's beginning):
  offset = i*strides[0] + j*strides[1] + k*strides[2]
         = i*8 + j*96 + k*32     item [3, 1, 2]: 3*8 + 1*96 + 2*32 = 184

The offset for each index:
  i=0                   i=1                   i=2                   i=3
       k=0    1    2         k=0    1    2         k=0    1    2         k=0    1    2
  j=0    0   32   64    j=0    8   40   72    j=0   16   48   80    j=0   24   56   88
  j=1   96  128  160    j=1  104  136  168    j=1  112  144  176    j=1  120  152  184

Memory, bytes 0 to 191: each cell is one item of 8 bytes, the number above it is its offset
  [ ]  row [0, 0, k]; ▲ is where each step of k lands
  ┌0──────┬8──────┬16─────┬24─────┬32─────┬40─────┬48─────┬56─────┬64─────┬72─────┬80─────┬88─────┐
  │[0,0,0]│ 1,0,0 │ 2,0,0 │ 3,0,0 │[0,0,1]│ 1,0,1 │ 2,0,1 │ 3,0,1 │[0,0,2]│ 1,0,2 │ 2,0,2 │ 3,0,2 │
  └───────┴───────┴───────┴───────┴───────┴───────┴───────┴───────┴───────┴───────┴───────┴───────┘
      ╰───────────── +32 ─────────────▲───────────── +32 ─────────────▲
  ┌96─────┬104────┬112────┬120────┬128────┬136────┬144────┬152────┬160────┬168────┬176────┬184────┐
  │ 0,1,0 │ 1,1,0 │ 2,1,0 │ 3,1,0 │ 0,1,1 │ 1,1,1 │ 2,1,1 │ 3,1,1 │ 0,1,2 │ 1,1,2 │ 2,1,2 │ 3,1,2 │
  └───────┴───────┴───────┴───────┴───────┴───────┴───────┴───────┴───────┴───────┴───────┴───────┘

One step along each axis, the slowest first:
  j  +96 bytes  12 items further
  k  +32 bytes  4 items further
  i   +8 bytes  to the next item in memory  (the fastest axis: the smallest step)

C-contiguous (last axis fastest, no gaps): no, strides would be (48, 24, 8)
F-contiguous (first axis fastest, no gaps): no, strides would be (8, 32, 64)
But without a gap: every byte of the block belongs to an item."""


def tape_of(text):
    """The lines of boxes in a picture, and the arrows under them."""
    return [line[2:] for line in text.splitlines() if re.match(r"  ([┌│└]|[-+0-9 ─╰╯▲▸◂]*[╰╯▲▸◂][-+0-9 ─╰╯▲▸◂]*$)", line)]


def test_steps_that_leave_a_line_go_on_in_the_next():
    assert tape_of(drawn(TRANSPOSED))[:11] == [
        "┌0──────┬8──────┬16─────┬24─────┐",
        "│[0,0,0]│ 1,0,0 │ 2,0,0 │ 3,0,0 │",
        "└───────┴───────┴───────┴───────┘",
        "    ╰─────────── +32 ───────────▸",
        "┌32─────┬40─────┬48─────┬56─────┐",
        "│[0,0,1]│ 1,0,1 │ 2,0,1 │ 3,0,1 │",
        "└───────┴───────┴───────┴───────┘",
        "▸───▲─────────── +32 ───────────▸",
        "┌64─────┬72─────┬80─────┬88─────┐",
        "│[0,0,2]│ 1,0,2 │ 2,0,2 │ 3,0,2 │",
        "└───────┴───────┴───────┴───────┘",
    ]


def test_columns_cut_out_of_rows_leave_gaps():
    text = drawn(Layout((2, 2), (32, 8), (), 8, "l"))
    assert tape_of(text) == [
        "┌0────┬8────┬16─────────┬32───┬40───┐",
        "│[0,0]│[0,1]│░░░░16 B░░░│ 1,0 │ 1,1 │",
        "└─────┴─────┴───────────┴─────┴─────┘",
        "   ╰ +8 ─▲",
    ]
    assert "░    bytes that belong to no item" in text and "But without a gap" not in text


def test_reversed_items_step_to_the_left():
    text = drawn(Layout((3,), (-2,), (), 2, "h"))
    assert "offset = start + i*strides[0]\n         = 4 - i*2     item [2]: 4 - 2*2 = 0" in text
    assert "item [0]\n    is at 4, as a stride is negative" in text
    assert tape_of(text) == ["┌0──┬2──┬4──┐", "│[2]│[1]│[0]│", "└───┴───┴───┘", "  ▲───▲───╯"]


def test_broadcast_items_share_a_cell():
    text = drawn(Layout((4, 2), (0, 8), (), 8, "d"))
    assert tape_of(text)[1] == "│[*,0]│[*,1]│"
    assert "stays where it is: all 4 indices share the same items" in " ".join(text.split())


def test_items_in_one_place_are_counted():
    text = drawn(Layout((3, 2), (8, 8), (), 8, "d"))
    assert tape_of(text)[1] == "│ [0,0] │[0,1+1]│ 1,1+1 │  2,1  │"
    assert "+n   n more items lie in the same place" in text


def test_overlapping_items_have_lines_of_their_own():
    text = drawn(Layout((3,), (2,), (), 4, "i"))
    assert """
  byte  0       2       4               8
  [0]   ├──────────────┤
  [1]           ├──────────────┤
  [2]                   ├──────────────┤
""" in text
    assert "less than the 4 bytes of one item: neighbours overlap" in " ".join(text.split())


def test_rows_behind_pointers_have_a_block_of_their_own():
    text = drawn(Layout((3, 4), (8, 1), (2, -1), 1, "B"), 120)
    assert "Block 1: pointers of 8 bytes\nPointer [i] lies at (bytes from the block's beginning):" in text
    assert "Block 2: items of 1 byte, one block behind each pointer [i]" in text
    assert "offset = suboffsets[0] + j*strides[1]\n         = 2 + j*1     item [3]: 2 + 3*1 = 5" in text
    assert tape_of(text)[:2] == ["┌0──┬8──┬16─┐", "│[0]│[1]│[2]│"]
    assert tape_of(text)[4:6] == ["┌2──┬3──┬4──┬5──┐", "│[0]│[1]│[2]│[3]│"]


def test_suboffsets_of_an_exporter_are_drawn():
    try:
        testbuffer = pytest.importorskip("_testbuffer", reason="CPython's test modules are not installed")
    except pytest.skip.Exception:
        assert "CI" not in os.environ, "test_suboffsets_of_an_exporter_are_drawn needs CPython's test modules"
        raise
    view = testbuffer.ndarray(list(range(12)), shape=[3, 4], format="B", flags=testbuffer.ND_PIL)
    assert "suboffsets (0, -1)" in drawn(layout(view), 120)


def test_no_dimension_and_no_items_are_drawn():
    assert tape_of(drawn(Layout((), (), (), 8, "d"))) == ["┌0───┐", "│ () │", "└────┘"]
    text = drawn(Layout((3, 0), (0, 8), (), 8, "d"))
    assert "There are no items" in text and "┌" not in text


def test_fields_are_named_and_padding_is_shown():
    fields = [Field("x", 0, 8, "<d"), Field("n", 10, 2, "<h")]
    text = drawn(Layout((2,), (16,), (), 16, "T{<d:x:2x<h:n:}", fields=fields))
    at = text.index("Inside each item:")
    assert tape_of(text[at:]) == [
        "┌0──────┬8────┬10─────┬12───┐",
        "│ x: <d │░2 B░│ n: <h │░4 B░│",
        "└───────┴─────┴───────┴─────┘",
    ]


def test_fields_come_from_the_format():
    format = "T{<B:id:xT{<h:x:<h:y:}:at:2x(2)<d:row:}"
    text = drawn(layout(view(bytes(48), (2,), format=format)), 120)
    assert tape_of(text[text.index("Inside each item:") :])[:2] == [
        "┌0──────────┬1────┬2─────────────┬4─────────────┬6────┬8────────────────┐",
        "│ id: uint8 │░1 B░│ at.x: <int16 │ at.y: <int16 │░2 B░│ row: <float64 2 │",
    ]


def test_control_characters_are_drawn_as_escapes():
    fields = [Field("a\x1b[2J", 0, 4, "\r<i"), Field("\u202eb", 4, 4, "\ud800")]
    hostile = Layout((2,), None, (), 8, "T{\x1b\n\0}", type_name="x\n\x07", fields=fields)
    for text in hostile.text(80, ascii=False), hostile.text(80, ascii=True), hostile.svg():
        assert all(c.isprintable() for line in text.split("\n") for c in line), text
        assert "a\\x1b[2J" in text and "x\\n\\x07" in text, text


def test_cut_is_told():
    text = drawn(Layout((1000, 1000), (4, 4000), (), 4, "f"))
    assert "(cut: 6 of 1000 rows, 5 of 1000\n    columns)" in text
    assert "(cut: 20 of\n    1000000 drawn)" in text
    assert "... 996 items ..." in text
    assert [cut(n, 4) for n in (0, 3, 4, 9)] == [[], [0, 1, 2], [0, 1, 2, 3], [0, 1, 2, 8]]


def test_first_line_of_exporters_tells_what_they_are():
    assert str(layout(b"abc")).startswith("bytes, format 'B' (unsigned integer), itemsize 1, shape (3,), strides (1,),")
    assert "writable" in layout(array.array("d", [1, 2])).text(200).splitlines()[0]
    assert "read-only, C- and F-contiguous" in layout(b"abc").text(200).splitlines()[0]


def test_what_is_no_exporter_is_refused_by_name():
    with pytest.raises(TypeError, match="a bytes-like object is required, not 'int'$") as refused:
        layout(3)
    assert refused.value.__cause__ is None and refused.value.__context__ is None  # it is told once
    view = memoryview(b"abc")
    view.release()
    with pytest.raises(ValueError, match="released"):
        layout(view)


@pytest.mark.parametrize("wrong", [((2,), (1, 1)), ((-1,), (1,)), ((2, 2), (1, 1), (0,)), ((2,), (1,), (), -1)])
def test_numbers_that_do_not_agree_are_refused(wrong):
    with pytest.raises(ValueError):
        Layout(*wrong)


def test_drawing_leaves_the_buffer_free():
    data = bytearray(8)
    picture = layout(data)
    data.append(1)
    assert "8 bytes" in str(picture)


def random_views(n):
    chance = random.Random(12)
    for _ in range(n):
        ndim = chance.randint(0, 4)
        shape = tuple(chance.choice([1, 2, 3, 4, 7]) for _ in range(ndim))
        itemsize = chance.choice([1, 2, 3, 4, 8, 16])
        if chance.random() < 0.5:
            order, strides, reach = list(range(ndim)), [0] * ndim, itemsize
            chance.shuffle(order)
            for axis in order:
                strides[axis] = reach * chance.choice([1, -1])
                reach *= shape[axis]
                reach += chance.choice([0, 0, 1, itemsize])
        else:
            strides = [chance.choice([0, 1, -1, 2, -3, 8]) * chance.choice([1, itemsize]) for _ in shape]
        yield Layout(shape, strides, (), itemsize, "%ds" % itemsize)


def all_items(view):
    """Naively: the offsets of all items, from the lowest byte."""
    indices = list(itertools.product(*map(range, view.shape)))
    offsets = [sum(i * s for i, s in zip(index, view.strides)) for index in indices]
    return {index: offset - min(offsets) for index, offset in zip(indices, offsets)}


def test_tape_of_random_views_is_what_the_naive_model_says():
    n_cut = n_whole = 0
    for view in random_views(400):
        items, pieces = all_items(view), view.blocks[0].tape(24)
        covered = {byte for offset in items.values() for byte in range(offset, offset + view.itemsize)}
        shared = [n > 1 and s == 0 for n, s in zip(view.shape, view.strides)]
        single = {index: offset for index, offset in items.items() if not any(i for i, s in zip(index, shared) if s)}
        is_cut = any(piece.kind == "cut" for piece in pieces)
        assert [piece.offset for piece in pieces] == sorted(piece.offset for piece in pieces)
        for piece in pieces:
            place = range(piece.offset, piece.offset + piece.size)
            if piece.kind == "item":
                assert piece.offset == items[piece.index]
                same = sum(offset == piece.offset for offset in single.values())
                assert len(single) > 24 or piece.more == same - 1
            elif piece.kind == "gap":
                assert not covered.intersection(place)
            else:
                within = {offset for offset in items.values() if offset in place}
                assert piece.more in (None, len(within))
        if is_cut:
            n_cut += 1
            assert len(single) > 24
        elif len(single) <= 24:
            n_whole += 1
            assert {p.offset for p in pieces if p.kind == "item"} == set(items.values())
            gaps = {byte for p in pieces if p.kind == "gap" for byte in range(p.offset, p.offset + p.size)}
            assert gaps == set(range(max(covered) + 1)) - covered
    assert n_cut > 50 and n_whole > 50


def test_cells_that_are_written_lie_where_the_formula_says():
    n_tape = n_table = 0
    for view in random_views(100):
        items = all_items(view)
        for width in (60, 120):
            text = drawn(view, width)
            lines = text.splitlines()
            for above, line in zip(lines, lines[1:]):
                if not line.startswith("  │"):
                    continue
                edges = [at for at, c in enumerate(above) if c in "┌┬┐"]
                for left, right in zip(edges, edges[1:]):
                    offset, label = int(above[left + 1 : right].strip("─")), line[left + 1 : right].strip(" []")
                    if re.fullmatch(r"[\d,*]+(\+\d+)?", label):
                        index = tuple(int(i.replace("*", "0")) for i in label.split("+")[0].split(","))
                        assert items[index] == offset, text
                        n_tape += 1
                assert len(line) <= width or len(edges) == 2
        for rect in ElementTree.fromstring(view.svg()).iter(SVG + "rect"):
            if rect.get("data-index") is not None:
                index = tuple(map(int, filter(None, rect.get("data-index").split(","))))
                assert items[index] == int(rect.get("data-offset"))
                n_table += 1
    assert n_tape > 1000 and n_table > 1000


def test_contiguity_is_that_of_the_items_order():
    for view in random_views(300):
        items = all_items(view)
        for order, key in [("C", lambda index: index), ("F", lambda index: index[::-1])]:
            offsets = [items[index] for index in sorted(items, key=key)]
            first = sum(i * s for i, s in zip([0] * view.ndim, view.strides))
            in_order = offsets == [n * view.itemsize for n in range(len(offsets))] and first == 0
            assert view.is_contiguous(order) == in_order, (view, order)


def test_dense_means_that_all_bytes_are_covered_once():
    for view in random_views(300):
        offsets = sorted(set(all_items(view).values()))
        apart = all(b - a == view.itemsize for a, b in zip(offsets, offsets[1:]))
        several = len(offsets) == math.prod(n for n, s in zip(view.shape, view.strides) if s)
        assert view.blocks[0].is_dense == (apart and several), view


@pytest.mark.parametrize(
    "shape, strides",
    [((10**9,) * 6, None), ((2,) * 64, None), ((10**6, 10**6), (8, 8)), ((10**9,), (1,)), ((5,) * 64, (3,) * 64)],
)
def test_huge_views_are_drawn_at_once(shape, strides):
    begin = time.perf_counter()
    view = Layout(shape, strides, (), 8, "d")
    assert len(view.text(60)) < 40000 and len(view.svg()) < 100000
    assert time.perf_counter() - begin < 3


def test_ascii_has_the_same_shape():
    for view in [TRANSPOSED, Layout((2, 2), (-32, 8), (), 8, "l"), Layout((3,), (2,), (), 4, "i")]:
        text = view.text(60, ascii=True)
        assert text.isascii()
        assert list(map(len, text.splitlines())) == list(map(len, view.text(60, ascii=False).splitlines()))


def test_stream_and_width_of_the_terminal_decide(monkeypatch):
    class Stream:
        encoding = "latin-1"

    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr(sys, "stdout", Stream())
    assert str(TRANSPOSED) == TRANSPOSED.text(60, ascii=True)
    Stream.encoding = "utf-8"
    assert str(TRANSPOSED) == TRANSPOSED.text(60, ascii=False)


def test_svg_is_valid_and_holds_its_texts():
    fields = [Field('<&">', 0, 4, "<i"), Field("a\x00\x1bb", 4, 4, "\ud800")]
    for view in [TRANSPOSED, Layout((2,), None, (), 12, 'T{<i:<&">:\x0b}', type_name="<x>", fields=fields),
                 Layout((3, 2), (8, 1), (0, -1)), Layout((), ()), Layout((0, 2)), Layout((9,), (1,), (), 3)]:  # fmt: skip
        text = view._repr_svg_()
        root = ElementTree.fromstring(text.encode("utf-8"))
        width, height = int(root.get("width")), int(root.get("height"))
        assert root.get("viewBox") == "0 0 %d %d" % (width, height)
        for element in root.iter(SVG + "text"):
            wide = len(element.text) * 8
            left = float(element.get("x")) - {"middle": wide / 2, "end": wide}.get(element.get("text-anchor"), 0)
            assert 0 <= left and left + wide <= width and 0 < float(element.get("y")) < height, element.text
        # A page around it keeps its own look: each rule is for elements of the image alone.
        selectors = re.findall(r"([^{}]+)\{", re.sub(r"@media[^{]*\{", "", root.find(SVG + "style").text))
        for selector in ",".join(selectors).split(","):
            assert selector.strip(" }\n").startswith(".pbl-layout "), selector


def test_brief_svg_has_the_cells_of_the_whole_one_and_fewer_texts():
    for view in TRANSPOSED, Layout((3, 2), (8, 1), (0, -1)), Layout((0, 2)):
        whole, brief = (ElementTree.fromstring(text) for text in (view.svg(), view.svg(brief=True)))
        cells = [[rect.attrib["data-offset"] for rect in root.iter(SVG + "rect") if "data-offset" in rect.attrib]
                 for root in (whole, brief)]  # fmt: skip
        assert cells[0] == cells[1]
        assert len(list(brief.iter(SVG + "text"))) < len(list(whole.iter(SVG + "text")))
        assert int(brief.get("height")) < int(whole.get("height"))


def test_svg_shows_what_the_terminal_shows():
    root = ElementTree.fromstring(TRANSPOSED.svg())
    texts = [element.text for element in root.iter(SVG + "text")]
    assert texts.count("+32") == 2 and "0,0,0" in texts and "184" in texts
    assert sum(rect.get("class") == "f" for rect in root.iter(SVG + "rect")) == 3

"""NumPy's dtypes and formats, generated, against what libpybuffer reads.

1. What NumPy exports: the item's size and each member's name, offset, kind and shape are the dtype's.
2. What NumPy's own parser (_dtype_from_pep3118) makes of generated formats.

Where NumPy loses what it should tell, that is a finding: known by name and reason, and seen to occur.
"""

import random
import sys

import numpy as np

from library import itemsize, parse

try:
    from numpy._core._internal import _dtype_from_pep3118
except ImportError:
    from numpy.core._internal import _dtype_from_pep3118

# What NumPy loses when it exports, so that it cannot read it back either.
FINDINGS = {
    "end": "padding at a struct's end is not written (numpy/numpy#7797), so one that has other padding "
    "than C's is read with C's",
    "address": "members count as aligned by their address in this array, not by their offset in their "
    "struct, and objects always; so packed structs look like C's",
}
seen = dict.fromkeys(FINDINGS, 0)
n_same = n_read_by_numpy = 0

SCALARS = "? b B h H i I l L q Q e f d g F D G O S1 S5 U1 U3 V3".split()
SWAPPED = "h H i I l L q Q e f d F D U2".split()
OTHER = ">" if sys.byteorder == "little" else "<"


# --- dtypes as plain values: (size, kind, byte order, extents, members) ---------------------------


def of_dtype(dtype):
    base, extents = dtype, ()
    while base.subdtype is not None:
        extents += base.shape
        base = base.base
    kind, order, members = base.kind, None, None
    if base.names is not None:
        kind = "T"
        members = [(name, base.fields[name][1], of_dtype(base.fields[name][0])) for name in base.names]
    elif kind in "SVU":
        extents += (base.itemsize // (4 if kind == "U" else 1),)
    if kind in "iufcU" and base.itemsize > 1:
        order = "<" if base.newbyteorder("<") == base else ">"
    return base.itemsize, kind, order, extents, members


def of_node(node):
    extents, size, order, members = node.extents, node.itemsize, None, None
    if node.count != 1 or node.kind in "SVU":
        extents += (node.count,)
    if node.kind in "SVU":
        size *= node.count
    elif node.kind == "T":
        members = [(member.name, member.offset, of_node(member)) for member in node.members]
    if node.kind in "iufcU" and node.itemsize > 1:
        order = node.byte_order
    return size, node.kind, order, extents, members


# --- what NumPy exports --------------------------------------------------------------------------


def compare_export(dtype, n):
    """Of an array with n items; the name of the finding if it cannot be read right."""
    global n_same, n_read_by_numpy
    try:
        view = memoryview(np.zeros(n, dtype))
    except (ValueError, BufferError):
        return None  # NumPy refuses to export it: members that overlap or stand in no order
    top, size = parse(view.format)
    if dtype.kind == "V" and dtype.names is None:
        assert (top, size) == ([], view.itemsize)  # nothing but padding
        return None
    (node,) = top
    is_same = size == view.itemsize and of_node(node) == of_dtype(dtype)
    if numpys_own_reading(view.format) == dtype:
        n_read_by_numpy += 1
        assert is_same, (dtype, n, view.format, of_node(node))
    if is_same:
        n_same += 1
        return None
    finding = next(
        name for name in FINDINGS if without(name, of_node(node)) == without(name, of_dtype(dtype))
    )
    seen[finding] += 1
    return finding, dtype, n, view.format


def numpys_own_reading(format):
    try:
        return _dtype_from_pep3118(format)
    except ValueError:
        return None


def without(finding, value):
    """What a finding leaves: all but the sizes of structs, and for "address" their members' offsets."""
    size, kind, order, extents, members = value
    if members is None:
        return value
    members = [
        (name, offset if finding == "end" else None, without(finding, of))
        for name, offset, of in members
    ]
    return None, kind, order, extents, members


def some_dtype(rng, depth, is_c):
    """A dtype; if is_c, one that C has as well."""
    if depth > 0 and rng.random() < 0.4:
        dtype = some_struct(rng, depth - 1, is_c)
    elif not is_c and rng.random() < 0.2:
        dtype = np.dtype(OTHER + rng.choice(SWAPPED))
    else:
        dtype = np.dtype(rng.choice(SCALARS))
    if rng.random() < 0.25:
        dtype = np.dtype((dtype, tuple(rng.choice([1, 2, 3]) for _ in range(rng.choice([1, 2])))))
    return dtype


def some_struct(rng, depth, is_c):
    names = ["a", "b c", "\u03b4", "d}", "e(2)", "f"][:rng.choice([1, 2, 3, 6])]
    formats = [some_dtype(rng, depth, is_c) for _ in names]
    how = rng.random()
    if is_c or how < 0.4:
        return np.dtype({"names": names, "formats": formats}, align=True)
    if how < 0.7:
        return np.dtype({"names": names, "formats": formats})
    offsets, end = [], 0
    for format in formats:
        end += rng.choice([0, 0, 0, 1, 2, 4, 7])
        offsets.append(end)
        end += format.itemsize
    end += rng.choice([0, 0, 0, 1, 3, 4, 12])
    return np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": end})


# --- what NumPy reads ------------------------------------------------------------------------------


def some_format(rng, depth, mode):
    """A struct's members as NumPy's parser takes them, each with a name; the byte order in the end."""
    parts = []
    for i in range(rng.choice([1, 2, 3, 5])):
        shape = "(%s)" % rng.choice(["2", "2,3", "1,1,4"]) if rng.random() < 0.2 else ""
        if rng.random() < 0.3:
            mode = rng.choice("@^=<>!")
            shape += mode
        count = rng.choice(["", "", "", "2", "3", "1"])
        if depth > 0 and rng.random() < 0.25:
            inside, mode = some_format(rng, depth - 1, mode)
            parts.append("%s%sT{%s}:m%d:" % (shape, count, inside, i))
            continue
        codes = "? c b B h H i I l L q Q e f d Zf Zd s w O".split()
        if mode in "@^":
            codes += ["g", "Zg"]
        parts.append("%s%s%s:m%d:" % (shape, count, rng.choice(codes), i))
        # Behind a struct NumPy writes padding otherwise than it reads it.
        if rng.random() < 0.2:
            parts.append("%dx" % rng.choice([1, 2, 3, 5]))
    return "".join(parts), mode


def compare_reading(rng):
    inside, _ = some_format(rng, 3, "@")
    format = "T{%s}" % inside
    theirs = _dtype_from_pep3118(format)
    top, size = parse(format)
    (node,) = top
    # NumPy unwraps a struct that is alone, and c is S1 there.
    assert size == theirs.itemsize, (format, size, theirs)
    ours, theirs = of_node(node), of_dtype(theirs)
    assert without_chars(ours) == without_chars(theirs), (format, ours, theirs)


def without_chars(value):
    """Of text, the extents multiplied: NumPy has (3,) of S1 for 3c, and 3s is S3."""
    size, kind, order, extents, members = value
    if kind in "SU":
        unit = 1 if kind == "S" else 4
        total = 1
        for extent in extents:
            total *= extent
        return unit, kind, order, total, None
    if members is not None:
        members = [(name, offset, without_chars(of)) for name, offset, of in members]
    return size, kind, order, tuple(e for e in extents if e != 1), members


def main():
    n_cases = int(sys.argv[2])
    rng = random.Random(3118)
    for code in SCALARS + [OTHER + code for code in SWAPPED]:
        assert compare_export(np.dtype(code), 3) is None
    for _ in range(n_cases):
        for n in (1, 2, 3, 8):
            finding = compare_export(some_struct(rng, 3, True), n)
            assert finding is None, finding
    n_of_c = n_same
    for _ in range(n_cases):
        dtype = some_struct(rng, 3, False)
        for n in (1, 2, 3, 8):
            compare_export(dtype, n)
    for _ in range(n_cases):
        compare_reading(rng)
    for name, n in seen.items():
        assert n > 0, "no longer found: " + name
    assert n_read_by_numpy < n_same, (n_read_by_numpy, n_same)
    print("NumPy %s: %d exports read, %d of them C's structs; by NumPy %d; not to be read: %s; "
          "%d formats read alike"
          % (np.__version__, n_same, n_of_c, n_read_by_numpy, seen, n_cases))


main()

"""ctypes' structs, generated, against what their formats say: sizes, and offsets member by member.

Where ctypes says something else than it has, that is a finding: known by name, and seen to be there.
"""

import array
import ctypes as c
import random
import struct
import sys

from library import itemsize, parse

# Up to 3.11 a struct's format has no padding, and a packed struct is "B" (python/cpython#76961).
KNOWS_PADDING = sys.version_info >= (3, 12)

NUMBERS = [
    c.c_bool, c.c_char, c.c_byte, c.c_ubyte, c.c_short, c.c_ushort, c.c_int, c.c_uint, c.c_long,
    c.c_ulong, c.c_longlong, c.c_ulonglong, c.c_float, c.c_double, c.c_longdouble, c.c_wchar,
]
ADDRESSES = [
    c.c_char_p, c.c_wchar_p, c.c_void_p, c.py_object, c.POINTER(c.c_int),
    c.POINTER(c.c_short * 3), c.POINTER(c.POINTER(c.c_double)), c.CFUNCTYPE(c.c_int),
    c.POINTER(c.CFUNCTYPE(c.c_int, c.c_int)),
]
COMPLEX = [
    getattr(c, name)
    for name in ("c_float_complex", "c_double_complex", "c_longdouble_complex")
    if hasattr(c, name)
]
SWAPPED = [type_ for type_ in NUMBERS if hasattr(type_, "__ctype_be__")]
n_compared = n_without_padding = 0


def has_padding(type_):
    if hasattr(type_, "_length_"):
        return has_padding(type_._type_)
    if not hasattr(type_, "_fields_"):
        return False
    end = 0
    for name, of in type_._fields_:
        member = getattr(type_, name)
        if member.offset != end or has_padding(of):
            return True
        end += member.size
    return end != c.sizeof(type_)


def is_packed(type_):
    if hasattr(type_, "_length_"):
        return is_packed(type_._type_)
    return hasattr(type_, "_pack_") or any(is_packed(of) for _, of in getattr(type_, "_fields_", ()))


def compare_members(node, type_):
    assert node.itemsize == c.sizeof(type_), type_
    assert [member.name for member in node.members] == [name for name, _ in type_._fields_]
    for member, (name, of) in zip(node.members, type_._fields_):
        there = getattr(type_, name)
        assert (member.offset, member.size) == (there.offset, there.size), (name, type_)
        extents = []
        while hasattr(of, "_length_"):
            extents.append(of._length_)
            of = of._type_
        assert member.extents == tuple(extents) and member.count == 1, (name, type_)
        if hasattr(of, "_fields_"):
            compare_members(member, of)


def compare(type_):
    global n_compared, n_without_padding
    view = memoryview(type_())
    top, size = parse(view.format)
    if not KNOWS_PADDING and (has_padding(type_) or is_packed(type_)):
        n_without_padding += 1
        assert size <= view.itemsize, (view.format, size, view.itemsize)
        return
    assert size == view.itemsize, (view.format, size, view.itemsize)
    (node,) = top
    while hasattr(type_, "_length_"):
        type_ = type_._type_
    if hasattr(type_, "_fields_"):
        compare_members(node, type_)
    n_compared += 1


def some_type(rng, depth, swapped):
    pick = rng.random()
    if pick < 0.15 and depth > 0:
        return some_struct(rng, depth - 1, swapped)
    if pick < 0.35:
        return some_type(rng, 0 if pick < 0.25 else depth, swapped) * rng.choice([1, 2, 3, 7])
    if swapped:
        return rng.choice(SWAPPED)
    return rng.choice(NUMBERS if pick < 0.8 else ADDRESSES + COMPLEX)


def some_struct(rng, depth, swapped):
    base = c.Structure
    if swapped:
        base = c.BigEndianStructure if sys.byteorder == "little" else c.LittleEndianStructure
    fields = [
        ("m%d" % i, some_type(rng, depth, swapped)) for i in range(rng.choice([1, 1, 2, 3, 5, 9]))
    ]
    members = {"_fields_": fields}
    if rng.random() < 0.25:
        members["_pack_"] = rng.choice([1, 1, 2, 4])
        if sys.version_info >= (3, 14):
            members["_layout_"] = "ms"
    return type(base)("Generated", (base,), members)


def check_scalars():
    for type_ in NUMBERS + ADDRESSES + COMPLEX:
        compare(type_)
        compare(type_ * 3)
    for code in array.typecodes:
        view = memoryview(array.array(code))
        assert itemsize(view.format) == view.itemsize, code
    for code in "cbBhHiIlLqQnNfd?P":
        view = memoryview(bytes(16 * struct.calcsize(code))).cast(code)
        assert itemsize(view.format) == view.itemsize, code


class Union(c.Union):
    _fields_ = [("a", c.c_int), ("b", c.c_char * 8)]


class Bits(c.Structure):
    _fields_ = [("a", c.c_int, 3), ("b", c.c_int, 5)]


class Base(c.Structure):
    _fields_ = [("a", c.c_int)]


class Derived(Base):
    _fields_ = [("b", c.c_int)]


class Empty(c.Structure):
    pass


class HoldsEmpty(c.Structure):
    _fields_ = [("e", Empty), ("i", c.c_int)]


# What no reading of the format could tell: by name, a type and its format.
FINDINGS = {
    "a union is a byte": (Union, "B"),
    "bit-fields lie one behind the other": (Bits, "T{<i:a:<i:b:}"),
    "members of a base class are left out": (Derived, "T{<i:b:}"),
    "a struct without members is a byte inside another": (HoldsEmpty, "T{B:e:<i:i:}"),
}


def check_findings():
    for name, (type_, format) in FINDINGS.items():
        view = memoryview(type_())
        assert view.format == format, (name + ": no longer", view.format)
        assert itemsize(format) != view.itemsize, (name + ": no longer", view.itemsize)


def main():
    rng = random.Random(3118)
    check_scalars()
    check_findings()
    for i in range(int(sys.argv[2])):
        compare(some_struct(rng, 3, i % 5 == 0))
    assert KNOWS_PADDING or n_without_padding > 0
    print("ctypes: %d types compared, %d without their padding" % (n_compared, n_without_padding))


main()

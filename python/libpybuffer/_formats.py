"""Formats, taken apart."""

from typing import NamedTuple, Tuple

from . import _libpybuffer

KINDS = {
    "b": "truth value", "i": "signed integer", "u": "unsigned integer", "f": "floating point", "c": "complex",
    "j": "complex of signed integers", "J": "complex of unsigned integers", "S": "bytes", "U": "Unicode text",
    "p": "Pascal string", "T": "struct", "t": "bits", "P": "pointer", "X": "function pointer",
    "O": "Python object", "V": "bytes of unknown meaning",
}


def printable(text):
    """The text, with escapes for what would move a terminal's cursor or has no shape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


class FormatError(ValueError):
    """A malformed format. `format` and `position` (in characters) say where; str() shows it."""

    def __init__(self, text, format, position):
        super().__init__(text, format, position)
        self.text, self.format, self.position = text, format, position

    def __str__(self):
        # Of a long format what is around the position, on a line of its own.
        start = max(0, self.position - 50)
        shown = "".join(c if c.isprintable() else " " for c in self.format[start:self.position + 20])
        return "{}\n    {}\n    {}^".format(self.text, shown, " " * (self.position - start))


class Field(NamedTuple):
    """An item that a format describes, or a struct, whose members are its `fields`.

    name        None if it has none
    shape       () unless it is written, as in '(2,3)d'
    count       the number before its code: so many in each element of the shape; the length of s, p and w
    offset      in bytes, from the beginning of the struct that holds it, or of the item
    itemsize    the size of one; of bits 0
    size        the size of all
    kind        what it means, whatever its width: b truth value, i signed and u unsigned integer, f floating
                point, c complex, j and J complex of signed and unsigned integers, S bytes, U Unicode text, p Pascal
                string, T struct, t bits, P pointer, X function pointer, O Python object, V bytes of unknown meaning
    code        its letter in the format; Z if it is complex
    byte_order  '<' or '>'
    mode        the byte order as it was written: one of @ ^ = < > !
    alignment   what its offset is a multiple of
    bit         of bits: the number of the first one in its byte
    position    where its code is in the format, in bytes
    length      how much of the format belongs to it there, in bytes
    fields      the members of a struct
    """

    name: "str | None"
    shape: Tuple[int, ...]
    count: int
    offset: int
    itemsize: int
    size: int
    kind: str
    code: str
    byte_order: str
    mode: str
    alignment: int
    bit: int
    position: int
    length: int
    fields: "Tuple[Field, ...]" = ()


class Format(tuple):
    """What a format describes: a tuple of its fields, each a Field. str() is a table.

    format     the text
    itemsize   the size of an item, in bytes
    alignment  what an item's address should be a multiple of; 1 if it may be any
    """

    format: str
    itemsize: int
    alignment: int

    def __new__(cls, fields, format, itemsize, alignment):
        self = super().__new__(cls, fields)
        self.format, self.itemsize, self.alignment = format, itemsize, alignment
        return self

    def __getnewargs__(self):
        return tuple(self), self.format, self.itemsize, self.alignment

    def __repr__(self):
        return "<Format {!r}: {} bytes, {} field{}>".format(
            self.format, self.itemsize, len(self), "" if len(self) == 1 else "s")

    def __str__(self):
        rows = [("offset", "size", "name", "kind", "byte order", "shape")]
        rows.extend(_rows(self, 0, 0))
        widths = [max(map(len, column)) for column in zip(*rows)]
        table = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)
        return "{!r}: {} bytes, aligned to {}\n{}".format(
            self.format, self.itemsize, self.alignment, "\n".join("  " + line for line in table))


def _rows(fields, base, depth):
    """A row of the table for each field, the members of structs below it, offsets from the item's beginning."""
    for field in fields:
        kind = KINDS.get(field.kind, field.kind)
        if field.kind in "iufcjJ":
            kind = "{}, {} bits".format(kind, 8 * field.itemsize)
        shape = field.shape if field.kind in "SUpt" or field.count == 1 else field.shape + (field.count,)
        has_order = field.itemsize > 1 and field.kind not in "TSpV"
        order = {"<": "little", ">": "big"}[field.byte_order] if has_order else "-"
        yield (str(base + field.offset), str(field.size), "  " * depth + printable(field.name or "-"), kind, order,
               " x ".join(map(str, shape)) or "-")
        yield from _rows(field.fields, base + field.offset, depth + 1)


def parse(format):
    """The fields of a format in the grammar of the module struct and PEP 3118.

    >>> import libpybuffer
    >>> point = libpybuffer.parse('T{<i:id:(2,3)<d:matrix:}')
    >>> point.itemsize
    52
    >>> struct, = point
    >>> [(f.name, f.offset, f.shape, f.kind, f.byte_order) for f in struct.fields]
    [('id', 0, (), 'i', '<'), ('matrix', 4, (2, 3), 'f', '<')]
    >>> print(libpybuffer.parse('>h d'))  # doctest: +NORMALIZE_WHITESPACE
    '>h d': 10 bytes, aligned to 1
      offset  size  name  kind                     byte order  shape
      0       2     -     signed integer, 16 bits  big         -
      2       8     -     floating point, 64 bits  big         -

    FormatError, a ValueError, for a malformed format, with a caret under the position:

    >>> libpybuffer.parse('ii)i')  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    libpybuffer.FormatError: ...
        ii)i
          ^
    """
    if isinstance(format, (str, bytes)) and "\0" in _text(format):
        position = _text(format).index("\0")
        raise FormatError("position {} of the format: a null character, which would end it".format(position),
                          _text(format), position)
    try:
        itemsize, alignment, flat = _libpybuffer.parse(format)
    except ValueError as error:
        if len(error.args) != 2:
            raise
        text, position = error.args
    else:
        return Format(_nested(flat), _text(format), itemsize, alignment)
    encoded = format if isinstance(format, bytes) else format.encode()
    raise FormatError(text, _text(format), len(_text(encoded[:position])))


def _text(format):
    return format.decode("utf-8", "replace") if isinstance(format, bytes) else format


def _nested(flat):
    """The outermost fields, with the members of structs in them. A parent comes before its members."""
    members = {}
    for number in range(len(flat) - 1, -1, -1):
        *values, parent = flat[number]
        fields = tuple(reversed(members.get(number, ())))
        members.setdefault(parent, []).append(Field(*values, fields))
    return tuple(reversed(members.get(-1, ())))

"""The package's docstrings, which are written for help(), as reStructuredText: lists of "name, other   what it is"
become fields, and `names` literals."""

import re

ENTRY = re.compile(r"( *)([A-Za-z_]\w*(?:, [A-Za-z_]\w*)*)  +(\S.*)")


def to_rst(app, what, name, obj, options, lines):
    text, inside = [], None  # the indentation of the list that the line belongs to
    for line in lines:
        entry = None if ">>>" in line else ENTRY.fullmatch(line)
        if entry and (inside is not None or not text or not text[-1]) and not (text and text[-1].startswith(">>>")):
            inside = len(entry[1])
            text.append(f":{entry[2]}: {entry[3]}")
        elif inside is not None and len(line) - len(line.lstrip()) > inside:
            text.append("    " + line.lstrip())
        else:
            inside = None
            text.append(re.sub(r"(?<![:\w`])`([^`]+)`", r"``\1``", line))
    lines[:] = text


def setup(app):
    app.connect("autodoc-process-docstring", to_rst)
    return {"parallel_read_safe": True}

"""The comments of libpybuffer.h, which are Markdown of a simple kind, as reStructuredText for hawkmoth: literals,
and the paragraphs "Returns ...", "Safety:" and "Compatibility:" as fields."""

import re

FIELDS = [
    (re.compile(r"Safety:\n"), ":Safety and GIL:\n"),
    (re.compile(r"Compatibility:\n"), ":Compatibility:\n"),
    (re.compile(r"Returns "), ":returns: "),
]


def field(paragraph):
    """The paragraph, which is a field if it begins like one. It has as many lines as before."""
    for beginning, name in FIELDS:
        if beginning.match(paragraph):
            return beginning.sub(lambda _: name, paragraph, count=1).replace("\n", "\n   ")
    return paragraph


def to_rst(app, lines, transform, options):
    text = "\n".join(line.rstrip() for line in lines)
    text = re.sub(r"`docs/([\w-]+)\.md`", r":doc:`/\1`", text)
    text = re.sub(r"(?<![:\w`])`([^`]+)`", r"``\1``", text)
    lines[:] = "\n\n".join(field(paragraph) for paragraph in text.split("\n\n")).split("\n")


def setup(app):
    app.connect("hawkmoth-process-docstring", to_rst)
    return {"parallel_read_safe": True}

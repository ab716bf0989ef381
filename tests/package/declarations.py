"""Writes a Cython module to standard output that uses each declaration of a .pxd file once, in such a way that the C
compiler compares its type with the header's.

    declarations.py libpybuffer/__init__.pxd
"""

import re
import sys

NAME = re.compile(r"(\w+)(?:\[\w+\])?$")
FUNCTION_POINTER = re.compile(r"\(\*(\w+)\)")


def statements(path):
    """The declarations, without comments, each in one line as it is indented."""
    with open(path, encoding="utf-8") as file:
        text = re.sub(r"#.*", "", file.read())
    text = re.sub(r",\s*\n\s*", ", ", text)
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def uses(lines):
    """Lines of Cython, each of which uses one declaration."""
    struct = None
    for line in lines:
        indent, words = len(line) - len(line.lstrip()), line.strip()
        if indent == 0:
            continue  # cimport, cdef extern
        if indent == 4:
            struct = None
        if words.startswith("ctypedef struct "):
            struct = words.split()[-1].rstrip(":")
            yield "cdef libpybuffer.{0} a_{0}".format(struct)
        elif struct is not None:
            field = (FUNCTION_POINTER.search(words) or NAME.search(words)).group(1)
            yield "{0}_{1} = &a_{0}.{1}".format(struct, field)
        elif "(" in words:
            function = re.search(r"(\w+)\(", words).group(1)
            yield "function_{0} = libpybuffer.{0}".format(function)
        else:
            constant = NAME.search(words).group(1)
            yield "constant_{0} = libpybuffer.{0}".format(constant)


print("# cython: language_level=3, infer_types=True\ncimport libpybuffer\n\n\ncdef void use_all() noexcept:")
for use in uses(statements(sys.argv[1])):
    print("    " + use)
print("\n\nuse_all()")

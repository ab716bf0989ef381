"""The package as mypy --strict sees it. Each call that has to be refused has an ignore, and one too many is an error."""

import array
import ctypes
import mmap
from typing import Any, Dict, Optional, Tuple

from typing_extensions import assert_type

import libpybuffer

words = array.array("i", [1, 2, 3])
assert_type(libpybuffer.tobytes(b"abc"), bytes)
assert_type(libpybuffer.tobytes(memoryview(b"abc"), order="F"), bytes)
libpybuffer.tobytes(mmap.mmap(-1, 10), None)
libpybuffer.tobytes((ctypes.c_int * 3)())
libpybuffer.tobytes("abc")  # type: ignore[arg-type]
libpybuffer.tobytes(b"abc", "X")  # type: ignore[arg-type]

libpybuffer.copyto(bytearray(12), words)
libpybuffer.copyto(bytearray(12), words, threads=2)
libpybuffer.copyto(bytearray(12), words, 1)  # type: ignore[call-arg]

assert_type(libpybuffer.contiguous(words), memoryview)
assert_type(libpybuffer.is_contiguous(words, "A"), bool)
libpybuffer.is_contiguous(words)  # type: ignore[call-arg]

assert_type(libpybuffer.view(words, (3,)), memoryview)
libpybuffer.view(words, [2, 2], strides=[4, 4], offset=0, format="<i")
libpybuffer.view(words, 3)  # type: ignore[arg-type]

assert_type(libpybuffer.from_dlpack(libpybuffer.to_dlpack(words)), memoryview)
libpybuffer.to_dlpack(words).__dlpack__(max_version=(1, 0), copy=True)
libpybuffer.to_dlpack(1)  # type: ignore[arg-type]
libpybuffer.from_dlpack(words)  # type: ignore[arg-type]

assert_type(libpybuffer.itemsize("<i") + libpybuffer.itemsize(b"d"), int)
assert_type(libpybuffer.equivalent("i", "l"), bool)
format_ = libpybuffer.parse("T{<i:id:(2,3)<d:matrix:}")
assert_type(format_.itemsize, int)
for field in format_:
    assert_type(field.name, Optional[str])
    assert_type(field.shape, Tuple[int, ...])
    assert_type(field.fields, Tuple[libpybuffer.Field, ...])
try:
    libpybuffer.parse("T{")
except libpybuffer.FormatError as error:
    assert_type(error.position, int)

report = libpybuffer.check(words)
if not report:
    assert_type([finding.rule for finding in report.findings], "list[int]")
assert_type(report.to_dict(), Dict[str, Any])

drawn = libpybuffer.layout(words)
assert_type((drawn.text(width=60, ascii=True), drawn.svg(), drawn.formula()), Tuple[str, str, str])
print(libpybuffer.Layout((2, 3), itemsize=4), libpybuffer.get_include(), libpybuffer.__version__)

"""CPython's buffer protocol at work: fast copies, views of any layout, a checker of exporters.

An exporter is any object that memoryview() accepts: bytes, bytearray, array.array, mmap, ctypes' arrays,
NumPy's, a class with __buffer__, another memoryview.

    copies       tobytes, copyto, contiguous
    layouts      view, is_contiguous, layout
    formats      parse, itemsize, equivalent
    exporters    check, holders
    DLPack       to_dlpack, from_dlpack
    builds       get_include, get_library_dir, get_pkgconfig_dir, get_cmake_dir

>>> import libpybuffer
>>> grid = libpybuffer.view(bytearray(range(6)), shape=(3, 2), strides=(1, 3))
>>> grid.tolist()
[[0, 3], [1, 4], [2, 5]]
>>> libpybuffer.tobytes(grid)
b'\\x00\\x03\\x01\\x04\\x02\\x05'
>>> bool(libpybuffer.check(grid))
True

`python -m libpybuffer --help` tells what there is on the command line.
"""

from ._libpybuffer import contiguous, copyto, equivalent, from_dlpack, is_contiguous, itemsize, to_dlpack, tobytes, view
from ._libpybuffer import version as __version__
from ._files import get_cmake_dir, get_include, get_library_dir, get_pkgconfig_dir
from ._formats import Field, Format, FormatError, parse
from ._holder import Holder, Holders
from ._holders import holders
from ._layout import Layout, layout
from ._report import Finding, Report, check

__all__ = [
    "tobytes", "copyto", "contiguous", "view", "is_contiguous", "layout", "Layout",
    "parse", "itemsize", "equivalent", "Field", "Format", "FormatError",
    "check", "Report", "Finding", "holders", "Holder", "Holders", "to_dlpack", "from_dlpack",
    "get_include", "get_library_dir", "get_pkgconfig_dir", "get_cmake_dir",
]

for _name in __all__:
    # So that help(), pickle and doctest find them here.
    globals()[_name].__module__ = __name__
del _name

"""Says what is wrong with the module `transpose`, as an example project builds it: whose code runs in it, and what
it returns. WITNESS is witness.c, compiled.

    whose.py WITNESS
"""

import array
import ctypes
import importlib.util
import mmap
import os
import sys

import transpose

N_BYTES = 16 * mmap.PAGESIZE
EXPORTERS = [
    b"abc",
    bytearray(7),
    memoryview(b"abcdefgh")[::-3],
    array.array("d", [1, 2, 3]),
    memoryview(bytes(range(24))).cast("B", shape=(4, 6)),
    memoryview(bytes(range(96))).cast("i", shape=(2, 3, 4))[::-1],
    ((ctypes.c_short * 3) * 5)((1, 2, 3), (4, 5, 6)),
]


def image_of_module():
    """The file of the compiled module, which may be within a package."""
    files = [vars(module).get("__file__") or "" for name, module in sys.modules.items()
             if name.partition(".")[0] == "transpose"]
    compiled, = {os.path.realpath(file) for file in files if file.endswith(".so")}
    return compiled


def reader(witness, tobytes):
    """The file with the code that reads an exporter's memory, and the bytes that it makes of it."""
    with mmap.mmap(-1, N_BYTES) as memory:
        memory[:] = bytes(range(256)) * (N_BYTES // 256)
        first = ctypes.c_char.from_buffer(memory)
        with memoryview(memory) as whole, whole.cast("i", shape=(64, N_BYTES // 256)) as view:
            assert witness.close_pages(ctypes.c_void_p(ctypes.addressof(first)), ctypes.c_size_t(N_BYTES)) == 0
            copy = tobytes(view)
            file = witness.file_of_reader()
            assert file is not None, "nothing has read the memory"
            assert copy == view.tobytes("F")
        del first
    return os.path.realpath(os.fsdecode(file))


def whose(path):
    witness = ctypes.CDLL(path)
    witness.file_of_reader.restype = ctypes.c_char_p
    module = image_of_module()
    file = reader(witness, transpose.tobytes)
    assert file == module, "the code that copies is that of " + file
    file = reader(witness, lambda view: view.tobytes("F"))
    assert file != module, "the witness sees no difference between the interpreter's code and the module's"


def what():
    for exporter in EXPORTERS:
        assert transpose.tobytes(exporter) == memoryview(exporter).tobytes("F"), exporter
    for wrong in None, "text", 3:
        try:
            transpose.tobytes(wrong)
        except TypeError:
            continue
        raise AssertionError("{!r} is no exporter".format(wrong))
    exporter = bytearray(3)
    transpose.tobytes(exporter)
    exporter.append(0)  # a BufferError, if a view were still out


# The archive is in the module, so nothing else is needed.
assert importlib.util.find_spec("libpybuffer") is None, "libpybuffer is installed here"
what()
whose(sys.argv[1])

"""Prints, as JSON, whether libpybuffer answers the calls that an extension makes through the PLT.

Argument 1 is the folder of a built csrc/extensions/extension.c. libpython's PyBuffer_SizeFromFormat always calls
struct.calcsize; libpybuffer's does so only for formats that differ between versions.
"""

import json
import os
import struct
import sys

sys.path.insert(0, sys.argv[1])
import extension

answers = {"runtime": extension.runtime(), "preload": os.environ.get("LD_PRELOAD", "")}
if hasattr(extension, "size_from_format"):
    real, struct.calcsize = struct.calcsize, lambda format: 77
    answers["is_ours"] = extension.size_from_format("i") == 4
    struct.calcsize = real
assert extension.to_contiguous(memoryview(b"abcdef").cast("B", (2, 3)), "F") == b"adbecf"
assert bytes(extension.Letters()) == b"abcdef"
try:
    extension.to_contiguous(1, "C")
except TypeError as error:
    assert str(error) == "a bytes-like object is required, not 'int'", error
else:
    raise AssertionError("no error")
try:
    import ctypes
except ImportError:
    pass
else:
    # dlsym finds libpybuffer's function, which in turn looks up the interpreter's own by dlsym.
    from_object = ctypes.pythonapi.PyMemoryView_FromObject
    from_object.restype, from_object.argtypes = ctypes.py_object, [ctypes.py_object]
    assert bytes(from_object(b"abc")) == b"abc"
print(json.dumps(answers))

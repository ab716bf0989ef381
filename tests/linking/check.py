"""Uses every function of csrc/extensions/extension.c and prints the images that they come from.

Argument 1 is the folder of a built extension. A failure raises AssertionError; otherwise the image of each
function and the runtime are printed as JSON.
"""

import array
import json
import os
import sys

sys.path.insert(0, sys.argv[1])
import extension


def raises(kind, text, function, *args):
    try:
        function(*args)
    except kind as error:
        assert type(error) is kind, error
        assert str(error) == text, str(error)
    else:
        raise AssertionError("%s did not raise %s" % (function, kind))


# An exporter whose bf_getbuffer calls PyBuffer_FillInfo, used by the extension and by the interpreter.
letters = extension.Letters()
assert extension.to_contiguous(letters, "C") == b"abcdef"
assert bytes(letters) == memoryview(letters).tobytes() == b"abcdef"
assert memoryview(letters).readonly
raises(BufferError, "Object is not writable.", extension.from_contiguous, letters, b"a", "C")

# Views whose layout differs from the requested order.
picture = memoryview(b"abcdef").cast("B", (2, 3))
assert extension.to_contiguous(picture, "F") == b"adbecf"
assert extension.to_contiguous(memoryview(b"abcdef")[::-2], "C") == b"fdb"
canvas = bytearray(6)
extension.from_contiguous(memoryview(canvas).cast("B", (2, 3)), b"adbecf", "F")
assert canvas == b"abcdef"
assert extension.describe(picture, 1, 2) == ((1, 0, 1), 5, 1)

target = array.array("i", [0, 0, 0])
extension.copy_data(target, array.array("i", [1, 2, 3]))
assert target == array.array("i", [1, 2, 3])

# Memoryviews are objects of the interpreter's own type, even if the library makes them.
views = extension.memoryviews(picture, "F")
assert [type(view) for view in views] == [memoryview] * 4
assert [view.tolist() for view in views[:3]] == [picture.tolist()] * 3
assert views[1].obj == b"adbecf" and views[1].f_contiguous and views[2].obj is None
assert views[3].tobytes() == b"abcdef"
raises(TypeError, "a bytes-like object is required, not 'int'", extension.memoryviews, 1, "C")

# Errors are the interpreter's own exceptions, with its texts.
raises(TypeError, "a bytes-like object is required, not 'int'", extension.to_contiguous, 1, "C")
raises(ValueError, "PyBuffer_ToContiguous: len != view->len", extension.to_contiguous, b"ab", "C", 1)
raises(BufferError, "Object is not writable.", extension.copy_data, letters, b"a")
raises(TypeError, "both destination and source must be bytes-like objects", extension.copy_data, 1, b"")
if hasattr(extension, "size_from_format"):
    import struct

    assert extension.size_from_format("@bi") == 8
    raises(struct.error, "bad char in struct format", extension.size_from_format, "k")

images = {name: os.path.realpath(image) for name, image in extension.images().items()}
print(json.dumps({"images": images, "runtime": extension.runtime()}))

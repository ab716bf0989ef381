"""Loads each extension module that is named and says what is wrong with it: the buffer functions that it calls must be
those of the archive inside it, and copy."""

import importlib.util
import os
import sys

n_wrong = 0
for path in map(os.path.realpath, sys.argv[1:]):
    spec = importlib.util.spec_from_file_location("built", path)
    built = importlib.util.module_from_spec(spec)
    images = built.images()
    assert images and built.tobytes(memoryview(b"abcdef")[::-2]) == b"fdb", path
    for function, image in images.items():
        image = os.path.realpath(image)
        if image != path and not os.path.basename(image).startswith("libpybuffer.so."):
            n_wrong += 1
            print("%s: %s is that of %s" % (path, function, image))
sys.exit(n_wrong != 0)

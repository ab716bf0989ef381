"""Eight threads use views for the seconds of argument 1, some of them views of the same objects.

The shared exporters do not count their views. Each thread has its own bytearray, array and memoryview: these
count their views without a lock in CPython 3.13t, which is a data race of CPython's. A failure raises
AssertionError; a hang ends with a traceback. The number of rounds is printed.
"""

import array
import ctypes
import faulthandler
import io
import pickle
import struct
import sys
import threading
import time
import zlib

THREADS = 8
BYTES = bytes(range(240))
SHARED = [BYTES, type("Bytes", (bytes,), {})(BYTES)]
FORTRAN = memoryview(BYTES).cast("B", (12, 20)).tobytes("F")
EVERY_THIRD = BYTES[::-3]
CHECKSUM = zlib.crc32(BYTES)

get_contiguous = ctypes.pythonapi.PyMemoryView_GetContiguous
get_contiguous.restype = ctypes.py_object
get_contiguous.argtypes = [ctypes.py_object, ctypes.c_int, ctypes.c_char]
size_from_format = ctypes.pythonapi.PyBuffer_SizeFromFormat
size_from_format.restype = ctypes.c_ssize_t
size_from_format.argtypes = [ctypes.c_char_p]


def round_of(exporter):
    assert pickle.PickleBuffer(exporter).raw() == BYTES
    assert zlib.crc32(exporter) == CHECKSUM
    with memoryview(exporter) as view, view.cast("B", (12, 20)) as picture:
        assert picture.tobytes("F") == FORTRAN
        copy = get_contiguous(picture, 0x100, b"F")
        assert type(copy.obj) is bytes and copy.obj == FORTRAN
        assert copy.tolist() == picture.tolist()
        copy.release()
        with view[::-3] as third:
            assert bytes(third) == EVERY_THIRD
        assert b"".join([view, view]) == BYTES + BYTES
    own = bytearray(240)
    with memoryview(own) as target:
        target[:] = exporter
        target[::2] = memoryview(bytes(120))
    assert own[1::2] == BYTES[1::2] and not any(own[::2])
    struct.pack_into("<q", own, 8, -2)
    assert struct.unpack_from("<q", own, 8) == (-2,)
    with io.BytesIO(BYTES).getbuffer() as buffer:
        assert buffer == BYTES
    assert size_from_format(b"@bi") == 8
    try:
        b"".join([1])
    except TypeError:
        pass
    else:
        raise AssertionError("no error")


def main():
    seconds = float(sys.argv[1])
    faulthandler.dump_traceback_later(seconds + 120, exit=True)
    end = time.monotonic() + seconds
    rounds, failures = [0] * THREADS, []

    def run(number):
        own = [bytearray(BYTES), array.array("B", BYTES), memoryview(BYTES)]
        try:
            while time.monotonic() < end and not failures:
                for exporter in SHARED + own:
                    round_of(exporter)
                rounds[number] += 1
        except BaseException as error:
            failures.append(error)
            raise
        # No view is left: these can be resized.
        for exporter in own[:2]:
            exporter.append(0)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures
    print(sum(rounds), "rounds")


if __name__ == "__main__":
    main()

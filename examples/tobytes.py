"""Times memoryview.tobytes() of views that are not contiguous; run it with and without

    LD_PRELOAD=libpybuffer.so python3 tobytes.py

Prints one line `case: milliseconds` each, and first whose PyBuffer_ToContiguous runs.
"""

import ctypes
import timeit


def owner():
    """The library that a call of PyBuffer_ToContiguous by libpython itself would reach."""

    class DlInfo(ctypes.Structure):
        _fields_ = [
            ("fname", ctypes.c_char_p),
            ("fbase", ctypes.c_void_p),
            ("sname", ctypes.c_char_p),
            ("saddr", ctypes.c_void_p),
        ]

    function = ctypes.CDLL(None).PyBuffer_ToContiguous
    info = DlInfo()
    ctypes.CDLL(None).dladdr(function, ctypes.byref(info))
    return info.fname.decode()


def cases():
    data = bytes(range(256)) * (1 << 14)  # 4 MiB
    plain = memoryview(data)
    yield "every second byte of 4 MiB", plain[::2]
    yield "4 MiB backwards", plain[::-1]
    yield "every third of a million int32", plain.cast("i")[::3]
    yield "half a million float64 backwards", plain.cast("d")[::-1]


def main():
    print("PyBuffer_ToContiguous of", owner())
    for name, view in cases():
        runs = timeit.repeat(view.tobytes, number=1, repeat=7)
        print(f"{name}: {min(runs) * 1000:.2f}")


if __name__ == "__main__":
    main()

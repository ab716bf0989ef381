"""Times memoryview.tobytes() of views that are not contiguous; run it with and without

    LD_PRELOAD=libpybuffer.so python3 tobytes.py

Prints one line `case: milliseconds` each, and first whose PyBuffer_ToContiguous runs. (A statically
linked python calls its own whatever is preloaded.)
"""

import ctypes
import os
import struct
import timeit

NAME = "PyBuffer_ToContiguous"


class DlInfo(ctypes.Structure):
    """Dl_info of <dlfcn.h>."""

    _fields_ = [
        ("fname", ctypes.c_char_p),
        ("fbase", ctypes.c_void_p),
        ("sname", ctypes.c_char_p),
        ("saddr", ctypes.c_void_p),
    ]


def file_of(function):
    """The file that a function is in."""
    info = DlInfo()
    ctypes.CDLL(None).dladdr(function, ctypes.byref(info))
    name = info.fname.decode()
    # The program itself is known by the name that it was called by.
    return name if "/" in name else os.path.realpath("/proc/self/exe")


def asks_the_linker(path, name):
    """Whether the code of an ELF file leaves it to the dynamic linker whose function of this name it calls: then
    the file has a relocation for it. A program, or an optimised libpython, calls its own functions directly."""
    with open(path, "rb") as file:
        data = file.read()
    wide = data[4] == 2
    start, = struct.unpack_from("QI"[not wide], data, 40 if wide else 32)
    size, n = struct.unpack_from("HH", data, 58 if wide else 46)
    header = "IIQQQQIIQQ" if wide else "IIIIIIIIII"
    sections = [struct.unpack_from(header, data, start + i * size) for i in range(n)]
    for _, kind, _, _, offset, length, symbols, _, _, entry in sections:
        if kind not in (4, 9):  # SHT_RELA, SHT_REL
            continue
        table = sections[symbols]
        texts = sections[table[6]][4]
        for at in range(offset, offset + length, entry):
            info, = struct.unpack_from("QI"[not wide], data, at + (8 if wide else 4))
            text, = struct.unpack_from("I", data, table[4] + (info >> (32 if wide else 8)) * table[9])
            if data.startswith(name.encode() + b"\0", texts + text):
                return True
    return False


def owner():
    """The file with the function that memoryview.tobytes() calls."""
    python = file_of(ctypes.pythonapi.Py_GetVersion)
    if not asks_the_linker(python, NAME):
        return python + ", which calls its own"
    return file_of(ctypes.CDLL(None)[NAME])


def cases():
    data = bytes(range(256)) * (1 << 14)  # 4 MiB
    plain = memoryview(data)
    yield "every second byte of 4 MiB", plain[::2]
    yield "4 MiB backwards", plain[::-1]
    yield "every third of a million int32", plain.cast("i")[::3]
    yield "half a million float64 backwards", plain.cast("d")[::-1]


def main():
    print(NAME, "of", owner())
    for name, view in cases():
        runs = timeit.repeat(view.tobytes, number=1, repeat=7)
        print(f"{name}: {min(runs) * 1000:.2f}")


if __name__ == "__main__":
    main()

"""Runs the checker, which calls slots itself, on exporters that pass on another one's view: the audit must say nothing.
Arguments: the folder of forwarding.so and mistakes.so, and the library."""

import ctypes
import pickle
import sys

sys.path.insert(0, sys.argv[1])
import forwarding
import mistakes

library = ctypes.PyDLL(sys.argv[2])
check = library.pybuffer_check_exporter
check.argtypes = [ctypes.py_object, ctypes.c_void_p]
report = ctypes.create_string_buffer(1 << 16)


class Class:
    """Exports by a method (from 3.12 on)."""

    def __init__(self, base):
        self.base = base

    def __buffer__(self, flags):
        return memoryview(self.base)


def main():
    # In a function, so that all objects are gone at its end.
    array = bytearray(100)
    exporters = [pickle.PickleBuffer(array), forwarding.forward(array), mistakes.delegate(array)]
    exporters += [forwarding.forward(memoryview(array)), forwarding.replace(b"abc")]
    if sys.version_info >= (3, 12):
        exporters.append(Class(array))
    for exporter in exporters:
        check(exporter, report)
        mistakes.right(exporter)


main()
print("done")

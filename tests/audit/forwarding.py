"""Uses exporters that pass on another one's view, in every way there is and correctly: the audit must say nothing.
Argument: the folder of forwarding.so and mistakes.so."""

import pickle
import sys

sys.path.insert(0, sys.argv[1])
import forwarding
import mistakes


class Class:
    """Exports by a method (from 3.12 on)."""

    def __init__(self, base):
        self.base = base

    def __buffer__(self, flags):
        return memoryview(self.base)


def use(exporter):
    bytes(exporter)
    b"".join([exporter, exporter])
    b"abc".find(exporter)
    mistakes.right(exporter)
    forwarding.parse(exporter)
    memoryview(exporter).release()
    view = memoryview(exporter)
    part = view[1:]
    del view, part
    if hasattr(exporter, "__buffer__"):
        # Here the interpreter calls the slot directly.
        exporter.__buffer__(0).release()
    forwarding.lend(memoryview(exporter))


def main():
    # In a function, so that all objects are gone at its end.
    text, array = b"abc", bytearray(100)
    exporters = [text, array, memoryview(array), pickle.PickleBuffer(array)]
    if sys.version_info >= (3, 12):
        exporters += [Class(array), Class(text)]
    exporters += [forwarding.forward(base) for base in exporters]
    exporters += [mistakes.delegate(base) for base in exporters]
    exporters += [forwarding.replace(text)]
    for exporter in exporters:
        for _ in range(10):
            use(exporter)
    for _ in range(100):
        mistakes.right_by_parsing("text")


main()
print("done")

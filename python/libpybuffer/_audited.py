"""What the live audit recorded: outstanding views, and who acquired them."""

import os
import threading
from typing import NamedTuple, Optional, Tuple

from . import _libpybuffer

# As src/check/request.rs spells requests: flags, the bit that decides, a name.
_NAMES = ((0x11D, 0x100, "FULL"), (0x11C, 0x100, "FULL_RO"), (0x118, 0x100, "INDIRECT"), (0x38, 0x20, "C_CONTIGUOUS"),
          (0x58, 0x40, "F_CONTIGUOUS"), (0x98, 0x80, "ANY_CONTIGUOUS"), (0x1D, 0x10, "RECORDS"),
          (0x1C, 0x10, "RECORDS_RO"), (0x19, 0x10, "STRIDED"), (0x18, 0x10, "STRIDED_RO"), (0xC, 0x8, "ND|PyBUF_FORMAT"),
          (0x9, 0x8, "CONTIG"), (0x8, 0x8, "CONTIG_RO"), (0x1, 0x1, "WRITABLE"), (0x4, 0x4, "FORMAT"))


class View(NamedTuple):
    """Outstanding views that agree in all but their age, as pybuffer_holder."""

    type: str
    flags: int
    length: int
    count: int
    thread: int
    age: float
    address: int
    file: Optional[str]
    function: Optional[str]
    offset: int
    frames: Tuple[Tuple[str, int, str], ...]

    def caller(self):
        """The code that requested them, as 'libfoo.so (read at +0x11a3)'."""
        if self.file is None:
            return "libpybuffer itself"
        at = "+{:#x}".format(self.offset)
        return "{} ({})".format(os.path.basename(self.file), self.function + " at " + at if self.function else at)

    def thread_name(self):
        names = [thread.name for thread in threading.enumerate() if thread.ident == self.thread]
        return names[0] if names else "{:#x}, which has ended".format(self.thread)


def views(objects):
    """A list of View: of some objects, or of all there are if one of these is None. None if the audit is off."""
    try:
        found = [View(*values) for one in objects for values in _libpybuffer.audited_views(one)]
    except RuntimeError:
        return None
    # (A lost view has the address of that which took its place.)
    return list({view._replace(age=0): view for view in found}.values())


def hears_interpreter():
    """Whether the audit is on and the interpreter's own calls reach it."""
    exporter = bytearray(1)
    with memoryview(exporter):
        return bool(views([exporter]))


def request(flags):
    """The flags by their names, as 'PyBUF_FULL_RO'."""
    names, rest = [], flags
    for all_flags, deciding, name in _NAMES:
        if flags & all_flags == all_flags and rest & deciding:
            names.append(name)
            rest &= ~all_flags
    names = ["PyBUF_" + name for name in names] + ["{:#x}".format(rest)] * bool(rest)
    return "|".join(names) or "PyBUF_SIMPLE"

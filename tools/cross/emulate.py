"""Programs of other machines, run as this machine's own are: in a namespace that tells the kernel of qemu.

    python3 tools/cross/emulate.py QEMU PROGRAM -- COMMAND...

Runs a command where the kernel starts programs of PROGRAM's kind by QEMU. Nothing outside of it sees that. It takes a
Linux of 6.7 or newer that lets users have namespaces of their own.
"""

import os
import subprocess
import sys
from pathlib import Path

REGISTRY = "/proc/sys/fs/binfmt_misc"
WHY_NOT = "this kernel gives no binfmt_misc of one's own (Linux 6.7 and user namespaces do)"


def command(qemu, program, arguments):
    """The command line that runs another one so."""
    script = f"mount -t binfmt_misc private {REGISTRY} && exec \"$@\""
    this = [sys.executable, "-B", str(Path(__file__).resolve())]
    return ["unshare", "-Urm", "sh", "-c", script, "sh", *this, str(qemu), str(program), "--", *arguments]


def is_possible():
    """Whether this machine lets us."""
    done = subprocess.run(["unshare", "-Urm", "mount", "-t", "binfmt_misc", "private", REGISTRY], capture_output=True)
    return not done.returncode


def rule(qemu, program):
    """The line for binfmt_misc: executables of the same class, byte order and machine as a program."""
    head = Path(program).read_bytes()[:20]
    # Which system's it is does not matter, and whether it may lie anywhere (type 2 or 3).
    mask = bytearray(b"\xff" * 7 + b"\x00" + b"\xff" * 12)
    little = head[5] == 1
    mask[16 if little else 17] = 0xFE
    kind = (b"\x02\x00" if little else b"\x00\x02") + head[18:20]
    text = lambda data: "".join(f"\\x{byte:02x}" for byte in data)
    # P: the program's own name stays its first argument. F: qemu is opened now, and serves in a chroot as well.
    return f":foreign:M::{text(head[:8] + bytes(8) + kind)}:{text(mask)}:{qemu}:PF"


if __name__ == "__main__":
    Path(REGISTRY, "register").write_text(rule(sys.argv[1], sys.argv[2]))
    os.execvp(sys.argv[4], sys.argv[4:])

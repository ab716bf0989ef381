"""Programs of other machines, run as this machine's own are: in a namespace that tells the kernel of qemu.

    python3 tools/cross/emulate.py QEMU PROGRAM COMMAND...

Runs a command where the kernel starts programs of PROGRAM's kind by QEMU. Nothing outside of it sees that. It takes a
Linux of 6.7 or newer that lets users have namespaces of their own.
"""

import os
import subprocess
import sys
from pathlib import Path

REGISTRY = "/proc/sys/fs/binfmt_misc"
NAMESPACE = ["unshare", "-Urm", "/bin/sh", "-c", f'mount -t binfmt_misc private {REGISTRY} && exec "$@"', "sh"]


def why_not():
    """Why this machine does not let us, if so."""
    why = refusal(NAMESPACE)
    return why and f"this kernel gives no binfmt_misc of one's own (Linux 6.7 and user namespaces do): {why}"


def with_lib(folder):
    """What comes before a command that sees the files of a folder in /lib besides: another libc's dynamic linker."""
    mount = 'mount -t overlay lib -o "lowerdir=$0:$(readlink -f /lib)" /lib && exec "$@"'
    return ["unshare", "-Urm", "/bin/sh", "-c", mount, str(folder)]


def why_no_lib(folder):
    """Why this machine does not let us, if so."""
    why = refusal(with_lib(folder))
    return why and f"no namespace with a /lib of one's own: {why}"


def refusal(before):
    """What a command says that comes before others; None if it runs them."""
    try:
        done = subprocess.run([*before, "true"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    except OSError as error:
        return f"{before[0]} cannot be run: {error.strerror}"
    return (done.stderr.strip() or f"exit status {done.returncode}") if done.returncode else None


def rule(qemu, program):
    """The line for binfmt_misc: executables of the same class, byte order and machine as a program."""
    head = Path(program).read_bytes()[:20]
    # Which system's it is does not matter, nor whether it may lie anywhere (type 2 or 3).
    mask = bytearray(b"\xff" * 7 + b"\x00" + b"\xff" * 12)
    is_little = head[5] == 1
    mask[16 if is_little else 17] = 0xFE
    of_kind = head[:8] + bytes(8) + (b"\x02\x00" if is_little else b"\x00\x02") + head[18:]
    text = lambda data: "".join(f"\\x{byte:02x}" for byte in data)
    # P: the program's own name stays its first argument. F: qemu is opened now, and serves in a chroot as well.
    return f":foreign:M::{text(of_kind)}:{text(mask)}:{qemu}:PF"


def main():
    qemu, program, *command = sys.argv[1:]
    if command[0] != "--inside":
        os.execvp(NAMESPACE[0], [*NAMESPACE, sys.executable, "-B", __file__, qemu, program, "--inside", *command])
    Path(REGISTRY, "register").write_text(rule(qemu, program))
    os.execvp(command[1], command[1:])


if __name__ == "__main__":
    main()

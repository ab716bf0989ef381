"""The machines that the library is tested for, each by the name that Debian's cross compilers have."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """A target, as the tools call it."""

    name: str
    # Rust's triple.
    rust: str
    # Debian's architecture, and qemu's; none where the kernel itself runs its programs.
    debian: str
    qemu: str | None
    # Whether python3.11 of Debian 12 is fetched for it.
    has_python: bool = True
    # Which tests (test.py) run in pythons: only what was seen to pass is claimed.
    in_python: tuple = ()
    # Which tests run with FULL=1 only: they take more than the hour.
    in_full: tuple = ()
    # Whether its statically linked one still runs once patchelf has been at it.
    has_static_python: bool = True

    @property
    def is_musl(self):
        """By the C library."""
        return self.name.endswith("-musl")

    @property
    def cargo(self):
        """In the names of cargo's variables."""
        return self.rust.upper().replace("-", "_")


IN_PYTHON = ("hosted", "differential", "linking", "preload", "suites", "run")

# There is no Rust `std` for musl, in which the others load the library.
IN_MUSL = ("hosted", "linking", "preload", "run")

TARGETS = {
    target.name: target
    for target in (
        Target("aarch64-linux-gnu", "aarch64-unknown-linux-gnu", "arm64", "aarch64", in_python=IN_PYTHON),
        Target("i686-linux-gnu", "i686-unknown-linux-gnu", "i386", "i386", in_python=IN_PYTHON, in_full=("suites",)),
        Target("s390x-linux-gnu", "s390x-unknown-linux-gnu", "s390x", "s390x", in_python=IN_PYTHON, in_full=("suites",),
               has_static_python=False),
        Target("riscv64-linux-gnu", "riscv64gc-unknown-linux-gnu", "riscv64", "riscv64", has_python=False, in_full=("units",)),
        Target("powerpc64le-linux-gnu", "powerpc64le-unknown-linux-gnu", "ppc64el", "ppc64le", has_python=False, in_full=("units",)),
        Target("arm-linux-gnueabihf", "armv7-unknown-linux-gnueabihf", "armhf", "arm", has_python=False, in_full=("units",)),
        Target("x86_64-linux-musl", "x86_64-unknown-linux-musl", "amd64", None, in_python=IN_MUSL),
        Target("aarch64-linux-musl", "aarch64-unknown-linux-musl", "arm64", "aarch64", in_python=IN_MUSL),
    )
}

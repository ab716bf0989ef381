"""The machines that the library is tested for, each by the name that Debian's cross compilers have."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """A target, as the tools call it."""

    name: str
    # Rust's triple.
    rust: str
    # Debian's architecture, and qemu's.
    debian: str
    qemu: str
    # Whether Debian 12 has it, and with it python3.11.
    has_python: bool = True

    @property
    def cargo(self):
        """In the names of cargo's variables."""
        return self.rust.upper().replace("-", "_")


TARGETS = {
    target.name: target
    for target in (
        Target("aarch64-linux-gnu", "aarch64-unknown-linux-gnu", "arm64", "aarch64"),
        Target("i686-linux-gnu", "i686-unknown-linux-gnu", "i386", "i386"),
        Target("s390x-linux-gnu", "s390x-unknown-linux-gnu", "s390x", "s390x"),
        Target("riscv64-linux-gnu", "riscv64gc-unknown-linux-gnu", "riscv64", "riscv64", has_python=False),
        Target("powerpc64le-linux-gnu", "powerpc64le-unknown-linux-gnu", "ppc64el", "ppc64le"),
        Target("arm-linux-gnueabihf", "armv7-unknown-linux-gnueabihf", "armhf", "arm"),
    )
}

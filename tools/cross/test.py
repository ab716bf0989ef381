"""Tests the library on other machines than this one, by qemu, and ends with a table: `make test-cross`.

    python3 tools/cross/test.py [TARGET...]

Fetches what that takes first (fetch.py) and builds what ships, into build/cross/TRIPLE/{lib,include,bin}. The unit
tests are compiled for the target. The others are those of `make test`, run on this machine: what they build is built by
the target's compiler, and the kernel runs it as its own programs (emulate.py).

The exit status is 1 if anything failed.
"""

import json
import os
import subprocess
import sys

import emulate
import fetch
import units
from targets import TARGETS

import tests

FOLDER = fetch.FOLDER
LOGS = FOLDER / "logs"

# What is run on the library as it ships: its title in the table, the test program, which tests, and whether these
# take a python.
SHIPPED = (
    ("c_suite", "c_suite", ["suite_without_python_passes_with", "at_every_level"], False),
    ("hosted", "c_suite", ["libpython", "cpython", "functions_", "memoryviews_"], True),
    ("differential", "differential", ["library_in", "twins_in"], True),
    ("linking", "linking", ["each_way", "ctypes"], True),
    ("preload", "preload", ["every_function", "processes", "memoryviews_are"], True),
    ("suites", "preload", ["--ignored", "test_buffer_and_test_memoryview"], True),
    ("run", "run", ["every_python"], True),
)
# ONLY names some of them.
TITLES = ["build", "units", *(run[0] for run in SHIPPED)]
WANTED = os.environ.get("ONLY", "").split() or TITLES


def main():
    names = sys.argv[1:] or list(TARGETS)
    unknown = [name for name in names if name not in TARGETS]
    if unknown:
        sys.exit(f"test-cross: no target {' '.join(unknown)}; there are {' '.join(TARGETS)}")
    fetched = fetch.Fetch(FOLDER)
    fetched.compilers()
    fetched.rustc()
    results, notes = {}, []
    for target in map(TARGETS.get, names):
        for title, (cell, said) in Cross(fetched, target).run():
            results[target.name, title] = cell
            notes += said
    titles = [title for title in TITLES if title in WANTED]
    tests.table([["", *titles], *([name, *(results.get((name, title), "not run") for title in titles)] for name in names)])
    for note in dict.fromkeys(notes):
        print(note)
    sys.exit("FAILED" in results.values())


class Cross:
    """One target's tests."""

    def __init__(self, fetched, target):
        self.fetched, self.target = fetched, target
        self.root = fetched.target(target)
        self.qemu = target.qemu and fetched.tools / f"usr/bin/qemu-{target.qemu}-static"
        gcc = str(FOLDER / f"bin/{target.name}-gcc")
        # Make and the tests read these.
        self.env = {
            "BUILD": f"build/cross/{target.rust}",
            "TARGET": target.rust,
            "CC": gcc,
            "RUSTC": str(FOLDER / "bin/rustc"),
            f"CARGO_TARGET_{target.cargo}_LINKER": gcc,
            "QEMU_LD_PREFIX": str(self.root),
        }
        if target.is_musl:
            # Debian has no Rust library for musl: what takes no libc is compiled from its source.
            self.env |= {"RUSTC_BOOTSTRAP": "1", "CARGOFLAGS": "-Zbuild-std=core,alloc"}
        if target.is_musl and not self.qemu:
            self.env[f"CC_{target.rust.replace('-', '_')}"] = f"{gcc}-here"
        if target.has_python:
            # The shell that a preloaded program starts must be of its kind.
            self.env["PATH"] = f"{self.root}/path:{os.environ['PATH']}"
            pythons = [fetch.SHARED, fetch.STATIC] if target.has_static_python else [fetch.SHARED]
            self.env["PYBUFFER_PYTHONS"] = ":".join(f"{self.root}/usr/bin/{name}" for name in pythons)

    def run(self):
        """What became of each of the tests, and what there is to say of it."""
        yield "build", (built := self.build())
        if "units" in WANTED:
            yield "units", self.units()
        for title, *what in SHIPPED:
            if title in WANTED:
                why_not = "it was not built" if built[0] == "FAILED" else None
                yield title, self.shipped(title, *what, why_not)

    def units(self):
        """The unit tests."""
        if self.target.is_musl:
            return "-", [f"{self.target.name}: no unit tests: Debian has no Rust `std` for musl"]
        return units.run(self.target, self.qemu, self.env, LOGS)

    def shipped(self, title, program, names, is_of_python, why_not):
        """A test of what ships."""
        if is_of_python and not self.target.has_python:
            return "-", [f"{self.target.name}: no tests of pythons: Debian 12 has none for it"]
        if is_of_python and not self.target.is_hosted:
            return "-", [f"{self.target.name}: no tests of pythons: nothing is claimed of them there yet"]
        if self.qemu and not emulate.is_possible():
            why_not = emulate.WHY_NOT
        if why_not:
            return "not run", [f"{self.target.name}, {title}: not run: {why_not}"]
        arguments = [*self.runner(), "--test", program, "--", *names]
        return tests.run(self.target.name, title, arguments, os.environ, LOGS)

    def build(self):
        """What ships."""
        env = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL")}
        done = subprocess.run(["make", "lib"], cwd=tests.ROOT, env={**env, **self.env}, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        LOGS.mkdir(parents=True, exist_ok=True)
        log = LOGS / f"{self.target.name}-build.log"
        log.write_text(done.stdout)
        return ("FAILED", [f"{self.target.name}, build: FAILED, see {log}"]) if done.returncode else ("passed", [])

    def runner(self):
        """What tells cargo to run tests where the target's programs run, and with its variables."""
        loader = str(self.fetched.loader(self.target))
        inside = [sys.executable, "-B", str(fetch.HERE / "emulate.py"), str(self.qemu), loader] if self.qemu else []
        settings = [f"{name}={value}" for name, value in self.env.items()]
        return ["--config", f"target.'cfg(all())'.runner = {json.dumps(['env', *settings, *inside])}"]


if __name__ == "__main__":
    main()

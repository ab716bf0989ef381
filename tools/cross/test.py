"""Tests the library on other machines than this one, by qemu, and ends with a table: `make test-cross`.

    python3 tools/cross/test.py [TARGET...]

Fetches what that takes first (fetch.py) and builds what ships, into build/cross/TRIPLE/{lib,include,bin}. The unit
tests are compiled for the target. The others are those of `make test`, run on this machine: what they build is built by
the target's compiler, and the kernel runs it as its own programs (emulate.py).

The exit status is 1 if anything failed, or if CI is set and something could not be run here.
"""

import json
import os
import subprocess
import sys
import time

import emulate
import fetch
import units
from targets import IN_PYTHON, TARGETS

import tests

FOLDER = fetch.FOLDER
LOGS = FOLDER / "logs"

# What is run on the library as it ships: its title in the table, the test program, and which tests. Those that take a
# python are in targets.IN_PYTHON.
SHIPPED = {
    "c_suite": ("c_suite", ["suite_without_python_passes_with", "at_every_level"]),
    "mix": ("linking", ["--ignored", "archive_for_glibc_is_refused"]),
    "hosted": ("c_suite", ["libpython", "cpython", "functions_", "memoryviews_", "deleters_"]),
    "differential": ("differential", ["library_in", "twins_in"]),
    "linking": ("linking", ["each_way", "ctypes"]),
    "preload": ("preload", ["every_function", "processes", "memoryviews_are"]),
    "suites": ("preload", ["--ignored", "test_buffer_and_test_memoryview"]),
    "run": ("run", ["every_python"]),
}
# What preloads the library into a shell.
WITHOUT_SHELL = ["processes"]
# ONLY names some of them.
TITLES = ["build", "units", *SHIPPED]
WANTED = os.environ.get("ONLY", "").split() or TITLES


def main():
    names = sys.argv[1:] or list(TARGETS)
    refuse_others("test-cross", "target", names, TARGETS)
    refuse_others("test-cross", "test", WANTED, TITLES)
    for program, filters in SHIPPED.values():
        tests.refuse_stale(program, filters)
    fetched = fetch.Fetch(FOLDER)
    try:
        fetched.compilers()
        fetched.rustc()
    except (fetch.Missing, OSError) as why:
        sys.exit(f"test-cross: FAILED: nothing was run: what all targets need is not to be had: {why}")
    results, notes = {}, []
    for target in map(TARGETS.get, names):
        begin = time.monotonic()
        try:
            for title, (cell, said) in Cross(fetched, target).run():
                results[target.name, title] = cell
                notes += said
        except (fetch.Missing, OSError) as why:
            # Whatever was run of it before stays in the table.
            results.setdefault((target.name, "build"), "FAILED")
            results[target.name, "minutes"] = "FAILED"
            notes.append(f"{target.name}: FAILED: not to be had: {why}")
            continue
        results[target.name, "minutes"] = f"{(time.monotonic() - begin) / 60:.1f}"
    titles = [*(title for title in TITLES if title in WANTED), "minutes"]
    tests.table([["", *titles], *([name, *(results.get((name, title), "not run") for title in titles)] for name in names)])
    for note in dict.fromkeys(notes):
        print(note)
    sys.exit("FAILED" in results.values() or bool(os.environ.get("CI")) and "not run" in results.values())


def refuse_others(command, what, names, known):
    """Ends a command with a message if one of the names is not known."""
    unknown = [name for name in names if name not in known]
    if unknown:
        sys.exit(f"{command}: no {what} {' '.join(unknown)}; there are {' '.join(known)}")


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
            self.env.update({"RUSTC_BOOTSTRAP": "1", "CARGOFLAGS": "-Zbuild-std=core,alloc"})
        self.build_env = dict(self.env)
        self.pythons = fetched.pythons(target)
        self.env["PYBUFFER_PYTHONS"] = ":".join(map(str, self.pythons))
        if (self.root / "path").exists():
            # The shell that a preloaded program starts must be of its kind.
            self.env["PATH"] = f"{self.root}/path:{os.environ['PATH']}"

    def run(self):
        """What became of each of the tests, and what there is to say of it."""
        yield "build", (built := self.build())
        for title in TITLES[1:]:
            if title in WANTED:
                yield title, self.not_run(title, built[0]) or self.tested(title)

    def not_run(self, title, built):
        """The cell and the reason for what does not run there, or not now."""
        target, said = self.target, f"{self.target.name}, {title}: "
        if title == "mix" and (target.qemu or not target.is_musl):
            return "-", ["mix: in x86_64-linux-musl alone: no other linker takes this machine's archive"]
        if title == "units" and target.is_musl:
            return "-", [said + "Debian has no Rust `std` for musl"]
        if title in IN_PYTHON and title not in target.in_python:
            return "-", [f"{target.name}, {title}: nothing is claimed of pythons there" + (f" but {', '.join(target.in_python)}" if target.in_python else "")]
        if not fetch.FULL and (title in target.in_full or title in IN_PYTHON and not self.pythons):
            return "FULL=1", [said + "not in the hour: with FULL=1"]
        if built == "FAILED" and title != "units":
            return "not run", [said + "not run: it was not built"]
        why_not = self.why_not_inside() if title != "units" else None
        return ("not run", [said + "not run: " + why_not]) if why_not else None

    def tested(self, title):
        """What became of a test."""
        if title == "units":
            return units.run(self.target, self.qemu, self.env, LOGS)
        program, names = SHIPPED[title]
        without = WITHOUT_SHELL if self.target.is_musl and title == "preload" else []
        arguments = [*self.runner(), "--test", program, "--", *names, *(word for name in without for word in ("--skip", name))]
        cell, said = tests.run(self.target.name, title, arguments, os.environ, LOGS)
        if title in IN_PYTHON and len(self.pythons) == 1:
            why = "no other is built" if self.target.is_musl else "the other does not run once patchelf has been at it"
            said.append(f"{self.target.name}: in a python with a shared libpython alone: {why}")
        return cell, said + [f"{self.target.name}, {title}: without {name}: there is no shell of musl's to preload" for name in without]

    def build(self):
        """What ships."""
        env = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL")}
        done = subprocess.run(["make", "lib"], cwd=tests.ROOT, env={**env, **self.build_env}, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        LOGS.mkdir(parents=True, exist_ok=True)
        log = LOGS / f"{self.target.name}-build.log"
        log.write_text(done.stdout)
        return ("FAILED", [f"{self.target.name}, build: FAILED, see {log}"]) if done.returncode else ("passed", [])

    def inside(self):
        """What comes before a command that starts the target's programs."""
        if not self.qemu:
            return emulate.with_lib(self.root / "lib")
        return [sys.executable, "-B", str(fetch.HERE / "emulate.py"), str(self.qemu), str(self.fetched.loader(self.target))]

    def why_not_inside(self):
        """Why such a command cannot be run here, if so."""
        if not self.qemu:
            return emulate.why_no_lib(self.root / "lib")
        return emulate.why_not()

    def runner(self):
        """What tells cargo to run tests where the target's programs run, and with its variables."""
        settings = [f"{name}={value}" for name, value in self.env.items()]
        return ["--config", f"target.'cfg(all())'.runner = {json.dumps(['env', *settings, *self.inside()])}"]


if __name__ == "__main__":
    main()

"""Tests the library on other machines than this one, by qemu, and ends with a table: `make test-cross`.

    python3 tools/cross/test.py [TARGET...]

Fetches what that takes first (fetch.py). The tests are those of `make test`, compiled for the target and run by the
kernel as its own programs are (emulate.py). What ships for a target is then in build/cross/TRIPLE/{lib,include,bin}.

The exit status is 1 if anything failed.
"""

import os
import subprocess
import sys

import emulate
import fetch
from targets import TARGETS

import tests  # noqa: E402

FOLDER = fetch.FOLDER
LOGS = FOLDER / "logs"

# What is run: its title in the table, what cargo is told, and whether it takes a python.
RUNS = (
    ("units", ["--workspace", "--lib"], False),
    ("c_suite", ["--test", "c_suite", "--", "suite_without_python_passes_with", "at_every_level"], False),
    ("hosted", ["--test", "c_suite", "--", "libpython", "cpython", "functions_", "memoryviews_"], True),
    ("differential", ["--test", "differential", "--", "library_in", "twins_in", "without_python"], True),
    ("linking", ["--test", "linking"], True),
    ("run", ["--test", "run", "--", "every_python"], True),
)
TITLES = list(dict.fromkeys(run[0] for run in RUNS))


def main():
    names = sys.argv[1:] or list(TARGETS)
    unknown = [name for name in names if name not in TARGETS]
    if unknown:
        sys.exit(f"test-cross: no target {' '.join(unknown)}; there are {' '.join(TARGETS)}")
    results, notes = {}, []
    fetched = fetch.Fetch(FOLDER)
    fetched.compilers()
    fetched.rustc()
    for target in map(TARGETS.get, names):
        root = fetched.target(target)
        env = environment(fetched, target, root)
        for title, arguments, of_python in RUNS:
            if of_python and not root:
                results[target.name, title] = "-"
                notes.append(f"{target.name}: no tests of pythons: Debian 12 has none for it")
                continue
            results[target.name, title], said = run(fetched, target, title, arguments, env)
            notes += said
    tests.table([["", *TITLES], *([name, *(results[name, title] for title in TITLES)] for name in names)])
    for note in dict.fromkeys(notes):
        print(note)
    sys.exit("FAILED" in results.values())


def run(fetched, target, title, arguments, env):
    """Runs tests in a world of the target's programs; where there can be none, what needs no other program."""
    qemu = fetched.tools / f"usr/bin/qemu-{target.qemu}-static"
    if emulate.is_possible():
        around = lambda command: emulate.command(qemu, fetched.loader(target), command)
        return tests.run(target.name, title, arguments, env, LOGS, around)
    if title == "units":
        runner = {f"CARGO_TARGET_{target.cargo}_RUNNER": str(qemu)}
        return tests.run(target.name, title, arguments, {**env, **runner}, LOGS)
    return "not run", [f"{target.name}, {title}: not run: {emulate.WHY_NOT}"]


def environment(fetched, target, root):
    """The variables under which make and cargo build for a target, and tests find its python."""
    bin = FOLDER / "bin"
    env = {
        **os.environ,
        "BUILD": f"build/cross/{target.rust}",
        "CARGO_BUILD_TARGET": target.rust,
        "CARGO_TARGET_DIR": str(FOLDER / "target"),
        f"CARGO_TARGET_{target.cargo}_LINKER": str(bin / f"{target.name}-gcc"),
        "CC": str(bin / f"{target.name}-gcc"),
        "RUSTC": str(bin / "rustc"),
        "QEMU_LD_PREFIX": str(root or fetched.tools / "usr" / target.name),
    }
    if root:
        env["PYBUFFER_PYTHONS"] = f"{root}/usr/bin/python{fetch.PYTHON}-shared"
    return env


if __name__ == "__main__":
    main()

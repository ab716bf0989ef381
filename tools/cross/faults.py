"""Plants a fault in what only other machines compile, and fails unless the tests of that machine find it.

    python3 tools/cross/faults.py

In a copy of the sources, for each fault: what `make test-cross` fetched is used, and its C suite is run there.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import fetch
from targets import TARGETS

ROOT = fetch.HERE.parents[1]

# What is at fault, the target that has it, the file, what stands there, and what is put in its place.
FAULTS = (
    ("big-endian", "s390x-linux-gnu", "src/format/read.rs",
     """cfg!(target_endian = "big") => b'>'""", """cfg!(target_endian = "big") => b'<'"""),
    ("32-bit", "i686-linux-gnu", "src/format/codes.rs",
     """cfg!(target_arch = "x86") {\n    (12, 4)""", """cfg!(target_arch = "x86") {\n    (16, 4)"""),
    ("thread-local", "i686-linux-gnu", "src/runtime/standalone/errors/tls/others.rs",
     '''"call ___tls_get_addr@PLT",''', '''"call ___tls_get_addr@PLT", "mov %ebx, %eax",'''),
)


def main():
    targets = sorted({target for _, target, *_ in FAULTS})
    needed = ["tools", "rust", *(f"root-{TARGETS[target].debian}/settled" for target in targets)]
    missing = [name for name in needed if not (fetch.FOLDER / name).exists()]
    if missing:
        sys.exit(f"build/cross has no {', '.join(missing)}: first make test-cross TARGETS='{' '.join(targets)}'")
    missed = [name for name, *fault in FAULTS if not is_found(name, *fault)]
    if missed:
        sys.exit(f"not found: the fault planted as {', '.join(missed)}")


def is_found(name, target, file, old, new):
    """Whether the C suite of a faulty copy fails, where the copy itself builds."""
    copy = fetch.FOLDER / "faults" / name
    shutil.rmtree(copy, ignore_errors=True)
    # With new times: cargo would take a test of another copy for this one's.
    shutil.copytree(ROOT, copy, ignore=what_is_made, copy_function=shutil.copy)
    (copy / "build/cross").mkdir(parents=True)
    for fetched in ("tools", "rust", *(path.name for path in fetch.FOLDER.glob("root-*"))):
        (copy / "build/cross" / fetched).symlink_to(fetch.FOLDER / fetched)
    text = (copy / file).read_text()
    if text.count(old) != 1:
        sys.exit(f"{file}: the place for the fault {name} is not there any more: {old}")
    (copy / file).write_text(text.replace(old, new))
    # Other packages are compiled once for all faults, and apart from those of the tests that users run.
    env = {**os.environ, "CARGO_TARGET_DIR": str(fetch.FOLDER / "faults/target"), "ONLY": "build c_suite"}
    command = [sys.executable, "-B", str(copy / "tools/cross/test.py"), target]
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    log = copy / f"build/cross/logs/{target}-c_suite.log"
    lines = log.read_text().splitlines() if log.exists() else []  # else the copy could not be built
    # What the suite itself says of one of its tests.
    failures = [line for line in lines if line.startswith(("FAILED ", "CRASH in "))]
    print(f"{name} ({target}): {'found: ' + failures[0] if failures else 'NOT FOUND, it printed: ' + done.stdout}", flush=True)
    return bool(failures)


def what_is_made(folder, names):
    """The folders at the top that are no sources."""
    return {"build", "target", "dist", ".git"}.intersection(names) if Path(folder) == ROOT else set()


if __name__ == "__main__":
    main()

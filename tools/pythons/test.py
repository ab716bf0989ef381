"""Runs the tests of the library on the newest CPythons, and ends with a table: `make test-pythons`.

    python3 tools/pythons/test.py [NAME...]

Fetches the pythons first (fetch.py). The tests are those of `make test`, as far as they are about a python:
`PYBUFFER_PYTHONS` tells each run which one. Besides, what takes too long for `make test`: CPython's suites with
and without the library on statically linked pythons, and a minute of threads where there is no GIL. With names
(3.14, 3.15d-shared, ...) only these pythons are tested.

The exit status is 1 if anything failed, or if CI is set and a python was not to be had.
"""

import os
import sys

import fetch
import tests

LOGS = fetch.FOLDER / "logs"
STATIC, SHARED, FREE_THREADED = "static", "shared", "free-threaded"
EVERY = (STATIC, SHARED, FREE_THREADED)
LINKED = (SHARED, FREE_THREADED)

# What is run: its title in the table, the test program, what else cargo is told, and on which pythons.
RUNS = (
    ("abi", "abi", ["python"], EVERY),
    ("c_suite", "c_suite", ["libpython", "cpython", "functions_", "memoryviews_", "deleters_"], LINKED),
    ("differential", "differential", ["in_"], EVERY),
    ("linking", "linking", [], EVERY),
    ("memoryviews", "memoryviews", [], EVERY),
    ("check", "check", [], EVERY),
    ("audit", "audit", ["--skip", "numpy", "--skip", "program_without_python"], EVERY),
    ("run", "run", ["every_python", "round_the_plt", "python_is_told"], EVERY),
    ("preload", "preload", ["--skip", "suites_of", "--skip", "demo_"], EVERY),
    ("suites", "preload", ["suites_of_cpython"], LINKED),
    ("suites", "preload", ["--ignored", "suites_of_static"], (STATIC,)),
    ("threads", "preload", ["--ignored", "threads_without_a_gil"], (FREE_THREADED,)),
    ("package", "package", ["--ignored", "package_serves_every"], (FREE_THREADED,)),
)
TITLES = list(dict.fromkeys(run[0] for run in RUNS))
NOT_HERE = {
    "c_suite": "it is a program that links a shared libpython: see the -shared one",
    "threads": "it is for pythons without a GIL",
    "package": "Debian's pythons lack pip; make test-package runs in the machine's",
}

# What builds the package has no wheels for free-threaded pythons: this python does it for them.
WITH_THIS_PYTHON = ("package",)


def main():
    for _, program, words, _ in RUNS:
        tests.refuse_stale(program, words)
    rows = fetch.fetch(fetch.FOLDER, sys.argv[1:])
    results, notes, failed = {}, [], False
    for name, executable, why in rows:
        if not executable:
            notes.append(f"{name}: not run: {why}")
            failed |= bool(os.environ.get("CI"))
            continue
        kind = FREE_THREADED if name.endswith("t") else SHARED if name.endswith("-shared") else STATIC
        for title, program, arguments, kinds in RUNS:
            if kind in kinds:
                pythons = [sys.executable, executable] if title in WITH_THIS_PYTHON else [executable]
                env = {**os.environ, "PYBUFFER_PYTHONS": os.pathsep.join(pythons)}
                cell, found = tests.run(name, title, ["--test", program, "--", *arguments], env, LOGS)
                results[name, title] = cell
                failed |= cell == "FAILED"
                notes += found
    cells = [[name, *(results.get((name, title), "-") if executable else "not run" for title in TITLES)]
             for name, executable, _ in rows]
    tests.table([["", *TITLES], *cells])
    # The same reason for many pythons stands once.
    for title, why in NOT_HERE.items():
        print(f"- in column {title}: {why}.")
    for note in dict.fromkeys(notes):
        print(note)
    sys.exit(failed or not results)


if __name__ == "__main__":
    main()

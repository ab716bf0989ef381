"""Builds the Python package's wheels for other machines and for musl, and tests each where it runs: `make wheels`.

    python3 tools/cross/wheels.py [TARGET...]

dist/ keeps what `make wheel` put there. A wheel is built by the target's compiler, judged as that of this machine is
(python/wheel.py), and installed by pip as on that platform. The package's own tests run in a CPython of the target: Debian
12's, or one that musl's compiler built, where it is another machine by qemu. What is needed is fetched as for
`make test-cross`.
"""

import os
import shutil
import subprocess
import sys

import fetch
import test
from targets import TARGETS

import tests

NAMES = ("aarch64-linux-gnu", "x86_64-linux-musl", "aarch64-linux-musl")
REQUIREMENTS = tests.ROOT / "python/tests/requirements.txt"
# The tags of what is installed: libpybuffer's, and those that NumPy's wheels have.
MANYLINUX = ("manylinux2014", "manylinux_2_17", "manylinux_2_27", "manylinux_2_28")
MUSLLINUX = ("musllinux_1_1", "musllinux_1_2")
# The last NumPy whose libraries Debian 12's musl can load: later ones have relocations that came with musl 1.2.4.
NUMPY_FOR_MUSL = "numpy==1.26.4"
# Tests that cannot pass there, and why.
NOT_BY_QEMU = {
    "test_the_threads_are_gone_when_the_call_returns_so_fork_is_silent": "qemu has a thread of its own",
    "test_a_system_that_grants_no_thread_has_the_caller_copy_all": "qemu limits no address space",
}
NOT_WITH_MUSL = {
    "test_run_becomes_the_program": "there is no shell of musl's",
    "test_a_system_that_grants_no_thread_has_the_caller_copy_all": "the stacks of musl's threads are small",
    "test_suboffsets_of_an_exporter_are_drawn": "its CPython has no test modules",
}


def main():
    fetch.FULL = True
    names = sys.argv[1:] or NAMES
    known = [name for name, target in TARGETS.items() if target.in_python]
    test.refuse_others("make wheels", "target with a python", names, known)
    fetched = fetch.Fetch(fetch.FOLDER)
    try:
        fetched.compilers()
        fetched.rustc()
    except (fetch.Missing, OSError) as why:
        sys.exit(f"make wheels: FAILED: not to be had: {why}")
    failed = [name for name in names if not is_sound(fetched, name)]
    if failed:
        sys.exit(f"make wheels: FAILED: {' '.join(failed)}")


def is_sound(fetched, name):
    """Whether a target's wheel could be built, and passes in its python."""
    try:
        cross = test.Cross(fetched, TARGETS[name])
        return not build(cross).returncode and passes(cross, cross.pythons[-1])
    except (fetch.Missing, OSError, subprocess.CalledProcessError) as why:
        print(f"wheel for {name}: FAILED: {why}", flush=True)
        return False


def build(cross):
    include = cross.pythons[0].parents[1] / f"include/python{fetch.PYTHON}"
    env = {**without_make(os.environ), **cross.build_env, "CFLAGS": f"-I{include}"}
    return subprocess.run([sys.executable, "python/wheel.py", "--for", f"linux-{machine(cross)}"], cwd=tests.ROOT, env=env)


def passes(cross, python):
    """Whether the package's tests pass in a python that has the wheel."""
    name = f"{cross.target.name}, {python.name}"
    if why_not := cross.why_not_inside():
        print(f"wheel for {name}: not run: {why_not}")
        return True
    site = fetch.FOLDER / f"wheel-{cross.target.debian}-{'musl' if cross.target.is_musl else 'gnu'}"
    shutil.rmtree(site, ignore_errors=True)
    install(cross, site, requirements(cross))
    install(cross, site, ["--no-index", "--find-links", str(tests.ROOT / "dist"), "libpybuffer"])
    # pip has written this machine's python into it.
    script = site / "bin/pybuffer-run"
    script.write_text(f"#!{python}\n" + script.read_text().partition("\n")[2])
    left_out = {**(NOT_BY_QEMU if cross.qemu else {}), **(NOT_WITH_MUSL if cross.target.is_musl else {})}
    env = {**without_make(os.environ), **cross.env, "PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"}
    suite = [str(python), "-m", "pytest", "--quiet", "-p", "no:cacheprovider", str(tests.ROOT / "python/tests"),
             "-k", " and ".join(f"not {test}" for test in left_out)]
    print(f"wheel for {name}:", *(f"without {test} ({why})" for test, why in left_out.items()), flush=True)
    return not subprocess.run([*cross.inside(), *suite], cwd=site, env=env).returncode


def install(cross, site, what):
    tags = MUSLLINUX if cross.target.is_musl else MANYLINUX
    platforms = [word for tag in tags for word in ("--platform", f"{tag}_{machine(cross)}")]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--upgrade", "--target", str(site)]
    of_python = ["--only-binary=:all:", "--implementation", "cp", "--python-version", fetch.PYTHON]
    subprocess.run([*pip, *of_python, *platforms, *what], check=True)


def requirements(cross):
    """What the tests take, for the target's python: pip would ask this one for its version."""
    lines = [line.partition("#")[0].partition(";") for line in REQUIREMENTS.read_text().splitlines()]
    found = [line.strip() for line, _, marker in lines if line.strip() and (not marker or f'"{fetch.PYTHON}"' in marker)]
    return [NUMPY_FOR_MUSL if cross.target.is_musl and line.startswith("numpy") else line for line in found]


def machine(cross):
    return cross.target.name.partition("-")[0]


def without_make(env):
    return {name: value for name, value in env.items() if name not in ("MAKEFLAGS", "MAKELEVEL")}


if __name__ == "__main__":
    main()

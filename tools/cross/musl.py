"""A CPython built by musl's compiler, from Debian 12's source packages: Debian has none.

It has a shared libpython, and ctypes by a libffi that is built before it. For another machine it is cross-compiled, by
the one for this machine.
"""

import os
import shutil
from pathlib import Path

from apt import Missing, run

PYTHON = "3.11"


def build(target, apt, gcc, folder, builder):
    """Builds it into a folder, where it stays: its paths are in it. `gcc` is the compiler whose programs run here."""
    work = folder.with_suffix(".new")
    shutil.rmtree(work, ignore_errors=True)
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "MAKE"))}
    # No libraries of this machine, which are not musl's.
    env.update(CC=str(gcc), PKG_CONFIG_LIBDIR=str(work))
    for tool in ("ar", "readelf"):
        env[tool.upper()] = run([str(gcc), f"-print-prog-name={tool}"]).strip()
    # A compiler of C++ is found by configure, and not for musl.
    env["CXX"] = "false"
    machines = [f"--host={target.name}", "--build=x86_64-linux-musl"] if builder else []

    def made(source, options, *goals, **variables):
        run(["./configure", *machines, *options], cwd=source, env={**env, **variables})
        run(["make", f"-j{os.cpu_count()}", *goals], cwd=source, env=env)

    ffi = work / "ffi"
    made(apt.source("libffi", work / "libffi"), [f"--prefix={ffi}", "--disable-shared", "--with-pic", "--disable-docs"], "install")
    source = apt.source(f"python{PYTHON}", work / "python")
    # What setup.py would build with this machine's.
    (source / "Modules/Setup.local").write_text(
        "_ctypes _ctypes/_ctypes.c _ctypes/callbacks.c _ctypes/callproc.c _ctypes/stgdict.c _ctypes/cfield.c "
        f"-I{ffi}/include -L{ffi}/lib -lffi -DHAVE_FFI_PREP_CIF_VAR\nbinascii binascii.c\n")
    options = ["--enable-shared", "--with-ensurepip=no", "--disable-test-modules", f"--prefix={folder}"]
    if builder:
        options += [f"--with-build-python={builder}"]
    # What configure finds out by programs that it runs, which it cannot for another machine.
    known = {"ac_cv_file__dev_ptmx": "yes", "ac_cv_file__dev_ptc": "no", "ac_cv_buggy_getaddrinfo": "no"} if builder else {}
    made(source, options, LDFLAGS=f"-Wl,-rpath,{folder}/lib", **known)
    run(["make", "install", "TESTSUBDIRS=", "COMPILEALL_OPTS="], cwd=source, env=env)
    shutil.rmtree(work)

"""The steps of the Python package that pyproject.toml cannot say: `make lib`, one extension module linked with
the archive, and what is built put beside it. CC, TARGET and BUILD are make's."""

import glob
import os
import re
import shutil
import subprocess
import sys
import sysconfig

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py

BUILD = os.environ.get("BUILD") or "build"

# From there to the package. The shared library comes under two names, as wheels hold no links; a program
# finds it by its SONAME.
SHIPPED = ["include/*.h", "lib/*.a", "lib/libpybuffer.so", "lib/libpybuffer.so.?", "lib/pkgconfig/*.pc",
           "lib/cmake/libpybuffer/*.cmake", "lib/pybuffer/*"]


def make_lib():
    if not sys.platform.startswith("linux"):
        raise SystemExit("libpybuffer: it builds for Linux only, not for {}: docs/platforms.md says why".format(sys.platform))
    environment = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL")}
    try:
        subprocess.run(["make", "lib"], check=True, env=environment)
    except FileNotFoundError:
        raise SystemExit("libpybuffer: make is missing: it builds the library") from None
    except subprocess.CalledProcessError:
        raise SystemExit("libpybuffer: `make lib` failed: the lines above say why") from None


class BuildPy(build_py):
    def run(self):
        # The folder is used again; what an older build has put there may be gone from the sources.
        shutil.rmtree(os.path.join(self.build_lib, "libpybuffer"), ignore_errors=True)
        super().run()
        make_lib()
        for file in (file for pattern in SHIPPED for file in glob.glob(os.path.join(BUILD, pattern))):
            target = os.path.join(self.build_lib, "libpybuffer", os.path.relpath(file, BUILD))
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy(file, target)
        # Folders that Python can import: the entry point of the group pkg_config names one.
        for folder in "lib", "lib/pkgconfig":
            open(os.path.join(self.build_lib, "libpybuffer", folder, "__init__.py"), "w").close()


class BuildExtension(build_ext):
    def run(self):
        make_lib()
        super().run()

    def build_extensions(self):
        # Some pythons link modules with their own folder as a run path. This one needs libc alone, anywhere.
        self.compiler.linker_so = [flag for flag in self.compiler.linker_so if not flag.startswith("-Wl,-rpath")]
        super().build_extensions()


def manifest(key):
    """What Cargo.toml says: the one place where it is written."""
    with open("Cargo.toml", encoding="utf-8") as lines:
        return re.search(r'^{} *= *\[?"([^"]+)"'.format(key), lines.read(), re.MULTILINE).group(1)


def description():
    """README.md for readers elsewhere, where the repository's own links and pictures lead nowhere: their texts instead."""
    def told(match):
        text, target = match.groups()
        is_plain = target.startswith("#") or text.strip("`") == target
        return text if is_plain else "{} (`{}`)".format(text, target)

    with open("README.md", encoding="utf-8") as lines:
        return re.sub(r"!?\[([^\]]*)\]\((?!https?:)([^)]*)\)", told, lines.read())


# The stable ABI of CPython 3.8, which serves every later one; free-threaded interpreters have none yet.
is_free_threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))

# Below it, but in none of the folders that make fills.
base = os.path.join(BUILD, "python")
os.makedirs(base, exist_ok=True)
options = {"build": {"build_base": base}, "egg_info": {"egg_base": base}}
if not is_free_threaded:
    options["bdist_wheel"] = {"py_limited_api": "cp38"}

setup(
    version=manifest("version"),
    license=manifest("license"),
    author=manifest("authors"),
    long_description=description(),
    long_description_content_type="text/markdown",
    cmdclass={"build_py": BuildPy, "build_ext": BuildExtension},
    options=options,
    ext_modules=[Extension(
        "libpybuffer._libpybuffer",
        sorted(glob.glob("python/extension/*.c")),
        depends=["python/extension/extension.h", BUILD + "/lib/libpybuffer-static.a", BUILD + "/include/libpybuffer.h"],
        include_dirs=[BUILD + "/include"],
        define_macros=[] if is_free_threaded else [("Py_LIMITED_API", "0x03080000")],
        py_limited_api=not is_free_threaded,
        # Debug information would name this folder.
        extra_compile_args=["-std=gnu11", "-O2", "-g0", "-fvisibility=hidden", "-Wall", "-Wextra"],
        # The archive whose names are hidden, or the interpreter's functions of the same names run.
        extra_link_args=[BUILD + "/lib/libpybuffer-static.a", "-Wl,--gc-sections"],
    )],
)

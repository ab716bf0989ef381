"""Where the package's files are, and the flags to build against them."""

import os
import shlex

_HERE = os.path.dirname(os.path.abspath(__file__))


def get_include():
    """The folder of libpybuffer.h, for -I."""
    return os.path.join(_HERE, "include")


def get_library_dir():
    """The folder of libpybuffer.so, libpybuffer.so.0 and the archive, for -L."""
    return os.path.join(_HERE, "lib")


def get_pkgconfig_dir():
    """The folder of pybuffer.pc and pybuffer-static.pc, for PKG_CONFIG_PATH."""
    return os.path.join(_HERE, "lib", "pkgconfig")


def get_cmake_dir():
    """The folder of the CMake package, for libpybuffer_DIR or CMAKE_PREFIX_PATH."""
    return os.path.join(_HERE, "lib", "cmake", "libpybuffer")


def shared_library():
    """The shared library's path, for LD_PRELOAD."""
    return os.path.join(get_library_dir(), "libpybuffer.so.0")


def command():
    """The path of pybuffer-run."""
    return os.path.join(get_library_dir(), "pybuffer", "pybuffer-run")


def flags(name, field):
    """What `field` (Cflags, Libs) of a .pc file says, as words for a shell. The .pc files are the one place
    where the flags are written."""
    values = {"pcfiledir": get_pkgconfig_dir()}
    with open(os.path.join(get_pkgconfig_dir(), name + ".pc"), encoding="utf-8") as lines:
        for line in lines:
            for separator in "=", ":":
                key, found, value = line.strip().partition(separator)
                if found and key.replace(".", "").isalnum():
                    values[key] = value.strip() if separator == ":" else os.path.normpath(_expand(value, values))
                    break
    return " ".join(shlex.quote(_expand(word, values)) for word in values[field].split())


def _expand(text, values):
    for key, value in values.items():
        text = text.replace("${" + key + "}", value)
    return text

"""Fetches what `make test-cross` needs into build/cross, from Debian, and changes nothing of the system.

    python3 tools/cross/fetch.py [TARGET...]

Cross compilers, their libc and qemu of Debian 12 (whose glibc any newer system runs as well); Rust of Debian's newest
suite, with the standard library of each target, which must be of the same version; python3.11 of Debian 12 for each
target, with CPython's tests; for musl one that is built here (musl.py). What is there stays as it is (`make clean` removes it).
"""

import os
import re
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "common"))
from apt import Apt, Missing, run  # noqa: E402
from elf import Patchelf, folders_of, loader_of  # noqa: E402

import musl  # noqa: E402
from targets import TARGETS  # noqa: E402

FOLDER = HERE.parents[1] / "build/cross"
# When the mirror has lost the first one, name a later stable suite, and its python (musl.py); README's *Limits* name it too.
STABLE, NEWEST = ("bookworm",), ("sid",)
PYTHON = musl.PYTHON
STATIC, SHARED = f"python{PYTHON}", f"python{PYTHON}-shared"
# What takes too long for the hour is done with FULL=1.
FULL = bool(os.environ.get("FULL"))
# What a foreign root has: python as a program and as a library, its headers and its tests, a shell, and what NumPy takes.
PYTHON_PACKAGES = ("dash", "coreutils", "libstdc++6", "python{}-minimal", "libpython{}-stdlib", "libpython{}", "libpython{}-dev", "libpython{}-testsuite")


def say(text):
    print(f"build/cross: {text}", flush=True)


class Fetch:
    """What is fetched for every target, and for one."""

    def __init__(self, folder):
        self.folder = folder
        self.tools, self.rust = folder / "tools", folder / "rust"
        self.patchelf = Patchelf(folder)

    def put(self, name, make):
        """Makes a folder, whole or not at all."""
        final = self.folder / name
        if not final.exists():
            say(f"fetching {name}")
            new = self.folder / f"{name}.new"
            shutil.rmtree(new, ignore_errors=True)
            new.mkdir(parents=True)
            make(new)
            new.rename(final)
        return final

    def settle(self, root):
        """Makes the programs of a root run from there, once: where they are is in them."""
        if not (root / "settled").exists():
            self.patchelf.settle(root)
            (root / "settled").touch()

    def compilers(self):
        """The cross compilers and qemu, for all targets: together they are 220 MB."""
        packages = [name for target in TARGETS.values() if not target.is_musl
                    for name in (f"gcc-{target.name}", f"libc6-dev-{target.debian}-cross")]
        apt = lambda: Apt(self.folder / "apt/tools", STABLE)
        self.settle(self.put("tools", lambda new: apt().unpack(["qemu-user-static", *packages], new)))

    def rustc(self):
        """The compiler, run by its own loader: some of its libraries would not take what is written into programs."""
        apt = lambda: Apt(self.folder / "apt/rust", NEWEST)
        root = self.put("rust", lambda new: apt().unpack(["rustc", "rust-src"], new))
        loader = loader_of(root)
        self.rustc_script = self.script("rustc", f'exec "{loader}" --library-path "{":".join(folders_of(root))}" '
                                        f'"{root}/usr/bin/rustc" --sysroot "{root}/usr" "$@"')

    def rustc_version(self):
        """As Rust counts it."""
        return re.search(r"rustc (\S+)", run([str(self.rustc_script), "--version"]))[1]

    def target(self, target):
        """What one target needs besides; the folder that its programs see as the root, if one was fetched."""
        apt = lambda suites: Apt(self.folder / f"apt/{target.debian}-{suites[0]}", suites, target.debian)
        if target.is_musl:
            return self.musl(target, apt)
        self.library(target, apt)
        self.script(f"{target.name}-gcc", f'exec "{self.tools}/usr/bin/{target.name}-gcc" --sysroot="{self.tools}" "$@"')
        if not target.has_python:
            return self.tools / "usr" / target.name
        packages = [name.format(PYTHON) for name in PYTHON_PACKAGES]
        root = self.put(f"root-{target.debian}", lambda new: apt(STABLE).unpack(packages, new))
        if not (root / "settled").exists():
            self.settle_python(target, root)
            (root / "settled").touch()
        return root

    def settle_python(self, target, root):
        """Makes a foreign root's pythons name the dynamic linker that is there, and find a shell of their kind."""
        own_links(root)
        own_headers(root)
        self.link_shared(target, root)
        if target.has_static_python:
            for program in (f"usr/bin/{STATIC}", "bin/dash"):
                self.patchelf("--set-interpreter", loader_of(root), root / program)
        (root / "path").mkdir(exist_ok=True)
        (root / "path/sh").unlink(missing_ok=True)
        (root / "path/sh").symlink_to(root / "bin/dash")

    def library(self, target, apt):
        """Rust's standard library for a target, of the compiler's version."""
        library = self.rust / "usr/lib/rustlib" / target.rust
        if library.exists():
            return
        version = self.rustc_version()
        say(f"fetching Rust's standard library {version} for {target.rust}")
        new = self.folder / f"rust-{target.debian}.new"
        shutil.rmtree(new, ignore_errors=True)
        try:
            apt(NEWEST).unpack([f"libstd-rust-dev={version}*"], new, alone=True)
        except Missing as why:
            raise Missing(f"Debian's {NEWEST[0]} has no libstd-rust-dev {version} for {target.debian}, which build/cross/rust needs: "
                          f"if it is newer there, `rm -r build/cross/rust` lets both be fetched anew ({why})") from None
        if not (new / "usr/lib/rustlib" / target.rust).exists():
            raise Missing(f"Debian's libstd-rust-dev of {target.debian} has no {target.rust}")
        (new / "usr/lib/rustlib" / target.rust).rename(library)
        shutil.rmtree(new)

    def musl(self, target, apt):
        """musl, and a compiler for it: the one for glibc, by the specs that come with musl."""
        root = self.put(f"root-musl-{target.debian}", lambda new: apt(STABLE).unpack(["musl", "musl-dev"], new, alone=True))
        gcc = self.tools / f"usr/bin/{target.name.replace('musl', 'gnu')}-gcc" if target.qemu else shutil.which("gcc")
        if not gcc:
            raise Missing("this machine has no gcc")
        (root / "musl.specs").write_text(musl_specs(root, target.name))
        self.musl_soname(target, root)
        # libgcc's atomics of aarch64 ask glibc for the CPU's instructions.
        own_atomics = "-mno-outline-atomics" if target.qemu == "aarch64" else ""
        self.script(f"{target.name}-gcc", f'case "$1" in -dumpmachine|*-print-multiarch) echo {target.name}; exit;; esac\n'
                    f'exec "{gcc}" -specs "{root}/musl.specs" {own_atomics} "$@"')
        # For programs that this machine runs itself, without the loader where they look for it.
        self.script(f"{target.name}-gcc-here", f'case " $* " in *" -static"*) loader=;; *) loader="{self.loader(target)}";; esac\n'
                    f'exec "{self.folder}/bin/{target.name}-gcc" "$@" ${{loader:+-Wl,--dynamic-linker="$loader"}}')
        if self.has_musl_python(target):
            self.musl_python(target, apt)
        return root

    def musl_soname(self, target, root):
        """The libc.so that programs are linked with bears the name that musl's systems call it by, as wheels must."""
        loaded, linked = root / f"lib/{target.name}/libc.so", root / f"usr/lib/{target.name}/libc.so"
        if not linked.exists():
            new = linked.with_suffix(".new")
            shutil.copyfile(loaded, new)
            self.patchelf("--set-soname", f"libc.musl-{target.name.partition('-')[0]}.so.1", new)
            new.rename(linked)

    def pythons(self, target):
        """The pythons of a target that were fetched."""
        if target.is_musl:
            folder = self.folder / f"python-musl-{target.debian}/bin"
            return [folder / f"python{PYTHON}"] if self.has_musl_python(target) else []
        names = [SHARED, STATIC] if target.has_static_python else [SHARED]
        return [self.folder / f"root-{target.debian}/usr/bin" / name for name in names if target.has_python]

    def has_musl_python(self, target):
        """For this machine; for others it takes minutes more."""
        return not target.qemu or FULL

    def musl_python(self, target, apt):
        """A CPython built by the compiler for musl."""
        folder = self.folder / f"python-musl-{target.debian}"
        if not (folder / "settled").exists():
            builder = None
            if target.qemu:
                native = next(other for other in TARGETS.values() if other.is_musl and not other.qemu)
                self.target(native)
                builder = self.folder / f"python-musl-{native.debian}/bin/python{PYTHON}"
            headers = self.put(f"linux-{target.debian}", lambda new: apt(STABLE).unpack(["linux-libc-dev"], new, alone=True))
            linux_headers(headers / "usr/include", self.folder / f"root-musl-{target.debian}/usr/include/{target.name}")
            say(f"building CPython {PYTHON} for {target.name} from Debian's source package")
            musl.build(target, apt(STABLE), self.folder / f"bin/{target.name}-gcc-here", folder, builder)
            (folder / "settled").touch()

    def loader(self, target):
        """Its dynamic linker, a program of its kind."""
        folder = self.folder / f"root-musl-{target.debian}/lib" if target.is_musl else self.tools / "usr" / target.name / "lib"
        return next(folder.glob("ld[-6]*.so.*"))

    def link_shared(self, target, root):
        """The python of the shared libpython, which Debian ships without one."""
        libpython = root / "usr/lib" / loader_of(root).parent.name / f"libpython{PYTHON}.so.1.0"
        run([str(self.folder / f"bin/{target.name}-gcc"), "-I", str(root / f"usr/include/python{PYTHON}"),
             str(HERE.parent / "common/python.c"), str(libpython), "-o", str(root / "usr/bin" / SHARED),
             # What libpython needs is there when it runs.
             "-Wl,--allow-shlib-undefined", f"-Wl,-rpath,{libpython.parent}",
             f"-Wl,--dynamic-linker={loader_of(root)}"])

    def script(self, name, text):
        """A command in build/cross/bin."""
        file = self.folder / "bin" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"#!/bin/sh\n{text}\n")
        file.chmod(0o755)
        return file


def musl_specs(root, name):
    """The specs that come with musl, for where it was unpacked, and for -static-pie besides."""
    lib, loader = f"{root}/usr/lib/{name}", f"/lib/ld-musl-{name.split('-')[0]}.so.1"
    text = (root / "usr/lib" / name / "musl-gcc.specs").read_text()
    text = text.replace("-isystem /usr/", f"-isystem {root}/usr/").replace(f" /usr/lib/{name}/", f" {lib}/")
    changes = {
        # Before the folders that the command names, in which CPython's setup.py puts those of glibc's compiler.
        "*link:\n": f"*link:\n-L{lib} ",
        f"-L/usr/lib/{name}": f"-L{lib}",
        f"%{{!shared: {lib}/Scrt1.o}}": f"%{{static-pie:{lib}/rcrt1.o;shared:;:{lib}/Scrt1.o}}",
        f"-dynamic-linker {loader}": f"%{{static-pie:-static -pie --no-dynamic-linker -z text;:-dynamic-linker {loader}}}",
        "%{static:-static}": "%{static:-static} %{pie:-pie}",
    }
    for old, new in changes.items():
        if old not in text:
            raise Missing(f"musl's specs have no longer {old}")
        text = text.replace(old, new)
    return text


def linux_headers(kernel, libc):
    """Puts the kernel's headers, which libffi and CPython take, beside those of musl."""
    for name, at in (("linux", kernel), ("asm-generic", kernel), ("asm", next(kernel.glob("*-linux-gnu")))):
        (libc / name).unlink(missing_ok=True)
        (libc / name).symlink_to(at / name)


def own_links(root):
    """Makes the link by which programs find their dynamic linker lead to the one of that root."""
    for link in root.glob("lib*/ld*.so.*"):
        if link.is_symlink() and os.readlink(link).startswith("/"):
            to = root / os.readlink(link).lstrip("/")
            link.unlink()
            # Relative, so that it is not changed again if what comes after it fails and is repeated.
            link.symlink_to(os.path.relpath(to, link.parent))


def own_headers(root):
    """Puts the machine's pyconfig.h where the one for every machine lies, which would need another -I."""
    include = root / "usr/include"
    of_machine = include / loader_of(root).parent.name / f"python{PYTHON}" / "pyconfig.h"
    shutil.copyfile(of_machine, include / f"python{PYTHON}" / "pyconfig.h")


def main():
    names = sys.argv[1:] or list(TARGETS)
    fetch = Fetch(FOLDER)
    fetch.compilers()
    fetch.rustc()
    for name in names:
        fetch.target(TARGETS[name])


if __name__ == "__main__":
    main()

"""Packages of Debian that the machine need not have: of other suites, and for other machines, by an apt that has
folders of its own.

Nothing of the machine is changed, and no right of the administrator is needed: the packages are downloaded and
unpacked into a folder. Where they come from is what the machine's own entry says, with other suites in it.
"""

import shlex
import shutil
import subprocess
from pathlib import Path

# Searched in this order. What the newest one has lost is looked for in the next.
SUITES = ("sid", "forky", "trixie")


class Missing(Exception):
    """Something is not to be had; the text says why, in a line."""


def run(command, **options):
    """Runs a command; if it fails, what it said of it."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    except OSError as error:
        raise Missing(f"{command[0]} cannot be run: {error.strerror}") from None
    if done.returncode:
        lines = done.stdout.strip().splitlines() or ["it said nothing"]
        told = [line for line in lines if line.startswith(("E:", "error:", "ERROR:")) or ": error:" in line]
        raise Missing(f"{Path(command[0]).name} failed ({done.returncode}): {(told or lines)[-1].strip()}")
    return done.stdout


class Apt:
    """A private root of apt: for these suites and this architecture (as Debian calls it), else the machine's."""

    def __init__(self, folder, suites=SUITES, architecture=None):
        if not shutil.which("apt-get"):
            raise Missing("this machine has no apt-get, so it cannot fetch Debian's packages")
        self.folder = folder.resolve()
        self.suites = suites
        for name in ("etc/sources.list.d", "lists/partial", "archives/partial"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "status").touch()
        (self.folder / "etc/sources.list.d/debian.sources").write_text(entry_with_suites(suites))
        (self.folder / "apt.conf").write_text(
            f'Dir::Etc::sourcelist "{self.folder}/etc/sources.list";\n'
            f'Dir::Etc::sourceparts "{self.folder}/etc/sources.list.d";\n'
            f'Dir::Etc::preferences "{self.folder}/etc/preferences";\n'
            f'Dir::Etc::preferencesparts "{self.folder}/etc/preferences.d";\n'
            f'Dir::State::lists "{self.folder}/lists";\n'
            f'Dir::State::status "{self.folder}/status";\n'
            f'Dir::Cache "{self.folder}";\n'
            'Acquire::Check-Valid-Until "false";\n'
            'Acquire::Languages "none";\n'
            'APT::Install-Recommends "false";\n'
            # Another user could not write into these folders.
            'APT::Sandbox::User "";\n'
            + (f'APT::Architecture "{architecture}";\nAPT::Architectures {{ "{architecture}"; }};\n' if architecture else "")
        )
        self("update", "--error-on=any")

    def __call__(self, *arguments, **options):
        return run(["apt-get", "-q", "-c", str(self.folder / "apt.conf"), *arguments], **options)

    def unpack(self, packages, folder, alone=False):
        """Unpacks packages, and what they depend on unless they are wanted alone, into a folder."""
        archives = self.folder / "archives"
        for archive in archives.glob("*.deb"):
            archive.unlink()
        if alone:
            self("download", *packages, cwd=archives)
        else:
            self.from_newest(lambda suite: self("install", "-y", "-d", "-t", suite, *packages))
        for archive in sorted(archives.glob("*.deb")):
            run(["dpkg-deb", "-x", str(archive), str(folder)])
            archive.unlink()

    def source(self, package, folder):
        """Unpacks a source package without Debian's patches, and returns its folder."""
        folder.mkdir(parents=True)
        self.from_newest(lambda suite: self("source", "--download-only", f"{package}/{suite}", cwd=folder))
        description = max(folder.glob("*.dsc"), key=lambda file: file.stat().st_mtime)
        # Signed by a key that this machine need not have; apt has compared the sums.
        run(["dpkg-source", "--no-check", "--skip-patches", "-x", str(description), str(folder / "source")])
        return folder / "source"

    def from_newest(self, get):
        """The first suite that has it, all of it."""
        for suite in self.suites:
            try:
                return get(suite)
            except Missing as why:
                last = why
        raise last


def entry_with_suites(suites):
    """The machine's entry for Debian, for these suites."""
    release = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    codename = release.get("VERSION_CODENAME", "").strip('"')
    shell = run(["apt-config", "shell", "list", "Dir::Etc::sourcelist/f", "parts", "Dir::Etc::sourceparts/d"])
    where = dict(word.split("=", 1) for word in shlex.split(shell))
    files = [Path(where["list"]), *sorted(Path(where["parts"]).glob("*"))]
    for file in filter(Path.is_file, files):
        text = file.read_text()
        found = fields_of(text, codename) if file.suffix == ".sources" else options_of(text, codename)
        if found:
            found.update(Types="deb deb-src", Suites=" ".join(suites), Components="main")
            return "".join(f"{name}: {value}\n" for name, value in found.items())
    raise Missing(f"apt's sources have no entry with the suite {codename or 'of /etc/os-release'} and main in it")


KEPT = {"uris": "URIs", "signed-by": "Signed-By"}


def fields_of(text, codename):
    """From a file of paragraphs (`*.sources`)."""
    for paragraph in text.split("\n\n"):
        fields, name = {}, None
        for line in paragraph.splitlines():
            if line.startswith("#"):
                continue
            if line[:1].isspace():
                fields[name] = fields.get(name, "") + "\n" + line
            elif ":" in line:
                name, value = line.split(":", 1)
                name = name.lower()
                fields[name] = value.strip()
        if codename in fields.get("suites", "").split() and "main" in fields.get("components", "").split():
            return {KEPT[name]: value for name, value in fields.items() if name in KEPT}
    return None


def options_of(text, codename):
    """From a file of lines (`*.list`)."""
    for line in text.splitlines():
        words = line.partition("#")[0].replace("[", " [ ").replace("]", " ] ").split()
        if words[:1] != ["deb"]:
            continue
        options = words[2 : words.index("]")] if "]" in words else []
        uri, suite, *components = words[words.index("]") + 1 :] if "]" in words else words[1:]
        if suite == codename and "main" in components:
            signed = [word.split("=", 1)[1] for word in options if word.lower().startswith("signed-by=")]
            return {"URIs": uri, **({"Signed-By": signed[0]} if signed else {})}
    return None

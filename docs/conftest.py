"""Runs what the pages show (`make test-docs`): doctests, programs and shell sessions, whose output has to be what stands there.

* ```python with `>>>` is a doctest.
* ```console is a shell session: a line after `$ ` (and after `> `, for the rest of it) is run, what follows is its output;
  `...` stands for anything.
* A block whose first line is a comment with a file's name, `/* first.c */` or `# setup.py`, is that file.

The blocks of a page share a folder, an environment and Python's names. `libpybuffer` in that folder is this source tree. A page
of start/ begins with a python that has nothing installed; the others have what the manual is made with.
"""

import doctest
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from sybil import Sybil
from sybil.evaluators.doctest import DocTestEvaluator
from sybil.parsers.abstract.doctest import DocTestStringParser
from sybil.parsers.myst import CodeBlockParser

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
MATCHES = doctest.ELLIPSIS
NAMED = re.compile(r"(?:/\*|#|//) ([\w./-]+\.\w+)(?: \*/)?\n")
FILES = "c", "cmake", "cython", "toml", "yaml"


class Shell:
    """The folder of a page and the environment of its commands, which last from one block to the next."""

    def __init__(self, page, folder):
        self.folder = self.here = Path(folder)
        (self.folder / "libpybuffer").symlink_to(ROOT)
        # Readers of start/ begin with a python that has nothing installed.
        binaries = Path(sys.base_prefix if page.parent.name == "start" else sys.prefix) / "bin"
        kept = ("LANG", "LC_ALL", "TMPDIR", "CARGO_HOME", "RUSTUP_HOME", "PIP_INDEX_URL", "PIP_CACHE_DIR")
        self.environment = {name: os.environ[name] for name in kept if name in os.environ} | {
            "HOME": str(self.folder), "PATH": f"{binaries}:{os.environ['PATH']}", "PIP_QUIET": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_ROOT_USER_ACTION": "ignore", "PYTHONUTF8": "1",
            "PIP_FIND_LINKS": os.environ["MANUAL_WHEELS"], "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache")), "COLUMNS": "84",
        }
        # Where pip's own settings and Rust are: they are found by HOME, too.
        for name, place in ("PIP_CONFIG_FILE", ".config/pip/pip.conf"), ("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup"):
            if (Path.home() / place).exists():
                self.environment.setdefault(name, str(Path.home() / place))

    def run(self, command):
        """What the command prints, on both of its streams."""
        after = self.folder / ".environment"
        script = f"set -a\n{command}\nstatus=$?; {{ pwd; env -0; }} >{after}; exit $status"
        ran = subprocess.run(["bash", "-c", script], cwd=self.here, env=self.environment, text=True, timeout=600,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        if after.exists():
            here, _, variables = after.read_text().partition("\n")
            self.here = Path(here)
            self.environment = dict(entry.split("=", 1) for entry in variables.split("\0") if "=" in entry)
        return ran.stdout


def shell_of(example):
    if "shell" not in example.namespace:
        folder = example.namespace["folder"] = tempfile.TemporaryDirectory(prefix="manual-")
        example.namespace["shell"] = Shell(Path(example.path), folder.name)
    return example.namespace["shell"]


def session(example):
    """Runs the commands of a block; returns the differences. With PYBUFFER_BLESS=1 the page is given what they print."""
    shell, told, wrong = shell_of(example), example.parsed, ""
    for command, expected in re.findall(r"^\$ (.*(?:\n> .*)*)\n?((?:(?!\$ ).*\n?)*)", told, re.MULTILINE):
        printed = shell.run(command.replace("\n> ", "\n")).replace(str(shell.folder), "~").strip("\n")
        printed = "\n".join(line.rstrip() for line in printed.split("\n"))
        if not doctest.OutputChecker().check_output(expected.strip() + "\n", printed + "\n", MATCHES):
            wrong += f"$ {command}\n--- the page says:\n{expected}\n--- it prints:\n{printed}\n"
            told = told.replace(f"$ {command}\n{expected}", f"$ {command}\n{printed}\n")
    if wrong and os.environ.get("PYBUFFER_BLESS") == "1":
        page = Path(example.path)
        page.write_text(page.read_text().replace(f"```console\n{example.parsed}", f"```console\n{told}", 1))
        wrong += "The page is changed: read the difference.\n"
    return wrong or None


def file(example):
    """Writes the file that the block is; a block without a name is only shown."""
    if name := NAMED.match(example.parsed):
        path = shell_of(example).here / name[1]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(example.parsed)


def python(document):
    """Doctests, and files in Python."""
    for block in CodeBlockParser("python", file)(document):
        if ">>> " not in block.parsed:
            yield block
            continue
        start = document.text.index(block.parsed.split("\n", 1)[0], block.start)
        for test in DocTestStringParser(DocTestEvaluator(MATCHES))(document.text[start:start + len(block.parsed)], document.path):
            test.start += start
            test.end += start
            yield test


def setup(namespace):
    sys.path.insert(0, str(DOCS / "protocol"))  # rows.py, which its pages show


def teardown(namespace):
    if "folder" in namespace:
        namespace["folder"].cleanup()


pytest_collect_file = Sybil(
    parsers=[python, CodeBlockParser("console", session)] + [CodeBlockParser(name, file) for name in FILES],
    patterns=["*.md"],
    excludes=["building.md", "performance/*"],
    setup=setup,
    teardown=teardown,
).pytest()

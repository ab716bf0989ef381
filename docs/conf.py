"""The manual, for Sphinx: `make docs` and `make man`. index.md is its first page."""

import os
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(Path(__file__).resolve().parent / "_ext"))


def manifest(key):
    """What Cargo.toml says."""
    return re.search(f'^{key} *= *"([^"]+)"', (ROOT / "Cargo.toml").read_text("utf-8"), re.MULTILINE).group(1)


def count(pattern, *globs):
    """How often it is in the sources: figures that the pages give."""
    files = [file for glob in globs for file in ROOT.glob(glob)]
    return str(sum(len(set(re.findall(pattern, file.read_text("utf-8"), re.MULTILINE))) for file in files))


project = "libpybuffer"
author = "the libpybuffer developers"
copyright = author
version = release = manifest("version")
language = "en"
# The date of man pages: the release's, so that the same sources always give the same pages.
today = re.search(r"^## \S+ — (.+)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE).group(1)

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "hawkmoth",
    "sphinx_copybutton",
    "c_names",
    "cases",
    "docstrings",
    "header",
    "man_names",
    "outside",
    "pictures",
    "short_code",
]
exclude_patterns = ["_ext", "requirements.txt", "findings.txt", "conftest.py"]
highlight_language = "none"
show_warning_types = True
smartquotes = False

myst_enable_extensions = ["deflist", "substitution"]
myst_substitutions = {
    "n_rust_tests": count(r"#\[test\][^{]*?fn (\w+)", "src/**/*.rs", "tests/**/*.rs", "run/**/*.rs"),
    "n_c_tests": count(r"\bTEST\(([a-z]\w+)\)", "csrc/suite/*.c"),
    "n_python_tests": count(r"^def (test_\w+)", "python/tests/*.py"),
    "n_faults": count(r"^    \(\"([^\"]+)\"", "tests/differential/faults.rs"),
    "n_rules": count(r"^\| (\d+) \|", "docs/rules.md"),
    "n_symbols": count(r"^(\w+) += \{ kind", "abi/symbols.toml"),
}
myst_heading_anchors = 3

hawkmoth_root = str(ROOT / "include")
hawkmoth_clang = ["-std=c11"]
# The C headers are those of the compiler that links the library.
hawkmoth_autoconf = ["stdinc"]
hawkmoth_compiler = os.environ.get("CC") or "cc"

autodoc_member_order = "bysource"

html_theme = "furo"
html_title = f"libpybuffer {release}"
html_static_path = ["_static"]
html_css_files = ["manual.css"]
html_copy_source = False
html_show_sphinx = False

copybutton_prompt_text = r"\$ |>>> |\.\.\. "
copybutton_prompt_is_regexp = True

man_make_section_directory = True
man_show_urls = False
man_pages = [
    ("reference/libpybuffer", "libpybuffer", "CPython's buffer protocol as a C library", author, 3),
    ("reference/requests", "libpybuffer-requests", "request, fill and release views", author, 3),
    ("reference/layout", "libpybuffer-layout", "where the items of a view lie", author, 3),
    ("reference/copies", "libpybuffer-copies", "copy the items of views", author, 3),
    ("reference/formats", "libpybuffer-formats", "parse and compare format strings", author, 3),
    ("reference/memoryviews", "libpybuffer-memoryviews", "make memoryviews", author, 3),
    ("reference/checker", "libpybuffer-checker", "judge exporters by the rules of the protocol", author, 3),
    ("reference/audit", "libpybuffer-audit", "who holds the views of an object", author, 3),
    ("reference/dlpack", "libpybuffer-dlpack", "exchange tensors of DLPack", author, 3),
    ("reference/library", "libpybuffer-library", "version, runtime and CPU level of the library", author, 3),
    ("reference/objects", "libpybuffer-objects", "objects and errors without Python", author, 3),
    ("reference/legacy", "libpybuffer-legacy", "the deprecated buffer functions", author, 3),
    ("pybuffer-run", "pybuffer-run", "run a program with libpybuffer's functions", author, 1),
]

linkcheck_anchors = False

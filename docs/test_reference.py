"""The reference: each function is described, and each C program prints what stands in the file beside it."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parent / "reference/examples"


def flags(*options):
    return shlex.split(subprocess.check_output([sys.executable, "-m", "libpybuffer", *options], text=True))


@pytest.mark.parametrize("source", sorted(EXAMPLES.glob("*.c")), ids=lambda source: source.stem)
def test_program_prints_what_the_page_says(source, tmp_path):
    program = tmp_path / source.stem
    subprocess.run(["cc", "-std=c11", "-Wall", "-Wextra", "-Werror", source, "-o", program,
                    *flags("--cflags"), *flags("--libs")], check=True)
    printed = subprocess.check_output([program], text=True)
    assert printed == source.with_suffix(".out").read_text()


def test_reference_describes_every_function_once():
    """All names of the library but the twins, which functions.md lists."""
    manifest = (EXAMPLES.parents[2] / "abi/symbols.toml").read_text("utf-8")
    exported = re.findall(r"^(\w+) += \{ kind = \"(?!twin)", manifest, re.MULTILINE)
    pages = "".join(page.read_text("utf-8") for page in EXAMPLES.parent.glob("*.rst"))
    described = re.findall(r"^\.\. c:autofunction:: (\w+)$", pages, re.MULTILINE)
    assert sorted(described) == sorted(exported)


def test_every_program_is_shown_with_its_output():
    pages = "".join(page.read_text("utf-8") for page in EXAMPLES.parent.glob("*.rst"))
    for file in EXAMPLES.iterdir():
        assert f"examples/{file.name}\n" in pages


@pytest.mark.parametrize("page", ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"])
def test_links_of_the_root_lead_somewhere(page):
    """Sphinx checks those between the pages."""
    root = EXAMPLES.parents[2]
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", (root / page).read_text("utf-8")):
        assert (root / target).exists(), target

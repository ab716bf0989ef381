"""The C programs of the reference pages: each prints what stands in the file beside it."""

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

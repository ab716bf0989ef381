"""Runs test programs of cargo, one after another, and shows in a table what became of them."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run(name, title, arguments, env, logs):
    """Runs tests: what stands in the table, and what there is to say of it."""
    # A test that one kind of python or machine cannot have is told in the table; it is no failure.
    env = {name: value for name, value in env.items() if name not in ("CI", "MAKEFLAGS", "MAKELEVEL")}
    command = [os.environ.get("CARGO", "cargo"), "test", "--quiet", *arguments]
    begin = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace")
    log = logs / f"{name}-{title}.log"
    log.parent.mkdir(exist_ok=True, parents=True)
    log.write_text(done.stdout)
    counts = re.findall(r"(\d+) passed; (\d+) failed", done.stdout)
    passed = sum(int(passed) for passed, _ in counts)
    skipped = [f"{name}, {title}: {line}" for line in done.stdout.splitlines() if line.startswith("SKIPPED ")]
    took = time.monotonic() - begin
    if done.returncode or not passed:
        cell, said = "FAILED", [f"{name}, {title}: FAILED, see {log.relative_to(ROOT)}"]
    else:
        cell, said = f"{passed - len(skipped)} passed", []
    print(f"{name:22} {title:13} {cell:10} {took:5.0f} s", flush=True)
    return cell, said + skipped


def refuse_stale(program, filters):
    """Ends with a message if one of the words that choose tests of a program is in no test's name any more: whatever it
    chose would be left out without a word."""
    sources = [ROOT / f"tests/{program}.rs", *(ROOT / f"tests/{program}").glob("*.rs")]
    names = re.findall(r"\bfn (\w+)\(\)", "".join(source.read_text() for source in sources))
    stale = [word for word in filters if not word.startswith("--") and not any(word in name for name in names)]
    if stale:
        sys.exit(f"tests/{program}.rs has no test {' '.join(stale)} any more: name it anew where it is chosen, in tools/")


def table(rows):
    """Prints rows of cells, the first of which is the heading."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    print()
    for line in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())
    print()

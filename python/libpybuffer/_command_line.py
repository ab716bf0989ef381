"""Command lines of python."""

import os
import re
import shutil

_PYTHON = re.compile(r"python([0-9](\.[0-9]+)?)?[td]*$")
#: Options that have a value, in the same word or the next.
_WITH_VALUE = "WX"


class NoPython(Exception):
    """The command runs no Python program; the text says why."""


def through(runner, arguments):
    """The arguments of pybuffer-run with --audit=holders, so that `runner` runs the Python program."""
    options, command = _split(arguments)
    options = ["--audit" if option == "--audit=holders" else option for option in options]
    if not command:
        return options
    python = _python(command)
    at = _end_of_options(python)
    return options + ["--"] + python[:at] + [runner] + python[at:]


def asks_for_holders(arguments):
    return "--audit=holders" in _split(arguments)[0]


def _split(arguments):
    """Options of pybuffer-run, and the command."""
    for i, argument in enumerate(arguments):
        if argument == "--":
            return arguments[:i], arguments[i + 1:]
        if not argument.startswith("-"):
            return arguments[:i], arguments[i:]
    return arguments, []


def _python(command):
    """The command as one of python: itself, or what its first line `#!` says."""
    program = shutil.which(command[0]) or command[0]
    if _PYTHON.match(os.path.basename(program)):
        return list(command)
    try:
        with open(program, "rb") as file:
            line = file.readline(1000).decode("utf-8", "replace")
    except OSError:
        line = ""
    words = line[2:].split() if line.startswith("#!") else []
    if words and os.path.basename(words[0]) == "env":
        words = [word for word in words[1:] if word != "-S"]
    if not words or not _PYTHON.match(os.path.basename(words[0])):
        raise NoPython("--audit=holders runs Python programs: python [options] FILE, -m MODULE or -c CODE, not {}"
                       .format(command[0]))
    return words + [program] + list(command[1:])


def _end_of_options(python):
    """Where in a command of python that begins which tells the program."""
    i = 1
    while i < len(python):
        word = python[i]
        if word == "-" or not word.startswith("-"):
            return i
        if word.startswith("--"):
            i += 2 if word == "--check-hash-based-pycs" else 1
            continue
        at = next((k for k, letter in enumerate(word) if k and letter in "cm" + _WITH_VALUE), None)
        if at is not None and word[at] in "cm":
            # A word of its own, and the value too.
            before, value = word[:at], word[at + 1:]
            python[i:i + 1] = [before] * (at > 1) + ["-" + word[at]] + [value] * bool(value)
            return i + (at > 1)
        i += 2 if at is not None and at == len(word) - 1 else 1
    raise NoPython("--audit=holders: the command has no FILE, -m MODULE or -c CODE to run")

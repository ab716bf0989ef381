"""python -m libpybuffer: checks and draws exporters, takes formats apart, runs programs under libpybuffer, and
prints what builds need."""

import argparse
import contextlib
import importlib
import os
import platform
import shlex
import signal
import sys

import libpybuffer
from libpybuffer import _command_line, _files, _libpybuffer

PRINTED = {
    "cflags": ("flags for the compiler", lambda: _files.flags("pybuffer", "Cflags")),
    "libs": ("flags for the linker: the shared library, found where it is now",
             lambda: "{} -Xlinker -rpath -Xlinker {}".format(_files.flags("pybuffer", "Libs"),
                                                             shlex.quote(_files.get_library_dir()))),
    "static-libs": ("flags for the linker: the archive, hidden in what links it",
                    lambda: _files.flags("pybuffer-static", "Libs")),
    "cmakedir": ("the folder of the CMake package", _files.get_cmake_dir),
    "pkgconfigdir": ("the folder of the .pc files", _files.get_pkgconfig_dir),
    "preload": ("the shared library, for LD_PRELOAD", _files.shared_library),
}

DESCRIPTION = """\
Checks and draws exporters of Python's buffer protocol, takes formats apart, runs
programs under libpybuffer, and prints what builds need."""

EXAMPLES = """\
examples:
  python -m libpybuffer check 'array:array("i", [1, 2])'
  python -m libpybuffer layout 'numpy:zeros((2, 3)).T' --svg picture.svg
  python -m libpybuffer run python3 program.py
  cc program.c $(python -m libpybuffer --cflags --libs)
"""


class Mistake(Exception):
    """What the user asked for cannot be done; its text says why."""


def evaluate(argument):
    """The object of MODULE:EXPRESSION; the expression sees the module and its names."""
    name, colon, expression = argument.partition(":")
    if not colon or not expression:
        raise Mistake("{}: this is not MODULE:EXPRESSION, as in 'array:array(\"i\", [1, 2])'".format(argument))
    # As with `python -m`, modules of the current folder are found.
    try:
        module = importlib.import_module(name)
        return eval(expression, {name.partition(".")[0]: sys.modules[name.partition(".")[0]], **vars(module)})
    except (Exception, SystemExit) as error:  # a module that exits has not been checked
        raise Mistake("{}: {}: {}".format(argument, type(error).__name__, error)) from error


@contextlib.contextmanager
def told_with(argument):
    """What an exporter raises is a mistake, told with the argument that made it."""
    try:
        yield
    except Exception as error:
        raise Mistake("{}: {}: {}".format(argument, type(error).__name__, error)) from error


def check(options):
    reports = []
    for argument in options.object:
        exporter = evaluate(argument)
        with told_with(argument):
            reports.append((argument, libpybuffer.check(exporter)))
    for argument, report in reports:
        print("{}\n{}\n".format(argument, report))
    return 0 if all(report for _, report in reports) else 1


def layout(options):
    if options.brief and options.svg is None:
        raise Mistake("layout: --brief is for images: add --svg FILE")
    exporter = evaluate(options.object)
    with told_with(options.object):
        drawn = libpybuffer.layout(exporter)
    if options.svg is None:
        print(drawn)
        return 0
    try:
        with open(options.svg, "w", encoding="utf-8") as file:
            file.write(drawn.svg(brief=options.brief))
    except OSError as error:
        raise Mistake("{}: {}".format(options.svg, error.strerror)) from error
    return 0


def format_(options):
    try:
        print(libpybuffer.parse(options.text))
    except ValueError as error:
        raise Mistake(str(error)) from error
    return 0


def doctor(options):
    print("The package")
    for name, value in [
            ("libpybuffer", "{}, {}".format(libpybuffer.__version__, os.path.dirname(libpybuffer.__file__))),
            ("python", "{} {}, {}".format(platform.python_implementation(), platform.python_version(), sys.executable)),
            ("works on", "objects of " + _libpybuffer.runtime),
            ("CPU level", _libpybuffer.cpu_level),
            ("header", _files.get_include()),
            ("libraries", _files.get_library_dir())]:
        print("{:<12} {}".format(name, value))
    print("\nWhat pybuffer-run does to this python: whether buffer calls of extensions, and its own, reach libpybuffer")
    return become("--doctor", sys.executable)


def become(*arguments):
    """Becomes the wheel's pybuffer-run, which knows all of the options but --audit=holders."""
    sys.stdout.flush()
    command = _files.command()
    if _command_line.asks_for_holders(arguments):
        runner = os.path.join(os.path.dirname(_files.__file__), "_run_holders.py")
        try:
            arguments = _command_line.through(runner, arguments)
        except _command_line.NoPython as why:
            raise Mistake(str(why)) from why
    try:
        os.execv(command, [command, *arguments])
    except OSError as error:
        raise Mistake("{}: {}".format(command, error.strerror)) from error


def run():
    """The command pybuffer-run on PATH."""
    try:
        return become(*sys.argv[1:])
    except Mistake as mistake:
        print("pybuffer-run: {}".format(mistake), file=sys.stderr)
        return 2


def parser():
    """The arguments."""
    top = argparse.ArgumentParser(prog="python -m libpybuffer", description=DESCRIPTION, epilog=EXAMPLES,
                                  formatter_class=argparse.RawDescriptionHelpFormatter)
    top.add_argument("--version", action="version", version=libpybuffer.__version__)
    commands = top.add_subparsers(title="commands, each with a --help", dest="command", metavar="COMMAND")
    builds = top.add_argument_group("for builds; each prints")
    for name, (text, _) in PRINTED.items():
        builds.add_argument("--" + name, dest="printed", action="append_const", const=name, help=text)

    def command(name, function, text):
        made = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        made.set_defaults(function=function)
        return made

    checked = command("check", check, "what is wrong with exporters; exits with 1 if one breaks a MUST")
    checked.add_argument("object", nargs="+", metavar="MODULE:EXPR", help="as in 'numpy:zeros((2, 3))[:, 1]'")
    drawn = command("layout", layout, "a picture of where the items of an exporter lie")
    drawn.add_argument("object", metavar="MODULE:EXPR", help="as in 'numpy:zeros((2, 3)).T'")
    drawn.add_argument("--svg", metavar="FILE", help="write an SVG image instead")
    drawn.add_argument("--brief", action="store_true", help="with --svg: the offsets and the memory, without explanations")
    taken = command("format", format_, "the fields of a format, with their offsets")
    taken.add_argument("text", metavar="TEXT", help="as in 'T{<i:id:(2,3)<d:matrix:}'")
    command("doctor", doctor, "which libpybuffer and which python these are, and whether a preload reaches it")
    # What follows is pybuffer-run's own: main() passes it on unread.
    command("run", None, "run a program so that libpybuffer answers its buffer calls: as pybuffer-run, see run --help; "
            "--audit=holders also tells who holds the object of a BufferError")
    return top


def main(arguments):
    """Runs the command; the status to exit with."""
    try:
        if arguments[:1] == ["run"]:
            return become(*arguments[1:])
        top = parser()
        options = top.parse_args(arguments)
        if options.command is not None:
            return options.function(options)
        if options.printed is None:
            top.print_help()
            return 2
        print(" ".join(PRINTED[name][1]() for name in options.printed))
        return 0
    except Mistake as mistake:
        print("libpybuffer: {}".format(mistake), file=sys.stderr)
        return 2


def start():
    """Runs the command of sys.argv; the status to exit with."""
    for stream in sys.stdout, sys.stderr:
        if stream is not None:
            stream.reconfigure(errors="backslashreplace")  # any text can be written, whatever the encoding
    try:
        try:
            return main(sys.argv[1:])
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except KeyboardInterrupt:
        # Whoever waits for the command is told what ended it.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
        return 128 + signal.SIGINT
    except OSError as error:
        # Nobody reads on (`| head -1`), or the disk is full: nothing more is written, by the interpreter's exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return 128 + signal.SIGPIPE
        print("libpybuffer: {}: {}".format(error.filename or "standard output", error.strerror), file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(start())

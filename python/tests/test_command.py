"""python -m libpybuffer, and pybuffer-run on PATH."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import sysconfig

import pytest

import libpybuffer
from exporters import has_numpy


def run(*arguments, **options):
    return subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, **options)


def command(*arguments, **options):
    return run(sys.executable, "-m", "libpybuffer", *arguments, **options)


def test_check_exits_with_1_if_a_must_is_broken():
    sound = command("check", "array:array('i', [1, 2])", "builtins:bytes(3)")
    assert (sound.returncode, sound.stderr) == (0, "")
    assert sound.stdout.count("rules broken: 0 MUST") == 2
    released = command("check", "builtins:[view := memoryview(b''), view.release()][0]")
    assert released.returncode == 1
    assert "memoryview: no request is met: ValueError: operation forbidden on released" in released.stdout
    broken = command("check", "builtins:bytes(3)", "ctypes:(c_int * 3)()")
    assert broken.returncode == 1
    assert "MUST 14 strides: PyBUF_FULL_RO: strides: found NULL" in broken.stdout


def test_modules_of_the_current_folder_and_below_packages_are_found(tmp_path):
    (tmp_path / "mine.py").write_text("data = b'abc'\n")
    assert command("check", "mine:data", "os.path:os.path.sep.encode()", cwd=str(tmp_path)).returncode == 0


@pytest.mark.parametrize("arguments, text", [
    (["check", "nothing"], "nothing: this is not MODULE:EXPRESSION"),
    (["check", "nosuch:x"], "nosuch:x: ModuleNotFoundError: No module named 'nosuch'"),
    (["check", "array:nosuch"], "array:nosuch: NameError"),
    (["check", "builtins:1 +"], "builtins:1 +: SyntaxError"),
    (["check", "builtins:1"], "builtins:1: TypeError: a bytes-like object is required, not 'int'"),
    (["check", "sys:exit(0)"], "sys:exit(0): SystemExit: 0"),
    (["layout", "--brief", "builtins:b''"], "layout: --brief is for images: add --svg FILE"),
    (["layout", "builtins:1"], "builtins:1: TypeError: memoryview: a bytes-like object is required, not 'int'"),
    (["layout", "builtins:[view := memoryview(b''), view.release()][0]"],
     "builtins:[view := memoryview(b''), view.release()][0]: ValueError: operation forbidden on released"),
    (["format", "i]j"], "position 1 of the format: this is not a format code\n    i]j\n     ^\n"),
])
def test_mistakes_are_a_line_and_2(arguments, text):
    told = command(*arguments)
    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr.startswith("libpybuffer: " + text), told.stderr


def test_no_arguments_show_the_help():
    told = command()
    assert told.returncode == 2 and "--static-libs" in told.stdout and "doctor" in told.stdout
    assert command("--version").stdout.strip() == libpybuffer.__version__


def test_format_is_a_table():
    assert command("format", "<hd").stdout == str(libpybuffer.parse("<hd")) + "\n"


def test_layout_is_drawn_and_written(tmp_path):
    expression = "builtins:memoryview(bytes(6)).cast('B', (2, 3))"
    drawn = command("layout", expression)
    assert drawn.returncode == 0 and "= i*3 + j*1" in drawn.stdout, drawn
    file = tmp_path / "picture.svg"
    assert command("layout", expression, "--svg", str(file)).stdout == ""
    assert file.read_text(encoding="utf-8").startswith(("<svg", "<?xml"))
    missing = command("layout", expression, "--svg", str(tmp_path / "no" / "folder.svg"))
    assert missing.returncode == 2 and missing.stderr.startswith("libpybuffer: ") and "folder.svg" in missing.stderr


def test_flags_for_builds():
    library_dir = libpybuffer.get_library_dir()
    assert command("--cflags").stdout.split() == ["-I" + libpybuffer.get_include()]
    assert command("--libs").stdout.split() == [
        "-L" + library_dir, "-lpybuffer", "-Xlinker", "-rpath", "-Xlinker", library_dir]
    assert command("--static-libs").stdout.split() == ["-L" + library_dir, "-lpybuffer-static"]
    assert command("--pkgconfigdir").stdout.strip() == libpybuffer.get_pkgconfig_dir()
    assert command("--cmakedir").stdout.strip() == libpybuffer.get_cmake_dir()
    assert os.path.isfile(command("--preload").stdout.strip())
    assert command("--cflags", "--libs").stdout.count(library_dir) == 2


def test_flags_are_words_for_a_shell_wherever_the_package_is(tmp_path):
    folder = tmp_path / "a b'c $d,e"
    shutil.copytree(os.path.dirname(libpybuffer.__file__), str(folder / "libpybuffer"))
    # The current folder comes before PYTHONPATH, in which a python for another machine has its packages.
    told = command("--cflags", "--libs", "--static-libs", cwd=str(folder))
    library_dir = str(folder / "libpybuffer" / "lib")
    assert shlex.split(told.stdout) == ["-I" + str(folder / "libpybuffer" / "include"), "-L" + library_dir, "-lpybuffer",
                                        "-Xlinker", "-rpath", "-Xlinker", library_dir, "-L" + library_dir, "-lpybuffer-static"]


@pytest.mark.parametrize("arguments", [["layout", "builtins:b'abc'"], ["check", "builtins:b''"], ["--help"], ["doctor"]],
                         ids=lambda arguments: arguments[0])
def test_output_that_nobody_reads_or_that_cannot_be_written(arguments):
    reader, writer = os.pipe()
    os.close(reader)
    start = [sys.executable, "-m", "libpybuffer", *arguments]
    # (Unbuffered, argparse itself would leave out what it cannot write.)
    options = dict(stderr=subprocess.PIPE, env=dict(os.environ, PYTHONUNBUFFERED=""))
    with os.fdopen(writer, "wb") as pipe, open("/dev/full", "wb") as full:
        told = subprocess.run(start, stdout=pipe, **options)
        assert (told.returncode, told.stderr) == (141, b"")
        told = subprocess.run(start, stdout=full, **options)
        assert (told.returncode, told.stderr) == (2, b"libpybuffer: standard output: No space left on device\n")


def test_ctrl_c_ends_it_quietly():
    # (Where the tests run in a shell's background, they and what they start ignore the signal.)
    told = command("check", "os:kill(getpid(), 2)", preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    assert (told.returncode, told.stdout, told.stderr) == (-signal.SIGINT, "", "")


def test_any_text_is_written_in_any_encoding():
    environment = dict(os.environ, PYTHONIOENCODING="ascii")
    told = command("format", "T{i:\N{GREEK SMALL LETTER BETA}:}", env=environment)
    assert told.returncode == 0 and "\\u03b2" in told.stdout, told
    told = command("check", "builtins:'\N{GREEK SMALL LETTER BETA}'", env=environment)
    assert told.returncode == 2 and told.stderr.startswith("libpybuffer: builtins:'\\u03b2': TypeError"), told


def test_preload_names_a_library_that_loads():
    library = command("--preload").stdout.strip()
    told = run(sys.executable, "-c", "print(open('/proc/self/maps').read())", env=dict(os.environ, LD_PRELOAD=library))
    assert told.returncode == 0 and library in told.stdout, told.stderr


@pytest.mark.parametrize("arguments", [["-m", "libpybuffer", "run"], None], ids=["module", "script"])
def test_run_becomes_the_program(arguments):
    if arguments is None:
        script = os.path.join(sysconfig.get_path("scripts"), "pybuffer-run")
        # Installed by --target, scripts are in a folder of their own.
        beside = os.path.join(os.path.dirname(os.path.dirname(libpybuffer.__file__)), "bin", "pybuffer-run")
        start = [script if os.path.exists(script) else beside]
    else:
        start = [sys.executable] + arguments
    environment = {name: value for name, value in os.environ.items() if name not in ("LD_PRELOAD", "LD_AUDIT")}
    assert run(*start, "--version", env=environment).stdout == "pybuffer-run {}\n".format(libpybuffer.__version__)
    if not arguments:
        assert run(*start, "--help", env=environment).stdout.startswith("Runs a program")
    told = run(*start, "-q", "sh", "-c", "echo $LD_PRELOAD; exit 7", env=environment)
    assert told.returncode == 7, told.stderr
    assert os.path.dirname(told.stdout.strip()) == libpybuffer.get_library_dir()
    nothing = run(*start, env=environment)
    assert nothing.returncode == 2 and "no program was given" in nothing.stderr
    missing = run(*start, "no-such-program", env=environment)
    assert missing.returncode == 127 and "no-such-program" in missing.stderr


def test_doctor_tells_what_there_is():
    told = command("doctor")
    facts = dict(line.split(None, 1) for line in told.stdout.split("\n\n")[0].splitlines()[1:])
    assert facts["libpybuffer"] == "{}, {}".format(libpybuffer.__version__, os.path.dirname(libpybuffer.__file__))
    assert facts["python"] == "CPython {}, {}".format(sys.version.split()[0], sys.executable)
    assert facts["libraries"] == libpybuffer.get_library_dir()
    # What follows is pybuffer-run's own: where it does not reach this python it says why.
    assert told.returncode == 0 or told.stderr, told


FAILING = """
import array, sys, threading

class Buffer:
    def __init__(self):
        self.data = bytearray(8)

    def grow(self):
        self.data.append(1)

def main():
    buffer = Buffer()
    view = memoryview(buffer.data)
    if "thread" in sys.argv:
        worker = threading.Thread(target=buffer.grow)
        worker.start()
        worker.join()
    elif "hook" in sys.argv:
        sys.excepthook = lambda *error: print("the program's own hook", file=sys.stderr)
    if "other" in sys.argv:
        raise ValueError("other")
    if "words" in sys.argv:
        numbers = array.array("i", [1, 2])
        kept = memoryview(numbers)
        view.release()
        raise BufferError("Existing exports of data: in the words of a bytearray")
    if "caused" in sys.argv:
        try:
            buffer.grow()
        except BufferError as error:
            raise RuntimeError("cannot grow") from error
    print(__name__, sys.argv, sys.path[0], getattr(sys.modules["__main__"], "main", None) is main)
    buffer.grow()

if __name__ == "__main__":
    main()
"""


def holders_of(tmp_path, *command):
    (tmp_path / "failing.py").write_text(FAILING)
    told = command_("--audit=holders", *command, cwd=str(tmp_path))
    if told.returncode == 2:
        pytest.skip(told.stderr)
    assert told.returncode == 1, told
    return told


def command_(*arguments, **options):
    names = ("LD_PRELOAD", "LD_AUDIT", "PYBUFFER_AUDIT", "PYBUFFER_AUDIT_LOG")
    environment = {name: value for name, value in os.environ.items() if name not in names}
    return command("run", "--quiet", *arguments, env=environment, **options)


@pytest.mark.parametrize("arguments", [["failing.py"], ["-X", "dev", "failing.py"], ["-m", "failing"], ["-bm", "failing"],
                                       ["-W", "error", "-cimport failing; failing.main()"]], ids=str)
def test_run_tells_who_holds_the_object_of_a_buffer_error(tmp_path, arguments):
    python = [sys.executable] + arguments + ["an argument"]
    told, plain = holders_of(tmp_path, *python), run(*python, cwd=str(tmp_path))
    assert told.stdout == plain.stdout and "'an argument']" in told.stdout
    traceback, _, holders = told.stderr.partition("libpybuffer: ")
    # (Of -c, CPython 3.13 shows the code, too.)
    assert plain.stderr[plain.stderr.rindex("  File", 0, plain.stderr.index("failing.py")):] in traceback, told.stderr
    assert holders.startswith("bytearray self.data is held by\nlibpybuffer:     memoryview in variable 'view' of main at ")
    assert "failing.py:13, which has ended, but is kept" in holders


def test_run_tells_it_of_threads_hooks_and_causes(tmp_path):
    of_thread = holders_of(tmp_path, sys.executable, "failing.py", "thread").stderr
    assert of_thread.count("libpybuffer: bytearray self.data is held by") == 2
    of_hook = holders_of(tmp_path, sys.executable, "failing.py", "hook").stderr
    assert "the program's own hook\nlibpybuffer: bytearray self.data is held by" in of_hook and "Traceback" not in of_hook
    caused = holders_of(tmp_path, sys.executable, "failing.py", "caused").stderr
    assert "RuntimeError: cannot grow\nlibpybuffer: bytearray self.data is held by" in caused
    assert "is held by" not in holders_of(tmp_path, sys.executable, "failing.py", "other").stderr
    words = holders_of(tmp_path, sys.executable, "failing.py", "words").stderr
    assert "libpybuffer: array.array numbers is held by\nlibpybuffer:     memoryview in variable 'kept' of main" in words


ODD = {
    # What is done with an error about exports, and what standard error says then.
    "group": ("raise ExceptionGroup('several', [ValueError(1), ExceptionGroup('inner', [error])])", "is held by"),
    "hook": ("sys.excepthook = lambda *error: 1 / 0\n    raise", "is held by"),
    "ascii": ("sys.stderr = io.TextIOWrapper(sys.stderr.buffer, 'ascii', 'strict')\n"
              "    Odd.\u00e9 = view\n    del view\n    raise", "\\xe9"),
    "closed": ("sys.stderr.close()\n    raise", ""),
    "text": ("raise Odd", "Odd: <exception str() failed>"),
    "syntax": ("!", "SyntaxError"),
}


@pytest.mark.parametrize("name", sorted(ODD))
def test_run_with_holders_of_odd_exceptions(tmp_path, name):
    if name == "group" and sys.version_info < (3, 11):
        pytest.skip("no groups of exceptions here")
    code, text = ODD[name]
    (tmp_path / "failing.py").write_text(
        "import io, sys\nclass Odd(BufferError):\n    def __str__(self): raise ValueError\ndata = bytearray(8)\n"
        "view = memoryview(data)\ntry:\n    data.append(1)\nexcept BufferError as error:\n    " + code, encoding="utf-8")
    told = command_("--audit=holders", sys.executable, "failing.py", cwd=str(tmp_path))
    if told.returncode == 2:
        pytest.skip(told.stderr)
    assert told.returncode == 1 and text in told.stderr, told
    if name in ("group", "ascii"):
        lines = told.stderr.splitlines()
        at = lines.index("libpybuffer: bytearray data is held by")
        assert lines[at + 1].startswith("libpybuffer:     memoryview in "), told.stderr
    if name != "hook":  # whose traceback has the frame that called it
        assert "_failed.py" not in told.stderr and "_run_holders.py" not in told.stderr, told.stderr


def test_run_with_holders_follows_scripts_and_refuses_other_programs(tmp_path):
    script = tmp_path / "script"
    script.write_text("#!{}\n{}".format(sys.executable, FAILING))
    script.chmod(0o755)
    assert "bytearray self.data is held by" in holders_of(tmp_path, str(script)).stderr
    refused = command_("--audit=holders", "sh", "-c", "true")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith("libpybuffer: --audit=holders runs Python programs: python [options] FILE")
    nothing = command_("--audit=holders", sys.executable, "-v")
    assert nothing.returncode == 2 and "no FILE, -m MODULE or -c CODE" in nothing.stderr

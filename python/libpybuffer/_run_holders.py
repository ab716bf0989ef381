"""Runs a Python program as python itself does, with hooks that tell who holds the object of a BufferError.

    python [options] _run_holders.py FILE|-m MODULE|-c CODE|- [argument ...]

`python -m libpybuffer run --audit=holders` makes such a command. This is a file of its own, that the python need not have
the package where it looks for modules.
"""

import os
import sys


def load_hooks(here):
    """The module _failed, wherever the package is. What it imports is the standard library's."""
    parent = os.path.dirname(here)
    sys.path.append(parent)
    try:
        import libpybuffer._failed
    finally:
        sys.path.remove(parent)
    return libpybuffer._failed


def trim(traceback):
    """The traceback without what is of this file; None if there is nothing else, as of a program that cannot be compiled."""
    here = trim.__code__.co_filename  # (Where there is no GIL, CPython 3.13 has taken __file__ away by then.)
    while traceback is not None and traceback.tb_frame.f_code.co_filename == here:
        traceback = traceback.tb_next
    return traceback


def new_main(**names):
    """The module __main__, without what is of this file."""
    import types
    main = types.ModuleType("__main__")
    vars(main).update(names, __builtins__=__builtins__)
    sys.modules["__main__"] = main
    return vars(main)


def run(arguments, is_safe):
    """Runs what the arguments of python tell."""
    import runpy
    what = arguments[0]
    if what == "-m":
        sys.argv = arguments[1:]
        sys.path[:0] = [] if is_safe else [os.getcwd()]
        new_main()
        runpy._run_module_as_main(arguments[1])
    elif what == "-c":
        sys.argv = ["-c"] + arguments[2:]
        sys.path[:0] = [] if is_safe else [""]
        exec(compile(arguments[1], "<string>", "exec"), new_main())
    elif what == "-":
        sys.argv = arguments
        sys.path[:0] = [] if is_safe else [""]
        exec(compile(sys.stdin.read(), "<stdin>", "exec"), new_main())
    elif os.path.isfile(what) and not what.endswith((".zip", ".pyz", ".pyc")):
        sys.argv = arguments
        sys.path[:0] = [] if is_safe else [os.path.dirname(os.path.realpath(what))]
        from importlib.machinery import SourceFileLoader
        path = os.path.abspath(what) if sys.version_info >= (3, 9) else what
        with open(path, "rb") as source:
            code = compile(source.read(), path, "exec")
        exec(code, new_main(__file__=path, __loader__=SourceFileLoader("__main__", path), __cached__=None))
    else:
        sys.argv = arguments
        runpy.run_path(what, run_name="__main__")


def main():
    here, arguments = os.path.dirname(os.path.abspath(__file__)), sys.argv[1:]
    is_safe = bool(sys.flags.isolated or getattr(sys.flags, "safe_path", False))
    if not is_safe:
        del sys.path[0]  # the folder of this file
    hooks = load_hooks(here)
    hooks.install(trim)
    try:
        run(arguments, is_safe)
    except BaseException:
        hooks.hook(trim)  # the program may have set a hook of its own
        raise


if __name__ == "__main__":
    main()

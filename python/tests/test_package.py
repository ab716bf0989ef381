"""The package as a whole: its files, documentation, types, and where it loads."""

import ast
import doctest
import importlib
import inspect
import os
import pickle
import pydoc
import re
import subprocess
import sys
import sysconfig

import pytest

import libpybuffer
from libpybuffer import _libpybuffer

HERE = os.path.dirname(libpybuffer.__file__)


def names(pattern, file):
    with open(os.path.join(HERE, file), encoding="utf-8") as text:
        return set(re.findall(pattern, text.read()))


def test_every_name_is_documented_and_says_where_it_is():
    for name in libpybuffer.__all__:
        function = getattr(libpybuffer, name)
        assert function.__module__ == "libpybuffer" and inspect.getdoc(function), name
        assert pickle.loads(pickle.dumps(function)) is function
    page = pydoc.plain(pydoc.render_doc(libpybuffer))
    for name in libpybuffer.__all__:
        assert name in page
    assert re.match(r"\d+\.\d+\.\d+$", libpybuffer.__version__)


def test_help_of_a_class_tells_what_its_members_are():
    members = {"Field": libpybuffer.Field._fields, "Finding": libpybuffer.Finding._fields,
               "Format": vars(libpybuffer.parse("i")), "Report": vars(libpybuffer.check(b"")),
               "Layout": set(inspect.signature(libpybuffer.Layout).parameters) - {"fields"}}
    for name, own in members.items():
        for member in own:
            told = re.search("^{}  +[^ ]".format(member), inspect.getdoc(getattr(libpybuffer, name)), re.MULTILINE)
            assert told or member.startswith("_"), (name, member)


def test_examples_of_the_documentation_run():
    result = doctest.testmod(libpybuffer)
    assert result.failed == 0 and result.attempted > 45


def test_description_has_no_link_into_a_repository():
    metadata = pytest.importorskip("importlib.metadata").metadata("libpybuffer")
    text = metadata.get_payload() or metadata["Description"]
    assert metadata["Description-Content-Type"].startswith("text/markdown") and "# libpybuffer" in text
    assert not re.findall(r"\]\((?!https?:)[^)]*\)", text)
    assert "License-Expression" in metadata or "License" in metadata


def test_files_are_where_the_functions_say():
    for folder, files in [(libpybuffer.get_include(), ["libpybuffer.h"]),
                          (libpybuffer.get_library_dir(), ["libpybuffer.a", "libpybuffer-static.a", "libpybuffer.so", "libpybuffer.so.0"]),
                          (libpybuffer.get_pkgconfig_dir(), ["pybuffer.pc", "pybuffer-static.pc"]),
                          (libpybuffer.get_cmake_dir(), ["libpybuffer-config.cmake"]),
                          (HERE, ["py.typed", "__init__.pyi", "__init__.pxd"])]:
        for file in files:
            assert os.path.getsize(os.path.join(folder, file)) > 0 or file == "py.typed"
    entry = importlib.import_module("libpybuffer.lib.pkgconfig")
    assert os.path.dirname(entry.__file__) == libpybuffer.get_pkgconfig_dir()


def test_declarations_for_cython_are_those_of_the_header():
    declared = names(r"\b(pybuffer_\w+)\(", "__init__.pxd")
    in_header = names(r"\n[\w* ]*?\b(pybuffer_\w+)\(", "include/libpybuffer.h")
    # Objects and errors without Python are none of Cython's business.
    standalone = {name for name in in_header if re.match(
        "pybuffer_(err_|object_|type_ready|incref|decref|exception|new_ref|set_ref|PyB|PyO|PyM)", name)}
    assert declared == in_header - standalone and len(declared) > 15


def stubs():
    with open(os.path.join(HERE, "__init__.pyi"), encoding="utf-8") as text:
        tree = ast.parse(text.read())
    return {node.name: node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}


def parameters(node):
    """Names, kinds and defaults, as inspect.signature has them."""
    arguments = node.args
    defaults = [inspect.Parameter.empty] * (len(arguments.args) - len(arguments.defaults)) + arguments.defaults
    found = [(a.arg, inspect.Parameter.POSITIONAL_OR_KEYWORD, d) for a, d in zip(arguments.args, defaults)]
    found += [(a.arg, inspect.Parameter.KEYWORD_ONLY, d) for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults)]
    return [(name, kind, ast.literal_eval(default) if isinstance(default, ast.AST) else default)
            for name, kind, default in found]


def test_stubs_are_those_of_the_functions():
    told = stubs()
    assert set(libpybuffer.__all__) == {name for name in told if not name.startswith("_")}
    told.pop("_Producer")  # what others make
    for name, node in told.items():
        found = type(libpybuffer.to_dlpack(b"")) if name == "_Tensor" else getattr(libpybuffer, name)
        if isinstance(node, ast.FunctionDef):
            signature = inspect.signature(found)
            assert parameters(node) == [(p.name, p.kind, p.default) for p in signature.parameters.values()], name
            continue
        members = {part.name for part in node.body if isinstance(part, ast.FunctionDef)}
        members |= {part.target.id for part in node.body if isinstance(part, ast.AnnAssign)}
        if hasattr(found, "_fields"):
            assert set(found._fields) == members, name
        for member in members - {"exporter"}:
            instance = {"Report": libpybuffer.check(b""), "Holders": libpybuffer.holders(b""), "Format": libpybuffer.parse("i"),
                        "Layout": libpybuffer.layout(b""), "FormatError": libpybuffer.FormatError("", "", 0)}.get(name, found)
            assert hasattr(instance, member), (name, member)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="before 3.12 all interpreters have one GIL")
def test_interpreters_with_a_gil_of_their_own_load_it():
    program = """if True:
        try:
            import _interpreters
            run, number = _interpreters.exec, _interpreters.create("isolated")
        except ImportError:
            import _xxsubinterpreters
            run, number = _xxsubinterpreters.run_string, _xxsubinterpreters.create(isolated=True)
        failed = run(number, '''if True:
            import libpybuffer
            assert libpybuffer.tobytes(memoryview(b"abcdef")[::2]) == b"ace"
            assert libpybuffer.view(bytearray(6), (3, 2)).tolist() == [[0, 0]] * 3
            try:
                libpybuffer.tobytes(b"", "X")
            except ValueError:
                print("it loads")
        ''')
        assert failed is None, failed
        import libpybuffer
        assert libpybuffer.tobytes(b"a") == b"a"
    """
    told = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          universal_newlines=True)
    assert (told.returncode, told.stdout) == (0, "it loads\n"), told


def test_module_is_the_stable_abi_s_and_leaves_the_gil_alone():
    suffix = os.path.basename(_libpybuffer.__file__).partition(".")[2]
    is_free_threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
    assert (suffix == "abi3.so") is not is_free_threaded
    if is_free_threaded:
        program = "import sys, libpybuffer; sys.exit(sys._is_gil_enabled())"
        assert subprocess.run([sys.executable, "-W", "error", "-c", program]).returncode == 0
    assert _libpybuffer.runtime.startswith("CPython {}.{}.{}".format(*sys.version_info))
    assert _libpybuffer.version == libpybuffer.__version__

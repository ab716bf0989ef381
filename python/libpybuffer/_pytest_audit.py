"""pytest --buffer-audit."""

import collections
import os
import re
import subprocess
import sys
import tempfile

import pytest

from . import _files, _libpybuffer, _places
from ._outstanding import Outstanding

#: The process that was restarted: it keeps its number.
_RESTARTED = "PYBUFFER_PYTEST"
_DEAF = ("buffer audit: the interpreter's own calls do not reach libpybuffer in this python: of its own views only memoryviews "
         "are seen, and releases are not judged")
_OFF = "buffer audit: off, so only memoryviews are seen: {}"


def configure(config):
    """Adds the plugin, in a process in which libpybuffer is live if that is possible."""
    why = ""
    is_worker = hasattr(config, "workerinput")
    if _libpybuffer.audit_retell() < 2 and not is_worker and os.environ.get(_RESTARTED) != str(os.getpid()):
        why = _restart(config)
    config.pluginmanager.register(Plugin(config, why), "libpybuffer-audit")


def _restart(config):
    """Becomes the same pytest under pybuffer-run; why not, if that cannot be."""
    if config.invocation_params.args != tuple(sys.argv[1:]):
        return "pytest was started by a program; start that by pybuffer-run --audit"
    with open("/proc/self/cmdline", "rb") as line:
        arguments = [os.fsdecode(word) for word in line.read().split(b"\0")[1:-1]]
    command = [_files.command(), "--quiet", "--", sys.executable]
    told = subprocess.run(command + ["-c", ""], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
    if told.returncode != 0:
        return told.stdout.strip()
    environment = dict(os.environ, **{_RESTARTED: str(os.getpid()), "PYBUFFER_AUDIT_FORMAT": "json"})
    if environment.get("PYBUFFER_AUDIT", "") in ("", "0", "off"):
        environment["PYBUFFER_AUDIT"] = "warn"
    environment.setdefault("PYBUFFER_AUDIT_FRAMES", "4")
    environment.setdefault("PYBUFFER_AUDIT_LOG", _log())
    capture = config.pluginmanager.getplugin("capturemanager")
    if capture is not None:
        capture.stop_global_capturing()
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(command[0], command + arguments, environment)


def _log():
    """The name of an empty file, for this process and its children; if possible, one that is gone with this process."""
    if hasattr(os, "memfd_create"):
        return "/proc/{}/fd/{}".format(os.getpid(), os.memfd_create("buffer-audit", 0))
    handle, name = tempfile.mkstemp(prefix="buffer-audit-", suffix=".jsonl")
    os.close(handle)
    return name


class Plugin:
    """Fails tests by what the audit tells while they run."""

    def __init__(self, config, why):
        self.config, self.why = config, why
        self.state = _libpybuffer.audit_retell()
        self.seen = Outstanding(self.state)
        self.told = collections.Counter()   # of (exporter's type, what): the number of tests
        self.n_setups = 0                   # setups of fixtures that outlive a test, each within the next
        self.is_controller = not hasattr(config, "workerinput")

    # ---- one test

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item):
        _libpybuffer.audit_retell()
        self.seen.begin()
        item.buffer_audit_failed = False
        yield

    @pytest.hookimpl(hookwrapper=True)
    def pytest_fixture_setup(self, fixturedef):
        """What a fixture acquires that is made for several tests may stay."""
        outlives = fixturedef.scope != "function"
        self.n_setups += outlives
        before = self.seen.count() if outlives and self.n_setups == 1 else None
        yield
        self.n_setups -= outlives
        if before is not None:
            self.seen.allow(before)

    @pytest.hookimpl(hookwrapper=True, trylast=True)
    def pytest_runtest_call(self, item):
        outcome = yield
        item.buffer_audit_failed = outcome.excinfo is not None
        self._judge(item, outcome, self.seen.findings())

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item):
        outcome = yield
        found = self.seen.findings()
        if not item.buffer_audit_failed and outcome.excinfo is None:  # else a traceback holds variables
            found += self.seen.held()
        self._judge(item, outcome, found)

    def _judge(self, item, outcome, found):
        found = [one for one in found if not _is_ignored(item, one)]
        self.told.update({(one.type, one.name) for one in found})
        if not found:
            return
        text = "buffer audit: " + "\n".join(one.text for one in found)
        if outcome.excinfo is not None:
            item.add_report_section("call", "buffer audit", text)
            return
        item.buffer_audit_failed = True
        failure = pytest.fail.Exception(text, pytrace=False)
        if hasattr(outcome, "force_exception"):
            outcome.force_exception(failure)
        else:
            outcome._excinfo = (type(failure), failure, None)

    # ---- all tests

    def pytest_sessionfinish(self):
        if not self.is_controller:
            self.config.workeroutput["buffer_audit"] = [[*key, n] for key, n in self.told.items()]

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node):
        for exporter, name, n in getattr(node, "workeroutput", {}).get("buffer_audit", ()):
            self.told[exporter, name] += n

    def pytest_terminal_summary(self, terminalreporter):
        if self.state < 2:
            terminalreporter.write_line(_DEAF if self.state else _OFF.format(self.why or "PYBUFFER_AUDIT is not set"))
        if self.told:
            terminalreporter.section("buffer audit, by exporter")
        for exporter in sorted({exporter for exporter, _ in self.told}):
            counts = sorted((name, n) for (one, name), n in self.told.items() if one == exporter)
            terminalreporter.write_line("{}: {}".format(exporter, ", ".join(
                "{} in {} test{}".format(name, n, "" if n == 1 else "s") for name, n in counts)))


def _is_ignored(item, found):
    for mark in item.iter_markers("buffer_audit"):
        ignored = mark.kwargs.get("ignore", mark.args[0] if mark.args else ())
        if ignored is True:
            return True
        words = ignored.split(",") if isinstance(ignored, str) else ignored
        if any(_fits(word.strip(), found) for word in words if word.strip()):
            return True
    return False


def _fits(word, found):
    pattern, colon, rule = word.rpartition(":")
    if not colon:
        pattern, rule = word, ""
    if rule.strip() not in ("", found.name, str(found.rule)):
        return False
    any_text = re.compile(".*".join(map(re.escape, pattern.strip().split("*"))), re.DOTALL)
    names = _names_of(found.type)
    return any(any_text.fullmatch(name) for name in names | {name[1:] for name in names if name.startswith("_")})


def _names_of(exporter):
    """The name of a type, and those of its bases, as far as there is such a type."""
    names, left, seen = {exporter}, [object], set()
    while left:
        kind = left.pop()
        if id(kind) in seen:
            continue
        seen.add(id(kind))
        left += type.__subclasses__(kind)
        name = _places.type_name(kind)
        if exporter in (name, name.rpartition(".")[2]):
            names.update(_places.type_name(base) for base in type.mro(kind) if base is not object)
    return names

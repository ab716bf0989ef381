"""What the audit tells between two moments: findings that it logged, and views that are outstanding since."""

import collections
import gc
import json
import os
import sys
from typing import NamedTuple

from . import _asked, _audited, _holders

#: What was found: the exporter's type, a rule's name (or that of another mistake) and number, and a text.
Found = NamedTuple("Found", [("type", str), ("name", str), ("rule", int), ("text", str)])

_RELEASES = {"moved": "a view that was moved", "twice": "a copy of a view that was released before",
             "never-acquired": "a view that was never acquired"}


class Outstanding:
    """Counts views. `state` is that of the audit: 0, off; 1, on; 2, on, and it hears the interpreter."""

    def __init__(self, state):
        self.state = state
        self.log = os.environ.get("PYBUFFER_AUDIT_LOG") if state else None
        self.offset, self.before = 0, collections.Counter()

    def begin(self):
        """The moment from which on is counted."""
        self._lines()
        self.before = self.count()

    def allow(self, before):
        """What is there now and was not in the count `before` may stay."""
        self.before.update(self.count() - before)

    def count(self):
        """How many views there are, by what they have in common; of memoryviews that the audit does not hear of, one."""
        views = (_audited.views([None]) or []) if self.state else []
        counts = collections.Counter()
        for view in views:
            counts[view._replace(count=0, age=0, address=0)] += view.count
        if self.state < 2:
            known = [view.address for view in views]
            counts.update(id(one) for one, _ in _managed_buffers()
                          if not any(_has(one, address) for address in known))
        return counts

    # ---- views

    def held(self):
        """A Found for those that were acquired since the beginning."""
        if self.count() - self.before:
            gc.collect()
        found = self.count() - self.before
        if not found:
            return []
        buffers = {id(one): (one, exporter) for one, exporter in _managed_buffers()}
        return [self._of_interpreter(buffers[key][1]) if isinstance(key, int) else self._recorded(key, n, buffers)
                for key, n in found.items() if not isinstance(key, int) or key in buffers]

    def _recorded(self, view, n, buffers):
        text = "HELD: {} view{} of {!r} ({}, {} bytes), requested by {}{}".format(
            n, "" if n == 1 else "s", view.type, _audited.request(view.flags), view.length, view.caller(),
            _lines_of(view.frames))
        addresses = [one.address for one in _audited.views([None]) or []
                     if one._replace(count=0, age=0, address=0) == view]
        for one, exporter in buffers.values():
            if any(_has(one, address) for address in addresses):
                text += _told_by_holders(exporter)
                break
        return Found(view.type, "held", 0, text)

    def _of_interpreter(self, exporter):
        name = type(exporter).__name__
        return Found(name, "held", 0, "HELD: 1 view of {!r}{}".format(name, _told_by_holders(exporter)))

    # ---- findings

    def findings(self):
        """A Found for each line about a MUST or a release that was logged since the last call."""
        found = []
        for line in self._lines():
            if line.get("kind") == "rule" and line.get("severity") == "MUST":
                text = "MUST {rule} {name}: {type!r} for {request}: {field}: found {found}, expected {expected}".format_map(
                    collections.defaultdict(str, line))
            elif line.get("kind") == "release":
                text = "RELEASE of {}: {!r}{}".format(
                    _RELEASES.get(line.get("name"), line.get("name")), line.get("type", ""),
                    _lines_of(_frames_in(line.get("released", {})), "released"))
            else:
                continue
            text += _lines_of(_frames_in(line))
            found.append(Found(line.get("type", "?"), line.get("name", "?"), line.get("rule", 0), text))
        return found

    def _lines(self):
        """What this process has logged since the last call."""
        if self.log is None:
            return []
        try:
            with open(self.log, "rb") as file:
                file.seek(self.offset)
                text = file.read()
        except OSError:
            return []
        whole = text[:text.rfind(b"\n") + 1]
        self.offset += len(whole)
        lines = []
        for line in whole.splitlines():
            try:
                line = json.loads(line.decode("utf-8", "replace"))
            except ValueError:
                continue  # of another program
            if isinstance(line, dict) and line.get("pid") == os.getpid():
                lines.append(line)
        return lines


def _managed_buffers():
    """Pairs of a managed buffer, in which memoryviews keep their view, and the exporter.

    Those without an exporter are left out. A function in C lends such memory during a call: a buffered file does so for as
    long as a thread waits to read from it.
    """
    buffers = ((one, gc.get_referents(one)) for one in gc.get_objects() if type(one) is _asked.MANAGED_BUFFER)
    return [(one, exporters[0]) for one, exporters in buffers if exporters]


def _has(buffer, address):
    """Whether the address is in the object."""
    return id(buffer) <= address < id(buffer) + object.__sizeof__(buffer)


def _frames_in(line):
    return [(frame.get("file"), frame.get("line"), frame.get("function")) for frame in line.get("frames", ())]


def _lines_of(frames, verb="acquired"):
    frames = [frame for i, frame in enumerate(frames) if i == 0 or not _is_pytests(frame[0])]
    return "".join("\n    {} at {}:{} in {}".format("by a call" if i else verb, *frame) for i, frame in enumerate(frames))


def _is_pytests(file):
    return file is None or os.path.basename(os.path.dirname(file)) in ("_pytest", "pluggy")


def _told_by_holders(exporter):
    return "".join("\n    {}".format(holder) for holder in _holders.of_all((exporter,), sys._getframe(1))[0])

"""Who holds views of an object."""

import contextlib
import gc
import io
import sys

from . import _frames, _libpybuffer, _places

#: The type of what a memoryview keeps its view in. The memoryviews of one view share it.
_MANAGED_BUFFER = type(gc.get_referents(memoryview(b""))[0])
#: Types that pass requests on to the object that they hold: a BytesIO's buffer, and CPython's for classes with __buffer__.
_FORWARDING = ("_io._BytesIOBuffer", "_buffer_wrapper")
#: Other types of CPython's whose objects hold a view, and what they ask for.
_CONSUMERS = {"pickle.PickleBuffer": "PyBUF_FULL_RO", "_struct.unpack_iterator": "PyBUF_SIMPLE",
              "unpack_iterator": "PyBUF_SIMPLE"}

_UNSEEN = "views that C code keeps outside a memoryview are not seen: python -m libpybuffer run --audit python ... sees them"
_ONE_THREAD = "variables of other threads were not looked at, as they run meanwhile"


class Holder:
    """Somebody who holds a view, as texts and numbers: it keeps nothing alive.

    kind      what holds the view: 'memoryview', the name of another type, or 'view' for a Py_buffer in C code
    type      the name of the exporter's type
    request   the request, as 'PyBUF_FULL_RO'
    length    its length in bytes
    count     how many views are told by this entry
    held_by   where it is: "variable 'view' of main at app.py:12", ...; empty if no variable or container has it
    file, line, function    the Python line that acquired it, if the audit saw that; or else of the variable that holds it
    thread    the name of the thread that acquired it, if the audit saw that; or else None
    age       the seconds since then, or None
    caller    the C function that acquired it, as 'libfoo.so (read at +0x11a3)', or None
    """

    __slots__ = ("kind", "type", "request", "length", "count", "held_by", "file", "line", "function", "thread", "age",
                 "caller")

    def __init__(self, kind, type, request, length, **known):
        self.kind, self.type, self.request, self.length = kind, type, request, length
        self.count, self.held_by = known.pop("count", 1), tuple(known.pop("held_by", ()))
        for name in self.__slots__[6:]:
            setattr(self, name, known.pop(name, None))
        if known:
            raise TypeError("Holder: no {}".format(", ".join(known)))

    def __str__(self):
        what = self.kind if self.count == 1 else "{} of them: {}".format(self.count, self.kind)
        told = [what + " in " + "; and in ".join(self.held_by) if self.held_by else self._unnamed(what)]
        if self.age is not None:
            told.append("acquired{}{} {:.1f} s ago{}".format(
                " at {}:{} in {}".format(self.file, self.line, self.function) if self.file else "",
                " by " + self.caller if self.caller else "", self.age,
                " by thread " + self.thread if self.thread else ""))
        return ", ".join(told)

    def _unnamed(self, what):
        if self.kind == "view":
            return "{} of {} ({}, {} bytes)".format(what, self.type, self.request, self.length)
        return what + " in C code, or in an expression"

    def __repr__(self):
        return "<libpybuffer.Holder: {}>".format(self)


class Holders(list):
    """What `holders` found: a list of Holder.

    sources   where it was looked: 'audit' (the record of all views that it saw acquired and not yet released) and
              'interpreter' (memoryviews, and what else the garbage collector knows)
    note      what could not be seen
    """

    def __init__(self, entries, sources, note):
        super().__init__(entries)
        self.sources, self.note = tuple(sources), note

    def __str__(self):
        lines = [str(entry) for entry in self] or ["nobody holds a view that could be seen"]
        return "\n".join(lines + ["({})".format(self.note)] * bool(self.note))


def holders(obj):
    """Who holds a view of obj, so that it cannot be resized or closed: a Holders, a list with an entry for each.

    >>> import libpybuffer
    >>> data = bytearray(8)
    >>> views = [memoryview(data)[2:4]]
    >>> for holder in libpybuffer.holders(data):
    ...     print(holder)  # doctest: +ELLIPSIS
    memoryview in item 0 of a list in variable 'views' of module ...

    TypeError if obj is no exporter (nor a BytesIO, whose getbuffer() is one). None of the program's code is run. The answer's `note` tells what could not be seen.
    """
    return of_all((obj,), sys._getframe(1))[0]


def of_all(objects, frame):
    """A Holders for each of the objects; `frame` is that of who asks."""
    for exporter in objects:
        if not (_libpybuffer.is_exporter(exporter) or isinstance(exporter, io.BytesIO)):
            raise TypeError("a bytes-like object is required, not {!r}".format(type(exporter).__name__))
    entries = _Asked(objects, frame).entries()
    note = _UNSEEN if _frames.has_gil() else _UNSEEN + "; " + _ONE_THREAD
    return [Holders(found, ["interpreter"], note) for found in entries]


class _Asked:
    """What the interpreter knows of some exporters' views."""

    def __init__(self, objects, frame):
        self.search = _places.Search(frame, [objects])
        self.exporters = {}     # the number of the object that was asked for, by the exporter's id
        self.views = [[] for _ in objects]  # of each object: tuples of what holds a view, and of whose view, as ids
        for number, exporter in enumerate(objects):
            self._ask_for(exporter, number)
            if isinstance(exporter, memoryview):
                with contextlib.suppress(ValueError):  # released
                    self._ask_for(exporter.obj, number)

    def _ask_for(self, exporter, number):
        self.exporters.setdefault(id(exporter), number)
        self.search.keep([exporter])

    def entries(self):
        """A list of Holder for each object."""
        fresh = list(self.exporters)
        while fresh:
            known = set(self.exporters)
            for holder in self.search.referrers(fresh):
                for exporter in gc.get_referents(holder):
                    if id(exporter) in known:
                        self._refers(holder, exporter)
            fresh = [one for one in self.exporters if one not in known]
        consumers = [one for views in self.views for one, _ in views]
        self._find_memoryviews(consumers)
        self.search.go_up_from([one for consumer in consumers for one in self.memoryviews[consumer] or [consumer]])
        return [[self._entry(*view) for view in views] for views in self.views]

    def _refers(self, holder, exporter):
        name, number = _places.type_name(type(holder)), self.exporters[id(exporter)]
        if name in _FORWARDING:
            self._ask_for(holder, number)
        elif type(holder) is _MANAGED_BUFFER or name in _CONSUMERS:
            self.search.keep([holder])
            if (id(holder), id(exporter)) not in self.views[number]:
                self.views[number].append((id(holder), id(exporter)))

    def _find_memoryviews(self, consumers):
        self.memoryviews = {one: [] for one in consumers}
        buffers = [one for one in consumers if type(self.search.nodes[one]) is _MANAGED_BUFFER]
        for view in self.search.referrers(buffers) if buffers else ():
            if type(view) is memoryview:
                self.search.keep([view])
                self.memoryviews[id(gc.get_referents(view)[0])].append(id(view))

    def _entry(self, consumer, exporter):
        nodes, views = self.search.nodes, self.memoryviews[consumer]
        kind = _places.type_name(type(nodes[consumer]))
        places = [place for one in views or [consumer] for place in self.search.places(one)]
        places = list(dict.fromkeys(places))[:_places.MOST]
        known = next((place for place in places if place.line), None)
        length = max((nodes[view].nbytes for view in views), default=None)
        return Holder("memoryview" if views else kind, _places.type_name(type(nodes[exporter])),
                      _CONSUMERS.get(kind, "PyBUF_FULL_RO"), length, held_by=[place.text for place in places],
                      **({name: getattr(known, name) for name in ("file", "line", "function")} if known else {}))

"""Who holds views of an object: what the live audit recorded, and what the interpreter knows."""

import bisect
import io
import sys

from . import _audited, _frames, _libpybuffer, _places
from ._asked import Asked
from ._holder import Holder, Holders

_OFF = "views that C code keeps outside a memoryview are not seen: python -m libpybuffer run --audit python ... sees them"
_DEAF = "views that the interpreter keeps outside a memoryview are not seen: its own calls do not reach the audit"
_ONE_THREAD = "variables of other threads were not looked at, as they run meanwhile"


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
    asked = Asked(objects, frame)
    known = asked.entries()
    audited = [_audited.views(asked.exporters_of(number)) for number, _ in enumerate(objects)]
    del asked
    if None in audited:
        sources, notes = ["interpreter"], [_OFF]
        entries = [[holder for _, _, holder in found] for found in known]
    else:
        sources, notes = ["audit", "interpreter"], [] if _audited.hears_interpreter() else [_DEAF]
        entries = [_join(found, views) for found, views in zip(known, audited)]
    notes += [] if _frames.has_gil() else [_ONE_THREAD]
    return [Holders(_few(found), sources, "; ".join(notes)) for found in entries]


def _few(entries):
    """The entries, of which those are one that were not looked for."""
    few, kept = [], {}
    for holder in entries:
        if holder.held_by == (_places.UNKNOWN.text,) and holder.age is None:
            first = kept.setdefault((holder.kind, holder.type, holder.request, holder.length), holder)
            if first is not holder:
                first.count += holder.count
                continue
        few.append(holder)
    return few


def _join(known, views):
    """Both as one list of Holder: a recorded view lies in the object that the interpreter knows to have it."""
    rest, entries, many = {one[0]: one for one in known}, [], []
    starts = sorted(rest)
    for view in views:
        start = starts[max(bisect.bisect_right(starts, view.address) - 1, 0)] if starts else None
        owner = rest.get(start)
        if owner is not None and not start <= view.address < start + owner[1]:
            owner = None
        holder = _recorded(view) if owner is None else owner[2]
        holder.count = view.count
        _tell(holder, view)
        entries.append(holder)
        if owner is not None:
            del rest[start]
            if view.count > 1:
                many.append(holder)
    # The record has one of their addresses. The others are in what is left, as far as that is like them.
    for holder in many:
        alike = [one for one in rest.values() if (one[2].request, one[2].kind) == (holder.request, holder.kind)]
        alike = alike[:holder.count - 1] if len(many) == 1 else alike
        places = list(holder.held_by) + [place for _, _, other in alike for place in other.held_by]
        places = sorted(dict.fromkeys(places), key=lambda place: place == _places.UNKNOWN.text)
        holder.held_by = tuple(places[:_places.MOST])
    left = [] if many else [holder for _, _, holder in rest.values()]
    return entries + left


def _recorded(view):
    return Holder("view", view.type, _audited.request(view.flags), view.length)


def _tell(holder, view):
    """Adds what was recorded when the view was acquired."""
    holder.length, holder.age, holder.frames = view.length, view.age, view.frames
    holder.thread, holder.caller = view.thread_name(), view.caller()
    holder.file, holder.line, holder.function = view.frames[0] if view.frames else (None, None, None)

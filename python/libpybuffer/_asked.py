"""Who holds views of exporters, as far as the interpreter knows."""

import contextlib
import gc

from . import _places
from ._holder import Holder

#: The type of what a memoryview keeps its view in. The memoryviews of one view share it.
MANAGED_BUFFER = type(gc.get_referents(memoryview(b""))[0])
#: Types that pass requests on to the object that they hold: a BytesIO's buffer, and CPython's for classes with __buffer__.
_FORWARDING = ("_io._BytesIOBuffer", "_buffer_wrapper")
#: Other types of CPython's whose objects hold a view, and what they ask for.
_CONSUMERS = {"pickle.PickleBuffer": "PyBUF_FULL_RO", "_struct.unpack_iterator": "PyBUF_SIMPLE",
              "unpack_iterator": "PyBUF_SIMPLE"}


class Asked:
    """What the interpreter knows of some exporters' views."""

    def __init__(self, objects, frame):
        self.search = _places.Search(frame, [objects])
        self.exporters = {}     # the number of the object that was asked for, by the exporter's id
        # of each object: tuples of what holds a view, and of whose view, as ids; in the order in which they are found
        self.views = [{} for _ in objects]
        self.left = set()       # the ids of those that were not followed to variables
        for number, exporter in enumerate(objects):
            self._ask_for(exporter, number)
            if isinstance(exporter, memoryview):
                with contextlib.suppress(ValueError):  # released
                    self._ask_for(exporter.obj, number)

    def _ask_for(self, exporter, number):
        self.exporters.setdefault(id(exporter), number)
        self.search.keep([exporter])

    def exporters_of(self, number):
        """The object that was asked for, and those that pass requests on to it."""
        return [self.search.nodes[one] for one, of in self.exporters.items() if of == number]

    def entries(self):
        """For each object a list of (address, size, Holder): where the object lies that has the view, and what it is."""
        fresh = list(self.exporters)
        while fresh:
            known = set(self.exporters)
            for holder in self.search.referrers(fresh):
                for exporter in _places.referents(holder):
                    if id(exporter) in known:
                        self._refers(holder, exporter)
            fresh = [one for one in self.exporters if one not in known]
        consumers = [one for views in self.views for one, _ in views]
        self._find_memoryviews(consumers)
        views = [one for consumer in consumers for one in self.memoryviews[consumer] or [consumer]]
        self.left = set(views[_places.WIDTH:])
        self.search.go_up_from(views[:_places.WIDTH])
        return [[self._entry(*view) for view in views] for views in self.views]

    def _refers(self, holder, exporter):
        name, number = _places.type_name(type(holder)), self.exporters[id(exporter)]
        if name in _FORWARDING:
            self._ask_for(holder, number)
        elif type(holder) is MANAGED_BUFFER or name in _CONSUMERS:
            self.search.keep([holder])
            self.views[number][id(holder), id(exporter)] = None

    def _find_memoryviews(self, consumers):
        self.memoryviews = {one: [] for one in consumers}
        # (gc.get_referrers() would compare each reference with each buffer.)
        for view in [one for one in gc.get_objects() if type(one) is memoryview] if consumers else ():
            buffer = next((one for one in gc.get_referents(view) if id(one) in self.memoryviews), None)
            if buffer is not None:
                self.search.keep([view])
                self.memoryviews[id(buffer)].append(id(view))

    def _entry(self, consumer, exporter):
        nodes, views = self.search.nodes, self.memoryviews[consumer]
        kind = _places.type_name(type(nodes[consumer]))
        places = [place for one in views or [consumer] for place in self.search.places(one)]
        places = list(dict.fromkeys(places))[:_places.MOST]
        if not places and self.left.issuperset(views or [consumer]):
            places = [_places.UNKNOWN]
        known = next((place for place in places if place.line), None)
        length = max((_nbytes(nodes[view]) for view in views), default=None)
        line = {name: getattr(known, name) for name in ("file", "line", "function")} if known else {}
        holder = Holder("memoryview" if views else kind, _places.type_name(type(nodes[exporter])),
                        _CONSUMERS.get(kind, "PyBUF_FULL_RO"), length, held_by=[place.text for place in places], **line)
        return consumer, object.__sizeof__(nodes[consumer]), holder


def _nbytes(view):
    try:
        return view.nbytes
    except ValueError:  # another thread has released it since it was found
        return 0

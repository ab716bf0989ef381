"""Which variables, attributes and containers hold an object, as far as the garbage collector's references tell."""

import collections
import gc
import sys
import types

from . import _frames

#: How many containers are gone through, and how many of them at each step.
DEPTH = 6
WIDTH = 300
#: How many places of one object are told.
MOST = 8

_GENERATORS = (types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType)
_CO_GENERATORS = 0x20 | 0x80 | 0x200
_SUSPENDED = "which is suspended"
_INDEXED = (list, tuple, collections.deque)
_DICT_OF_MODULE = types.ModuleType.__dict__["__dict__"]
_MRO, _DICT_OF_TYPE = type.__dict__["__mro__"], type.__dict__["__dict__"]

#: A reference to an object. `kind` is that of the holder, `text` tells it, and `extra` is what the kind needs besides;
#: `holder` is the holder's id, or None if nothing has to be said of what holds that; a variable has `line`, and it or its
#: function `file`.
Edge = collections.namedtuple("Edge", "kind text holder extra file line function")
#: Where an object is held. `line` and what follows are None if no variable of a known file holds it.
Place = collections.namedtuple("Place", "text file line function")
#: The place of one of many objects, of which WIDTH were gone up from.
UNKNOWN = Place("places that were not looked for, as there are so many", None, None, None)


def type_name(kind):
    """A type's name with its module, but for those that need none."""
    name, module = type.__dict__["__qualname__"].__get__(kind), type.__dict__["__module__"].__get__(kind)
    if not issubclass(type(module), str):
        return name
    name, module = str.__str__(name), str.__str__(module)
    return name if module in ("builtins", "__main__") else module + "." + name


def named(items, name):
    """The value of a key among a dictionary's items, or None. (dict.get may call the __eq__ of other keys.)"""
    return next((value for key, value in list(items) if type(key) is str and key == name), None)


def referents(holder):
    """What an object refers to. Not of modules: that of asyncio in 3.12 shows objects that were freed, which a reference
    would free again. (What a module's variables refer to, its dictionary does.)"""
    return () if issubclass(type(holder), types.ModuleType) else gc.get_referents(holder)


class Search:
    """A search upwards from some objects. It runs none of their code. It holds what it meets, so it is to be dropped."""

    def __init__(self, frame, ours):
        self.nodes = {}     # what was met, by its id
        self.ours = {id(one) for one in ours} | {id(self.nodes)}    # what holds something for this search only
        self.edges = {}     # the Edges that lead to it
        self.frames = _frames.running_frames(frame)
        self.running = {id(one) for _, one in self.frames}
        self.indexed = None, {}     # a container's id, and the positions of what is in it, by ids
        self.modules = {}
        roots = []
        for name, module in list(sys.modules.items()):
            if issubclass(type(module), types.ModuleType) and type(name) is str:
                # Not by its own __name__: to ask a module for an attribute may load it.
                roots.append(_DICT_OF_MODULE.__get__(module))
                self.modules.setdefault(id(roots[-1]), name)
        self.immortal = [] if gc.is_tracked(_immortal) else _immortal(roots, self.frames, self.ours)
        self.ours.add(id(self.immortal))

    def keep(self, objects):
        """The ids of the objects, of those that were not met before."""
        fresh = [id(one) for one in objects if id(one) not in self.nodes]
        self.nodes.update((id(one), one) for one in objects)
        return list(dict.fromkeys(fresh))

    def referrers(self, ids):
        """What the collector finds to hold one of the objects, without what this search holds them with."""
        objects = tuple([self.nodes[one] for one in ids])
        ours = self.ours | self.running | {id(objects)}
        return [one for one in gc.get_referrers(*objects) if id(one) not in ours]

    def go_up_from(self, ids):
        """Finds what holds them, and what holds that, up to variables."""
        for _ in range(DEPTH):
            if not ids:
                break
            wanted, found = set(ids), []
            self._look_at_frames(wanted)
            self._look_at_arrays(wanted, found)
            for holder in self.referrers(ids) + self.immortal:
                for child in referents(holder):
                    if id(child) in wanted:
                        self._refers(holder, child, found)
            ids = self.keep(found[:WIDTH])

    def places(self, one):
        """The Places of an object of that id: for each of its holders the shortest way to a variable."""
        ways = [way for way in map(self._way, self.edges.get(one, [])) if way]
        rooted = [way for way in ways if way[-1].holder is None]
        told = {}
        for way in rooted or ways:
            text = " in ".join(_words(way))
            told.setdefault(text, Place(text, way[-1].file, way[-1].line, way[-1].function))
        return list(told.values())[:MOST]

    def _way(self, edge):
        """The shortest list of Edges from this one to one without a holder; as far as it goes, if there is none."""
        ways, seen, longest = collections.deque([[edge]]), set(), [edge]
        while ways:
            way = ways.popleft()
            if way[-1].holder is None:
                return way
            if way[-1].holder not in seen:
                seen.add(way[-1].holder)
                longest = max(longest, way, key=len)
                ways.extend(way + [after] for after in self.edges.get(way[-1].holder, []))
        return longest

    # ---- one reference

    def _edge(self, child, kind, text, holder=None, extra=None, file=None, line=None, function=None):
        edge = Edge(kind, text, None if holder is None else id(holder), extra, file, line, function)
        edges = self.edges.setdefault(id(child), [])
        if edge not in edges:
            edges.append(edge)

    def _up(self, holder, child, found, kind, text, extra=None):
        self._edge(child, kind, text, holder, extra)
        found.append(holder)

    def _refers(self, holder, child, found):
        kind = type(holder)
        if issubclass(type(holder), dict):
            self._in_dict(holder, child, found)
        elif issubclass(type(holder), _INDEXED):
            index = self._index_in(holder, child)
            self._up(holder, child, found, "item", "item {} of a {}".format(index, type_name(kind)), index)
        elif kind is types.CellType:
            self._up(holder, child, found, "cell", "a variable of a closure")
        elif kind is types.FunctionType:
            self._in_function(holder, child)
        elif kind is types.FrameType:
            # (Before 3.11, a generator's frame is an object that the collector knows.)
            is_generator = holder.f_code.co_flags & _CO_GENERATORS
            self._in_frame(holder, child, _SUSPENDED if is_generator else "which has ended, but is kept")
        elif issubclass(type(holder), _GENERATORS):
            frame = [getattr(holder, name) for name in ("gi_frame", "cr_frame", "ag_frame") if hasattr(holder, name)][0]
            if frame is not None and id(frame) not in self.running:
                self._in_frame(frame, child, _SUSPENDED)
        elif issubclass(type(holder), type):
            self._edge(child, "class", "class " + type_name(holder))
        else:
            self._in_object(holder, child, found)

    def _index_in(self, holder, child):
        """(All positions of a list are noted at once, as it may hold each of the objects.)"""
        if self.indexed[0] != id(holder):
            base = next(base for base in _INDEXED if issubclass(type(holder), base))
            positions = {}
            for i, one in enumerate(list(base.__iter__(holder))):
                positions.setdefault(id(one), i)
            self.indexed = id(holder), positions
        return self.indexed[1].get(id(child), "?")

    def _in_dict(self, holder, child, found):
        keys = [key for key, value in list(dict.items(holder)) if value is child and type(key) in (str, int, bytes)][:1]
        name = self.modules.get(id(holder)) or self._name_of_globals(holder)
        if keys and type(name) is str:
            self._in_globals(holder, child, keys[0], name)
        else:
            text = "key {:.60} of a dict".format(repr(keys[0])) if keys else "a dict"
            self._up(holder, child, found, "key", text, keys)

    def _name_of_globals(self, holder):
        """The name in a dictionary that some code's global variables are in; else None."""
        is_globals = named(dict.items(holder), "__builtins__") is not None
        return named(dict.items(holder), "__name__") if is_globals else None

    def _in_globals(self, holder, child, key, name):
        file, line = named(dict.items(holder), "__file__"), None
        for _, frame in self.frames:
            if frame.f_globals is holder and frame.f_code.co_name == "<module>":
                file = frame.f_code.co_filename
                line = _frames.line_that_sets(frame.f_code, key) or frame.f_lineno
                break
        file = file if type(file) is str else None
        at = " at {}:{}".format(file, line) if line else " of {}".format(file) if file else ""
        text = "variable {!r} of module {}{}".format(key, name, at)
        self._edge(child, "global", text, None, None, file, line, None)

    def _in_function(self, holder, child):
        code = holder.__code__
        is_closure = child is holder.__closure__
        text = "function {} at {}:{}".format(_frames.name_of(code), code.co_filename, code.co_firstlineno)
        self._edge(child, "closure" if is_closure else "function", text, None, code.co_freevars if is_closure else None,
                   code.co_filename, code.co_firstlineno, _frames.name_of(code))

    def _in_frame(self, frame, child, state):
        names = []
        _frames.look(frame, lambda name, value: names.append(name) if value is child else None)
        for name in names or [None]:
            self._variable(frame, child, name, state)

    def _variable(self, frame, child, name, state):
        code = frame.f_code
        line = name and _frames.line_that_sets(code, name) or frame.f_lineno or code.co_firstlineno
        what = "variable {!r}".format(name) if name else "an expression"
        text = "{} of {} at {}:{}{}".format(what, _frames.name_of(code), code.co_filename, line, state and ", " + state)
        self._edge(child, "variable", text, None, None, code.co_filename, line, _frames.name_of(code))

    def _in_object(self, holder, child, found):
        own = attributes(holder)
        kind = type_name(type(holder))
        if child is own:
            self._up(holder, child, found, "vars", "a " + kind)
            return
        pairs = [] if own is None else list(dict.items(own))
        names = [name for name, value in pairs + _slots(holder) if value is child]
        self._up(holder, child, found, "object", "attribute {!r} of a {}".format(names[0], kind) if names else "a " + kind)

    # ---- what the collector does not lead to

    def _look_at_frames(self, wanted):
        """The variables of functions that run."""
        for thread, frame in self.frames:
            if _frames.has_only_globals(frame):
                continue
            seen = []
            _frames.look(frame, lambda name, value: seen.append((name, id(value))) if id(value) in wanted else None)
            for name, one in seen:
                self._variable(frame, self.nodes[one], name, "" if thread is None else "in thread " + thread)

    def _look_at_arrays(self, wanted, found):
        """NumPy's arrays over memoryviews. They are not the collector's; nor are dictionaries and tuples that hold nothing
        else."""
        array = getattr(sys.modules.get("numpy"), "ndarray", None)
        if array is None or not any(issubclass(type(self.nodes[one]), (memoryview, array)) for one in wanted):
            return

        self.array = array
        for _, frame in self.frames:
            if not _frames.has_only_globals(frame):
                _frames.look(frame, lambda name, value: self._look_at(None, value, wanted, found))
        for holder in gc.get_objects():
            for one in referents(holder):
                self._look_at(holder, one, wanted, found)

    def _look_at(self, holder, one, wanted, found):
        """Adds what is wanted in `one`, an array, or a dictionary or tuple that is not the collector's; `holder` has it."""
        if issubclass(type(one), self.array):
            child = one
            while issubclass(type(child), self.array):
                child = self.array.base.__get__(child)
            if id(child) in wanted and id(one) not in wanted:
                self._up(one, child, found, "object", "a " + type_name(type(one)))
        elif type(one) in (dict, tuple) and not gc.is_tracked(one):
            for child in gc.get_referents(one):
                self._look_at(one, child, wanted, found)
                if id(child) in wanted:
                    self._refers(one, child, found)
                    if holder is not None and id(holder) not in self.ours and holder is not found:
                        self._refers(holder, one, found)


def _immortal(modules, frames, without):
    """The functions, types, dictionaries and tuples that the collector does not know, but for those whose ids are in
    `without`. They are searched for from `modules`, the dictionaries of modules, from the variables of `frames`, and from
    all objects that the collector knows.

    CPython 3.13t makes functions, types and modules' variables immortal once a thread was started, and takes them from
    the collector. Elsewhere there are none.
    """
    found, seen, left = [], set(without), [one for one in modules if _is_unknown(one)]
    for _, frame in frames:
        _frames.look(frame, lambda name, value: left.append(value) if _is_unknown(value) else None)
    for holder in gc.get_objects():
        left.extend(one for one in referents(holder) if _is_unknown(one))
    while left:
        one = left.pop()
        if id(one) not in seen:
            seen.add(id(one))
            found.append(one)
            left.extend(child for child in gc.get_referents(one) if _is_unknown(child))
    return found


def _is_unknown(one):
    kind = type(one)
    return (kind in (dict, tuple, types.FunctionType) or issubclass(kind, type)) and not gc.is_tracked(one)


def attributes(holder):
    """An instance's __dict__, without a call of its code."""
    for base in _MRO.__get__(type(holder)):
        descriptor = named(_DICT_OF_TYPE.__get__(base).items(), "__dict__")
        if type(descriptor) is types.GetSetDescriptorType:
            return descriptor.__get__(holder)
    return None


def _slots(holder):
    """Pairs of the names in an instance's __slots__ and their values, without a call of its code."""
    pairs = []
    for base in _MRO.__get__(type(holder)):
        for name, descriptor in list(_DICT_OF_TYPE.__get__(base).items()):
            if type(descriptor) is types.MemberDescriptorType:
                try:
                    pairs.append((name, descriptor.__get__(holder)))
                except AttributeError:
                    pass  # not set
    return pairs


def _words(way):
    """The texts of a way, each reference of Python's own machinery together with what it is part of."""
    words, i = [], 0
    while i < len(way):
        kinds = [edge.kind for edge in way[i:i + 3]]
        if kinds[:2] == ["key", "vars"] and way[i].extra:
            words.append("attribute {!r} of {}".format(way[i].extra[0], way[i + 1].text))
            i += 2
        elif kinds[:2] == ["key", "class"] and way[i].extra:
            words.append("attribute {!r} of {}".format(way[i].extra[0], way[i + 1].text))
            i += 2
        elif kinds == ["cell", "item", "closure"]:
            names, index = way[i + 2].extra, way[i + 1].extra
            name = names[index] if isinstance(index, int) and index < len(names) else "?"
            words.append("variable {!r} in the closure of {}".format(name, way[i + 2].text))
            i += 3
        else:
            words.append(way[i].text)
            i += 1
    return words

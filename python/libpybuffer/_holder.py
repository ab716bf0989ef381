"""What is told of who holds views."""


class Holder:
    """Somebody who holds a view, as texts and numbers: it keeps nothing alive.

    kind      what holds the view: 'memoryview', the name of another type, or 'view' for a Py_buffer in C code
    type      the name of the exporter's type
    request   the request, as 'PyBUF_FULL_RO'
    length    its length in bytes
    count     how many views are told by this entry
    held_by   where it is: "variable 'view' of main at app.py:12", ...; empty if no variable or container has it
    file, line, function    the Python line that acquired it, if the audit saw that; or else that of the variable that holds it
    frames    tuples of (file, line, function) of the Python code that acquired it, the innermost first
    thread    the name of the thread that acquired it, if the audit saw that; or else None
    age       the seconds since then, or None
    caller    the C function that acquired it, as 'libfoo.so (read at +0x11a3)', or None
    """

    __slots__ = ("kind", "type", "request", "length", "count", "held_by", "file", "line", "function", "frames", "thread",
                 "age", "caller")

    def __init__(self, kind, type, request, length, **known):
        self.kind, self.type, self.request, self.length = kind, type, request, length
        self.count, self.held_by = known.pop("count", 1), tuple(known.pop("held_by", ()))
        self.frames = tuple(known.pop("frames", ()))
        for name in ("file", "line", "function", "thread", "age", "caller"):
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
                " by thread " + self.thread if self.thread not in (None, "MainThread") else ""))
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

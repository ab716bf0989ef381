"""The variables of frames, read so that nothing of them is kept."""

import sys
import threading
import types

#: Before 3.13, f_locals of a function's frame is a dictionary in that frame, which keeps what it was filled with.
_HAS_COPIES = sys.version_info < (3, 13)
_CO_OPTIMIZED = 1  # of a function, whose variables are not in a dictionary
_PYTHON_FUNCTIONS = (types.FunctionType, types.MethodType)


def running_frames(frame):
    """Tuples of a thread's name and a running frame: of this thread from `frame` outwards, then of the others where
    they stand still meanwhile."""
    own = threading.get_ident()
    frames = list(_chain(None, frame))
    if has_gil():
        innermost = sys._current_frames()
        # It would hold the caller of this function, and the caller this list.
        innermost.pop(own, None)
        names = {thread.ident: thread.name for thread in threading.enumerate()}
        for ident, other in innermost.items():
            frames.extend(_chain(names.get(ident, str(ident)), other))
    return frames


def has_gil():
    """Whether one thread at a time runs."""
    return getattr(sys, "_is_gil_enabled", lambda: True)()


def _chain(thread, frame):
    while frame is not None:
        yield thread, frame
        frame = frame.f_back


def has_only_globals(frame):
    """Whether a frame is that of a module, whose variables are the module's."""
    return not frame.f_code.co_flags & _CO_OPTIMIZED and frame.f_locals is frame.f_globals


def look(frame, see):
    """Calls see(name, value) for each variable of a frame."""
    variables = frame.f_locals
    is_function = frame.f_code.co_flags & _CO_OPTIMIZED
    if not is_function and not issubclass(type(variables), dict):
        return  # a mapping of the program's, whose code would run
    try:
        for name, value in list(variables.items() if is_function else dict.items(variables)):
            see(name, value)
    finally:
        # The frame's reference, `variables`, and the argument; more of them are of the program's.
        if _HAS_COPIES and is_function and sys.getrefcount(variables) <= 3:
            _forget(frame, variables)


def _forget(frame, copies):
    """Empties a frame's dictionary of copies, unless a trace function may be about to store it in the variables."""
    tracers = (sys.gettrace(), sys.getprofile(), frame.f_trace, threading._trace_hook, threading._profile_hook)
    if any(isinstance(tracer, _PYTHON_FUNCTIONS) for tracer in tracers):
        return
    code = frame.f_code
    for name in code.co_varnames + code.co_cellvars + code.co_freevars:
        copies.pop(name, None)


def name_of(code):
    """A function's name, qualified where CPython knows it (from 3.11 on)."""
    return getattr(code, "co_qualname", code.co_name)


def line_that_sets(code, name):
    """The line that sets a variable, if it is one; else None."""
    import dis  # (which takes as long as all else that the package imports)
    lines, line = set(), None
    for instruction in dis.get_instructions(code):
        # From 3.13 on, starts_line is a bool.
        line = getattr(instruction, "line_number", instruction.starts_line) or line
        if name in _stored(instruction):
            lines.add(line)
    return lines.pop() if len(lines) == 1 else None


def _stored(instruction):
    """The names of the variables that an instruction sets. From 3.13 on, one may set two, or set one and read one."""
    opname, names = instruction.opname, instruction.argval
    if not opname.startswith(("STORE_FAST", "STORE_NAME", "STORE_GLOBAL", "STORE_DEREF")):
        return ()
    if not isinstance(names, tuple):
        return (names,)
    return names if opname == "STORE_FAST_STORE_FAST" else names[:1]

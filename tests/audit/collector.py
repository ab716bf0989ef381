"""Views while the collector runs as often as it can, and finalizers acquire views as well: no Python code may run while
the audit looks at frames. Arguments: the folder of mistakes.so, and the library."""

import gc
import sys

sys.path.insert(0, sys.argv[1])
import asking
import mistakes

holders = asking.load(sys.argv[2])
data = bytearray(9)
kept, n_made, n_finalized = [], 0, 0


class Cycle:
    """Garbage that only the collector frees, which acquires a view then."""

    def __init__(self):
        global n_made
        n_made += 1
        self.itself = self

    def __del__(self):
        global n_finalized
        n_finalized += 1
        mistakes.right(data)
        kept.append(memoryview(data))
        if len(kept) > 50:
            kept.clear()


def acquire(depth):
    # Each call is a new frame, for which from 3.11 on an object is made at the first question.
    if depth > 0:
        return acquire(depth - 1)
    Cycle()
    mistakes.right(data)
    return memoryview(data)


def generate():
    for number in range(100):
        Cycle()
        yield acquire(number % 7)


gc.set_threshold(1)
mistakes.lose(data)
for view in generate():
    try:
        # With an error pending, too: it stays.
        raise KeyError(view)
    except KeyError:
        del view
        mistakes.lose(data)
        acquire(3)
        assert sys.exc_info()[0] is KeyError
    assert gc.isenabled() and gc.get_threshold()[0] == 1
gc.disable()
acquire(1)
assert not gc.isenabled()
gc.enable()
gc.collect()
assert n_finalized > 100, (n_made, n_finalized)
# A search for frames that had been interrupted by another one would have left that one without.
found, _ = holders(data)
assert found and all(holder.frames for holder in found), found
kept.clear()
print("done")

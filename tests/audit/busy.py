"""16 threads, forks, interpreters, deep recursion, generators, and views that are acquired at the very end: nothing is
wrong, so the audit must say nothing. Argument: the folder of mistakes.so."""

import gc
import os
import sys
import threading

sys.path.insert(0, sys.argv[1])
import mistakes

stop = False
errors = []


def deep(n, data):
    return deep(n - 1, data) if n else bytes(memoryview(data))


def views(data):
    for _ in range(5):
        with memoryview(data) as view:
            yield view


def work():
    data = bytearray(50)
    try:
        while not stop:
            for view in views(data):
                mistakes.right(data)
                bytes(view[::-1])
            deep(20, data)
            mistakes.right_by_parsing("text")
            b"".join([data, data])
            try:
                mistakes.right(3)
            except TypeError:
                pass
            exec("bytes(memoryview(b'abc'))", {})
    except BaseException as error:
        errors.append(error)
        raise


def interpreters():
    try:
        import _xxsubinterpreters as interpreters
    except ImportError:
        try:
            import _interpreters as interpreters
        except ImportError:
            return
    code = "for _ in range(50): bytes(memoryview(bytearray(8))[::-1])"
    for _ in range(4):
        one = interpreters.create()
        run = getattr(interpreters, "exec", None) or interpreters.run_string
        run(one, code)
        interpreters.destroy(one)


class AtTheEnd:
    """Acquires views while the interpreter is finalised."""

    def __init__(self, data):
        self.data, self.right, self.itself = data, mistakes.right, self

    def __del__(self):
        self.right(self.data)
        memoryview(self.data).release()


sys.setswitchinterval(1e-4)
threads = [threading.Thread(target=work) for _ in range(16)]
for thread in threads:
    thread.start()
for number in range(20):
    child = os.fork()
    if child == 0:
        for _ in range(20):
            mistakes.right(bytearray(3))
            deep(30, b"abc")
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0, number
interpreters()
stop = True
for thread in threads:
    thread.join()
assert not errors
gc.collect()
sys.last = AtTheEnd(bytearray(3))
sys.modules["last"] = AtTheEnd(bytearray(4))
print("done")

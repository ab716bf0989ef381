"""Threads, and children that are forked in between, under the audit. Only the child that keeps a view may be said to hold
one. Argument: the folder of mistakes.so."""

import array
import os
import sys
import threading

sys.path.insert(0, sys.argv[1])
import mistakes

stop = False


def work():
    data = array.array("i", range(8))
    while not stop:
        for _ in range(200):
            mistakes.right(data)
            memoryview(data)[::2].tobytes()
            mistakes.right_by_parsing("text")


threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads:
    thread.start()
# Children are forked while other threads are inside the audit; each then uses buffers.
for number in range(40):
    child = os.fork()
    if child == 0:
        for _ in range(50):
            mistakes.right(bytearray(3))
            bytes(memoryview(b"abc")[::-1])
        if number == 0:
            mistakes.keep(bytearray(3))
            # The child has no other threads, but the interpreter would wait for them.
            threading._shutdown = lambda: None
            sys.exit(0)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0, number
stop = True
for thread in threads:
    thread.join()
print("done")

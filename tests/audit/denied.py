"""The audit in a sandbox that refuses system calls: nobody is wrongly accused, mistakes are reported, and the program goes
on. Arguments: the folder of mistakes.so, the number of the error, and the numbers of the system calls."""

import os
import sys

sys.path[:0] = [sys.argv[1], os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support")]
import mistakes
import sandbox

sandbox.refuse(int(sys.argv[2]), [int(number) for number in sys.argv[3:]])
data = bytearray(4)
for exporter in data, memoryview(data), b"abc":
    for _ in range(3):
        mistakes.right(exporter)
        bytes(memoryview(exporter))
    mistakes.right_by_parsing("text")
mistakes.right(mistakes.Wrong())
print("done")

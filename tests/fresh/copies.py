"""Copies into memory that nobody has touched yet, in a sandbox that refuses system calls. Arguments: the number of the error,
or 0 to end the process, and the numbers of the system calls."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import sandbox

N = 2000
data = bytes(range(251)) * (N * N // 251 + 1)
grid = memoryview(data)[:N * N].cast("B", (N, N))
sandbox.refuse(int(sys.argv[1]), [int(number) for number in sys.argv[2:]])
transposed = grid.tobytes("F")
assert all(transposed[column * N:(column + 1) * N] == data[column:N * N:N] for column in range(N))
assert grid.tobytes() == data[:N * N]
print("done")

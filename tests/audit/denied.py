"""The audit in a sandbox that refuses system calls: nobody is wrongly accused, mistakes are reported, and the program goes
on. Arguments: the folder of mistakes.so, the number of the error, and the numbers of the system calls."""

import ctypes
import struct
import sys

sys.path.insert(0, sys.argv[1])
import mistakes

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
ERRNO, ALLOW = 0x00050000, 0x7FFF0000


def deny(error, calls):
    """Makes these system calls fail with an error from now on."""
    program = [(LOAD, 0, 0, 0)]
    for number in calls:
        program += [(EQUAL, 0, 1, number), (RETURN, 0, 0, ERRNO | error)]
    program.append((RETURN, 0, 0, ALLOW))
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in program))
    libc = ctypes.CDLL(None, use_errno=True)
    head = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program), ctypes.addressof(code)))
    assert libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    assert libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, head, 0, 0) == 0, ctypes.get_errno()


deny(int(sys.argv[2]), [int(number) for number in sys.argv[3:]])
data = bytearray(4)
for exporter in data, memoryview(data), b"abc":
    for _ in range(3):
        mistakes.right(exporter)
        bytes(memoryview(exporter))
    mistakes.right_by_parsing("text")
mistakes.right(mistakes.Wrong())
print("done")

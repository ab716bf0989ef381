"""Refuses system calls from now on, as a sandbox does: by an error, or by the end of the process (SIGSYS)."""

import ctypes
import struct

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
ERRNO, ALLOW, KILL = 0x00050000, 0x7FFF0000, 0x80000000


def refuse(error, calls):
    """Makes the system calls of these numbers fail with an error, or end the process if the error is 0."""
    answer = ERRNO | error if error else KILL
    program = [(LOAD, 0, 0, 0)]
    for number in calls:
        program += [(EQUAL, 0, 1, number), (RETURN, 0, 0, answer)]
    program.append((RETURN, 0, 0, ALLOW))
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in program))
    libc = ctypes.CDLL(None, use_errno=True)
    head = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program), ctypes.addressof(code)))
    assert libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    assert libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, head, 0, 0) == 0, ctypes.get_errno()

"""Runs a command where the machine refuses something, as containers, other users' trees and small machines do:

    python3 ci/environments.py NAME[=NUMBER] COMMAND [ARGUMENT...]

Tests start it. 77 where this machine cannot be made so."""

import ctypes
import errno
import os
import platform
import resource
import sys

NOBODY = 65534
LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS, MS_PRIVATE_RECURSIVE, MNT_DETACH = 0x20000, 0x44000, 2
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
PTRACE = {"x86_64": 101, "aarch64": 117}
MEMFD_CREATE = {"x86_64": 319, "aarch64": 279}
ALLOW, DENY = 0x7FFF0000, 0x00050000  # with an error


class NotHere(Exception):
    pass


def check(answer):
    if answer != 0:
        raise NotHere(os.strerror(ctypes.get_errno()))


class Instruction(ctypes.Structure):
    _fields_ = [("code", ctypes.c_uint16), ("if_true", ctypes.c_uint8), ("if_false", ctypes.c_uint8),
                ("value", ctypes.c_uint32)]


class Filter(ctypes.Structure):
    _fields_ = [("length", ctypes.c_uint16), ("instructions", ctypes.POINTER(Instruction))]


def refuse(numbers, error):
    """A seccomp filter as that of a container: load the number of the system call; if it is this one, `error`."""
    if platform.machine() not in numbers:
        raise NotHere(f"no number of the system call is known for {platform.machine()}")
    program = (Instruction * 4)(Instruction(0x20, 0, 0, 0), Instruction(0x15, 0, 1, numbers[platform.machine()]),
                                Instruction(0x06, 0, 0, DENY | error), Instruction(0x06, 0, 0, ALLOW))
    check(LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    check(LIBC.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(Filter(4, program)), 0, 0))


def no_ptrace():
    refuse(PTRACE, errno.EPERM)


def no_memfd():
    """As before Linux 3.17."""
    refuse(MEMFD_CREATE, errno.ENOSYS)


def nobody():
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)


def no_fork():
    """As nobody, since root may fork nevertheless."""
    nobody()
    resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))


def few_files(number=16):
    resource.setrlimit(resource.RLIMIT_NOFILE, (number, number))


def little_memory():
    """Less than the shadow of AddressSanitizer takes."""
    resource.setrlimit(resource.RLIMIT_AS, (1 << 32, 1 << 32))


def no_proc():
    check(LIBC.unshare(CLONE_NEWNS))
    check(LIBC.mount(None, b"/", None, MS_PRIVATE_RECURSIVE, None))
    check(LIBC.umount2(b"/proc", MNT_DETACH))


ENVIRONMENTS = {f.__name__: f for f in (no_ptrace, no_memfd, nobody, no_fork, few_files, little_memory, no_proc)}


def main():
    arguments = sys.argv[1:]
    name, _, number = (arguments or [""])[0].partition("=")
    if name in ("-h", "--help"):
        print(f"{__doc__}\nNAME is one of {', '.join(ENVIRONMENTS)}.")
        return 0
    command = arguments[1:]
    if name not in ENVIRONMENTS or not command or not (number.isdecimal() or not number):
        said = " ".join(arguments)
        print(f"ci/environments.py: {said}: no NAME[=NUMBER] COMMAND; --help tells the names", file=sys.stderr)
        return 2
    try:
        ENVIRONMENTS[name](*map(int, number.split()))
    except (NotHere, OSError) as error:
        print(f"{name} is not possible here: {error}", file=sys.stderr)
        return 77
    os.execvp(command[0], command)


if __name__ == "__main__":
    sys.exit(main())

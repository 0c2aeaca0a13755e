"""Only one command at a time works in a folder; others are told which one."""

import fcntl
import os
import shlex
import time

from shared.command import CannotWork
from shared.text import shown_path


class Taken(CannotWork):
    """Says which command uses the folder, and what to do."""


def take(folder, command):
    """Locks the folder, which is made if need be, while the file is open. The file says by which command."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = open(folder / "lock", "a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        owner = " ".join(lock.read().split())
        lock.close()
        raise Taken(f"another command is at work in {shown_path(folder)}: {owner}; "
                    "wait for it, or end it with Ctrl-C or kill") from None
    lock.truncate(0)
    lock.write(f"pid {os.getpid()}, started {time.strftime('%Y-%m-%d %H:%M:%S')}\n: {shlex.join(command)}\n")
    lock.flush()
    return lock

"""Running other programs so that a signal to this one ends them, and nothing that they found is lost."""

import ctypes
import errno
import os
import pathlib
import signal
import subprocess
import time

from shared.command import CannotWork, Stopped

LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1
PATIENCE_SECONDS = 10


class CannotStart(CannotWork):
    """Why another program cannot be started."""


class Requests:
    """
    Counts the requests to end. Work in progress polls this, so nothing is interrupted in the middle.

    After the first request, PATIENCE_SECONDS in all remain to find out what must still be known about finds.
    """

    def __init__(self):
        self.count = 0
        self.out_of_patience_at = None

    def note(self, *_):
        if not self.count:
            self.out_of_patience_at = time.monotonic() + PATIENCE_SECONDS
        self.count += 1

    @property
    def out_of_patience(self):
        return self.count > 0 and time.monotonic() >= self.out_of_patience_at

    def check(self, doing):
        if self.count:
            raise Stopped(f"stopped by a signal while {doing}")


class Signals(Requests):
    """Ctrl-C, SIGTERM and the closing of the terminal are such requests."""

    def __init__(self):
        super().__init__()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.note)
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # nohup means it
            signal.signal(signal.SIGHUP, self.note)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))


def start(command, when_orphaned=signal.SIGTERM, first=lambda: None, **options):
    """A child in a session of its own, so that Ctrl-C in the terminal reaches only this program. It gets the signal
    `when_orphaned` when this one, or the thread that has started it, ends. `first` is called before the program."""
    parent = os.getpid()

    def end_with_parent():
        LIBC.prctl(PR_SET_PDEATHSIG, when_orphaned)
        if os.getppid() != parent:  # killed just before
            os.kill(os.getpid(), when_orphaned)
        first()
    try:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=end_with_parent, **options)
    except (OSError, subprocess.SubprocessError) as error:
        limits = getattr(error, "errno", None) in (errno.EAGAIN, errno.EMFILE, errno.ENFILE, errno.ENOMEM)
        reason = getattr(error, "strerror", None) or str(error)
        reason += "; raise the limits of this shell (ulimit -a)" if limits else ""
        raise CannotStart(f"{os.fspath(command[0])} cannot be started: {reason}") from None


def can_see_processes():
    return pathlib.Path("/proc/self/environ").exists()


def processes_with(variable, accept):
    """The pids of living processes whose environment has the variable, with a value that is accepted."""
    found = []
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "environ").read_bytes().split(b"\0")  # of a dead process it is empty
        except OSError:  # gone meanwhile, or somebody else's
            continue
        if any(accept(os.fsdecode(w.partition(b"=")[2])) for w in words if w.partition(b"=")[0] == variable.encode()):
            found.append(int(folder.name))
    return found


def end_processes_with(variable, accept, seconds=10):
    """Kills them. Returns how many there were; those that are still there after the time raise an OSError."""
    begin, ended = time.monotonic(), set()
    while pids := processes_with(variable, accept):
        if time.monotonic() > begin + seconds:
            raise OSError(f"processes {pids} do not end")
        for pid in pids:
            ended.add(pid)
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.05)
    return len(ended)


def children_of(pid):
    """The pids of a process's children and of theirs, those that have no child themselves last."""
    try:
        children = [int(c) for c in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
    return children + [c for child in children for c in children_of(child)]


def signal_group(process, number):
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        pass


def kill(process):
    for number, seconds in ((signal.SIGTERM, 3), (signal.SIGKILL, None)):
        signal_group(process, number)
        try:
            process.wait(seconds)
            return
        except subprocess.TimeoutExpired:
            pass


def run(command, signals, seconds=None, **options):
    """(exit code, output if piped). A signal, or the end of the time, ends it at once: then the code is None."""
    process, end = start(command, **options), None if seconds is None else time.monotonic() + seconds
    while True:
        try:
            output, _ = process.communicate(timeout=0.1)
            return process.returncode, output
        except subprocess.TimeoutExpired:
            pass
        if signals.count or (end and time.monotonic() >= end):
            kill(process)
            return None, process.communicate()[0]

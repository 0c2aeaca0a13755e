"""Running other programs so that a signal to this one ends them, and nothing that they found is lost."""

import ctypes
import os
import pathlib
import signal
import subprocess
import time

LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1


class Signals:
    """Counts the requests to end. What is under way looks here; nothing is interrupted in the middle."""

    def __init__(self):
        self.count = 0
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._note)
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # nohup means it
            signal.signal(signal.SIGHUP, self._note)

    def _note(self, *_):
        self.count += 1


def start(command, when_orphaned=signal.SIGTERM, **options):
    """A child in a session of its own, so that Ctrl-C in the terminal reaches only this program. It gets the signal
    `when_orphaned` when this one is killed."""
    parent = os.getpid()

    def end_with_parent():
        LIBC.prctl(PR_SET_PDEATHSIG, when_orphaned)
        if os.getppid() != parent:  # killed just before
            os.kill(os.getpid(), when_orphaned)
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=end_with_parent, **options)


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
    """(exit code, output if piped). The code is None if the time was up, or a signal came meanwhile; without `signals` none is heard."""
    before, waited = signals and signals.count, 0.0
    process = start(command, **options)
    while True:
        try:
            output, _ = process.communicate(timeout=0.1)
            return process.returncode, output
        except subprocess.TimeoutExpired:
            waited += 0.1
        if (signals and signals.count > before) or (seconds and waited >= seconds):
            kill(process)
            return None, process.communicate()[0]

"""Runs programs, several at once, each with a limited time of a processor: a slow machine changes no verdict."""

import collections
import concurrent.futures
import contextlib
import os
import resource
import signal
import subprocess
import tempfile
import threading
import time

from shared import child_process
from shared.command import Stopped

# `code`: None where the time was not enough. `said`: what it wrote to both outputs. `processor`: seconds of one, of it
# and of those of its children that it waited for.
End = collections.namedtuple("End", "code said seconds processor")
CLOCK = 10  # seconds of a clock for each of a processor
_running, _is_over, _lock = set(), threading.Event(), threading.Lock()


def run(words, environment, seconds):
    """In a folder of its own, `seconds` of a processor for each process. Ends what it has started."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as out:
        with _lock:
            if _is_over.is_set():
                raise Stopped("stopped by a signal before its work was done")
            process = child_process.start(words, signal.SIGKILL, lambda: limits(seconds), cwd=folder, env=environment,
                                          stdout=out, stderr=subprocess.STDOUT)
            _running.add(process)
        try:
            code, processor = _wait(process, CLOCK * seconds)
        finally:
            child_process.signal_group(process, signal.SIGKILL)
            process.wait()
            with _lock:
                _running.discard(process)
        out.seek(0)
        said = out.read(1 << 22).decode(errors="replace")
    if _is_over.is_set():
        raise Stopped("stopped by a signal before its work was done")
    if code == -signal.SIGXCPU or (code == 2 and "SIGXCPU" in said):
        code = None
    return End(code, said, time.monotonic() - began, processor)


def _wait(process, seconds):
    """Its exit status, or None after so many seconds, and what it took of a processor."""
    until, done = time.monotonic() + seconds, 0
    while not done:
        if time.monotonic() > until:
            return None, 0.0
        time.sleep(0.01)
        done, status, usage = os.wait4(process.pid, os.WNOHANG)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage.ru_utime + usage.ru_stime


@contextlib.contextmanager
def pool(jobs):
    """Threads for run(). An exception, such as Ctrl-C is, ends the programs at once, and no other begins."""
    threads = concurrent.futures.ThreadPoolExecutor(jobs)
    try:
        yield threads
    except BaseException:
        with _lock:
            _is_over.set()
            for process in _running:
                child_process.signal_group(process, signal.SIGKILL)
        raise
    finally:
        threads.shutdown(cancel_futures=True)
        _is_over.clear()


def limits(seconds):
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (round(seconds), round(seconds) + 2))
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 << 20, 64 << 20))

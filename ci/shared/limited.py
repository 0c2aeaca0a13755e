"""Runs programs, several at once, each with a limited time of a processor: a slow machine changes no verdict."""

import collections
import concurrent.futures
import contextlib
import resource
import signal
import subprocess
import tempfile
import threading
import time

from shared import child_process
from shared.command import Stopped

# `code`: None where the time was not enough. `said`: what it wrote to both outputs.
End = collections.namedtuple("End", "code said seconds")
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
            code = process.wait(CLOCK * seconds)
        except subprocess.TimeoutExpired:
            code = None
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
    return End(code, said, time.monotonic() - began)


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

"""A process that fuzzes a target: what all engines have in common."""

import collections
import os
import signal
import struct
import time

from campaign.engines.record import Record
from shared import child_process

STUCK_SECONDS = 5
LOG_BYTES = 1 << 20
STATISTICS = "SLABPROOF_STATS"  # names the counters of a worker; also identifies the worker's processes


class Worker:
    """
        waiting ──start──→ running ──its own end──→ pausing ──pause over──→ waiting
                              └────── end_all ───────→ waiting
    A crash ends libFuzzer's process. The pause after it grows while crashes follow one another, so that a bug that
    every input triggers does not keep the machine busy with starting processes.

    An engine defines how its process is started and ended, what its log says, and which files are failing inputs.
    """

    WHEN_ORPHANED = signal.SIGTERM
    ENDINGS = ((signal.SIGTERM, 5), (signal.SIGTERM, 2), (signal.SIGKILL, 5))  # three signals, seconds of patience

    def __init__(self, target, index, run, folder):
        self.target, self.index, self.run = target, index, run
        self.binary = folder / target.name
        out = target.out
        self.label = f"{target.name}.{index}" if index else target.name
        self.artifacts = out / "artifacts" / self.label
        self.log = out / "logs" / f"{self.label}.log"
        self.counters = out / "logs" / f"{self.label}.counters"
        self.record = Record(out / "records" / self.label)
        self.process = None
        self.seconds = 0.0  # fuzzed so far
        self.counts = (0, 0)  # inputs and operations so far; the target itself adds to them
        self.pause_until = 0.0
        self.quick_deaths = self.silent_deaths = 0
        self.states = 0  # abstract states seen; a process counts its own, the corpus first
        self.coverage = (None, None, None)
        self.finds = 0  # inputs that showed something new
        self.loaded = self.aborted = False
        self.samples = collections.deque(maxlen=20)  # (time, inputs, operations)

    def prepare(self):
        for folder in (self.artifacts, self.log.parent):
            folder.mkdir(parents=True, exist_ok=True)
        self.counters.write_bytes(bytes(64))

    def start(self, seconds, together):
        """`together` if others serve the same target meanwhile."""
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            self.log.replace(self.log.with_suffix(".old.log"))
        command, environment = self._command(seconds, together)
        with open(self.log, "ab") as log:
            self.log_begin = self.log_read = log.seek(0, os.SEEK_END)
            self.process = child_process.start(
                [*self.run, *command], self.WHEN_ORPHANED, stdout=log, stderr=log,
                env={**os.environ, STATISTICS: str(self.counters), **self.record.environment(self.target.corpus),
                     **environment})
        self.started = self.last_input = time.monotonic()
        self.loaded = self.aborted = False
        self.samples.clear()

    def beside(self, suffix):
        """A file that the build leaves beside some targets, or None."""
        path = f"{self.binary}.{suffix}"
        return path if os.path.exists(path) else None

    @property
    def running(self):
        return self.process is not None

    def rates(self):
        """Inputs and operations a second of late, or None."""
        if len(self.samples) < 2:
            return None
        (begin, *before), (end, *after) = self.samples[0], self.samples[-1]
        return [(b - a) / (end - begin) for a, b in zip(before, after)]

    def observe(self):
        now = time.monotonic()
        with open(self.counters, "rb") as file:
            *counts, states = struct.unpack("<3Q", file.read(24))
        self.counts, self.states = tuple(counts), max(self.states, states)
        if not self.samples or self.counts != self.samples[-1][1:]:
            self.last_input = now
        self.samples.append((now, *self.counts))
        with open(self.log, "rb") as log:
            log.seek(self.log_read)
            news = log.read()
        complete = news.rfind(b"\n") + 1
        self.log_read += complete
        self._read(news[:complete])

    def printed(self, limit=1 << 16):
        """What the process printed, the last `limit` bytes of it at most."""
        with open(self.log, "rb") as log:
            log.seek(max(self.log_begin, self.log.stat().st_size - limit))
            return log.read()

    def collect(self):
        """The exit code of a process that has ended. The next call is the next process's."""
        code, self.process = self.process.poll(), None
        child_process.end_processes_with(STATISTICS, str(self.counters).__eq__)  # if it has left any
        self.observe()
        lived = time.monotonic() - self.started
        self.seconds += lived
        self.quick_deaths = self.quick_deaths + 1 if lived < 10 else 1
        self.pause_until = time.monotonic() + min(0.5, 0.05 * 2 ** self.quick_deaths)
        self.samples.clear()
        return code

    def abort_input(self):
        """Makes the engine save an input that does not end."""
        child_process.signal_group(self.process, signal.SIGABRT)


def end_all(workers):
    """Ends the running processes, after the input that each is at. A death under way is waited for."""
    for step in range(3):
        alive = [w for w in workers if w.running and w.process.poll() is None]
        patience = 0
        for worker in alive:
            number, seconds = worker.ENDINGS[step]
            dying = stuck = False
            try:
                worker.observe()
                dying = worker.dying()
                stuck = time.monotonic() - worker.last_input > STUCK_SECONDS
            except OSError:  # it must end even if its files cannot be read
                pass
            if dying and number != signal.SIGKILL:
                seconds = 20
            elif stuck and step == 0:
                # There is no time to wait for the engine's own limit.
                worker.aborted = True
                worker.abort_input()
            else:
                child_process.signal_group(worker.process, number)
            patience = max(patience, seconds)
        deadline = time.monotonic() + patience
        while any(w.process.poll() is None for w in alive) and time.monotonic() < deadline:
            time.sleep(0.05)

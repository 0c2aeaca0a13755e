"""A libFuzzer target over a whole run of ci/fuzz: its folders, its process while it has one, its counters."""

import collections
import hashlib
import math
import os
import re
import shutil
import signal
import struct
import time

import child_process

INPUT_SECONDS = 25
INPUT_MEGABYTES = 2560
STUCK_SECONDS = 5
STATUS = re.compile(rb"^#\d+\s+\w+\s+(?:cov: (\d+) )?ft: (\d+) corp: (\d+)/", re.MULTILINE)
DEATH = re.compile(r".*(?:ERROR: \w+Sanitizer|ERROR: libFuzzer|: runtime error: ).*")
LOG_BYTES = 1 << 20


def sha1(data):
    return hashlib.sha1(data).hexdigest()


class Target:
    """
        waiting ──start──→ running ──its own end──→ pausing ──pause over──→ waiting
                              └────── end_all ───────→ waiting
    A crash ends libFuzzer's process. The pause after it grows while crashes come one upon the other,
    so that a bug that every input meets does not fill the disk with reports.
    """

    def __init__(self, name, max_len, command, out):
        self.name, self.max_len, self.command = name, max_len, command
        self.corpus = out / "corpus" / name
        self.set_aside = out / "set-aside" / name  # inputs of the corpus that fail for now
        self.seeds = out / "seeds" / name
        self.artifacts = out / "artifacts" / name
        self.log = out / "logs" / f"{name}.log"
        self.counters = out / "logs" / f"{name}.counters"
        self.process = None
        self.seconds = 0.0  # fuzzed so far
        self.counts = (0, 0)  # inputs and operations so far; the target itself adds to them
        self.pause_until = 0.0
        self.quick_deaths = self.silent_deaths = 0
        self.crashes = 0
        self.states = 0  # abstract states seen; a process counts its own, the corpus first
        self.coverage = (None, None, None)  # libFuzzer's cov, ft and corp
        self.samples = collections.deque(maxlen=20)  # (time, inputs, operations)

    def prepare(self):
        shutil.rmtree(self.seeds, ignore_errors=True)
        for folder in (self.corpus, self.set_aside, self.seeds, self.artifacts, self.log.parent):
            folder.mkdir(parents=True, exist_ok=True)
        self.counters.write_bytes(bytes(64))

    def add_seed(self, data):
        (self.seeds / sha1(data)).write_bytes(data)

    def start(self, seconds):
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            self.log.replace(self.log.with_suffix(".old.log"))
        words = f"{self.command[-1]}.dict"  # the build leaves it beside a target that has one
        dictionary = [f"-dict={words}"] if os.path.exists(words) else []
        with open(self.log, "ab") as log:
            self.log_begin = self.log_read = log.seek(0, os.SEEK_END)
            self.process = child_process.start(
                [*self.command, f"-max_len={self.max_len}", f"-timeout={INPUT_SECONDS}",
                 f"-report_slow_units={INPUT_SECONDS}", f"-rss_limit_mb={INPUT_MEGABYTES}", "-reload=1",
                 # Quick inputs first; and what leaks is found by the harness, which wants everything back.
                 "-entropic_scale_per_exec_time=1", "-detect_leaks=0",
                 "-print_funcs=0", *dictionary,
                 # It is ended from here; this is for the case that nobody is left to do it.
                 f"-max_total_time={math.ceil(seconds) + 2 * INPUT_SECONDS}",
                 f"-artifact_prefix={self.artifacts}/", self.corpus, self.seeds],
                stdout=log, stderr=log, env={**os.environ, "SLABPROOF_STATS": str(self.counters)})
        self.started = self.last_input = time.monotonic()
        self.loaded = self.aborted = False
        self.samples.clear()

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
        self.loaded = self.loaded or b"\tINITED" in news
        if lines := STATUS.findall(news[:complete]):
            self.coverage = tuple(int(n) if n else None for n in lines[-1])

    def last_words(self, limit=1 << 16):
        """What the process printed since it last told how it goes, the last `limit` bytes of it at most."""
        with open(self.log, "rb") as log:
            log.seek(max(self.log_begin, self.log.stat().st_size - limit))
            words = log.read()
        statuses = list(STATUS.finditer(words))
        begin = words.find(b"\n", statuses[-1].end()) + 1 if statuses else 0
        return words[begin:].decode(errors="replace")

    def collect(self):
        """The exit code of a process that has ended, and the files of the inputs that ended it."""
        code, self.process = self.process.poll(), None
        self.observe()
        lived = time.monotonic() - self.started
        self.seconds += lived
        self.quick_deaths = self.quick_deaths + 1 if lived < 10 else 1
        self.pause_until = time.monotonic() + min(5.0, 0.1 * 2 ** self.quick_deaths)
        self.samples.clear()
        return code, sorted(self.artifacts.iterdir())

    def drop_from_corpus(self, failing):
        """Takes an input that libFuzzer died of while it loaded them out of its way, until it passes again."""
        for folder in (self.corpus, self.seeds):
            for file in folder.iterdir():
                if file.read_bytes()[:self.max_len] == failing:
                    if folder is self.corpus:
                        file.replace(self.set_aside / file.name)
                    else:
                        file.unlink()
                    # Nothing is learnt from waiting: the next start meets another input.
                    self.pause_until = 0.0


def end_all(targets):
    """Ends the running processes, after the input that each is at. A death under way is waited for."""
    for number, patience in ((signal.SIGUSR1, 3), (signal.SIGTERM, 2), (signal.SIGKILL, 5)):
        alive = [t for t in targets if t.running and t.process.poll() is None]
        for target in alive:
            dying = stuck = False
            try:
                target.observe()
                dying = DEATH.search(target.last_words()) is not None
                stuck = time.monotonic() - target.last_input > STUCK_SECONDS
            except OSError:  # without its files it is ended all the same
                pass
            if dying and number != signal.SIGKILL:
                patience = 20
            elif stuck and number == signal.SIGUSR1:
                # There is no time left for libFuzzer's limit; SIGABRT makes it save an input that does not end.
                target.aborted = True
                child_process.signal_group(target.process, signal.SIGABRT)
            else:
                child_process.signal_group(target.process, number)
        deadline = time.monotonic() + patience
        while any(t.process.poll() is None for t in alive) and time.monotonic() < deadline:
            time.sleep(0.05)

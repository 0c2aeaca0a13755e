"""AFL++ as a worker of ci/fuzz. It continues after a crash. Its finds are taken into the corpus when it has ended, or
by the next run if this one could not."""

import itertools
import math
import os
import re
import shutil
import signal
import subprocess

from campaign.engines.last_words import LastWords
from campaign.engines.worker import Worker
from shared import child_process, targets
from shared.files import sha1

# Silences AFL++'s demands on the system, and allows for the start-up time of a loaded machine.
ENVIRONMENT = {
    "AFL_NO_UI": "1", "AFL_SKIP_CPUFREQ": "1", "AFL_NO_AFFINITY": "1", "AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES": "1",
    "AFL_FORKSRV_INIT_TMOUT": "60000", "AFL_FAST_CAL": "1", "AFL_NO_CRASH_README": "1", "AFL_IGNORE_UNKNOWN_ENVS": "1",
}
SANITIZERS = "abort_on_error=1:symbolize=0:detect_leaks=0"  # afl-fuzz insists on the first two
DRY_RUN = re.compile(rb"Attempting dry run with '[^']*,orig:([^']+)'")
SEED_FAILS = re.compile(rb"results in a (crash|timeout)")


class Afl(Worker):
    NAME = "AFL++"
    PRESET = "afl"
    # A second request would interrupt its response to the first.
    ENDINGS = ((signal.SIGTERM, 5), (signal.SIGTERM, 5), (signal.SIGKILL, 5))

    def __init__(self, target, index, run, folder):
        super().__init__(target, index, run, folder)
        self.folder = target.out / "afl" / target.name
        self.input = self.folder / f"input.{index}"
        self.instances = self.folder / "instances"
        self.seen = set()  # failing inputs, which may have been half written when they were

    def prepare(self):
        super().prepare()
        if self.index == 0:  # of a run that was killed
            for instance in sorted(self.instances.glob("*")):
                self._empty(instance)

    def _command(self, seconds, together):
        name = f"worker{self.index}" if together else "default"
        self.instance = self.instances / name
        self._empty(self.instance)
        self._link_inputs()
        self.trying = None
        words = self.beside("dict")
        mutator = self.beside("mutator.so")
        milliseconds = 1000 * targets.INPUT_SECONDS
        role = ["-M" if self.index == 0 else "-S", name] if together else []
        return (["afl-fuzz", "-i", self.input, "-o", self.instances, *role, "-t", str(milliseconds),
                 "-G", str(self.target.max_len), *(["-x", words] if words else []),
                 "-V", str(math.ceil(seconds) + 2 * targets.INPUT_SECONDS), "--", self.binary],
                {**ENVIRONMENT, "AFL_HANG_TMOUT": str(milliseconds), "ASAN_OPTIONS": SANITIZERS,
                 "UBSAN_OPTIONS": SANITIZERS, **({"AFL_CUSTOM_MUTATOR_LIBRARY": mutator} if mutator else {})})

    def _link_inputs(self):
        """afl-fuzz reads one folder, and needs at least one usable file in it."""
        shutil.rmtree(self.input, ignore_errors=True)
        self.input.mkdir(parents=True)
        self.instances.mkdir(exist_ok=True)
        for file in itertools.chain(self.target.corpus.iterdir(), self.target.seeds.iterdir()):
            if file.name[0] != "." and file.is_file() and not (
                self.input / file.name).exists() and file.stat().st_size > 0:
                os.link(file, self.input / file.name)
        (self.input / "zero").write_bytes(b"\0")

    def _empty(self, instance):
        """Moves the contents of an instance's folder to where they belong, and removes the folder."""
        for file in sorted(instance.glob("queue/id:*")):
            if ",orig:" in file.name or ",sync:" in file.name:
                continue
            if data := file.read_bytes()[:self.target.max_len]:
                try:
                    os.link(file, self.target.corpus / sha1(data))
                    self.finds += 1
                except FileExistsError:
                    pass
        for file in _failing(instance):
            file.replace(self.artifacts / file.name)
        shutil.rmtree(instance, ignore_errors=True)

    def _read(self, news):
        for line in news.splitlines():
            if found := DRY_RUN.search(line):
                self.trying = os.fsdecode(found[1])
            elif self.trying and (fails := SEED_FAILS.search(line)):
                self._set_aside(self.input / self.trying, "hang" if fails[1] == b"timeout" else "crash")
                self.trying = None
            elif b"All test cases processed" in line:
                self.loaded, self.trying = True, None

    def _set_aside(self, file, what):
        """Moves a failing input of the corpus to the artifacts, since afl-fuzz only reports it."""
        if file.exists() and file.name != "zero":
            self.target.drop_from_corpus(file.read_bytes())
            file.replace(self.artifacts / f"{what}-{file.name}")

    def observe(self):
        super().observe()
        try:
            statistics = dict(
                re.findall(r"^(\w+) +: (.*)$", (self.instance / "fuzzer_stats").read_text(), re.MULTILINE))
            self.coverage = (int(statistics["edges_found"]), None, int(statistics["corpus_count"]))
        except (OSError, KeyError, ValueError):  # not there yet, or being written
            pass
        for pid in self._children():
            try:
                with open(f"/proc/{pid}/statm") as file:
                    resident = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
                if resident > targets.INPUT_MEGABYTES << 20:
                    os.kill(pid, signal.SIGABRT)  # afl-fuzz itself has no memory limit that works with ASan
            except (OSError, IndexError):
                pass

    def collect(self):
        code = super().collect()
        self._empty(self.instance)
        return code

    def _children(self):
        """The processes that run inputs: the last one, and while it is made also the fork server."""
        return child_process.children_of(self.process.pid)[-1:] if self.running else []

    def abort_input(self):
        for pid in self._children():
            os.kill(pid, signal.SIGABRT)
        child_process.signal_group(self.process, signal.SIGTERM)

    def last_words(self):
        return self.printed(4096).decode(errors="replace")

    def words_about(self, artifact, signals):
        """What the target prints when it runs the input again, since afl-fuzz keeps no output."""
        options = f"{SANITIZERS}:symbolize=1:handle_abort=1:hard_rss_limit_mb={targets.INPUT_MEGABYTES}"
        code, output = child_process.run(
            [*self.run, self.binary, artifact], signals, targets.INPUT_SECONDS, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, env={**os.environ, "ASAN_OPTIONS": options, "UBSAN_OPTIONS": options})
        words = output.decode(errors="replace")
        what = {0: "passes when it is run again", None: "was not run again" if signals.count else "timeout"}.get(
            code, f"ends with exit code {code}")
        if "rss limit exhausted" in words:
            what = "out-of-memory"
        return LastWords(f"{words}\n", f"AFL++: {what}")

    def dying(self):
        return False

    def failing(self):
        """The files of failing inputs, for the caller to remove. The newest only once they are complete."""
        if not self.running:
            return sorted(self.artifacts.iterdir())
        files = set(_failing(self.instance))
        whole, self.seen = files & self.seen, files
        return sorted([*whole, *self.artifacts.iterdir()])


def _failing(instance):
    return [file for kind in ("crashes", "hangs") for file in sorted(instance.glob(f"{kind}/id:*"))]

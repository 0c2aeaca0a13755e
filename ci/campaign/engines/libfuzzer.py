"""libFuzzer as a worker of ci/fuzz. It ends at each crash; its finds are in the corpus at once."""

import math
import re
import signal

from campaign.engines.last_words import LastWords
from campaign.engines.worker import Worker
from shared import targets

STATUS = re.compile(rb"^#\d+\s+(\w+)\s+(?:cov: (\d+) )?ft: (\d+) corp: (\d+)/", re.MULTILINE)


def limits(target, artifacts):
    return [f"-max_len={target.max_len}", f"-timeout={targets.INPUT_SECONDS}",
            f"-rss_limit_mb={targets.INPUT_MEGABYTES}", "-detect_leaks=0", f"-artifact_prefix={artifacts}/"]


class LibFuzzer(Worker):
    NAME = "libFuzzer"
    PRESET = "fuzz"
    WHEN_ORPHANED = signal.SIGKILL  # asked to end, it sometimes hangs at the very end; its finds are in files
    ENDINGS = ((signal.SIGUSR1, 3), (signal.SIGTERM, 2), (signal.SIGKILL, 5))

    def _command(self, seconds, together):
        words = self.beside("dict")
        return [self.binary, *limits(self.target, self.artifacts),
                f"-report_slow_units={targets.INPUT_SECONDS}", "-reload=1",
                # Quick inputs first. Leaks are found by the harness, which expects all memory back.
                "-entropic_scale_per_exec_time=1",
                # It must not replace an input by a smaller one, which would be empty on a full disk; a merge does that.
                "-reduce_inputs=0",
                "-print_funcs=0", *([f"-dict={words}"] if words else []),
                # This command ends it; the limit is for the case that the command has died.
                f"-max_total_time={math.ceil(seconds) + 2 * targets.INPUT_SECONDS}",
                self.target.corpus, self.target.seeds], {}

    def _read(self, news):
        lines = STATUS.findall(news)
        for kind, *numbers in lines:
            self.loaded = self.loaded or kind == b"INITED"
            self.finds += kind == b"NEW"
            self.coverage = tuple(int(n) if n else None for n in numbers)

    def last_words(self, limit=1 << 16):
        """What the process printed since its last status line, at most the last `limit` bytes."""
        words = self.printed(limit)
        statuses = list(STATUS.finditer(words))
        begin = words.find(b"\n", statuses[-1].end()) + 1 if statuses else 0
        return words[begin:].decode(errors="replace")

    def words_about(self, artifact, signals):
        return LastWords(self.last_words())

    def dying(self):
        return LastWords(self.last_words()).tell_of_death

    def failing(self):
        """The files of the inputs that it saved, for the caller to remove. None before its end."""
        return [] if self.running else sorted(self.artifacts.iterdir())

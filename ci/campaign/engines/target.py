"""A fuzz target during a whole run of ci/fuzz: its folders, and what its workers have done together."""

import shutil
import time

from shared.files import sha1


class Target:
    def __init__(self, name, kind, out, engine):
        self.name, self.out, self.engine = name, out, engine
        self.max_len, self.input = kind
        self.corpus = out / "corpus" / name  # of every engine
        self.set_aside = out / "set-aside" / name  # inputs of the corpus that fail for now
        self.seeds = out / "seeds" / name
        self.workers = []
        self.crashes = 0
        self.barren_seconds = 0.0  # fuzzed since the last find

    def prepare(self):
        shutil.rmtree(self.seeds, ignore_errors=True)
        for folder in (self.corpus, self.set_aside, self.seeds):
            folder.mkdir(parents=True, exist_ok=True)
        for worker in self.workers:
            worker.prepare()

    def add_seed(self, data):
        (self.seeds / sha1(data)).write_bytes(data)

    @property
    def seconds(self):
        """Fuzzed so far."""
        return sum(w.seconds + (time.monotonic() - w.started if w.running else 0) for w in self.workers)

    @property
    def counts(self):
        """Inputs and operations so far."""
        return tuple(map(sum, zip(*(w.counts for w in self.workers))))

    @property
    def states(self):
        return max(w.states for w in self.workers)

    @property
    def coverage(self):
        """cov, ft and the size of the corpus, of the worker that has the most."""
        return [max((n for n in column if n is not None), default=None)
                for column in zip(*(w.coverage for w in self.workers))]

    @property
    def finds(self):
        return self.crashes + sum(w.finds for w in self.workers)

    def rates(self):
        """Inputs and operations a second, recently."""
        return tuple(map(sum, zip((0, 0), *(rates for w in self.workers if (rates := w.rates())))))

    def drop_from_corpus(self, failing):
        """Sets aside an input of the corpus that a worker died of while loading, until it passes again. Even a hidden
        one, which is otherwise left alone, since no worker could get past it."""
        for folder in (self.corpus, self.seeds):
            for file in folder.iterdir():
                if file.is_file() and file.read_bytes()[:self.max_len] == failing:
                    if folder is self.corpus:
                        file.replace(self.set_aside / file.name)
                    else:
                        file.unlink()
                    # Waiting is pointless: the next start meets another input.
                    for worker in self.workers:
                        worker.pause_until = 0.0

"""Watches the processes of a run and collects the failing inputs that they leave."""

import time

from campaign.engines.last_words import LastWords
from campaign.engines.record import records_of
from campaign.engines.worker import end_all
from shared.command import CannotWork
from shared.text import shown_path

SILENT_DEATHS = 3  # one after the other, of a process that leaves no failing input


class Harvest:
    def __init__(self, out, crashes, signals, say):
        self.out, self.crashes, self.signals, self.say = out, crashes, signals, say
        self.problems = []  # what went wrong, in sentences
        self.cannot_run = set()  # workers

    def take_leftovers(self, targets):
        """Takes the failing inputs that a killed run had not taken."""
        for target in targets:
            folders = (self.out / "artifacts").glob(f"{target.name}*")
            left = [f for folder in folders if folder.name.split(".")[0] == target.name for f in folder.iterdir()]
            self.take_all(target, left, "the run was killed", engine="", records=records_of(target))

    def take_all(self, target, artifacts, what, engine, records=()):
        for artifact in sorted(artifacts):
            words = LastWords(f"nothing, {what}\n", f"nothing, {what}")
            if self.crashes.take(target.name, artifact, words, perhaps_slow=False, engine=engine, records=records):
                target.crashes += 1

    def attend(self, worker, left, together):
        """Looks after a worker that is to fuzz for `left` more seconds, `together` with others of its target."""
        if worker.running and worker.process.poll() is None:
            worker.observe()
            self._take_failing(worker)
        elif worker.running:
            self._collect(worker)
        elif worker not in self.cannot_run and time.monotonic() >= worker.pause_until:
            worker.start(left, together)

    def finish(self, workers):
        """Ends the running processes and keeps what they found."""
        end_all(workers)
        for worker in workers:
            try:
                if worker.running:
                    self._collect(worker, ended_by_us=True)
                worker.record.clear()
            except (CannotWork, OSError) as error:
                self.problems.append(f"{worker.target.name}: {error}")

    def _take_failing(self, worker):
        """Keeps the failing inputs that a worker has saved. Returns whether there were any."""
        target, files = worker.target, worker.failing()
        for artifact in files:
            words = worker.words_about(artifact, self.signals)
            if not worker.loaded:
                target.drop_from_corpus(artifact.read_bytes())
            if self.crashes.take(target.name, artifact, words, perhaps_slow=worker.aborted, engine=target.engine,
                                 records=[worker.record]):
                target.crashes += 1
        worker.record.forget_old()
        return bool(files)

    def _collect(self, worker, ended_by_us=False):
        """Deals with a process that has ended."""
        code = worker.collect()
        words = worker.last_words()
        found = self._take_failing(worker)
        expected = found or ended_by_us or worker.record.is_full()
        worker.silent_deaths = 0 if expected else worker.silent_deaths + 1
        if worker.silent_deaths >= SILENT_DEATHS:
            self.say("\n".join(words.splitlines()[-20:]))
            self.problems.append(f"{worker.target.name} ends by itself with exit code {code} and no failing input; "
                                 f"read {shown_path(worker.log)}")
            self.cannot_run.add(worker)

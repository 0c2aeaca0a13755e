"""The fuzzing itself: turns of the targets, and what becomes of processes and failing inputs meanwhile."""

import os
import time

import schedule
from command import CannotWork
from corpus import Merge
from crash_files import shown_path
from fuzz_target import end_all
from libfuzzer import LibFuzzer
from progress import clock, number, table
from record import records_of

FREE_BYTES = 8 << 20
SILENT_DEATHS = 3


def check_space(out):
    disk = os.statvfs(out)
    if disk.f_bavail * disk.f_frsize < FREE_BYTES:
        raise CannotWork(f"less than {FREE_BYTES >> 20} MiB are free on the disk of {shown_path(out)}; make room there")


class Fuzzing:
    def __init__(self, out, build, run, targets, crashes, signals, progress):
        self.out, self.build, self.run, self.targets = out, build, run, targets
        self.crashes, self.signals, self.progress = crashes, signals, progress
        self.problems = []  # what went wrong, in sentences
        self.cannot_run = set()  # workers

    @property
    def is_over(self):
        return bool(self.signals.count or self.progress.gone)

    def take_leftovers(self):
        """The failing inputs that a run was killed with."""
        for target in self.targets:
            folders = (self.out / "artifacts").glob(f"{target.name}*")
            left = [f for folder in folders if folder.name.split(".")[0] == target.name for f in folder.iterdir()]
            self._take_all(target, left, "the run was killed", engine="", records=records_of(target))

    def _take_all(self, target, artifacts, what, engine, records=()):
        for artifact in sorted(artifacts):
            if self.crashes.take(target.name, artifact, f"SUMMARY: nothing, {what}", perhaps_slow=False, engine=engine,
                                 records=records):
                target.crashes += 1

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

    def _harvest(self, worker, ended_by_us=False):
        """Sees to a process that has ended."""
        code = worker.collect()
        words = worker.last_words()
        found = self._take_failing(worker)
        worker.silent_deaths = 0 if found or ended_by_us or worker.record.is_full() else worker.silent_deaths + 1
        if worker.silent_deaths >= SILENT_DEATHS:
            self.progress.say("\n".join(words.splitlines()[-20:]))
            self.problems.append(f"{worker.target.name} ends by itself with exit code {code} and no failing input; "
                                 f"read {shown_path(worker.log)}")
            self.cannot_run.add(worker)

    def _attend(self, worker, left, together):
        if worker.running and worker.process.poll() is None:
            worker.observe()
            self._take_failing(worker)
        elif worker.running:
            self._harvest(worker)
        elif worker not in self.cannot_run and time.monotonic() >= worker.pause_until:
            worker.start(left, together)

    def _finish(self, workers, recorder):
        """Ends what runs and keeps what it found."""
        end_all(workers)
        for worker in workers:
            try:
                if worker.running:
                    self._harvest(worker, ended_by_us=True)
                worker.record.clear()
            except (CannotWork, OSError) as error:
                self.problems.append(f"{worker.target.name}: {error}")
        try:
            recorder.look({w.target for w in workers}, at_end=True)
        except OSError as error:
            self.problems.append(str(error))

    def make_small(self, targets):
        """Between turns: the corpora that have grown much."""
        for target in targets:
            merge = Merge(target)
            if merge.is_due() and not self.is_over:
                check_space(self.out)
                artifacts = target.workers[0].artifacts
                binary = self.build / LibFuzzer.PRESET / "bin" / target.name
                self.progress.say(merge.run(self.run, binary, artifacts, self.signals))
                self._take_all(target, artifacts.iterdir(), "it failed in a merge", LibFuzzer.NAME)

    def _lines(self, now, left, rest):
        """What is shown meanwhile: `left` seconds of this turn, and as many as `rest` of those after it."""
        rows = [[f"{clock(left + rest)} left", "turn", "inputs/s", "operations/s", "crashes", "states", "cov", "ft",
                 "corpus"]]
        for target in self.targets:
            serving = any(worker.target is target for worker in now)
            turn = "cannot run" if self.cannot_run.intersection(target.workers) else clock(left) if serving else "waits"
            rates = map(number, target.rates())
            rows.append([target.name, turn, *rates, target.crashes, target.states or None, *target.coverage])
        return table(rows)

    def _turn(self, chosen, length, rest, recorder):
        """Fuzzes those for so long."""
        now = [target.workers[chosen[:index].count(target)] for index, target in enumerate(chosen)]
        end = time.monotonic() + length
        try:
            while time.monotonic() < end and not (self.is_over or self.cannot_run.issuperset(now)):
                check_space(self.out)
                for worker in now:
                    self._attend(worker, end - time.monotonic(), chosen.count(worker.target) > 1)
                recorder.look(set(chosen))
                self.progress.show(lambda: self._lines(now, max(0.0, end - time.monotonic()), rest))
                time.sleep(0.2)
        finally:
            self._finish(now, recorder)

    def fuzz(self, jobs, seconds, recorder):
        weighed = dict.fromkeys(self.targets, 0.0)
        count, length = schedule.turns(len(self.targets), jobs, seconds)
        self.progress.restart()
        try:
            for turn in range(count):
                chosen = schedule.choose(weighed, jobs)
                finds = {t: t.finds for t in chosen}
                rest = (count - turn - 1) * length
                self._turn(chosen, length, rest, recorder)
                for target in finds:
                    target.barren_seconds = 0.0 if target.finds > finds[target] else target.barren_seconds + length
                for target in chosen:
                    weighed[target] += length / schedule.share(target.barren_seconds)
                if rest > schedule.TURN_SECONDS:
                    self.make_small(finds)
                if self.is_over:
                    return
        except (CannotWork, OSError) as error:
            self.problems.append(str(error))
            return
        self.problems += filter(None, map(self._shortfall, self.targets))

    def _shortfall(self, target):
        if self.cannot_run.intersection(target.workers) or target.crashes:
            return None
        if not target.counts[0]:
            return f"{target.name} ran no input in its time; give it more, or read {shown_path(target.workers[0].log)}"
        if target.coverage[0] is None and target.coverage[1] is None:
            return f"{target.name} fuzzed blindly: build what it runs with the guidance that the engine needs"
        return None

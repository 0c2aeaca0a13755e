"""The fuzzing itself, in turns."""

import os
import time

from campaign import schedule
from campaign.corpus import Merge
from campaign.engines.libfuzzer import LibFuzzer
from shared.command import CannotWork
from shared.text import clock, number, shown_path, table

FREE_BYTES = 8 << 20


def check_space(out):
    disk = os.statvfs(out)
    if disk.f_bavail * disk.f_frsize < FREE_BYTES:
        raise CannotWork(f"less than {FREE_BYTES >> 20} MiB are free on the disk of {shown_path(out)}; make room there")


class Fuzzing:
    """
    For each turn of the schedule:
        choose a target for each job, the one that is furthest behind its share first;
        until the turn is over, five times a second: start workers that wait, take what others found, note the history,
        and show how it goes;
        end the workers, take what they found, and weigh each target by whether it found anything;
        make corpora small that have grown much.
    A signal, a closed output, or a full disk ends the turn and the loop.
    """

    def __init__(self, out, binaries, run, targets, harvest, signals, progress):
        self.out, self.binaries, self.run, self.targets = out, binaries, run, targets
        self.harvest, self.signals, self.progress = harvest, signals, progress

    @property
    def is_over(self):
        return bool(self.signals.count or self.progress.gone)

    def fuzz(self, jobs, seconds, recorder):
        weighed = dict.fromkeys(self.targets, 0.0)
        count, length = schedule.turns(len(self.targets), jobs, seconds)
        self.progress.restart()
        try:
            for turn in range(count):
                chosen = schedule.choose(weighed, jobs)
                finds = {target: target.finds for target in chosen}
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
            self.harvest.problems.append(str(error))
            return
        self.harvest.problems += filter(None, map(self._shortfall, self.targets))

    def _turn(self, chosen, length, rest, recorder):
        """Fuzzes the chosen targets for `length` seconds; those of the turns after it are `rest`."""
        now = [target.workers[chosen[:index].count(target)] for index, target in enumerate(chosen)]
        end = time.monotonic() + length
        try:
            while time.monotonic() < end and not (self.is_over or self.harvest.cannot_run.issuperset(now)):
                check_space(self.out)
                for worker in now:
                    self.harvest.attend(worker, end - time.monotonic(), chosen.count(worker.target) > 1)
                recorder.look(set(chosen))
                self.progress.show(lambda: self._lines(now, max(0.0, end - time.monotonic()), rest))
                time.sleep(0.2)
        finally:
            self.harvest.finish(now)
            try:
                recorder.look(set(chosen), at_end=True)
            except OSError as error:
                self.harvest.problems.append(str(error))

    def make_small(self, targets):
        """Between turns: merges the corpora that have grown much."""
        for target in targets:
            merge = Merge(target)
            if merge.is_due() and not self.is_over:
                check_space(self.out)
                artifacts = target.workers[0].artifacts
                self.progress.say(merge.run(self.run, self.binaries / target.name, artifacts, self.signals))
                self.harvest.take_all(target, artifacts.iterdir(), "it failed in a merge", LibFuzzer.NAME)

    def _lines(self, now, left, rest):
        """The table that is shown meanwhile: `left` seconds of this turn, and `rest` of those after it."""
        rows = [[f"{clock(left + rest)} left", "turn", "inputs/s", "operations/s", "crashes", "states", "cov", "ft",
                 "corpus"]]
        for target in self.targets:
            serving = any(worker.target is target for worker in now)
            cannot = self.harvest.cannot_run.intersection(target.workers)
            turn = "cannot run" if cannot else clock(left) if serving else "waits"
            rates = map(number, target.rates())
            rows.append([target.name, turn, *rates, target.crashes, target.states or None, *target.coverage])
        return table(rows)

    def _shortfall(self, target):
        if self.harvest.cannot_run.intersection(target.workers) or target.crashes:
            return None
        if not target.counts[0]:
            log = shown_path(target.workers[0].log)
            return f"{target.name} ran no input in its time; give it more, or read {log}"
        if target.coverage[0] is None and target.coverage[1] is None:
            return f"{target.name} fuzzed blindly: build what it runs with the guidance that the engine needs"
        return None

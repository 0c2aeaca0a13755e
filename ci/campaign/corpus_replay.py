"""The replay before the fuzzing: the committed corpus, the inputs set aside, and what others have left in the folder of
crashes. Failures are shown at once and kept; the rest are the seeds."""

import itertools
import time

from campaign.crashes.collection import REGRESSIONS
from campaign.crashes.replay_tool import is_chain
from shared.command import CannotWork
from shared.text import counted, shown_path

BUDGET_SECONDS = 60  # from the first failure on: a build on which most files fail or hang must be fixed first


def files_in(folder):
    return sorted(f for f in folder.glob("[!.]*") if f.is_file() and f.suffix != ".md")


class CorpusReplay:
    """
        files ──judged, one after the other──→ passing: the seeds
                  ├──→ failing: told, and kept in fuzz-out/crashes
                  └──→ neither: a signal came, or the time for a corpus that fails was up; no seeds
    """

    def __init__(self, folder, where, targets, crashes, signals, progress):
        """`where` the files in the folder are from."""
        self.where, self.targets, self.crashes, self.signals, self.progress = where, targets, crashes, signals, progress
        self.regressions = files_in(folder / REGRESSIONS)
        self.committed = {t: files_in(folder / t.name) for t in targets}
        self.aside = {t: files_in(t.set_aside) for t in targets}
        self.judged, self.failing, self.began_to_fail = 0, 0, None
        self.passing = {}  # file → what is in it
        self.before = []  # (file, its kind) since the replay tool's process began, or for longer

    def run(self):
        """Returns a sentence about what was left out, if anything."""
        theirs = self.crashes.unknown()
        files = [*theirs, *self.regressions, *itertools.chain(*self.committed.values(), *self.aside.values())]
        self.progress.say(f"replaying the corpus: {counted(len(files), 'file')}")
        self.progress.restart()
        try:
            show = lambda: self.progress.show(lambda: self._lines(files))
            for file, facts in self.crashes.tool.judge(files, self._is_over, show):
                tell = self.crashes.learn if self.judged < len(theirs) else self.crashes.add_corpus_file
                self._note(file, facts, tell)
        finally:
            self.crashes.save()
        if files and self.judged == len(self.crashes.not_replayed) > 0:
            raise CannotWork(f"the replay tool does not work here: {self.crashes.not_replayed[0]}; nothing was fuzzed")
        done = f"{self.judged:,} of {counted(len(files), 'file')}"
        self.signals.check(f"the corpus was replayed: {done}; nothing was fuzzed")
        self._hand_out()
        self.signals.check("the seeds were made; nothing was fuzzed")
        left = len(files) - self.judged
        return (f"{counted(left, 'file was', 'files were')} not replayed, nor used as seeds: the corpus fails, "
                f"and after {BUDGET_SECONDS} seconds of it the rest was left out") if left else ""

    def _lines(self, files):
        fail = "fail" if self.failing > 1 else "fails"
        return [f"replayed {self.judged:,} of {counted(len(files), 'file')}; {self.failing or 'none'} {fail}"]

    def _note(self, file, facts, tell):
        self.judged += 1
        if facts.outcome == "agreed":
            self.passing[file] = facts.input
        elif facts.failed:
            self.failing += 1
            self.began_to_fail = self.began_to_fail or time.monotonic()
        if tell == self.crashes.add_corpus_file:
            tool = self.crashes.tool.command_of
            tell(file, facts, self.where,
                 [f for f, kind in self.before if kind == facts.input and tool(f) == tool(file)])
        else:
            tell(file, facts)
        if facts.outcome == "agreed" and not is_chain(file):
            self.before.append((file, facts.input))
        else:
            self.before = []  # the tool goes on in another one

    def _is_over(self):
        late = self.began_to_fail and time.monotonic() > self.began_to_fail + BUDGET_SECONDS
        return bool(self.signals.count or self.progress.gone or late)

    def _hand_out(self):
        """The seeds."""
        for file in self.passing.keys() & set(self.regressions):
            if is_chain(file):
                continue
            inputs = {"text": file.read_bytes()} if file.suffix == ".trace" else {}
            inputs[self.passing[file]] = data = self.crashes.tool.bytes_of(file, self.signals)
            self.signals.check("the seeds were made; nothing was fuzzed")
            if data is None:
                self.crashes.not_replayed.append(
                    f"{shown_path(file)} passes, and the replay tool could not make a seed of it")
            for target in self.targets:
                if data := inputs.get(target.input):
                    target.add_seed(data)
        for target in self.targets:
            for file in self.passing.keys() & set(self.committed[target]):
                target.add_seed(file.read_bytes())
            for file in self.passing.keys() & set(self.aside[target]):
                file.replace(target.corpus / file.name)

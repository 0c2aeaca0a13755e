"""Keeps a target's corpus in order between its turns and between runs, without ever losing an input."""

import itertools
import os
import shutil
import subprocess

from campaign.engines.libfuzzer import limits
from shared import child_process
from shared.files import sha1
from shared.text import shown_path

MERGE_SECONDS = 600
SMALL_CORPUS = 500
GROWTH = 1.5


def files_of(folder):
    """The files that are complete. Hidden ones are still being written by another program, such as rsync, and are left
    alone."""
    return [f for f in folder.iterdir() if f.name[0] != "." and f.is_file()]


class Merge:
    """
    Makes a corpus small: keeps inputs that together cover all that the whole covers.

        making/ ──rename──→ made/            the corpus is as it was, and the merge is whole
        corpus ──rename──→ old/              there is no corpus: old/ is put back
        made/ ──rename──→ corpus             old/ is no longer needed
    """

    def __init__(self, target):
        self.target = target
        folder = target.out / "merge" / target.name
        self.making, self.made, self.old, self.count = (folder / n for n in ("making", "made", "old", "count"))
        folder.mkdir(parents=True, exist_ok=True)

    def recover(self):
        """Completes or undoes a merge that was killed. Nothing has been added since, unless by hand."""
        corpus = self.target.corpus
        if self.old.exists():
            whole = self.made.exists() or not corpus.exists()
            corpus.mkdir(parents=True, exist_ok=True)
            for file in self.old.iterdir():
                if file.is_file() and (whole or file.name[0] == "."):
                    file.replace(corpus / file.name)
        for folder in (self.making, self.made, self.old):
            shutil.rmtree(folder, ignore_errors=True)

    def is_due(self):
        try:
            before = int(self.count.read_text())
        except (OSError, ValueError):
            before = 0
        return len(files_of(self.target.corpus)) >= max(SMALL_CORPUS, GROWTH * before)

    def run(self, run, binary, artifacts, signals):
        """Merges with libFuzzer. Returns a sentence that says what was gained, or why the merge was abandoned; failing
        inputs are then in `artifacts`."""
        names = {file.name for file in files_of(self.target.corpus)}
        before = len(names)
        shutil.rmtree(self.making, ignore_errors=True)
        self.making.mkdir()
        code, _ = child_process.run(
            [*run, binary, "-set_cover_merge=1", *limits(self.target, artifacts), self.making, self.target.corpus],
            signals, MERGE_SECONDS, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        after = len(files_of(self.making))
        if code != 0 or not after:
            shutil.rmtree(self.making)
            if signals.count:
                return f"{self.target.name}: the corpus of {before} inputs is as it was; making it smaller was stopped"
            self._remember(before)  # and try again when it has grown once more
            return f"{self.target.name}: the corpus of {before} inputs could not be made smaller; it is as it was"
        self.making.replace(self.made)
        self.target.corpus.replace(self.old)
        self._bring_over(names, self.made)
        self.made.replace(self.target.corpus)
        self._bring_over(names, self.target.corpus)
        self._remember(after)
        shutil.rmtree(self.old)
        return f"{self.target.name}: {after} of {before} inputs of the corpus show the same"

    def _bring_over(self, names, folder):
        """Inputs that have come to the corpus meanwhile from another machine, including files still being written."""
        for file in self.old.iterdir():
            if file.name not in names and file.is_file():
                try:
                    os.link(file, folder / file.name)
                except FileExistsError:
                    pass

    def _remember(self, files):
        self.count.write_text(f"{files}\n")


def tidy(target, signals, say):
    """Puts aside files that no fuzzer can use, and says so."""
    for file in files_of(target.corpus):
        signals.check("the corpus was looked through")
        if not os.access(file, os.R_OK):
            kept = _place_for(file, target, "unreadable")
            file.replace(kept)
            say(f"{shown_path(kept)} may not be read, and is not used")
        elif file.stat().st_size > target.max_len:
            with open(file, "rb") as whole:
                data = whole.read(target.max_len)
            kept = _place_for(file, target, "too-long")
            os.link(file, kept)
            beginning = target.out / "beginning"
            beginning.write_bytes(data)
            beginning.replace(target.corpus / sha1(data))
            if file.name != sha1(data):
                file.unlink()
            say(f"{shown_path(kept)} is longer than the {target.max_len} bytes that {target.name} takes: "
                "these are used, the whole is kept there")


def _place_for(file, target, why):
    folder = target.out / why / target.name
    folder.mkdir(parents=True, exist_ok=True)
    names = itertools.chain([file.name], (f"{file.name}.{n}" for n in itertools.count(1)))
    return next(path for name in names if not (path := folder / name).exists())

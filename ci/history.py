"""How the fuzzing went: fuzz-out/history.jsonl, to which every run appends a line a target now and then.

A line has the wall clock for people to read; what counts is the time fuzzed, the inputs and the operations, each as
the sum over all runs, so that lines may be left out. cov, ft and states are those of the moment; null where the
engine does not tell. A line that a power cut left half written is passed over, and the next one begins a new line.
"""

import collections
import json
import os

from crash_files import now
from fuzz_target import sha1

SUMS = ("seconds", "inputs", "operations")
MOMENTS = ("states", "cov", "ft", "corpus")
Key = collections.namedtuple("Key", "target engine")


def samples(path):
    """The lines of a history as dictionaries by Key, in the order of the time fuzzed; nothing for a missing file."""
    found = {}
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return found
    for line in lines:
        try:
            sample = json.loads(line)
            key = Key(sample["target"], sample["engine"])
            good = all(isinstance(text, str) for text in (*key, sample["time"], sample["build"])) and all(
                _is_number(sample[name]) for name in SUMS) and all(sample[name] is None or _is_number(sample[name]) for name in MOMENTS)
        except (ValueError, TypeError, KeyError, RecursionError):
            continue
        if good:
            found.setdefault(key, []).append(sample)
    for of_one in found.values():
        of_one.sort(key=lambda sample: sample["seconds"])
    return found


def _is_number(value):
    return type(value) in (int, float) and 0 <= value < 1e18


class Recorder:
    """Appends to a history. Raises OSError where it cannot."""

    def __init__(self, path, binaries):
        self.path, self.binaries = path, binaries
        self.before = {key: [of_one[-1][name] for name in SUMS] for key, of_one in samples(path).items()}
        self.next = {}  # the time fuzzed in this run after which the next line is due
        self.builds = {}
        with open(path, "ab+") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 1))
            self.begins_line = file.read(1) in (b"", b"\n")

    def look(self, targets, at_end=False):
        """Notes each target for which it is time: every 10 seconds, a minute after 10 minutes, closer at first."""
        for target in targets:
            seconds = target.seconds
            if seconds and (at_end or seconds >= self.next.get(target.name, 2)):
                self.next[target.name] = seconds + (2 if seconds < 20 else 10 if seconds < 600 else 60)
                self._append(target, seconds)

    def _append(self, target, seconds):
        key = Key(target.name, target.engine)
        if key not in self.builds:
            try:
                self.builds[key] = sha1((self.binaries / target.name).read_bytes())[:8]
            except OSError:
                self.builds[key] = ""
        sums = [a + b for a, b in zip(self.before.get(key, (0, 0, 0)), (seconds, *target.counts))]
        moments = (target.states or None, *target.coverage)
        sample = {"time": now(), **key._asdict(), "build": self.builds[key],
                  **dict(zip(SUMS, (round(sums[0], 1), *sums[1:]))), **dict(zip(MOMENTS, moments))}
        line = json.dumps(sample).encode() + b"\n"
        with open(self.path, "ab", buffering=0) as file:
            begins_line, self.begins_line = self.begins_line, False
            data = line if begins_line else b"\n" + line
            self.begins_line = file.write(data) == len(data)

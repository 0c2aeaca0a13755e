"""The course of a campaign: fuzz-out/history.jsonl, to which every run regularly appends a line for each target.

A line has the wall clock, for people. The time fuzzed, the inputs and the operations are sums over all runs, so that
lines may be missing. cov and ft are the present ones, states the most that any process of this build has seen; null if
the engine does not say. A line that cannot be used, such as one half written at a power cut, is skipped and reported;
the next one begins on a new line.
"""

import collections
import json
import os

from shared.files import sha1
from shared.text import counted, now, shown_path

SUMS = ("seconds", "inputs", "operations")
MOMENTS = ("states", "cov", "ft", "corpus")
MEANING = {
    "cov": "edges of the code that were taken, as the engine counts them",
    "ft": "edges told apart by how often they were taken (libFuzzer only)",
    "states": "abstract states of caches that were seen: an operation after another, with or without a failing "
              "backend, by how many slabs are full, partial and empty and how many objects a slab has",
    "corpus": "inputs that are kept, as each showed something new",
}
Key = collections.namedtuple("Key", "target engine")


def samples(path):
    """(the lines of a history as dictionaries by Key, in the order of the time fuzzed; sentences about useless ones).
    Nothing for a missing file."""
    found, useless = {}, []
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return found, []
    for number, line in enumerate(lines, 1):
        if not line:
            continue
        try:
            sample = json.loads(line)
            key = Key(sample["target"], sample["engine"])
            good = (all(isinstance(text, str) for text in (*key, sample["time"], sample["build"]))
                    and all(_is_number(sample[name]) for name in SUMS)
                    and all(sample[name] is None or _is_number(sample[name]) for name in MOMENTS))
        except (ValueError, TypeError, KeyError, RecursionError):
            good = False
        if good:
            found.setdefault(key, []).append(sample)
        else:
            useless.append(number)
    for of_one in found.values():
        of_one.sort(key=lambda sample: sample["seconds"])
    return found, [_about(path, useless)] if useless else []


def _about(path, useless):
    shown = ", ".join(map(str, useless[:5])) + (", …" if len(useless) > 5 else "")
    are, lines = ("is", "line") if len(useless) == 1 else ("are", "lines")
    return f"{shown_path(path)}: {counted(len(useless), 'line')} cannot be used and {are} passed over: {lines} {shown}"


def _is_number(value):
    return type(value) in (int, float) and 0 <= value < 1e18


class Recorder:
    """Appends to a history. Raises OSError where it cannot. `made_from`: commit and compiler of the build."""

    def __init__(self, path, binaries, made_from=None):
        self.path, self.binaries, self.made_from = path, binaries, made_from or {}
        found, self.sentences = samples(path)
        self.before = {key: [of_one[-1][name] for name in SUMS] for key, of_one in found.items()}
        self.most_states = {}  # by Key and build
        for key, of_one in found.items():
            for sample in of_one:
                self._most(key, sample["build"], sample["states"])
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

    def _most(self, key, build, states):
        """A process counts the states that it sees itself, and each starts anew: what was seen is the most of them."""
        known = self.most_states.get((key, build))
        most = max((n for n in (known, states) if n is not None), default=None)
        self.most_states[key, build] = most
        return most

    def _append(self, target, seconds):
        key = Key(target.name, target.engine)
        if key not in self.builds:
            try:
                self.builds[key] = sha1((self.binaries / target.name).read_bytes())[:8]
            except OSError:
                self.builds[key] = ""
        states = self._most(key, self.builds[key], target.states or None)
        sums = [a + b for a, b in zip(self.before.get(key, (0, 0, 0)), (seconds, *target.counts))]
        moments = (states, *target.coverage)
        sample = {"time": now(), **key._asdict(), "build": self.builds[key], **self.made_from,
                  **dict(zip(SUMS, (round(sums[0], 1), *sums[1:]))), **dict(zip(MOMENTS, moments))}
        line = json.dumps(sample).encode() + b"\n"
        with open(self.path, "ab", buffering=0) as file:
            begins_line, self.begins_line = self.begins_line, False
            data = line if begins_line else b"\n" + line
            self.begins_line = file.write(data) == len(data)

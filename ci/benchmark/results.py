"""What was measured: kept whole, written to a file as it grows, and asked for medians and ratios."""

import json
import statistics

from shared.command import CannotWork
from shared.files import write_whole

BARE = "bare list"
OLDER = "older/"  # before the names of an older tree's caches


class Results:
    """
    `facts` is what the file has: `machine`, and a list for each kind of result, each of dictionaries.

    A `time` has subject, workload, size, live and ns, the list of all that was measured.
    """

    KINDS = ("time", "memory", "count", "rate", "missing", "unmeasured")

    def __init__(self, facts=None):
        self.facts = {"machine": {}, **{kind: [] for kind in self.KINDS}, **(facts or {})}
        self._times = {self._key(time): time for time in self.facts["time"]}

    @staticmethod
    def read(path):
        try:
            facts = json.loads(path.read_text())
            if not isinstance(facts, dict):
                raise ValueError("no object")
            return Results(facts)
        except (ValueError, KeyError, TypeError) as error:
            raise CannotWork(f"{path} has no results of ci/bench: {error}") from None

    def write(self, path):
        write_whole(path, json.dumps(self.facts, indent=1) + "\n")

    @staticmethod
    def _key(result):
        return result["subject"], result["workload"], result["size"], result["live"]

    def add(self, result):
        """Takes a line of bench/field.cpp, or whatever else has a kind."""
        result = dict(result)
        kind = result.pop("kind")
        if kind != "time":
            if result not in self.facts[kind]:
                self.facts[kind].append(result)
            return
        key = self._key(result)
        if key not in self._times:
            self._times[key] = {**result, "ns": []}
            self.facts["time"].append(self._times[key])
        self._times[key]["ns"].append(result["ns"])

    def of(self, kind):
        return self.facts[kind]

    def median(self, subject, workload, size, live):
        """Nanoseconds a pair; None if it was not measured."""
        found = self._times.get((subject, workload, size, live))
        return statistics.median(found["ns"]) if found and found["ns"] else None

    def ratio(self, subject, workload, size, live):
        """How many times what the bare list took, medians of one run; None if one of them was not measured."""
        own, bare = self.median(subject, workload, size, live), self.median(BARE, workload, size, live)
        return own / bare if own is not None and bare else None

    def rate(self, what, unit, tree):
        """The median of what the harness did in a second, or None."""
        found = [rate["per_second"] for rate in self.of("rate")
                 if (rate["what"], rate["unit"], rate["tree"]) == (what, unit, tree)]
        return statistics.median(found) if found else None

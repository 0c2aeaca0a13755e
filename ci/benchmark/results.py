"""What was measured: kept whole, written to a file as it grows, and asked for medians and ratios."""

import collections
import json
import statistics

from shared.command import CannotWork
from shared.files import write_whole

BARE = "bare list"
NUMBER = (int, float)
DIVISORS = collections.defaultdict(lambda: ("size",), {"memory": ("size", "objects"), "heap_memory": ("live", "asked")})
OLDER = "older/"  # before the names of an older tree's caches


class Results:
    """
    `facts` is what the file has: `machine`, and a list for each kind of result, each of dictionaries.

    A `time` has subject, workload, size, live and ns, the list of all that was measured.
    """

    KINDS = {  # what each has at least
        "time": {"subject": str, "workload": str, "size": int, "live": int, "ns": list},
        "memory": {"subject": str, "size": int, "objects": int, "all": int, "quarter": int, "none": int,
                   "given_back": int},
        "count": {"subject": str, "workload": str, "size": int, "instructions": NUMBER, "misses": NUMBER},
        "heap_time": {"heap": str, "mix": str, "round": int, "ns": NUMBER},
        "heap_count": {"heap": str, "mix": str, "instructions": NUMBER, "misses": NUMBER},
        "heap_memory": {"heap": str, "mix": str, "held": int, "live": int, "asked": int, "usable": int,
                        "asked_small": int, "usable_small": int},
        "rate": {"what": str, "unit": str, "tree": str, "round": int, "per_second": NUMBER},
        "missing": {"subject": str, "reason": str},
        "unmeasured": {"subject": str, "workload": str, "size": int, "reason": str},
    }

    def __init__(self, facts=None):
        self.facts = {"machine": {}, **{kind: [] for kind in self.KINDS}, **(facts or {})}
        self._times = {self._key(time): time for time in self.facts["time"]}

    @staticmethod
    def read(path):
        try:
            facts = json.loads(path.read_text())
            Results._check(facts)
            json.dumps(facts, ensure_ascii=False).encode()  # or it could not be printed
        except (ValueError, RecursionError) as error:
            raise CannotWork(f"{path} has no results of ci/bench: {error}") from None
        return Results(facts)

    @staticmethod
    def _check(facts):
        if not isinstance(facts, dict) or not isinstance(facts.get("machine"), dict):
            raise ValueError("it does not say on what machine they were measured")
        for kind in Results.KINDS:
            found = facts.get(kind, [])
            if not isinstance(found, list):
                raise ValueError(f"{kind!r} is no list")
            for result in found:
                if not Results._is_of(kind, result):
                    raise ValueError(f"{result!r} is no {kind}")

    @staticmethod
    def _is_of(kind, result):
        return isinstance(result, dict) and \
            all(Results._fits(result.get(key), types, int(key in DIVISORS[kind]))
                for key, types in Results.KINDS[kind].items()) and \
            (kind != "time" or all(Results._fits(ns, NUMBER) for ns in result["ns"]))

    @staticmethod
    def _fits(value, types, least=0):
        """Whether it is of one of the types and, if a number, one that a machine measures: what divides is not 0."""
        is_number = isinstance(value, (int, float))
        return isinstance(value, types) and not isinstance(value, bool) and \
            (not is_number or least <= value < 1 << 63)

    def has_any(self):
        return any(self.facts[kind] for kind in self.KINDS)

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
            is_said = kind in ("missing", "unmeasured") and result in self.facts[kind]
            if not is_said:
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

    def _rates(self, what, unit, tree):
        """round: what the harness did in a second."""
        return {rate["round"]: rate["per_second"] for rate in self.of("rate")
                if (rate["what"], rate["unit"], rate["tree"]) == (what, unit, tree)}

    def rate(self, what, unit, tree):
        """The median of what the harness did in a second, or None."""
        found = self._rates(what, unit, tree)
        return statistics.median(found.values()) if found else None

    def change_of_rate(self, what, unit):
        """The median of new : old over the rounds, in each of which one came right after the other; or None."""
        new, old = self._rates(what, unit, "new"), self._rates(what, unit, "old")
        both = [new[index] / old[index] for index in new if old.get(index)]
        return statistics.median(both) if both else None

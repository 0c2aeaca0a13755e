"""Medians of times to a bug, as a table and as words. What was not found counts as infinity."""

import math
import re
import statistics

from shared.command import CannotWork

BASE = "random programs"
# What is more: by a tenth, and by more than a start takes, which differs from one engine to the other.
MORE, START = 1.1, {"executions": 10, "seconds": 0.05}
MARKS = "<!-- ci/mutants --bugs --times writes this table -->", "<!-- end of the table -->"


def is_found(entry):
    return entry["executions"] is not None


def entries_of(entries, bug, engine, seeds):
    return [entry for entry in entries
            if entry["bug"] == bug and entry["engine"] == engine and entry["seed"] <= seeds]


def median(entries, what):
    """Infinity where half of them found nothing; None of none."""
    values = [entry[what] if is_found(entry) else math.inf for entry in entries]
    return statistics.median(values) if values else None


def _number(value):
    return f"{value:,.0f}"


def cell(entries, limit, seeds=1):
    """Executions and seconds. How many searches found it, where not all of `seeds` did."""
    if not entries:
        return "not measured"
    executions, seconds = median(entries, "executions"), median(entries, "seconds")
    found = sum(map(is_found, entries))
    share = f" ({found} of {len(entries)})" if found < seeds and seeds > 1 else ""
    if math.isinf(executions):
        ended = max(entry["seconds"] for entry in entries)  # of the explorer, whose world may end before
        return (f"> {limit} s" if ended > 0.9 * limit else "not there") + share
    return f"{_number(executions)}, {seconds:.2f} s{share}"


def table_of(entries, bugs, engines, seeds, limit):
    """In Markdown."""
    entries = list(entries)
    rows = ["| bug | world | " + " | ".join(engine.name for engine in engines) + " |",
            "| --- | --- |" + " ---: |" * len(engines)]
    for bug in bugs:
        cells = [cell(entries_of(entries, bug.name, engine.name, seeds), limit, seeds if engine.has_seeds else 1)
                 for engine in engines]
        rows.append(f"| `{bug.name}` | {' '.join(bug.world)} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def lost(entries, bugs, engine, seeds, what):
    """The bugs for which an engine needs more than random programs do."""
    found = []
    for bug in bugs:
        its, base = (median(entries_of(entries, bug.name, name, seeds), what) for name in (engine.name, BASE))
        if its is not None and base is not None and its > max(MORE * base, base + START[what]):
            found.append(bug.name)
    return found


def verdicts(entries, bugs, engines, seeds):
    """Where an engine loses to random programs."""
    entries = list(entries)
    for engine in engines:
        if engine.name != BASE:
            for what in ("executions", "seconds"):
                names = lost(entries, bugs, engine, seeds, what)
                yield (f"{engine.name} needs more {what} than {BASE} for {len(names)} of {len(bugs)}"
                       f"{': ' if names else ''}{', '.join(names)}")


class Page:
    """One with a table between two marks."""
    def __init__(self, path):
        self.path, self.text = path, path.read_text()
        if any(self.text.count(mark) != 1 for mark in MARKS):
            raise CannotWork(f"{path}: there is not one line {MARKS[0]} and one {MARKS[1]} for the table")

    def write(self, table):
        begin, end = map(re.escape, MARKS)
        self.path.write_text(re.sub(f"{begin}.*{end}", lambda _: "\n".join([MARKS[0], table, MARKS[1]]), self.text,
                                    flags=re.DOTALL))

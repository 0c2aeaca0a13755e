#!/usr/bin/env python3
"""What the explorer makes of the planted bugs: each is found, by a shortest program that the replay tool fails on.
With --replay the program is drowned in other operations, and the minimizer has to bring it back to as few. Prints a table."""

import argparse
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[0] = str(ROOT / "fuzz")
from planted import bugs as planted_bugs

ROWS = ["SmallSinglePage", "SmallMultiPage", "Large"]
# Small ones first: objects a slab, slabs, caches, empty slabs kept.
WORLDS = [(row, objects, slabs, caches, kept)
          for objects, slabs, caches in ((1, 3, 1), (2, 3, 1), (3, 2, 1), (2, 2, 2)) for kept in (1, 0) for row in ROWS]
# What the explorer leaves out: a backend that calls the cache back; N > 8; an alignment above 8; what only a
# sanitizer sees; two caches of different rows.
BEYOND = {"get_is_unguarded", "bins_too_wide", "alignment_ignored", "freed_object_stays_open",
          "owner_stays_in_returned_page"}


MINIMIZE_SECONDS = 30


def run(bug, *command):
    return subprocess.run(list(map(str, command)), env=planted_bugs.environment(bug), text=True, capture_output=True)


def operations_in(text):
    return [line for line in text.splitlines() if line and not line.startswith(("slabproof", "backend", "cache", "//"))]


def drowned(found, seed):
    """The program with others' operations between its own, about forty."""
    picks = random.Random(seed)
    lines, ordinals, live, next_ordinal = found.trace.splitlines(), {}, [], 0
    operations = []
    for line in found.operations + [None]:
        for _ in range(picks.randrange(40 // (len(found.operations) + 1) + 2)):
            kind = picks.choice(
                ["alloc", "alloc", "alloc", "alloc_no_grow", "free", "free", "shrink", "reserve", "free_null"])
            if kind.startswith("alloc"):
                operations.append(f"#{next_ordinal} = {kind} c0")
                live.append(next_ordinal)
                next_ordinal += 1
            elif kind == "free" and live:
                operations.append(f"free #{live.pop(picks.randrange(len(live)))}")
            elif kind != "free":
                operations.append(f"{kind} c0" + (f" {picks.randrange(4)}" if kind == "reserve" else ""))
        if line is None:
            break
        if " = " in line:
            ordinals[line.split()[0]] = f"#{next_ordinal}"
            next_ordinal += 1
        operations.append(re.sub(r"#\d+", lambda m: ordinals.get(m[0], m[0]), line))
    return "\n".join([line for line in lines if line not in found.operations] + operations) + "\n"


class Found:
    def __init__(self, output, seconds):
        defect = re.search(r"DEFECT after ([\d,]+) states: (.*)", output)
        trace = output[output.index("slabproof trace"):output.index("verdict: ")]
        self.states, self.sentence, self.seconds = defect[1], defect[2], seconds
        self.world = output[:output.index("DEFECT")].splitlines()[-1].rstrip(": ")
        self.trace = "\n".join(line for line in trace.splitlines()
                               if re.match(r"slabproof|backend|cache|#\d+ = |[a-z_]+ [bc#]\d", line))
        self.operations = operations_in(self.trace)
        self.signature = (re.search(r"^signature: (.*)$", output, re.M) or [None, "agreed"])[1]
        self.file = re.search(r"^saved: (.*)$", output, re.M)[1]


def explore(explorer, number, folder, all_worlds):
    """The first world's program that fails, or the shortest one of all worlds."""
    best = None
    for row, objects, slabs, caches, kept in WORLDS:
        begin = time.monotonic()
        result = run(number, explorer, "--row", row, "--objects", objects, "--slabs", slabs, "--caches", caches,
                     "--kept", kept, "--policy", "Checked", "--scrub", "A", "--output", folder)
        if result.returncode == 1 and "slabproof trace" in result.stdout:
            found = Found(result.stdout, time.monotonic() - begin)
            if not best or (found.signature != "agreed",
                            -len(found.operations)) > (best.signature != "agreed", -len(best.operations)):
                best = found
            if best.signature != "agreed" and not all_worlds:
                break
        elif result.returncode != 0:
            sys.exit(f"the explorer could not do its work: {result.stdout}{result.stderr}")
    return best


def signature_of(replay, number, file):
    return (re.search(r"^signature: (.*)$", run(number, replay, "--quiet", file).stdout, re.M) or [None, "agreed"])[1]


def minimize(replay, number, found, folder, problems):
    """How many operations the minimizer leaves of the drowned program."""
    bug, small = planted_bugs.BUGS[number - 1].name, pathlib.Path(folder) / "small"
    signature = signature_of(replay, number, found.file)
    if signature == "agreed":
        problems.append(f"{bug}: the saved program does not fail")
        return "–"
    long = pathlib.Path(folder) / "long.trace"
    for seed in range(30):
        long.write_text(drowned(found, seed))
        if signature_of(replay, number, long) == signature:
            result = run(number, replay, "--minimize", "--budget", MINIMIZE_SECONDS, "--output", small, long)
            return str(
                len(operations_in(pathlib.Path(f"{small}.trace").read_text()))) if result.returncode == 1 else "–"
    return "–"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--explore", required=True, help="slab_explore_planted")
    parser.add_argument("--replay", help="slab_replay_planted; without it nothing is minimized")
    parser.add_argument("names", nargs="*", help="of bugs; all without")
    arguments = parser.parse_args()
    problems, minimized, equal = [], 0, 0
    with tempfile.TemporaryDirectory() as folder:
        for number, bug in enumerate(planted_bugs.BUGS, 1):
            if arguments.names and bug.name not in arguments.names:
                continue
            found = explore(arguments.explore, number, folder, bool(arguments.replay))
            if not found:
                print(f"| {bug.name} | not found | | | | |", flush=True)
                if bug.name not in BEYOND:
                    problems.append(f"{bug.name} was not found")
                continue
            length = len(found.operations)
            cells = [bug.name, found.world, found.states, f"{found.seconds:.2f}", found.signature, str(length),
                     "; ".join(found.operations)]
            if found.signature == "agreed":
                problems.append(f"{bug.name}: the runner sees nothing in the program of {found.sentence}")
            elif arguments.replay:
                cells.append(minimize(arguments.replay, number, found, folder, problems))
                minimized += cells[-1] != "–"
                equal += cells[-1] == str(length)
            print("| " + " | ".join(cells) + " |", flush=True)
    if minimized:
        print(f"\nThe minimizer's program is as long for {equal} of {minimized}.")
        if equal < 0.95 * minimized:
            problems.append("the minimizer disagrees for more than one in twenty")
    print("\n".join(problems) or "nothing wrong")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

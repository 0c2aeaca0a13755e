#!/usr/bin/env python3
"""What the explorer makes of the planted bugs: each is found, by a shortest program that the replay tool fails on.
With --minimize the program is drowned in other operations, and the minimizer has to bring it back to as few. Prints a
table."""

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
from planted.tool import Tool

ROWS = ["SmallSinglePage", "SmallMultiPage", "Large"]
# Small ones first: objects a slab, slabs, caches, empty slabs kept. With guards there are more states.
WORLDS = [(row, objects, slabs, caches, kept)
          for objects, slabs, caches in ((1, 3, 1), (2, 3, 1), (3, 2, 1), (2, 2, 2)) for kept in (1, 0) for row in ROWS]
WORLDS_WITH_GUARDS = [(row, objects, slabs, 1, 1) for objects, slabs in ((1, 3), (2, 2), (3, 2)) for row in ROWS]
# What the explorer leaves out.
BEYOND = {
    "shrink_keeps_what_on_misuse_reserved", "damaged_slab_taken_as_new",
    "seal_unread_in_large_free", "set_aside_object_reported", "set_aside_slab_given_back",
    "set_aside_slots_count_as_free", "repaired_from_the_front_only", "set_aside_keeps_quarantine",
    "quarantined_slab_believed",
    *planted_bugs.STRAY_WRITE_BUGS,  # a stray write to a SlabInfo, which damage_planted.py tries
    "byte_entries_only", "byte_entries_name_256_slots", "entries_read_too_narrow",  # N > 254
    "entries_read_too_wide",  # N > 4
    "alignment_ignored",  # an alignment above 8
    "constant_division_wrong", "constant_geometry_accepts_interior",  # a Cache
    "unchecked_slab_has_a_table",  # no geometry at all for the smallest world
    "reserves_more_than_there_is",  # more than N + 1 objects
    "refusal_ignored",  # more slabs than a backend has
    "freed_object_stays_open", "tail_waste_stays_open", "padding_stays_open", "uncarved_slot_stays_open",
    "slab_at_rest_opens",  # what only a sanitizer sees
    "owner_stays_in_returned_page",  # two caches of different rows
}
MINIMIZE_SECONDS = 30


def setup_in(text):
    return [line for line in text.splitlines() if line.startswith(("slabproof", "backend", "cache"))]


def operations_in(text):
    return text.splitlines()[len(setup_in(text)):]


def drowned(found, seed):
    """The program with others' operations between its own, about forty."""
    picks = random.Random(seed)
    ordinals, live, next_ordinal = {}, [], 0
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
    return "\n".join([*setup_in(found.trace), *operations]) + "\n"


class Found:
    """What the explorer saved of a world."""

    def __init__(self, tool, number, file, world, states, seconds):
        self.file, self.world, self.states, self.seconds = file, world, states, seconds
        self.trace, self.signature = tool.text(file), tool.signature(number, file)
        self.operations = operations_in(self.trace)

    @property
    def rank(self):
        """The best is the shortest that the runner fails on."""
        return self.signature == "agreed", len(self.operations)


def explore(explorer, tool, number, bug, folder, all_worlds):
    """The first world's program that fails, or the shortest one of all worlds."""
    best, policy = None, planted_bugs.policy_of(bug, ROOT)
    worlds = WORLDS if policy in planted_bugs.WITHOUT_GUARDS else WORLDS_WITH_GUARDS
    for row, objects, slabs, caches, kept in worlds:
        output, begin = pathlib.Path(tempfile.mkdtemp(dir=folder)), time.monotonic()
        result = subprocess.run(
            [explorer, "--row", row, "--objects", str(objects), "--slabs", str(slabs), "--caches", str(caches),
             "--kept", str(kept), "--policy", policy, "--scrub", "A", "--output", output],
            env=planted_bugs.environment(number), text=True, capture_output=True)
        saved = list(output.iterdir())
        if result.returncode == 1 and len(saved) == 1:
            world = f"{policy} {row} kept {kept}, {objects} objects, {slabs} slabs, {caches} caches"
            states = re.search("DEFECT after (.*) states", result.stdout)[1]
            found = Found(tool, number, saved[0], world, states, time.monotonic() - begin)
            if not best or found.rank < best.rank:
                best = found
            if best.signature != "agreed" and not all_worlds:
                break
        elif result.returncode != 0:
            sys.exit(f"the explorer could not do its work: {result.stdout}{result.stderr}")
    return best


def minimize(tool, number, found, folder):
    """How many operations the minimizer leaves of the drowned program; None where none fails in the same way."""
    long = pathlib.Path(folder) / "long.trace"
    for seed in range(30):
        long.write_text(drowned(found, seed))
        if tool.signature(number, long) == found.signature:
            return tool.minimize(number, long, MINIMIZE_SECONDS, pathlib.Path(folder) / "small")["after"]
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--explore", required=True, help="slab_explore_planted")
    parser.add_argument("--replay", required=True, help="slab_replay_planted")
    parser.add_argument("--minimize", action="store_true",
                        help="drown each program, and let the minimizer bring it back")
    parser.add_argument("names", nargs="*", help="of bugs; all without")
    arguments = parser.parse_args()
    tool, problems, minimized, equal = Tool(arguments.replay), [], 0, 0
    with tempfile.TemporaryDirectory() as folder:
        for number, bug in enumerate(planted_bugs.BUGS, 1):
            if bug.name not in (arguments.names or {bug.name} - BEYOND):
                continue
            found = explore(arguments.explore, tool, number, bug, folder, arguments.minimize)
            if not found:
                print(f"| {bug.name} | not found | | | | |", flush=True)
                problems.append(f"{bug.name} was not found")
                continue
            length = len(found.operations)
            cells = [bug.name, found.world, found.states, f"{found.seconds:.2f}", found.signature, str(length),
                     "; ".join(found.operations)]
            if found.signature == "agreed":
                problems.append(f"{bug.name}: the runner sees nothing in the program that was found")
            elif arguments.minimize:
                left = minimize(tool, number, found, folder)
                cells.append("–" if left is None else str(left))
                minimized += left is not None
                equal += left == length
            print("| " + " | ".join(cells) + " |", flush=True)
    if minimized:
        print(f"\nThe minimizer's program is as long for {equal} of {minimized}.")
        if equal < 0.95 * minimized:
            problems.append("the minimizer disagrees for more than one in twenty")
    print("\n".join(problems) or "nothing wrong")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""What the explorer makes of the planted bugs: each is found, by a shortest program that the replay tool fails on,
and as short as the minimizer makes it. Prints a table."""

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "fuzz"))
import planted_bugs

# Slabs as few as show it, then more: what one world does not show, the next one may.
WORLDS = [["--objects", "3", "--slabs", "2"], ["--objects", "2", "--slabs", "3"], ["--objects", "1", "--slabs", "3"],
          ["--objects", "2", "--slabs", "2", "--caches", "2"]]
# What the explorer leaves out: a backend that calls the cache back; N > 8; an alignment above 8; what only a
# sanitizer sees.
BEYOND = {"get_is_unguarded", "bins_too_wide", "alignment_ignored", "freed_object_stays_open"}


def run(bug, *command):
    return subprocess.run(list(map(str, command)), env=planted_bugs.environment(bug), text=True, capture_output=True)


def operations_in(text):
    return [line for line in text.splitlines() if line and not line.startswith(("slabproof", "backend", "cache", "//"))]


class Found:
    def __init__(self, output, seconds):
        defect = re.search(r"DEFECT after ([\d,]+) states: (.*)", output)
        trace = output[output.index("slabproof trace"):output.index("verdict: ")]
        self.states, self.sentence, self.seconds = defect[1], defect[2], seconds
        self.world = output[:output.index("DEFECT")].splitlines()[-1].rstrip(": ")
        self.trace = "\n".join(line for line in trace.splitlines() if re.match(r"slabproof|backend|cache|#\d+ = |[a-z_]+ [bc#]\d", line))
        self.signature = (re.search(r"^signature: (.*)$", output, re.M) or [None, "agreed"])[1]
        self.file = re.search(r"^saved: (.*)$", output, re.M)[1]


def explore(explorer, number, folder):
    for world in WORLDS:
        begin = time.monotonic()
        result = run(number, explorer, *world, "--policy", "Checked", "--scrub", "A", "--output", folder)
        if result.returncode == 1 and "slabproof trace" in result.stdout:
            return Found(result.stdout, time.monotonic() - begin)
        if result.returncode not in (0, 1):
            sys.exit(f"the explorer could not do its work: {result.stdout}{result.stderr}")
    return None


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
            found = explore(arguments.explore, number, folder)
            if not found:
                print(f"| {bug.name} | not found | | | | |", flush=True)
                if bug.name not in BEYOND:
                    problems.append(f"{bug.name} was not found")
                continue
            length = len(operations_in(found.trace))
            cells = [bug.name, found.world, found.states, f"{found.seconds:.2f}", found.signature, str(length), "; ".join(operations_in(found.trace))]
            if found.signature == "agreed":
                problems.append(f"{bug.name}: the runner sees nothing in the program of {found.sentence}")
            elif arguments.replay:
                if run(number, arguments.replay, "--quiet", found.file).returncode != 1:
                    problems.append(f"{bug.name}: the saved program does not fail")
                small = pathlib.Path(folder) / "small"
                result = run(number, arguments.replay, "--minimize", "--budget", 30, "--output", small, found.file)
                left = len(operations_in(pathlib.Path(f"{small}.trace").read_text())) if result.returncode == 1 else None
                minimized += 1
                equal += left == length
                cells.append(str(left))
            print("| " + " | ".join(cells) + " |", flush=True)
    if minimized:
        print(f"\nThe minimizer's program is as long for {equal} of {minimized}.")
        if equal < 0.95 * minimized:
            problems.append("the minimizer disagrees for more than one in twenty")
    print("\n".join(problems) or "nothing wrong")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

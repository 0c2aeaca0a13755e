#!/usr/bin/env python3
"""Each bug that is planted into <slab/hosted/> is found by random programs, as what it is; some also by the explorer,
in a region of five pages. Prints how many programs, or operations of a shortest one, it took."""

import argparse
import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
from hosted_edits import BUGS, NUMBERS

# Programs among which random ones find each.
PROGRAMS = 6000
# What the explorer is asked. It finds these in a world that is otherwise complete in a second.
WORLD = ["--sizes", "4096,8192", "--aligns", "4096", "--live", "1"]


def run(command, bug):
    """Everything that it prints, and its exit status."""
    with tempfile.TemporaryDirectory() as folder:
        planted = {**os.environ, "SLAB_PLANTED": str(NUMBERS.get(bug, 0))}
        done = subprocess.run([*command, "--output", folder], env=planted, text=True,
                              errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


def is_as(found, signature):
    """Whether it may be found as that: an invariant, or a death."""
    return any(signature.startswith((f"{word}/", f"{word}:")) for word in found.split())


def random_programs(replay, bug, programs=PROGRAMS):
    """The signature, and by which program; None and why it was not found."""
    code, said = run([replay, "--random", str(programs), "--budget", "0.01"], bug)
    signature, program = re.search(r"^signature: (\S+)", said, re.M), re.search(r"^found by program (\d+)", said, re.M)
    if code != 1 or not signature or not program:
        return None, f"status {code}: {said[-300:]}"
    return signature[1], int(program[1])


def explored(explore, bug, world=WORLD):
    code, said = run([explore, *world], bug)
    signature, operations = re.search(r"^signature: (\S+)", said, re.M), re.search(r"^(\d+) operations", said, re.M)
    if code != 1 or not signature or not operations:
        return None, f"status {code}: {said[-300:]}"
    return signature[1], int(operations[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replay", required=True, help="hosted_planted_replay")
    parser.add_argument("--explore", required=True, help="hosted_explore_planted")
    parser.add_argument("names", nargs="*", help="of bugs; all without")
    arguments = parser.parse_args()
    bugs = [bug for bug in BUGS if bug.name in (arguments.names or NUMBERS)]
    problems = []
    for tool, said in (("random programs", run([arguments.replay, "--random", "100"], None)),
                       ("the explorer", run([arguments.explore, *WORLD], None))):
        if said[0] != 0:
            problems.append(f"{tool}, without a bug: status {said[0]}: {said[1][-300:]}")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        by_random = pool.map(lambda bug: random_programs(arguments.replay, bug.name), bugs)
        by_explorer = pool.map(lambda bug: explored(arguments.explore, bug.name), bugs)
        for bug, (as_what, program), (explored_as, operations) in zip(bugs, by_random, by_explorer):
            print(f"| `{bug.name}` | {as_what or '–'} | {program if as_what else 'not found'} | "
                  f"{operations if explored_as else '–'} |", flush=True)
            if not as_what:
                problems.append(f"{bug.name}: not found by random programs: {program}")
            for signature in filter(None, (as_what, explored_as)):
                if not is_as(bug.found, signature):
                    problems.append(f"{bug.name}: found as {signature}, expected {bug.found}")
    print("\n".join(problems) or "every bug is found as what it is")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

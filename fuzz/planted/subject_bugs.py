#!/usr/bin/env python3
"""Each bug that is planted into a subject is found by random programs, as what it is; where its explorer is named, by
that as well if it is in the table's world; and nothing is found where none is planted. Prints what it took: how many
programs, inputs of libFuzzer, programs of RapidCheck, and operations of a shortest program."""

import argparse
import concurrent.futures
import importlib
import os
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True

PROGRAMS = 6000  # among which random ones find each
SECONDS = 60  # for libFuzzer


def run(command, number, *options, **environment):
    """Its exit status, and everything that it prints."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([*command, *options], cwd=folder, text=True, errors="replace", stdin=subprocess.DEVNULL,
                              env={**os.environ, "SLAB_PLANTED": str(number), **environment}, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


def first(pattern, text):
    found = re.search(pattern, text, re.MULTILINE)
    return found and found[1]


def is_as(found, signature):
    """Whether it may be found as that: an invariant, or a death."""
    return any(signature.startswith((f"{word}/", f"{word}:", f"{word} to ")) for word in found.split())


class Engines:
    def __init__(self, arguments, table):
        self.arguments, self.numbers, self.world = arguments, table.NUMBERS, arguments.world

    def search(self, command, bug, how_much):
        """The signature that it fails as, and how much that took; None and what was said."""
        code, said = run(command, self.numbers.get(bug, 0), "--output", "found")
        signature, count = first(r"^signature: (.+)$", said), first(how_much, said)
        return (signature, count) if code == 1 and signature and count else (None, f"status {code}: {said[-300:]}")

    def random(self, bug, programs=PROGRAMS):
        return self.search([self.arguments.replay, "--random", str(programs), "--budget", "0.01"], bug,
                           r"^found by program (\d+)")

    def explorer(self, bug):
        if not self.arguments.explore:
            return None, ""
        return self.search([self.arguments.explore, *self.world], bug, r"^(\d+) operations")

    def libfuzzer(self, bug):
        if not self.arguments.fuzz:
            return "–"
        code, said = run([self.arguments.fuzz, "-seed=1", "-max_len=4096", f"-max_total_time={SECONDS}",
                          "-print_final_stats=1", "."], self.numbers[bug])
        return max(map(int, re.findall(r"^#(\d+)\s", said, re.MULTILINE)), default=0) if code else "not found"

    def rapidcheck(self, bug):
        if not self.arguments.properties:
            return "–"
        code, said = run([self.arguments.properties], self.numbers[bug], RC_PARAMS="seed=1 noshrink=1")
        return first(r": (\d+) programs, ", said) or f"status {code}" if code else "not found"

    def all(self, bug):
        return self.random(bug.name), self.explorer(bug.name), self.libfuzzer(bug.name), self.rapidcheck(bug.name)


def problems_without(engines):
    """Nothing is found where no bug is planted."""
    arguments = engines.arguments
    tools = [("random programs", [arguments.replay, "--random", "300"])]
    tools += [("the explorer", [arguments.explore, *engines.world])] if arguments.explore else []
    for name, command in tools:
        code, said = run(command, 0, "--output", "found")
        if code != 0:
            yield f"{name}, without a bug: status {code}: {said[-300:]}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", required=True, help="a module beside this with BUGS")
    for name in ("replay", "explore", "fuzz", "properties"):
        parser.add_argument(f"--{name}", required=name == "replay", type=os.path.abspath, help=f"X_{name} of the bugs")
    parser.add_argument("--world", default=[], type=str.split, metavar="OPTIONS", help="the explorer's")
    parser.add_argument("names", nargs="*", help="of bugs; all without")
    arguments = parser.parse_args()
    table = importlib.import_module(arguments.table)
    if unknown := set(arguments.names) - set(table.NUMBERS):
        parser.error(f"{arguments.table} has no {', '.join(sorted(unknown))}")
    bugs = [bug for bug in table.BUGS if not arguments.names or bug.name in arguments.names]
    engines = Engines(arguments, table)
    problems = list(problems_without(engines))
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for bug, (by_random, explored, inputs, programs) in zip(bugs, pool.map(engines.all, bugs)):
            as_what, count = by_random
            print(f"| `{bug.name}` | {as_what or '–'} | {count if as_what else 'not found'} | {inputs} | {programs} | "
                  f"{explored[1] if explored[0] else '–'} |", flush=True)
            if not as_what:
                problems.append(f"{bug.name}: not found by random programs: {count}")
            for signature in filter(None, (as_what, explored[0])):
                if not is_as(bug.found, signature):
                    problems.append(f"{bug.name}: found as {signature}, expected {bug.found}")
    print("\n".join(problems) or f"{len(bugs)} bugs, each found as what it is")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

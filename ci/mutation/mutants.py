"""Changes the allocator in every way that a fixed set of operators has, one change at a time, and says which of these
mutants the checks kill. All that can be chosen at run time are compiled at once. The checks then run with one after
the other, the fastest check first, where a check comes upon the mutant and none before it has killed it.

What becomes of each is added to fuzz-out/mutants.jsonl; a second run of the same sources goes on from there. Mutants
that no user can tell from the original are listed in ci/equivalent-mutants.txt, each with the reason.

exit: 0 every mutant that was tried was killed or is listed, 1 one was not, or is listed and was killed, or is listed
and does not exist, 2 the work could not be done"""

import collections
import concurrent.futures
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import time

if __name__ == "__main__":
    sys.path[0] = str(pathlib.Path(__file__).resolve().parents[1])  # modules are named from ci/ on

from mutation import checks
from mutation.building import Build, digest_of
from mutation.equivalents import Equivalents
from mutation.operators import OPERATORS, mutants_of
from mutation.results import Results
from shared import command
from shared.command import CannotWork
from shared.targets import ROOT
from shared.text import clock, counted, shown_path, table

RESULTS = ROOT / "fuzz-out" / "mutants.jsonl"
CHECKED = ("allocator", "model", "properties", "fuzz", "examples")  # what a result is of
FATES = {"killed": "killed", "hung": "killed (hung)", "survived": "survived", "unreached": "reached by no check",
         "listed": "listed as equivalent", "refused": "did not compile", "absent": "in no program",
         "alone": "decided by the compiler: not tried", "open": "not through all checks yet"}
LIVING = ("survived", "unreached")


def changed_lines():
    """Lines of allocator/ by file that the working tree has and its commit has not."""
    done = subprocess.run(["git", "-C", ROOT, "diff", "-U0", "--no-ext-diff", "--no-color", "--src-prefix=a/",
                           "--dst-prefix=b/", "HEAD", "--", "allocator"], stdout=subprocess.PIPE,
                          stdin=subprocess.DEVNULL, text=True)
    if done.returncode != 0:
        raise CannotWork("--changed: git does not tell what was changed")
    lines, file = {}, None
    for line in done.stdout.splitlines():
        if line.startswith("+++ "):
            file = line.removeprefix("+++ b/")
        elif found := re.match(r"@@ -\S+ \+(\d+)(?:,(\d+))? @@", line):
            first, count = int(found[1]), int(found[2] or 1)
            lines.setdefault(file, set()).update(range(first, first + count))
    return lines


def chosen(mutants, arguments):
    wanted = mutants
    if arguments.changed:
        lines = changed_lines()
        wanted = [m for m in wanted if m.line in lines.get(m.file, ())]
    if arguments.only:
        if not any(re.search(arguments.only, m.key) for m in mutants):
            raise CannotWork(f"--only {arguments.only}: there is no such mutant; --list shows what there is")
        wanted = [m for m in wanted if re.search(arguments.only, m.key)]
    if arguments.operator:
        wanted = [m for m in wanted if m.operator in arguments.operator]
    if arguments.sample and arguments.sample < len(wanted):
        wanted = random.Random(arguments.seed).sample(wanted, arguments.sample)
    return wanted


class Hunt:
    """Runs the checks, one after the other, each with all mutants that none before it has killed."""

    def __init__(self, build, results, jobs, until, say):
        self.build, self.results, self.jobs, self.until, self.say = build, results, jobs, until, say
        self.present, self.tried = set(), set()  # numbers

    @property
    def is_over(self):
        return self.until is not None and time.monotonic() > self.until

    def run(self, mutants, size):
        """Whether it is done with all of them."""
        for check in checks.battery():
            waiting = [m for m in mutants if check.of.match(m.file) and self.results.is_open(m)]
            if not waiting:
                continue
            if self.is_over:
                return False
            program, seen, seconds = self.measure(check, size)
            passed = self.results.passed
            self.tried |= {m.number for m in waiting if check.name in passed(m)}
            waiting = [m for m in waiting if m.number in seen and check.name not in passed(m)]
            if not self.hunt(check, program, waiting, 10 + 10 * seconds):
                return False
        for mutant in filter(self.results.is_open, mutants):
            self.results.add(mutant, "survived" if mutant.number in self.tried else
                             "unreached" if mutant.number in self.present else "absent")
        return True

    def measure(self, check, size):
        """Builds its program and runs it without a mutant: what it comes upon, and how long that takes."""
        self.say(f"{check.name}: building {check.program}")
        program = self.build.program(check.program)
        self.present |= self.build.compiled_in(program)
        with tempfile.NamedTemporaryFile() as reached:
            reached.truncate(size)
            end = checks.run(check, program, 0, 1200, reached.name)
            seen = {at for at, byte in enumerate(pathlib.Path(reached.name).read_bytes()) if byte}
        if end.how != "passed":
            raise CannotWork(f"{check.name} fails without a mutant: {end.what}")
        return program, seen, end.seconds

    def hunt(self, check, program, mutants, limit):
        """Whether all were tried."""
        began, done = time.monotonic(), 0
        waiting, running = iter(mutants), {}
        pool = concurrent.futures.ThreadPoolExecutor(self.jobs)
        try:
            while not self.is_over and (mutant := next(waiting, None)):
                running[pool.submit(checks.run, check, program, mutant.number, limit)] = mutant
                if len(running) >= 2 * self.jobs:
                    done += self.collect(check, running, concurrent.futures.FIRST_COMPLETED)
                    self.say(f"{check.name}: {done:,} of {len(mutants):,} in {clock(time.monotonic() - began)}",
                             often=True)
            self.collect(check, running, concurrent.futures.ALL_COMPLETED)
        finally:  # such as Ctrl-C: what waits is not run
            pool.shutdown(cancel_futures=True)
        return not self.is_over or next(waiting, None) is None

    def collect(self, check, running, when):
        ended, _ = concurrent.futures.wait(running, return_when=when)
        for future in ended:
            mutant, end = running.pop(future), future.result()
            self.tried.add(mutant.number)
            if end.how == "passed":
                self.results.add(mutant, "open", check.name, seconds=end.seconds)
            else:
                self.results.add(mutant, end.how, check.name, end.what, end.seconds)
        return len(ended)


def fate_of(mutant, results, equivalents):
    """As it is told; none if it was not tried."""
    entry = results.by_key.get(mutant.key)
    if entry and entry["fate"] in LIVING and mutant.key in equivalents.reasons:
        return "listed"
    return entry["fate"] if entry else None


def report(wanted, results, equivalents):
    """Prints the tables. The problems."""
    fates = {mutant.key: fate_of(mutant, results, equivalents) for mutant in wanted}
    rows = [["", *OPERATORS, "all"]]
    for fate, words in FATES.items():
        counts = collections.Counter(m.operator for m in wanted if fates[m.key] == fate)
        if counts:
            rows.append([words, *(counts[operator] for operator in OPERATORS), sum(counts.values())])
    print("\n".join(table(rows)))
    kills = collections.defaultdict(list)
    for mutant in wanted:
        if fates[mutant.key] in ("killed", "hung"):
            kills[results.by_key[mutant.key]["check"]].append(results.by_key[mutant.key])
    if kills:
        print()
        print("\n".join(table([["killed by", "mutants", "seconds, median", "most often as"]] + [
            [check, len(found), f"{sorted(e['seconds'] for e in found)[len(found) // 2]:.2f}",
             ", ".join(f"{what} {n}" for what, n in collections.Counter(
                 re.split(r"[/:@]", e["what"])[0][:24] for e in found).most_common(3))]
            for check, found in sorted(kills.items(), key=lambda item: -len(item[1]))])))
    for mutant in wanted:
        if fates[mutant.key] in LIVING:
            yield f"{FATES[fates[mutant.key]]}: {mutant.file}:{mutant.line}: {mutant.key}"
        elif fates[mutant.key] in ("killed", "hung") and mutant.key in equivalents.reasons:
            entry = results.by_key[mutant.key]
            yield f"listed as equivalent, but killed by {entry['check']} as {entry['what']}: {mutant.key}"


def arguments_of():
    parser = command.parser("ci/mutants", __doc__)
    parser.add_argument("--bugs", action="store_true",
                        help="instead, the named bugs of ci/bugs/: the first word, and ci/mutants --bugs --help more")
    parser.add_argument("--changed", action="store_true", help="only mutants on lines that the working tree changes")
    parser.add_argument("--sample", metavar="N", type=command.positive(int), help="a random part of so many")
    parser.add_argument("--seed", metavar="N", type=int, default=1, help="which part (1)")
    parser.add_argument("--only", metavar="REGEX", help="those in whose line of --list this is found")
    parser.add_argument("--operator", action="append", choices=OPERATORS, help="of this operator; may be repeated")
    parser.add_argument("--minutes", metavar="N", type=command.positive(float), help="begin with no mutant later")
    parser.add_argument("--jobs", metavar="N", type=command.positive(int), default=len(os.sched_getaffinity(0)),
                        help="mutants at once; as many as there are processors")
    parser.add_argument("--list", action="store_true", help="print the mutants and build nothing")
    parser.add_argument("--results", metavar="FILE", type=pathlib.Path, default=RESULTS,
                        help="where results are kept (fuzz-out/mutants.jsonl)")
    arguments = parser.parse_args()
    if arguments.bugs:
        parser.error("--bugs is the first word, or nothing")
    try:
        re.compile(arguments.only or "")
    except re.error as error:
        parser.error(f"--only {arguments.only}: {error}")
    return arguments


def teller():
    """Says what is under way: each thing on a terminal, elsewhere what is often said once in ten seconds."""
    last = [0.0]

    def say(text, often=False):
        if not often or time.monotonic() - last[0] > 10:
            last[0] = time.monotonic()
            print(f"ci/mutants: {text}", file=sys.stderr, flush=True)
    return say


def main():
    arguments = arguments_of()
    say = teller()
    if subprocess.run([ROOT / "ci" / "setup", "--mutants"], stdin=subprocess.DEVNULL, stdout=2).returncode != 0:
        raise CannotWork("nothing was done; the reason is above")
    until = time.monotonic() + 60 * arguments.minutes if arguments.minutes else None
    mutants, files = mutants_of(ROOT)
    equivalents = Equivalents(ROOT / "ci" / "equivalent-mutants.txt")
    wanted = chosen(mutants, arguments)
    if arguments.list:
        for mutant in wanted:
            print(f"{mutant.operator}: {mutant.key}")
        return 0
    stale = equivalents.without(mutants)
    if stale:
        print("\n".join(f"ci/equivalent-mutants.txt: there is no such mutant: {key}" for key in stale))
        return 1
    if not wanted:
        print("No mutants there.")
        return 0
    results = Results(arguments.results, digest_of(ROOT, CHECKED))
    waiting = list(filter(results.is_open, wanted))
    is_whole = True
    if waiting:
        build = Build(say)
        refused = build.prepare(mutants, files)
        for mutant in waiting:
            if not mutant.runs or mutant.key in refused:
                results.add(mutant, "refused" if mutant.runs else "alone")
        waiting = list(filter(results.is_open, waiting))
        is_whole = Hunt(build, results, arguments.jobs, until, say).run(waiting, len(mutants) + 1)
    problems = list(report(wanted, results, equivalents))
    tried = sum(fate_of(m, results, equivalents) is not None for m in wanted)
    print("\n".join(["", *problems, f"{counted(tried, 'mutant')} of {len(wanted):,}; {shown_path(arguments.results)}"]))
    if not is_whole:
        print("Not all were tried in that time; the same command goes on from here.")
    return 1 if problems else 0 if is_whole else 2


if __name__ == "__main__":
    sys.exit(command.run(main, "ci/mutants"))

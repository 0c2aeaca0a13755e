"""Changes the allocator, or with --judge the judge of it, in every way that a fixed set of operators has, one change
at a time, and says which of these mutants the checks kill. All that can be chosen at run time are compiled at once. The
checks then run with one after the other, the fastest check first, where a check comes upon the mutant and none before
it has killed it.

What becomes of each is added to fuzz-out/mutants.jsonl, or fuzz-out/mutants-judge.jsonl; a second run of the same
sources goes on from there. Mutants that no user can tell from the original are listed in ci/equivalent-mutants.txt,
each with the reason.

exit: 0 every mutant that was tried was killed or is listed, 1 one was not, or is listed and was killed, or is listed
and does not exist, 2 the work could not be done"""

import collections
import concurrent.futures
import itertools
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

from mutation import checks, judge_checks, parts
from mutation.building import Build, digest_of
from mutation.equivalents import Equivalents
from mutation.operators import OPERATORS, mutants_of
from mutation.results import KILLED, Results
from shared import command, limited
from shared.command import CannotWork
from shared.targets import ROOT
from shared.text import clock, counted, shown_path, table

FATES = {"killed": "killed", "hung": "killed (hung)", "survived": "survived", "unreached": "reached by no check",
         "listed": "listed as equivalent", "elsewhere": "seen by other tests alone",
         "refused": "did not compile", "absent": "in no program",
         "alone": "decided by the compiler: not tried", "open": "not through all checks yet"}
LIVING = ("survived", "unreached")
SECONDS_EACH, QUICK_BUILD_SECONDS = 1.0, 50


def changed_lines(commit, folders=parts.ALLOCATOR.folders):
    """Lines of these folders by file that the working tree has and `commit` has not."""
    def git(*words):
        done = subprocess.run(["git", "-C", ROOT, *words], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        if done.returncode != 0:
            raise CannotWork(f"--changed {commit}: git does not tell what was changed")
        return done.stdout.splitlines()
    new = git("ls-files", "--others", "--exclude-standard", "--", *folders)
    lines, file = {file: range(1, 1 << 30) for file in new}, None
    for line in git("diff", "-U0", "--no-ext-diff", "--no-color", "--relative", "--src-prefix=a/", "--dst-prefix=b/",
                    commit, "--", *folders):
        if line.startswith("+++ "):
            file = line.removeprefix("+++ b/")
        elif found := re.match(r"@@ -\S+ \+(\d+)(?:,(\d+))? @@", line):
            first, count = int(found[1]), int(found[2] or 1)
            lines.setdefault(file, set()).update(range(first, first + count))
    return lines


def line_of(mutant):
    """What --list shows."""
    return f"{mutant.operator}: {mutant.key}"


def chosen(mutants, arguments, equivalents, part=parts.ALLOCATOR):
    wanted = checks.quick_of(mutants) if arguments.quick else mutants
    if arguments.listed:
        wanted = [m for m in wanted if equivalents.has(m)]
    if arguments.changed is not None:
        lines = changed_lines(arguments.changed, part.folders)
        wanted = [m for m in wanted if m.line in lines.get(m.file, ())]
    if arguments.only:
        if not any(re.search(arguments.only, line_of(m)) for m in mutants):
            raise CannotWork(f"--only {arguments.only}: there is no such mutant; --list shows what there is")
        wanted = [m for m in wanted if re.search(arguments.only, line_of(m))]
    if arguments.operator:
        wanted = [m for m in wanted if m.operator in arguments.operator]
    if arguments.sample and arguments.sample < len(wanted):
        wanted = random.Random(arguments.seed).sample(wanted, arguments.sample)
    return wanted


class Hunt:
    """Runs the checks, one after the other, each with all mutants that none before it has killed."""

    def __init__(self, builds, battery, asks, results, jobs, until, say):
        """`builds`: by their sanitizers. `battery`: the checks, each with what its verdict depends on. `asks`: whether
        a check is asked about a mutant."""
        self.builds, self.battery, self.asks, self.results = builds, battery, asks, results
        self.jobs, self.until, self.say = jobs, until, say

    @property
    def is_over(self):
        return self.until is not None and time.monotonic() > self.until

    def run(self, mutants, size):
        """Whether it is done with all of them. First each is tried with the check that killed it once."""
        measured = {}
        for is_again, (check, by) in itertools.product((True, False), self.battery):
            waiting = [m for m in mutants if self.asks(check, m) and self.results.is_open(m)
                       and not self.results.has_passed(m, check.name, by)
                       and (not is_again or self.results.killer.get(m.key) == check.name)]
            if not waiting:
                continue
            if self.is_over:
                return False
            if check.name not in measured:
                measured[check.name] = self.measure(check, size)
            program, present, seen, seconds = measured[check.name]
            for mutant in waiting:
                if mutant.number not in seen:
                    fate = "unreached" if mutant.number in present else "absent"
                    self.results.add(mutant, fate, check.name, by)
            waiting = [m for m in waiting if m.number in seen]
            if not self.hunt(check, by, program, waiting, 2 + 10 * seconds):
                return False
        return True

    def measure(self, check, size):
        """Builds its program and runs it without a mutant: which it has, which it comes upon, its processor time."""
        self.say(f"{check.name}: building {check.program}")
        began = time.monotonic()
        build = self.builds[check.sanitizer]
        program = build.program(check.program)
        present = build.compiled_in(program)
        built = time.monotonic()
        with tempfile.NamedTemporaryFile() as reached:
            reached.truncate(size)
            end = checks.run(check, program, 0, 1200, reached.name)
            seen = {at for at, byte in enumerate(pathlib.Path(reached.name).read_bytes()) if byte}
        if end.how != "passed":
            raise CannotWork(f"{check.name} fails without a mutant: {end.what}")
        self.say(f"{check.name}: built in {clock(built - began)}; takes {end.processor:.2f} s of a processor")
        return program, present, seen, end.processor

    def hunt(self, check, by, program, mutants, limit):
        """Whether all were tried."""
        began, done, killed = time.monotonic(), 0, 0
        waiting, running = iter(mutants), {}

        def collect(when):
            nonlocal done, killed
            for future in concurrent.futures.wait(running, return_when=when)[0]:
                mutant, end = running.pop(future), future.result()
                done += 1
                killed += end.how != "passed"
                self.results.add(mutant, "survived" if end.how == "passed" else end.how, check.name, by, end.what,
                                 end.seconds)
        with limited.pool(self.jobs) as pool:
            while not self.is_over and (mutant := next(waiting, None)):
                running[pool.submit(checks.run, check, program, mutant.number, limit)] = mutant
                if len(running) >= 2 * self.jobs:
                    collect(concurrent.futures.FIRST_COMPLETED)
                    self.say(f"{check.name}: {done:,} of {len(mutants):,} in {clock(time.monotonic() - began)}, "
                             f"{killed:,} killed", often=True)
            collect(concurrent.futures.ALL_COMPLETED)
        self.say(f"{check.name}: {killed:,} of {len(mutants):,} killed in {clock(time.monotonic() - began)}")
        return not self.is_over or next(waiting, None) is None


def fates_of(wanted, battery, asks, results, equivalents):
    """As they are told, by key."""
    fates = {}
    for mutant in wanted:
        fate = results.fate(mutant, [(check.name, by) for check, by in battery if asks(check, mutant)])
        if fate in LIVING:
            fate = "listed" if equivalents.has(mutant) else "elsewhere" if checks.is_seen_elsewhere(mutant) else fate
        fates[mutant.key] = fate
    return fates


def report(wanted, fates, results, equivalents):
    """Prints the tables. The problems."""
    rows = [["", *OPERATORS, "all"]]
    for fate, words in FATES.items():
        counts = collections.Counter(m.operator for m in wanted if fates[m.key] == fate)
        if counts:
            rows.append([words, *(counts[operator] for operator in OPERATORS), sum(counts.values())])
    print("\n".join(table(rows)))
    kills = collections.defaultdict(list)
    for mutant in wanted:
        if fates[mutant.key] in KILLED:
            kills[results.ended[mutant.key]["check"]].append(results.ended[mutant.key])
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
        elif fates[mutant.key] in KILLED and equivalents.has(mutant):
            entry = results.ended[mutant.key]
            yield f"listed as equivalent, but killed by {entry['check']} as {entry['what']}: {mutant.key}"


def arguments_of():
    parser = command.parser("ci/mutants", __doc__)
    parser.add_argument("--bugs", action="store_true",
                        help="instead, the named bugs of ci/bugs/: the first word, and ci/mutants --bugs --help more")
    parser.add_argument("--judge", action="store_true",
                        help="mutants of the judge: what it does not miss, and cries out about in vain, kills them")
    parser.add_argument("--changed", metavar="COMMIT", nargs="?", const="HEAD",
                        help="only mutants on lines that the working tree changes, since a commit (HEAD)")
    parser.add_argument("--quick", action="store_true",
                        help="only those that the explorer's smallest worlds decide about, and no other check")
    parser.add_argument("--listed", action="store_true",
                        help="only those that are listed as equivalent, with every check: else they are tried with the "
                        "fastest alone")
    parser.add_argument("--sample", metavar="N", type=command.positive(int), help="a random part of so many")
    parser.add_argument("--seed", metavar="N", type=int, default=1, help="which part (1)")
    parser.add_argument("--only", metavar="REGEX", help="those in whose line of --list this is found")
    parser.add_argument("--operator", action="append", choices=OPERATORS, help="of this operator; may be repeated")
    parser.add_argument("--minutes", metavar="N", type=command.positive(float), help="begin with no mutant later")
    parser.add_argument("--jobs", metavar="N", type=command.positive(int), default=len(os.sched_getaffinity(0)),
                        help="mutants at once; as many as there are processors")
    parser.add_argument("--list", action="store_true", help="print the mutants and build nothing")
    parser.add_argument("--results", metavar="FILE", type=pathlib.Path,
                        help="where results are kept (fuzz-out/mutants.jsonl; fuzz-out/mutants-judge.jsonl)")
    arguments = parser.parse_args()
    if arguments.bugs:
        parser.error("--bugs is the first word, or nothing")
    if arguments.judge and arguments.quick:
        parser.error("--quick is of the allocator, not of --judge: no check decides at once about a judge")
    if arguments.listed and arguments.quick:
        parser.error("--listed asks every check, --quick only the smallest worlds of the explorer")
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
    part = parts.judge(ROOT) if arguments.judge else parts.ALLOCATOR
    arguments.results = arguments.results or ROOT / "fuzz-out" / f"{part.name}.jsonl"
    mutants, files = mutants_of(ROOT, part)
    equivalents = Equivalents(ROOT / "ci" / "equivalent-mutants.txt", part.others)
    wanted = chosen(mutants, arguments, equivalents, part)
    if arguments.list:
        for mutant in wanted:
            print(line_of(mutant))
        return 0
    if part is parts.ALLOCATOR:
        checks.refuse_stale_elsewhere(mutants)
    stale = equivalents.without(mutants)
    if stale:
        print("\n".join(f"ci/equivalent-mutants.txt: there is no such mutant: {key}" for key in stale))
        return 1
    if not wanted and arguments.changed is None:
        raise CannotWork("there is no such mutant; --list shows what there is")
    if not wanted:
        print("The changed lines have no mutants; nothing was tried.")
        return 0
    digest = digest_of(ROOT, part.digested(files), "\n".join(f"{m.key}\0{m.text}\0{m.when}" for m in mutants))
    results = Results(arguments.results, digest)
    battery = [(check, checks.state_of(check)) for check in (
        judge_checks.battery() if arguments.judge else checks.battery(arguments.quick))]

    def asks(check, mutant):
        return checks.asks(check, mutant, not arguments.listed and equivalents.has(mutant))
    is_whole = True
    fates = fates_of(wanted, battery, asks, results, equivalents)
    waiting = [m for m in wanted if fates[m.key] == "open"]
    if waiting:
        build_seconds = QUICK_BUILD_SECONDS if arguments.quick else part.build_seconds
        say(f"{counted(len(waiting), 'mutant')} of {len(wanted):,} to try, about "
            f"{clock(build_seconds + SECONDS_EACH * len(waiting) / arguments.jobs)} on idle processors")
        build = Build(say, part)
        refused = build.prepare(wanted, len(mutants) + 1, files, digest,
                                parts.CACHES if arguments.quick else part.sources)
        for mutant in waiting:
            if not mutant.runs or mutant.key in refused:
                results.add(mutant, "refused" if mutant.runs else "alone")
        waiting = list(filter(results.is_open, waiting))
        sanitized = Build(say, part, "address")
        asked = [check.of for check, _ in battery if check.sanitizer]
        told = [m for m in wanted if m.runs and m.key not in refused and any(of.match(m.key) for of in asked)]
        if any(results.is_open(m) for m in told):
            sanitized.write(told, len(mutants) + 1, files)
        hunt = Hunt({"": build, "address": sanitized}, battery, asks, results, arguments.jobs, until, say)
        is_whole = hunt.run(waiting, len(mutants) + 1)
        fates = fates_of(wanted, battery, asks, results, equivalents)
    problems = list(report(wanted, fates, results, equivalents))
    tried = sum(fate != "open" for fate in fates.values())
    print("\n".join(["", *problems, f"{counted(tried, 'mutant')} of {len(wanted):,}; {shown_path(arguments.results)}"]))
    if not is_whole:
        print("Not all were tried in that time; the same command goes on from here.")
    return 1 if problems else 0 if is_whole else 2


if __name__ == "__main__":
    sys.exit(command.run(main, "ci/mutants"))

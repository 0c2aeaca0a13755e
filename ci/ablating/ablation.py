"""Which of the judge's checks are needed: each is left out, and what it alone had noticed escapes.

A check is an invariant and what exactly does not hold of it, such as B7/SlabKeptAfterFailure. Allocators that are
broken on purpose (fuzz/planted/, model/subject/saboteur.cpp) run with a judge that overlooks every failure, notes it,
and goes on: with any one check left out, a broken allocator is noticed if another check is in its notes, or if it dies.
Where one check alone notices it in its own program, the regressions and random programs run too without that check.

A check that is alone is needed. One that is first, but not alone, tells the step and the cause, which others do not: a
verdict would change without it. Of what is neither, a test of the judge must fail without it (model/subject/), or it
is listed in ci/unneeded-checks.txt, with the reason why it stays.
A judge that overlooks goes on as if it had not: what it rejects is not taken as allocated. Others then trip over that,
so that more checks are needed than are alone. Geometry::make and the parser have judges of their own, which are not
looked at here.

exit: 0 each check is needed, first, tested or listed, 1 one is not, or is listed without need or is no check, or a
broken allocator is noticed by nothing, 2 the work could not be done"""

import collections
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

if __name__ == "__main__":
    sys.path[0] = str(pathlib.Path(__file__).resolve().parents[1])  # modules are named from ci/ on

from ablating import broken, judge, page
from shared import command, limited
from shared.command import CannotWork
from shared.targets import ROOT
from shared.text import clock, counted, table

LISTED = ROOT / "ci" / "unneeded-checks.txt"
# What came of a broken allocator. `others`: as what it is found without `alone`, the check that alone notices it in its
# own program; "" where it escapes.
Outcome = collections.namedtuple("Outcome", "broken checks end alone others")


def look_at(one):
    checks, end = broken.chain(one)
    if len(checks) != 1 or end:
        return Outcome(one, checks, end, None, None)
    others = ""
    for words in one.more:
        others = others or broken.run(one, words, checks[0].split("/")[0] if one.table == "locked" else checks[0]).end
    return Outcome(one, checks, end, checks[0], others)


class Tally:
    """Of each check, the broken allocators that it notices."""

    def __init__(self, outcomes):
        self.first, self.noticed = collections.Counter(), collections.Counter()
        self.alone, self.at_all = {}, collections.Counter()
        for outcome in outcomes:
            self.noticed.update(outcome.checks)
            self.first.update(outcome.checks[:1])
            if outcome.alone:
                self.alone.setdefault(outcome.alone, []).append(outcome.broken.name)
                self.at_all[outcome.alone] += not outcome.others

    def rows(self):
        return [[check, self.first[check], self.noticed[check], len(self.alone.get(check, ())), self.at_all[check]]
                for check in sorted(self.noticed, key=order_of)]


def order_of(check):
    """By letter, by number, by cause."""
    name, cause = check.split("/", 1)
    return name[:1], int(re.sub(r"\D", "", name) or 0), cause


def listed(path=LISTED):
    """Check -> reason."""
    reasons = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line and not line.startswith("#"):
            check, colon, why = line.partition(": ")
            if not colon or not why.strip() or check in reasons:
                raise CannotWork(f"{path}:{number}: no check with a reason, or the same again: {line}")
            reasons[check] = why
    return reasons


def idle(checks, tally):
    """Those of the judge's checks that are first of no broken allocator, and alone of none."""
    return judge.without_bug(checks, set(tally.first) | set(tally.alone))


def problems_of(checks, tally, reasons, outcomes, tested):
    """`tested`: those of the idle ones without which a test of the judge fails."""
    unneeded = [check for check in idle(checks, tally) if check not in tested]
    for check in sorted(unneeded, key=order_of):
        if check not in reasons:
            places = ", ".join(checks[check])
            seen = counted(tally.noticed[check], "broken allocator") if tally.noticed[check] else "none"
            yield f"no verdict changes without {check} ({places}), which notices {seen}"
    for check in reasons:
        if check not in checks:
            yield f"ci/unneeded-checks.txt: the judge makes no check {check}"
        elif check not in unneeded:
            yield (f"ci/unneeded-checks.txt: {check} is first of {counted(tally.first[check], 'broken allocator')}, "
                   f"alone of {len(tally.alone.get(check, ()))}{', and tested' if check in tested else ''}")
    for outcome in outcomes:
        if not outcome.checks and not outcome.end:
            yield f"nothing notices {outcome.broken.name} ({outcome.broken.table})"


def arguments_of():
    parser = command.parser("ci/ablation", __doc__)
    parser.add_argument("--table", action="append", choices=broken.TABLES, help="of broken allocators; all without it")
    parser.add_argument("--only", metavar="REGEX", help="broken allocators in whose name this is found; nothing is "
                        "then said of what no check needs")
    parser.add_argument("--chains", action="store_true", help="print of each the checks that notice it, in their order")
    parser.add_argument("--markdown", metavar="FILE", help="write the tables there too")
    parser.add_argument("--jobs", metavar="N", type=command.positive(int), default=len(os.sched_getaffinity(0)),
                        help="at once; as many as there are processors")
    arguments = parser.parse_args()
    try:
        re.compile(arguments.only or "")
    except re.error as error:
        parser.error(f"--only {arguments.only}: {error}")
    if arguments.markdown and (arguments.only or arguments.table):
        parser.error("--markdown tells of all broken allocators: without --only and --table")
    return arguments


def main():
    arguments = arguments_of()
    tables = arguments.table or list(broken.TABLES)
    programs = [broken.TABLES[table] for table in tables]
    if subprocess.run([ROOT / "ci" / "setup"], stdin=subprocess.DEVNULL, stdout=2).returncode != 0 or \
            subprocess.run([ROOT / "ci" / "build", "asan", *programs], stdin=subprocess.DEVNULL).returncode != 0:
        raise CannotWork("nothing was done; the reason is above")
    began, told = time.monotonic(), 0.0
    outcomes = []
    with tempfile.TemporaryDirectory() as folder:
        wanted = [one for one in broken.broken_allocators(tables, folder)
                  if re.search(arguments.only or "", one.name)]
        with limited.pool(arguments.jobs) as pool:
            for outcome in pool.map(look_at, wanted):
                outcomes.append(outcome)
                if arguments.chains:
                    print(f"{outcome.broken.table} {outcome.broken.name}: {' '.join(outcome.checks)}"
                          f"{' then ' + outcome.end if outcome.end else ''}"
                          f"{' (without it ' + outcome.others + ')' if outcome.others else ''}", flush=True)
                if time.monotonic() - told > 10:
                    told = time.monotonic()
                    print(f"ci/ablation: {len(outcomes)} of {len(wanted)} in {clock(told - began)}", file=sys.stderr)
    if not outcomes:
        raise CannotWork(f"--only {arguments.only}: no broken allocator has such a name")
    tally = Tally(outcomes)
    print("\n".join(table([["check", "first", "notices", "alone", "alone at all"], *tally.rows()])))
    is_whole = not arguments.only and not arguments.table
    checks, reasons = (judge.checks_of_the_judge(), listed()) if is_whole else ({}, {})
    tested = [check for check in idle(checks, tally) if not check.startswith(judge.ANY) and broken.is_missed(check)]
    problems = list(problems_of(checks, tally, reasons, outcomes, tested))
    if arguments.markdown:
        page.write(arguments.markdown, outcomes, tally, tested, reasons)
    print("\n".join(["", *problems, f"{counted(len(outcomes), 'broken allocator')}, "
                     f"{counted(len(tally.noticed), 'check')}, {clock(time.monotonic() - began)}"]))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(command.run(main, "ci/ablation"))

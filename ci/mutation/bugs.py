"""Puts each named bug of ci/bugs/ into the allocator, and runs the checks until one finds it: as what the bug's patch
says, an invariant of docs/invariants.md, a death or a hang.

exit: 0 each bug was found, as what its patch says, 1 one was not, 2 the work could not be done: so also where a patch
does not apply any more, or does not compile"""

import os
import pathlib
import shutil
import sys
import time

if __name__ == "__main__":
    sys.path[0] = str(pathlib.Path(__file__).resolve().parents[1])  # modules are named from ci/ on

from mutation import canaries, hunting, named
from mutation.subjects import CACHE, Subjects, slim_flags
from shared import command, limited
from shared.command import CannotWork
from shared.text import counted, table



def subject_of(subjects, bug, slim):
    """The folder with the bug's subject."""
    folder = subjects.folder / "of" / bug.name
    tree = folder / "tree"
    if not tree.exists():
        named.copy_with(bug, tree)
    library = folder / ("slim" if slim else "full")
    try:
        if slim:
            return subjects.library(bug.part, tree, library, slim_flags(bug.world[0]), CACHE[:1])
        return subjects.with_bug(bug, tree, library)
    except CannotWork as error:
        raise CannotWork(f"{bug.name}: {error}") from None


def hunt(subjects, bug, quick):
    """The check that found it and how, or the last one; no check where none is quick enough."""
    folder = subjects.folder / "of" / bug.name
    shutil.rmtree(folder, ignore_errors=True)
    libraries, last = {}, (None, None)
    for check in hunting.checks_of(bug, quick):
        if check.slim not in libraries:
            libraries[check.slim] = subject_of(subjects, bug, check.slim)
        end = hunting.look(check, subjects.engine(bug.part, check.program), libraries[check.slim])
        if end.found == "nothing":
            raise CannotWork(f"{bug.name}: {check.name} could not do its work: {end.what}")
        last = check, end
        if end.found:
            break
    shutil.rmtree(folder, ignore_errors=True)
    return last


def problem_of(bug, check, end):
    if end.found is None:
        return f"{bug.name} survived: {bug.what}"
    if end.found not in bug.fires:
        return (f"{bug.name} was found by {check.name} as {end.found} ({end.what}), and its patch says Fires: "
                f"{' '.join(bug.fires)}")
    return None


def chosen(bugs, names):
    if unknown := set(names) - {bug.name for bug in bugs}:
        raise CannotWork(f"there is no bug {', '.join(sorted(unknown))} in {named.FOLDER}")
    return [bug for bug in bugs if not names or bug.name in names]


def arguments_of(words):
    parser = command.parser("ci/mutants --bugs", __doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="of a bug, as its file's; all without")
    parser.add_argument("--quick", action="store_true", help="only what dies in seconds")
    parser.add_argument("--canaries", action="store_true",
                        help="instead, whether each engine still finds a bug deep in the states, ci/bugs/canaries/")
    parser.add_argument("--deep", action="store_true", help="with --canaries, also of the engine whose runs vary")
    parser.add_argument("--times", action="store_true",
                        help="instead, how soon each engine finds bugs: behind --bugs, and ci/mutants --bugs --times "
                             "--help more")
    parser.add_argument("--table", action="store_true", help="print the table of docs/named-bugs.md, and run nothing")
    parser.add_argument("--jobs", metavar="N", type=command.positive(int), default=len(os.sched_getaffinity(0)),
                        help="bugs at once; as many as there are processors")
    arguments = parser.parse_args(words)
    if arguments.times:
        parser.error("--times is the second word, behind --bugs, or nothing")
    return arguments


def markdown(bugs):
    rows = ["| bug | what is wrong | seen | fires |", "| --- | --- | --- | --- |"]
    return "\n".join(rows + [f"| `{bug.name}` | {bug.what} | {bug.seen} | {' '.join(bug.fires)} |" for bug in bugs])


def main_of_canaries(jobs, wanted):
    rows, problems = [["engine", "canary", "as", "seconds"]], []
    for canary, end, problem in canaries.hunt(Subjects(), jobs, wanted):
        print(f"ci/mutants: {canary.name}: {end.what or 'nothing found'} in {end.seconds:.1f} s", file=sys.stderr,
              flush=True)
        rows.append([canary.name, canary.bug, end.found or "not found", f"{end.seconds:.1f}"])
        problems += [problem] if problem else []
    print("\n".join([*table(rows), "", *problems, f"{len(rows) - 1} engines, {len(problems)} of which are blind"]))
    return 1 if problems else 0


def main(words=None):
    arguments = arguments_of(words)
    if arguments.canaries and (arguments.names or arguments.quick or arguments.table):
        raise CannotWork("--canaries has no other options than --deep and --jobs, and no names")
    if arguments.deep and not arguments.canaries:
        raise CannotWork("--deep is of --canaries")
    bugs = chosen(named.all_bugs(), arguments.names)
    if arguments.table:
        print(markdown(bugs))
        return 0
    if arguments.canaries:
        return main_of_canaries(arguments.jobs, canaries.CANARIES + canaries.VARYING * arguments.deep)
    if arguments.quick:
        slow = [bug.name for bug in bugs if not hunting.checks_of(bug, True)]
        if arguments.names and slow:
            raise CannotWork(f"no quick check looks for {', '.join(slow)}: without --quick others do")
        bugs = [bug for bug in bugs if bug.name not in slow]
    began = time.monotonic()
    subjects = Subjects()
    for part in sorted({bug.part for bug in bugs}):  # one build after the other
        for program in sorted({check.program for bug in bugs if bug.part == part
                               for check in hunting.checks_of(bug, arguments.quick)}):
            subjects.engine(part, program)
    rows, problems = [["bug", "found by", "as", "seconds"]], []
    with limited.pool(arguments.jobs) as pool:
        for bug, (check, end) in zip(bugs, pool.map(lambda bug: hunt(subjects, bug, arguments.quick), bugs)):
            print(f"ci/mutants: {len(rows)} of {len(bugs)}, {bug.name}: {end.what or 'nothing found'}",
                  file=sys.stderr, flush=True)
            rows.append([bug.name, check.name if end.found else "nothing", end.found or "–", f"{end.seconds:.1f}"])
            problems += filter(None, [problem_of(bug, check, end)])
    print("\n".join(table(rows)))
    print("\n".join(["", *problems, f"{counted(len(bugs), 'bug')}, {len(bugs) - len(problems)} found as their patches "
                                    f"say, {time.monotonic() - began:.0f} s"]))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(command.run(main, "ci/mutants --bugs"))

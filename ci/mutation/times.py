"""How soon each engine finds named bugs of caches: executions and seconds of a processor, from one seed after the
other and from no corpus. Prints the table of docs/time-to-bug.md. What was measured is kept, in a line of JSON for each
search: the same command goes on from there, also after Ctrl-C.

exit: 0 all was measured, and each bug found by an engine; 1 one was not; 2 the work could not be done, or not to its
end"""

import collections
import concurrent.futures
import json
import math
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

if __name__ == "__main__":
    sys.path[0] = str(pathlib.Path(__file__).resolve().parents[1])  # modules are named from ci/ on

from benchmark.plots import python
from mutation import hunting, named, times_engines
from mutation.building import digest_of
from mutation.subjects import Subjects
from mutation.times_page import Page, is_found, table_of, verdicts
from shared import command, json_lines, limited
from shared.command import CannotWork
from shared.targets import ROOT
from shared.text import clock, counted, shown_path

RESULTS = ROOT / "fuzz-out" / "times.jsonl"
SOURCES = ("allocator", "model")  # of which subjects and all engines are made
ENOUGH = 0.8  # of its limit, where a search was ended: of a processor's time its last part is not always told
Search = collections.namedtuple("Search", "bug engine seed")


class Times:
    """The file. A line counts while bugs, engine, model and limit are those that it was measured with."""
    def __init__(self, path, digests):
        self.path, self.digests, self.entries = path, digests, {}
        path.parent.mkdir(parents=True, exist_ok=True)
        for entry in json_lines.read(path):
            if entry["of"] == digests.get(entry["engine"]):
                self.entries[Search(entry["bug"], entry["engine"], entry["seed"])] = entry

    def add(self, search, executions, seconds, found):
        entry = {"of": self.digests[search.engine], **search._asdict(), "executions": executions,
                 "seconds": round(seconds, 3), "as": found}
        self.entries[search] = entry
        json_lines.append(self.path, entry)


def end_of(engine, code, said, seconds, limit):
    """(executions until it was found, seconds, as what); executions and what are None where it was not."""
    if seconds > limit or (code is None and seconds > ENOUGH * limit):
        return None, seconds, None
    if code is None:
        raise CannotWork(f"{engine.name} has had {seconds:.1f} s of a processor, and {limit} s are its limit: too much "
                         "else runs here")
    end = hunting.end_of(code, said, seconds)
    if end.found is None:
        return None, seconds, None
    executions = times_engines.executions_of(engine, said)
    if end.found == "nothing" or executions is None:
        raise CannotWork(f"{engine.name} could not do its work: {end.what or said[-300:]}")
    return executions, seconds, end.found


class Measuring:
    def __init__(self, subjects, times, limit, say):
        self.subjects, self.times, self.limit, self.say = subjects, times, limit, say
        self.libraries = {}

    def prepare(self, bugs, engines):
        """Links engines and compiles subjects, one after the other: afterwards nothing but searches runs."""
        for engine in engines:
            for program in sorted({engine.program(bug) for bug in bugs}):
                self.say(f"linking {engine.name}: {program}")
                self.program(engine, program)
        for bug in bugs:
            self.say(f"compiling {bug.name}")
            folder = self.subjects.folder / "timed" / bug.name
            shutil.rmtree(folder, ignore_errors=True)
            named.copy_with(bug, folder / "tree")
            self.libraries[bug.name] = self.subjects.with_bug(bug, folder / "tree", folder / "full")

    def program(self, engine, program):
        return self.subjects.engine("cache", program, engine.without)

    def search(self, bug, engine, seed):
        environment = {**hunting.environment_of(self.libraries[bug.name], seed), **engine.environment}
        ended = limited.run([self.program(engine, engine.program(bug)), *engine.words(bug, seed)], environment,
                            self.limit)
        return end_of(engine, ended.code, ended.said, ended.processor, self.limit)

    def run(self, bugs, searches, jobs, until):
        """Whether all was measured; no search begins behind `until`."""
        by_name = {bug.name: bug for bug in bugs}
        engines = {engine.name: engine for engine in times_engines.ENGINES}

        def look(search):
            if time.monotonic() > until:
                return search, None
            return search, self.search(by_name[search.bug], engines[search.engine], search.seed)

        began = time.monotonic()
        with limited.pool(jobs) as pool:
            waiting = [pool.submit(look, search) for search in searches]
            for n, done in enumerate(concurrent.futures.as_completed(waiting), 1):
                search, end = done.result()
                if not end:
                    continue
                executions, seconds, found = end
                self.times.add(search, executions, seconds, found)
                took = f"{executions:,} executions as {found}" if found else "not found"
                self.say(f"{n} of {len(searches)}, {clock(time.monotonic() - began)}: {search.bug}, "
                         f"{search.engine}, seed {search.seed}: {took}, {seconds:.2f} s")
        shutil.rmtree(self.subjects.folder / "timed", ignore_errors=True)
        return all(done.result()[1] for done in waiting)


def searches_of(bugs, seeds):
    """One seed after the other, so that a run that is ended has measured as much of each bug."""
    for seed in range(1, seeds + 1):
        for bug in bugs:
            for engine in times_engines.ENGINES:
                if seed == 1 or engine.has_seeds:
                    yield Search(bug.name, engine.name, seed)


def chosen(bugs, names, every):
    """Caches' bugs that have a World, by name: these, or one of so many."""
    possible = [bug for bug in bugs if bug.world]
    if unknown := set(names) - {bug.name for bug in possible}:
        raise CannotWork(f"there is no bug {', '.join(sorted(unknown))} with a World: in {named.FOLDER}")
    return [bug for bug in possible if bug.name in names] if names else possible[::every]


def draw(times, bugs, seeds, limit, file):
    program = python()
    if not program:
        raise CannotWork("no Python here has matplotlib, for the plot; ci/setup --bench installs it")
    with tempfile.NamedTemporaryFile("w", suffix=".json") as data:
        json.dump({"limit": limit, "bugs": [bug.name for bug in bugs], "seeds": seeds,
                   "engines": [engine.name for engine in times_engines.ENGINES],
                   "entries": list(times.entries.values())}, data)
        data.flush()
        done = subprocess.run([program, "-B", pathlib.Path(__file__).with_name("times_plot.py"), data.name, file],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise CannotWork(f"the plot could not be drawn:\n{done.stdout[-2000:]}")


def arguments_of(words):
    parser = command.parser("ci/mutants --bugs --times", __doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="of a bug with a World, as its file's; all without")
    parser.add_argument("--every", metavar="N", type=command.positive(int), default=1,
                        help="without names: one of N of them in the order of their names, the first among them (1)")
    parser.add_argument("--seeds", metavar="N", type=command.positive(int), default=10,
                        help="how often each engine looks, with the seeds 1 to N (10); the explorer, which has none, "
                             "looks once")
    parser.add_argument("--limit", metavar="SECONDS", type=command.positive(int), default=10,
                        help="of a processor, after which a bug counts as not found (10)")
    parser.add_argument("--jobs", metavar="N", type=command.positive(int), default=len(os.sched_getaffinity(0)),
                        help="searches at once; as many as there are processors")
    parser.add_argument("--minutes", metavar="N", type=command.positive(float), help="begin with no search later")
    parser.add_argument("--markdown", metavar="FILE", type=pathlib.Path,
                        help="writes the table into this page and draws the plot beside it, as FILE.svg: "
                             "docs/time-to-bug.md")
    parser.add_argument("--results", metavar="FILE", type=pathlib.Path, default=RESULTS,
                        help=f"where results are kept ({shown_path(RESULTS)})")
    return parser.parse_args(words)


def say(text):
    print(f"ci/mutants: {text}", file=sys.stderr, flush=True)


def digests_for(bugs, limit):
    """Of all that a measurement by an engine depends on, by its name."""
    patches = "".join(bug.path.read_text() for bug in bugs)
    return {engine.name: digest_of(ROOT, (*SOURCES, *engine.sources), json.dumps(
        [limit, engine.environment, [engine.words(bug, 0) for bug in bugs]]) + patches)
        for engine in times_engines.ENGINES}


def main(words=None):
    arguments = arguments_of(words)
    bugs = chosen(named.all_bugs(), arguments.names, arguments.every)
    page = Page(arguments.markdown) if arguments.markdown else None
    times = Times(arguments.results, digests_for([bug for bug in named.all_bugs() if bug.world], arguments.limit))
    wanted = list(searches_of(bugs, arguments.seeds))
    waiting = [search for search in wanted if search not in times.entries]
    until = time.monotonic() + (60 * arguments.minutes if arguments.minutes else math.inf)
    is_whole = True
    if waiting:
        say(f"{counted(len(waiting), 'search', 'searches')} of {len(wanted):,}, of at most {arguments.limit} s each")
        measuring = Measuring(Subjects(), times, arguments.limit, say)
        measuring.prepare([bug for bug in bugs if bug.name in {search.bug for search in waiting}],
                          times_engines.ENGINES)
        is_whole = measuring.run(bugs, waiting, arguments.jobs, until)
    table = table_of(times.entries.values(), bugs, times_engines.ENGINES, arguments.seeds, arguments.limit)
    print(table)
    if page:
        draw(times, bugs, arguments.seeds, arguments.limit, arguments.markdown.with_suffix(".svg"))
        page.write(table)
    problems = list(problems_of(bugs, {search: times.entries.get(search) for search in wanted}))
    print("\n".join(["", *verdicts(times.entries.values(), bugs, times_engines.ENGINES, arguments.seeds), *problems]))
    if not is_whole:
        print("Not all was measured in that time; the same command goes on from here.")
    return 1 if problems else 0 if is_whole else 2


def problems_of(bugs, ends):
    """`ends`: what was measured of each search, or None. A find is one as whatever: what an engine comes upon first may
    be a consequence of what the bug's patch says."""
    for bug in bugs:
        if all(entry and not is_found(entry) for search, entry in ends.items() if search.bug == bug.name):
            yield f"{bug.name} was found by no engine: {bug.what}"


if __name__ == "__main__":
    sys.exit(command.run(main, "ci/mutants --bugs --times"))

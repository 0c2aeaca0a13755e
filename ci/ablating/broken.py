"""The allocators that are broken on purpose, and how a program with an ablated judge is run on one of them."""

import collections
import importlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from shared import limited
from shared.command import CannotWork
from shared.targets import BUILD, ROOT

sys.path.append(str(ROOT / "fuzz"))
sys.path.append(str(ROOT / "fuzz" / "planted"))
from planted import bugs as cache_bugs

LIMIT = 60  # seconds of a processor for one run
# `number`: in SLAB_PLANTED, 0 for none. `words`: what runs the program that shows it, none where a random one is to be
# found first; `more`: what else there is to run.
Broken = collections.namedtuple("Broken", "table name program number words more")
# `checks` that failed, in the order in which they did; `end`: of what it died, "" where it went on to its end.
Run = collections.namedtuple("Run", "checks end")

PROGRAMS = 6000  # among which a random one shows each bug of a subject
TABLES = {"cache": "slab_replay_ablated", "saboteur": "judge_tests_ablated", "hosted": "hosted_ablated_replay",
          "sizes": "sizes_ablated_replay", "locked": "locked_explore_ablated"}


def cache(folder):
    random = ["--random", "150", "--budget", "0.01"]
    regressions = ["--json", *map(str, sorted((ROOT / "corpus/regressions").glob("*.trace")))]
    for number, bug in enumerate(cache_bugs.BUGS, 1):
        trace = pathlib.Path(folder) / f"{bug.name}.trace"
        trace.write_text(cache_bugs.trace_of(bug, ROOT))
        yield Broken("cache", bug.name, TABLES["cache"], number, ["--json", str(trace)], [regressions, random])


def saboteur(_):
    program = BUILD / "asan" / "bin" / TABLES["saboteur"]
    said = subprocess.run([program, "--gtest_list_tests", "--gtest_filter=Cache/Sabotaged.*:Sabotage.*"],
                          text=True, stdout=subprocess.PIPE, check=True).stdout
    suite = ""
    for line in said.splitlines():
        if line.startswith("  "):
            name = line.split()[0]
            yield Broken("saboteur", name.split("/")[-1], program.name, 0, [f"--gtest_filter={suite}{name}"], [])
        else:
            suite = line.split()[0]


def subject(table, module):
    numbers = importlib.import_module(f"planted.{module}").NUMBERS
    for name, number in numbers.items():
        yield Broken(table, name, TABLES[table], number, None, [["--random", "150", "--budget", "0.01"]])


def locked(_):
    for name, number in importlib.import_module("planted.locked_edits").NUMBERS.items():
        yield Broken("locked", name, TABLES["locked"], number, ["--random", "20000", "--seed", "1"],
                     [["--random", "3000", "--seed", "2"]])


def broken_allocators(tables, folder):
    sources = {"cache": cache, "saboteur": saboteur, "locked": locked,
               "hosted": lambda _: subject("hosted", "hosted_edits"),
               "sizes": lambda _: subject("sizes", "size_class_edits")}
    return [one for table in tables for one in sources[table](folder)]


def chain(broken, programs=BUILD / "asan" / "bin"):
    """What all checks say of the program that shows it."""
    if broken.words:
        return run(broken, broken.words, "all", programs)
    with tempfile.TemporaryDirectory() as folder:
        found = subprocess.run([programs / broken.program, "--random", str(PROGRAMS), "--budget", "0.5", "--output",
                                folder], cwd=folder, env={**os.environ, "SLAB_PLANTED": str(broken.number)}, text=True,
                               errors="replace", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT)
        trace = re.search(r"^written: (.+?)(?:, of which .*)?$", found.stdout, re.MULTILINE)
        if found.returncode == 0:
            return Run([], "")
        if found.returncode != 1 or not trace:
            raise CannotWork(f"{broken.program} finds no program for {broken.name}: exit {found.returncode}\n"
                             f"{found.stdout[-1000:]}")
        return run(broken, ["--json", trace[1]], "all", programs)


def is_missed(check, programs=BUILD / "asan" / "bin"):
    """Whether a test of the judge fails without it."""
    done = subprocess.run([programs / TABLES["saboteur"], "--gtest_brief=1"], env={**os.environ,
                          "SLABPROOF_WITHOUT": check}, text=True, errors="replace", stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0 and not re.search(r"FAILED|^SUMMARY: ", done.stdout, re.MULTILINE):
        raise CannotWork(f"{TABLES['saboteur']} could not do its work without {check}: {done.stdout[-2000:]}")
    return done.returncode != 0


def run(broken, words, without, programs=BUILD / "asan" / "bin"):
    """Runs it with a judge that overlooks what `without` says, as SLABPROOF_WITHOUT has it."""
    with tempfile.TemporaryDirectory() as folder:
        overlooked = pathlib.Path(folder) / "overlooked"
        environment = {**os.environ, "SLAB_PLANTED": str(broken.number), "SLABPROOF_WITHOUT": without,
                       "SLABPROOF_OVERLOOKED": str(overlooked)}
        code, said, *_ = limited.run([programs / broken.program, *words], environment, LIMIT)
        if code is None:
            code, said = 1, "hung"
        checks = list(dict.fromkeys(overlooked.read_text().splitlines())) if overlooked.exists() else []
    if code not in (0, 1) and not checks:
        raise CannotWork(f"{broken.program} could not do its work on {broken.name}: exit {code}\n{said[-2000:]}")
    return Run(checks, "" if code == 0 else end_of(said))


def end_of(said):
    """What a failure is told as that no check has told."""
    if "\n 1 FAILED TEST\n" in said:  # of the saboteur's tests, which expect a verdict
        return ""
    for line in said.splitlines():
        if line.startswith("{") and (facts := json.loads(line))["outcome"] != "agreed":
            return facts["signature"]
    for pattern in (r"^signature: (.+)$", r"^violated: (\w+)", r"^(hung)$"):
        if found := re.search(pattern, said, re.MULTILINE):
            return found[1]
    return "died"

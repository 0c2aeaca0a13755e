"""What llvm-cov says of each function of the allocator that was run."""

import collections
import glob
import json
import os
import re
import subprocess
import sys

from reach.exceptions import FUNCTIONS
from reach.groups import ROWS, Group, group_of, group_of_header
from reach.sources import ROOT, header_of
from shared import hosted_worlds, targets
from shared.command import CannotWork

BUILD, OTHERS = (targets.BUILD / preset / "bin" for preset in ("coverage", "reach"))
CONDITION = re.compile(r"Condition C\d+ --> \((\d+):(\d+)\)")
PAIR = re.compile(r"C\d+-Pair: (covered|not covered|constant folded)")


def tool(name):
    """The newest installed LLVM tool of that name."""
    found = glob.glob(f"/usr/lib/llvm-*/bin/{name}")
    if not found:
        raise CannotWork(f"{name} is missing; ci/setup installs it")
    return max(found, key=lambda path: int(re.search(r"llvm-(\d+)", path)[1]))


def run(words, **options):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    if done.returncode != 0:
        raise CannotWork(f"{os.path.basename(words[0])} fails:\n{done.stderr.decode(errors='replace')[-2000:]}")
    return done.stdout


def progress(text):
    """On a terminal, in one line that the next one replaces."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


# What a program was run for: whether it is of allocator/hosted, its binary and what it has left.
Part = collections.namedtuple("Part", "of_hosted binary profile")


def ran(folder, parts, of_hosted, binary, words, **environment):
    """Adds to `parts` a program that is run. What its child processes (model/process/child.hpp) ran is part of it."""
    profile = os.path.join(folder, f"{len(parts)}.%m.profraw")
    progress(f"{binary.name} runs")
    run([binary, *words], env={**os.environ, "LLVM_PROFILE_FILE": profile, **environment}, cwd=folder)
    left = glob.glob(os.path.join(glob.escape(folder), f"{len(parts)}.*.profraw"))
    if len(left) != 1:
        raise CannotWork(f"{binary.name} left {len(left)} profiles, not one")
    parts.append(Part(of_hosted, binary, left[0]))


def run_corpus(folder):
    """Runs each target over its corpus and the regressions."""
    traces = os.path.join(folder, "regressions")
    os.mkdir(traces)
    for path in glob.glob(os.path.join(ROOT, "corpus", "regressions", "*.trace")):
        run([BUILD / "slab_replay", "--quiet", "--write-bytes", os.path.join(traces, os.path.basename(path)), path],
            env={**os.environ, "LLVM_PROFILE_FILE": os.devnull})
    parts = []
    for target, kind in targets.TARGETS.items():
        inputs = [os.path.join(ROOT, "corpus", target)] + ([traces] if kind.input == "program" else [])
        ran(folder, parts, target in targets.OF_HOSTED, BUILD / target, ["-runs=0", *inputs])
    return parts


def run_explorer(folder):
    """The worlds of the tests."""
    parts = []
    for row in ROWS:
        ran(folder, parts, False, OTHERS / "slab_explore", ["--quick", "--row", row])
    for words in hosted_worlds.all_of_the_tests():
        ran(folder, parts, True, OTHERS / "hosted_explore", words)
    return parts


def run_properties(folder):
    """As many programs as in the tests."""
    parts = []
    for of_hosted, name in ((False, "state_machine_test"), (True, "hosted_properties")):
        ran(folder, parts, of_hosted, OTHERS / name, [], RC_PARAMS="seed=1 noshrink=1")
    return parts


def merged(parts, folder):
    """Profiles with the binaries that they are of: those of the caches together, and those of allocator/hosted."""
    progress("")
    for of_hosted in (False, True):
        chosen = [part for part in parts if part.of_hosted == of_hosted]
        together = os.path.join(folder, f"{of_hosted}.profdata")
        run([tool("llvm-profdata"), "merge", "-o", together, *(part.profile for part in chosen)])
        yield of_hosted, together, list(dict.fromkeys(part.binary for part in chosen))


def words_for(command, profile, binaries):
    return [tool("llvm-cov"), command, binaries[0], *(f"-object={one}" for one in binaries[1:]),
            f"-instr-profile={profile}"]


def decisions_in(text):
    """Name of a function -> line, column and whether it is shown, of each condition that is no constant. From the text
    of llvm-cov for people, which alone tells constants from conditions that were never shown. A function at a time:
    its summaries take the best instantiation of a template."""
    decisions, name, conditions, pairs = collections.defaultdict(list), None, [], []
    for line in text.splitlines():
        if line.endswith(":") and line[:1] not in (" ", "|"):
            name = line[:-1]
        elif "|---> MC/DC Decision Region" in line:
            conditions, pairs = [], []
        elif found := CONDITION.search(line):
            conditions.append((int(found[1]), int(found[2])))
        elif found := PAIR.search(line):
            pairs.append(found[1])
        elif "MC/DC Coverage for Decision" in line:
            if len(pairs) != len(conditions):
                raise CannotWork(f"llvm-cov's text about decisions is not understood, in {name}")
            decisions[name] += [(*at, pair == "covered") for at, pair in zip(conditions, pairs)
                                if pair != "constant folded"]
    return decisions


def groups_of(profile, binaries, of_hosted, groups):
    """Adds to `groups` what a profile says of each function of the allocator that belongs to one."""
    export = json.loads(run(words_for("export", profile, binaries)))
    shown = run([*words_for("show", profile, binaries), "-show-mcdc", "-name-regex=slab"])
    decisions = decisions_in(shown.decode())
    functions = export["data"][0]["functions"]
    if not any(decisions.values()) or not any(function["mcdc_records"] for function in functions):
        raise CannotWork("llvm-cov tells no MC/DC; its compiler must know -fcoverage-mcdc (clang 19)")
    mangled = "\n".join(function["name"].split(":")[-1] for function in functions)
    demangled = run([tool("llvm-cxxfilt")], input=mangled.encode()).decode().splitlines()
    for function, name in zip(functions, demangled, strict=True):
        files = [header_of(path) for path in function["filenames"]]
        if not any(files) or "GuardedPolicy<" in name:
            continue
        group = group_of_header(next(filter(None, files))) if of_hosted else group_of(name)
        if group and not FUNCTIONS.reason_for(name, group):
            if len(function["mcdc_records"]) and function["name"] not in decisions:
                raise CannotWork(f"llvm-cov shows no decisions of {name}")
            groups[group].add(function, files, decisions[function["name"]])


def write_html(profile, binaries, folder):
    """llvm-cov's pages, with what ran of each instantiation."""
    run([*words_for("show", profile, binaries), "-format=html", f"-output-dir={folder}", "-show-mcdc",
         "-show-branches=count", "-show-instantiations", os.path.join(ROOT, "allocator")])

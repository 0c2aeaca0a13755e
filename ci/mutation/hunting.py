"""What looks for a named bug, and what it was found as."""

import collections
import os
import re

from mutation.checks import corpus
from shared import limited
from shared.targets import ROOT

# `slim`: the subject has the row and the policy of the bug's World alone.
Check = collections.namedtuple("Check", "name program words slim", defaults=(False,))
# `found`: an id of docs/invariants.md, "death", "hang", or None if the check passed. `what`: its signature, or why the
# check could not do its work where `found` is "nothing".
End = collections.namedtuple("End", "found what seconds")
SECONDS = 300  # of a processor, the longest that a check may take; without a bug each takes less than a minute


def checks_of(bug, quick=False):
    """In their order: the first that finds it is told."""
    tiny = ["--objects", "2", "--slabs", "2", "--memory", "0.5", "--kept", "1"]
    random = Check("random programs", f"{replay_of(bug.part)}", ["--random", "400", "--budget", "0.01"])
    if bug.part == "locked":
        return [Check("random orders", "locked_explore", ["--random", "3000", "--seed", "1"]),
                *([] if quick else [Check("every order", "locked_explore", [])])]
    if bug.part == "geometry":
        return [Check("geometries", "fuzz_geometry", ["-seed=1", "-runs=300000", "-artifact_prefix=./",
                                                      str(ROOT / "corpus" / "fuzz_geometry")])]
    if bug.part != "cache":
        return [random]
    found = []
    if bug.world and not (quick and bug.has_guards):
        found.append(Check("explorer", "slab_explore",
                           [*tiny, "--row", bug.world[0], "--policy", bug.world[1]], not bug.has_guards))
    if quick:
        return found
    return [*found, random, Check("regressions", "slab_replay", ["--json", *corpus("regressions")]),
            Check("explorer, quick", "slab_explore", ["--quick", "--memory", "0.5"]),
            Check("RapidCheck", "state_machine_test", ["--gtest_brief=1", "--gtest_fail_fast"])]


def replay_of(part):
    return "slab_replay" if part == "cache" else f"{part}_replay"


def environment_of(library, seed=1):
    """Of a program whose subject is in the folder `library`."""
    # What an engine and its subject share is defined in both; LeakSanitizer has nothing to look for.
    return {**os.environ, "LD_LIBRARY_PATH": str(library), "RC_PARAMS": f"seed={seed} noshrink=1",
            "SLABPROOF_SEED": str(seed), "ASAN_OPTIONS": "detect_leaks=0:detect_odr_violation=0:symbolize=0",
            "UBSAN_OPTIONS": "symbolize=0"}


def run(program, words, library, seconds=SECONDS, seed=1):
    """(exit status, or None after so many seconds of a processor; what it says; seconds that it took)."""
    ended = limited.run([program, *words], environment_of(library, seed), seconds)
    return ended.code, ended.said, ended.seconds


def end_of(code, said, seconds):
    if code == 0:
        return End(None, "", seconds)
    if code is None:
        return End("hang", f"not done after {seconds:.0f} s", seconds)
    for pattern in (r"^signature: (.+)$", r'"signature": ?"([^"]+)"', r"violated:? ([A-Z]\d+)",
                    r"(runtime error: .+)", r"^(?:==\d+==)?ERROR: (AddressSanitizer: [\w-]+)"):
        if found := re.search(pattern, said, re.MULTILINE):
            return End(what_fired(found[1]), found[1], seconds)
    if code < 0 and code != -9:
        return End("death", f"signal {-code}", seconds)
    lines = said.strip().splitlines()
    return End("nothing", f"exit {code}: {lines[-1][:200] if lines else ''}", seconds)


def what_fired(signature):
    """Of "B8/alloc", "died:AddressSanitizer@…", "hung/free"."""
    if found := re.match(r"[A-Z]\d+\b", signature):
        return found[0]
    return "hang" if signature.startswith("hung") else "death"


def look(check, program, library):
    return end_of(*run(program, check.words, library))

"""The checks that look for a mutant of the judge, the fastest first: a right allocator in which it finds fault, its own
tests, and what it says of allocators that are broken on purpose."""

import re
import sys

from mutation import checks
from mutation.checks import Check, corpus
from shared.targets import ROOT

ALL = re.compile("")
ANY = re.compile(r"model/judge/(any/|\w+\.)|model/memory/")
MEMORY = re.compile(r"model/memory/")
PARSED = re.compile(r"model/judge/trace_oracle\.cpp")
COMPUTED = re.compile(r"model/judge/geometry_oracle\.cpp")
ESCAPES = "ci/mutation/escapes.py"
# Of model_test, the fastest first.
REMEMBERED = "RegionOfSlabs*:BlocksByAddress*:RecordingBackend*:ErringBackend*:*Contents*"
JUDGED = "*Oracle*:GeometryQuery*:Make*:Guards*:Due*:OfACall*:Checks.Of*:Sabotage*"
SABOTAGED = "*Sabotaged*"
SLOW = ("AHeap*:APool*:WrongFrees*:WrongSizes*:AnotherSubject*:Checks*:EventLog*:Inspector*:Audit*:AbstractStates*:"
        "*Deadly*-AnotherSubject.IsJudgedByTheMemoryThatItTakes:Checks.ChangeNothing")  # each a minute


def battery():
    """The most kills a second first; docs/mutants.md has what each takes."""
    parsed = [f"corpus/{folder}" for folder in ("fuzz_trace", "fuzz_geometry")]
    found = [
        *(check._replace(of=ALL) for check in checks.smallest_worlds()),
        checks.tests("tests of memory", "model_test", [f"--gtest_filter={REMEMBERED}"], MEMORY, "model"),
        checks.tests("tests of the judge", "model_test", [f"--gtest_filter={JUDGED}"], ALL, "model"),
        checks.replay("programs as text", "slab_replay", ["--json", *corpus("fuzz_trace")[::20]], PARSED, parsed[0]),
        checks.replay("geometries", "slab_replay", ["--json", *corpus("fuzz_geometry")[::20]], COMPUTED, parsed[1]),
        checks.replay("random programs", "slab_replay", ["--random", "50", "--budget", "0.01"], ALL),
        checks.replay("random programs of hosted", "hosted_replay", ["--random", "300", "--budget", "0.01"], ANY,
                      "properties/hosted"),
        checks.tests("sabotaged caches", "model_test", [f"--gtest_filter={SABOTAGED}"], ALL, "model"),
        checks.replay("regressions", "slab_replay", ["--json", *corpus("regressions")], ALL, "corpus/regressions"),
        Check("planted bugs", "slab_replay_planted", [], ALL, ("fuzz/planted", "fuzz/replay", ESCAPES),
              through=(sys.executable, "-B", ROOT / ESCAPES)),
        checks.tests("slow tests of the judge", "model_test", [f"--gtest_filter={SLOW}"], ALL, "model"),
    ]
    return [check._replace(beside=("allocator", "model")) for check in found]

"""The checks that look for a mutant, the fastest first, and how one of them ends."""

import collections
import os
import re

from mutation.building import digest_of
from shared import hosted_worlds, limited
from shared.command import CannotWork
from shared.targets import ROOT

# `of`: whose keys it looks at. `sources`: what it is made of, beside what is mutated and `beside`. `sanitizer`: with
# which it is compiled. `through`: what runs the program, given its path; 2 of it is that it can not.
Check = collections.namedtuple("Check", "name program words of sources sanitizer beside through",
                               defaults=((), "", ("model",), ()))
# `how`: killed, hung or passed; `what`: the signature, or what there is to say in its place;
# `processor`: seconds of one.
End = collections.namedtuple("End", "how what seconds processor")

ROWS = ("SmallSinglePage", "SmallMultiPage", "Large")
CORE = re.compile(r"allocator/include/slab/(?!locked|operator_new|size_|class_|page_blocks|exact)")
AUDIT = re.compile(r"allocator/include/slab/cache_audit")
SIZES = re.compile(r"allocator/include/slab/(size_|class_|page_blocks|exact)")
GEOMETRY = re.compile(r"allocator/include/slab/geometry")
LOCKED = re.compile(r"allocator/include/slab/locked")
HOSTED = re.compile("allocator/hosted/")
OPERATORS = re.compile(r"allocator/include/slab/(operator_new|size_|class_|page_blocks|exact)")
SIZES_AND_HOSTED = re.compile(r"allocator/(hosted/|include/slab/(size_|class_|page_blocks|exact))")
# Functions of which the explorer's smallest worlds kill every mutant that is not listed.
QUICK = (
    "CacheSlabs::make_current", "CacheSlabs::slabs_missing_to", "CacheSlabs::keep_for", "CacheCore::put_in",
    "CacheState::set_current", "CacheState::write_slots", "CacheState::full_slots", "CacheState::count_empty",
    "CacheState::slots_of", "CacheState::table_of", "CacheState::base_of", "CacheGuards::is_live",
    "CacheGuards::with_entry", "LinkedSlots::take", "LinkedSlots::put", "TabledSlots::put", "TabledSlots::carve",
    "SlotTable::is_live", "SlotTable::next", "copy_of", "SlabList::set_next", "SlabSupply::alloc_info",
    "SlabSupply::free_info", "SlabSupply::look_up", "Quarantine::at")
# What the allocator tells a sanitizer of: without one it does nothing.
TOLD = re.compile(r"allocator/include/slab/(poison\.hpp|\S+ [\w:]+: (forbid|permit)\w*\()")
TESTS_OF_HOSTED = "Hosted*:Region*:PageMap*:MemoryResource*:Backend*"
TESTS_OF_SIZES = "SizeClasses*:QuarterSteps*:KernelSizes*:ClassOf*:ClassName*:ExactQuotient*"
TESTS_OF_LOCKED = "Locked*:GuardedCallers.OfALocked*"
# Which writes past its own memory, as AddressSanitizer alone sees.
DESCRIBED = re.compile(r"allocator/include/slab/slot_guard\.hpp SlotGuard::describe:")
# What none of these programs is compiled or run so as to see, and the tests of ctest that fail without it.
ELSEWHERE = (
    (re.compile(r"allocator/include/slab/(slot_guard\.hpp SlotGuard::\w+: ((un)?cover|permit)"
                r"|cache_guards\.hpp CacheGuards::take: permit_object)\("
                r"|allocator/include/slab/cache_core\.hpp CacheCore::take_slot: permit_object\(.* in guarded"),
     "Poison.valgrind.KnowsOfEveryByteWhetherItMayBeUsed"),
    (re.compile(r"allocator/include/slab/busy_mark\.hpp BusyMark::\w+: __atomic_signal_fence\("),
     "Interrupts.AreServedOrReportedAndDamageNothing.g++-O3"),
)
KEPT = re.compile(r"allocator/hosted/slab/hosted/region\.hpp BasicRegion::(~BasicRegion|hand_out|take_back):")


def corpus(*folders):
    return [str(path) for folder in folders for path in sorted((ROOT / "corpus" / folder).rglob("*"))
            if path.is_file() and path.suffix != ".md"]


def state_of(check):
    """What its verdict depends on, beside what is mutated."""
    def may_matter(path):
        """Of model/, its tests are the matter of model_test alone, which CMakeLists.txt there names."""
        is_test = path.name.endswith("_test.cpp") or path.name == "CMakeLists.txt"
        return path.parts[0] != "model" or not is_test or check.program == "model_test"
    return digest_of(ROOT, (*check.beside, *check.sources), " ".join(map(str, check.words)), may_matter)


def is_seen_elsewhere(mutant):
    return any(pattern.match(mutant.key) for pattern, _ in ELSEWHERE)


def refuse_stale_elsewhere(mutants):
    if stale := [test for pattern, test in ELSEWHERE if not any(pattern.match(m.key) for m in mutants)]:
        raise CannotWork(f"there is no mutant that {', '.join(stale)} sees; mend ELSEWHERE in ci/mutation/checks.py")


def quick_of(mutants):
    """Those of the functions of QUICK."""
    found = [m for m in mutants if m.function in QUICK]
    if missing := set(QUICK) - {m.function for m in found}:
        raise CannotWork(f"there is no mutant of {', '.join(sorted(missing))}; mend QUICK in ci/mutation/checks.py")
    return found


ONE, TWO = ["--objects", "1", "--slabs", "2"], ["--objects", "2", "--slabs", "2"]
PLAIN = ["--mishaps", "none", "--kept", "1", "--policy"]


def explorer(name, *words, of=CORE, sanitizer=""):
    return Check(f"explorer, {name}", "slab_explore", ["--jobs", "1", "--memory", "0.5", *words], of,
                 ("properties/explore",), sanitizer)


def replay(name, program, words, of, *sources):
    return Check(name, program, words, of, ("fuzz/replay", *sources))


def tests(name, program, words, of, *sources):
    return Check(name, program, ["--gtest_brief=1", "--gtest_fail_fast", *words], of, sources)


def smallest_worlds():
    """Of the explorer. They are through within a second."""
    return [
        explorer("1 object, Checked", *ONE, *PLAIN, "Checked"),
        explorer("2 objects, Unchecked", *TWO, *PLAIN, "Unchecked"),
        explorer("1 object, Debug", *ONE, *PLAIN, "Debug"),
        *(explorer(f"1 object, {row}", *ONE, "--row", row) for row in ROWS),
    ]


SLOW_TESTS_OF_HOSTED = "*.AgreesWithAStdMap*:HostedFromOutside.EachProgramGives*"  # nine tenths of all


def orders(programs):
    return Check(f"{programs:,} random programs of Locked", "locked_explore",
                 ["--random", str(programs), "--seed", "1"], LOCKED, ("properties/locked",))


def fastest_of_others():
    """Of what is not the core: they are through within a second."""
    return [
        Check("operators new and delete", "operator_new_test", [], OPERATORS, ("properties/allocator",)),
        orders(100),
        replay("50 random programs of sizes", "sizes_replay", ["--random", "50", "--budget", "0.01"], SIZES,
               "examples"),
        replay("50 random programs of hosted", "hosted_replay", ["--random", "50", "--budget", "0.01"], HOSTED,
               "properties/hosted"),
        tests("tests of Locked", "allocator_test", [f"--gtest_filter={TESTS_OF_LOCKED}"], LOCKED,
              "properties/allocator"),
        tests("tests of sizes", "allocator_test", [f"--gtest_filter={TESTS_OF_SIZES}"], SIZES, "properties/allocator"),
        tests("quick tests of hosted", "allocator_test",
              [f"--gtest_filter={TESTS_OF_HOSTED}:SlabInfoCache*-{SLOW_TESTS_OF_HOSTED}"], SIZES_AND_HOSTED,
              "properties/allocator"),
    ]


def others():
    """Of what is not the core, the other checks."""
    def small_world(words):
        return Check(f"every state of hosted {' '.join(words)}", "hosted_explore", words, HOSTED,
                     ("properties/hosted", "properties/explore"))

    return [
        *map(small_world, hosted_worlds.all_of_the_tests()),
        orders(10_000),
        tests("slow tests of hosted", "allocator_test", [f"--gtest_filter={SLOW_TESTS_OF_HOSTED}"], HOSTED,
              "properties/allocator"),
        replay("1,000 random programs of sizes", "sizes_replay", ["--random", "1000", "--budget", "0.01"], SIZES,
               "examples"),
        replay("1,000 random programs of hosted", "hosted_replay", ["--random", "1000", "--budget", "0.01"], HOSTED,
               "properties/hosted"),
        replay("corpus of hosted", "hosted_replay", ["--json", *corpus("fuzz_hosted")], HOSTED, "properties/hosted",
               "corpus/fuzz_hosted"),
        tests("Locked beside its cache", "model_test", ["--gtest_filter=LockedCache.*"], LOCKED),
    ]


def battery(is_quick=False):
    """The most kills a second first; docs/mutants.md has what each takes. `is_quick`: those that decide about QUICK."""
    fuzzed = [f"fuzz_{row}" for row in ("small_single_page", "small_multi_page", "large")]
    slow = "StrayWrite.*:CorruptedSlabInfo.*:Statistics.*"
    long = "Geometry.SlotIndexIsADivisionForEveryStrideAndOffset"  # nine tenths of all
    first = smallest_worlds()
    if is_quick:
        return first
    return first + [
        tests("tests of each row", "allocator_test", ["--gtest_filter=EachRow*"], CORE, "properties/allocator"),
        tests("audits of damaged caches", "model_test", ["--gtest_filter=Audit*"], CORE),
        tests("quick tests of caches", "allocator_test", [f"--gtest_filter=-{long}:{slow}:{TESTS_OF_HOSTED}"], CORE,
              "properties/allocator"),
        explorer("accepted states, 1 object", *ONE, *PLAIN, "Checked", "--every-accepted", of=AUDIT),
        tests("slow tests of caches", "allocator_test", [f"--gtest_filter={slow}"], CORE, "properties/allocator"),
        replay("random programs", "slab_replay", ["--random", "50", "--budget", "0.01"], CORE),
        explorer("2 objects, ASan", *TWO, *PLAIN, "Checked", of=TOLD, sanitizer="address"),
        explorer("1 object, ASan", *ONE, of=TOLD, sanitizer="address"),
        explorer("1 object, Debug, ASan", *ONE, *PLAIN, "Debug", of=TOLD, sanitizer="address"),
        Check("writes of guards, ASan", "allocator_test",
              ["--gtest_brief=1", "--gtest_filter=Guards.EachByteBehind*"], DESCRIBED, ("properties/allocator",),
              "address"),
        Check("kept slabs, ASan", "allocator_test", ["--gtest_brief=1", "--gtest_filter=Region.Poisons*"], KEPT,
              ("properties/allocator",), "address"),
        *(explorer(f"2 objects, {row}", *TWO, "--row", row) for row in ROWS),
        Check("damage", "slab_damage", ["--quickest"], CORE, ("properties/explore",)),
        replay("regressions", "slab_replay", ["--json", *corpus("regressions")], CORE, "corpus/regressions"),
        tests("caches broken on purpose", "model_test", ["--gtest_filter=Sabotage*:Inspector*:Guards*:Make*"], CORE),
        *(explorer(f"accepted states, 2 objects, {policy}", *TWO, *PLAIN, policy, "--every-accepted", of=AUDIT)
          for policy in ("Checked", "Unchecked")),
        replay("a hundredth of the corpus", "slab_replay", ["--json", *corpus(*fuzzed)[::100]], CORE,
               *(f"corpus/{target}" for target in fuzzed)),
        tests("every slot of every stride", "allocator_test", [f"--gtest_filter={long}"], GEOMETRY,
              "properties/allocator"),
        *fastest_of_others(),
        *others(),
    ]


FASTEST = {check.name for check in (*smallest_worlds(), *fastest_of_others())}


def asks(check, mutant, is_listed):
    """Whether a mutant is a matter for a check. A listed one of the allocator is for the fastest alone: who lives costs
    what all checks take."""
    is_left_out = is_listed and check.name not in FASTEST and mutant.key.startswith("allocator/")
    return bool(check.of.match(mutant.key)) and not is_left_out


def run(check, program, number, limit, reached=None):
    """Runs it with one mutant, for `limit` seconds of processor time a process, and ten times that of a clock."""
    environment = {**os.environ, "SLAB_MUTANT": str(number), "RC_PARAMS": "seed=1 noshrink=1",
                   "SLABPROOF_SEED": "1", "ASAN_OPTIONS": "detect_leaks=0"}
    environment.pop("SLAB_REACHED", None)
    if reached:
        environment["SLAB_REACHED"] = str(reached)
    ended = limited.run([*check.through, program, *check.words], environment, limit)
    if ended.code == 0:
        return End("passed", "", ended.seconds, ended.processor)
    if ended.code is None:
        return End("hung", f"not done after {limit:.0f} s", ended.seconds, ended.processor)
    if check.through and ended.code == 2:  # no mutant is in what runs the program
        raise CannotWork(f"{check.name}: {' '.join(ended.said.splitlines()[-1:]) or 'exit 2, without a word'}")
    return End("killed", told(ended.said, ended.code), ended.seconds, ended.processor)


def told(said, code):
    """The signature of what was found, or the best there is in its place."""
    for pattern in (r"^signature: (.+)$", r'"signature": ?"([^"]+)"', r"^\[  FAILED  \] ([\w./]+)",
                    r"violated (\w+)", r"^(slab: .+)$"):
        if found := re.search(pattern, said, re.MULTILINE):
            return found[1]
    lines = said.strip().splitlines()
    how = f"signal {-code}" if code < 0 else f"exit {code}"
    return f"{how}: {lines[-1][:100]}" if lines else how

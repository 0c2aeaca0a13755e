#!/usr/bin/env python3
"""What ci/ablation makes of a judge from which checks are left out, and of the judge's sources.
usage: ablation_test.py SLAB_REPLAY_ABLATED

exit: 0 all pass, 1 one fails"""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path[0] = str(pathlib.Path(__file__).resolve().parents[1])  # modules are named from ci/ on

from ablating import ablation, broken, judge
from ablating.ablation import Outcome, Tally
from shared.command import CannotWork

REPLAY = None
SOURCE = """if (!slab) return judgement_.violate(is_new ? Invariant::B8 : Invariant::B13, Cause::PageStillSaved, "f(;");
// violate(Invariant::B1, Cause::WrongSize)
expect({Invariant::S3, Cause::WrongAllocatedCount, words});
violate(context_.misuse, Cause::CalledBackend, "", "");
"""


def of_bug(name, without):
    with tempfile.TemporaryDirectory() as folder:
        one = next(one for one in broken.cache(folder) if one.name == name)
        return broken.run(one, one.words, without, REPLAY.parent)


class OfAProgram(unittest.TestCase):
    def test_what_one_check_alone_notices_escapes_without_it(self):
        for without in ("S1", "S1/WrongStatistics", "S3,S1", "all"):
            self.assertEqual(of_bug("counts_a_free_object_too_many", without), (["S1/WrongStatistics"], ""))
        self.assertEqual(of_bug("counts_a_free_object_too_many", "S3,S1/WrongSize"), ([], "S1/start"))

    def test_what_another_check_notices_does_not(self):
        checks, _ = of_bug("slots_overlap", "all")
        self.assertGreater(len(checks), 1)
        noticed, end = of_bug("slots_overlap", checks[0])
        self.assertEqual(noticed, checks[:1])
        self.assertTrue(end.startswith(checks[1].split("/")[0]), end)

    def test_a_death_is_no_check(self):
        checks, end = of_bug("double_free_accepted", "all")
        self.assertTrue(end.startswith("died:"), (checks, end))

    def test_what_is_no_check_is_refused(self):
        for without in ("", "X9", "B99", "B7/", "B7/Nothing", "B7,,B8", "all,b7"):
            with self.assertRaisesRegex(CannotWork, "SLABPROOF_WITHOUT"):
                of_bug("counts_a_free_object_too_many", without)

    def test_notes_that_cannot_be_written_are_no_silence(self):
        with tempfile.TemporaryDirectory() as folder:
            one = next(one for one in broken.cache(folder) if one.name == "counts_a_free_object_too_many")
            done = subprocess.run([REPLAY, *one.words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, env={
                                      **os.environ, "SLAB_PLANTED": str(one.number), "SLABPROOF_WITHOUT": "all",
                                      "SLABPROOF_OVERLOOKED": f"{folder}/none/there"})
            self.assertEqual(done.returncode, 2, done.stdout)
            self.assertIn("cannot be written", done.stdout)


class OfTheSources(unittest.TestCase):
    def test_invariants_and_causes_are_read(self):
        self.assertEqual(list(judge.checks_in(SOURCE)), [
            (1, ["B8", "B13"], "PageStillSaved"), (3, ["S3"], "WrongAllocatedCount"), (4, ["*"], "CalledBackend")])

    def test_a_check_of_any_invariant_is_one_that_no_other_place_makes(self):
        checks = {"*/CalledBackend": ["a"], "B4/CalledBackend": ["b"], "B5/CalledBackend": ["c"]}
        self.assertEqual(judge.without_bug(checks, {"B4/CalledBackend"}), ["*/CalledBackend", "B5/CalledBackend"])
        self.assertEqual(judge.without_bug(checks, {"M2/CalledBackend"}), ["B4/CalledBackend", "B5/CalledBackend"])

    def test_the_judge_has_what_broken_allocators_are_noticed_by(self):
        checks = judge.checks_of_the_judge()
        for check in ("B7/SlabKeptAfterFailure", "S1/WrongStatistics", "M14/DamageUnseen"):
            self.assertTrue(judge.places_of(check, checks), check)


class OfTheOutcomes(unittest.TestCase):
    CHECKS = {"B1/WrongSize": ["a:1"], "B2/CalledTwice": ["b:2"]}

    def problems(self, *outcomes, reasons=None, tested=()):
        outcomes = [Outcome(broken.Broken("cache", name, "", 0, [], []), *rest) for name, *rest in outcomes]
        return list(ablation.problems_of(self.CHECKS, Tally(outcomes), reasons or {}, outcomes, tested))

    def test_a_check_that_nothing_needs_is_told_unless_it_is_listed(self):
        one = ("one", ["B1/WrongSize"], "", "B1/WrongSize", "")
        both = ("both", ["B1/WrongSize", "B2/CalledTwice"], "", None, None)
        self.assertEqual(self.problems(one, both), [
            "no verdict changes without B2/CalledTwice (b:2), which notices 1 broken allocator"])
        self.assertEqual(self.problems(one, both, reasons={"B2/CalledTwice": "why"}), [])
        self.assertEqual(self.problems(one, both, tested=["B2/CalledTwice"]), [])

    def test_what_is_counted_changes_nothing(self):
        outcome = Outcome(broken.Broken("cache", "both", "", 0, [], []), [*self.CHECKS], "", None, None)
        tally = Tally([outcome])
        self.assertEqual(tally.rows(), [["B1/WrongSize", 1, 1, 0, 0], ["B2/CalledTwice", 0, 1, 0, 0]])
        self.assertEqual(ablation.idle(self.CHECKS, tally), ["B2/CalledTwice"])

    def test_what_is_listed_without_need_is_told(self):
        every = [(name, [check], "", check, "died") for name, check in zip("ab", self.CHECKS)]
        self.assertEqual(self.problems(*every), [])
        for check, words in (("B1/WrongSize", "is first of 1 broken allocator, alone of 1"),
                             ("B9/WrongSize", "the judge makes no check B9/WrongSize")):
            self.assertIn(words, self.problems(*every, reasons={check: "why"})[0])

    def test_what_nothing_notices_is_told(self):
        every = [(name, [check], "", check, "") for name, check in zip("ab", self.CHECKS)]
        self.assertEqual(self.problems(*every, ("dies", [], "died:X", None, None)), [])
        self.assertEqual(self.problems(*every, ("quiet", [], "", None, None)), ["nothing notices quiet (cache)"])


if __name__ == "__main__":
    REPLAY = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()

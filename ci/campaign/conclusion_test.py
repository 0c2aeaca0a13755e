#!/usr/bin/env python3
"""The closing sentence of ci/fuzz says no more than what ran.

exit: 0 all pass, 1 one fails"""

import pathlib
import sys
import types
import unittest

sys.dont_write_bytecode = True
sys.path[0] = str(pathlib.Path(__file__).resolve().parents[1])  # modules are named from ci/ on
from campaign.conclusion import conclude
from shared import tests
from shared.targets import TARGETS


class Verdict(unittest.TestCase):
    def concluded(self, problems=(), stopped=False, **inputs):
        targets = [types.SimpleNamespace(name=name, input=TARGETS[name].input, counts=(count, 10 * count), seconds=1,
                                         crashes=0, states=0, coverage=[None] * 3)
                   for name, count in inputs.items()]
        crashes, said = types.SimpleNamespace(defects={}, not_replayed=[]), []
        return conclude(targets, crashes, problems, stopped, said.append), said[-1].strip()

    def test_of_what_ran(self):
        geometry = "Geometry::make agreed with exact arithmetic in 7 geometries"
        text = "the parser of programs kept T1 to T3 in 8 texts"
        cache = "the cache agreed with the model in 5 inputs, 50 operations"
        self.assertEqual(self.concluded(fuzz_geometry=7, fuzz_trace=8), (0, f"Nothing wrong: {geometry}; {text}."))
        self.assertEqual(self.concluded(fuzz_large=2, fuzz_small_single_page=3), (0, f"Nothing wrong: {cache}."))
        self.assertEqual(self.concluded(fuzz_large=5, fuzz_geometry=7, fuzz_trace=8),
                         (0, f"Nothing wrong: {cache}; {geometry}; {text}."))
        hosted = "slab::hosted kept its promises in 9 inputs, 90 operations"
        self.assertEqual(self.concluded(fuzz_hosted=9), (0, f"Nothing wrong: {hosted}."))
        self.assertEqual(self.concluded(fuzz_large=5, fuzz_hosted=9), (0, f"Nothing wrong: {cache}; {hosted}."))
        self.assertEqual(self.concluded(fuzz_large=5, fuzz_hosted=0),
                         (0, f"Nothing wrong: {cache}. Not fuzzed: fuzz_hosted."))
        self.assertEqual(self.concluded(fuzz_large=0, fuzz_geometry=7, stopped=True),
                         (0, f"Stopped early. Nothing wrong: {geometry}. Not fuzzed: fuzz_large."))

    def test_of_nothing_nothing_is_claimed(self):
        for arguments in ({"fuzz_large": 0}, {"fuzz_large": 0, "stopped": True},
                          {"fuzz_large": 9, "problems": ["it broke"]}):
            code, said = self.concluded(**arguments)
            self.assertEqual((code, "Nothing wrong" in said, "agreed" in said), (2, False, False), said)


if __name__ == "__main__":
    sys.exit(tests.main("ci/campaign/conclusion_test.py", __doc__))

#!/usr/bin/env python3
"""What ci/coverage makes of what llvm-cov says.

exit: 0 all pass, 1 one fails"""

import pathlib
import sys
import unittest

sys.dont_write_bytecode = True
sys.path[0] = str(pathlib.Path(__file__).resolve().parents[1])  # modules are named from ci/ on

from reach.exceptions import Exceptions
from reach.groups import KINDS, Figures, Group, group_of
from reach.profile import decisions_in
from shared.command import CannotWork

DECISION = """_Z1fILb{}EEvv:
    7|      2|  if (checks && a && b) g();
  ------------------
  |---> MC/DC Decision Region (7:7) to (7:23)
  |
  |  Number of Conditions: 3
  |     Condition C1 --> (7:7)
  |     Condition C2 --> (7:17)
  |     Condition C3 --> (7:22)
  |
  |  Executed MC/DC Test Vectors:
  |
  |     C1, C2, C3    Result
  |  1 {{ C,  F,  -  = F      }}
  |  2 {{ C,  T,  T  = T      }}
  |
  |  C1-Pair: constant folded
  |  C2-Pair: {}
  |  C3-Pair: not covered
  |  MC/DC Coverage for Decision: 50.00%
  |
  ------------------
"""
FUNCTION = {"regions": [], "branches": [[7, 17, 7, 18, 1, 1, 0, 0, 6], [7, 22, 7, 23, 1, 0, 0, 0, 6]]}


class Source:
    """In place of Sources."""

    @staticmethod
    def statement(file, line):
        return f"{file}: {line}"

    @staticmethod
    def text(file, *_):
        return file


class Reach(unittest.TestCase):
    def test_a_constant_is_no_condition(self):
        self.assertEqual(decisions_in(DECISION.format(0, "covered: (1,2)")),
                         {"_Z1fILb0EEvv": [(7, 17, True), (7, 22, False)]})

    def test_each_instantiation_is_told_by_itself(self):
        text = DECISION.format(0, "covered: (1,2)") + DECISION.format(1, "not covered")
        group = Group()
        for decisions in decisions_in(text).values():
            group.add(FUNCTION, ["slab/a.hpp"], decisions)
        self.assertEqual(group.pairs, {("slab/a.hpp", 7, 17, 7, 18): [1, 1], ("slab/a.hpp", 7, 22, 7, 23): [0, 2]})

    def test_reached_is_what_ran_of_that_line_side_or_condition(self):
        def figures(counts, text):
            group, (ran, taken, not_taken) = Group(), counts
            group.add({"regions": [[7, 1, 8, 9, ran, 0, 0, 0]],
                       "branches": [[7, 17, 7, 18, taken, not_taken, 0, 0, 6], [7, 22, 7, 23, 0, 0, 0, 0, 6]]},
                      ["slab/a.hpp"], decisions_in(DECISION.format(0, text))["_Z1fILb0EEvv"])
            return Figures("Large", group, Source)
        one, other = figures((1, 1, 0), "covered: (1,2)"), figures((1, 0, 1), "not covered")
        self.assertEqual([one.ran, other.ran], [{"lines": 2, "branches": 1, "MC/DC": 1},
                                                {"lines": 2, "branches": 1, "MC/DC": 0}])
        self.assertEqual([one.reached_with(other, kind) for kind in KINDS], [2, 0, 0])

    def test_text_that_is_not_understood_is_refused(self):
        without_one = DECISION.replace("  |  C3-Pair: not covered\n", "")
        for text in (DECISION.format(0, "perhaps"), without_one.format(0, "covered")):
            with self.assertRaises(CannotWork):
                decisions_in(text)

    def test_a_row_that_cannot_be_told_is_refused(self):
        self.assertEqual(group_of("DynamicCache<(slab::Row)2, B, HarnessPolicy<true, 1ul>>::f()"), "Large Checked")
        with self.assertRaises(CannotWork):
            group_of("slab::Cache<int>::f()")

    def test_an_exception_is_of_its_condition_alone(self):
        exceptions = Exceptions([("why", "Large", [("if .a && b", "b")])])
        self.assertEqual(exceptions.reason_for("slab/a.hpp: if (a && b) g();", "Large", "b"), "why")
        for condition in ("a", None):
            self.assertIsNone(exceptions.reason_for("slab/a.hpp: if (a && b) g();", "Large", condition))
        self.assertIsNone(exceptions.reason_for("slab/a.hpp: if (a && b) g();", "Small", "b"))


if __name__ == "__main__":
    unittest.main()

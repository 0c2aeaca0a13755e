#!/usr/bin/env python3
"""Which targets ci/fuzz fuzzes next, and for how long.

exit: 0 all pass, 1 one fails"""

import itertools
import pathlib
import sys
import unittest

sys.dont_write_bytecode = True
sys.path[0] = str(pathlib.Path(__file__).resolve().parents[1])  # modules are named from ci/ on
from campaign import schedule
from shared import tests


class Shares(unittest.TestCase):
    def test_short_runs_serve_all_equally(self):
        for targets, jobs in itertools.product(range(1, 7), range(1, 9)):
            count, length = schedule.turns(targets, jobs, 60)
            weighed = dict.fromkeys(range(targets), 0.0)
            for _ in range(count):
                for target in schedule.choose(weighed, jobs):
                    weighed[target] += length
            self.assertAlmostEqual(min(weighed.values()), max(weighed.values()))
            self.assertAlmostEqual(sum(weighed.values()), 60 * jobs)

    def served(self, shares, turns, jobs=1):
        weighed, served = dict.fromkeys(shares, 0.0), []
        for _ in range(turns):
            chosen = schedule.choose(weighed, jobs)
            served.append(chosen)
            for target in chosen:
                weighed[target] += 1 / shares[target]
        return served

    def test_who_finds_gets_more_and_nobody_nothing(self):
        served = self.served({"barren": schedule.share(1e6), "a": schedule.share(0), "b": schedule.share(599)}, 180)
        times = {t: sum(c.count(t) for c in served) for t in "ab"}
        self.assertAlmostEqual(times["a"], 80, delta=1)
        self.assertAlmostEqual(times["b"], 80, delta=1)
        bound = 1 + 2 / schedule.LEAST_SHARE
        waits = [i for i, chosen in enumerate(served) if "barren" in chosen]
        self.assertTrue(all(b - a <= bound for a, b in itertools.pairwise(waits)))

    def test_a_share_halves_down_to_a_quarter_and_comes_back(self):
        self.assertEqual([schedule.share(s) for s in (0, 599, 600, 1199, 1200, 1e9)], [1, 1, 0.5, 0.5, 0.25, 0.25])

    def test_two_of_a_turn_serve_one_target_only_when_there_are_no_others(self):
        for chosen in self.served({"a": 1, "b": 0.25, "c": 0.25}, 50, jobs=3):
            self.assertEqual(sorted(chosen), ["a", "b", "c"])
        self.assertEqual(schedule.choose({"a": 0.0}, 2), ["a", "a"])


if __name__ == "__main__":
    sys.exit(tests.main("ci/campaign/schedule_test.py", __doc__))

#!/usr/bin/env python3
"""What a measuring program has printed is kept, however the program ends.

exit: 0 all pass, 1 one fails"""

import pathlib
import sys
import unittest

sys.dont_write_bytecode = True
sys.path[0] = str(pathlib.Path(__file__).resolve().parents[1])  # modules are named from ci/ on
from benchmark.lines import results_of
from shared import child_process, tests
from shared.command import CannotWork

LINES = """printf '{"ns": 1}\\n{"ns": 2}\\n'; """


class Lines(unittest.TestCase):
    def collect(self, script, stop_after=None):
        """(results, why it ended)"""
        signals, found = child_process.Requests(), []
        try:
            for result in results_of(["sh", "-c", script], signals):
                found.append(result["ns"])
                if len(found) == stop_after:
                    signals.note()
        except CannotWork as reason:
            return found, str(reason)
        return found, ""

    def test_each_is_handed_on(self):
        self.assertEqual(self.collect(LINES), ([1, 2], ""))

    def test_they_come_before_the_program_ends_and_a_signal_ends_it(self):
        self.assertEqual(self.collect(LINES + "sleep 1000", stop_after=2), ([1, 2], ""))

    def test_a_death_is_told_after_them(self):
        found, why = self.collect(LINES + "echo no room >&2; exit 2")
        self.assertEqual(found, [1, 2])
        self.assertIn("ended with 2: no room", why)

    def test_a_line_may_come_in_parts(self):
        self.assertEqual(self.collect("""printf '{"ns":'; sleep 0.1; printf ' 1}\n'"""), ([1], ""))

    def test_half_a_line_is_no_result(self):
        found, why = self.collect("""printf '{"ns": 1}\\n{"n'; kill -9 $$""")
        self.assertEqual(found, [1])
        self.assertIn("ended with -9", why)


if __name__ == "__main__":
    sys.exit(tests.main("ci/benchmark/lines_test.py", __doc__))

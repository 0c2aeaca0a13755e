#!/usr/bin/env python3
"""Sums of a history continue where the last run ended; a half-written line loses only itself; the clock does not
matter.

exit: 0 all pass, 1 one fails"""

import pathlib
import sys
import tempfile
import types
import unittest

sys.dont_write_bytecode = True
sys.path[0] = str(pathlib.Path(__file__).resolve().parents[1])  # modules are named from ci/ on
from campaign import history
from shared import tests


class History(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name) / "history.jsonl"
        self.target = types.SimpleNamespace(name="fuzz_large", engine="libFuzzer", seconds=0.0, counts=(0, 0), states=0,
                                            coverage=(None, None, None))

    def recorder(self):
        return history.Recorder(self.path, self.path.parent)

    def a_run(self, samples):
        """One that is looked at after each of these: seconds, inputs, operations and cov."""
        recorder = self.recorder()
        for self.target.seconds, *counts, cov in samples:
            self.target.counts, self.target.coverage = tuple(counts), (cov, None if cov is None else 5 * cov, 7)
            recorder.look([self.target], at_end=True)

    def test_sums_go_on_after_a_line_that_is_half_written(self):
        self.a_run([(0, 0, 0, None), (10, 1000, 2000, 50), (20, 3000, 6000, 60)])
        self.path.write_bytes(self.path.read_bytes() + b'{"time": "2026-01-01 00:00:00 UTC", "tar')
        self.path.write_text(self.path.read_text().replace("UTC", "UTC+9", 1))
        self.a_run([(10, 500, 500, 55), (30, 1500, 1500, 60)])
        samples, sentences = history.samples(self.path)
        self.assertEqual([sentence.partition(": ")[2] for sentence in sentences],
                         ["1 line cannot be used and is passed over: line 3"])
        (key, found), = samples.items()
        self.assertEqual(key, ("fuzz_large", "libFuzzer"))
        self.assertEqual([(s["seconds"], s["inputs"], s["operations"], s["cov"]) for s in found],
                         [(10, 1000, 2000, 50), (20, 3000, 6000, 60), (30, 3500, 6500, 55), (50, 4500, 7500, 60)])
        self.assertEqual(self.path.read_text().count("\n"), 5)

    def test_a_line_is_written_when_it_is_due(self):
        recorder = self.recorder()
        for self.target.seconds, lines in ((1.0, 0), (101.0, 1), (101.0, 1), (101.0, 1)):
            recorder.look([self.target])
            self.assertEqual(self.path.read_text().count("\n"), lines)


if __name__ == "__main__":
    sys.exit(tests.main("ci/campaign/history_test.py", __doc__))

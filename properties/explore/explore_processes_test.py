#!/usr/bin/env python3
"""The explorer tells a defect whatever the processes are that it is started among."""

import argparse
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[0] = str(ROOT / "fuzz")
from planted import bugs as planted_bugs

BUG = planted_bugs.NUMBERS["slab_lost_without_info"]
WORLD = ["--objects", "1", "--slabs", "3", "--row", "Large", "--policy", "Checked"]


class Processes(unittest.TestCase):
    def explore(self, *options, before="", **how):
        with tempfile.TemporaryDirectory() as folder:
            return subprocess.run(
                ["bash", "-c", f'{before} exec "$0" "$@"', arguments.explore, *options, "--output", folder],
                                  env=planted_bugs.environment(BUG), text=True, capture_output=True, **how)

    def test_others_children_are_not_taken_for_geometries(self):
        self.assertEqual(self.explore(*WORLD, before="true & true & true &").returncode, 1)

    def test_it_waits_for_its_children_where_nobody_waits(self):
        result = self.explore(*WORLD, preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
        self.assertEqual(result.returncode, 1, result.stdout)

    def test_a_planted_bug_is_a_number(self):
        for nonsense in ("nonsense", "", "-1", "999", "1x"):
            result = subprocess.run([arguments.explore, *WORLD], env=planted_bugs.environment(nonsense), text=True,
                                    capture_output=True)
            self.assertEqual((result.returncode, result.stderr[:14 + len(nonsense)]), (2, f"SLAB_PLANTED={nonsense}:"),
                             result.stdout)

    def test_sizes_are_named_once(self):
        self.assertEqual(self.explore("--quick", "--objects", "1").returncode, 2)


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--explore", required=True, help="slab_explore_planted")
arguments, others = parser.parse_known_args()
unittest.main(argv=[sys.argv[0], *others])

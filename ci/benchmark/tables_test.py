#!/usr/bin/env python3
"""Tables of ci/bench on made-up results: their medians, their ratios, and that what is missing is said.

exit: 0 all pass, 1 one fails"""

import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path[0] = str(pathlib.Path(__file__).resolve().parents[1])  # modules are named from ci/ on
from benchmark import callgrind, harness, tables
from benchmark.page import page_of
from benchmark.results import BARE, OLDER, Results
from shared import tests
from shared.command import CannotWork

CACHE = "Cache/SmallSinglePage/4K/Checked"


def made_up():
    results = Results({"machine": {"processor": "an abacus"}})
    measured = {BARE: (2, 100, 1), CACHE: (5, 3, 400), OLDER + CACHE: (10, 10, 10), "jemalloc": (9,)}
    for subject, times in measured.items():
        for ns in times:
            results.add({"kind": "time", "subject": subject, "workload": "W5", "size": 64, "live": 10000, "ns": ns})
    return results


def row(results, name, title):
    """The cells of a subject's row in the first table with the title."""
    for found, rows in (pair for make in (tables.time_tables, tables.older_tables, tables.growth_table,
                                          tables.statistics_table, tables.memory_tables, tables.count_tables,
                                          tables.rate_table)
                        for pair in make(results)):
        if title in found:
            return next((cells[1:] for cells in rows if cells[0] == name), None)
    return None


class Figures(unittest.TestCase):
    def test_the_median_is_told_and_not_what_disturbed_it(self):
        results = made_up()
        self.assertEqual(results.median(CACHE, "W5", 64, 10000), 5)
        self.assertEqual(results.ratio(CACHE, "W5", 64, 10000), 2.5)
        self.assertEqual(row(results, CACHE, "bare list takes")[4], "2.50")
        self.assertEqual(row(results, f"{BARE}, ns a pair", "bare list takes")[4], "2.00")

    def test_the_older_tree_is_compared_in_the_same_run(self):
        self.assertEqual(row(made_up(), CACHE, "older tree takes")[4], "0.50")

    def test_growth_is_no_other_workload(self):
        results = made_up()
        for subject, ns in ((BARE, 10), (CACHE, 40)):
            results.add({"kind": "time", "subject": subject, "workload": "growth", "size": 64, "live": 10000, "ns": ns})
        self.assertEqual(row(results, CACHE, "Growth"), ["4.00"])
        self.assertEqual(row(results, CACHE, "bare list takes")[4], "2.50")

    def test_a_call_of_statistics_is_told_in_nanoseconds(self):
        results = made_up()
        asked = {"kind": "time", "subject": CACHE, "workload": "statistics", "size": 64}
        for live, ns in ((1000, 90), (1000000, 2000000), (1000000, 9), (1000000, 2000001)):
            results.add({**asked, "live": live, "ns": ns})
        self.assertEqual(row(results, CACHE, "statistics()"), ["90", "2,000,000"])
        self.assertEqual(row(results, CACHE, "bare list takes")[4], "2.50")

    def test_memory_is_told_for_each_live_byte(self):
        results = Results()
        results.add({"kind": "memory", "subject": CACHE, "size": 64, "objects": 100000, "all": 6528000,
                     "quarter": 3200000, "none": 6400000, "given_back": 0})
        self.assertEqual(row(results, CACHE, "Memory"), ["1.020", "2.000", "1.000", "0.000"])

    def test_a_file_of_counts_is_read(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / "out").write_text("the rest\n")
            (folder / "out.1").write_text(f"desc: Trigger: Client Request: {CACHE}|W7|64|1000\n"
                                          "events: Ir Dr Dw I1mr D1mr D1mw ILmr\nsummary: 20000 1 1 1 1500 250\n")
            counts = list(callgrind.counts_in(folder))
        self.assertEqual(counts, [([CACHE, "W7", "64"], 20, 1.75)])
        results = Results()
        results.add({"kind": "count", "subject": CACHE, "workload": "W7", "size": 64, "instructions": 20,
                     "misses": 1.75})
        self.assertEqual(row(results, CACHE, "Instructions"), ["20 / 1.75"])

    def test_what_the_harness_says_of_its_speed_is_read(self):
        said = ("                          inputs/s  operations/s  operations/input  events/input\n"
                "fuzz_large              random bytes      18000       1080000              60.0         490.1\n"
                "all three               mutator           21900       1310000              60.0         300.0\n")
        self.assertEqual(list(harness.speed_in_text(said)),
                         [("fuzz_large, random bytes", "inputs", 18000),
                          ("fuzz_large, random bytes", "operations", 1080000),
                          ("all three, mutator", "inputs", 21900), ("all three, mutator", "operations", 1310000)])

    def test_rates_of_both_trees_are_compared_round_by_round(self):
        results = Results()
        for index, (new, old) in enumerate(((95, 100), (190, 200), (900, 100), (40, 80), (48, None))):
            for tree, per_second in (("new", new), ("old", old)):
                if per_second:
                    results.add({"kind": "rate", "what": "explorer, Large", "unit": "transitions", "tree": tree,
                                 "round": index, "per_second": per_second})
        self.assertEqual(row(results, "explorer, Large: transitions", "harness"), ["95", "100", "-5 %"])


class Pages(unittest.TestCase):
    def test_what_was_not_measured_is_said(self):
        results = made_up()
        results.add({"kind": "missing", "subject": "mimalloc", "reason": "no such file"})
        results.add({"kind": "unmeasured", "subject": CACHE, "workload": "W6", "size": 2048, "reason": "out of memory"})
        page = page_of(results)
        for words in ("an abacus", "Not measured: mimalloc: no such file", f"{CACHE} W6 2048 B: out of memory",
                      " – |"):
            self.assertIn(words, page)

    def test_everybody_is_in_a_group(self):
        names = [CACHE, "DynamicCache/Large/32K/Unchecked", "Cache/NoRowOfToday/4K/Checked", OLDER + CACHE,
                 "boost::pool", "mimalloc", "jemalloc", "tcmalloc", "glibc malloc", "pmr::unsynchronized_pool_resource"]
        shown = [cells[0] for cells in tables.grouped(names, lambda name: ["1"])]
        self.assertEqual(sorted(name for name in shown if not name.startswith("*")), sorted(names))

    def test_results_outlive_a_file(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "results.json"
            made_up().write(path)
            again = Results.read(path)
            again.add({"kind": "time", "subject": BARE, "workload": "W5", "size": 64, "live": 10000, "ns": 2})
            self.assertEqual(again.ratio(CACHE, "W5", 64, 10000), 2.5)

    def test_another_file_is_no_results(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "results.json"
            for text in ("", "[]", "{}", '{"machine": 3}', '{"machine": {}, "time": 7}', '{"machine": {}, "rate": [3]}',
                         '{"machine": {}, "memory": [{"size": 64}]}', '{"machine": {}, "rate": {"tree": "new"}}',
                         '{"machine": {}, "missing": [{"subject": "", "reason": 1}]}',
                         '{"machine": {}, "time": [{"subject": "", "workload": "", "size": 1, "live": 1, '
                         '"ns": [""]}]}', "[" * 100_000, '{"machine": {"date": "\\ud800"}}',
                         *('{"machine": {}, "count": [{"subject": "", "workload": "", "size": 1, "instructions": 1, '
                           f'"misses": {odd}}}]}}' for odd in ("NaN", "-1", "true", "1" + "0" * 400)),
                         '{"machine": {}, "heap_memory": [{"heap": "", "mix": "", "held": 1, "live": 0, "asked": 1, '
                         '"usable": 1, "asked_small": 1, "usable_small": 1}]}',
                         '{"machine": {}, "heap_time": [{"heap": "", "mix": "", "round": 0, "ns": [1]}]}',
                         '{"machine": {}, "memory": [{"subject": "", "size": 1, "objects": 0, "all": 1, "quarter": 1, '
                         '"none": 1, "given_back": 1}]}'):
                path.write_text(text)
                with self.subTest(text[:200]), self.assertRaises(CannotWork):
                    Results.read(path)


if __name__ == "__main__":
    sys.exit(tests.main("ci/benchmark/tables_test.py", __doc__))

#!/usr/bin/env python3
"""What bench/mixes/record.py records of a program, and the tables of heaps that replayed it, on made-up results.

exit: 0 all pass, 1 one fails"""

import collections
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[0] = str(ROOT / "ci")  # modules are named from ci/ on
sys.path.append(str(ROOT / "bench" / "mixes"))
import record
from benchmark import heap_tables
from benchmark.page import page_of
from benchmark.results import Results
from shared import tests

PROGRAM = """
#include <cstdlib>
static void* volatile kept;
int main() {
  void* volatile first = std::malloc(77777);
  kept = std::calloc(3, 11111);
  first = std::realloc(first, 155555);
  std::free(first);
  kept = std::aligned_alloc(64, 64000);
  std::free(nullptr);
}
"""


class Recordings(unittest.TestCase):
    def test_lifetimes_are_the_requests_between(self):
        events = [(9, 0, 0),                            # older than the recording
                  (0, 1, 10), (1, 0, 0),                # 0 between
                  (0, 2, 20), (0, 3, 0), (2, 4, 30),    # a realloc after 1 other request; 0 bytes are one
                  (0, 5, 40), (0, 6, 40), (0, 7, 40), (4, 0, 0), (3, 0, 0), (5, 0, 0)]
        found, reallocs = record.lifetimes_of(events)
        self.assertEqual(found, {10: {0: 1}, 20: {1: 1}, 1: {3: 1}, 30: {2: 1}, 40: {2: 1, None: 2}})
        self.assertEqual(reallocs, 1)

    def test_rare_sizes_are_told_as_their_mean(self):
        found = {24: {0: 9990}, 1000: {3: 3}, 1010: {3: 1, None: 2}, 5000: {1: 4}}
        rows = record.joined({size: collections.Counter(lifetimes) for size, lifetimes in found.items()})
        self.assertEqual(rows, {24: {0: 9990}, 1005: {3: 4, None: 2}, 5000: {1: 4}})

    def test_the_file_has_all_counts(self):
        text = record.text_of({1005: {3: 4, None: 2}, 24: {0: 7}}, "a program", 5)
        self.assertEqual([line for line in text.splitlines() if not line.startswith("#")],
                         ["slabproof mix 1", "24: 0 7", "1005: 2 0 0 0 4"])
        self.assertIn("# a program\n# 5 reallocs", text)

    def test_a_program_is_recorded(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / "it.cpp").write_text(PROGRAM)
            subprocess.run(["g++", "-o", folder / "it", folder / "it.cpp"], check=True)
            said = subprocess.run([ROOT / "bench/mixes/record.py", "--keep", folder / "kept", folder / "it.mix",
                                   folder / "it"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            self.assertEqual((said.returncode, said.stdout), (0, b""))
            events = [event for event in struct.iter_unpack("<QQQ", (folder / "kept").read_bytes())]
            lines = (folder / "it.mix").read_text().splitlines()
        large = {}
        for freed, given, size in events:
            if size > 20000:
                large[size] = (freed, given)
        self.assertEqual(list(large), [77777, 33333, 155555, 64000])
        self.assertEqual(large[155555][0], large[77777][1])
        for line in ("77777: 0 0 1", "33333: 1", "155555: 0 1", "64000: 1"):
            self.assertIn(line, lines)

    def test_a_program_that_fails_is_no_mix(self):
        with tempfile.TemporaryDirectory() as folder:
            said = subprocess.run([ROOT / "bench/mixes/record.py", f"{folder}/it.mix", "false"],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            self.assertEqual(said.returncode, 2)
            self.assertIn("nothing was recorded", said.stdout)
            self.assertFalse(pathlib.Path(folder, "it.mix").exists())


def made_up():
    results = Results({"machine": {"processor": "an abacus"}})
    counts = {"the loop alone": 30, "the loop alone, sized": 32, "glibc malloc": 230, "SizeClasses/Checked": 130,
              "SizeClasses/Checked, sized": 122, "MemoryResource/Checked": 112}
    for heap, instructions in counts.items():
        for mix, factor in (("gcc", 1), ("git", 2)):
            results.add({"kind": "heap_count", "heap": heap, "mix": mix, "instructions": factor * instructions,
                         "misses": 0.5})
    for index, (loop, glibc, own) in enumerate(((10, 60, 35), (20, 120, 95), (10, 1000, 20))):
        for heap, ns in (("the loop alone", loop), ("glibc malloc", glibc), ("SizeClasses/Checked", own)):
            results.add({"kind": "heap_time", "heap": heap, "mix": "gcc", "round": index, "ns": ns})
    results.add({"kind": "heap_memory", "heap": "SizeClasses/Checked", "mix": "gcc", "held": 1300, "live": 1000,
                 "asked": 2000, "usable": 2500, "asked_small": 1000, "usable_small": 1070})
    return results


def row(tables, name, title):
    for found, rows in tables:
        if title in found:
            return next((cells[1:] for cells in rows if cells[0] == name), None)
    return None


class Tables(unittest.TestCase):
    def test_instructions_are_told_without_the_loop(self):
        counts = list(heap_tables.count_tables(made_up()))
        self.assertEqual(row(counts, "SizeClasses/Checked", "instructions"), ["100 / 0.50", "200 / 0.50", "150"])
        self.assertEqual(row(counts, "SizeClasses/Checked, sized", "instructions")[0], "90 / 0.50")
        self.assertEqual(row(counts, "MemoryResource/Checked", "instructions")[0], "80 / 0.50")
        self.assertIsNone(row(counts, "the loop alone", "instructions"))

    def test_times_are_ratios_within_a_round(self):
        times = list(heap_tables.time_tables(made_up()))
        self.assertEqual(row(times, "SizeClasses/Checked", "times what"), ["0.50", "0.50"])  # of 0.50, 0.75 and 0.01
        self.assertEqual(row(times, "glibc malloc, ns a pair", "times what"), ["100", "100"])

    def test_memory_is_told_for_each_byte_that_is_live_or_asked_for(self):
        memory = list(heap_tables.memory_tables(made_up()))
        self.assertEqual(row(memory, "SizeClasses/Checked", "held"), ["1.30", "1.30"])
        self.assertEqual(row(memory, "SizeClasses/Checked", "handed out"), ["25.0", "25.0"])
        self.assertEqual(row(memory, "SizeClasses/Checked", "up to 4096"), ["7.0", "7.0"])

    def test_what_was_not_measured_is_left_open(self):
        results = made_up()
        results.add({"kind": "heap_count", "heap": "mimalloc", "mix": "gcc", "instructions": 80, "misses": 1})
        self.assertEqual(row(list(heap_tables.count_tables(results)), "mimalloc", "instructions"),
                         ["50 / 1.00", None, None])
        self.assertIn("| mimalloc ", page_of(results))
        self.assertNotIn("Real mixes", page_of(Results()))


if __name__ == "__main__":
    sys.exit(tests.main("ci/benchmark/mixes_test.py", __doc__))

#!/usr/bin/env python3
"""Times to a bug: what engines say of how much they ran, medians where not every search finds it, the limit, and that a
run goes on where the last one ended."""

import contextlib
import io
import os
import pathlib
import sys
import tempfile
import unittest
from unittest import mock

sys.dont_write_bytecode = True
sys.path[0] = str(pathlib.Path(__file__).resolve().parents[1])
from mutation import bugs_test, named, times, times_engines, times_page
from mutation.times import Search, Times
from mutation.times_engines import ENGINES, executions_of
from shared import limited, tests
from shared.command import CannotWork

# Of each engine what it says when it finds a bug, and how much it has run then.
WORDS = {
    "random programs": ("signature: B8/alloc\nfound by program 12; 9 operations made 3\n", 12),
    "RapidCheck": ("Large/A: 3 of 9 programs, 2 s\nviolated B8\nLarge/A: 1234 programs, 5 operations, seed 1\n", 1234),
    "libFuzzer": ("#2\tINITED\n#64\tNEW\nverdict: violated B8 at step 1\nstat::number_of_executed_units: 77\n", 77),
    "libFuzzer without mutator": ("verdict: violated B8\nstat::number_of_executed_units: 7\n", 7),
    "explorer": ("W: DEFECT after 1,004 states and 12,345 tries: B8 …\nsignature: B8/alloc\n", 12345),
}
HEADER = "What: it is said twice\nSeen: realistic\nFires: B8 death\nWorld: Large Checked\n"


def found(executions, seconds=1.0, seed=1, engine="RapidCheck", bug="twice"):
    return {"bug": bug, "engine": engine, "seed": seed, "executions": executions, "seconds": seconds,
            "as": "B8" if executions else None}


class OneThatSaysAll(bugs_test.NoSubjects):
    """An engine that says what each of them does, or what is given."""
    def __init__(self, folder, said=None, code=1):
        super().__init__(folder, "", code)
        words = "".join(words for words, _ in WORDS.values()) if said is None else said
        self.runs = pathlib.Path(folder) / "runs"
        self.script.write_text(f"#!/bin/sh\necho >>{self.runs}\ncat <<'E'\n{words}\nE\nexit {code}\n")


class TimesToABug(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)
        (self.folder / "bugs").mkdir()
        (self.folder / "bugs" / "twice.patch").write_text(HEADER + bugs_test.DIFF)
        self.results = self.folder / "out" / "times.jsonl"

    def outcome(self, subjects, *words):
        """(exit code, output)"""
        with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()), \
                mock.patch.object(named, "FOLDER", self.folder / "bugs"), \
                mock.patch.object(times, "Subjects", lambda: subjects):
            status = times.main(["--results", str(self.results), *words])
        return status, out.getvalue()

    def test_what_engines_say_is_understood(self):
        self.assertEqual({engine.name for engine in ENGINES}, set(WORDS))
        for engine in ENGINES:
            said, executions = WORDS[engine.name]
            self.assertEqual(executions_of(engine, said), executions, engine.name)
            self.assertEqual(times.end_of(engine, 1, said, 0.5, 4), (executions, 0.5, "B8"), engine.name)
            self.assertIsNone(executions_of(engine, "signature: B8/alloc"), engine.name)
        random = "B8/alloc: 1 of 9 programs\nprogram 31 of seed 5, in a process that began with program 1: …"
        self.assertEqual(executions_of(ENGINES[0], random), 31)

    def test_what_is_not_found_within_the_limit_is_not_found(self):
        engine = ENGINES[1]
        said = WORDS[engine.name][0]
        for code, text, seconds in ((None, "", 3.9), (None, said, 3.3), (1, said, 4.1), (-9, "", 6), (0, "", 0.1)):
            self.assertEqual(times.end_of(engine, code, text, seconds, 4), (None, seconds, None), code)
        for code, text in ((2, "out of memory"), (1, "violated B8"), (127, ""), (None, said)):
            with self.assertRaisesRegex(CannotWork, "RapidCheck (could not do its work|has had 0.1 s of a processor)"):
                times.end_of(engine, code, text, 0.1, 4)

    def test_seconds_are_a_processors_also_those_of_children(self):
        script = self.folder / "script"
        for words, least, most in (("sleep 1", 0, 0.5), ("python3 -c 'while True: pass' & sleep 1; wait", 0.7, 3)):
            script.write_text(f"#!/bin/sh\n{words}\n")
            script.chmod(0o755)
            ended = limited.run([script], os.environ, 1)
            self.assertTrue(least <= ended.processor <= most, ended)

    def test_medians_take_what_is_not_found_for_infinity(self):
        for executions, cell in (([1, 3, 2], "2, 1.00 s"), ([1, None, 3], "3, 1.00 s (2 of 3)"),
                                 ([1, None, None], "> 4 s (1 of 3)"), ([1, 2, 3, None], "2, 1.00 s (3 of 4)"),
                                 ([1, 2, None, None], "> 4 s (2 of 4)"), ([], "not measured")):
            entries = [found(n, 1.0 if n else 4.0, seed) for seed, n in enumerate(executions, 1)]
            self.assertEqual(times_page.cell(entries, 4, len(entries)), cell, executions)
        self.assertEqual(times_page.cell([found(2000)], 4), "2,000, 1.00 s")
        self.assertEqual(times_page.cell([found(None, 0.2)], 4), "not there")

    def test_who_loses_to_random_programs_is_named(self):
        bug = mock.Mock()
        bug.name = "twice"
        for ran, took, executions, seconds, loses in (
                (200, 1.0, 221, 0.5, (1, 0)), (200, 1.0, 219, 1.09, (0, 0)), (200, 1.0, 190, 1.5, (0, 1)),
                (200, 1.0, None, 4.0, (1, 1)), (2, 0.03, 12, 0.07, (0, 0)), (2, 0.03, 13, 0.09, (1, 1))):
            base = found(ran, took, engine="random programs")
            said = list(times_page.verdicts([base, found(executions, seconds)], [bug], ENGINES[:2], 1))
            self.assertEqual([f"{number} of 1{': twice' if number else ''}" for number in loses],
                             [line.partition(" for ")[2] for line in said])

    def test_a_run_goes_on_where_the_last_one_ended(self):
        subjects = OneThatSaysAll(self.folder)
        status, out = self.outcome(subjects, "--seeds", "2")
        self.assertEqual(status, 0, out)
        searches = 2 * (len(ENGINES) - 1) + 1
        self.assertEqual(subjects.runs.stat().st_size, searches)
        self.assertEqual(self.outcome(subjects, "--seeds", "2"), (status, out))
        self.assertEqual(subjects.runs.stat().st_size, searches)
        lines = self.results.read_text().splitlines()
        self.results.write_text("\n".join(lines[:-2]) + "\n" + lines[-2][:30])  # ended while it wrote
        self.assertEqual(self.outcome(subjects, "--seeds", "2")[0], 0)
        self.assertEqual(subjects.runs.stat().st_size, searches + 2)
        self.outcome(subjects, "--seeds", "3")
        self.assertEqual(subjects.runs.stat().st_size, searches + 2 + len(ENGINES) - 1)
        self.outcome(subjects, "--seeds", "2", "--limit", "5")  # another limit is another measurement
        self.assertEqual(subjects.runs.stat().st_size, searches + 2 + len(ENGINES) - 1 + searches)

    def test_what_time_does_not_suffice_for_is_told(self):
        subjects = OneThatSaysAll(self.folder)
        status, out = self.outcome(subjects, "--minutes", "0.0000001")
        self.assertEqual((status, subjects.runs.exists()), (2, False))
        self.assertIn("Not all was measured", out)
        self.assertIn("not measured", out)

    def test_a_bug_that_nothing_finds_is_a_problem(self):
        status, out = self.outcome(OneThatSaysAll(self.folder, "nothing wrong", 0), "--seeds", "1")
        self.assertEqual(status, 1)
        self.assertIn("twice was found by no engine: it is said twice", out)

    def test_a_change_of_an_engine_measures_it_anew_and_no_other(self):
        subjects = OneThatSaysAll(self.folder)
        self.outcome(subjects, "--seeds", "3")
        before = subjects.runs.stat().st_size
        other = [engine._replace(environment={"SLAB": "1"}) if engine.name == "RapidCheck" else engine
                 for engine in ENGINES]
        with mock.patch.object(times_engines, "ENGINES", other):
            self.assertEqual(self.outcome(subjects, "--seeds", "3")[0], 0)
        self.assertEqual(subjects.runs.stat().st_size, before + 3)

    def test_a_page_has_the_table_between_its_marks(self):
        path = self.folder / "page.md"
        path.write_text("\n".join(["before", *times_page.MARKS, "behind", ""]))
        for table in ("| a |", "| \\1 |"):
            times_page.Page(path).write(table)
            self.assertEqual(path.read_text(), "\n".join(["before", times_page.MARKS[0], table, times_page.MARKS[1],
                                                          "behind", ""]))
        path.write_text("nothing")
        with self.assertRaises(CannotWork):
            times_page.Page(path)

    def test_bugs_are_chosen_by_name_or_one_of_so_many(self):
        every = named.all_bugs()
        with_world = [bug for bug in every if bug.world]
        self.assertEqual(times.chosen(every, [], 3), with_world[::3])
        self.assertEqual(times.chosen(every, [with_world[1].name], 3), [with_world[1]])
        with self.assertRaises(CannotWork):
            times.chosen(every, ["thrice"], 1)
        self.assertEqual(len(set(times.searches_of(with_world, 3))),
                         len(with_world) * (3 * (len(ENGINES) - 1) + 1))
        self.assertIn(Search(with_world[0].name, "explorer", 1), set(times.searches_of(with_world, 3)))


if __name__ == "__main__":
    sys.exit(tests.main("ci/mutation/times_test.py", __doc__))

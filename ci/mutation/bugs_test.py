#!/usr/bin/env python3
"""The named bugs: every patch says what it is and fits, docs/named-bugs.md has them all; what ci/mutants --bugs says of
one that survives, one that is found as something else, and one that does not apply any more."""

import contextlib
import io
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest
from unittest import mock

sys.dont_write_bytecode = True
sys.path[0] = str(pathlib.Path(__file__).resolve().parents[1])
from mutation import bugs, canaries, hunting, named
from shared import limited, tests
from shared.command import CannotWork
from shared.targets import ROOT

DIFF = """--- a/allocator/include/slab/version.hpp
+++ b/allocator/include/slab/version.hpp
@@ -1,2 +1,2 @@
-#pragma once
+#pragma twice
 
"""
HEADER = "What: it is said twice\nSeen: realistic\nFires: B8 death\nWorld: Large Checked\n"


class NoSubjects:
    """Engines that say what is given, of a subject that nobody compiles."""
    def __init__(self, folder, said, code):
        self.folder, self.script = pathlib.Path(folder), pathlib.Path(folder) / "engine"
        self.script.write_text(f"#!/bin/sh\necho '{said}'\nexit {code}\n")
        self.script.chmod(0o755)

    def library(self, *_, **__):
        return self.folder

    def with_bug(self, *_):
        return self.folder

    def engine(self, *_):
        return self.script


class Bugs(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)

    def bug(self, text=HEADER + DIFF, name="twice"):
        path = self.folder / "bugs" / f"{name}.patch"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return named.read(path, named.known_ids())

    def outcome(self, said, code, text=HEADER + DIFF, words=("--quick",)):
        """(exit code, output) of a run in which each engine says that."""
        self.bug(text)
        with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.ExitStack() as stack:
            stack.enter_context(mock.patch.object(named, "FOLDER", self.folder / "bugs"))
            stack.enter_context(mock.patch.object(bugs, "Subjects", lambda: NoSubjects(self.folder, said, code)))
            status = bugs.main([*words])
        return status, out.getvalue()

    def test_each_patch_applies(self):
        patches = named.all_bugs()
        self.assertGreaterEqual(len(patches), 40)
        for bug in patches:
            named.copy_with(bug, self.folder / "tree")

    def test_the_copy_has_the_bug_and_nothing_else(self):
        named.copy_with(self.bug(), self.folder / "tree")
        done = subprocess.run(["diff", "-rq", ROOT / "allocator", self.folder / "tree/allocator"], text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.assertEqual(done.stdout.count("\n"), 1)
        self.assertIn("version.hpp", done.stdout)

    def test_the_page_has_the_table(self):
        self.assertIn(bugs.markdown(named.all_bugs()), (ROOT / "docs/named-bugs.md").read_text(),
                      "ci/mutants --bugs --table prints what belongs there")

    def test_one_that_does_not_apply_is_an_error_with_its_name(self):
        for change in (("-#pragma once", "-#pragma ever"), ("slab/version.hpp", "slab/nowhere.hpp")):
            with self.assertRaisesRegex(CannotWork, "^twice: the patch does not apply"):
                named.copy_with(self.bug(HEADER + DIFF.replace(*change)), self.folder / "tree")
        with self.assertRaisesRegex(CannotWork, "^twice: the patch does not apply"):
            self.outcome("signature: B8/alloc", 1, HEADER + DIFF.replace("once", "ever"))

    def test_a_header_says_what_it_must(self):
        for was, becomes in (("What: it is said twice\n", ""), ("Fires: B8 death", "Fires: B99"), ("Seen", "Sawn"),
                             ("Large Checked", "Large"), ("Large Checked", "Huge Checked"), ("What", "what"),
                             ("Seen: realistic\n", "Seen: realistic\nSeen: twice\n")):
            with self.assertRaises(CannotWork):
                self.bug((HEADER + DIFF).replace(was, becomes, 1))
        with self.assertRaises(CannotWork):
            self.bug(HEADER + DIFF.replace("b/allocator", "b/model"))
        self.assertEqual(self.bug().fires, ["B8", "death"])

    def test_one_that_is_found_is_no_problem(self):
        for said, code in (("signature: B8/alloc", 1), ("signature: died:AddressSanitizer@f/free", 1)):
            status, out = self.outcome(said, code)
            self.assertEqual(status, 0, out)
            self.assertIn("1 bug, 1 found as their patches say", out)

    def test_a_survivor_is_a_problem(self):
        status, out = self.outcome("nothing wrong", 0)
        self.assertEqual(status, 1)
        self.assertIn("twice survived: it is said twice", out)

    def test_another_invariant_is_a_problem(self):
        status, out = self.outcome("signature: B9/alloc", 1)
        self.assertEqual(status, 1)
        self.assertIn("found by explorer as B9 (B9/alloc)", out)

    def test_a_check_that_cannot_work_has_found_nothing(self):
        for code in (1, 2, 127):
            with self.assertRaisesRegex(CannotWork, "twice: explorer could not do its work"):
                self.outcome("out of memory", code)

    def test_a_name_that_there_is_not_is_an_error(self):
        with self.assertRaises(CannotWork):
            bugs.chosen([self.bug()], ["thrice"])

    def test_what_is_not_looked_for_is_no_success(self):
        guarded = (HEADER + DIFF).replace("version.hpp", "quarantine.hpp").replace("Large Checked", "Large Quarantine")
        with self.assertRaisesRegex(CannotWork, "no quick check looks for twice"):
            self.outcome("nothing wrong", 0, guarded, ("--quick", "twice"))
        for words in (("--canaries", "twice"), ("--canaries", "--quick"), ("--deep",)):
            with self.assertRaisesRegex(CannotWork, "--canaries has no other option|--deep is of --canaries"):
                self.outcome("nothing wrong", 0, words=words)

    def test_one_that_does_not_compile_is_an_error_with_its_name(self):
        def fails(*_, **__):
            raise CannotWork("slab_subject.cpp does not compile")
        with mock.patch.object(NoSubjects, "library", fails):
            with self.assertRaisesRegex(CannotWork, "^twice: slab_subject"):
                self.outcome("nothing wrong", 0)

    def test_what_never_ends_is_a_hang_and_is_ended(self):
        spins, asleep = self.folder / "spins", self.folder / "sleeps"
        spins.write_text("#!/bin/sh\nwhile :; do :; done\n")
        asleep.write_text(f"#!/bin/sh\n(sleep 3; echo >{self.folder}/lived) &\necho signature: B8/x\nexit 1\n")
        for script in (spins, asleep):
            script.chmod(0o755)
        self.assertEqual(hunting.end_of(*hunting.run(spins, [], self.folder, 1)).found, "hang")
        self.assertEqual(hunting.end_of(*hunting.run(asleep, [], self.folder, 1)).found, "B8")
        with self.assertRaises(KeyboardInterrupt), limited.pool(1) as pool:
            began = time.monotonic()
            pool.submit(hunting.run, spins, [], self.folder, 60)
            waiting = pool.submit(hunting.run, spins, [], self.folder, 60)
            time.sleep(0.5)
            raise KeyboardInterrupt
        self.assertLess(time.monotonic() - began, 30)
        self.assertTrue(waiting.cancelled() or waiting.exception())
        time.sleep(max(0, began + 3.5 - time.monotonic()))
        self.assertFalse((self.folder / "lived").exists())

    def test_each_canary_has_its_bug_and_an_engine_that_does_not_find_it_is_blind(self):
        bugs_of_canaries = canaries.all_bugs()
        every = canaries.CANARIES + canaries.VARYING
        self.assertEqual({canary.bug for canary in every}, set(bugs_of_canaries))
        for bug in bugs_of_canaries.values():
            named.copy_with(bug, self.folder / "tree")
        for said, code, problems in (("nothing wrong", 0, len(every)), ("signature: B1/alloc", 1, len(every)),
                                     ("violated R4", 1, len(every) - 1)):
            found = [problem for *_, problem in canaries.hunt(NoSubjects(self.folder, said, code), 1, every) if problem]
            self.assertEqual(len(found), problems, found)
        self.assertEqual([c for c, *_ in canaries.hunt(NoSubjects(self.folder, "", 0))], canaries.CANARIES)
        with self.assertRaises(CannotWork):
            list(canaries.hunt(NoSubjects(self.folder, "out of memory", 2)))

    def test_what_engines_say_is_understood(self):
        for said, code, found in (("violated: K3: the lock", 1, "K3"), ('{"signature": "R2/alloc"}', 1, "R2"),
                                  ("signature: hung/free", 1, "hang"), ("", -11, "death"), ("", None, "hang"),
                                  ("", -9, "nothing"), ("B8", 1, "nothing"), ("signature: B8/x", 0, None)):
            self.assertEqual(hunting.end_of(code, said, 1).found, found, said)


if __name__ == "__main__":
    sys.exit(tests.main("ci/mutation/bugs_test.py", __doc__))

#!/usr/bin/env python3
"""ci/fuzz and ci/triage respond to a signal at every moment, and report and keep what they have met by then. BIN has
faulty_target_fuzz and slab_replay (preset asan).

The tests wait for events: a test's replay tool sends the signal itself, and then stays silent for ever.

exit: 0 all pass, 1 one fails, 2 BIN is no such folder"""

import json
import os
import pathlib
import pty
import sys
import types
from unittest import mock

sys.dont_write_bytecode = True
sys.path[0] = str(pathlib.Path(__file__).resolve().parents[1])  # modules are named from ci/ on
from campaign import scene
from campaign.crashes import triage
from campaign.crashes.replay_tool import ReplayTool
from campaign.scene import NAME, Overnight
from shared import builds, child_process, command

NEVER = "exec sleep 1000"


class CorpusReplay(Overnight):
    def setUp(self):
        super().setUp()
        self.commit("a", "b")

    def kept(self):
        """The inputs that are kept as crashes, with their signatures."""
        return {f.read_text(): json.loads(f.with_name(f.name + ".json").read_text())["signature"]
                for f in (self.out / "crashes").iterdir() if "." not in f.name}

    def triage(self, script):
        self.replay_tool(script)
        said = []
        progress = types.SimpleNamespace(say=said.append, show=lambda _: None, gone="")
        tool = ReplayTool([self.folder / "build" / "fuzz" / "bin" / "slab_replay"])
        return triage.Triage(self.out, tool, child_process.Requests(), progress).run(), "\n".join(said)

    def test_what_has_failed_is_told_and_kept_whatever_signal_ends_the_run(self):
        for names in ("INT", "TERM", "HUP", "INT INT TERM"):
            with self.subTest(names):
                kills = f"for name in {names}; do kill -$name $PPID; sleep 0.2; done"
                self.replay_tool(f'says "$1" "$fails"; {kills}; {NEVER}')
                said = self.end(self.command(), 1)
                self.assertIn("1 defect found before anything was fuzzed", said)
                self.assertIn("stopped by a signal while the corpus was replayed: 1 of 2 files", said)
                self.assertEqual(self.kept(), {"a": "M1/free"})
        code, said = self.triage('for file; do says "$file" "$fails"; done; exit 1')
        self.assertEqual((code, "M1/free" in said, "1 fails on this build" in said), (1, True, True), said)

    def test_before_anything_has_failed_nothing_is_claimed(self):
        self.replay_tool(f'says "$1" "$agrees"; kill -TERM $PPID; {NEVER}')
        said = self.end(self.command(), 2)
        self.assertIn("ci/fuzz: stopped by a signal while the corpus was replayed: 1 of 2 files; nothing was", said)
        self.assertNotIn("defect", said)
        self.assertNotIn("Nothing wrong", said)

    def test_the_first_failure_is_shown_when_it_is_met_and_how_far_it_is(self):
        until_told = f"while [ ! -e {self.folder}/go ]; do sleep 0.05; done"
        self.replay_tool(f'says "$1" "$fails"; {until_told}; says "$2" "$agrees"; exit 1')
        ours, theirs = pty.openpty()
        process = self.command(how="start", stdout=theirs, stderr=theirs, env={**os.environ, "TERM": "xterm"})
        os.close(theirs)
        seen = b""
        for words in (b"corpus/fuzz_geometry/a fails", b"replayed 1 of 2 files; 1 fails"):
            while words not in seen:
                seen += os.read(ours, 4096)
        (self.folder / "go").touch()
        try:
            while news := os.read(ours, 4096):
                seen += news
        except OSError:  # the end of a terminal
            pass
        self.assertEqual(process.wait(), 1)
        self.assertIn(b"1 defect found", seen)

    def test_a_corpus_that_fails_has_a_budget(self):
        self.replay_tool(f'says "$1" "$fails"; {NEVER}')
        said = self.end(self.command(how="hurry"), 1)
        self.assertIn("1 file was not replayed, nor used as seeds", said)
        self.assertEqual(self.kept(), {"a": "M1/free"})

    def test_of_many_that_fail_in_the_same_way_three_are_kept_and_all_counted(self):
        self.commit(*(str(10 ** i) for i in range(10)))
        self.replay_tool('for file; do says "$file" "$fails"; done; exit 1')
        said = self.end(self.command(how="start"), 1)
        self.assertIn("met 12 times", said)
        self.assertIn("1 defect found", said)
        self.assertLessEqual(len(self.kept()), 3)
        self.assertEqual(sum(json.loads(f.read_text())["times"] for f in (self.out / "crashes").glob("*.json")), 12)
        self.assertEqual(list((self.out / "seeds" / NAME).iterdir()), [])


class EveryMoment(Overnight):
    PLACES = ("check_space", "folder_lock.take", "end_orphans", "Merge.recover", "Target.prepare", "tidy", "build",
              "Harvest.take_leftovers", "CorpusReplay.run", "CorpusReplay._hand_out")

    def test_a_signal_before_the_fuzzing_ends_the_run_without_a_verdict(self):
        self.commit("a")
        self.replay_tool('for file; do says "$file" "$agrees"; done')
        self.end(self.command(how="start"), 0)
        for place in self.PLACES:
            with self.subTest(place):
                said = self.end(self.command(how=f"signal {place}"), 2)
                self.assertRegex(said, "ci/fuzz: stopped by a signal while .*; nothing was (fuzzed|done)")

    def test_a_signal_at_the_end_changes_nothing(self):
        self.replay_tool("exit 0")
        for place in ("Recorder", "conclude"):
            with self.subTest(place):
                self.assertIn("Nothing wrong: Geometry::make agreed", self.end(self.command(how=f"signal {place}"), 0))

    def test_what_a_killed_run_has_left_is_taken_although_a_signal_leaves_no_time_to_replay_it(self):
        artifacts = self.out / "artifacts" / NAME
        artifacts.mkdir(parents=True)
        for name in ("crash-1", "crash-2"):
            (artifacts / name).write_text(name)
        self.replay_tool(f"kill -INT $PPID; {NEVER}")
        said = self.end(self.command(how="hurry"), 1)
        self.assertIn("2 failing inputs not replayed yet found before anything was fuzzed", said)
        self.assertFalse(list(artifacts.iterdir()))
        self.replay_tool('for file; do says "$file" "$fails"; done; exit 1')
        said = self.end(self.command(how="start"), 1)
        self.assertIn("M1/free\n  met twice", said.replace("2 times", "twice"))

    def test_setup_and_build_are_ended(self):
        for name in ("setup", "build"):
            tree = self.folder / name
            (tree / "ci").mkdir(parents=True)
            for tool in ("setup", "build"):
                (tree / "ci" / tool).write_text(f"#!/bin/sh\n{'kill -INT $PPID; ' + NEVER if tool == name else ''}\n")
                (tree / "ci" / tool).chmod(0o755)
            with mock.patch.object(builds, "ROOT", tree):
                with self.assertRaisesRegex(command.Stopped, "stopped by a signal while it was built"):
                    builds.build({"fuzz": ["slab_replay"]}, child_process.Signals())


if __name__ == "__main__":
    sys.exit(scene.main("ci/campaign/signals_test.py", __doc__))

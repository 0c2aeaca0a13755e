#!/usr/bin/env python3
"""What ci/fuzz finds survives whatever ends it: each test ends it in one way, and looks at the files from which the
next start continues. BIN has faulty_target_fuzz, slab_replay and, where AFL++ is installed, faulty_target_afl (preset
asan).
exit: 0 all pass, 1 one fails, 2 BIN is no such folder"""

import os
import pathlib
import shutil
import signal
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path[0] = str(pathlib.Path(__file__).resolve().parents[1])  # modules are named from ci/ on
from campaign import scene
from campaign.crashes.collection import Crashes
from campaign.crashes.replay_tool import ReplayTool
from campaign.engines.last_words import LastWords
from campaign.engines.worker import STATISTICS
from campaign.scene import NAME, Overnight
from shared import child_process


class Killed(Overnight):
    def test_a_worker_killed_is_replaced_and_loses_nothing(self):
        process = self.fuzzing()
        process.send_signal(signal.SIGSTOP)
        before = self.workers()
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        self.wait(lambda: not self.workers(), "its end")  # a zombie has no environment
        process.send_signal(signal.SIGCONT)
        self.wait(lambda: set(self.workers()) - set(before), "another one")
        process.send_signal(signal.SIGINT)
        self.end(process, 0)
        self.goes_on()

    def test_the_command_killed_takes_its_workers_with_it(self):
        process = self.fuzzing()
        process.kill()
        process.wait()
        self.wait(lambda: not self.workers(), "their end")
        self.goes_on()

    def test_everything_killed_at_once(self):
        process = self.fuzzing()
        self.kill_all(process)
        self.goes_on()

    def test_a_process_that_outlives_the_command_is_ended_by_the_next(self):
        process = self.fuzzing()
        process.kill()
        process.wait()
        self.wait(lambda: not self.workers(), "their end")
        orphan = subprocess.Popen(["sleep", "600"],
                                  env={**os.environ, STATISTICS: str(self.out / "logs" / f"{NAME}.counters")})
        orphan.send_signal(signal.SIGSTOP)  # it cannot do what it is asked to
        said = self.end(self.command(how="start"), 0)
        self.assertIn("ended 1 process of a run that was killed", said)
        self.assertEqual(orphan.wait(), -signal.SIGKILL)
        self.goes_on()

    def test_the_machine_switched_off_in_the_middle_of_writing(self):
        process = self.fuzzing()
        self.kill_all(process)
        half, nothing, *_ = sorted(self.corpus.iterdir())
        os.truncate(half, half.stat().st_size // 2)
        os.truncate(nothing, 0)
        (self.out / "crashes" / "encoded").write_bytes(b"half")
        (self.out / "beginning").write_bytes(b"half")
        (self.out / "merge" / NAME / "count").write_text("")
        self.goes_on()

    def test_killed_between_a_crash_and_its_being_taken(self):
        process = self.fuzzing()
        process.send_signal(signal.SIGSTOP)
        name = self.put("!crash!!")
        self.wait(lambda: self.show(name) or list(self.out.glob("artifacts/*/crash-*")), "the crash saved")
        self.kill_all(process)
        (self.corpus / name).unlink()
        said = self.end(self.command(how="start"), 1)
        self.assertIn("1 defect found", said)
        self.assertIn(name, self.failing())
        self.goes_on()

    def test_ctrl_c(self):
        process = self.fuzzing()
        process.send_signal(signal.SIGINT)
        self.assertIn("Stopped early. Nothing wrong", self.end(process, 0))
        self.goes_on()


class Faults:
    def test_a_crash(self):
        self.meets("!crash!!", "deadly signal|AddressSanitizer: ABRT")

    def test_a_hang(self):
        self.meets("!hang!!!", "the fuzzer said: .*timeout")

    def test_out_of_memory(self):
        self.meets("!memory!", "the fuzzer said: .*out-of-memory")


class Inputs(Overnight, Faults):
    def meets(self, text, signature):
        process = self.fuzzing()
        name = self.put(text)
        self.wait(lambda: self.show(name) or "signature: " in process.said(), f"what is said of {text}")
        process.send_signal(signal.SIGINT)
        said = self.end(process, 1)
        self.assertIn(name, self.failing())
        self.assertRegex(said, signature)

    def test_a_crash_before_the_fuzzing_is_put_aside_and_not_met_again(self):
        (self.corpus / "folder").mkdir(parents=True)
        name = self.put("!crash!!")
        process = self.fuzzing()
        process.send_signal(signal.SIGINT)
        self.end(process, 1)
        self.assertIn(name, self.failing())
        self.assertIn(name, self.found())

    def test_signals_during_its_replay_do_not_hide_what_a_crash_is(self):
        for folder in (self.out / "crashes", self.folder / "artifacts"):
            folder.mkdir(parents=True)
        replay = self.folder / "replay"
        facts = '"outcome": "violated", "input": "program", "sentence": "", "signature": "M1/free"'
        replay.write_text(f"#!/bin/sh\nkill -INT {os.getpid()}\nsleep 1\nkill -TERM {os.getpid()}\n"
                          f"""echo '{{"file": "'"$2"'", {facts}}}'\nexit 1\n""")
        replay.chmod(0o755)
        artifact = self.folder / "artifacts" / "crash-1"
        artifact.write_bytes(b"x")
        signals = child_process.Signals()
        crashes = Crashes(self.out / "crashes", ReplayTool([replay]), signals, lambda _: None)
        self.assertTrue(crashes.take(NAME, artifact, LastWords(""), perhaps_slow=False, engine="libFuzzer"))
        self.assertEqual((signals.count, list(crashes.defects)), (2, ["M1/free"]))

    def test_what_fails_before_the_fuzzing_is_told_although_the_run_cannot_go_on(self):
        (self.out / "crashes").mkdir(parents=True)
        (self.out / "artifacts" / NAME).mkdir(parents=True)
        (self.out / "artifacts" / NAME / "crash-1").write_bytes(b"!crash!!")
        (self.out / "history.jsonl").mkdir()
        said = self.end(self.command(how="start"), 1)
        self.assertIn("1 defect found", said)
        self.assertIn("history.jsonl", said)


class AflOvernight(Overnight, Faults):
    """The same with AFL++, which takes no inputs while it runs, so the failing ones are there before."""

    def setUp(self):
        super().setUp()
        if not (self.BIN / "faulty_target_afl").exists() or not shutil.which("afl-fuzz"):
            self.skipTest("AFL++ is not installed: ci/setup --afl")

    def meets(self, text, signature):
        (self.corpus / "folder").mkdir(parents=True)
        name = self.put(text)
        process = self.fuzzing("--engine", "afl")
        self.wait(lambda: "signature: " in process.said(), f"what is said of {text}")
        process.send_signal(signal.SIGINT)
        said = self.end(process, 1)
        self.assertIn(name, self.failing())
        self.assertRegex(said, signature)

    def test_everything_killed_at_once(self):
        process = self.fuzzing("--engine", "afl")
        self.kill_all(process)
        self.goes_on("--engine", "afl")
        self.goes_on("--engine", "libfuzzer")

    def test_the_command_killed_takes_its_workers_with_it(self):
        process = self.fuzzing("--engine", "afl", "--jobs", "2")
        self.wait(lambda: len(list(self.out.glob("afl/*/instances/worker*/fuzzer_stats"))) == 2,
                  "two at work on one target")
        process.kill()
        process.wait()
        self.wait(lambda: not self.workers(), "their end")
        self.goes_on("--engine", "afl")


if __name__ == "__main__":
    sys.exit(scene.main("ci/campaign/overnight_test.py", __doc__))

#!/usr/bin/env python3
"""No input of a corpus is lost or left unused, whatever it contains and whenever a merge is killed. BIN has
faulty_target_fuzz and slab_replay (preset asan).

exit: 0 all pass, 1 one fails, 2 BIN is no such folder"""

import hashlib
import os
import pathlib
import signal
import subprocess
import sys
import types
from unittest import mock

sys.dont_write_bytecode = True
sys.path[0] = str(pathlib.Path(__file__).resolve().parents[1])  # modules are named from ci/ on
from campaign import corpus, fuzz, fuzzing, scene
from campaign.crashes.collection import Crashes
from campaign.crashes.replay_tool import ReplayTool
from campaign.engines.afl import Afl
from campaign.engines.target import Target
from campaign.harvest import Harvest
from campaign.scene import NAME, Overnight
from shared import child_process
from shared.targets import TARGETS


class Corpus(Overnight):
    def test_an_input_that_a_merge_fails_at_is_kept(self):
        process = self.fuzzing()
        process.send_signal(signal.SIGINT)
        self.end(process, 0)
        name = self.put("!crash!!")
        bin = self.folder / "build" / "fuzz" / "bin"
        target = Target(NAME, TARGETS[NAME], self.out, fuzz.LibFuzzer.NAME)
        target.workers = [fuzz.LibFuzzer(target, 0, fuzz.RUN, bin)]
        signals, said = child_process.Signals(), []
        crashes = Crashes(self.out / "crashes", ReplayTool([*fuzz.RUN, bin / "slab_replay"]), signals,
                          said.append)
        progress = types.SimpleNamespace(say=said.append, gone="")
        with mock.patch.object(corpus, "SMALL_CORPUS", 1):
            harvest = Harvest(self.out, crashes, signals, said.append)
            fuzzing.Fuzzing(self.out, bin, fuzz.RUN, [target], harvest, signals, progress).make_small([target])
        self.assertEqual((target.crashes, len(crashes.defects)), (1, 1), said)
        self.assertIn(name, self.failing())
        self.assertFalse(list(self.out.glob("artifacts/*/*")))

    def test_an_input_that_comes_during_a_merge_is_kept(self):
        self.corpus.mkdir(parents=True)
        for text in ("a", "b", "ab", "abab"):
            self.put(text)
        bin, run, said = self.folder / "build" / "fuzz" / "bin", child_process.run, []

        def run_then_put(*arguments, **options):
            code = run(*arguments, **options)
            said.append(self.put("abababab"))
            return code
        merge = corpus.Merge(Target(NAME, TARGETS[NAME], self.out, fuzz.LibFuzzer.NAME))
        with mock.patch.object(child_process, "run", run_then_put):
            sentence = merge.run(fuzz.RUN, bin / NAME, self.folder, child_process.Signals())
        self.assertIn("inputs of the corpus show the same", sentence)
        self.assertIn(said[0], self.found())

    def test_a_merge_killed_at_each_of_its_steps(self):
        process = self.fuzzing(inputs=40)
        process.send_signal(signal.SIGINT)
        self.end(process, 0)
        before = self.found()
        for number in range(1, 5):
            with self.subTest(number=number):
                done = subprocess.run(
                    [sys.executable, "-B", scene.__file__, "--die-at-rename", self.folder, str(number)])
                self.assertEqual(done.returncode, -signal.SIGKILL)
                self.end(self.command(how="start"), 0)
                if number <= 3:
                    self.assertEqual(self.found(), before)
                else:  # what it chose, of the same as before
                    self.assertTrue(self.found() and self.found() <= before)
                    before = self.found()
                self.assertEqual({p.name for p in (self.out / "merge" / NAME).iterdir()} - {"count"}, set())
        self.goes_on()

    def test_the_corpus_is_made_small_between_turns(self):
        process = self.fuzzing(inputs=30, how="turns")
        self.wait(lambda: "inputs of the corpus show the same" in process.said(), "a merge")
        process.send_signal(signal.SIGINT)
        self.end(process, 0)

    def test_too_long_an_input_is_used_as_far_as_it_may_be_and_kept(self):
        self.corpus.mkdir(parents=True)
        self.put("x" * 100)
        beginning = hashlib.sha1(b"x" * 37).hexdigest()
        said = self.end(self.command(how="start"), 0)
        self.assertIn("is longer than the 37 bytes", said)
        self.assertIn(beginning, self.found())
        whole, = (self.out / "too-long" / NAME).iterdir()
        self.assertEqual(whole.read_bytes(), b"x" * 100)

    def test_one_that_may_not_be_read_is_put_aside(self):
        nobody = {}
        if os.getuid() == 0:
            nobody = {"user": 65534, "group": 65534, "extra_groups": [], "python": "/usr/bin/python3"}
            readable = subprocess.run(
                ["sh", "-c", f"test -r '{__file__}' && test -x '{self.BIN}/slab_replay' && test -x /usr/bin/python3"],
                                      user=65534, group=65534, extra_groups=[])
            if readable.returncode != 0:
                self.skipTest("somebody without rights cannot read this checkout")
        self.corpus.mkdir(parents=True)
        file = self.corpus / self.put("secret")
        file.chmod(0)
        if nobody:
            subprocess.run(["chown", "-R", "65534:65534", self.folder], check=True)
        said = self.end(self.command(how="start", **nobody), 0)
        self.assertIn("may not be read", said)
        self.assertTrue((self.out / "unreadable" / NAME / file.name).exists())

    def test_hidden_files_stay_where_they_are(self):
        """As rsync names them until they are complete; a merge may also move the folder while they are written."""
        self.corpus.mkdir(parents=True)
        hidden = self.corpus / ".input.AbCdEf"
        hidden.write_bytes(b"x" * 100)
        hidden.chmod(0)
        for name in ("a", "b", "ab", "abab"):
            self.put(name)
        self.end(self.command(how="start"), 0)
        self.assertTrue(hidden.exists())
        target = Target(NAME, TARGETS[NAME], self.out, fuzz.LibFuzzer.NAME)
        bin = self.folder / "build" / "fuzz" / "bin" / NAME
        hidden.chmod(0o600)
        self.assertIn("show the same", corpus.Merge(target).run(fuzz.RUN, bin, self.folder, child_process.Requests()))
        self.assertTrue(hidden.exists())
        old = self.out / "merge" / NAME / "old"
        old.mkdir()
        hidden.rename(old / hidden.name)  # killed when it had moved the folder
        corpus.Merge(target).recover()
        self.assertTrue(hidden.exists())

    def test_afl_is_not_handed_hidden_files(self):
        self.corpus.mkdir(parents=True)
        (self.corpus / ".input.AbCdEf").write_bytes(b"x")
        self.put("a")
        target = Target(NAME, TARGETS[NAME], self.out, Afl.NAME)
        target.seeds.mkdir(parents=True)
        worker = Afl(target, 0, [], self.folder)
        worker._link_inputs()
        self.assertEqual({f.read_bytes() for f in worker.input.iterdir()}, {b"a", b"\0"})


if __name__ == "__main__":
    sys.exit(scene.main("ci/campaign/corpus_test.py", __doc__))

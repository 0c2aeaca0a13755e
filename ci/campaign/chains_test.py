#!/usr/bin/env python3
"""Inputs that fail only after others: ci/fuzz keeps a chain, and ci/triage says whether it still fails.
BIN has faulty_target_fuzz, slab_replay and, where AFL++ is installed, faulty_target_afl (preset asan).
exit: 0 all pass, 1 one fails, 2 BIN is no such folder"""

import json
import os
import pathlib
import shutil
import signal
import struct
import sys
import types
from unittest import mock

sys.dont_write_bytecode = True
sys.path[0] = str(pathlib.Path(__file__).resolve().parents[1])  # modules are named from ci/ on
from campaign import fuzz, harvest, scene
from campaign.crashes import triage
from campaign.crashes.replay_tool import ReplayTool
from campaign.scene import NAME, Overnight
from shared import child_process

AFTER_OTHERS = ('"outcome": "violated", "signature": "fails only after others", "step": 1, '
                '"inputs": 3, "failing_input": 3')


class History(Overnight):
    """Inputs that fail only after others."""

    def kept(self):
        return [f for f in sorted((self.out / "crashes").glob("*")) if f.name.endswith("-chain")]

    def inputs(self, chain):
        content, found = chain.read_bytes(), []
        at = content.index(b"\n") + 1
        while at < len(content):
            times, size = struct.unpack_from("<II", content, at)
            self.assertEqual(times, 1)
            found.append(content[at + 8:at + 8 + size])
            at += 8 + size
        return found

    def triage(self, **environment):
        tool = ReplayTool([*fuzz.RUN, self.folder / "build" / "fuzz" / "bin" / "slab_replay"])
        progress = types.SimpleNamespace(said=[], gone="", show=lambda _: None)
        progress.say = progress.said.append
        with mock.patch.dict(os.environ, environment):
            code = triage.Triage(self.out, tool, child_process.Signals(), progress).run()
        return code, "\n".join(progress.said)

    def test_a_real_one_has_one_signature_and_is_made_small_and_triaged(self):
        bin = self.folder / "build" / "fuzz" / "bin"
        (bin / "fuzz_large").symlink_to(self.BIN / "late_target")
        (bin / "slab_replay").unlink()
        (bin / "slab_replay").symlink_to(self.BIN / "slab_replay_planted")
        corpus_folder = self.out / "corpus" / "fuzz_large"
        corpus_folder.mkdir(parents=True)
        for file in sorted((scene.CI.parent / "corpus" / "fuzz_large").iterdir())[:60]:
            shutil.copy(file, corpus_folder)
        late = {"SLAB_PLANTED_FREE": "3000"}
        process = self.command("--target", "fuzz_large", env={**os.environ, **late})
        self.wait(lambda: process.poll() is not None or len(self.kept()) >= 3
                  and list(self.out.glob("crashes/*-chain.min.json")), "three, and one made small")
        process.send_signal(signal.SIGINT)
        said = self.end(process, 1)
        self.assertRegex(said, r"input ([\d,]+) of the \1 that its process ran fails; alone it passes")
        self.assertIn("1 defect found", said)
        signatures = {json.loads(f.read_text())["signature"] for f in self.out.glob("crashes/*-chain.json")}
        self.assertEqual(signatures, {"fails only after others"})
        self.assertEqual([f.name for f in self.out.glob("crashes/fuzz_large-*") if "-chain" not in f.name], [])
        self.assertEqual(list((self.out / "records").iterdir()), [])
        code, said = self.triage(**late)
        self.assertEqual(code, 1, said)
        self.assertRegex(said, r"fails only after others +fails .*-chain\.min\n")
        self.assertIn("1 signature in", said)
        code, said = self.triage()
        self.assertEqual(code, 0, said)

    def test_a_record_ends_with_the_input_and_reaches_back_to_the_start(self):
        self.keeps_its_history("libfuzzer")

    def test_the_same_of_afl(self):
        if not (self.BIN / "faulty_target_afl").exists() or not shutil.which("afl-fuzz"):
            self.skipTest("AFL++ is not installed: ci/setup --afl")
        self.keeps_its_history("afl")

    def keeps_its_history(self, engine):
        self.replay_tool(f"""code=0
for f; do case $f in *-chain) says "$f" '{AFTER_OTHERS}'; code=1;; *) says "$f" "$agrees";; esac; done; exit $code""")
        self.corpus.mkdir(parents=True)
        for text in ("a", "b", "ab", "!crash!!"):
            self.put(text)
        process = self.command("--engine", engine)
        self.wait(lambda: "signature: fails only after others" in process.said(), "what is said of it")
        process.send_signal(signal.SIGINT)
        self.end(process, 1)
        chain, = self.kept()
        inputs = self.inputs(chain)
        self.assertEqual(inputs[-1], b"!crash!!")
        self.assertTrue({b"a", b"b"} & set(inputs[:-1]), inputs)

    def test_a_committed_corpus_that_fails_as_a_whole_is_kept_as_one(self):
        (self.folder / "build" / "fuzz" / "bin" / "slab_replay").unlink()
        (self.folder / "build" / "fuzz" / "bin" / "slab_replay").symlink_to(self.BIN / "slab_replay_planted")
        (self.folder / "build" / "fuzz" / "bin" / "fuzz_large").symlink_to(self.BIN / "late_target")
        folder = self.folder / "corpus" / "fuzz_large"
        folder.mkdir(parents=True)
        for file in sorted((scene.CI.parent / "corpus" / "fuzz_large").iterdir())[:60]:
            shutil.copy(file, folder)
        late = {"SLAB_PLANTED_FREE": "2500"}
        said = self.end(self.command("--target", "fuzz_large", how="start", env={**os.environ, **late}), 1)
        self.assertIn("1 defect found", said)
        self.assertGreater(len(self.inputs(*self.kept())), 1)
        code, said = self.triage(**late)
        self.assertEqual(code, 1, said)
        self.assertRegex(said, r"fails only after others +fails ")

    def test_a_committed_chain_is_replayed_and_is_no_seed(self):
        folder = self.folder / "corpus" / "regressions"
        folder.mkdir(parents=True)
        chain = b"slabproof chain 1 geometry\n" + struct.pack("<II", 3, 37) + bytes(37)
        (folder / "fuzz_geometry-twice.chain").write_bytes(chain)
        said = self.end(self.command(how="start"), 0)
        self.assertIn("1 file", said)
        self.assertNotIn(chain, [f.read_bytes() for f in (self.out / "seeds" / NAME).iterdir()])
        self.replay_tool(f"""for f; do says "$f" '{AFTER_OTHERS}, "alone": "agreed"'; done; exit 1""")
        said = self.end(self.command(how="start"), 1)
        self.assertIn("signature: fails only after others", said)
        self.assertEqual([f.read_bytes() for f in self.kept()], [chain])

    def test_one_that_cannot_be_shown_is_not_called_mended(self):
        process = self.fuzzing()
        name = self.put("!crash!!")
        self.wait(lambda: self.show(name) or "signature: " in process.said(), "what is said of it")
        process.send_signal(signal.SIGINT)
        said = self.end(process, 1)
        self.assertIn("passes in the replay tool, alone and after what its process had run; the fuzzer said", said)
        code, said = self.triage()
        self.assertEqual(code, 2, said)
        self.assertIn("the replay tool cannot tell", said)

    def test_a_process_whose_record_is_full_is_followed_by_another(self):
        with mock.patch.dict(os.environ, {"OVERNIGHT_RECORD": "1"}):
            process = self.fuzzing()
        log = self.out / "logs" / f"{NAME}.log"
        # More than may end by themselves, each after reading the corpus.
        self.wait(lambda: process.poll() is not None or log.read_bytes().count(b"INITED") > harvest.SILENT_DEATHS + 1,
                  "the fifth process")
        self.assertIsNone(process.poll(), process.said())
        process.send_signal(signal.SIGINT)
        self.end(process, 0)


if __name__ == "__main__":
    sys.exit(scene.main("ci/campaign/chains_test.py", __doc__))

#!/usr/bin/env python3
"""Which fuzz-out a run of ci/fuzz continues with, and which it refuses. BIN has
faulty_target_fuzz and slab_replay (preset asan).

exit: 0 all pass, 1 one fails, 2 BIN is no such folder"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path[0] = str(pathlib.Path(__file__).resolve().parents[1])  # modules are named from ci/ on
from campaign import scene
from campaign.crashes.files import crashes_in
from campaign.scene import NAME, Overnight


class Refused(Overnight):
    def test_a_second_command_names_the_first(self):
        first = self.fuzzing("--jobs", "1")
        found = self.found()
        said = self.end(self.command(how="start"), 2)
        self.assertRegex(said,
                         rf"another command is at work .*: pid {first.pid}, started \d{{4}}-.*: ci/fuzz --target "
                         rf"{NAME} .*--jobs 1; wait")
        self.assertIsNone(first.poll())
        self.assertTrue(self.workers())
        self.assertTrue(found)
        first.send_signal(signal.SIGINT)
        self.end(first, 0)

    def test_a_folder_of_another_format(self):
        self.out.mkdir()
        (self.out / "crashes").mkdir()
        (self.out / "crashes" / f"{NAME}-1").write_bytes(b"x")
        for version, shown in ((b"3\n", "3"), (b"\xff", "\ufffd"), (b"", "unknown")):
            (self.out / "format").write_bytes(version)
            said = self.end(self.command(how="start"), 2)
            self.assertIn(f"is of format {shown}, and this version writes format 2", said)
            self.assertEqual({p.name for p in self.out.iterdir()}, {"format", "crashes", "lock"})

    def test_the_disk_fills_and_is_full_at_the_next_start(self):
        if os.getuid() != 0:
            self.skipTest("needs root, to mount a small disk")
        self.out.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "none", self.out], stderr=subprocess.PIPE)
        if mounted.returncode != 0:
            self.skipTest(f"cannot mount a small disk: {mounted.stderr.decode().strip()}")
        self.addCleanup(subprocess.run, ["umount", "-l", self.out], check=True)
        self.addCleanup(self.kill_workers)
        process = self.fuzzing()
        process.send_signal(signal.SIGSTOP)
        with open(self.out / "filler", "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(1 << 16))
            except OSError:
                pass
        found = self.found()
        process.send_signal(signal.SIGCONT)
        self.assertIn("make room there", self.end(process, 2))
        kept = self.found()
        self.assertEqual(found - kept, set())
        self.assertIn("make room there", self.end(self.command(how="start"), 2))
        self.assertEqual(self.found(), kept)
        (self.out / "filler").unlink()
        self.goes_on()

    def test_a_folder_that_is_a_file(self):
        for folder in (self.out / "artifacts" / f"{NAME}.1", self.out):
            shutil.rmtree(self.out, ignore_errors=True)
            folder.parent.mkdir(parents=True, exist_ok=True)
            folder.write_text("")
            self.assertIn("mend that and start again", self.end(self.command(how="start"), 2))


class Continued(Overnight):
    def test_a_folder_of_the_format_before_is_gone_on_with(self):
        self.commit("a")
        crashes = self.out / "crashes"
        crashes.mkdir(parents=True)
        (self.out / "format").write_text("1\n")
        (self.out / "history.jsonl").write_text("half a li")
        for name, signature in (("1", "M1/free"), ("2", "L6/end")):
            (crashes / f"{NAME}-{name}").write_text(name)
            (crashes / f"{NAME}-{name}.json").write_text(json.dumps(
                {"version": 1, "signature": signature, "target": NAME, "engine": "libFuzzer",
                 "first_seen": "2026-01-01", "times": 7}))
        (crashes / f"{NAME}-2.json").write_text("no json")
        self.replay_tool(
            '[[ $1 == *-2 ]] && { says "$1" "${fails/M1/L6}"; shift; }; for file; do says "$file" "$fails"; done; '
            'exit 1')
        said = self.end(self.command(how="start"), 1)
        for words in ("2 defects found", "is no JSON",
                      "history.jsonl: 1 line cannot be used and is passed over: line 1"):
            self.assertIn(words, said)
        self.assertEqual((self.out / "format").read_text(), "2\n")
        found = {c.path.read_text(): (c.signature, c.times, c.facts.outcome if c.facts else None)
                 for c in crashes_in(crashes)[0]}
        self.assertEqual(found["1"], ("M1/free", 7, None))
        self.assertEqual(found["2"], ("L6/free", 1, "violated"))

    def test_what_a_property_test_has_left_is_one_defect_with_what_the_corpus_shows(self):
        self.commit("a")
        crashes = self.out / "crashes"
        crashes.mkdir(parents=True)
        (crashes / "property-0123").write_text("b")
        self.replay_tool('for file; do says "$file" "$fails"; done; exit 1')
        said = self.end(self.command(how="start"), 1)
        self.assertIn("property-0123 fails; found by RapidCheck", said)
        self.assertIn("1 defect found", said)
        self.assertEqual({(c.signature, c.engine) for c in crashes_in(crashes)[0]},
                         {("M1/free", "RapidCheck"), ("M1/free", "corpus replay")})
        self.assertNotIn("RapidCheck", self.end(self.command(how="start"), 1))  # it is known now, and not asked again


if __name__ == "__main__":
    sys.exit(scene.main("ci/campaign/out_folder_test.py", __doc__))

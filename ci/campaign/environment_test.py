#!/usr/bin/env python3
"""What the machine refuses is never reported as a defect, nor ignored: ci/fuzz and ci/triage without ptrace, as another
user, without room for processes, files or memory, without /proc, on a read-only folder, and when their output cannot be
written. BIN has faulty_target_fuzz and slab_replay (preset asan).

exit: 0 all pass, 1 one fails, 2 BIN is no such folder"""

import os
import pathlib
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path[0] = str(pathlib.Path(__file__).resolve().parents[1])  # modules are named from ci/ on
from campaign import scene
from campaign.scene import Overnight
from shared.targets import ROOT

PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable  # which others may run too
TRACES = ("alignment-of-slab-info", "alloc-no-grow-takes-an-empty-slab")
TRIAGE = """
import pathlib, sys
sys.path.insert(0, sys.argv[1])
from campaign.crashes import triage
from shared import child_process, command
triage.OUT, triage.BUILD = (pathlib.Path(sys.argv[2]) / name for name in ("out", "build"))
triage.build = lambda *_: None
sys.argv = ["ci/triage"]
sys.exit(command.run(lambda: triage.main(child_process.Signals()), "ci/triage"))
"""


class Environment(Overnight):
    def setUp(self):
        super().setUp()
        folder = self.folder / "corpus" / "regressions"
        folder.mkdir(parents=True)
        for name in TRACES:
            shutil.copy(ROOT / "corpus" / "regressions" / f"{name}.trace", folder)
        self.commit("a", "b")
        self.folder.chmod(0o755)

    def others_may_read(self):
        looks = f"test -r '{__file__}' && test -x '{self.BIN}/slab_replay'"
        if os.getuid() == 0 and subprocess.run(["sh", "-c", looks], user=65534, group=65534,
                                               extra_groups=[]).returncode:
            self.skipTest("somebody without rights cannot read this checkout")

    def ends(self, name, codes, *words, how="start", **options):
        before = [PYTHON, "-B", ROOT / "ci" / "environments", name] if name else []
        process = self.command(how=how, python=PYTHON, before=before, **options)
        process.wait(scene.PATIENCE)
        said = process.said()
        if process.returncode == 77:
            self.skipTest(said)
        self.assertIn(process.returncode, codes, said)
        for word in words:
            self.assertIn(word, said)
        for word in ("defect", " fails", "violated", "died", "Traceback") if 1 not in codes else ():
            self.assertNotIn(word, said.replace("No defect found", ""))
        self.assertEqual("Nothing wrong" in said, process.returncode == 0, said)
        if process.returncode == 2:
            self.assertRegex(said, "ci/fuzz: |could not (be replayed|make)")
        self.assertFalse(list((self.out / "crashes").glob("*")) if (self.out / "crashes").is_dir() else [], said)
        return said

    def triaged(self, name, codes, *words):
        done = subprocess.run(
            [PYTHON, "-B", ROOT / "ci" / "environments", name, PYTHON, "-B", "-c", TRIAGE, scene.CI, self.folder],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=scene.PATIENCE)
        self.assertIn(done.returncode, codes, done.stdout)
        for word in words:
            self.assertIn(word, done.stdout)
        self.assertNotIn("  fails", done.stdout)

    def test_without_ptrace_a_right_build_is_right(self):
        said = self.ends("no_ptrace", [0])
        self.assertEqual(said.count("leak"), 1, said)
        (self.out / "crashes" / "fuzz_large-1").write_bytes(b"x")
        self.triaged("no_ptrace", [0], "none fails on this build", "leak")

    def test_without_proc(self):
        said = self.ends("no_proc", [0, 2])
        self.assertIn("/proc", said)

    def test_without_processes(self):
        self.others_may_read()
        subprocess.run(["chown", "-R", "65534:65534", self.folder], check=os.getuid() == 0)
        self.ends("no_fork", [2], "limits of this shell")

    def test_with_few_files(self):
        self.ends("few_files", [0, 2])

    def test_without_memory_for_the_tools(self):
        self.ends("little_memory", [2], "ci/fuzz: the replay tool ")
        (self.out / "crashes" / "fuzz_large-1").write_bytes(b"x")
        self.triaged("little_memory", [2], "ci/triage: the replay tool ")

    def test_a_replay_tool_that_dies_at_everything_finds_no_defects(self):
        for script in ("exit 1", "kill -KILL $$", "echo no verdict; exit 1"):
            with self.subTest(script):
                self.replay_tool(script)
                self.ends(None, [2], "ci/fuzz: the replay tool does not work here: ", "nothing was fuzzed")

    def test_as_somebody_else(self):
        if os.getuid() != 0:
            self.skipTest("needs root")
        self.others_may_read()
        self.ends("nobody", [2], "Permission denied")
        self.out.mkdir()
        self.ends("nobody", [2], "cannot work in", "Permission denied")
        subprocess.run(["chown", "-R", "65534:65534", self.folder], check=True)
        self.ends("nobody", [0])

    def test_a_folder_that_is_none_is_no_folder_without_crashes(self):
        """As a link to a disk that is not mounted is."""
        for make in (lambda path: path.symlink_to("nowhere"), lambda path: path.touch()):
            for name in ("out", "out/crashes"):
                with self.subTest(name):
                    path = self.folder / name
                    path.parent.mkdir(exist_ok=True)
                    make(path)
                    self.triaged("few_files", [2], name)
                    path.unlink()
                    shutil.rmtree(self.out, ignore_errors=True)

    def test_on_a_disk_for_reading_only(self):
        self.end(self.command(how="start"), 0)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "none", self.out], stderr=subprocess.PIPE)
        if mounted.returncode != 0:
            self.skipTest(f"cannot mount a disk for reading only: {mounted.stderr.decode().strip()}")
        self.addCleanup(subprocess.run, ["umount", "-l", self.out], check=True)
        self.ends(None, [2], "cannot work in", "Read-only file system")

    def test_what_cannot_be_said_is_no_verdict(self):
        for how in ("start", "whole"):
            with self.subTest(how), open("/dev/full", "w") as nowhere:
                process = self.command(how=how, stdout=nowhere)
                self.assertEqual(process.wait(scene.PATIENCE), 2)
                self.assertIn("ci/fuzz: stopped, as what it says cannot be written: No space left on device",
                              process.said())


if __name__ == "__main__":
    sys.exit(scene.main("ci/campaign/environment_test.py", __doc__))

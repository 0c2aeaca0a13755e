#!/usr/bin/env python3
"""Campaigns of ci/subject: what fails is kept once a signature and made small, the next campaign goes on with all that
the one before has left, and Ctrl-C loses nothing. FOLDER is where examples/subjects is built (subjects_test.py there).

exit: 0 all pass, 1 one fails, 2 FOLDER is no such folder"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
CI = pathlib.Path(__file__).resolve().parents[1]
sys.path[0] = str(CI)  # modules are named from ci/ on
from shared import command, tests

PATIENCE = 60  # of a wait for what must come
RUN = """
import pathlib, sys
sys.path.insert(0, sys.argv[1])
from campaign.subject import Subject
from shared import child_process, command
folder, out, name, what = pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]), sys.argv[4], sys.argv[5]
subject, signals = Subject(name, folder, "again {} here"), child_process.Signals()
ways = {"triage": lambda: subject.triage(out, signals), "report": lambda: subject.report(out, signals)}
sys.exit(command.run(ways.get(what) or (lambda: subject.fuzz(out, 30, 0, 2, float(what), signals)), "ci/subject"))
"""


class Campaigns(unittest.TestCase):
    def setUp(self):
        self.out = pathlib.Path(tempfile.mkdtemp(prefix="subject.")) / "out"
        self.addCleanup(shutil.rmtree, self.out.parent)

    def start(self, name, what):
        """A campaign of so many seconds, or what lists what campaigns have left."""
        return subprocess.Popen([sys.executable, "-B", "-c", RUN, CI, FOLDER, self.out, name, str(what)],
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def end(self, process, code, *words):
        said, _ = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, code, said)
        for word in words:
            self.assertRegex(said, word)
        return said

    def corpus(self):
        return {file.name for file in self.out.glob("corpus/*/*")}

    def crashes(self):
        """What is kept, by signature: how often it was met, and the files."""
        found = {}
        for file in (self.out / "crashes").glob("*.json"):
            crash = json.loads(file.read_text())
            if "signature" in crash:
                times, files = found.get(crash["signature"], (0, []))
                found[crash["signature"]] = times + crash["times"], [*files, file.with_suffix("")]
        return found

    def test_a_defect_is_kept_once_made_small_and_met_again(self):
        said = self.end(self.start("loses_every_third", 2), 1, r"1 defect found in [\d,]+ inputs",
                        r"(?s)loses_every_third_fuzz .*signature: H1/alloc\n.*again: again \S+_fuzz-\w+ here\n",
                        r"minimized: \S+\.min\n", r"test: \S+\.cpp\n", r"page: \S+\.html\n", r"pool c0 .*object_size")
        self.assertEqual(said.count("signature: "), 1, said)
        (signature, (times, files)), = self.crashes().items()
        self.assertEqual(signature, "H1/alloc")
        self.assertLessEqual(len(files), 5, files)
        small, = (self.out / "crashes").glob("*.min")
        replayed = subprocess.run([CI / "with_sanitizers", FOLDER / "loses_every_third_replay", "--quiet", small],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        self.assertIn("signature: H1/alloc\n", replayed.stdout)
        made, before = small.read_bytes(), self.corpus()
        self.end(self.start("loses_every_third", 1), 1)
        self.assertLessEqual(before, self.corpus())
        (_, (more, _)), = self.crashes().items()
        self.assertGreater(more, times)
        self.assertEqual(small.read_bytes(), made)
        self.end(self.start("loses_every_third", "triage"), 1, r"H1/alloc +fails .*again \S+ here\n", "1 signature in")
        self.end(self.start("loses_every_third", "report"), 0, r"written: \S+report\.html")
        self.assertRegex((self.out / "report.html").read_text(), r"again \S+_fuzz-[\w.]+ here")

    def test_two_processes_work_on_it_ctrl_c_loses_nothing_and_the_next_goes_on(self):
        process = self.start("tlsf", 300)
        end = time.monotonic() + PATIENCE
        logs = [self.out / "logs" / f"tlsf_fuzz{n}.log" for n in ("", ".1")]
        while len(self.corpus()) < 30 or not all(log.exists() and b"INITED" in log.read_bytes() for log in logs):
            self.assertLess(time.monotonic(), end, "no finds, or not by two processes")
            self.assertIsNone(process.poll())
            time.sleep(0.1)
        before = self.corpus()
        process.send_signal(signal.SIGINT)
        self.end(process, 0, r"Stopped early\. Nothing wrong: the allocator kept its promises in [\d,]+ inputs, ")
        self.assertLessEqual(before, self.corpus())
        before = self.corpus()
        self.end(self.start("tlsf", 1), 0, r"\nNothing wrong: the allocator")
        self.assertLessEqual(before, self.corpus())
        self.assertGreaterEqual(len((self.out / "history.jsonl").read_text().splitlines()), 2)
        self.end(self.start("tlsf", "triage"), 0, "No crash is kept")


if __name__ == "__main__":
    arguments = command.parser("ci/campaign/subject_test.py", __doc__)
    arguments.add_argument("folder", metavar="FOLDER", type=pathlib.Path)
    arguments.add_argument("tests", metavar="TEST", nargs="*", default=[])
    wanted = arguments.parse_args()
    FOLDER = wanted.folder.resolve()
    for binary in ("loses_every_third_fuzz", "loses_every_third_replay", "tlsf_fuzz", "tlsf_replay"):
        if not os.access(FOLDER / binary, os.X_OK):
            arguments.error(f"{wanted.folder} has no {binary}")
    sys.exit(command.run(lambda: tests.run("ci/campaign/subject_test.py", wanted.tests), "ci/campaign/subject_test.py"))

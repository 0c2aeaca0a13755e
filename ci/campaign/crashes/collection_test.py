#!/usr/bin/env python3
"""What ci/fuzz and ci/triage do with a failing input, depending on the replay tool: one that gives no verdict, one that
is stopped, one during which the input disappears; and inputs of other engines.

exit: 0 all pass, 1 one fails"""

import contextlib
import hashlib
import io
import json
import pathlib
import sys
import tempfile
import threading
import unittest
from unittest import mock

sys.dont_write_bytecode = True
sys.path[0] = str(pathlib.Path(__file__).resolve().parents[2])  # modules are named from ci/ on
from campaign.crashes import replay_tool, replay_tools, triage
from campaign.crashes.collection import Crashes
from campaign.crashes.files import Crash, beside
from campaign.crashes.replay_tool import ReplayTool
from campaign.engines.last_words import LastWords
from campaign.progress import Progress
from campaign.report import report
from shared import child_process, tests
from shared.command import CannotWork


def answer(code=0, **facts):
    """A replay tool that says this of each file."""
    facts = {"outcome": "agreed", "input": "program", "sentence": "", **facts}
    return "for file; do echo '" + json.dumps({"file": "@", **facts}) + f"' | sed \"s|@|$file|\"; done; exit {code}"


VIOLATED = {"outcome": "violated", "signature": "L6/end", "sentence": "violated L6"}
NO_VERDICTS = {  # what a replay tool may answer, and what is said of it
    "sleep 60": "did not end",
    "exit 0": "ended with exit code 0",
    "exit 1": "ended with exit code 1",
    "echo 'LeakSanitizer has encountered a fatal error' >&2; exit 1":
        "exit code 1: LeakSanitizer has encountered a fatal error",
    "echo 'slab_replay: no memory' >&2; exit 2": "exit code 2: slab_replay: no memory",
    "kill -KILL $$": "ended by SIGKILL",
    "echo verdict: violated L6; echo signature: L6/end; exit 1": "no verdict but 'verdict: violated L6'",
    "echo '[]'; exit 1": "no verdict but '[]'",
    "echo '{\"file\"'; exit 1": "no verdict but",
    answer(1): "ended with exit code 1",
    answer(0, **VIOLATED): "ended with exit code 0",
    answer(134, **VIOLATED): "ended with exit code 134",
    answer(1, **{**VIOLATED, "signature": None}): "no verdict but",
    answer(1, **VIOLATED).replace("@", "other", 1): "no verdict but",
}


def tool(script):
    return ReplayTool(["bash", "-c", script])


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.out = pathlib.Path(folder.name)
        self.crashes = self.out / "crashes"
        self.crashes.mkdir()
        self.path = self.crashes / f"fuzz_large-{hashlib.sha1(b'x').hexdigest()[:12]}"

    def keep(self):
        self.path.write_bytes(b"x")
        Crash(self.path, "L6/end", "fuzz_large", "libFuzzer").save()

    def triage(self, script, signals=None):
        """(exit code, what is printed) of ci/triage with this replay tool."""
        printed = io.StringIO()
        printed.reconfigure = lambda **_: None
        with contextlib.redirect_stdout(printed), mock.patch.object(replay_tool, "SILENT_SECONDS", 1):
            code = triage.Triage(self.out, tool(script), signals or child_process.Requests(), Progress()).run()
        return code, printed.getvalue()

    def take(self, folder, script, data, perhaps_slow=False):
        """(the Crashes in that folder as a run of ci/fuzz has them, whether they took the input)."""
        artifact = self.out / "artifact"
        artifact.write_bytes(data)
        run = Crashes(folder, tool(script), child_process.Requests(), lambda text: None)
        with mock.patch.object(replay_tool, "SILENT_SECONDS", 1):
            return run, run.take("fuzz_large", artifact, LastWords("SUMMARY: x\n"), perhaps_slow, "libFuzzer")


class Tools(Case):
    """Each file is run by its own replay tool, whatever is asked of it."""

    def setUp(self):
        super().setUp()
        folder = self.out / "bin"
        folder.mkdir()
        for name in ("slab_replay", "hosted_replay"):
            (folder / name).write_text(
                f"""#!/usr/bin/env bash
[ "$1" = --environment ] && {{ echo nothing is refused; echo {name} works; exit; }}
while [ $# -gt 1 ] && [[ $1 == -* ]]; do
  if [[ $1 == --write-* ]]; then echo {name} >"$2"; shift; fi
  shift
done
for file; do
  printf '{{"file": "%s", "outcome": "agreed", "input": "program", "sentence": "{name}"}}\\n' "$file"
done
""")
            (folder / name).chmod(0o755)
        self.bin = folder

    def test_files_go_to_their_own(self):
        wanted = {"fuzz_large-1": "slab_replay", "fuzz_hosted-1": "hosted_replay", "property-1": "slab_replay",
                  "fuzz_hosted/input": "hosted_replay", "fuzz_hosted-1-chain": "hosted_replay",
                  "fuzz_small_single_page/fuzz_hosted-1": "slab_replay", "fuzz_trace-1.trace": "slab_replay",
                  "fuzz_hosted-2.trace": "hosted_replay"}
        with mock.patch.object(replay_tools, "RUN", []):
            tools = replay_tools.of(["slab_replay", "hosted_replay"], self.bin)
        files = [self.out / name for name in wanted]
        for file in files:
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(b"x")
        judged = [(str(file.relative_to(self.out)), facts.sentence) for file, facts in tools.judge(files)]
        self.assertEqual(judged, list(wanted.items()))
        for file, name in zip(files, wanted.values()):
            if file.suffix == ".trace":
                self.assertEqual(tools.bytes_of(file, child_process.Requests()).decode().strip(), name)
            self.assertEqual(tools.show(file, child_process.Requests(), 10)[0], [name])
        self.assertEqual(tools.not_checked(child_process.Requests()),
                         ["nothing is refused", "slab_replay works", "hosted_replay works"])

    def test_those_are_built_that_are_needed(self):
        self.assertEqual(replay_tools.needed(self.crashes), ["slab_replay"])
        self.assertEqual(replay_tools.needed(self.out / "nowhere", ["fuzz_large"]), ["slab_replay"])
        self.assertEqual(replay_tools.needed(self.crashes, ["fuzz_hosted"]), ["slab_replay", "hosted_replay"])
        self.keep()
        self.assertEqual(replay_tools.needed(self.crashes), ["slab_replay"])
        (self.crashes / "fuzz_hosted-0123456789ab").write_bytes(b"x")
        self.assertEqual(replay_tools.needed(self.crashes), ["slab_replay", "hosted_replay"])


class Replays(Case):
    def test_no_verdict_is_no_failure_and_no_defect(self):
        taken_into = self.out / "taken"
        taken_into.mkdir()
        for script, sentence in NO_VERDICTS.items():
            with self.subTest(script):
                self.keep()
                code, printed = self.triage(script)
                self.assertEqual(code, 2, printed)
                self.assertIn(sentence, printed)
                self.assertIn("not replayed", printed)
                self.assertNotIn("  fails  ", printed)
                run, taken = self.take(taken_into, script, b"y")
                self.assertEqual((taken, list(run.defects), len(run.not_replayed)), (False, [], 1))
                self.assertEqual(len(list(taken_into.glob("fuzz_large-????????????"))), 1)

    def test_ctrl_c_is_no_failure(self):
        self.keep()
        signals = child_process.Requests()
        threading.Timer(0.5, signals.note).start()
        code, printed = self.triage("sleep 60", signals)
        self.assertEqual(code, 2, printed)
        self.assertIn("not replayed", printed)
        self.assertIn("Stopped early", printed)
        self.assertNotIn("  fails  ", printed)

    def test_one_that_is_gone_is_not_listed(self):
        self.keep()
        code, printed = self.triage(f"rm '{self.path}'")
        self.assertEqual(code, 0, printed)
        self.assertIn("No crash is kept", printed)

    def test_what_fails_is_listed_where_nothing_can_be_written(self):
        self.keep()
        (self.out / "lock").mkdir()
        code, printed = self.triage(answer(1, **VIOLATED))
        self.assertEqual(code, 1, printed)
        self.assertIn("  fails  ", printed)
        self.assertIn("or made: ", printed)

    def test_what_was_only_slow_is_kept_if_an_earlier_build_failed_on_it(self):
        for known in (True, False):
            with self.subTest(known):
                self.path.unlink(missing_ok=True)
                beside(self.path, ".json").unlink(missing_ok=True)
                if known:
                    self.keep()
                _, taken = self.take(self.crashes, answer(), b"x", perhaps_slow=True)
                self.assertFalse(taken)
                self.assertEqual(self.path.exists(), known)


class OtherEngines(Case):
    """The files that a property test and the explorer leave, without a record."""

    def setUp(self):
        super().setUp()
        self.keep()
        for name in ("property-0123456789abcdef", "explorer-0123456789abcdef"):
            (self.crashes / name).write_bytes(name.encode())
        (self.out / "history.jsonl").write_text("nonsense\n\n{}\n")

    def test_is_known_after_one_replay_and_is_one_defect_with_what_a_fuzzer_found(self):
        with mock.patch.object(triage.making, "can_be_made", lambda *_: False):
            code, printed = self.triage(answer(1, **VIOLATED))
        self.assertEqual(code, 1, printed)
        row = next((line for line in printed.splitlines() if line.startswith("L6/end")), "")
        self.assertIn("RapidCheck, explorer, libFuzzer", row)
        self.assertIn("1 signature in 3 files", printed)
        self.assertIn("history.jsonl: 2 lines cannot be used and are passed over: lines 1, 3", printed)
        found = json.loads((self.crashes / "property-0123456789abcdef.json").read_text())
        self.assertEqual((found["signature"], found["engine"], found["facts"]["sentence"]),
                         ("L6/end", "RapidCheck", "violated L6"))
        cards = report.facts_of(self.out, child_process.Requests())["crashes"]
        self.assertEqual([(card["signature"], card["files"], card["engine"]) for card in cards],
                         [("L6/end", 3, "RapidCheck, explorer, libFuzzer")])

    def test_a_folder_of_another_format_is_left_alone(self):
        (self.out / "format").write_text("3\n")
        before = {f.name: f.read_bytes() for f in self.out.rglob("*") if f.is_file()}
        for act in (lambda: self.triage(answer()),
                    lambda: report.write_report(self.out, "ci/fuzz", child_process.Requests())):
            with self.assertRaisesRegex(CannotWork, "is of format 3, and this version writes format 2"):
                act()
        self.assertEqual({f.name: f.read_bytes() for f in self.out.rglob("*") if f.is_file()}, before)


if __name__ == "__main__":
    sys.exit(tests.main("ci/campaign/crashes/collection_test.py", __doc__))

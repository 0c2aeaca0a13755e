#!/usr/bin/env python3
"""What becomes of the inputs that ci/fuzz finds, shown with planted bugs: they are told apart, made small, turned into
a test and a page in the background, taken up again after an interruption, and listed by ci/triage with what still fails."""

import contextlib
import fcntl
import hashlib
import io
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time
import types
from unittest import mock

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "ci"), str(ROOT / "fuzz/replay")]
import planted_bugs

import child_process
import history
import replay_tool
import report
import triage_run
import workshop
from command import CannotWork
from crash_files import Crash, beside, made_of, minimized
from crashes import Crashes
from progress import Progress
from replay_tool import ReplayTool

NOISE = [line for i in range(20) for line in (f"#{i} = alloc c0", "free_null c0", f"free #{i}")]
AFTER = {  # bug: what fails after the noise, and a shorter program that fails in the same way
    "shrink_keeps_reserve": (["reserve c0 9", "shrink c0", *(f"#{i} = alloc c0" for i in range(20, 35)), *(f"free #{i}" for i in range(20, 35))], NOISE[:15]),
    "double_free_accepted": (["#20 = alloc c0", "#21 = alloc c0", "free #20", "double_free #20"], NOISE[:15]),
    "null_is_foreign": (["free_null c0"], NOISE[:6]),
}
WHAT = ["minimized", "trace", "test", "page"]


class Scene:
    """A fuzz-out with a replay tool that has the bug whose number is in a file's name, until all are mended."""

    def __init__(self, replay, folder):
        self.replay, self.folder, self.problems = replay, folder, []
        self.crashes = folder / "crashes"
        self.crashes.mkdir()
        self.tool = folder / "replay"
        self.calls = folder / "calls"
        self.tool.write_text(f'''#!/usr/bin/env bash
echo "$*" >> "{self.calls}"
replay() {{
  if [[ ! -e "{folder}/mended" && $* =~ planted([0-9]+) ]]; then SLAB_PLANTED=${{BASH_REMATCH[1]}} "{replay}" "$@"; else "{replay}" "$@"; fi
}}
if [ "$1" != --json ]; then replay "$@"; exit; fi
worst=0
for file in "${{@:2}}"; do
  replay --json "$file"
  code=$?
  if [ $code -gt $worst ]; then worst=$code; fi
done
exit $worst
''')
        self.tool.chmod(0o755)
        self.signals = child_process.Signals()

    def expect(self, what, observed, expected):
        if observed != expected:
            self.problems.append(f"{what}: expected {expected!r}, observed {observed!r}")

    def run(self):
        """The crashes as a run of ci/fuzz has them."""
        return Crashes(ROOT, self.crashes, ReplayTool([self.tool]), self.signals, lambda text: None)

    def input(self, bug, operations, kept=0):
        trace = self.folder / "input.trace"
        trace.write_text(planted_bugs.program(planted_bugs.LARGE, *operations, kept=kept))
        subprocess.run([self.replay, "--quiet", "--write-bytes", self.folder / "input", trace], check=True, stdout=subprocess.DEVNULL)
        return self.folder / "input"

    def take(self, crashes, bug, operations):
        self.expect(f"{bug} is taken", crashes.take(f"fuzz_large_planted{planted_bugs.NUMBERS[bug]}", self.input(bug, operations), "", False, "libFuzzer"), True)

    def triage(self):
        printed = io.StringIO()
        printed.reconfigure = lambda **_: None
        with contextlib.redirect_stdout(printed):
            code = triage_run.Triage(self.folder, ReplayTool([self.tool]), self.signals, Progress()).run()
        return code, printed.getvalue()

    def signature(self, file):
        printed = subprocess.run([self.tool, "--quiet", file], text=True, capture_output=True).stdout
        return re.search("^signature: (.+)$", printed, re.MULTILINE)[1]

    def homes(self):
        return sorted(f for f in self.crashes.iterdir() if "." not in f.name)


def wait(queue, seconds=300):
    end = time.monotonic() + seconds
    while queue and time.monotonic() < end:
        time.sleep(0.1)


def check_background(scene):
    crashes = scene.run()
    with crashes.workshop:
        for bug, (after, _) in AFTER.items():
            scene.take(crashes, bug, NOISE + after)
        wait(crashes.workshop.queue)
    scene.expect("what could not be made", crashes.workshop.problems, [])
    scene.expect("signatures", sorted(s.split("/")[0].split(":")[0] for s in crashes.defects), ["L6", "M10", "died"])
    for signature, defect in crashes.defects.items():
        path = defect.smallest
        made = [what for what, _ in crashes.made_of(signature)]
        scene.expect(f"what was made of {signature}", made, WHAT)
        if made != WHAT:
            continue
        small, text = beside(path, ".min"), beside(path, ".min.trace").read_text()
        scene.expect("the minimized program's signature", scene.signature(small), signature)
        scene.expect(f"it is small: {text}", minimized(path)["operations"] <= 6 and len(text.splitlines()) == 3 + minimized(path)["operations"], True)
        scene.expect("and finished", workshop.is_complete(path), True)
        scene.expect("the test says the same program", "".join(f"// {line}\n" for line in text.splitlines()) in beside(path, ".min.cpp").read_text(), True)
        scene.expect("the page as well", json.dumps(text)[1:-1] in beside(path, ".min.html").read_text(), True)
        beside_it = json.loads(beside(path, ".json").read_text())
        scene.expect("beside it", [beside_it["signature"], beside_it["target"], beside_it["engine"], beside_it["times"]],
                     [signature, path.name.rpartition("-")[0], "libFuzzer", 1])
    scene.expect("no unfinished file is left", [f.name for f in scene.crashes.iterdir() if f.name.startswith(".")], [])
    for card in report.facts_of(scene.crashes.parent, child_process.Requests())["crashes"]:
        small = beside(crashes.defects[card["signature"]].smallest, ".min")
        scene.expect("a card's sentence is of the program that it shows", card["sentence"], crashes.tool.facts_of(small).sentence)


def check_later_inputs(scene):
    """In the next run: the same again, and smaller ones. What was made is not made again, and few files are kept."""
    made = {file: file.stat().st_mtime_ns for path in scene.homes() for _, file in made_of(path)}
    crashes = scene.run()
    with crashes.workshop:
        for bug, (after, noise) in AFTER.items():
            scene.take(crashes, bug, NOISE + after)
            for length in range(3, len(noise) + 1, 3):
                scene.take(crashes, bug, noise[:length] + after)
        wait(crashes.workshop.queue)
    scene.expect("what was made", {file: file.stat().st_mtime_ns for path in scene.homes() for _, file in made_of(path)}, made)
    _, printed = scene.triage()
    for bug, (_, noise) in AFTER.items():
        files = list(scene.crashes.glob(f"fuzz_large_planted{planted_bugs.NUMBERS[bug]}-*.json"))
        files = [f for f in files if not f.name.endswith(".min.json")]
        scene.expect(f"files of {bug}", len(files), min(3, 1 + len(noise) // 3))
        scene.expect(f"times of {bug}", sum(json.loads(f.read_text())["times"] for f in files), 2 + len(noise) // 3)


def check_interruption(scene):
    """A run that is ended while it minimizes keeps what is whole; the next one goes on, and so does ci/triage."""
    made = next(f for f in scene.homes() if made_of(f))
    for file in scene.crashes.glob(f"{made.name}.min*"):
        file.unlink()
    crashes = scene.run()
    scene.expect("taken up by the next run", len(crashes.workshop.paths()), 1)
    home = crashes.workshop.paths()[0]
    scene.expect("the smallest of its inputs", [home.stat().st_size < made.stat().st_size, home.name.split("-")[0]], [True, made.name.split("-")[0]])
    with crashes.workshop:
        end = time.monotonic() + 60
        while "--minimize" not in scene.calls.read_text().splitlines()[-1] and time.monotonic() < end:
            time.sleep(0.05)
        began = time.monotonic()
    scene.expect("it ends soon", time.monotonic() - began < 10, True)
    scene.expect("no test of a program that is not finished", [beside(home, suffix).exists() for suffix in (".min.cpp", ".min.html")], [False, False])
    if small := minimized(home):
        scene.expect("what was reached is marked", small["finished"], False)
    with open(scene.folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        scene.expect("a run is under way", "or made now: another command is at work" in scene.triage()[1], True)
        scene.expect("and has the work", workshop.is_complete(home), False)
    scene.triage()
    scene.expect("ci/triage goes on with it", workshop.is_complete(home), True)


def check_triage(scene):
    before = {f: f.read_bytes() for f in scene.crashes.iterdir()}
    homes = [f for f in scene.homes() if made_of(f)]
    text = beside(homes[0], ".json").read_text()
    beside(homes[0], ".json").unlink()
    os.utime(homes[0], (-10**9, -10**9))
    beside(homes[1], ".json").write_text('{"version": 3}')
    beside(homes[2], ".json").write_text("\0{")
    (scene.crashes / "other.trace").write_text("slabproof trace 2\n")
    code, printed = scene.triage()
    scene.expect("crashes fail", code, 1)
    for home in homes:
        signature = scene.signature(home)
        row = next((line for line in printed.splitlines() if line.startswith(signature + " ")), "")
        scene.expect(f"a line of {signature} in\n{printed}", [" fails " in row, row.endswith(f"{os.path.relpath(home)}.min"), f"ci/replay {os.path.relpath(home)}" in row], [True] * 3)
        scene.expect("its size", f" {minimized(home)['operations']}  {beside(home, '.min').stat().st_size:>5}  " in row, True)
        scene.expect("what was made of it", all(f"{what} {os.path.relpath(file)}" in printed for what, file in made_of(home)), True)
    for sentence in (f"{os.path.relpath(homes[1])}.json is of another version", f"{os.path.relpath(homes[2])}.json is no JSON", "other.trace cannot be replayed: line 1, column 17: expected version 1"):
        scene.expect(f"“{sentence}” in\n{printed}", sentence in printed, True)
    beside(homes[0], ".json").write_text(text)
    scene.expect("nothing is lost", [f.name for f in before if not f.exists()], [])
    (scene.folder / "mended").touch()
    code, printed = scene.triage()
    scene.expect(f"mended, and one file is not readable\n{printed}", [code, printed.count(" passes "), "none fails" in printed, "1 file was not replayed" in printed], [2, 3, True, True])
    (scene.crashes / "other.trace").unlink()
    scene.expect("mended", scene.triage()[0], 0)
    scene.expect("nothing is lost when all is mended", [f.name for f in before if not f.exists()], [])


def answer(code=0, **facts):
    """A replay tool that says this of each file."""
    facts = {"outcome": "agreed", "input": "program", "sentence": "", **facts}
    return ("for file; do echo '" + json.dumps({"file": "@", **facts}) + f"' | sed \"s|@|$file|\"; done; exit {code}")


VIOLATED = {"outcome": "violated", "signature": "L6/end", "sentence": "violated L6"}
NO_VERDICTS = {  # what a replay tool may answer, and what is said of it
    "sleep 60": "did not end",
    "exit 0": "ended with exit code 0",
    "exit 1": "ended with exit code 1",
    "echo 'LeakSanitizer has encountered a fatal error' >&2; exit 1": "exit code 1: LeakSanitizer has encountered a fatal error",
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


def triage_of(scene, out, script, signals=None):
    printed = io.StringIO()
    printed.reconfigure = lambda **_: None
    with contextlib.redirect_stdout(printed), mock.patch.object(replay_tool, "SILENT_SECONDS", 1):
        code = triage_run.Triage(out, ReplayTool(["bash", "-c", script]), signals or child_process.Requests(), Progress()).run()
    return code, printed.getvalue()


def check_replays(scene):
    """Of one crash, with a replay tool that answers no verdict, one that is interrupted, and one under which the crash
    goes; then in a folder where nothing can be made."""
    out = scene.folder / "replays"
    (out / "crashes").mkdir(parents=True)
    path = out / "crashes" / "fuzz_large-0123456789ab"

    def triage(script, signals=None):
        path.write_bytes(b"x")
        Crash(path, "L6/end").save()
        return triage_of(scene, out, script, signals)

    for script, sentence in NO_VERDICTS.items():
        code, printed = triage(script)
        scene.expect(f"{script} is no verdict\n{printed}", [code, sentence in printed, "not replayed" in printed, "  fails  " in printed], [2, True, True, False])
        run = Crashes(ROOT, out / "taken", ReplayTool(["bash", "-c", script]), child_process.Requests(), lambda text: None)
        (out / "taken").mkdir(exist_ok=True)
        (out / "artifact").write_bytes(b"y")
        with mock.patch.object(replay_tool, "SILENT_SECONDS", 1):
            taken = run.take("fuzz_large", out / "artifact", "SUMMARY: x", False, "libFuzzer")
        scene.expect(f"{script} is no defect", [taken, list(run.defects), len(run.not_replayed), len(list((out / "taken").glob("fuzz_large-????????????")))], [False, [], 1, 1])

    signals = child_process.Requests()
    threading.Timer(0.5, signals.note).start()
    code, printed = triage("sleep 60", signals)
    scene.expect(f"Ctrl-C is no failure\n{printed}", [code, "not replayed" in printed, "Stopped early" in printed, "  fails  " in printed], [2, True, True, False])
    code, printed = triage(f"rm '{path}'")
    scene.expect(f"one that is gone is not listed\n{printed}", [code, "No crash is kept" in printed], [0, True])
    (out / "lock").mkdir()
    code, printed = triage(answer(1, **VIOLATED))
    scene.expect(f"what fails is listed all the same\n{printed}", [code, "  fails  " in printed, "or made: " in printed], [1, True, True])


def check_other_engines(scene):
    """What a property test and the explorer leave without a word is known after one replay, and is one defect with what
    a fuzzer found. Garbage is told."""
    out = scene.folder / "others"
    crashes = out / "crashes"
    crashes.mkdir(parents=True)
    for name in ("property-0123456789abcdef", "explorer-0123456789abcdef", "fuzz_large-0123456789ab"):
        (crashes / name).write_bytes(name.encode())
    Crash(crashes / "fuzz_large-0123456789ab", "L6/end", "fuzz_large", "libFuzzer").save()
    (out / "history.jsonl").write_text("nonsense\n\n{}\n")
    with mock.patch.object(triage_run.workshop, "can_be_made", lambda *_: False):
        code, printed = triage_of(scene, out, answer(1, **VIOLATED))
    row = next((line for line in printed.splitlines() if line.startswith("L6/end")), "")
    scene.expect(f"one signature of all engines\n{printed}", [code, "RapidCheck, explorer, libFuzzer" in row, "1 signature in 3 files" in printed], [1, True, True])
    scene.expect(f"useless lines\n{printed}", "history.jsonl: 2 lines cannot be used and are passed over: lines 1, 3" in printed, True)
    found = json.loads(beside(crashes / "property-0123456789abcdef", ".json").read_text())
    scene.expect("written down", [found["signature"], found["engine"], found["facts"]["sentence"]], ["L6/end", "RapidCheck", "violated L6"])
    cards = report.facts_of(out, child_process.Requests())["crashes"]
    scene.expect("one card", [(card["signature"], card["files"], card["engine"]) for card in cards], [("L6/end", 3, "RapidCheck, explorer, libFuzzer")])
    (out / "format").write_text("3\n")
    before = {f.name: f.read_bytes() for f in out.rglob("*") if f.is_file()}
    for what, act in {"ci/triage": lambda: triage_of(scene, out, answer()), "--report": lambda: report.write_report(out, "ci/fuzz", child_process.Requests())}.items():
        try:
            scene.expect(f"{what} refuses another format", act(), "an error")
        except CannotWork as error:
            scene.expect(f"{what}: {error}", "is of format 3, and this version writes format 2" in str(error), True)
    scene.expect("nothing of it is changed", {f.name: f.read_bytes() for f in out.rglob("*") if f.is_file()}, before)


def check_keeping(scene):
    """What was only slow is not kept, but for a crash of an earlier build that comes again."""
    folder = scene.folder / "keeping"
    folder.mkdir()
    known = folder / f"fuzz_large-{hashlib.sha1(b'x').hexdigest()[:12]}"
    for before in (True, False):
        known.unlink(missing_ok=True)
        if before:
            known.write_bytes(b"x")
            Crash(known, "L6/end").save()
        (folder / "artifact").write_bytes(b"x")
        run = Crashes(ROOT, folder, ReplayTool(["bash", "-c", answer()]), scene.signals, lambda text: None)
        scene.expect("a failing input", run.take("fuzz_large", folder / "artifact", "", True, "libFuzzer"), False)
        scene.expect(f"kept as it was: {before}", known.exists(), before)
        beside(known, ".json").unlink(missing_ok=True)


def check_history(scene):
    """Sums go on where the last run ended; a half-written line costs itself only; the clock does not matter."""
    path = scene.folder / "history.jsonl"
    target = types.SimpleNamespace(name="fuzz_large", engine="libFuzzer", seconds=0.0, counts=(0, 0), states=0, coverage=(None, None, None))

    def a_run(samples):
        recorder = history.Recorder(path, scene.folder)
        for target.seconds, *counts, cov in samples:
            target.counts, target.coverage = tuple(counts), (cov, None if cov is None else 5 * cov, 7)
            recorder.look([target], at_end=True)

    a_run([(0, 0, 0, None), (10, 1000, 2000, 50), (20, 3000, 6000, 60)])
    path.write_bytes(path.read_bytes() + b'{"time": "2026-01-01 00:00:00 UTC", "tar')
    text = path.read_text()
    path.write_text(text.replace("UTC", "UTC+9", 1))
    a_run([(10, 500, 500, 55), (30, 1500, 1500, 60)])
    samples, sentences = history.samples(path)
    (key, found), = samples.items()
    scene.expect("the half line is told", [s.partition(": ")[2] for s in sentences], ["1 line cannot be used and is passed over: line 3"])
    scene.expect("whose it is", key, ("fuzz_large", "libFuzzer"))
    scene.expect("the samples", [(s["seconds"], s["inputs"], s["operations"], s["cov"]) for s in found],
                 [(10, 1000, 2000, 50), (20, 3000, 6000, 60), (30, 3500, 6500, 55), (50, 4500, 7500, 60)])
    scene.expect("no line is taken away", path.read_text().count("\n"), 5)
    target.seconds = 1.0
    recorder = history.Recorder(path, scene.folder)
    recorder.look([target])
    scene.expect("not yet due", path.read_text().count("\n"), 5)
    target.seconds = 101.0
    for _ in range(3):
        recorder.look([target])
    scene.expect("due once", path.read_text().count("\n"), 6)


def main():
    with tempfile.TemporaryDirectory() as folder:
        scene = Scene(sys.argv[1], pathlib.Path(folder))
        checks = (check_background, check_later_inputs, check_interruption, check_triage, check_replays, check_other_engines,
                  check_keeping, check_history)
        for check in checks:
            if sys.argv[2:] and check.__name__ not in sys.argv[2:]:
                continue
            check(scene)
            if scene.problems:
                break
    print("\n".join(scene.problems) or "nothing wrong")
    return 1 if scene.problems else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""The inputs that ci/fuzz finds, shown with planted bugs: they are told apart, minimized and turned into a test and a
page in the background, resumed after an interruption, and listed by ci/triage, which says what still fails."""

import contextlib
import fcntl
import io
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path[:1] = [str(ROOT / "ci"), str(ROOT / "fuzz")]
from campaign.crashes import making, triage
from campaign.crashes.collection import Crashes
from campaign.crashes.files import beside, made_of, minimized
from campaign.crashes.replay_tool import ReplayTool
from campaign.engines.last_words import LastWords
from campaign.progress import Progress
from campaign.report import report
from planted import bugs as planted_bugs
from shared import child_process, command, tests

NOISE = [line for i in range(20) for line in (f"#{i} = alloc c0", "free_null c0", f"free #{i}")]
AFTER = {  # bug: what fails after the noise, and a shorter program that fails in the same way
    "shrink_keeps_reserve": (["reserve c0 9", "shrink c0", *(f"#{i} = alloc c0" for i in range(20, 35)),
                              *(f"free #{i}" for i in range(20, 35))], NOISE[:15]),
    "double_free_accepted": (["#20 = alloc c0", "#21 = alloc c0", "free #20", "double_free #20"], NOISE[:15]),
    "null_is_foreign": (["free_null c0"], NOISE[:6]),
}
WHAT = ["minimized", "trace", "test", "page"]


class Scene(tests.Scene):
    """A fuzz-out with a replay tool that has the bug whose number is in a file's name, until all are mended."""

    def __init__(self, replay, folder):
        super().__init__()
        self.replay, self.folder = replay, folder
        self.crashes = folder / "crashes"
        self.crashes.mkdir()
        self.tool = folder / "replay"
        self.calls = folder / "calls"
        self.tool.write_text(f'''#!/usr/bin/env bash
echo "$*" >> "{self.calls}"
replay() {{
  local bug=0
  if [[ ! -e "{folder}/mended" && $* =~ planted([0-9]+) ]]; then bug=${{BASH_REMATCH[1]}}; fi
  SLAB_PLANTED=$bug "{replay}" "$@"
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

    def run(self):
        """The crashes as a run of ci/fuzz has them."""
        return Crashes(self.crashes, ReplayTool([self.tool]), self.signals, lambda text: None)

    def input(self, bug, operations, kept=0):
        trace = self.folder / "input.trace"
        trace.write_text(planted_bugs.program(planted_bugs.LARGE, *operations, kept=kept))
        subprocess.run([self.replay, "--quiet", "--write-bytes", self.folder / "input", trace], check=True,
                       stdout=subprocess.DEVNULL)
        return self.folder / "input"

    def take(self, crashes, bug, operations):
        self.expect(f"{bug} is taken",
                    crashes.take(f"fuzz_large_planted{planted_bugs.NUMBERS[bug]}", self.input(bug, operations),
                                 LastWords(""), False, "libFuzzer"), True)

    def triage(self):
        printed = io.StringIO()
        printed.reconfigure = lambda **_: None
        with contextlib.redirect_stdout(printed):
            code = triage.Triage(self.folder, ReplayTool([self.tool]), self.signals, Progress()).run()
        return code, printed.getvalue()

    def signature(self, file):
        return ReplayTool([self.tool]).facts_of(file).signature

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
        scene.expect(f"it is small: {text}",
                     minimized(path)["operations"] <= 6 and len(text.splitlines()) == 3 + minimized(path)["operations"],
                     True)
        scene.expect("and finished", making.is_complete(path), True)
        scene.expect("the test says the same program",
                     "".join(f"// {line}\n" for line in text.splitlines()) in beside(path, ".min.cpp").read_text(),
                     True)
        scene.expect("the page as well", json.dumps(text)[1:-1] in beside(path, ".min.html").read_text(), True)
        beside_it = json.loads(beside(path, ".json").read_text())
        scene.expect("beside it",
                     [beside_it["signature"], beside_it["target"], beside_it["engine"], beside_it["times"]],
                     [signature, path.name.rpartition("-")[0], "libFuzzer", 1])
    scene.expect("no unfinished file is left", [f.name for f in scene.crashes.iterdir() if f.name.startswith(".")], [])
    for card in report.facts_of(scene.crashes.parent, child_process.Requests())["crashes"]:
        small = beside(crashes.defects[card["signature"]].smallest, ".min")
        scene.expect("a card's sentence is of the program that it shows", card["sentence"],
                     crashes.tool.facts_of(small).sentence)


def check_later_inputs(scene):
    """The next run finds the same input again, and smaller ones. Files are not made twice, and few are kept."""
    made = {file: file.stat().st_mtime_ns for path in scene.homes() for _, file in made_of(path)}
    crashes = scene.run()
    with crashes.workshop:
        for bug, (after, noise) in AFTER.items():
            scene.take(crashes, bug, NOISE + after)
            for length in range(3, len(noise) + 1, 3):
                scene.take(crashes, bug, noise[:length] + after)
        wait(crashes.workshop.queue)
    scene.expect("what was made",
                 {file: file.stat().st_mtime_ns for path in scene.homes() for _, file in made_of(path)}, made)
    _, printed = scene.triage()
    for bug, (_, noise) in AFTER.items():
        files = list(scene.crashes.glob(f"fuzz_large_planted{planted_bugs.NUMBERS[bug]}-*.json"))
        files = [f for f in files if not f.name.endswith(".min.json")]
        scene.expect(f"files of {bug}", len(files), min(3, 1 + len(noise) // 3))
        scene.expect(f"times of {bug}", sum(json.loads(f.read_text())["times"] for f in files), 2 + len(noise) // 3)


def check_interruption(scene):
    """A run that is ended while it minimizes keeps what is complete; the next run continues, and so does ci/triage."""
    made = next(f for f in scene.homes() if made_of(f))
    for file in scene.crashes.glob(f"{made.name}.min*"):
        file.unlink()
    crashes = scene.run()
    scene.expect("taken up by the next run", len(crashes.workshop.paths()), 1)
    home = crashes.workshop.paths()[0]
    scene.expect("the smallest of its inputs", [home.stat().st_size < made.stat().st_size, home.name.split("-")[0]],
                 [True, made.name.split("-")[0]])
    with crashes.workshop:
        end = time.monotonic() + 60
        while "--minimize" not in scene.calls.read_text().splitlines()[-1] and time.monotonic() < end:
            time.sleep(0.05)
        began = time.monotonic()
    scene.expect("it ends soon", time.monotonic() - began < 10, True)
    scene.expect("no test of a program that is not finished",
                 [beside(home, suffix).exists() for suffix in (".min.cpp", ".min.html")], [False, False])
    if small := minimized(home):
        scene.expect("what was reached is marked", small["finished"], False)
    with open(scene.folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        scene.expect("a run is under way", "or made now: another command is at work" in scene.triage()[1], True)
        scene.expect("and has the work", making.is_complete(home), False)
    scene.triage()
    scene.expect("ci/triage goes on with it", making.is_complete(home), True)


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
        scene.expect(f"a line of {signature} in\n{printed}",
                     [" fails " in row, row.endswith(f"{os.path.relpath(home)}.min"),
                      f"ci/replay {os.path.relpath(home)}" in row], [True] * 3)
        scene.expect("its size", f" {minimized(home)['operations']}  {beside(home, '.min').stat().st_size:>5}  " in row,
                     True)
        scene.expect("what was made of it",
                     all(f"{what} {os.path.relpath(file)}" in printed for what, file in made_of(home)), True)
    for sentence in (f"{os.path.relpath(homes[1])}.json is of another version",
                     f"{os.path.relpath(homes[2])}.json is no JSON",
                     "other.trace cannot be replayed: line 1, column 17: expected version 1"):
        scene.expect(f"“{sentence}” in\n{printed}", sentence in printed, True)
    beside(homes[0], ".json").write_text(text)
    scene.expect("nothing is lost", [f.name for f in before if not f.exists()], [])
    (scene.folder / "mended").touch()
    code, printed = scene.triage()
    scene.expect(f"mended, and one file is not readable\n{printed}",
                 [code, printed.count(" passes "), "none fails" in printed, "1 file was not replayed" in printed],
                 [2, 3, True, True])
    (scene.crashes / "other.trace").unlink()
    scene.expect("mended", scene.triage()[0], 0)
    scene.expect("nothing is lost when all is mended", [f.name for f in before if not f.exists()], [])


def main():
    parser = command.parser("ci/campaign/crashes/triage_test.py", __doc__)
    parser.add_argument("replay", help="slab_replay_planted")
    parser.add_argument("checks", metavar="CHECK", nargs="*", help="only these")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        checks = (check_background, check_later_inputs, check_interruption, check_triage)
        return tests.run_checks(Scene(arguments.replay, pathlib.Path(folder)), checks, arguments.checks)


if __name__ == "__main__":
    sys.exit(command.run(main, "ci/campaign/crashes/triage_test.py"))

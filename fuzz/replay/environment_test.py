#!/usr/bin/env python3
"""What the programs of a sanitized build say where the machine refuses something: the truth, or exit 2 and no verdict.
usage: environment_test.py FOLDER_OF_THE_PROGRAMS"""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[0] = str(ROOT / "fuzz")
from planted import bugs as planted_bugs

LAUNCHER = [sys.executable, ROOT / "ci" / "environments"]
STRACE = [shutil.which("strace") or "strace", "-f", "-o", "/dev/null"]
NOT_HERE = 77
# Where the work can be done, where it cannot, and where not even a sanitizer's first words are the program's own.
WORKS, REFUSES, DIES = "works", "refuses", "dies"
ENVIRONMENTS = {
    "as it is": ([], WORKS),
    "no_ptrace": ([*LAUNCHER, "no_ptrace"], WORKS),
    "traced": (STRACE, WORKS),
    "no_proc": ([*LAUNCHER, "no_proc"], WORKS),
    "nobody": ([*LAUNCHER, "nobody"], WORKS),
    "few_files=16": ([*LAUNCHER, "few_files=16"], WORKS),
    "no_fork": ([*LAUNCHER, "no_fork"], REFUSES),
    "no_memfd": ([*LAUNCHER, "no_memfd"], REFUSES),
    **{f"few_files={n}": ([*LAUNCHER, f"few_files={n}"], REFUSES) for n in (4, 5, 6, 8)},
    "little_memory": ([*LAUNCHER, "little_memory"], DIES),
}
VERDICTS = ("verdict:", "signature:", '"outcome"', "FAILED", "DEFECT", "PASSED", "Nothing wrong")


def commands(programs, folder):
    """(command, bug, exit code where it works, words among what it prints then)."""
    good, bad = folder / "good.trace", folder / "bad.trace"
    bug = planted_bugs.NUMBERS["shrink_keeps_reserve"]
    good.write_text(planted_bugs.program(planted_bugs.LARGE, "#0 = alloc c0", "free #0"))
    bad.write_text(planted_bugs.program(planted_bugs.LARGE, "reserve c0 9", "#0 = alloc c0", "shrink c0", kept=0))
    replay = programs / "slab_replay_planted"
    return [
        ([replay, "--quiet", good], 0, 0, "verdict: agreed"),
        ([replay, "--quiet", bad], bug, 1, "signature: L6/"),
        ([replay, "--json", good, bad, good], bug, 1, '"L6/'),
        ([programs / "model_test", "--gtest_filter=Isolation.ProgramThatAgreesAgrees:Isolation.SignalIsADeath*"], 0, 0,
         "[  PASSED  ] 2 tests"),
        ([programs / "slab_explore", "--row", "Large", "--objects", "1", "--slabs", "1", "--output", folder], 0, 0,
         "Nothing wrong"),
    ]


def problems_of(programs, folder):
    for name, (launcher, ability) in ENVIRONMENTS.items():
        for command, bug, code, words in commands(programs, folder):
            if launcher is STRACE and not shutil.which("strace"):
                print(f"{name}: skipped, there is no strace")
                break
            result = subprocess.run([*launcher, *command], env=planted_bugs.environment(bug), text=True,
                                    capture_output=True, timeout=120)
            said = result.stdout + result.stderr
            shown = " ".join([command[0].name, *map(str, command[1:])])
            what = f"{name}: {shown} ends with {result.returncode} and\n{said[-1000:]}"
            if result.returncode == NOT_HERE:
                print(f"{name}: skipped: {said.strip()}")
                break
            if ability == WORKS and (result.returncode != code or words not in said):
                yield what
            # The explorer needs no file of its own.
            if ability == REFUSES and command[0].name == "slab_explore" and result.returncode == 0 and words in said:
                continue
            if ability == REFUSES and (result.returncode != 2 or not result.stderr):
                yield what
            if ability != WORKS and any(word in said for word in VERDICTS):
                yield what
            if ability == WORKS and name != "as it is" and "LeakSanitizer" in said:
                yield what
    yield from problems_of_a_killed_child(programs / "slab_replay", folder)


def problems_of_a_killed_child(replay, folder):
    """Whoever ends a run from outside, the cache did nothing wrong."""
    long = folder / "long.trace"
    long.write_text(planted_bugs.program(planted_bugs.LARGE, *(f"#{i} = alloc c0" for i in range(60000))))
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
        # Where leaks are looked for, a child that finds out whether they can be comes first.
        process = subprocess.Popen([replay, "--quiet", long], env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"},
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children")
        while process.poll() is None and not (found := children.read_text().split()):
            time.sleep(0.001)
        time.sleep(0.05)  # the child's first steps
        subprocess.run(["kill", f"-{number.value}", *found], check=False)
        said = "".join(process.communicate(timeout=120))
        if process.returncode != 2 or "ended from outside" not in said or "verdict" in said:
            yield f"a child ended by {number.name}: exit {process.returncode} and\n{said[-1000:]}"


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        folder.chmod(0o777)
        problems = list(problems_of(pathlib.Path(sys.argv[1]), folder))
    print("\n".join(problems) or "nothing wrong")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

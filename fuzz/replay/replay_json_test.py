#!/usr/bin/env python3
"""What slab_replay --json says of many files in one pass, against what it says of each file alone.
usage: replay_json_test.py SLAB_REPLAY_PLANTED"""

import json
import pathlib
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:1] = [str(ROOT / "ci"), str(ROOT / "fuzz")]
from planted import bugs as planted_bugs
from shared.targets import OF_SLABS

KEYS = {"file", "input", "outcome", "signature", "sentence", "step", "operation", "invariant", "expected", "observed",
        "death", "frame", "frames", "operations", "alone", "inputs", "failing_input", "geometry"}
BUGS = ("neighbour_written", "double_free_accepted", "info_takes_no_room")


def run(replay, bug, *arguments):
    return subprocess.run([replay, *map(str, arguments)], env=planted_bugs.environment(bug), capture_output=True)


def lines_of(replay, bug, files):
    result = run(replay, bug, "--json", *files)
    return result.returncode, [json.loads(line) for line in result.stdout.decode().splitlines()]


def said_alone(replay, bug, file):
    """What a replay of one file prints for people."""
    return run(replay, bug, "--quiet", file).stdout.decode()


def problems_of(replay, folder):
    problems = []
    files = sorted((ROOT / "corpus/regressions").glob("*.trace"))
    files += [file for name in OF_SLABS for file in sorted((ROOT / "corpus" / name).glob("a[a-l]*"))]
    code, lines = lines_of(replay, 0, files)
    if code != 0 or [line["file"] for line in lines] != list(map(str, files)):
        problems.append(f"without a bug: exit {code}, {len(lines)} lines for {len(files)} files")
    for line in lines:
        if set(line) != KEYS or line["outcome"] != "agreed" or line["signature"] is not None:
            problems.append(f"without a bug: {line}")
    for name in BUGS:
        bug = planted_bugs.NUMBERS[name]
        code, lines = lines_of(replay, bug, files)
        failing = [line for line in lines if line["outcome"] != "agreed"]
        if code != 1 or not failing or [line["file"] for line in lines] != list(map(str, files)):
            problems.append(f"{name}: exit {code}, {len(lines)} lines for {len(files)} files, {len(failing)} failing")
        for line in failing[::4]:
            said = said_alone(replay, bug, line["file"])
            shown = (f"verdict: {line['sentence']}\n", f"\nsignature: {line['signature']}\n")
            if not all(words in said for words in shown) or line["alone"] not in (None, "failed"):
                problems.append(f"{name}: alone\n{said}in a pass {line}")

    # Names and contents that are hard to say.
    odd = folder / "odd \"<\xe9\n".encode("latin-1").decode("utf-8", "surrogateescape")
    odd.write_bytes(b"")
    (folder / "mistyped.trace").write_text("slabproof trace 1\nbackend b0 nonsense\n")
    files = [odd, folder / "missing", folder / "mistyped.trace", folder, odd]
    code, lines = lines_of(replay, 0, files)
    said = [(line["file"], line["outcome"]) for line in lines]
    expected = list(zip(map(str, files), ("agreed", "unreadable", "unreadable", "unreadable", "agreed")))
    if code != 2 or said != expected or "line 2, column 12: expected " not in lines[2]["sentence"]:
        problems.append(f"unreadable files: exit {code}, {lines}")
    return problems


def main():
    with tempfile.TemporaryDirectory() as folder:
        problems = problems_of(sys.argv[1], pathlib.Path(folder))
    print("\n".join(problems) or "nothing wrong")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

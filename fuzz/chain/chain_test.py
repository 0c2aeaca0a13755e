#!/usr/bin/env python3
"""A failure that needs what its process did before: found by a real fuzz target on a cache with a planted bug, replayed
from the record of that process, made small, and one signature whatever came before. And chains written by hand."""

import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:1] = [str(ROOT / "ci"), str(ROOT / "fuzz")]
from campaign.engines.last_words import LastWords
from planted import bugs as planted_bugs
from planted.tool import Tool
from shared import tests

SIGNATURE = "fails only after others"
AGREES = (0, "agreed")
LATE_FREE = 2000
SEEDS = 4


def entries(path):
    """The inputs of a chain, each with its times."""
    content = path.read_bytes()
    begin = content.index(b"\n") + 1
    found = []
    while begin + 8 <= len(content):
        times, size = struct.unpack_from("<II", content, begin)
        if times == 0:
            break
        found.append((times, content[begin + 8:begin + 8 + size]))
        begin += 8 + size
    return content[:content.index(b"\n") + 1], found


class Scene(tests.Scene):
    def __init__(self, target, replay, folder):
        super().__init__()
        self.target, self.replay, self.folder, self.tool = target, replay, folder, Tool(replay)
        self.bug = 0

    def run(self, *arguments, **planted):
        return self.tool(self.bug, *arguments, **planted)

    def signature(self, file, **planted):
        """(the exit code, the signature or, where it has none, how the file comes out)."""
        done = self.run("--json", file, **planted)
        facts = json.loads(done.stdout)
        return done.returncode, facts["signature"] or facts["outcome"]

    def facts(self, file, **planted):
        return self.tool.facts(self.bug, file, **planted)

    def minimize(self, seconds, output, file, **planted):
        return self.tool.minimize(self.bug, file, seconds, output, **planted)

    def input(self, *operations):
        trace = self.folder / "input.trace"
        trace.write_text(planted_bugs.program(planted_bugs.LARGE, *operations))
        return self.tool.bytes(trace)

    def chain(self, name, inputs, kind="program"):
        path = self.folder / name
        path.write_bytes(
            f"slabproof chain 1 {kind}\n".encode() + b"".join(struct.pack("<II", t, len(b)) + b for t, b in inputs))
        return path

    def fuzz(self, seed):
        """The record of a target that has died, the input that it died of, and what it said."""
        folder = self.folder / f"seed{seed}"
        folder.mkdir()
        corpus = folder / "corpus"
        corpus.mkdir()
        for file in sorted((ROOT / "corpus" / "fuzz_large").iterdir())[seed * 20:seed * 20 + 20]:
            shutil.copy(file, corpus)
        done = subprocess.run(
            [self.target, f"-seed={seed}", "-max_len=4096", "-runs=100000", "-print_funcs=0",
             f"-artifact_prefix={folder}/", corpus],
            env={**os.environ, "SLABPROOF_RECORD": str(folder / "record"), "SLAB_PLANTED_FREE": str(LATE_FREE),
                 "ASAN_OPTIONS": "detect_leaks=0:symbolize=0"}, capture_output=True)
        crashes = list(folder.glob("crash-*"))
        self.expect(f"inputs that seed {seed} dies of", len(crashes), 1)
        return folder / "record", crashes[0] if crashes else None, LastWords(
            done.stderr.decode(errors="replace")).summary


def check_fuzzed(scene):
    said = set()
    for seed in range(SEEDS):
        record, crash, summary = scene.fuzz(seed)
        if scene.problems:
            return
        _, inputs = entries(record)
        scene.expect("the record ends with the input that died", inputs[-1], (1, crash.read_bytes()))
        scene.expect("which passes alone", scene.signature(crash, free=LATE_FREE), AGREES)
        scene.expect(f"the record fails, seed {seed}", scene.signature(record, free=LATE_FREE), (1, SIGNATURE))
        scene.expect("and passes without the bug", scene.signature(record), AGREES)
        facts = scene.facts(record, free=LATE_FREE)
        scene.expect(f"the target says why it aborts: {summary}", summary.startswith("libFuzzer"), False)
        said.add(summary)
        scene.expect("in one object", [facts[k] for k in ("input", "signature", "alone", "inputs", "failing_input")],
                     ["program", SIGNATURE, "agreed", len(inputs), len(inputs)])
    # One signature, whatever the bug strikes: a fuzzer tells several, of which these few runs may have met one.
    for earlier in range(97, LATE_FREE, 97):
        if len(said) < 2:
            facts = scene.facts(record, free=LATE_FREE - earlier)
            scene.expect(f"the signature, {earlier} frees earlier", facts["signature"], SIGNATURE)
            said.add(f"{facts['invariant']}/{facts['operation']}")
    scene.expect(f"the bug strikes in several ways: {said}", len(said) > 1, True)
    small = scene.folder / "small"
    effort = scene.minimize(0.2, small, record, free=LATE_FREE)
    scene.expect("what was stopped says so", effort["finished"], False)
    scene.expect("and fails", scene.signature(small, free=LATE_FREE), (1, SIGNATURE))
    effort = scene.minimize(500, small, record, free=LATE_FREE)
    _, inputs = entries(small)
    scene.expect("one program, over and over", [times for times, _ in inputs], [LATE_FREE])
    scene.expect("and finished", [effort["after"], effort["finished"]], [LATE_FREE, True])
    (scene.folder / "one").write_bytes(inputs[0][1])
    scene.expect("is all that is left", scene.tool.text(scene.folder / "one").splitlines()[3:], ["#0 = alloc c0"])
    scene.expect("it fails", scene.signature(small, free=LATE_FREE), (1, SIGNATURE))
    scene.expect("and one time less does not",
                 scene.signature(scene.chain("less", [(LATE_FREE - 1, inputs[0][1])]), free=LATE_FREE), AGREES)


def check_different_inputs(scene):
    """An input that does something to the process, and much later another that suffers from it."""
    shrinks = scene.input("#0 = alloc c0", "reserve c0 9", "shrink c0", "free_null c0")
    suffers = scene.input("#0 = alloc c0", "#1 = alloc c0", "free #0", "free_null c0", "free_null c0")
    noise = [scene.input(*planted_bugs.allocs(n)[:n], *["free_null c0"] * (n % 3)) for n in range(1, 30)]
    reserves = [scene.input(f"reserve c0 {n}") for n in range(40)]  # nothing is freed in them
    long = scene.chain("long", [*((1, b) for b in noise), (1, shrinks), *((1, b) for b in reserves), (1, suffers)])
    scene.expect("it fails", scene.signature(long, shrink=1), (1, SIGNATURE))
    scene.expect("not without the bug", scene.signature(long), AGREES)
    small = scene.folder / "long.min"
    effort = scene.minimize(500, small, long, shrink=1)
    _, inputs = entries(small)
    scene.expect(f"few are left: {effort}", sum(times for times, _ in inputs) <= 4, True)
    shown = scene.run(small, shrink=1).stdout
    scene.expect(f"both are shown\n{shown}", ["shrink c0" in shown, "alloc c0" in shown], [True, True])


def check_alone(scene):
    """A failure that needs no others is that of its program."""
    scene.bug = planted_bugs.NUMBERS["null_is_foreign"]
    chain = scene.chain("alone",
                        [(3, scene.input("#0 = alloc c0")), (1, scene.input("#0 = alloc c0", "free_null c0")),
                         (9, b"")])
    scene.expect("its signature", scene.signature(chain), (1, "M10/free_null"))
    scene.expect("in one object", [scene.facts(chain)[k] for k in ("alone", "inputs", "failing_input")],
                 ["failed", 13, 4])
    small = scene.folder / "alone.min"
    effort = scene.minimize(500, small, chain)
    scene.expect("minimized", [effort["before"], effort["after"]], [13, 1])
    scene.expect("is that program", scene.signature(small), (1, "M10/free_null"))
    scene.expect("and no chain", small.read_bytes().startswith(b"slabproof"), False)
    scene.bug = 0


def check_refused(scene):
    good = scene.chain("good", [(2, scene.input("#0 = alloc c0"))])
    scene.expect("a chain that passes", [scene.signature(good), scene.facts(good)["outcome"]], [AGREES, "agreed"])
    folder = scene.folder / "regressions"
    folder.mkdir()
    shutil.copy(good, folder / "good.chain")
    done = subprocess.run([ROOT / "fuzz/replay/replay_folder", scene.replay, folder], capture_output=True, text=True)
    scene.expect("as a committed file", [done.returncode, done.stdout], [0, "1 files replayed\n"])
    for option in (["--as-test"], ["--html"], ["--write-trace", scene.folder / "out"],
                   ["--write-bytes", scene.folder / "out"]):
        done = scene.run(*option, good)
        scene.expect(f"{option}", [done.returncode, "is a chain of inputs" in done.stderr], [2, True])
    whole = good.read_bytes()
    for what, content in (("is cut off in the middle of input 1", whole[:-1]),
                          ("is a chain without an input", whole[:26]),
                          ("expected a chain's first line", whole.replace(b"chain 1", b"chain 2")),
                          ("expected a chain's first line", whole.replace(b"program", b"nonsense"))):
        bad = scene.folder / "bad"
        bad.write_bytes(content)
        done, facts = scene.run(bad), scene.run("--json", bad)
        scene.expect(what, [done.returncode, what in done.stderr, "verdict" in done.stdout], [2, True, False])
        scene.expect(f"{what}, in one object",
                     [facts.returncode, json.loads(facts.stdout)["outcome"], what in facts.stdout],
                     [2, "unreadable", True])
    for kind, right in (("geometry", bytes(37)), ("text", b"slabproof trace 1\n")):
        scene.expect(kind, scene.signature(scene.chain("other", [(2, right)], kind)), AGREES)


def main():
    with tempfile.TemporaryDirectory() as folder:
        checks = (check_refused, check_alone, check_different_inputs, check_fuzzed)
        return tests.run_checks(Scene(*sys.argv[1:3], pathlib.Path(folder)), checks, sys.argv[3:])


if __name__ == "__main__":
    sys.exit(main())

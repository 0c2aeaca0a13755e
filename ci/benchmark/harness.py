"""How fast the harness is: what it does in a second of processor time, this tree's and an older one's by turns."""

import collections
import os
import pathlib
import re
import resource
import subprocess
import tempfile

from benchmark import older
from shared import builds, child_process
from shared.command import CannotWork
from shared.targets import BUILD, OF_SLABS, ROOT

BINARIES = {"fuzz": ["harness_speed", *OF_SLABS], "release": ["slab_explore"], "asan": ["state_machine_test"]}
ROWS = ["SmallSinglePage", "SmallMultiPage", "Large"]
Tree = collections.namedtuple("Tree", "name folders")  # "new" or "old"; where a preset's binaries are


def trees(old_tree, signals):
    """Builds what is measured."""
    builds.build(BINARIES, signals)
    found = [Tree("new", {preset: BUILD / preset / "bin" for preset in BINARIES})]
    if old_tree:
        folders = {preset: older.build(old_tree, preset, names, signals) for preset, names in BINARIES.items()}
        found.append(Tree("old", folders))
    return found


class Watch:
    """Processor time of programs that ended while it ran."""

    def __enter__(self):
        self.begin = self._now()
        return self

    def __exit__(self, *_):
        self.seconds = self._now() - self.begin

    @staticmethod
    def _now():
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime


def _run(command, signals, **options):
    code, said = child_process.run([*builds.RUN, *command], signals, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   **options)
    said = said.decode(errors="replace")
    if code != 0 and not signals.count:
        raise CannotWork(f"{command[0].name} ended with {code}: {said.strip()[-2000:]}")
    return said


def speed_in_text(said):
    """(what, unit, number) of each line of harness_speed."""
    for what, source, inputs, operations in re.findall(
            r"^(\w+(?: \w+)*) +(mutator|corpus|random bytes) +(\d+) +(\d+) +[\d.]+ +[\d.]+$", said, re.MULTILINE):
        yield f"{what}, {source}", "inputs", float(inputs)
        yield f"{what}, {source}", "operations", float(operations)


def _judge(tree, seconds, signals):
    """Programs run one after another in one process, without a fuzzer. Old and new run the same ones."""
    said = _run([tree.folders["fuzz"] / "harness_speed", ROOT / "corpus", "--seconds", str(seconds)], signals)
    yield from speed_in_text(said)


def _fuzzing(target, tree, seconds, signals):
    """As libFuzzer runs it, from the committed corpus on."""
    with tempfile.TemporaryDirectory() as folder:
        with Watch() as watch:
            said = _run([tree.folders["fuzz"] / target, folder, ROOT / "corpus" / target, "-seed=1",
                         f"-max_total_time={seconds}", "-print_final_stats=1"], signals, cwd=folder)
    executed = re.search(r"stat::number_of_executed_units: +(\d+)", said)
    if executed and watch.seconds:
        yield f"{target}, libFuzzer", "inputs", int(executed[1]) / watch.seconds


def _explorer(row, objects, slabs, tree, signals):
    explorer = tree.folders["release"] / "slab_explore"
    # Transitions alone, as in a tree that has nothing else.
    alone = ["--mishaps", "none"] if b"--mishaps" in explorer.read_bytes() else []
    with tempfile.TemporaryDirectory() as folder, Watch() as watch:
        said = _run([explorer, "--row", row, "--objects", str(objects), "--slabs", str(slabs), "--policy", "Checked",
                     "--kept", "1", "--output", folder, *alone], signals)
    transitions = re.findall(r"states, ([\d,]+) transitions,", said)
    if transitions and watch.seconds:
        # Each world is gone through twice.
        yield f"explorer, {row}", "transitions", 2 * int(transitions[0].replace(",", "")) / watch.seconds


def _properties(row, tree, signals):
    with Watch() as watch:
        said = _run([tree.folders["asan"] / "state_machine_test",
                     f"--gtest_filter={row}.AgreesWithTheModelWhenChecked"], signals,
                    env={**os.environ, "RC_PARAMS": "seed=1"})  # the same programs each time
    found = re.search(r": (\d+) programs, (\d+) operations", said)
    if found and watch.seconds:
        yield f"RapidCheck, {row}", "programs", int(found[1]) / watch.seconds
        yield f"RapidCheck, {row}", "operations", int(found[2]) / watch.seconds


def _measures(quick, signals):
    """Functions of a tree, each of which yields (what, unit, number a second)."""
    seconds = 1 if quick else 4  # short, and more rounds: what disturbs them changes within minutes
    yield lambda tree: _judge(tree, 0.5 if quick else 1, signals)
    for target in OF_SLABS:
        yield lambda tree, target=target: _fuzzing(target, tree, seconds, signals)
    for row in ROWS:
        yield lambda tree, row=row: _explorer(row, 3, 2 if quick else 3, tree, signals)
    for row in ROWS[-1:] if quick else ROWS:
        yield lambda tree, row=row: _properties(row, tree, signals)


def measure(quick, old_tree, rounds, signals, results, progress):
    """Both trees by turns, so that what disturbs them disturbs both; each of them comes first in every other round."""
    measured = trees(old_tree, signals)
    measures = list(_measures(quick, signals))
    progress.begin("harness", rounds * len(measures) * len(measured))
    for round_ in range(rounds):
        for take in measures:
            for tree in measured[::-1] if round_ % 2 else measured:
                if signals.count:
                    return
                for what, unit, number in take(tree):
                    results.add({"kind": "rate", "what": what, "unit": unit, "tree": tree.name, "round": round_,
                                 "per_second": number})
                progress.step()

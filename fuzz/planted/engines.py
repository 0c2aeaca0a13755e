#!/usr/bin/env python3
"""How soon RapidCheck and libFuzzer find the planted bugs in the table of docs/explorer-figures.md: prints the table
with these two columns measured again. A bug is looked for in the row (of caches) that its row (of the table) names."""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[0] = str(ROOT / "fuzz")
from planted import bugs as planted_bugs

TABLE = ROOT / "docs/explorer-figures.md"
MACHINES = ["SmallSinglePage", "SmallMultiPage", "Large"]
TARGETS = ["fuzz_small_single_page", "fuzz_small_multi_page", "fuzz_large"]
SECONDS = 60


def run(command, number, folder, **environment):
    begin = time.monotonic()
    result = subprocess.run(command, env={**planted_bugs.environment(number), **environment}, text=True,
                            errors="replace", capture_output=True, cwd=folder)
    return result, time.monotonic() - begin


def rapidcheck(machines, number, row, policy):
    """Programs until one fails."""
    test = f"{MACHINES[row]}.AgreesWithTheModelWhen{policy}"
    with tempfile.TemporaryDirectory() as folder:
        result, _ = run([machines, f"--gtest_filter={test}"], number, folder, RC_PARAMS="seed=1 noshrink=1")
    ran = re.search(r"^\S+: (\d+) programs, ", result.stdout, re.M)
    if result.returncode not in (0, 1) or not ran:
        sys.exit(f"{' '.join(result.args)} could not do its work: {result.stdout}{result.stderr}")
    return f"{int(ran[1]):,}" if result.returncode else f"not in {int(ran[1]):,}"


def libfuzzer(folder, number, row):
    """Seconds until an input fails."""
    target = folder / f"{TARGETS[row]}_planted"
    with tempfile.TemporaryDirectory() as empty:
        result, seconds = run(
            [target, "-seed=1", "-max_len=4096", f"-max_total_time={SECONDS}", "-close_fd_mask=1", "."], number, empty,
            ASAN_OPTIONS="symbolize=0", UBSAN_OPTIONS="symbolize=0")
    if result.returncode and "SUMMARY: " not in result.stderr:
        sys.exit(f"{target} could not do its work: {result.stderr}")
    return f"{seconds:.1f}" if result.returncode else f"not in {SECONDS}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--machines", required=True, type=pathlib.Path, help="state_machine_planted")
    parser.add_argument("--targets", required=True, type=pathlib.Path, help="folder of fuzz_large_planted and the like")
    parser.add_argument("names", nargs="*", help="of bugs; all of the table without")
    arguments = parser.parse_args()
    for line in TABLE.read_text().splitlines():
        bug = re.search(r"\(`(\w+)`\) \|.* row (\d), ", line)
        if not bug or (arguments.names and bug[1] not in arguments.names):
            continue
        number, row = planted_bugs.NUMBERS[bug[1]], int(bug[2]) - 1
        policy = planted_bugs.policy_of(planted_bugs.BUGS[number - 1], ROOT)
        if policy not in planted_bugs.WITHOUT_GUARDS:
            policy = "Guarded"
        cells = line.split(" | ")
        cells[-2:] = [rapidcheck(arguments.machines.resolve(), number, row, policy),
                      libfuzzer(arguments.targets.resolve(), number, row) + " |"]
        print(" | ".join(cells), flush=True)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""The sweep over damaged SlabInfos finds each planted bug that only a stray write shows, and nothing without one."""

import concurrent.futures
import pathlib
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path[0] = str(pathlib.Path(__file__).resolve().parents[2] / "fuzz")
from planted import bugs


def problem_of(tool, name, number):
    result = subprocess.run([tool, "--quick"], capture_output=True, text=True, timeout=300,
                            env=bugs.environment(number))
    said = result.stdout + result.stderr
    if number == 0:
        return "" if result.returncode == 0 else f"without a bug: exit {result.returncode}: {said}"
    return "" if result.returncode == 1 and ", state " in said else f"{name}: exit {result.returncode}: {said}"


def main():
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        tried = [("none", 0)] + [(name, bugs.NUMBERS[name]) for name in bugs.STRAY_WRITE_BUGS]
        problems = [text for text in pool.map(lambda bug: problem_of(sys.argv[1], *bug), tried) if text]
    print("\n".join(problems) or f"{len(bugs.STRAY_WRITE_BUGS)} planted bugs, each found")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

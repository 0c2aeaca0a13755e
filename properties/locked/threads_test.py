#!/usr/bin/env python3
"""ThreadSanitizer sees no race in a Locked cache that several threads use, and sees one where the lock is missing.

usage: threads_test.py BINARY"""

import os
import subprocess
import sys

RACE = 66  # what ThreadSanitizer exits with
BREAKS = "K11"  # without the lock


def run(binary, *words):
    options = f"halt_on_error=1:exitcode={RACE}:second_deadlock_stack=1"
    return subprocess.run([binary, *words], env={**os.environ, "TSAN_OPTIONS": options}, text=True, errors="replace",
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def main():
    binary = sys.argv[1]
    done = run(binary)
    print(done.stdout)
    if done.returncode != 0 or done.stdout.count("nothing wrong") != 9:
        print(f"{BREAKS}: exit {done.returncode} where nothing is wrong")
        return 1
    for row in ("SmallSinglePage", "SmallMultiPage", "Large"):
        done = run(binary, "--without-lock", row)
        if done.returncode != RACE or "ThreadSanitizer: data race" not in done.stdout:
            print(f"{row}: no race is told without the lock: exit {done.returncode}\n{done.stdout}")
            return 1
        print(f"{row}: {BREAKS} is broken without the lock, and told")
    return 0


if __name__ == "__main__":
    sys.exit(main())

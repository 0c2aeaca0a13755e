"""Runs a program of bench/ under callgrind, and reads what it has counted."""

import os
import pathlib
import re
import shutil
import tempfile
import time

from shared import child_process
from shared.command import CannotWork

# The cache that misses are counted of: the same one on every machine.
CACHE = ["--cache-sim=yes", "--I1=32768,8,64", "--D1=49152,12,64", "--LL=33554432,16,64"]


def counts_in(folder):
    """
    Yields (of, instructions, misses) of one callgrind file after another, both a pair: they name what they were taken
    of, and end with the number of pairs.
    """
    for path in sorted(folder.glob("out.*")):
        head = path.read_text(errors="replace")[:4000]
        of = re.search(r"^desc: Trigger: Client Request: (.*)\|(\d+)$", head, re.MULTILINE)
        events = re.search(r"^events: (.*)$", head, re.MULTILINE)
        summary = re.search(r"^summary: (.*)$", head, re.MULTILINE)
        if not (of and events and summary):
            continue
        # Zeros at the end of the line are left out.
        numbers = dict(zip(events[1].split(), map(int, summary[1].split())))
        pairs = int(of[2])
        yield of[1].split("|"), numbers.get("Ir", 0) / pairs, (numbers.get("D1mr", 0) + numbers.get("D1mw", 0)) / pairs


def counts_of(program, environment, signals, progress):
    """The same of what a program counts, which is given with its arguments."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        command = ["valgrind", "--tool=callgrind", "--collect-atstart=no", *CACHE, f"--callgrind-out-file={folder}/out",
                   *program]
        with open(folder / "said", "wb") as said:
            process = child_process.start(command, stdout=said, stderr=said, env={**os.environ, **environment})
            try:
                while process.poll() is None and not signals.count:
                    time.sleep(0.2)
                    progress.at(len(list(folder.glob("out.*"))))
            finally:
                child_process.kill(process)
        yield from counts_in(folder)
        if process.returncode != 0 and not signals.count:
            raise CannotWork(f"nothing could be counted: {(folder / 'said').read_text(errors='replace')[-2000:]}")


def is_there(results, what):
    """Whether it can be counted; it is said in the results if not."""
    if shutil.which("valgrind"):
        return True
    results.add({"kind": "missing", "subject": what, "reason": "valgrind is not installed; ci/setup installs it"})
    return False

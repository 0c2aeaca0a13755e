"""The allocators in one process: their times, what they hold, their instructions."""

import itertools
import os
import pathlib
import re
import shutil
import tempfile
import time

from benchmark import machine
from benchmark.lines import results_of
from shared import child_process
from shared.command import CannotWork
from shared.targets import BUILD

FIELD = BUILD / "bench" / "bin" / "field"
# Room for the thread-local variables of mallocs that are loaded when the program runs.
ENVIRONMENT = {"GLIBC_TUNABLES": "glibc.rtld.optional_static_tls=65536"}
# The cache that misses are counted of: the same one on every machine.
CACHE = ["--cache-sim=yes", "--I1=32768,8,64", "--D1=49152,12,64", "--LL=33554432,16,64"]


class Choice:
    """What is measured of whom."""

    def __init__(self, quick, sizes, rounds):
        self.quick = quick
        self.sizes = sizes or ([32, 64, 256] if quick else [32, 64, 256, 2048])
        self.rounds = rounds or (7 if quick else 15)
        self.live = [10 ** power for power in range(3, 7 if quick else 8)]

    def takes(self, subject):
        """A quick run leaves out the slab sizes that are less usual for a row."""
        unusual = subject.endswith(("SmallSinglePage/32K/Checked", "SmallSinglePage/32K/Unchecked",
                                    "Large/4K/Checked", "Large/4K/Unchecked"))
        return not (self.quick and unusual)

    def grows(self, subject):
        return self.takes(subject) and "DynamicCache" not in subject and "pmr::" not in subject


def _options(**lists):
    return [word for name, values in lists.items() for word in (f"--{name}", ",".join(map(str, values)))]


def subjects(signals, results):
    """The names of all that there are. What is missing here goes into the results."""
    names = {}
    for line in results_of([FIELD, "--list"], signals, ENVIRONMENT):
        if line["kind"] == "subject":
            names[line["subject"]] = True
        else:
            results.add(line)
    return list(names)


def measure_times(choice, names, signals, results, progress):
    chosen = [name for name in names if choice.takes(name)]
    progress.begin("times", 8 * len(choice.sizes) * len(chosen) * choice.rounds)
    command = [FIELD, "--time", *_options(subjects=chosen, sizes=choice.sizes, rounds=[choice.rounds])]
    for line in results_of(command, signals, ENVIRONMENT):
        results.add(line)
        progress.step()


def measure_growth(choice, names, signals, results, progress):
    chosen, rounds = [name for name in names if choice.grows(name)], min(choice.rounds, 5)
    room = machine.available_bytes()
    lives = [live for live in choice.live if room is None or 3 * 64 * live < room]
    if lives != choice.live:
        results.add({"kind": "missing", "subject": f"growth to {choice.live[-1]:,} objects",
                     "reason": "there is too little memory"})
    progress.begin("growth", len(lives) * len(chosen) * rounds)
    command = [FIELD, "--time", *_options(workloads=["W5"], subjects=chosen, sizes=[64], rounds=[rounds], live=lives)]
    for line in results_of(command, signals, ENVIRONMENT):
        # The usual number was measured with the other workloads, in another random order.
        results.add({**line, "workload": "growth"})
        progress.step()


def measure_statistics(choice, names, signals, results, progress):
    chosen, lives = [name for name in names if choice.takes(name)], [1000, 100_000, 1_000_000]
    chosen, rounds = [name for name in chosen if "Cache/" in name], min(choice.rounds, 5)
    progress.begin("statistics", len(lives) * len(chosen) * rounds)
    command = [FIELD, "--statistics", *_options(subjects=chosen, sizes=[64], live=lives, rounds=[rounds])]
    for line in results_of(command, signals, ENVIRONMENT):
        results.add(line)
        progress.step()


def measure_memory(choice, names, signals, results, progress):
    chosen = [name for name in names if choice.takes(name)]
    progress.begin("memory", len(choice.sizes) * len(chosen))
    for name, size in itertools.product(chosen, choice.sizes):
        for line in results_of([FIELD, "--memory", *_options(subjects=[name], sizes=[size])], signals, ENVIRONMENT):
            results.add(line)
            progress.step()
        if signals.count:
            return


def counts_in(folder):
    """Yields the counts of one callgrind file after another; they name what they were taken of."""
    for path in sorted(folder.glob("out.*")):
        head = path.read_text(errors="replace")[:4000]
        of = re.search(r"^desc: Trigger: Client Request: (.*)\|(W\d)\|(\d+)\|(\d+)$", head, re.MULTILINE)
        events = re.search(r"^events: (.*)$", head, re.MULTILINE)
        summary = re.search(r"^summary: (.*)$", head, re.MULTILINE)
        if not (of and events and summary):
            continue
        # Zeros at the end of the line are left out.
        numbers = dict(zip(events[1].split(), map(int, summary[1].split())))
        pairs = int(of[4])
        yield {"kind": "count", "subject": of[1], "workload": of[2], "size": int(of[3]),
               "instructions": numbers.get("Ir", 0) / pairs,
               "misses": (numbers.get("D1mr", 0) + numbers.get("D1mw", 0)) / pairs}


def measure_counts(choice, names, signals, results, progress):
    if not shutil.which("valgrind"):
        results.add({"kind": "missing", "subject": "instructions and misses",
                     "reason": "valgrind is not installed; ci/setup installs it"})
        return
    chosen = [name for name in names if choice.takes(name)]
    workloads = ["W1", "W5", "W7"] if choice.quick else [f"W{number}" for number in range(1, 9)]
    sizes = [64] if choice.quick else choice.sizes
    progress.begin("counts", len(workloads) * len(chosen) * len(sizes))
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        command = ["valgrind", "--tool=callgrind", "--collect-atstart=no", *CACHE, f"--callgrind-out-file={folder}/out",
                   FIELD, "--count", *_options(subjects=chosen, sizes=sizes, workloads=workloads)]
        with open(folder / "said", "wb") as said:
            process = child_process.start(command, stdout=said, stderr=said, env={**os.environ, **ENVIRONMENT})
            try:
                while process.poll() is None and not signals.count:
                    time.sleep(0.2)
                    progress.at(len(list(folder.glob("out.*"))))
            finally:
                child_process.kill(process)
        for count in counts_in(folder):
            results.add(count)
        if process.returncode != 0 and not signals.count:
            raise CannotWork(f"nothing could be counted: {(folder / 'said').read_text(errors='replace')[-2000:]}")

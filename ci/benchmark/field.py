"""The allocators in one process: their times, what they hold, their instructions."""

import itertools

from benchmark import callgrind, machine
from benchmark.lines import results_of
from shared.targets import BUILD

FIELD = BUILD / "bench" / "bin" / "field"
# Room for the thread-local variables of mallocs that are loaded when the program runs.
ENVIRONMENT = {"GLIBC_TUNABLES": "glibc.rtld.optional_static_tls=65536"}


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


def measure_counts(choice, names, signals, results, progress):
    if not callgrind.is_there(results, "instructions and misses"):
        return
    chosen = [name for name in names if choice.takes(name)]
    workloads = ["W1", "W5", "W7"] if choice.quick else [f"W{number}" for number in range(1, 9)]
    sizes = [64] if choice.quick else choice.sizes
    progress.begin("counts", len(workloads) * len(chosen) * len(sizes))
    program = [FIELD, "--count", *_options(subjects=chosen, sizes=sizes, workloads=workloads)]
    for of, instructions, misses in callgrind.counts_of(program, ENVIRONMENT, signals, progress):
        subject, workload, size = of
        results.add({"kind": "count", "subject": subject, "workload": workload, "size": int(size),
                     "instructions": instructions, "misses": misses})

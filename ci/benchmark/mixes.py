"""Heaps that serve every size replay what real programs asked malloc for: their times, instructions and memory."""

from benchmark import callgrind
from benchmark.field import ENVIRONMENT
from benchmark.lines import results_of
from shared.targets import BUILD, ROOT

HEAPS = BUILD / "bench" / "bin" / "heaps"
MIXES = sorted((ROOT / "bench" / "mixes").glob("*.mix"))
COUNTED_REQUESTS, QUICKLY_COUNTED = 50_000, 10_000  # counts do not vary as times do


def _measure_times(files, heaps, rounds, signals, results, progress):
    progress.begin("mixes: times", rounds * len(heaps) * len(files))
    for line in results_of([HEAPS, "--time", str(rounds), *files], signals, ENVIRONMENT):
        results.add(line)
        progress.step()


def _measure_memory(files, heaps, signals, results, progress):
    progress.begin("mixes: memory", len(heaps) * len(files))
    for heap in heaps:
        for file in files:
            if signals.count:
                return
            for line in results_of([HEAPS, "--memory", "--heap", heap, file], signals, ENVIRONMENT):
                results.add(line)
            progress.step()


def _measure_counts(files, heaps, requests, signals, results, progress):
    if not callgrind.is_there(results, "instructions and misses of mixes"):
        return
    progress.begin("mixes: counts", len(heaps) * len(files))
    program = [HEAPS, "--count", "--requests", str(requests), *files]
    for (heap, mix), instructions, misses in callgrind.counts_of(program, ENVIRONMENT, signals, progress):
        results.add({"kind": "heap_count", "heap": heap, "mix": mix, "instructions": instructions, "misses": misses})


def measure(files, choice, signals, results, progress):
    """`files` are mixes, or recordings of bench/mixes/record.py --keep."""
    heaps = []
    for line in results_of([HEAPS, "--list"], signals, ENVIRONMENT):
        if line["kind"] == "heap":
            heaps.append(line["heap"])
        else:
            results.add(line)
    rounds = min(choice.rounds, 3) if choice.quick else choice.rounds
    _measure_times(files, heaps, rounds, signals, results, progress)
    if not signals.count:
        # Being told the size changes nothing of what is held.
        once = [heap for heap in heaps if not heap.endswith(", sized") and heap != "the loop alone"]
        _measure_memory(files, once, signals, results, progress)
    if not signals.count:
        requests = QUICKLY_COUNTED if choice.quick else COUNTED_REQUESTS
        _measure_counts(files, heaps, requests, signals, results, progress)

"""Tables of heaps that replayed what real programs asked malloc for."""

import statistics

from benchmark.tables import grouped, names_of, short

LOOP, GLIBC, SIZED = "the loop alone", "glibc malloc", ", sized"
GROUPS = [
    ("slab, any size, one thread", lambda name: name.startswith(("SizeClasses/", "MemoryResource/"))),
    ("mallocs: threads too", lambda name: "malloc" in name),
]


def _mixes(results, kind):
    return list(dict.fromkeys(result["mix"] for result in results.of(kind)))


def _mean(values):
    return None if None in values else statistics.fmean(values)


def _less(value, loop):
    """What is left of a measurement without the loop's share."""
    return None if value is None or loop is None else value - loop


def _rows(names, cells):
    """The names of heaps, without the loop."""
    return grouped([name for name in names if not name.startswith(LOOP)], cells, GROUPS)


def _loop_of(name):
    """The loop that is measured with a heap: MemoryResource is always told the size."""
    return LOOP + SIZED if name.endswith(SIZED) or name.startswith("MemoryResource/") else LOOP


def count_tables(results):
    found = {(count["heap"], count["mix"]): count for count in results.of("heap_count")}
    mixes = _mixes(results, "heap_count")
    if not mixes:
        return

    def instructions(name, mix):
        own, loop = found.get((name, mix)), found.get((_loop_of(name), mix))
        return _less(own and own["instructions"], loop and loop["instructions"])

    def cells(name):
        all_of = [instructions(name, mix) for mix in mixes]
        shown = [None if value is None else f"{value:.0f} / {found[name, mix]['misses']:.2f}"
                 for value, mix in zip(all_of, mixes)]
        mean = _mean(all_of)
        return [*shown, None if mean is None else f"{mean:.0f}"]
    yield ("Real mixes: instructions, without the loop's, / L1 data misses a pair (a cache of 48 KiB, 12 ways)",
           [["", *mixes, "mean"], *_rows(names_of(results, "heap_count", "heap"), cells)])


def time_tables(results):
    found = {(time["heap"], time["mix"], time["round"]): time["ns"] for time in results.of("heap_time")}
    mixes, rounds = _mixes(results, "heap_time"), sorted({time["round"] for time in results.of("heap_time")})
    if not mixes:
        return

    def own(name, mix, index):
        return _less(found.get((name, mix, index)), found.get((_loop_of(name), mix, index)))

    def ratio(name, mix):
        pairs = [(own(name, mix, index), own(GLIBC, mix, index)) for index in rounds]
        ratios = [mine / glibc for mine, glibc in pairs if mine is not None and glibc is not None and glibc > 0]
        return statistics.median(ratios) if ratios else None

    def glibc(mix):
        measured = [ns for ns in (own(GLIBC, mix, index) for index in rounds) if ns is not None]
        return statistics.median(measured) if measured else None

    def cells(name):
        ratios = [ratio(name, mix) for mix in mixes]
        return [*map(short, ratios), short(_mean(ratios))]
    base = [glibc(mix) for mix in mixes]
    yield ("Real mixes: times what glibc's malloc takes in the same round, both without the loop",
           [["", *mixes, "mean"], [f"{GLIBC}, ns a pair", *map(short, base), short(_mean(base))],
            *_rows(names_of(results, "heap_time", "heap"), cells)])


def memory_tables(results):
    found = {(memory["heap"], memory["mix"]): memory for memory in results.of("heap_memory")}
    mixes = _mixes(results, "heap_memory")
    if not mixes:
        return

    def cells_of(value, shown):
        def cells(name):
            values = [value(found[name, mix]) if (name, mix) in found else None for mix in mixes]
            mean = _mean(values)
            return [None if one is None else shown(one) for one in (*values, mean)]
        return cells

    def waste(usable, asked):
        return lambda memory: 100 * (memory[usable] / memory[asked] - 1) if memory[asked] else None
    names = names_of(results, "heap_memory", "heap")
    for title, cells in (
            ("Real mixes: bytes held for each byte that is live, both at the fullest",
             cells_of(lambda memory: memory["held"] / memory["live"], "{:.2f}".format)),
            ("Real mixes: bytes handed out beyond those asked for, in %, of all requests",
             cells_of(waste("usable", "asked"), "{:.1f}".format)),
            ("Real mixes: the same, of requests for up to 4096 bytes",
             cells_of(waste("usable_small", "asked_small"), "{:.1f}".format))):
        yield title, [["", *mixes, "mean"], *_rows(names, cells)]

"""Results as tables of Markdown, aligned so that a terminal shows them too."""

from benchmark.results import BARE, OLDER
from shared.text import number

# Who is told together, in this order, and what they have in common.
GROUPS = [
    ("slab, this tree", lambda name: name.startswith(("Cache/", "DynamicCache/", "LockedCache/"))),
    ("slab, the older tree", lambda name: name.startswith(OLDER)),
    ("pools of one size for one thread, as slab", lambda name: name.startswith(("boost::", "pmr::"))),
    ("mallocs: any size, and threads too", lambda name: "malloc" in name),
]
WORKLOADS = [f"W{index}" for index in range(1, 9)]
MEANING = """\
W1 alloc and free, nothing else live · W2 10,000 objects, freed in the order of allocation · W3 in the opposite order
W4 in random order · W5 of 10,000 live objects a random one freed, another allocated · W6 as W2, 100,000 objects
W7 alloc and free, 500 others live and 500 slots free · W8 the same in bursts of 1 to 64"""


def markdown(rows):
    """Lines of a table: the first row is the head, the first column is text."""
    cells = [["–" if cell is None else str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells)]

    def line(row):
        return "| " + " | ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:]))]) + " |"
    rule = "| " + " | ".join(["-" * widths[0], *("-" * (w - 1) + ":" for w in widths[1:])]) + " |"
    return [line(cells[0]), rule, *map(line, cells[1:])]


def short(ratio):
    """Two digits that mean something."""
    if ratio is None:
        return None
    return f"{ratio:.2f}" if ratio < 9.995 else f"{ratio:.0f}"


def order_of(name):
    parts = name.removeprefix(OLDER).split("/")
    rows = ["SmallSinglePage", "SmallMultiPage", "Large"]
    return (parts[0], parts[3], rows.index(parts[1]), parts[2]) if len(parts) == 4 and parts[1] in rows else (name,)


def grouped(names, cells, groups=None):
    """Rows of a table: each group with what it has in common, each name with what `cells` makes of it."""
    rows = []
    for title, belongs in groups or GROUPS:
        members = sorted(filter(belongs, names), key=order_of)
        filled = [(name, cells(name)) for name in members]
        filled = [[name, *row] for name, row in filled if any(cell is not None for cell in row)]
        if filled:
            rows += [[f"*{title}*", *[""] * (len(filled[0]) - 1)], *filled]
    return rows


def names_of(results, kind, key="subject"):
    return list(dict.fromkeys(result[key] for result in results.of(kind)))


def sizes_of(results, kind):
    return sorted({result["size"] for result in results.of(kind)})


def live_of(results, workload):
    return next((time["live"] for time in results.of("time") if time["workload"] == workload), None)


def time_tables(results):
    names = names_of(results, "time")
    live = {workload: live_of(results, workload) for workload in WORKLOADS}
    for size in sizes_of(results, "time"):
        bare = [results.median(BARE, w, size, live[w]) for w in WORKLOADS]
        rows = grouped(names, lambda name: [short(results.ratio(name, w, size, live[w])) for w in WORKLOADS])
        if rows:
            yield (f"Objects of {size} bytes: times what the bare list takes",
                   [["", *WORKLOADS], [f"{BARE}, ns a pair", *map(short, bare)], *rows])


def growth_table(results):
    growth = [time for time in results.of("time") if time["workload"] == "growth"]
    lives = sorted({time["live"] for time in growth})
    if not lives:
        return
    size = growth[0]["size"]
    bare = [short(results.median(BARE, "growth", size, live)) for live in lives]
    rows = grouped(names_of(results, "time"),
                   lambda name: [short(results.ratio(name, "growth", size, live)) for live in lives])
    yield (f"Growth: churn (W5) of {size} bytes over so many live objects, times what the bare list takes",
           [["", *(f"{live:,}" for live in lives)], [f"{BARE}, ns a pair", *bare], *rows])


def statistics_table(results):
    asked = [time for time in results.of("time") if time["workload"] == "statistics"]
    lives = sorted({time["live"] for time in asked})
    if lives:
        size = asked[0]["size"]

        def cells(name):
            medians = [results.median(name, "statistics", size, live) for live in lives]
            return [None if median is None else f"{median:,.0f}" for median in medians]
        yield (f"statistics(): nanoseconds a call, with so many live objects of {size} bytes",
               [["", *(f"{live:,}" for live in lives)], *grouped(names_of(results, "time"), cells)])


def memory_tables(results):
    held = {(memory["subject"], memory["size"]): memory for memory in results.of("memory")}
    for size in sizes_of(results, "memory"):
        def cells(name, size=size):
            found = held.get((name, size))
            if not found:
                return [None] * 4
            live = found["objects"] * size
            held_bytes = (found["all"], 4 * found["quarter"], found["none"], found["given_back"])
            return [f"{one / live:.3f}" for one in held_bytes]
        rows = grouped(names_of(results, "memory"), cells)
        if rows:
            yield (f"Memory: bytes held for each byte of live objects of {size} bytes",
                   [["", "100,000 live", "25,000 live", "none (of 100,000)", "and given back"],
                    [BARE, *cells(BARE)], *rows])


def count_tables(results):
    counts = {(count["subject"], count["size"], count["workload"]): count for count in results.of("count")}
    workloads = [workload for workload in WORKLOADS if any(key[2] == workload for key in counts)]
    for size in sizes_of(results, "count"):
        def cells(name, size=size):
            found = [counts.get((name, size, workload)) for workload in workloads]
            return [f"{one['instructions']:.0f} / {one['misses']:.2f}" if one else None for one in found]
        rows = [[BARE, *cells(BARE)], *grouped(names_of(results, "count"), cells)]
        yield (f"Instructions / L1 data misses a pair, {size} bytes (a cache of 48 KiB, 12 ways)",
               [["", *workloads], *rows])


def in_percent(change):
    return None if change is None else f"{100 * (change - 1):+.0f} %"


def rate_table(results):
    rates = results.of("rate")
    keys = dict.fromkeys((rate["what"], rate["unit"]) for rate in rates)
    with_old = any(rate["tree"] == "old" for rate in rates)
    rows = []
    for what, unit in keys:
        new, old = results.rate(what, unit, "new"), results.rate(what, unit, "old")
        shown = [None if rate is None else number(rate) for rate in (new, old)]
        cells = [*shown, in_percent(results.change_of_rate(what, unit))] if with_old else shown[:1]
        rows.append([f"{what}: {unit}", *cells])
    if rows:
        yield ("The harness: what it does in a second of processor time",
               [["", "new", "older", "change"][:len(rows[0])], *rows])


def older_tables(results):
    names = [name for name in names_of(results, "time") if OLDER + name in names_of(results, "time")]
    for size in sizes_of(results, "time"):
        def cells(name, size=size):
            row = []
            for workload in WORKLOADS:
                live = live_of(results, workload)
                new, old = (results.median(tree + name, workload, size, live) for tree in ("", OLDER))
                row.append(short(new / old) if new is not None and old else None)
            return row
        if rows := grouped(names, cells):
            yield f"Objects of {size} bytes: times what the older tree takes", [["", *WORKLOADS], *rows]

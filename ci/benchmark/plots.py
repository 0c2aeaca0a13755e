"""Results as SVG files, by matplotlib: a program, since matplotlib may be another Python's than the first in the path.

usage: plots.py results.json"""

import pathlib
import subprocess
import sys

if __name__ == "__main__":
    sys.path[0] = str(pathlib.Path(__file__).resolve().parents[1])  # modules are named from ci/ on

from benchmark.results import BARE, OLDER, Results
from benchmark.tables import GROUPS, WORKLOADS, live_of, order_of, sizes_of

COLOURS = ["tab:blue", "tab:cyan", "tab:green", "tab:gray"]  # of the groups


def python():
    """A Python that has matplotlib: this one, or Debian's. None if there is none."""
    for program in (sys.executable, "/usr/bin/python3"):
        try:
            tried = subprocess.run([program, "-B", "-c", "import matplotlib.pyplot"], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        except OSError:
            continue
        if tried.returncode == 0:
            return program
    return None


def _colour(name):
    return next((colour for colour, (_, belongs) in zip(COLOURS, GROUPS) if belongs(name)), "black")


def _ordered(names):
    return [name for _, belongs in GROUPS for name in sorted(filter(belongs, names), key=order_of)]


def _bars(axes, names, values, title):
    shown = [(name, value) for name, value in zip(names, values) if value is not None]
    names, values = [name for name, _ in shown], [value for _, value in shown]
    axes.bar_label(axes.barh(names, values, color=list(map(_colour, names))), fmt="%.2f", padding=2, fontsize=6)
    axes.margins(x=0.15)
    axes.invert_yaxis()
    axes.set_title(title, fontsize=9)
    axes.tick_params(labelsize=6)


def _time_plots(results, pyplot):
    measured = [time for time in results.of("time") if time["workload"] in WORKLOADS]
    names = _ordered(dict.fromkeys(time["subject"] for time in measured))
    for size in sorted({time["size"] for time in measured}):
        figure, grid = pyplot.subplots(2, 4, figsize=(16, 4 + len(names) / 5), sharey=True, layout="constrained")
        for axes, workload in zip(grid.flat, WORKLOADS):
            live = live_of(results, workload)
            _bars(axes, names, [results.ratio(name, workload, size, live) or 0 for name in names], workload)
            axes.axvline(1, color="black", linewidth=0.5)
            axes.set_xscale("symlog", linthresh=1)
        grid[0][0].invert_yaxis()  # shared, and turned round eight times
        figure.suptitle(f"Objects of {size} bytes: times what the bare list takes")
        yield f"times_{size}", figure


def _growth_plot(results, pyplot):
    growth = [time for time in results.of("time") if time["workload"] == "growth"]
    if not growth:
        return
    figure, axes = pyplot.subplots(figsize=(10, 6), layout="constrained")
    size, lives = growth[0]["size"], sorted({time["live"] for time in growth})
    axes.set_prop_cycle(color=pyplot.get_cmap("tab20").colors)
    for name in _ordered(dict.fromkeys(time["subject"] for time in growth)):
        ratios = [results.ratio(name, "growth", size, live) for live in lives]
        axes.plot(lives, [float("nan") if r is None else r for r in ratios], marker="o", label=name,
                  linestyle="--" if name.startswith(OLDER) or name.endswith("/Unchecked") else "-")
    axes.set_xscale("log")
    axes.set_xlabel("live objects")
    axes.set_title(f"Churn (W5), {size} bytes: times what the bare list takes")
    axes.legend(fontsize=7)
    yield "growth", figure


def _memory_plot(results, pyplot):
    for size in sizes_of(results, "memory"):
        held = {memory["subject"]: memory for memory in results.of("memory") if memory["size"] == size}
        names = [BARE, *_ordered(held)] if BARE in held else _ordered(held)
        figure, axes = pyplot.subplots(figsize=(8, 2 + len(names) / 5), layout="constrained")
        _bars(axes, names, [held[name]["all"] / held[name]["objects"] / size for name in names],
              f"Bytes held for each byte of 100,000 live objects of {size} bytes")
        axes.set_xlim(left=0.9)
        yield f"memory_{size}", figure


def _count_plot(results, pyplot):
    for size in sizes_of(results, "count"):
        for workload, what in (("W7", "instructions"), ("W5", "misses")):
            found = {count["subject"]: count[what] for count in results.of("count")
                     if count["size"] == size and count["workload"] == workload}
            names = [BARE, *_ordered(found)] if BARE in found else _ordered(found)
            figure, axes = pyplot.subplots(figsize=(8, 2 + len(names) / 5), layout="constrained")
            _bars(axes, names, [found[name] for name in names], f"{what.capitalize()} a pair, {workload}, {size} bytes")
            yield f"{what}_{size}", figure


def files(folder):
    """The plots that are there."""
    names = ("times_*", "growth", "memory_*", "instructions_*", "misses_*")
    return [path for name in names for path in folder.glob(f"{name}.svg")]


def remove(folder):
    """Those of an earlier run would stand beside other results."""
    for path in files(folder):
        path.unlink()


def draw(file):
    """Writes the plots beside the file of the results."""
    import matplotlib
    matplotlib.use("svg")
    from matplotlib import pyplot
    results = Results.read(file)
    remove(file.parent)
    for make in (_time_plots, _growth_plot, _memory_plot, _count_plot):
        for name, figure in make(results, pyplot):
            figure.savefig(file.parent / f"{name}.svg", metadata={"Date": None})
            pyplot.close(figure)


if __name__ == "__main__":
    draw(pathlib.Path(sys.argv[1]))

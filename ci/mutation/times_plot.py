"""Times to a bug as an SVG file, by matplotlib: a program, since matplotlib may be another Python's than the first in
the path.

usage: times_plot.py DATA.json PLOT.svg"""

import json
import math
import pathlib
import sys

if __name__ == "__main__":
    sys.path[0] = str(pathlib.Path(__file__).resolve().parents[1])  # modules are named from ci/ on

from mutation.times_page import entries_of, median

MARKERS = ("o", "s", "^", "v", "D")
COLOURS = ("tab:gray", "tab:blue", "tab:green", "tab:olive", "tab:red")


def draw(data, file):
    import matplotlib
    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "slabproof", "svg.fonttype": "none"})  # of the same results one file
    from matplotlib import pyplot
    bugs = data["bugs"]
    figure, grid = pyplot.subplots(1, 2, figsize=(12, 2 + len(bugs) / 2.8), sharey=True, layout="constrained")
    for axes, what in zip(grid, ("executions", "seconds")):
        axes.set_xscale("log")
        for engine, marker, colour in zip(data["engines"], MARKERS, COLOURS):
            medians = [median(entries_of(data["entries"], bug, engine, data["seeds"]), what) for bug in bugs]
            # The explorer fails at its start without a try, and a logarithm has no 0.
            found = [(max(x, 1) if what == "executions" else x, y) for y, x in enumerate(medians)
                     if x is not None and math.isfinite(x)]
            axes.scatter([x for x, _ in found], [y for _, y in found], marker=marker, color=colour, label=engine,
                         alpha=0.8, zorder=2)
            if what == "seconds":
                axes.scatter([data["limit"]] * len(bugs), [y if x is not None and math.isinf(x) else math.nan
                                                           for y, x in enumerate(medians)],
                             marker=marker, facecolors="none", edgecolors=colour, zorder=2)
        axes.set_yticks(range(len(bugs)), bugs, fontsize=8)
        axes.grid(linewidth=0.3)
        axes.set_title(f"{what}, median" + (f"; hollow: not found in {data['limit']} s" if what == "seconds" else ""),
                       fontsize=9)
    grid[0].invert_yaxis()
    grid[0].legend(fontsize=7)
    figure.savefig(file, metadata={"Date": None})


if __name__ == "__main__":
    draw(json.loads(pathlib.Path(sys.argv[1]).read_text()), sys.argv[2])

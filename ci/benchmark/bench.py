"""Measures slab's caches beside a bare free list, other pools and mallocs, all in one process and one run;
their memory and their instructions; heaps of any size with what real programs ask malloc for; and how fast
the harness is. docs/performance.md says how to read it.

Prints tables of Markdown, and writes them, results.json and, with matplotlib, plots as SVG files. What is not
installed is left out, and said: ci/setup --bench installs it. Ctrl-C ends a run early; the tables then show
what was measured until then. Progress is told on stderr.

exit: 0 measured, 2 not, or not all of it"""

import argparse
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile

if __name__ == "__main__":
    sys.path[0] = str(pathlib.Path(__file__).resolve().parents[1])  # modules are named from ci/ on
    from shared import child_process
    SIGNALS = child_process.Signals()  # before the other imports, which take a while

from benchmark import field, harness, machine, mixes, older, plots
from benchmark.page import page_of
from benchmark.progress import Progress
from benchmark.results import Results
from shared import child_process, command
from shared.command import CannotWork, Stopped
from shared.targets import BUILD, ROOT
from shared.text import shown_path

PARTS = ["times", "growth", "statistics", "memory", "counts", "mixes", "harness"]
WRITTEN = ["results.json", "tables.md"]
SIZES = [32, 64, 256, 2048]


def list_of(allowed):
    """What reads a list of them, with commas."""
    def read(text):
        named = {str(one): one for one in allowed}
        for part in text.split(","):
            if part not in named:
                raise argparse.ArgumentTypeError(f"{part!r} is none of {', '.join(named)}")
        return [named[part] for part in dict.fromkeys(text.split(","))]
    return read


def rounds(text):
    if not text.isdecimal() or not 1 <= int(text) <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to 1000")
    return int(text)


def folder(text):
    if not text:
        raise argparse.ArgumentTypeError("no folder is named")
    return pathlib.Path(text)


def options():
    parser = command.parser("ci/bench", __doc__)
    parser.add_argument("--quick", action="store_true",
                        help="fewer sizes, slabs and rounds: within three minutes, once everything is built "
                             "and without --old")
    parser.add_argument("--parts", metavar="P,P", type=list_of(PARTS), default=PARTS,
                        help="only these of " + ", ".join(PARTS))
    parser.add_argument("--sizes", metavar="N,N", type=list_of(SIZES), help="of objects, of 32, 64, 256 and 2048")
    parser.add_argument("--recordings", metavar="FILE", type=pathlib.Path, nargs="+",
                        help="the mixes are of what bench/mixes/record.py --keep has recorded in these files")
    parser.add_argument("--rounds", metavar="N", type=rounds,
                        help="measurements of which the median is told (15; quick 7)")
    parser.add_argument("--old", metavar="COMMIT",
                        help="measures that commit's caches and harness as well, in the same run")
    parser.add_argument("--output", metavar="FOLDER", type=folder, default=BUILD / "measured",
                        help="where the files are written (build/measured)")
    parser.add_argument("--show", metavar="FILE", type=pathlib.Path,
                        help="measures nothing: tables, and plots beside it, of a results.json")
    chosen = parser.parse_args()
    if others := [name for name, value in vars(chosen).items() if name != "show" and value != parser.get_default(name)]:
        if chosen.show:
            parser.error(f"--show measures nothing: --{others[0]} does not go with it")
    if chosen.recordings and "mixes" not in chosen.parts:
        parser.error("--recordings are for the part that is called mixes")
    for file in chosen.recordings or ():
        if not file.is_file():
            raise CannotWork(f"--recordings {file}: there is no such file")
    return chosen


def claim(output):
    """Makes the folder, and sees that all can be written there that is written after hours of measuring."""
    for name in WRITTEN:
        if (output / name).is_dir():
            raise CannotWork(f"{output / name} is a folder, in the place of a file that is written")
    try:
        output.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=output):
            pass
    except OSError as error:
        raise CannotWork(f"--output {output}: nothing can be written there: {error.strerror}") from None
    plots.remove(output)


def build_field(old_tree, signals):
    """ci/build configures each time, so that an older tree comes and goes with the environment."""
    environment = {"SLAB_BENCH_OLDER": str(old_tree or "")}
    for words in (["setup", "--boost"], ["build", "bench", "field", "heaps"]):
        code, _ = child_process.run([ROOT / "ci" / words[0], *words[1:]], signals,
                                    env={**os.environ, **environment})
        signals.check("it was built; nothing was measured")
        if code != 0:
            raise CannotWork("nothing was measured; the reason is above")


def measure(chosen, old_tree, signals, results, progress):
    """Goes through the parts, and writes the results after each."""
    choice = field.Choice(chosen.quick, chosen.sizes, chosen.rounds)
    of_field = {"times": field.measure_times, "growth": field.measure_growth, "statistics": field.measure_statistics,
                "memory": field.measure_memory, "counts": field.measure_counts}
    names = []
    if set(chosen.parts) != {"harness"}:
        build_field(old_tree, signals)
    if set(chosen.parts) & set(of_field):
        names = field.subjects(signals, results)
    results.facts["machine"] = machine.facts(shlex.join(["ci/bench", *sys.argv[1:]]))
    for part in chosen.parts:
        try:
            if part == "harness":
                rounds = chosen.rounds or (7 if not chosen.quick else 3 if old_tree else 1)
                harness.measure(chosen.quick, old_tree, min(rounds, 9), signals, results, progress)
            elif part == "mixes":
                mixes.measure(chosen.recordings or mixes.MIXES, choice, signals, results, progress)
            else:
                of_field[part](choice, names, signals, results, progress)
        except Stopped:  # told below, with what there is all the same
            pass
        finally:
            progress.end()
            results.facts["machine"]["load after"] = machine.load()
            results.write(chosen.output / "results.json")
        measured = "what is shown was measured until then" if results.has_any() else "nothing was measured"
        signals.check(f"it measured the {part}; {measured}")


def tell(results, folder, signals, progress):
    shown = page_of(results)
    (folder / "tables.md").write_text(shown)
    print(shown, end="", flush=True)
    file, python = folder / "results.json", plots.python()
    written = f"{shown_path(folder)} has results.json and the tables"
    if not python:
        progress.say(f"{written}; no plots, since matplotlib is not installed; ci/setup --bench installs it")
        return
    if signals.count:  # whoever ended the run does not wait for them
        progress.say(f"{written}; ci/bench --show {shown_path(file)} draws the plots")
        return
    progress.say("drawing the plots")
    code, said = child_process.run([python, "-B", plots.__file__, file], signals, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT)
    signals.check(f"it drew the plots; {written}")
    if code != 0:
        raise CannotWork(f"the plots could not be drawn: {said.decode(errors='replace').strip()[-2000:]}")
    progress.say(f"{written}, and {len(plots.files(folder))} plots")


def main():
    chosen, progress = options(), Progress()
    if chosen.show:
        if chosen.show.name != "results.json":
            raise CannotWork(f"{chosen.show}: only a results.json, which an earlier run wrote, can be shown")
        results = Results.read(chosen.show)
        if not results.has_any():
            raise CannotWork(f"{chosen.show}: nothing was measured")
        tell(results, chosen.show.parent, SIGNALS, progress)
        return 0
    commit = None if chosen.old is None else older.commit_of(chosen.old)
    claim(chosen.output)
    old_tree = commit and older.unpack(commit)
    results, wrong = Results(), None
    try:
        measure(chosen, old_tree, SIGNALS, results, progress)
    except CannotWork as reason:
        wrong = reason
    if results.has_any():
        tell(results, chosen.output, SIGNALS, progress)
    if wrong:
        raise wrong
    return 0


if __name__ == "__main__":
    sys.exit(command.run(main, "ci/bench"))

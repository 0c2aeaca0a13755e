"""Whether the judge still says of each cache that is broken on purpose (fuzz/planted/bugs.py) what it did without a
mutant: an invariant, a cause and what was expected, of a program that shows the bug. Run by ci/mutants --judge. Without
a mutant, SLAB_MUTANT=0, it notes beside the program what is said.

usage: escapes.py SLAB_REPLAY_PLANTED
exit: 0 it says the same of all, 1 it does not of one, whose signature is told, 2 that could not be found out"""

import json
import os
import pathlib
import sys

if __name__ == "__main__":
    sys.path[0] = str(pathlib.Path(__file__).resolve().parents[1])  # modules are named from ci/ on
    sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "fuzz"))

from planted import bugs, golden
from planted.tool import Tool
from shared import command
from shared.command import CannotWork
from shared.targets import ROOT


def said_of(replay, number, trace):
    """In the words of golden_verdicts.txt; of what is no answer, its end."""
    done = replay(number, "--json", trace)
    try:
        return golden.words_of(json.loads(done.stdout))
    except (ValueError, KeyError, TypeError):
        return f"no answer | exit {done.returncode}"


def note(replay, known):
    """Asks twice: what differs then depends on more than the judge."""
    traces = known.parent / "planted_traces"
    traces.mkdir(exist_ok=True)
    said = {}
    for number, bug in enumerate(bugs.BUGS, 1):
        trace = traces / f"{number}.trace"
        trace.write_text(bugs.trace_of(bug, ROOT))
        first, second = (said_of(replay, number, trace) for _ in range(2))
        if first.startswith("no answer"):
            raise CannotWork(f"{replay.path} does not answer about {bug.name}: {first}")
        if first == second:
            said[bug.name] = [number, str(trace), first]
    found = sum(not words.startswith("agreed") for _, _, words in said.values())
    if 2 * found < len(bugs.BUGS):
        raise CannotWork(f"{replay.path} finds no more than {found} of {len(bugs.BUGS)} bugs without a mutant")
    known.write_text(json.dumps(said))


def compare(replay, known):
    for name, (number, trace, before) in json.loads(known.read_text()).items():
        now = said_of(replay, number, trace)
        if now != before:
            print(f"signature: {before.split(' ')[0]} of {name}\nnow: {now}\nbefore: {before}")
            return 1
    return 0


def main():
    if len(sys.argv) != 2 or not pathlib.Path(sys.argv[1]).is_file():
        print(__doc__, file=sys.stderr)
        return 2
    replay, known = Tool(sys.argv[1]), pathlib.Path(sys.argv[1]).parent / "said_of_planted_bugs.json"
    if os.environ.get("SLAB_MUTANT", "0") == "0":
        note(replay, known)
        return 0
    if not known.exists():
        raise CannotWork(f"{known} is missing: what is said without a mutant comes first")
    return compare(replay, known)


if __name__ == "__main__":
    sys.exit(command.run(main, "ci/mutation/escapes.py"))

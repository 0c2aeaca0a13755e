#!/usr/bin/env python3
"""Word for word what the judge says of each planted bug's program, and of the committed regressions on a correct cache:
golden_verdicts.txt beside this file. A change of the judge that is meant to change no verdict leaves it as it is.
usage: golden.py SLAB_REPLAY_PLANTED    rewrites the file from what that replay tool says
exit: 0 written, 2 it could not be asked"""

import concurrent.futures
import pathlib
import sys
import tempfile

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:1] = [str(ROOT / "ci"), str(ROOT / "fuzz")]
from planted import bugs as planted_bugs
from planted.tool import Tool

FILE = ROOT / "fuzz/planted/golden_verdicts.txt"
HEAD = """\
# What the judge says of the program of each bug in bugs.py, and of each regression on a correct cache: signature and
# verdict line. Of a death, whose place and address are the compiler's and the sanitizer's, what the judge itself knows:
# the step, and what was due in it. Written by fuzz/planted/golden.py build/asan/bin/slab_replay_planted.
"""


def words_of(facts):
    """What is golden in an answer of slab_replay --json."""
    if facts["outcome"] in ("agreed", "violated"):
        return " | ".join(filter(None, (facts["signature"], facts["sentence"])))
    due = f", expected {facts['expected']}" if facts["expected"] else ""
    return (f"{facts['outcome']} | {facts['outcome']} at step {facts['step']} ({facts['operation']}): "
            f"{facts['invariant'] or 'nothing due'}{due}")


def regressions(root=ROOT):
    return sorted((root / "corpus/regressions").glob("*.trace"))


def words_of_regressions(replay, root=ROOT):
    """One process asks all of them."""
    files = regressions(root)
    answers = replay.answers(0, files)
    if len(answers) != len(files):
        raise ValueError(f"{len(answers)} answers about {len(files)} regressions")
    return {f"regressions/{file.stem}": words_of(facts) for file, facts in zip(files, answers)}


def problems_of(said):
    """How `said`, the words by name, differs from the file."""
    lines = [line for line in FILE.read_text().splitlines() if not line.startswith("#")]
    golden = dict(line.split(": ", 1) for line in lines)
    problems = [f"{FILE.name}: {name}\n  golden: {golden.get(name)}\n  said:   {said.get(name)}"
                for name in sorted(golden.keys() | said.keys()) if golden.get(name) != said.get(name)]
    return problems if golden else [f"{FILE.name} has no verdicts"]


def main():
    if len(sys.argv) != 2 or not pathlib.Path(sys.argv[1]).is_file():
        print(__doc__, file=sys.stderr)
        return 2
    replay = Tool(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        def said_of(numbered):
            number, bug = numbered
            trace = pathlib.Path(folder) / f"{bug.name}.trace"
            trace.write_text(planted_bugs.trace_of(bug, ROOT))
            return bug.name, words_of(replay.facts(number, trace))

        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            said = dict(pool.map(said_of, enumerate(planted_bugs.BUGS, 1)))
    said |= words_of_regressions(replay)
    FILE.write_text(HEAD + "".join(f"{name}: {words}\n" for name, words in said.items()))
    print(f"{len(said)} verdicts in {FILE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

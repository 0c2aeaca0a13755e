"""docs/coverage.md."""

import collections

from reach.groups import KINDS

HEAD = """# Coverage

What the committed corpus (`corpus/`) reaches of `allocator/`, and what it cannot; beside it the explorer and the
RapidCheck state machines. This page is written by `ci/coverage --markdown docs/coverage.md`; `ci/coverage --help` says
how it counts, and `--html FOLDER` shows the sources. The replay of the corpus took SECONDS seconds of one processor,
compiled without optimisation.

Of lines, branches (each condition once true and once false) and MC/DC (each condition that is no constant has decided
by itself, in one instantiation): what ran, of what can. Left out is what no program can reach, as many of each. That
is judged. The last column is not: in how many instantiations the same conditions have decided by themselves, of those
that have them. A function is compiled for each geometry of a `Cache`, for `DynamicCache`, for each number of empty
slabs kept, for each size of an entry of the table of slots.

| row and policy | lines | branches | MC/DC | left out | MC/DC in each instantiation |
| --- | ---: | ---: | ---: | ---: | ---: |
"""


ENGINES = """
What else runs programs, alone: how much it reaches of what the corpus does, of each in the same order. The explorer
visits every state of the worlds of its tests, where nothing is large; of the properties, RapidCheck's state machines
run as many programs as in the tests. The last column is what all of these reach together and the corpus does not,
although it is left out below as out of reach.

"""


def reached(one, corpus):
    """Of a group, the three counts; in short where they are those of the corpus."""
    counts = [one.reached_with(corpus, kind) for kind in KINDS]
    if not any(corpus.ran.values()):
        return "–"
    return "all" if counts == [corpus.ran[kind] for kind in KINDS] else ", ".join(map(str, counts))


def write(path, columns, seconds):
    """`columns`: engine -> the figures of each group. `seconds`: of a processor, that the replay of the corpus took."""
    every = columns["corpus"]
    with open(path, "w", encoding="utf-8") as file:
        file.write(HEAD.replace("SECONDS", f"{seconds:.0f}"))
        for one in every:
            counts = " | ".join(f"{one.ran[kind]} of {one.possible(kind)}" for kind in KINDS)
            left_out = ", ".join(str(one.left_out(kind)) for kind in KINDS)
            file.write(f"| {one.name} | {counts} | {left_out} | {one.shown} of {one.in_instantiations} |\n")
        engines = [name for name in columns if name not in ("corpus", "all")]
        file.write(f"{ENGINES}| row and policy | corpus | {' | '.join(engines)} | together, beyond the corpus |\n"
                   f"| --- | ---: |{' ---: |' * len(engines)} ---: |\n")
        for number, one in enumerate(every):
            told = [reached(columns[name][number], one) for name in engines]
            beyond = ", ".join(str(len(columns["all"][number].reached[kind] - one.reached[kind])) for kind in KINDS)
            own = ", ".join(str(one.ran[kind]) for kind in KINDS)
            file.write(f"| {one.name} | {own} | {' | '.join(told)} | {beyond} |\n")
        file.write("\nWhy something is left out, and in how many places of which files:\n\n")
        reasons = collections.defaultdict(set)
        for one in every:
            for missing in one.missing:
                if missing.why:
                    reasons[missing.why].add((missing.file, missing.line))
        file.write("| reason | lines | in |\n| --- | ---: | --- |\n")
        for why, places in sorted(reasons.items()):
            files = ", ".join(f"`{file[5:]}`" for file in sorted({file for file, _ in places}))
            file.write(f"| {why} | {len(places)} | {files} |\n")

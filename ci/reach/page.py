"""docs/coverage.md."""

import collections

from reach.groups import KINDS

HEAD = """# Coverage

What the committed corpus (`corpus/`) reaches of `allocator/`, and what it cannot. This page is written by
`ci/coverage --markdown docs/coverage.md`; `ci/coverage --help` says how it counts, and `--html FOLDER` shows the
sources.

Of lines, branches (each condition once true and once false) and MC/DC (each condition that is no constant has decided
by itself, in one instantiation): what ran, of what can. Left out is what no program can reach, as many of each. That
is judged. The last column is not: in how many instantiations the same conditions have decided by themselves, of those
that have them. A function is compiled for each geometry of a `Cache`, for `DynamicCache`, for each number of empty
slabs kept, for each size of an entry of the table of slots.

| row and policy | lines | branches | MC/DC | left out | MC/DC in each instantiation |
| --- | ---: | ---: | ---: | ---: | ---: |
"""


def write(path, every):
    with open(path, "w", encoding="utf-8") as file:
        file.write(HEAD)
        for one in every:
            counts = " | ".join(f"{one.ran[kind]} of {one.possible(kind)}" for kind in KINDS)
            left_out = ", ".join(str(one.left_out(kind)) for kind in KINDS)
            file.write(f"| {one.name} | {counts} | {left_out} | {one.shown} of {one.in_instantiations} |\n")
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

#!/usr/bin/env python3
"""docs/invariants.md and the enumerators of model/judge/invariant.hpp are the same ids; the file that the page names
for an id has Invariant::ID in its code; and a test of something broken on purpose must get the verdict with that id."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE, ENUM = "docs/invariants.md", "model/judge/invariant.hpp"
BREAKS = ("model/subject/sabotage_test.cpp", "model/judge/geometry_oracle_test.cpp",
          "model/judge/trace_oracle_test.cpp", "model/subject/claims_test.cpp", "model/subject/subject_test.cpp",
          "fuzz/planted/hosted_edits.py", "fuzz/planted/locked_edits.py",
          "properties/locked/threads_test.py", "model/subject/slab_locked_test.cpp")
ROW = re.compile(r"^\| ([A-Z]\d+) \|.*\| `([^`|]+)` \|$|^\| ([A-Z]\d+) \|.*$", re.MULTILINE)
ENUMERATOR = re.compile(r"^  ([A-Z]\d+)(?= = |,|$)", re.MULTILINE)


def problems_of(read):
    """Yields a sentence for each disagreement; `read` gives the text of a path, or None where there is no such file."""
    places = {}
    for with_place, place, without in ROW.findall(read(PAGE)):
        if without:
            yield f"{PAGE}: {without} names no file in its last column"
        elif with_place in places:
            yield f"{PAGE}: {with_place} is there twice"
        places[with_place or without] = place
    ids = ENUMERATOR.findall(read(ENUM))
    if not places or not ids:
        yield f"{PAGE} or {ENUM} has no ids"
    yield from (f"{ENUM} lacks {id}" for id in places if id not in ids)
    yield from (f"{PAGE} lacks {id}" for id in ids if id not in places)
    tests = re.sub(r"//.*", "", "".join(read(test) or "" for test in BREAKS))
    broken = set(re.findall(r"\bInvariant::(\w+)|\"([A-Z]\d+)\b", tests))
    broken = {name for names in broken for name in names}
    yield from (f"{BREAKS[0]} breaks nothing that is {id}" for id in ids if id not in broken)
    for id, place in places.items():
        text = read(place) if place else ""
        if text is None:
            yield f"{PAGE}: {id} is said to be checked in {place}, which does not exist"
        elif place and not re.search(rf"\bInvariant::{id}\b", re.sub(r"//.*", "", text)):
            yield f"{PAGE}: {id} is said to be checked in {place}, where there is no Invariant::{id}"


# What is wrong in a small page, and in the files that it names.
PLANTED = {
    PAGE: "| id | | invariant | checked in |\n| --- | --- | --- | --- |\n| A1 | o | right | `a.cpp` |\n"
          "| A2 | o | elsewhere | `a.cpp` |\n| A3 | o | gone | `b.cpp` |\n| A4 | o | nowhere |\n"
          "| A5 | o | not in the code | `a.cpp` |\n| A1 | o | again | `a.cpp` |\n",
    ENUM: "enum class Invariant {\n  None,\n  A1 = 1,\n  A2,\n  A3,\n  A4,\n  A6\n};\n",
    BREAKS[0]: "{Invariant::A1, None}, {Invariant::A2, None}, // Invariant::A4\n {Invariant::A3, None}",
    BREAKS[1]: '{"A6/geometry"}',
    "a.cpp": "violate(Invariant::A1);  // Invariant::A2\nviolate(Invariant::A22);\nviolate(Invariant::A5);\n",
}
EXPECTED = {
    f"{PAGE}: A1 is there twice",
    f"{PAGE}: A2 is said to be checked in a.cpp, where there is no Invariant::A2",
    f"{PAGE}: A3 is said to be checked in b.cpp, which does not exist",
    f"{PAGE}: A4 names no file in its last column",
    f"{ENUM} lacks A5",
    f"{BREAKS[0]} breaks nothing that is A4",
    f"{PAGE} lacks A6",
}


def main():
    found = set(problems_of(PLANTED.get))
    problems = [f"not found: {p}" for p in sorted(EXPECTED - found)]
    problems += [f"found where nothing is wrong: {p}" for p in sorted(found - EXPECTED)]
    problems += problems_of(lambda path: (ROOT / path).read_text() if (ROOT / path).is_file() else None)
    print("\n".join(problems) or "every invariant is checked where the page says, and broken by a test")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

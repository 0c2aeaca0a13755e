#!/usr/bin/env python3
"""ci/prove claims nothing that z3 has not said; docs/proofs.md has the lemmas that are proved, in their words, and no
others.

usage: prove_test.py PROGRAM   which compares formulas and C++"""

import os
import pathlib
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import prove

# What a z3 says, and what ci/prove must say then; None: there is no z3.
ANSWERS = [
    ("echo unsat", 0, "1 lemmas are proved"),
    ("echo unknown", 2, "unknown: that nothing wraps"),
    ("echo timeout", 2, "timeout: "),
    (":", 2, "z3 said nothing: "),
    ("echo '(error \"line 1\")'; echo unsat", 2, '(error "line 1"): '),
    ("printf 'sat\\n((v_a 1)\\n (v_b 2))\\n'", 2, "z3 has values, but not for the lemma"),
    ("kill -9 $$", 2, "z3 said nothing: "),
    (None, 2, "z3 is not installed"),
]


def said_with(program, answer):
    with tempfile.TemporaryDirectory() as folder:
        if answer is not None:
            z3 = pathlib.Path(folder) / "z3"
            z3.write_text(f"#!/bin/sh\ncat >/dev/null\n{answer}\n")
            z3.chmod(0o755)
        cat = pathlib.Path("/usr/bin/cat")
        (pathlib.Path(folder) / "cat").symlink_to(cat if cat.exists() else "/bin/cat")
        done = subprocess.run(
            [sys.executable, "-B", prove.HERE / "prove.py", "--only", "same_product", "--points", "10", "--search", "1",
             "--agreement", program], env={**os.environ, "PATH": folder}, stdin=subprocess.DEVNULL, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


def problems_of_answers(program):
    for answer, code, words in ANSWERS:
        found, text = said_with(program, answer)
        if found != code or words not in text:
            yield f"where z3 is {answer}: {found}\n{text}"
        if code != 0 and "are proved" in text:
            yield f"where z3 is {answer}, something is claimed:\n{text}"


def problems_of_page():
    page = (prove.ROOT / "docs/proofs.md").read_text().splitlines()
    there = [line for line in page if line.startswith("| `") and line.endswith((" integers |", " words |", " C++ |"))]
    rows = list(prove.rows())
    yield from (f"not on the page: {row}" for row in rows if row not in there)
    yield from (f"no lemma: {row}" for row in there if row not in rows)


if __name__ == "__main__":
    found = [*problems_of_page(), *problems_of_answers(sys.argv[1])]
    print("\n".join(found)
          or f"{len(list(prove.rows()))} lemmas are on the page; {len(ANSWERS)} answers are understood")
    sys.exit(1 if found else 0)

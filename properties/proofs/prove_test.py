#!/usr/bin/env python3
"""ci/prove claims nothing that z3 has not said, and nothing of integers that is not so of words; docs/proofs.md has the
lemmas that are proved, in their words, and no others.

usage: prove_test.py PROGRAM   which compares formulas and C++"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import prove
from lemma import Lemma
from term import const, eq, every, implies, ite, low, ne, var, wide

a, b = var("a"), var("b")
_one = Lemma("one", "", (a >= 1,), a - 1 < a, as_integers=True)
_word = Lemma("word", "", (), a <= const((1 << 64) - 1), as_integers=True)
_product = Lemma("product", "", (), a * b <= const((1 << 64) - 1), as_integers=True, abstract=("mul",))
_growing = Lemma("growing", "", (a <= 9,), a * a <= 81, as_integers=True)
# (given, claim, uses, abstract). False of words, and some of them true of integers.
UNTRUE = [
    ((), a + 1 > a, (), ()), ((), a - b <= a, (), ()), ((ne(b, 0),), eq(a * b // b, a), (), ()),
    ((), wide(a, 128) * wide(b, 128) <= const((1 << 64) - 1, 128), ((_product, {"a": a, "b": b}),), ()),
    ((), a << 1 >= a, (), ()), ((), (a // b) * b <= a - 1, (), ()), ((), (a < b) | (a - b - 1 < a), (), ()),
    ((), eq(ite(a < b, b - a, b - a), wide(low(b - a, 32), 64)), (), ()), ((), ~(a & 5 > 4), (), ()),
    ((), a - 1 < a, ((_one, {"a": a}),), ()), ((), a <= ~b, ((_word, {"a": a + b}),), ()),
    ((a <= b,), a * a <= b * b, ((_growing, {"a": b}),), ("mul",)), ((), eq(a * b, b * a) & (a * b >= a), (), ("mul",))]
TRUE = [
    ((a < b,), b - a >= 1, (), ()), ((a < 1 << 32, b < 1 << 32), a * b + a >= a, (), ()),
    ((), implies(ne(a, 0), a - 1 < a), (), ()), ((), eq(a, 0) | (a - 1 < a), (), ()),
    ((b >= 1,), every(a // b * b <= a, a % b < b), (), ()), ((), eq(a & 7, a % 8), (), ()),
    ((), eq(ite(a < b, b - a, const(0)) >= 1, a < b), (), ()), ((b >= 1, b <= 9), b - 1 < b, ((_one, {"a": b}),), ()),
    ((a <= 9, eq(a, b)), eq(a * b, b * a) & (a * b <= 81), ((_growing, {"a": a}),), ("mul",))]

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


def problems_of_integers():
    """With the z3 that is there."""
    def verdict(claim, as_integers):
        given, whole, uses, abstract = claim
        lemma = Lemma("asked", "", given, whole, as_integers=as_integers, uses=uses, abstract=abstract)
        return next(prove.judged([lemma], "z3", 20, 1))
    for claims, is_true in ((UNTRUE, False), (TRUE, True)):
        for i, claim in enumerate(claims):
            found = verdict(claim, as_integers=True)
            if is_true != (not found.open and found.wrong is None):
                yield f"{'true' if is_true else 'untrue'} claim {i}: {found.open}, {found.wrong}"


def problems_of_page():
    page = (prove.ROOT / "docs/proofs.md").read_text().splitlines()
    there = [line for line in page if line.startswith("| `") and line.endswith((" integers |", " words |", " C++ |"))]
    rows = list(prove.rows())
    yield from (f"not on the page: {row}" for row in rows if row not in there)
    yield from (f"no lemma: {row}" for row in there if row not in rows)


if __name__ == "__main__":
    found = [*problems_of_page(), *problems_of_answers(sys.argv[1])]
    if shutil.which("z3"):
        found += problems_of_integers()
    print("\n".join(found)
          or f"{len(list(prove.rows()))} lemmas are on the page; {len(ANSWERS)} answers are understood")
    sys.exit(1 if found else 0)

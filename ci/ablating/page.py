"""docs/ablation.md."""

import collections

HEAD = """# Ablation: which checks are needed

The judge is what says that an allocator is right, and every check in it is there because without it something would
escape. This page says what. It is written by `ci/ablation --markdown docs/ablation.md`; `ci/ablation --help` says how
it measures.

A check is an invariant of [invariants.md](invariants.md) and the `Cause` of `model/judge/cause.hpp`; of a cache behind
a lock, which has a judge of its own, it is an invariant and a sentence. {count} allocators that are broken on purpose
were run:

{tables}

Of each check:

- *first*: those of which it gives the verdict. Without it the verdict is another one, later, or none.
- *notices*: those that it finds fault with, if nothing stops it before
- *alone*: those that get by in their own program without this check
- *alone at all*: of these, those that get by in the committed regressions and in random programs too; of the saboteur's
  caches only their own program is run

What a judge rejects it does not take as allocated, also where it overlooks what is wrong. Other checks trip over that:
so a check that is not alone may be needed all the same.

| check | first | notices | alone | alone at all |
| --- | ---: | ---: | ---: | ---: |
"""
NAMES = {"cache": "caches with planted bugs (`fuzz/planted/bugs.py`)",
         "saboteur": "caches of `model/subject/saboteur.cpp`", "hosted": "bugs in `<slab/hosted/>`",
         "sizes": "bugs in `SizeClasses`", "locked": "bugs in `Locked` and its lock"}


def write(path, outcomes, tally, tested, reasons):
    counts = collections.Counter(outcome.broken.table for outcome in outcomes)
    tables = "\n".join(f"- {count} {NAMES[name]}" for name, count in counts.items())
    deaths = [outcome.broken.name for outcome in outcomes if not outcome.checks and outcome.end]
    with open(path, "w", encoding="utf-8") as file:
        file.write(HEAD.format(count=len(outcomes), tables=tables))
        for check, *counted in tally.rows():
            file.write(f"| {check} | {' | '.join(map(str, counted))} |\n")
        file.write("\nNeither first nor alone, but a test of the judge fails without them: "
                   f"{', '.join(sorted(tested)) or 'none'}.\n")
        file.write(f"\nNo check notices these, and they die: {', '.join(f'`{name}`' for name in deaths) or 'none'}.\n\n"
                   "## Checks that are neither first nor alone nor tested\n\n| check | why it stays |\n| --- | --- |\n")
        for check, why in reasons.items():
            file.write(f"| {check} | {why} |\n")

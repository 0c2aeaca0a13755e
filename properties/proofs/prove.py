"""Proves what the allocator computes for all 64-bit inputs: its layouts, the products that stand for divisions, seals,
size classes. First the formulas are compared with the C++ at random and at border points, so that what is proved of
them is true of it; then z3 is asked about each lemma. docs/proofs.md has the table, and says what is assumed.

exit: 0 all is proved, 1 a lemma is wrong, or a formula is not what the C++ computes: the point is shown, 2 nothing is
claimed: z3 is missing, does not know, or runs out of time, or the build failed"""

import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "ci"))

import lemmas_geometry
import lemmas_seal
import lemmas_sizes
import lemmas_slots
from formulas import FORMULAS
from lemma import EveryCase, Lemma
from search import counterexample
from shared import command
from shared.command import CannotWork
from smt import ask, is_false_at

NAME = "ci/prove"
KEYS = EveryCase("next_seal_key",
                 "no key has two equal bytes, whatever the key before; the first comes again after 16,320")
STEPS = EveryCase("class_of_steps", "KernelSizes' table of steps gives the smallest class that is large enough")


def lemmas():
    """In an order in which each comes after those that it uses."""
    found = []
    for module in (lemmas_geometry, lemmas_slots, lemmas_seal, lemmas_sizes):
        for value in vars(module).values():
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, Lemma) and one not in found:
                    found.append(one)
    return found


def rows():
    """Of docs/proofs.md: what is said of each, and how it is proved."""
    for case in (KEYS, STEPS):
        yield f"| `{case.name}` | {case.says} | each case, in C++ |"
    for lemma in lemmas():
        yield f"| `{lemma.name}` | {lemma.says} | {'integers' if lemma.as_integers else 'words'} |"


def with_used(chosen):
    """The lemmas of these names, and what they rest on."""
    by_name, wanted = {lemma.name: lemma for lemma in lemmas()}, set()
    for name in chosen:
        if name not in by_name:
            raise CannotWork(f"--only {name}: there is no such lemma; {NAME} --list tells them")
    todo = [by_name[name] for name in chosen]
    while todo:
        lemma = todo.pop()
        if lemma.name not in wanted:
            wanted.add(lemma.name)
            todo += [used for used, _ in lemma.uses]
    return [lemma for lemma in by_name.values() if lemma.name in wanted]


def z3_of_debian():
    found = shutil.which("z3")
    if not found:
        raise CannotWork("z3 is not installed: ci/setup --prove installs it; nothing was proved")
    return found


def built():
    """The program that compares."""
    for step in ([ROOT / "ci/setup", "--prove"], [ROOT / "ci/build", "release", "formulas_agree"]):
        if subprocess.run(step, stdin=subprocess.DEVNULL, stdout=sys.stderr).returncode != 0:
            raise CannotWork("nothing was proved; the reason is above")
    folder = subprocess.run([ROOT / "ci/build", "--where", "release"], capture_output=True, text=True).stdout.strip()
    return pathlib.Path(folder) / "bin/formulas_agree"


def agrees(binary, *words):
    """Whether the formulas are what the C++ computes; says it."""
    done = subprocess.run([binary, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode not in (0, 1) or not done.stdout.strip():
        raise CannotWork(f"{binary} ended with {done.returncode}: {done.stderr.strip()}")
    print(done.stdout.strip(), flush=True)
    return done.returncode == 0


class Verdict:
    """Of one lemma. `wrong`: a counterexample; `open`: why it is not proved."""

    def __init__(self, lemma):
        self.lemma, self.seconds, self.asked, self.wrong, self.open = lemma, 0.0, 0, None, ""

    def add(self, query, claim, answer):
        self.seconds += answer.seconds
        self.asked += 1
        if answer.said == "unsat":
            return
        if answer.said == "sat":
            model = {**answer.model, **getattr(query, "chosen", {})}
            if self.wrong is None and is_false_at(self.lemma.plain(), model):
                self.wrong = model
            self.open = self.open or f"z3 has values, but not for the lemma: {query.of}"
        else:
            self.open = self.open or f"{answer.said.splitlines()[0]}: {query.of}"

    def finish(self, seconds):
        """Of what z3 could not say, some values may show that it is wrong."""
        if self.open and self.wrong is None:
            self.wrong = counterexample(self.lemma.plain(), self.lemma.depends, seconds)


def judged(chosen, z3, seconds, search_seconds):
    """A verdict on each, in this order. Each query is a process of its own, as many at once as there are processors."""
    pool = concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0)))
    try:
        asked = [(lemma, [(query, claim, pool.submit(ask, z3, query, seconds)) for query, claim in lemma.queries()])
                 for lemma in chosen]
        by_name = {}
        for lemma, queries in asked:
            verdict = by_name[lemma.name] = Verdict(lemma)
            for query, claim, future in queries:
                verdict.add(query, claim, future.result())
            verdict.finish(search_seconds)
            for used, _ in lemma.uses:
                of_used = by_name.get(used.name)  # not there where a test asks for one alone
                if of_used and (of_used.open or of_used.wrong) and not verdict.open:
                    verdict.open = f"it rests on {used.name}"
            yield verdict
    finally:  # such as Ctrl-C: what waits is not asked
        pool.shutdown(cancel_futures=True)


def show_wrong(verdict, binary):
    values = (f"{name} = {value}" for name, value in sorted(verdict.wrong.items()) if not name.startswith("cut"))
    print(f"wrong: {verdict.lemma.name}: {verdict.lemma.says}\n  where {', '.join(values)}")
    formula = FORMULAS.get(verdict.lemma.at)
    wrong = {"has_table": 0, "added": 0, **verdict.wrong}  # where it does not depend on them
    if formula and all(name in wrong for name in formula.inputs):
        words = [str(int(wrong[name])) for name in formula.inputs]
        done = subprocess.run([binary, "--at", formula.name, *words], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True)
        print("  " + done.stdout.strip().replace("\n", "\n  ") if done.returncode in (0, 1)
              else "  the C++ is never called with that")
    sys.stdout.flush()


def parsed(words):
    options = command.parser(NAME, __doc__)
    options.add_argument("--points", type=int, default=10_000_000, metavar="N",
                         help="at how many points each formula is compared with the C++: 10,000,000")
    options.add_argument("--seconds", type=command.positive(int), default=120, metavar="N",
                         help="what z3 may take for a query: 120")
    options.add_argument("--search", type=command.positive(int), default=10, metavar="N",
                         help="seconds to look for a counterexample at random where z3 knows none: 10")
    options.add_argument("--only", action="append", default=[], metavar="LEMMA",
                         help="this lemma and those that it rests on; may be repeated")
    options.add_argument("--list", action="store_true", help="tells the lemmas, and proves nothing")
    options.add_argument("--table", action="store_true", help="tells them as the rows of docs/proofs.md")
    options.add_argument("--agreement", type=pathlib.Path, metavar="PROGRAM",
                         help="the program that compares, where it is built already")
    return options.parse_args(words)


def main():
    arguments = parsed(sys.argv[1:])
    if arguments.list:
        for lemma in lemmas():
            print(f"{lemma.name}: {lemma.says}")
        return 0
    if arguments.table:
        print("\n".join(rows()))
        return 0
    if arguments.points <= 0:
        raise CannotWork("--points: there must be some")
    chosen = with_used(arguments.only) if arguments.only else lemmas()
    binary = arguments.agreement or built()
    z3 = z3_of_debian()
    if not agrees(binary, str(arguments.points)) or not agrees(binary, "--every"):
        return 1
    if not arguments.only:
        for case in (KEYS, STEPS):
            print(f"{case.name:<32} every case   {case.says}")
    wrong, unproved, seconds = [], [], 0.0
    for verdict in judged(chosen, z3, arguments.seconds, arguments.search):
        seconds += verdict.seconds
        if verdict.wrong is not None:
            wrong.append(verdict)
            show_wrong(verdict, binary)
        elif verdict.open:
            unproved.append(verdict)
            print(f"{verdict.lemma.name:<32} not proved   {verdict.open}", flush=True)
        else:
            print(f"{verdict.lemma.name:<32} {verdict.seconds:8.1f} s   {verdict.lemma.says}", flush=True)
    if wrong:
        print(f"{len(wrong)} of {len(chosen)} lemmas are wrong: {', '.join(one.lemma.name for one in wrong)}")
        return 1
    if unproved:
        print(f"{len(unproved)} of {len(chosen)} lemmas are not proved: nothing is claimed of them")
        return 2
    print(f"{len(chosen)} lemmas are proved, in {seconds:.0f} s of z3")
    return 0


if __name__ == "__main__":
    sys.exit(command.run(main, NAME))

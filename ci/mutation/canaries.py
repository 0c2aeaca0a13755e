"""Mistakes deep in the states (ci/bugs/canaries/), which each engine must find from a fixed seed in a fixed number of
runs: one that does not find its canary has gone blind."""

import collections
import shutil

from mutation import hunting, named
from mutation.subjects import TARGETS
from shared import limited
from shared.command import CannotWork

Canary = collections.namedtuple("Canary", "name bug program words")
FOLDER = named.FOLDER / "canaries"


def libfuzzer(target, bug, runs, seed=1):
    return Canary(f"libFuzzer, {target}", bug, target, [f"-seed={seed}", f"-runs={runs}", "-max_len=4096",
                                                        "-reload=0", "-close_fd_mask=1", "-artifact_prefix=./", "."])


def rapidcheck(row):
    return Canary(f"RapidCheck, {row}", "third_slab", "state_machine_test",
                  [f"--gtest_filter={row}.AgreesWithTheModelWhenChecked"])


def explorer(row):
    return Canary(f"explorer, {row}", "third_slab", "slab_explore",
                  ["--objects", "2", "--slabs", "3", "--memory", "0.5", "--kept", "1", "--policy", "Checked",
                   "--without-pointers", "--mishaps", "none", "--row", row])


CANARIES = [explorer(row) for row in named.ROWS] + [rapidcheck(row) for row in named.ROWS] + [
    *(libfuzzer(target, "third_slab", 20000) for target in TARGETS),
    libfuzzer("fuzz_geometry", "odd_alignment", 2000000)]
# Does not run the same way each time from a fixed seed, and so may be found late, or by chance not at all.
VARYING = [libfuzzer("fuzz_hosted", "odd_run", 20000, 2)]


def all_bugs():
    ids = named.known_ids()
    return {path.stem: named.read(path, ids) for path in sorted(FOLDER.glob("*.patch"))}


def hunt(subjects, jobs=1, wanted=tuple(CANARIES)):
    """Yields what each engine came to: a canary, how it ended, and what is wrong, or None."""
    bugs, libraries = {name: bug for name, bug in all_bugs().items() if name in {c.bug for c in wanted}}, {}
    for bug in bugs.values():
        folder = subjects.folder / "of" / bug.name
        shutil.rmtree(folder, ignore_errors=True)
        named.copy_with(bug, folder / "tree")
        libraries[bug.name] = subjects.with_bug(bug, folder / "tree", folder / "full")
    for canary in wanted:  # one build after the other
        subjects.engine(bugs[canary.bug].part, canary.program)

    def look(canary):
        bug = bugs[canary.bug]
        return hunting.look(canary, subjects.engine(bug.part, canary.program), libraries[bug.name])

    with limited.pool(jobs) as pool:
        for canary, end in zip(wanted, pool.map(look, wanted)):
            yield canary, end, problem_of(canary, bugs[canary.bug], end)
    for name in bugs:
        shutil.rmtree(subjects.folder / "of" / name, ignore_errors=True)


def problem_of(canary, bug, end):
    if end.found == "nothing":
        raise CannotWork(f"{canary.name} could not do its work: {end.what}")
    if end.found is None:
        return f"{canary.name} does not find its canary, {bug.name}, any more: {bug.what}"
    if end.found not in bug.fires:
        return f"{canary.name} finds its canary as {end.found} ({end.what}), expected {' '.join(bug.fires)}"
    return None

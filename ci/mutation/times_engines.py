"""The engines whose times to a bug are compared: how each is started, and how it says how much it has run."""

import collections
import re

from mutation import hunting, named
from mutation.subjects import TARGETS

# `program(bug)`, `words(bug, seed)`: the program and its arguments. `without`: objects that it is linked without.
# `executions`: what is said of how many programs, inputs or tries it took. `sources`: of the engine itself.
Engine = collections.namedtuple("Engine", "name program words executions sources has_seeds without environment",
                                defaults=(True, (), {}))
MUTATOR = "libfuzzer_mutator.cpp.o"
APART = 1_000_000  # random programs are drawn from successive seeds
MANY = 1_000_000  # programs: the limit of time comes first


def _target(bug):
    return TARGETS[named.ROWS.index(bug.world[0])]


def _libfuzzer(bug, seed):
    # Of itself it controls lengths where there is no mutator alone: for 8,000 inputs none would have an operation.
    return [f"-seed={seed}", f"-runs={1_000_000_000}", "-max_len=4096", "-len_control=0", "-close_fd_mask=1",
            "-artifact_prefix=./", "-print_final_stats=1", "."]


def _rapidcheck(bug, seed):
    row, policy = bug.world
    machine = policy if policy in named.POLICIES else "Guarded"
    return ["--gtest_brief=1", f"--gtest_filter={row}.AgreesWithTheModelWhen{machine}"]


def _explorer(bug, seed):
    return hunting.checks_of(bug)[0].words


ENGINES = (
    Engine("random programs", lambda bug: "slab_replay",
           lambda bug, seed: ["--random", str(MANY), "--seed", str(APART * seed), "--budget", "0.01"],
           r"^found by program (\d+)|^program (\d+) of seed ", ("fuzz/replay",)),
    Engine("RapidCheck", lambda bug: "state_machine_test", _rapidcheck, r": (\d+) programs, ",
           ("properties/machines",), environment={"SLABPROOF_DEEP": "100"}),
    Engine("libFuzzer", _target, _libfuzzer, r"^stat::number_of_executed_units: +(\d+)", ("fuzz/targets",)),
    Engine("libFuzzer without mutator", _target, _libfuzzer, r"^stat::number_of_executed_units: +(\d+)",
           ("fuzz/targets/program_target.cpp", *(f"fuzz/targets/{target}.cpp" for target in TARGETS)),
           without=(MUTATOR,)),
    Engine("explorer", lambda bug: "slab_explore", _explorer, r"DEFECT after \S+ states and ([\d,]+) tries",
           ("properties/explore",), False),
)


def executions_of(engine, said):
    """None where it does not say."""
    found = re.search(engine.executions, said, re.MULTILINE)
    return int(next(filter(None, found.groups())).replace(",", "")) if found else None

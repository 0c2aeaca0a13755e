#!/usr/bin/env python3
"""What slab_replay makes of programs that fail, shown with the planted bugs: each as a test fails on the headers
with its bug and passes without, and is read back out of its test; the judge says of each what is in
fuzz/planted/golden_verdicts.txt; one in four says the same program as bytes, text and test; some are minimized. With
SLABPROOF_DEEP above 1 in the environment all of them, and also an input of the corpus that each bug fails on, minimized
first; tests pass on the real headers then."""

import argparse
import concurrent.futures
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:1] = [str(ROOT / "ci"), str(ROOT / "fuzz")]
from planted import bugs as planted_bugs
from planted import golden
from planted.tool import Tool
from shared.targets import TARGETS

MINIMIZE_SECONDS = 20
AT_ONCE = 3  # processes
AGREEING_SAMPLES = 2  # of a target's corpus; all with SLABPROOF_DEEP
# A death that depends on where a slab lies, which is elsewhere in a test: (bug, name of the case, program).
CHECKED = "on=b0 kind=DynamicCache policy=Checked empty_slabs_kept=1"
DEATH_OF_A_PLACE = ("other_cache_unseen", "other_cache_with_larger_pages", f"""slabproof trace 1
backend b0 reuse=lifo placement=adjacent seed=0
cache c0 {CHECKED} type=Large slab_size=128 page_size=128 object_size=128 object_align=1
cache c1 {CHECKED} type=Small slab_size=128 page_size=64 object_size=56 object_align=1
#0 = alloc c1
#1 = alloc c1
free_through_other #0
""")
DEEP = int(os.environ.get("SLABPROOF_DEEP") or 1) > 1


def program_corpora(root):
    """The folders of committed programs."""
    return [root / "corpus" / name for name, kind in TARGETS.items() if kind.input == "program"]


def test_name(stem):
    return "".join(word.capitalize() for word in stem.split("_"))


def cases(replay, root, folder):
    """Yields (bug's number, its stem, a failing file, how its signature begins): the table's, the death, and in deep
    mode one of the corpus, minimized."""
    for number, bug in enumerate(planted_bugs.BUGS, 1):
        trace = folder / f"{bug.name}.trace"
        trace.write_text(planted_bugs.trace_of(bug, root))
        yield number, bug.name, trace, bug.signature
    bug, stem, text = DEATH_OF_A_PLACE
    (folder / f"{stem}.trace").write_text(text)
    yield planted_bugs.NUMBERS[bug], stem, folder / f"{stem}.trace", "died:"
    for number, bug in enumerate(planted_bugs.BUGS, 1) if DEEP else []:
        inputs = [file for folder in program_corpora(root) for file in folder.iterdir()]
        for file in sorted(inputs, key=lambda f: f.stat().st_size):
            if replay(number, "--quiet", file).returncode == 1:
                small = folder / f"{bug.name}_minimized"
                replay.minimize(number, file, MINIMIZE_SECONDS, small)
                if replay.signature(number, small) != replay.signature(number, file):
                    sys.exit(f"{file} with bug {bug.name} fails in another way when it is minimized")
                yield number, small.name, small, ""
                break


def compile_tests(arguments, folder, stems, headers, program):
    """All tests in one program; each source in a namespace of its own."""
    sources = [(folder / f"{stem}.cpp").read_text() for stem in stems]
    includes = sorted({line for text in sources for line in text.splitlines() if line.startswith("#include")})
    parts = [f'namespace test_{i} {{\n#include "{folder / stem}.cpp"\n}}' for i, stem in enumerate(stems)]
    (folder / "all.cpp").write_text("\n".join(includes + parts) + "\n")
    command = [arguments.compiler, *arguments.flags.split(), "-std=c++20", "-Wall", "-Wextra", "-Werror",
               f"-I{headers}", folder / "all.cpp", "-o", program, "-lgtest", "-lgtest_main"]
    return subprocess.run(command, text=True, capture_output=True)


def at_once(function, *columns):
    """All that `function` makes of each row. Most of a process's time is spent waiting."""
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(function, *columns))


def problems_of(arguments, root, folder):
    replay, made, said = Tool(arguments.replay), {}, {}

    def make_test(number, stem, file, expected):
        test, problems = folder / f"{stem}.cpp", []
        facts = replay.facts(number, file)
        signature = facts["signature"] or facts["outcome"]
        if stem in planted_bugs.NUMBERS:
            said[stem] = golden.words_of(facts)
        if not signature.startswith(expected):
            problems.append(f"{stem}: expected the signature {expected}, got {signature}")
        result = replay(number, "--as-test", "--output", test, file)
        if result.returncode != 1:
            return [*problems, f"{stem}: no test was made: {result.stdout}{result.stderr}"]
        made[stem] = number, signature
        if DEEP or number % 4 == 0:
            problems += [f"{stem}: {problem}" for problem in circle_problems(replay, number, file, folder)]
        if replay.signature(number, test) != signature:
            problems.append(f"{stem}: read out of the test, the program fails in another way")
        return problems

    problems = sum(at_once(make_test, *zip(*cases(replay, root, folder))), [])
    problems += golden.problems_of(said | golden.words_of_regressions(replay))
    programs = {"planted": (folder / "planted_tests", arguments.planted)}
    # The headers with all bugs, and none of them at work, are the real ones.
    programs["real"] = (folder / "real_tests", root / "allocator/include") if DEEP else programs["planted"]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        compiled = [pool.submit(compile_tests, arguments, folder, list(made), headers, program)
                    for program, headers in dict.fromkeys(programs.values())]
        for result in (future.result() for future in compiled):
            if result.returncode != 0:
                return [*problems, f"the tests do not compile:\n{result.stderr}"]

    def run(which, stem, number):
        # What a defect makes endless ends after five seconds of processor time.
        return subprocess.run(["prlimit", "--cpu=5", programs[which][0],
                               f"--gtest_filter=Regression.{test_name(stem)}"], text=True, capture_output=True,
                              env={**planted_bugs.environment(number), "ASAN_OPTIONS": "symbolize=0",
                                   "UBSAN_OPTIONS": "symbolize=0"})

    def run_test(stem, number, signature):
        problems, planted, real = [], run("planted", stem, number), run("real", stem, 0)
        words = ("ERROR: AddressSanitizer", "runtime error: ") if signature.startswith("died:") else (": Failure\n",)
        said = planted.stdout + planted.stderr
        is_shown = planted.returncode != 0 and any(word in said for word in words)
        if not is_shown:
            problems.append(f"{stem}: the test of {signature} does not fail on the headers with the bug:\n{said}")
        if real.returncode != 0 or "[  PASSED  ] 1 test." not in real.stdout:
            problems.append(
                f"{stem}: the test of {signature} does not pass on the real headers:\n{real.stdout}{real.stderr}")
        return problems

    problems += sum(at_once(run_test, *zip(*((stem, *facts) for stem, facts in made.items()))), [])
    problems += minimizing_problems(replay, root, folder) + generated_problems(replay, folder)
    return problems + agreeing_problems(arguments, replay, root, folder) + command_problems(replay, root, folder)


def circle_problems(replay, bug, file, folder):
    """Bytes, text and test of a program that fails: each is made of each of the others, and is the same every time."""
    forms = []
    first_made = folder / f"{file.stem}_circle0"
    for step, source in enumerate((file, first_made, f"{first_made}.trace", f"{first_made}.cpp")):
        made = folder / f"{file.stem}_circle{step}"
        result = replay(bug, "--quiet", "--write-bytes", made, "--write-trace", f"{made}.trace", "--as-test",
                        "--output", f"{made}.cpp", source)
        if result.returncode != 1:
            return [f"exit {result.returncode} from {source}: {result.stderr}"]
        # The test's name is the file's, and so is one in the command.
        forms.append((pathlib.Path(source).name, made.read_bytes(), pathlib.Path(f"{made}.trace").read_text(),
                      re.sub(r"TEST\(Regression, \w+\)|^// g\+\+ .*$", "", pathlib.Path(f"{made}.cpp").read_text(),
                             flags=re.MULTILINE)))
    (_, *first), *others = forms
    return [f"read out of {source}, the {what} differ" for source, *other in others
            for what, a, b in zip(("bytes", "text", "test's lines"), first, other) if a != b]


def generated_problems(replay, folder):
    """Programs of random bytes; with this bug each of them fails before its first operation."""
    bug = planted_bugs.NUMBERS["constructor_makes_a_slab"]
    problems, numbers = [], random.Random(1)
    for length in range(0, 80, 2):  # longer ones have too many operations for a test
        generated = folder / "generated"
        generated.write_bytes(numbers.randbytes(length))
        problems += [f"{length} random bytes: {problem}" for problem in circle_problems(replay, bug, generated, folder)]
    return problems


def minimizing_problems(replay, root, folder):
    """What --minimize writes and says, for a program that fails and one that does not."""
    number = planted_bugs.NUMBERS["shrink_keeps_reserve"]
    large = folder / "large"
    operations = [line for i in range(60) for line in (f"#{i} = alloc c0", "free_null c0", f"free #{i}")]
    trace = folder / "large.trace"
    trace.write_text(planted_bugs.program(planted_bugs.LARGE, *operations, "reserve c0 9", "shrink c0",
                                          *(f"#{i} = alloc c0" for i in range(60, 75)),
                                          *(f"free #{i}" for i in range(60, 75)), kept=0))
    replay(0, "--quiet", "--write-bytes", large, trace)
    result = replay(number, "--minimize", "--budget", MINIMIZE_SECONDS, large)
    small, text = folder / "large.min", folder / "large.min.trace"
    if result.returncode != 1 or not small.exists() or not text.exists():
        return [f"--minimize wrote nothing: exit {result.returncode}\n{result.stdout}{result.stderr}"]
    problems = []
    if replay.text(small) != text.read_text():
        problems.append("--minimize wrote two different programs")
    if replay.signature(number, small) != replay.signature(number, large):
        problems.append("--minimize slipped to another failure")
    if len(text.read_text().splitlines()) - 3 > 6:
        problems.append(f"--minimize left too much:\n{text.read_text()}")
    result = replay(0, "--minimize", trace)
    if result.returncode != 0 or "does not fail" not in result.stdout or (folder / "large.trace.min").exists():
        problems.append(f"--minimize of a program that agrees: exit {result.returncode}, {result.stdout}")
    return problems + damage_problems(replay, folder)


def damage_problems(replay, folder):
    """Damage to a live object is found in the step that does it, and the minimized program ends with that step."""
    number, trace = planted_bugs.NUMBERS["full_slab_written"], folder / "damage.trace"
    four = "type=Small slab_size=512 page_size=512 object_size=100 object_align=1"
    trace.write_text(planted_bugs.program(four, *planted_bugs.allocs(40)))
    facts = replay.facts(number, trace)
    found = (facts["invariant"], facts["step"])
    problems = [] if found == ("G12", 4) else [f"the damage of step 4 is found elsewhere: {facts}"]
    replay.minimize(number, trace, MINIMIZE_SECONDS, folder / "damage")
    left = (folder / "damage.trace").read_text().splitlines()[3:]
    if len(left) > 5:
        problems.append(f"--minimize left {len(left)} operations of the damage:\n" + "\n".join(left))
    return problems


def agreeing_files(root):
    """What agrees on a correct cache: some of the regressions and of each target's corpus; in deep mode all."""
    files = sorted((root / "corpus/regressions").glob("*.trace"))[:: 1 if DEEP else 5]
    for folder in program_corpora(root):
        inputs = sorted(folder.iterdir())
        files += inputs if DEEP else inputs[:: max(1, len(inputs) // AGREEING_SAMPLES)]
    return files


def agreeing_problems(arguments, replay, root, folder):
    """The tests of programs that agree pass; the bug put back into the cache, that of the regression fails."""
    problems, stems = [], []
    for number, file in enumerate(agreeing_files(root)):
        stem = f"agrees_{number}"
        copy = folder / f"{stem}{file.suffix}"
        copy.write_bytes(file.read_bytes())
        result = replay(0, "--as-test", "--output", folder / f"{stem}.cpp", copy)
        if result.returncode == 2 and "more than 400 operations" in result.stderr:
            continue
        if result.returncode != 0:
            problems.append(f"--as-test of {file.name}: exit {result.returncode}: {result.stdout}{result.stderr}")
            continue
        stems.append(stem)
    program = folder / "agreeing_tests"
    compiled = compile_tests(arguments, folder, stems, arguments.planted, program)
    if compiled.returncode != 0:
        return [*problems, f"the tests of programs that agree do not compile:\n{compiled.stderr}"]
    for number in (0, planted_bugs.NUMBERS["counts_carved_slots"]):
        ran = subprocess.run([program, "--gtest_brief=1"], text=True, capture_output=True,
                             env=planted_bugs.environment(number))
        if (ran.returncode == 0) != (number == 0):
            problems.append(
                f"{len(stems)} tests of programs that agree, on a cache with bug {number}: exit "
                f"{ran.returncode}\n{ran.stdout}{ran.stderr}")
    return problems


def command_problems(replay, root, folder):
    """The command in a test's first lines, as it stands there: of a program that fails and, with the bug mended, of one
    that passes."""
    problems, bug = [], planted_bugs.NUMBERS["shrink_miscounts"]
    checkout = folder / "checkout"  # as the command leaves its program where it is run
    checkout.mkdir()
    (checkout / "allocator").symlink_to(root / "allocator")
    trace = folder / "it's a command.trace"
    trace.write_text(planted_bugs.trace_of(planted_bugs.BUGS[bug - 1], root))
    compilers = [c for c in ("g++", "clang++-19", "clang++") if shutil.which(c)]
    for number, words, among in ((bug, "(fails on", compilers),
                                 (0, "(passes on", compilers if DEEP else compilers[:1])):
        test = folder / "it's a command.cpp"
        replay(number, "--as-test", "--output", test, trace)
        said, command = test.read_text().splitlines()[:2]
        if words not in said or not command.startswith("// g++ "):
            problems.append(f"the first lines of a test: {said}\n{command}")
            continue
        for compiler in among if DEEP else among[:2]:
            run = command.removeprefix("// ").replace("g++", compiler, 1)
            result = subprocess.run(run, shell=True, cwd=checkout, text=True, capture_output=True)
            if result.returncode != 0 or "[  PASSED  ] 1 test." not in result.stdout:
                problems.append(f"{run}: exit {result.returncode}\n{result.stdout}{result.stderr}")
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--replay", "--planted", "--compiler", "--folder"):
        parser.add_argument(name, required=True)
    parser.add_argument("--flags", default="")
    arguments = parser.parse_args()
    folder = pathlib.Path(arguments.folder)
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        shutil.rmtree(old) if old.is_dir() else old.unlink()
    problems = problems_of(arguments, ROOT, folder)
    print("\n".join(problems) or f"{len(planted_bugs.BUGS)} planted bugs, nothing wrong")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

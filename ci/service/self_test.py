"""Broken builds of a small target, each of which a check of ci/service-check must refuse."""

import concurrent.futures
import os
import pathlib
import subprocess
import tempfile
import zipfile

from service.build import BUILDS, Service, llvm
from service.requirements import CHECKS, Expected, examine

# Large enough to be seen: a service counts edges and the calls of sanitizers.
SOURCE = """
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
template <int N> [[gnu::noinline]] int step(int* values, const std::uint8_t* data, std::size_t size) {
  if (size > N && data[N] > N) values[data[N] % 64] += data[size - 1] << (N % 7);
  if constexpr (N > 0) return values[N] + step<N - 1>(values, data, size);
  return values[0];
}
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  int values[64] = {};
  if (size >= 5 && std::memcmp(data, "crash", 5) == 0) std::abort();
#ifdef NEEDS
  if (std::FILE* file = std::fopen(NEEDS, "r")) std::fclose(file); else std::abort();
#endif
  return step<60>(values, data, size) == static_cast<int>(std::string(size, 'x').size()) && size > 1000 ? -1 : 0;
}
"""
SCRIPT = """#!/bin/bash -eu
cd "$WORK"
$CXX $CXXFLAGS -c "$SRC/slabproof/small.cpp" -o small.o
$CXX $CXXFLAGS $LDFLAGS small.o -o "$OUT/small" $LIB_FUZZING_ENGINE
cp "$SRC/slabproof/small.dict" "$OUT/"
printf '[libfuzzer]\\nmax_len = 100\\ntimeout = 25\\n' >"$OUT/small.options"
cd "$SRC/slabproof/seeds"
cmake -E tar cf "$OUT/small_seed_corpus.zip" --format=zip -- *
"""
EXPECTED = {"small": Expected(max_len=100, seeds=2, dictionary=True)}

# The build, what is wrong, what of the script is replaced by what, and what the checks must say; a check that is not
# named must not refuse.
BROKEN_SCRIPTS = [
    ("address-libfuzzer", "the script fails", 'cd "$WORK"', "exit 3", {"builds": "ends with exit code 3"}),
    ("address-libfuzzer", "it writes into the source", 'cd "$WORK"', 'cd "$WORK"; touch "$SRC/slabproof/made"',
     {"source": "changes the source: made"}),
    ("address-libfuzzer", "for this processor only", "-c ", "-march=native -c ", {"flags": "-march=native"}),
    ("address-libfuzzer", "another compiler", "$CXX $CXXFLAGS -c", "{llvm}/bin/clang++ $CXXFLAGS -c",
     {"flags": "not everything is compiled"}),
    ("address-libfuzzer", "a flag left out", "$CXXFLAGS -c", "${CXXFLAGS/-O1/} -c", {"flags": "without -O1"}),
    ("address-libfuzzer", "another engine", "$LIB_FUZZING_ENGINE",
     '"$(ls {llvm}/lib/clang/*/lib/linux/libclang_rt.fuzzer-x86_64.a)"', {"flags": "linked without -fsanitize=fuzzer"}),
    ("address-libfuzzer", "a sanitizer of its own", "-c ", "-fsanitize=undefined -c ",
     {"flags": "-fsanitize=undefined", "sanitizers": "calls of UBSan in a build without it"}),
    ("address-libfuzzer", "nothing guides the engine", "-c ", "-fno-sanitize-coverage=inline-8bit-counters -c ",
     {"flags": "-fno-sanitize-coverage", "guidance": "fewer than 100"}),
    ("address-afl", "nothing guides the engine", "-c ", "-fno-sanitize-coverage=trace-pc-guard -c ",
     {"flags": "-fno-sanitize-coverage", "guidance": "fewer than 100"}),
    ("address-libfuzzer", "a shared library", "$LDFLAGS", "", {"libraries": "libstdc++.so"}),
    ("address-libfuzzer", "a path into $WORK", "-c ", '-DNEEDS="\\"$WORK/small.o\\"" -c ',
     {"starts": "does not start in another folder", "seeds": "fails with its seeds", "dictionary": "takes nothing"}),
    ("address-afl", "a path into $WORK", "-c ", '-DNEEDS="\\"$WORK/small.o\\"" -c ',
     {"starts": "does not start in another folder", "seeds": "fails with its seeds"}),
    ("undefined-libfuzzer", "no sanitizer", "$CXXFLAGS -c", "-O1 -g1 -fsanitize=fuzzer-no-link -c",
     {"flags": "something is compiled without", "sanitizers": "a build with UBSan has 168"}),
    ("coverage-libfuzzer", "no map of the source", "-c ", "-fno-coverage-mapping -c ",
     {"flags": "-fno-coverage-mapping", "coverage": "llvm-cov cannot tell"}),
]


def seeds(*contents, damage=False):
    def make(out):
        path = out / "small_seed_corpus.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for number, content in enumerate(contents):
                archive.writestr(str(number), content)
        if damage:
            path.write_bytes(path.read_bytes().replace(b"damaged", b"changed", 1))
    return make


def write(name, text):
    return lambda out: (out / name).write_text(text)


def shell(command):
    return lambda out: subprocess.run(command, shell=True, check=True, cwd=out)


# The same, done to what a good build leaves.
BROKEN_OUTPUTS = [
    ("address-libfuzzer", "no target", shell("rm small*"), {"targets": "small, which is a target"}),
    ("address-libfuzzer", "one target too many",
     shell("cp small other; for s in _seed_corpus.zip .dict .options; do cp small$s other$s; done"),
     {"targets": "other is no target"}),
    ("address-libfuzzer", "a name with a dot",
     shell("for s in '' _seed_corpus.zip .dict .options; do mv small$s sm.all$s; done"),
     {"names": "sm.all: a target's name", "targets": "small, which is a target"}),
    ("address-libfuzzer", "a file of no target", shell("cp small.dict large.dict"),
     {"names": "large.dict belongs to no target"}),
    ("address-libfuzzer", "the binary of undefined", shell("cp ../undefined-libfuzzer/moved/small small"),
     {"sanitizers": "a build with ASan has 1000"}),
    ("undefined-libfuzzer", "the binary of address", shell("cp ../address-libfuzzer/moved/small small"),
     {"sanitizers": "calls of ASan in a build without it"}),
    ("coverage-libfuzzer", "the binary of undefined", shell("cp ../undefined-libfuzzer/moved/small small"),
     {"sanitizers": "calls of UBSan in a build without it", "coverage": "leaves no profile"}),
    ("address-libfuzzer", "no archive", shell("rm small_seed_corpus.zip"), {"seeds": "cannot be read"}),
    ("address-libfuzzer", "half an archive", shell("truncate -s 60 small_seed_corpus.zip"),
     {"seeds": "cannot be read"}),
    ("address-libfuzzer", "a damaged seed", seeds("a", "damaged", damage=True), {"seeds": "the seed 1 is damaged"}),
    ("address-libfuzzer", "a seed too few", seeds("a"), {"seeds": "1 seeds where 2 are committed"}),
    ("address-libfuzzer", "a seed too long", seeds("a", "b" * 101), {"seeds": "longer than max_len"}),
    ("address-libfuzzer", "a seed that fails", seeds("a", "crash"), {"seeds": "fails with its seeds"}),
    ("address-afl", "a seed that fails", seeds("a", "crash"), {"seeds": "fails with its seeds"}),
    ("address-libfuzzer", "no dictionary", shell("rm small.dict"), {"dictionary": "has no dictionary"}),
    ("address-libfuzzer", "a dictionary without quotes", write("small.dict", "a=b\n"),
     {"dictionary": "line 1 of its dictionary is not"}),
    ("address-afl", "a dictionary without quotes", write("small.dict", "a=b\n"),
     {"dictionary": "line 1 of its dictionary is not"}),
    ("address-libfuzzer", "an empty dictionary", write("small.dict", "# none\n"), {"dictionary": "takes nothing"}),
    ("address-libfuzzer", "no options", shell("rm small.options"), {"options": "has no options"}),
    ("address-libfuzzer", "options without a section", write("small.options", "max_len = 100\n"),
     {"options": "cannot be read"}),
    ("address-libfuzzer", "another section", shell("sed -i s/libfuzzer/fuzzer/ small.options"),
     {"options": "['fuzzer']"}),
    ("address-libfuzzer", "another length", shell("sed -i s/100/99/ small.options"),
     {"options": "max_len is 99, not 100"}),
    ("address-libfuzzer", "another time limit", shell("sed -i s/25/26/ small.options"),
     {"options": "timeout is 26, not 25"}),
    ("address-libfuzzer", "an unknown option", shell("echo maxlen=1 >>small.options"),
     {"options": "does not know its option maxlen"}),
    ("address-libfuzzer", "stripped", shell("strip small"),  # not even a target any more
     {"targets": "small, which is a target", "names": "small belongs to no target"}),
    ("address-libfuzzer", "stripped of line numbers", shell("strip -g small"), {"symbols": "its line numbers"}),
]


def build(name, folder, script):
    service = Service(name, folder)
    (service.source / "seeds").mkdir()
    for path, text in (("small.cpp", SOURCE), ("small.dict", 'crash="crash"\n'), ("seeds/a", "a"),
                       ("seeds/b", "b" * 100)):
        (service.source / path).write_text(text)
    (folder / "script").write_text(script)
    return service.build(folder / "script", EXPECTED)


def judge(what, delivery, due):
    """A row of the table, and whether the checks say what is due and no other check refuses."""
    said = {check: "; ".join(problems) for check, problems in examine(delivery).items() if problems}
    wrong = [f"{check} says {said.get(check, 'nothing')}, not {fragment}" for check, fragment in due.items()
             if fragment not in said.get(check, "")]
    wrong += [f"{check} says {words}" for check, words in said.items() if check not in due]
    return what, "refused by " + ", ".join(due) if due else "accepted", "; ".join(wrong)


def self_test():
    with tempfile.TemporaryDirectory(prefix="service-check-") as folder, \
            concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        root = pathlib.Path(folder)
        good = dict(zip(BUILDS, pool.map(lambda name: build(name, root / name, SCRIPT), BUILDS)))

        def broken_script(case):
            number, (name, what, old, new, due) = case
            script = SCRIPT.replace(old, new.replace("{llvm}", llvm()))
            assert script != SCRIPT
            return judge(f"{name}: {what}", build(name, root / f"script-{number}", script), due)

        def broken_output(case):
            number, (name, what, damage, due) = case
            delivery = good[name].copy(root / f"output-{number}")
            damage(delivery.out)
            return judge(f"{name}: {what}", delivery, due)

        rows = [judge(f"{name}: nothing is broken", delivery, {}) for name, delivery in good.items()]
        rows += pool.map(broken_script, enumerate(BROKEN_SCRIPTS))
        rows += pool.map(broken_output, enumerate(BROKEN_OUTPUTS))
    print("\n".join(f"{what:<52} {refused_by}{wrong and ', but ' + wrong}" for what, refused_by, wrong in rows))
    untried = CHECKS.keys() - {check for *_, due in BROKEN_SCRIPTS + BROKEN_OUTPUTS for check in due}
    for check in sorted(untried):
        print(f"no broken build is for the check {check}")
    failures = sum(bool(wrong) for _, _, wrong in rows) + len(untried)
    print(f"\n{len(rows)} builds, {failures} not judged as they should be" if failures
          else f"\n{len(rows)} builds, each judged as it should be")
    return 1 if failures else 0

#!/usr/bin/env python3
"""The allocators of this folder, built on the installed package as somebody else would: what is right agrees, and each
broken one is found by random programs; one of them also by libFuzzer and by RapidCheck; and by the explorer, where
their states can be seen, and refused by it where they cannot."""

import argparse
import concurrent.futures
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
from tests_and_pages import Made, problems_of_pages, problems_of_settings, problems_of_tests

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "ci"))
from subjects import adapters

HERE = pathlib.Path(__file__).resolve().parent
# Within how many random programs it is found, about three times as many as it takes; as what; and how many operations
# may be left of the program, where the machine is so slow that little of it can be left out in a second.
# pmr_pool, resource: libstdc++'s PR 118681; a library that has mended it fails this test, and the rows then go.
ALL = {
    "boost_pool": (5000, None, 0),
    "buddy": (5000, None, 0),
    "bump_arena": (5000, None, 0),
    "c_pool": (5000, None, 0),
    "size_classes": (2000, None, 0),
    "tlsf": (5000, None, 0),
    "told_pool": (2000, None, 0),
    "pool_subject": (400, r"H1/alloc", 50),
    "pmr_pool": (500, r"G6/alloc|died:UndefinedBehaviorSanitizer\S*/alloc", 30),
    "resource": (500, r"G6/allocate|died:UndefinedBehaviorSanitizer\S*/allocate", 30),
    "written": (500, r"G6/allocate|died:UndefinedBehaviorSanitizer\S*/allocate", 30),
    "byte_wraps": (3000, r"H5/\S+|[LG]\d+/\S+|died:AddressSanitizer\S*/(alloc|free|end)", 600),
    "copies_new_size": (100, r"died:AddressSanitizer\S*/reallocate", 10),
    "forgets_fence": (100, r"G12/allocate", 10),
    "frees_twice": (200, r"(L4|G11)/alloc", 40),
    "grows_without_end": (300, r"H5/alloc", 40),
    "grows_unrounded": (10, r"H1/allocate\w*", 2),
    "joins_live_neighbour": (300, r"(G11|L4)/\w+", 200),
    "keeps_old_flags": (7000, r"died:\S+/(reallocate|free|allocate\w*|end)|(G11|G12|L4|H3)/\S+", 30),
    "links_into_live": (300, r"H3/reallocate", 60),
    "links_reach_next": (30, r"died:\S+/(reallocate|free|allocate\w*|end)", 6),
    "loses_chunk_on_failure": (800, r"B18/end", 100),
    "loses_every_third": (400, r"H1/alloc", 50),
    "lowers_alignment": (30, r"G6/allocate", 4),
    "multiplies_blindly": (300, r"H2/allocate_zeroed", 30),
    "one_beyond_the_last": (30, r"died:AddressSanitizer\S*/alloc", 4),
    "searches_for_ever": (2000, r"hung/allocate", 200),
    "stale_position": (400, r"(G11|L4)/\w+|died:UndefinedBehaviorSanitizer\S*/allocate", 50),
    "word_into_smaller_slot": (60, r"died:AddressSanitizer\S*/alloc", 10),
}

# Of settings/, in the same way.
OF_SETTINGS = {"segments": (100, r"B18/end", 30), "slots_inside": (20, r"G6/alloc", 1)}

# What the explorer is asked, its exit status, and what it says: of a failure how long a shortest program is.
# A list of free slots, last in first out, of which at most n were used is in one of a(n) = 1, 2, 5, 16, 65, ... states,
# the sums of n!/k!; and which were used shows, but for their links, so c_pool has the sum of a(0) to a(4) = 89.
RIGHT = r"complete; .*\nNothing wrong in any program"
EXPLORED = {
    "boost_pool": ("", 0, rf"\n  177 states, 344 transitions, 1 with memory refused,(.*\n)*.*{RIGHT}"),
    "buddy": ("--sizes 4096,8192 --aligns 1 --live 3", 0, rf"\n  510 states, 2,760 transitions,.*\n  {RIGHT}"),
    "bump_arena": ("--sizes 4096 --aligns 64 --memory 16000", 0, r"\n  70 states, (.*\n)*  26 transitions took more "
                   rf"memory than that, .* at most 3 lived at once\n  {RIGHT}"),
    "c_pool": ("--sizes 64 --aligns 1", 0, rf"\n  89 states, 172 transitions,.*\n  {RIGHT}"),
    # The same, before a wrong free was counted and after.
    "told_pool": ("--sizes 64 --aligns 1", 0, rf"\n  178 states, 837 transitions,.*\n  {RIGHT}.*one in each program"),
    "size_classes": ("--sizes 100,9000 --aligns 1 --live 1", 0, rf"\n  1,520 states, 17,160 transitions,(.*\n)*.*"
                     rf"{RIGHT}"),
    "byte_wraps": ("--live 3 --sizes 1,16", 0, rf"\n  24 states(.*\n)*  {RIGHT}"),  # it needs 256 at once
    "tlsf": ("--limit 3000", 2, r"NOT complete: there are more than 3,000 states; nothing wrong in all programs of "),
    "list_in_a_global": ("", 2, r"two programs left the same bytes and then went on differently, "),
    "resource": ("", 2, r"a program did not do the same, or did not leave the same bytes, when it ran again"),
    "malloc_library": ("", 2, r"an object lies outside of the subject, of the memory that it took and of the globals"),
    "copies_new_size": ("", 1, r"signature: died:AddressSanitizer\S*/reallocate\n2 operations"),
    "forgets_fence": ("", 1, r"signature: G12/allocate\n2 operations"),
    "frees_twice": ("", 1, r"signature: L4/alloc\n5 operations"),
    "grows_unrounded": ("", 1, r"signature: H1/allocate\n1 operations"),
    "grows_without_end": ("--live 2", 1, r"signature: H5/alloc\n16 operations"),
    "joins_live_neighbour": ("", 1, r"signature: G11/allocate\n5 operations"),
    "keeps_old_flags": ("", 1, r"signature: died:\S+/reallocate\n5 operations"),
    "links_reach_next": ("", 1, r"signature: died:\S+/end\n2 operations"),
    "loses_chunk_on_failure": ("", 1, r"signature: B18/end\n2 operations"),
    "lowers_alignment": ("", 1, r"signature: G6/allocate\n1 operations"),
    "multiplies_blindly": ("", 1, r"signature: H2/allocate_zeroed\n1 operations"),
    "one_beyond_the_last": ("", 1, r"signature: died:AddressSanitizer\S*/alloc\n1 operations"),
    # libstdc++ 12: its second request for memory in an allocation is refused.
    "pmr_pool": ("", 1, r"signature: died:AddressSanitizer\S*/alloc\n2 operations"),
    "pool_subject": ("", 1, r"signature: H1/alloc\n14 operations"),
    "stale_position": ("--sizes 1,64 --aligns 1", 1, r"signature: G11/reallocate\n6 operations"),
    "word_into_smaller_slot": ("", 1, r"signature: died:AddressSanitizer\S*/alloc\n1 operations"),
}
# Of the explorer of c_pool.
REFUSED_OPTIONS = {
    "--sizes 0": "it accepts sizes from 1 to 64", "--sizes 8,65": "multiples of 1", "--aligns 3": "of two up to 8",
    "--live 0": "no number from 1 to 64", "--limit many": "no number", "--memory": "its argument is missing",
    "--all": "unknown option", "c_pool.trace": "unknown option",
}

# Mistakes of broken/malloc.c, in the same way; the last is what has no mistake.
OF_MALLOC = {
    "COPIES_OLD_SIZE": (100, r"died:AddressSanitizer\S*/(reallocate|free|allocate\w*|end)|(G12|L4|G11)/\S+", 200),
    "DIES_AT_ONCE": (10, r"died:signal ABRT/allocate\w*", 1),
    "MULTIPLIES_BLINDLY": (300, r"H2/allocate_zeroed", 30),
    "TRUSTS_MMAP": (1000, r"died:AddressSanitizer\S*/(allocate\w*|reallocate)", 40),
    "RIGHT": (500, None, 0),
}
# What Debian has, if it is installed, and what may be found in it. mimalloc 2.0.9: aligned_alloc(256, 256) is not.
INSTALLED = {
    "libc.so.6": None,
    "libjemalloc.so.2": None,
    "libmimalloc.so.2": r"G6/allocate",
    "libtcmalloc_minimal.so.4": None,
}
REFUSED = """slabproof trace 1
backend b0 reuse=lifo placement=adjacent seed=0
heap c0 on=b0
#0 = allocate c0 size=100 align=1
fail b0 any after=0 always
reallocate #0 size=139000
#1 = allocate c0 size=100 align=1
"""


def run(words, cwd, timeout=300, **environment):
    return subprocess.run([str(word) for word in words], cwd=cwd, timeout=timeout, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", errors="replace",
                          env={**os.environ, "SLABPROOF_DEEP": "1", **environment})


def must(words, cwd, timeout=1500):
    done = run(words, cwd, timeout)
    if done.returncode != 0:
        sys.exit(f"{' '.join(str(word) for word in words)} ends with {done.returncode}:\n{done.stdout[-4000:]}")


def problems_of(name, binary, folder, programs, signature, most, **environment):
    done = run([binary, "--random", programs, "--budget", 1, "--output", folder / name], folder, **environment)
    if signature is None:
        if done.returncode != 0 or "nothing wrong" not in done.stdout:
            return [f"{name}: not agreed:\n{done.stdout[-2000:]}"]
        return []
    found = re.findall(r"^signature: (.+)\n.* operations made (\d+)", done.stdout, re.MULTILINE)
    if done.returncode != 1 or len(found) != 1 or not re.fullmatch(signature, found[0][0]) or int(found[0][1]) > most:
        return [f"{name}: ends with {done.returncode}, found {found}, not {signature} in {most} operations\n"
                f"{done.stdout[-2000:]}"]
    trace, = (folder / name).glob("*.trace")
    again = run([binary, "--quiet", trace], folder, **environment)
    if again.returncode != 1 or f"signature: {found[0][0]}\n" not in again.stdout:
        return [f"{name}: what was written does not fail again:\n{again.stdout[-2000:]}"]
    return []


def problems_of_explorer(name, build, folder):
    options, code, words = EXPLORED[name]
    done = run([build / f"{name}_explore", *options.split(), "--output", folder / name], folder,
               SLABPROOF_MALLOC="libc.so.6")
    if done.returncode != code or not re.search(words, done.stdout):
        return [f"{name}, explored: ends with {done.returncode}, not {code} and {words}:\n{done.stdout[-2000:]}"]
    if code != 1:
        return []
    trace, = (folder / name).glob("*.trace")
    again = run([build / f"{name}_replay", "--quiet", trace], folder)
    signature = re.search(r"^signature: .+\n", done.stdout, re.MULTILINE)[0]
    return [] if again.returncode == 1 and signature in again.stdout else [
        f"{name}: what was explored does not fail again as {signature}:\n{again.stdout[-2000:]}"]


def problems_of_explorers(names, build, folder, pool):
    for problems in pool.map(lambda name: problems_of_explorer(name, build, folder), names):
        yield from problems
    for options, words in REFUSED_OPTIONS.items():
        done = run([build / "c_pool_explore", *options.split()], folder)
        if done.returncode != 2 or words not in done.stdout:
            yield f"c_pool_explore {options}: ends with {done.returncode}, not 2 and {words}:\n{done.stdout}"
    with subprocess.Popen([build / "bump_arena_explore"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          encoding="utf-8") as process:
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=60)
    words = r" states, (.*\n)*  NOT complete: stopped by a signal; nothing wrong in all programs of up to \d+ op"
    if process.returncode != 2 or not re.search(words, said):
        yield f"an explorer that is interrupted ends with {process.returncode}:\n{said}"


def problems_of_process(binary, folder):
    """What fails in no program alone is told with all that is needed to run it again."""
    done = run([binary, "--random", 200, "--seed", 5, "--budget", 2, "--output", "worn"], folder)
    said = re.search(r"^H1/alloc: 1 of 21 programs, which agree in a process of their own: .*\n"
                     r"program 21 of seed 5, in a process that began with program 1: violated H1 at step \d+ .*\n"
                     r"again: (.*)\nwritten: worn/H1-alloc.chain, of which \d+ of the 21 programs are enough; "
                     r"again: (.*)$", done.stdout, re.MULTILINE)
    if done.returncode != 1 or not said:
        yield f"{binary.name} ends with {done.returncode}:\n{done.stdout}"
        return
    for command in said.groups():
        again = run(command.split(), folder)
        if again.returncode != 1 or "violated H1 at step" not in again.stdout:
            yield f"{command} ends with {again.returncode}:\n{again.stdout}"


def problems_of_malloc(binary, folder, compiler):
    """The same through malloc of shared libraries, which are loaded beside the program's own."""
    environment = {"GLIBC_TUNABLES": "glibc.rtld.optional_static_tls=65536"}
    for name, row in OF_MALLOC.items():
        library = folder / f"lib{name}.so"
        must([compiler, "-O1", "-g", "-std=gnu11", "-fno-builtin", "-shared", "-fPIC", f"-D{name}", "-o", library,
              HERE / "broken" / "malloc.c"], folder)
        yield from problems_of(name, binary, folder, *row, SLABPROOF_MALLOC=str(library))
    # The test of one, on that library and on the right one.
    made = Made(binary, "MULTIPLIES_BLINDLY", folder, SLABPROOF_MALLOC=str(folder / "libMULTIPLIES_BLINDLY.so"))
    yield from made.problems or [*made.problems_of_commands(folder), *made.problems_of_commands(
        folder, (str(folder / "libMULTIPLIES_BLINDLY.so"), str(folder / "libRIGHT.so")), agrees=True)]
    for words in ("lib{}.so has malloc, free, calloc, realloc, memalign, malloc_usable_size; not aligned_alloc, posix_"
                  "memalign; memory is refused to it at times;", "of which it dies"):
        mistake = "TRUSTS_MMAP" if "dies" in words else "RIGHT"
        said = run([binary, "--random", 1], folder, SLABPROOF_MALLOC=str(folder / f"lib{mistake}.so")).stdout
        if words.format(mistake) not in said:
            yield f"lib{mistake}.so: it is not said that {words}:\n{said}"
    library = folder / "libfrees.so"
    must([compiler, "-O1", "-fno-builtin", "-shared", "-fPIC", "-DFREES_WHEN_REFUSED", "-o", library,
          HERE / "broken" / "malloc.c"], folder)
    (folder / "refused.trace").write_text(REFUSED)
    for library, code, words in (
            (str(library), 1, "signature: L4/allocate\n"), (str(folder / "libRIGHT.so"), 0, "agreed"),
            ("", 2, "no library is named"), ("/nothing.so", 2, "/nothing.so: cannot open shared object file"),
            (str(HERE / "subjects_test.py"), 2, "invalid ELF header"), ("libm.so.6", 2, "has no malloc of its own")):
        done = run([binary, "refused.trace"], folder, SLABPROOF_MALLOC=library)
        if done.returncode != code or words not in done.stdout:
            yield f"malloc of '{library}' ends with {done.returncode}, not {code} and {words}:\n{done.stdout}"
    for library, signature in INSTALLED.items():
        done = run([binary, "--random", 500, "--budget", 1, "--output", "installed"], folder,
                   SLABPROOF_MALLOC=library, **environment)
        found = re.findall(r"^signature: (.+)$", done.stdout, re.MULTILINE)
        if done.returncode == 2 and "cannot open shared object file" in done.stdout:
            print(f"{library} is left out, which is not installed")
        elif done.returncode != 0 and not (signature and found and re.fullmatch(signature, found[0])):
            yield f"{library}: not agreed:\n{done.stdout[-2000:]}"


def main():
    parser = argparse.ArgumentParser()
    for option in ("--prefix", "--folder", "--compiler"):
        parser.add_argument(option, required=True)
    wanted = parser.parse_args()
    build = pathlib.Path(wanted.folder)
    build.mkdir(parents=True, exist_ok=True)
    written = build / "written.cpp"
    written.write_text(adapters.OF_RESOURCE.format(header="<memory_resource>",
                                                   type="std::pmr::synchronized_pool_resource"))
    must(["cmake", "--fresh", "-G", "Ninja", "-S", HERE, "-B", build, f"-DCMAKE_PREFIX_PATH={wanted.prefix}",
          f"-DCMAKE_CXX_COMPILER={wanted.compiler}", f"-DWRITTEN_BY_CI={written}",
          f"-DCMAKE_C_COMPILER={wanted.compiler.replace('clang++', 'clang')}"], HERE)
    subjects = dict(ALL)
    if not re.search("^HAS_BOOST_POOL:INTERNAL=1$", (build / "CMakeCache.txt").read_text(), re.MULTILINE):
        del subjects["boost_pool"]
        print("boost_pool is left out, since Boost is not installed")
    targets = [f"{name}_replay" for name in (*subjects, "malloc_library")]
    explored = [name for name in EXPLORED if name in subjects or name not in ALL]
    targets += [f"{name}_explore" for name in explored]
    targets += ["wears_out_replay", "loses_every_third_fuzz", "malloc_library_fuzz", "lowers_alignment_properties"]
    targets += [f"{name}_replay" for name in OF_SETTINGS]
    targets += ["tlsf_fuzz"]  # for ci/campaign/subject_test.py
    must(["cmake", "--build", build, "--parallel", os.cpu_count() or 2, "--target", *targets], HERE)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 2) as pool:
            problems = sum(pool.map(lambda name: problems_of(name, build / f"{name}_replay", folder, *subjects[name]),
                                    subjects), [])
            (folder / "explored").mkdir()
            problems += problems_of_explorers(explored, build, folder / "explored", pool)
            found = [name for name, row in subjects.items() if row[1]]
            if not problems:
                problems += problems_of_tests(found, build, folder, wanted.compiler, pool)
                problems += problems_of_pages(found, build, folder, pool)
        problems += problems_of_process(build / "wears_out_replay", folder)
        for name, row in OF_SETTINGS.items():
            problems += problems_of(name, build / "settings" / f"{name}_replay", folder, *row)
        if not problems:
            problems += problems_of_settings(OF_SETTINGS, build, folder)
        problems += problems_of_malloc(build / "malloc_library_replay", folder,
                                       wanted.compiler.replace("clang++", "clang"))
        guided = run([build / "malloc_library_fuzz", "-runs=2000", "-seed=1"], folder,
                     SLABPROOF_MALLOC=str(folder / "libRIGHT.so"))
        features = re.findall(r" ft: (\d+) ", guided.stdout)
        if guided.returncode != 0 or not features or int(features[-1]) < 50:
            problems.append(f"nothing guides libFuzzer in a library: {features}\n{guided.stdout[-2000:]}")
        page = (HERE.parent.parent / "docs" / "subjects.md").read_text(encoding="utf-8")
        if "```cpp\n" + (HERE / "pool_subject.cpp").read_text(encoding="utf-8") + "```" not in page:
            problems.append("docs/subjects.md does not show pool_subject.cpp as it is")
        fuzzed = run([build / "loses_every_third_fuzz", "-runs=200000", "-seed=1"], folder)
        if fuzzed.returncode == 0 or "SUMMARY: slabproof: H1/alloc" not in fuzzed.stdout:
            problems.append(f"libFuzzer does not find loses_every_third:\n{fuzzed.stdout[-2000:]}")
        proved = run([build / "lowers_alignment_properties"], folder)
        if proved.returncode != 1 or "signature: G6/allocate" not in proved.stdout:
            problems.append(f"RapidCheck does not find lowers_alignment:\n{proved.stdout[-2000:]}")
    print("\n".join(problems) or f"{len(subjects)} subjects: each as the table says")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

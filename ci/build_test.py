#!/usr/bin/env python3
"""What is refused before anything is set up or built: paths that CMake or Ninja cannot handle, wrong arguments, a wrong
environment. And that an up-to-date build of another user is accepted.

exit: 0 all pass, 1 one fails"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
from shared import tests
from shared.targets import ROOT
from subjects import wrong_claims

HARMFUL = "'\"`;#&|*?<>^[]\\\t\n"
CMAKE_SEES_OTHERS = "\\\n"  # in their place, a slash and nothing: an error of its own
HARMLESS = "a $b:%(c){é}=,!~@+-日"
NOBODY = 65534
CLEAN = {name: value for name, value in os.environ.items()
         if not name.startswith(("SLABPROOF_", "RC_", "CTEST_", "GTEST_"))}


def run(*command, user=None, cwd=None, **environment):
    return subprocess.run(list(map(str, command)), env={**CLEAN, **environment}, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, user=user, cwd=cwd)


class Case(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        self.folder.chmod(0o755)

    def checkout(self, name, *what):
        tree = self.folder / name
        tree.mkdir()
        for path in what:
            (shutil.copytree if (ROOT / path).is_dir() else shutil.copy)(ROOT / path, tree / path)
        return tree

    def refused(self, result, *words, code=2):
        self.assertEqual(result.returncode, code, result.stdout)
        for word in words:
            self.assertIn(word, result.stdout)
        self.assertNotIn("set up or built", result.stdout)
        self.assertNotIn("Traceback", result.stdout)


class Paths(Case):
    def test_what_breaks_cmake_or_ninja_is_named(self):
        for character in HARMFUL:
            with self.subTest(repr(character)):
                tree = self.checkout(f"x{character}y", "ci", "CMakePresets.json", "CMakeLists.txt")
                name = {"\t": "tab", "\n": "line end"}.get(character, character)
                self.refused(run(tree / "ci" / "build", "dev"), f"there is a {name} in the path {tree}")
                self.refused(run(ROOT / "ci" / "build", "dev", SLABPROOF_BUILD=str(tree)),
                             f"there is a {name} in the path {tree}")
                if character not in CMAKE_SEES_OTHERS:
                    self.refused(run("cmake", "--fresh", "-S", tree, "-B", self.folder / "b"),
                                 f"There is a {character} in the path", code=1)

    def test_other_paths_are_built_in_once_and_can_then_be_read_only(self):
        tree = self.checkout(HARMLESS, "ci", "CMakePresets.json", "CMakeLists.txt", "LICENSE", "allocator", "model",
                             "fuzz", "properties", "examples", "bench", "docs")
        build = [tree / "ci" / "build", "release", "large_objects", "planted_headers"]
        self.assertEqual(run(*build).returncode, 0, run(*build).stdout)
        built = run("ninja", "-C", tree / "build" / "release", *build[2:])
        self.assertEqual(built.stdout.splitlines()[-1], "ninja: no work to do.")
        subprocess.run(["chmod", "-R", "a-w", tree], check=True)
        try:
            user = NOBODY if os.getuid() == 0 else None
            self.assertEqual(run(*build, user=user).returncode, 0, run(*build, user=user).stdout)
            os.utime(tree / "examples" / "large_objects.cpp")
            self.refused(run(*build, user=user), "cannot be written", "older than the sources", "SLABPROOF_BUILD")
            self.refused(run(tree / "ci" / "build", "gcc", user=user), "cannot be written")
        finally:
            subprocess.run(["chmod", "-R", "u+w", tree], check=True)

    def test_the_build_folder_is_the_variables(self):
        self.refused(run(ROOT / "ci" / "build", "dev", SLABPROOF_BUILD="there"),
                     "SLABPROOF_BUILD=there: no absolute path")
        self.assertEqual(run(ROOT / "ci" / "build", "--where", "dev", SLABPROOF_BUILD="/there").stdout, "/there/dev\n")


class Arguments(Case):
    def setUp(self):
        super().setUp()
        self.tree = self.checkout("tree", "ci", "CMakePresets.json")
        (self.tree / "fuzz").mkdir()
        shutil.copytree(ROOT / "fuzz" / "targets", self.tree / "fuzz" / "targets")
        for command in ("setup", "build"):
            (self.tree / "ci" / command).write_text("#!/bin/sh\necho something is set up or built\nexit 2\n")

    def test_explore(self):
        for wrong in ("--nonsense", "--objects 99", "--objects 0", "--objects 1.5", "--objects", "--slabs 5",
                      "--caches 3", "--row Foo", "--policy checked", "--kept 2", "--jobs 0", "--memory 0.0",
                      "--memory 1024.5", "--memory -1", "--scrub C", "nonsense", "--quick --deep", "--deep --objects 2",
                      "--slabs 2 --quick", "--mishaps", "--mishaps some"):
            with self.subTest(wrong):
                self.refused(run(self.tree / "ci" / "explore", *wrong.split()), "ci/explore: ")
        right = ("--row Large --objects 6 --slabs 4 --caches 2 --policy Checked --kept 0 --jobs 256 --memory 0.5 "
                 "--scrub A --without-pointers --mishaps all")
        for others in (right.split(), ["--quick"], ["--deep", "--row", "Large"], []):
            self.assertIn("set up or built", run(self.tree / "ci" / "explore", *others).stdout)

    def test_test(self):
        for wrong in ("--nonsense", "--only", "--seed", "--seed x", "--seed -1", "--seed 18446744073709551616",
                      "--deep --gcc"):
            with self.subTest(wrong):
                self.refused(run(self.tree / "ci" / "test", *wrong.split()), "ci/test: --")
        for name, value in (("SLABPROOF_DEEP", "nonsense"), ("SLABPROOF_DEEP", "0"), ("RC_PARAMS", "nonsense"),
                            ("RC_PARAMS", "max_success=3"), ("RC_PARAMS", "seed=1 seed="), ("RC_PARAMS", "seed=x")):
            with self.subTest(f"{name}={value}"):
                self.refused(run(self.tree / "ci" / "test", **{name: value}), f"ci/test: {name}={value}: ")
        self.refused(run(self.tree / "ci" / "test", "--seed", "1", RC_PARAMS="seed=2"),
                     "RC_PARAMS, which is set already")
        for right in ("--deep", "--gcc", "--only x --seed 18446744073709551615 --deep --gcc"):
            self.assertIn("set up or built", run(self.tree / "ci" / "test", *right.split(), RC_PARAMS="").stdout)

    def test_subject(self):
        (self.tree / "pool.cpp").write_text("")
        for name in ("a;b.cpp", "pool.hpp", "pool.c", "pool"):
            (self.tree / name).write_text("")
        (self.tree / "library").mkdir()
        for wrong, words in (("", "no adapter is named"), ("--nonsense", "unrecognized arguments"),
                             ("missing.cpp", "missing.cpp: there is no such file"), (".", "there is no such file"),
                             ("a;b.cpp", "there is a ';' in the path"), ("pool.cpp --programs 0", "0 is no"),
                             ("pool.hpp", "pool.hpp: the adapter is a source of C++, and ends with .cc, .cpp"),
                             ("pool.c", "pool.c: the adapter is a source of C++"),
                             ("pool", "pool: the adapter is a source of C++"),
                             ("pool.cpp -- pool.hpp", "pool.hpp: a header is not compiled by itself"),
                             ("pool.cpp --programs many", "many is no"), ("pool.cpp --seconds -1", "--seconds"),
                             ("pool.cpp --replay missing", "--replay missing: there is no such file"),
                             ("pool.cpp other.cpp", "other.cpp: there is no such file"),
                             ("pool.cpp -- library", "library: there is no such file"),
                             ("pool.cpp -- -I", "-I: the word that belongs to it is missing"),
                             ("--malloc ./missing.so", "--malloc ./missing.so: there is no such file"),
                             ("--malloc library", "--malloc library: is no file"),
                             ("--malloc pool.cpp", "--malloc pool.cpp: is no shared library"),
                             ("--malloc libm.so.6 pool.cpp", "--malloc LIBRARY.so takes no adapter"),
                             ("pool.cpp --minutes 0", "0 is no positive number"),
                             ("pool.cpp --minutes 1 --go-on", "--go-on and --minutes do not go together"),
                             ("pool.cpp --hours 1 --seconds 0", "--seconds and --hours do not go together"),
                             ("pool.cpp --jobs 2", "--jobs goes with --minutes or --hours"),
                             ("pool.cpp --triage --minutes 1", "--triage and --minutes do not go together"),
                             ("pool.cpp --report --jobs 1", "--jobs and --report do not go together"),
                             ("pool.cpp --report", "no campaign has run"),
                             ("--triage --malloc libm.so.6", "no campaign has run"),
                             ("pool.cpp --report --output library", "in library no campaign has run"),
                             ("sur\udcff.cpp", "is no name in UTF-8"),
                             ("pool.cpp --replay library", "--replay library: is no file"),
                             ("pool.cpp --minutes 1 --programs 100001", "at most 100,000 random programs"),
                             ("pool.cpp --replay pool.cpp --seed 0", "--seed and --replay do not go together"),
                             ("pool.cpp --replay pool.cpp --live 3", "--live and --replay do not go together"),
                             ("pool.cpp --replay pool.cpp --output x", "only --as-test and --html write there"),
                             ("pool.cpp --as-test", "--as-test goes with --replay"),
                             ("pool.cpp --explore --seed 1", "--seed and --explore do not go together"),
                             ("pool.cpp --sizes 8", "--sizes goes with --explore"),
                             ("pool.cpp --seed 1234567890", "1234567890 is no whole number from 0 to 999,999,999"),
                             ("pool.cpp --output=", "the name is empty"),
                             ("--resource X --include=", "the name is empty"),
                             ("pool.cpp --include x.h", "--include goes with --resource"),
                             ("pool.cpp -- -include", "-include: the word that belongs to it is missing"),
                             ("pool.cpp -- -Xclang", "-Xclang: the word that belongs to it is missing"),
                             ("--malloc libmissing.so.1", "the loader does not take it: libmissing.so.1"),
                             ("--new 1st", "no name of a C++ class"), ("--new A pool.cpp", "--new takes a name"),
                             ("--new class", "no name of a C++ class"), ("--new=", "the name is empty"),
                             ("--new A --seconds 3", "--seconds and --new do not go together"),
                             ("--new A --kind list", "invalid choice"), ("--kind c pool.cpp", "--kind goes with")):
            with self.subTest(wrong):
                self.refused(run(self.tree / "ci" / "subject", *wrong.split(), cwd=self.tree), words)
        for right in ((self.tree / "pool.cpp", "--", "-O3", "-lm", "-I", "library", self.tree / "pool.cpp"),
                      ("--malloc", "libm.so.6"), ("--minutes", "0.5", "--jobs", "2", self.tree / "pool.cpp")):
            self.assertIn("set up or built", run(self.tree / "ci" / "subject", *right, cwd=self.tree).stdout)
        for code, words in ((0, "written: my_pool_subject.cpp"), (2, "my_pool_subject.cpp is there already")):
            written = run(self.tree / "ci" / "subject", "--new", "MyPool", cwd=self.tree)
            self.assertEqual(written.returncode, code, written.stdout)
            self.assertIn(words, written.stdout)
        for kind in ("heap", "c", "resource"):
            written = run(self.tree / "ci" / "subject", "--new", f"my_{kind}", "--kind", kind, cwd=self.tree)
            self.assertEqual(written.returncode, 0, written.stdout)
        (self.tree / "all.cpp").write_text("\n".join(
            f'#define tested_subject tested_{kind}\nnamespace slabproof {{ const struct TestedSubject& '
            f'tested_{kind}(); }}\n#include "my_{kind}_subject.cpp"\n#undef tested_subject'
            for kind in ("pool", "heap", "c", "resource")))
        built = run("g++", "-std=c++20", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", f"-I{ROOT}",
                    *(f"-isystem{ROOT / folder}" for folder in ("model/include", "allocator/include",
                                                                "allocator/hosted")), self.tree / "all.cpp")
        self.assertEqual(built.returncode, 0, built.stdout)

    def test_a_wrong_claim_is_told_in_a_sentence(self):
        """Each by the door itself, and in a test that stands alone."""
        wrong = wrong_claims.subject("A", ".sizes = true, .resizes = true", {"reallocate": ""})
        built = self.compile_subjects(f"{wrong}SLABPROOF_SUBJECT(A);\n")
        self.assertNotEqual(built.returncode, 0)
        self.assertIn("`resizes` is claimed, and there is no", built.stdout)
        built = self.compile_subjects(wrong_claims.all_right())
        self.assertEqual(built.returncode, 0, built.stdout)
        built = self.compile_subjects("#define SLABPROOF_IN_A_TEST\n" + wrong_claims.all_wrong(), "-fmax-errors=0")
        told = wrong_claims.told(built.stdout)
        for i, (claim, words, _) in enumerate(wrong_claims.ROWS):
            with self.subTest(f"{i}: {claim}"):
                self.assertIn(words, " ".join(told.get(i, ())))
        without = self.compile_subjects("#define SLABPROOF_IN_A_TEST\n" + wrong_claims.by_exception(),
                                        "-fno-exceptions")
        self.assertIn("need exceptions, which this file is compiled without", without.stdout)

    def compile_subjects(self, text, *flags):
        (self.tree / "wrong.cpp").write_text(text)
        return run("g++", "-std=c++20", "-fsyntax-only", *flags, f"-I{ROOT}",
                   *(f"-I{ROOT / folder}" for folder in ("model/include", "allocator/include", "allocator/hosted")),
                   self.tree / "wrong.cpp")

    def test_only_what_was_named_is_run(self):
        (self.tree / "ci" / "setup").write_text("#!/bin/sh\n")
        (self.tree / "ci" / "build").write_text(f'#!/bin/sh\ncase $1 in --where) echo "{self.tree}/$2" ;; esac\n')
        replay = self.tree / "asan" / "bin" / "slab_replay"
        replay.parent.mkdir(parents=True)
        replay.write_text("#!/bin/sh\necho leaks are not looked for\n")
        replay.chmod(0o755)
        (self.tree / "asan" / "CTestTestfile.cmake").write_text(
            'add_test(properties.one sh -c "echo the seed is $RC_PARAMS")\nset_tests_properties(properties.one '
            'PROPERTIES LABELS seeded)\n'
            'add_test(other.two false)\n')
        test = self.tree / "ci" / "test"
        right = run(test, "--only", "one", "--seed", "7")
        self.assertEqual(right.returncode, 0, right.stdout)
        self.assertIn(": the seed is seed=7\n", right.stdout)
        self.assertEqual(right.stdout.count("ci/test: leaks are not looked for\n"), 1)
        self.assertNotIn("Test command", right.stdout)
        self.refused(run(test, "--only", "three"), "no test has a name in which 'three' is found")
        self.refused(run(test, "--only", "["), "no test has a name in which '[' is found")
        self.refused(run(test, "--only", "two", "--seed", "7"), "none of the tests that --only names is a property")
        self.refused(run(test, "--only", "two"), "tests fail with preset asan", code=1)

    def test_build_and_setup(self):
        self.refused(run(ROOT / "ci" / "build", "nonsense"), "ci/build: nonsense: no such preset; there are: dev asan")
        cmake = self.folder / "cmake"
        cmake.write_text("#!/bin/sh\necho something is set up or built\nexit 2\n")
        cmake.chmod(0o755)
        for wrong in ((), ("",), ("--where", ""), ("dev", ""), ("--loud", "dev", "--nonsense"), ("--nonsense",),
                      ("--where", "dev", "extra"), ("dev asan",)):
            with self.subTest(wrong):
                self.refused(run(ROOT / "ci" / "build", *wrong, PATH=f"{self.folder}:{os.environ['PATH']}"), "ci/build")
        self.refused(run(ROOT / "ci" / "setup", "--nonsense"), "ci/setup: --nonsense: unknown option")

    def test_where_something_else_is_wanted(self):
        """Refused with the reason before anything is measured, explored or written."""
        taken = self.folder / "taken"
        (taken / "results.json").mkdir(parents=True)
        page = taken / "page"
        page.touch()
        for command, *wrong in (
                ("bench", "--output", ""), ("bench", "--output", page), ("bench", "--output", "/sys"),
                ("bench", "--output", taken), ("bench", "--output", "/proc/no"), ("bench", "--old", ""),
                ("bench", "--old", "no commit"), ("bench", "--show", ""), ("bench", "--show", taken / "results.json"),
                ("bench", "--show", page, "--quick"), ("docs", "--output", ""), ("docs", "--output", page),
                ("docs", "--output", "/sys"), ("explore", "--output", page), ("explore", "--output", "/proc/no")):
            with self.subTest(f"{command} {wrong}"):
                self.refused(run(self.tree / "ci" / command, *wrong), f"ci/{command}: ")
        for wrong, code in ((("nobody", ""), 127), (("few_files=9999999999", "true"), 77),
                            ((f"few_files={10 ** 30}", "true"), 77)):
            self.refused(run(ROOT / "ci" / "environments", *wrong), code=code)

    def test_a_command_that_does_not_exist_is_named(self):
        for command in ("nonsense", "/etc/passwd"):
            self.refused(run(ROOT / "ci" / "with_sanitizers", command),
                         f"ci/with_sanitizers: {command}: no such command", code=127)


if __name__ == "__main__":
    sys.exit(tests.main("ci/build_test.py", __doc__))

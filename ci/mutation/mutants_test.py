#!/usr/bin/env python3
"""What the operators of ci/mutants make of a small header, and of a small judge, what their copies do, and how results
are kept. Skipped (77) without libclang."""

import contextlib
import io
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

sys.dont_write_bytecode = True
sys.path[0] = str(pathlib.Path(__file__).resolve().parents[1])
sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "fuzz"))
from mutation import checks, contexts, escapes, judge_checks, mutants, operators, parts, schemata, syntax
from mutation.building import Build
from mutation.equivalents import Equivalents
from mutation.results import Results
from shared import tests
from shared.command import CannotWork
from shared.targets import ROOT

HEADER = """#pragma once
namespace slab {
/// A sum of the numbers below `n` that are even.
inline int even_sum(int n) noexcept {
  int sum = 0;
  for (int i = 0; i < n; ++i) {
    if (i % 2 != 0) continue;  // a comment, with i < n
    sum += i;
  }
  for (int i = 0; i < n; i += 4) sum += 0 * i;
  return sum;
}
inline const int& first(const int& one, const int&) noexcept { return one; }
constexpr int width = 4 + 4;
consteval int height() { return 7 * 2; }
struct Named {
  char name[5 + 2] = "";
  int size = 6;
};
template <bool Checks>
int wide(int n) noexcept {
  if constexpr (Checks)
    if (n > width) return -1;
  const int m = 1;
  return n << m;
}
template <class T>
T never(T n, T m) noexcept { return n + m; }
inline int unreached(int n, int m) noexcept { return n - m; }
inline int halved(int n) noexcept {
  while (n > 1) n /= 2;
  return n;
}
inline bool same(void* one, bool other) noexcept { return one && other; }
inline int at_most(int n, int most) noexcept { return n < most ? n : most; }
template <bool Checks>
struct SlabList {
  static int some(int n, int m) noexcept {
    if (n > 30) return at_most(n, m);
    return n;
  }
};
template <bool Checks>
struct Rare {};
template <>
struct Rare<false> {};
}  // namespace slab
"""
PROGRAM = """#include <slab/slab.hpp>
#include <cstdio>
int main(int argc, char**) {
  const int one = 1, two = 2;
  if (slab::even_sum(5) != 6 || slab::even_sum(6) != 6 || slab::wide<true>(8) != 16 || slab::wide<true>(9) != -1 ||
      slab::first(one, two) != 1 || slab::same(&argc, false) || slab::halved(5) != 1 ||
      slab::SlabList<true>::some(40, 35) != 35 ||
      (argc > 5 && slab::unreached(1, 1) == 0)) {
    std::puts("signature: E1/sum");
    return 1;
  }
}
"""

# A judge, and what of model/ is none.
COUNTED = """#pragma once
namespace slabproof {
bool is_allowed(int n);
inline int most() { return 3; }
}
"""
COUNTING = """#include "model/judge/expectation.hpp"
namespace slabproof {
namespace {
int half(int n) { return n / 2; }
}  // namespace
bool is_allowed(int n) { return half(n) < most(); }
}  // namespace slabproof
"""
ASKED = """#include "model/judge/expectation.hpp"
int main() { return slabproof::is_allowed(5) && !slabproof::is_allowed(6) ? 0 : 1; }
"""
SCENE = {
    "model/judge/expectation.hpp": COUNTED, "model/judge/expectation.cpp": COUNTING,
    "model/judge/expectation_test.cpp": "namespace slabproof { int tested() { return 1 + 1; } }\n",
    "model/judge/ablation.cpp": "namespace slabproof { int ablated() { return 1 + 1; } }\n",
    "model/memory/region.cpp": "namespace slabproof { int region(int n) { return n + 1; } }\n",
    "model/memory/arena.cpp": "namespace slabproof { int arena(int n) { return n + 1; } }\n",
    "model/subject/inspector.hpp": "#pragma once\n",
    "model/subject/slab_audit.hpp": "#pragma once\nnamespace slabproof { inline int failures() { return 1; } }\n",
}
TOOL = """#!/bin/sh
if [ "$SLAB_MUTANT" = 7 ] && [ "$SLAB_PLANTED" = 3 ]; then words="$OTHER"; else words='"B8/alloc", "sentence": "B8"'; fi
echo "{\\"outcome\\": \\"violated\\", \\"signature\\": $words}"
"""


def scene(folder):
    """A root with that header for an allocator."""
    for header in parts.ALLOCATOR.units(folder):
        room = "hosted" if "hosted" in header else "include"
        path = folder / "allocator" / room / header
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEADER if header == "slab/slab.hpp" else "#pragma once\n")
    return folder


class Mutants(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.holder = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.holder.name).resolve()
        cls.mutants, cls.files = operators.mutants_of(scene(cls.folder / "root"))
        cls.keys = {m.key.split(" ", 1)[1]: m for m in cls.mutants}
        cls.copies = schemata.write(cls.files, [m for m in cls.mutants if m.runs], len(cls.mutants) + 1,
                                    cls.folder / "copy")
        (cls.folder / "main.cpp").write_text(PROGRAM)
        cls.program = cls.folder / "program"
        cls.compiled = cls.compile(cls.program)

    @classmethod
    def tearDownClass(cls):
        cls.holder.cleanup()

    @classmethod
    def compile(cls, out):
        return subprocess.run(["clang++-19", "-std=c++20", "-w", f"-I{cls.folder}/copy/allocator/include",
                               cls.folder / "main.cpp", "-o", out], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True)

    def end(self, key, limit=20, reached=None):
        number = self.keys[key].number if key else 0
        return checks.run(checks.Check("program", "", [], checks.HOSTED), self.program, number, limit, reached)

    def test_each_operator_has_its_mutants(self):
        for key in ("even_sum: i < n -> i <= n", "even_sum: i < n -> the last is left out",
                    "even_sum: i % 2 != 0 -> true", "even_sum: i % 2 != 0 -> false", "even_sum: 2 -> 2 + 1",
                    "even_sum: continue -> nothing", "even_sum: sum += i -> nothing", "even_sum: sum += i -> sum = i",
                    "even_sum: return sum -> another value", "wide: n > width -> n >= width", "wide: n << m -> n >> m",
                    "same: one && other -> false", "same: one -> true", "unreached: n - m -> n + m"):
            self.assertIn(key, self.keys)

    def test_the_last_round_of_a_loop_is_a_step_before_the_end(self):
        self.assertEqual([m.text for m in self.mutants if m.becomes == "the last is left out"],
                         ["(i) + 1 < (n)", "(i) + (4) < (n)"])

    def test_none_is_made_whose_death_follows_from_that_of_another(self):
        self.assertEqual({m.becomes for m in self.mutants if m.original == "i < n"}, {"i <= n", "the last is left out"})
        self.assertEqual({m.becomes for m in self.mutants if m.function == "same"}, {"false", "true"})
        self.assertFalse([m for m in self.mutants if m.original in ("Checks", "++i", "0 + m", "one && 0")])
        self.assertEqual([m.becomes for m in self.mutants if m.operator == "relational" and m.function == "wide"],
                         ["n >= width"])

    def test_an_omission_is_in_each_row_and_policy_that_there_is(self):
        both = {"Checked": "a", "Unchecked": "b", "guarded": "c", "Large": "d"}
        self.assertEqual({*contexts.narrowed(both, "checks", True)}, {"Checked", "guarded", "Large"})
        self.assertEqual({*contexts.narrowed(both, "!guards && row != Row::Large", True)}, {"Checked", "Unchecked"})
        self.assertEqual({*contexts.narrowed(both, "row == Row::Large", True)}, {"Checked", "Unchecked", "guarded"})
        self.assertEqual({*contexts.narrowed(both, "checks && other", False)}, {*both})
        for of_busy in ("busy_.is_set()", "(busy_.is_set())", "(other() && busy_.is_set())"):
            self.assertEqual({*contexts.narrowed(both, of_busy, True)}, {"Checked", "guarded", "Large"}, of_busy)
        self.assertEqual({*contexts.notable(both, "busy_.leave()")}, {"Checked", "guarded", "Large"})

    def test_what_the_compiler_decides_does_not_run(self):
        for end, runs in (("4 -> 4 + 1", False), ("7 -> 7 + 1", False), ("5 -> 5 + 1", False), ("6 -> 6 + 1", True)):
            self.assertEqual(next(m for k, m in self.keys.items() if k.endswith(end)).runs, runs, end)

    def test_what_is_symmetric_or_what_a_template_is_specialised_for_is_no_mutant(self):
        self.assertIn("SlabList::some: return at_most(n, m) -> another value", self.keys)
        self.assertFalse([key for key in self.keys if "at_most(m, n)" in key or key.startswith("Rare")])

    def test_a_reference_is_returned_as_it_is(self):
        self.assertFalse([key for key in self.keys if key.startswith("first: return")])

    def test_the_copy_compiles_and_does_what_the_original_does(self):
        self.assertEqual(self.compiled.returncode, 0, self.compiled.stderr)
        self.assertEqual(self.end(None).how, "passed")

    def test_a_mutant_is_killed_and_the_signature_told(self):
        end = self.end("even_sum: sum += i -> nothing")
        self.assertEqual((end.how, end.what), ("killed", "E1/sum"))
        self.assertEqual(self.end("even_sum: continue -> nothing").how, "killed")
        self.assertEqual(self.end("same: other -> true").how, "killed")

    def test_one_that_nobody_can_tell_survives(self):
        self.assertEqual(self.end("even_sum: 0 -> 0 + 1 #2").how, "passed")  # 0 adds nothing
        self.assertEqual(self.end("unreached: n - m -> n + m").how, "passed")

    def test_one_that_never_ends_is_told_apart(self):
        self.assertEqual(self.end("halved: n /= 2 -> nothing", limit=2).how, "hung")

    def test_what_is_compiled_in_and_come_upon_is_known(self):
        present = Build.compiled_in(None, self.program)
        self.assertNotIn(self.keys["never: n + m -> n - m"].number, present)
        self.assertIn(self.keys["unreached: n - m -> n + m"].number, present)
        self.assertIn(self.keys["SlabList::some: n > 30 -> false in Checked"].number, present)
        self.assertNotIn(self.keys["SlabList::some: n > 30 -> false in Unchecked"].number, present)
        with tempfile.NamedTemporaryFile() as reached:
            reached.truncate(len(self.mutants) + 1)
            self.end(None, reached=reached.name)
            seen = pathlib.Path(reached.name).read_bytes()
        self.assertEqual(seen[self.keys["unreached: n - m -> n + m"].number], 0)
        self.assertEqual(seen[self.keys["even_sum: sum += i -> nothing"].number], 1)


class Files(unittest.TestCase):
    def test_results_are_gone_on_with(self):
        mutant = operators.Mutant("f", "g", "return", 1, "a", "b", 0, 1, 0, "b", True, key="f g: a -> b")
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "out" / "results"
            first = Results(path, "one")
            first.add(mutant, "survived", "explorer", "small")
            first.add(mutant, "unreached", "random programs", "few")
            self.assertTrue(first.is_open(mutant))
            path.write_text(path.read_text() + '{"of": "one", "key"')  # a run that was ended
            second = Results(path, "one")
            self.assertTrue(second.has_passed(mutant, "explorer", "small"))
            self.assertFalse(second.has_passed(mutant, "explorer", "large"))
            both = [("explorer", "small"), ("random programs", "few")]
            self.assertEqual(second.fate(mutant, both), "survived")
            self.assertEqual(second.fate(mutant, both[1:]), "unreached")
            self.assertEqual(second.fate(mutant, [*both, ("tests", "new")]), "open")
            second.add(mutant, "killed", "tests", "new", "G6/start", 0.2)
            third = Results(path, "one")
            self.assertEqual(third.ended[mutant.key]["what"], "G6/start")
            self.assertFalse(third.is_open(mutant))
            self.assertEqual(third.fate(mutant, []), "killed")
            other = Results(path, "other sources")
            self.assertTrue(other.is_open(mutant))
            self.assertEqual(other.killer[mutant.key], "tests")

    def test_what_is_no_result_tells_nothing(self):
        mutant = operators.Mutant("f", "g", "return", 1, "a", "b", 0, 1, 0, "b", True, key="f g: a -> b")
        whole = {"of": "one", "key": mutant.key, "fate": "killed", "check": "c", "by": "d", "what": "e", "seconds": 1}
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "results"
            for wrong in ("5", "[]", "{}", "\xff", *(json.dumps({k: v for k, v in whole.items() if k != without})
                                                     for without in whole), json.dumps({**whole, "fate": "well"})):
                other = json.dumps({**whole, "key": "other"})
                path.write_bytes(f"{wrong}\n{other}\n".encode("latin-1"))
                results = Results(path, "one")
                self.assertEqual(results.fate(mutant, [("c", "d")]), "open", wrong)
                self.assertEqual([*results.ended], ["other"], wrong)
            with self.assertRaises(OSError):
                Results(pathlib.Path(folder), "one")

    def test_none_at_all_is_no_success(self):
        mutant = operators.Mutant("f", "g", "return", 1, "a", "b", 0, 1, 0, "b", True, key="f g: a -> b")
        with mock.patch.object(mutants, "mutants_of", lambda *_: ([mutant], {})), \
                mock.patch.object(mutants.Equivalents, "without", lambda *_: []), \
                mock.patch.object(checks, "ELSEWHERE", ()), \
                mock.patch.object(mutants.subprocess, "run", return_value=mock.Mock(returncode=0, stdout="")):
            for words in (["--operator", "bit"], ["--only", "^return: f g", "--operator", "bit"]):
                with mock.patch.object(sys, "argv", ["mutants", *words]), self.assertRaises(CannotWork):
                    mutants.main()
            with mock.patch.object(sys, "argv", ["mutants", "--changed"]), contextlib.redirect_stdout(io.StringIO()):
                self.assertEqual(mutants.main(), 0)

    def test_a_new_file_is_changed_in_every_line(self):
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "allocator").mkdir()
            (pathlib.Path(folder) / "allocator/old.hpp").write_text("1\n2\n")
            git = ["git", "-C", folder, "-c", "user.name=a", "-c", "user.email=a@b"]
            for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"]):
                subprocess.run([*git, *words], check=True)
            (pathlib.Path(folder) / "allocator/old.hpp").write_text("1\n3\n")
            (pathlib.Path(folder) / "allocator/new.hpp").write_text("1\n2\n")
            with mock.patch.object(mutants, "ROOT", folder):
                lines = mutants.changed_lines("HEAD")
                with self.assertRaises(CannotWork):
                    mutants.changed_lines("")
        self.assertEqual(lines["allocator/old.hpp"], {2})
        self.assertIn(2, lines["allocator/new.hpp"])

    def test_a_line_without_a_reason_or_mutant_is_an_error(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "listed"
            path.write_text("# why\nf g: a -> b ;; because a is b\n")
            self.assertEqual(Equivalents(path).without([]), ["f g: a -> b"])
            path.write_text("f g: a -> b in * #2 ;; because a is b\n")
            mutant = operators.Mutant("f", "g", "omission", 1, "a", "b", 0, 1, 0, "b", True,
                                      key="f g: a -> b in Large #2")
            self.assertTrue(Equivalents(path).has(mutant))
            self.assertEqual(Equivalents(path).without([mutant]), [])
            mutant.key = "f g: a -> b in Large"
            self.assertFalse(Equivalents(path).has(mutant))
            for wrong in ("f g: a -> b\n", "f g: a -> b ;; \n", "x ;; y\nx ;; z\n"):
                path.write_text(wrong)
                with self.assertRaises(CannotWork):
                    Equivalents(path)

    def test_what_no_mutant_is_of_is_not_said_to_be_seen_elsewhere(self):
        with self.assertRaisesRegex(CannotWork, "Poison.valgrind"):
            checks.refuse_stale_elsewhere([])

    def test_a_sample_is_the_same_for_the_same_seed(self):
        arguments = type("", (), {"changed": None, "quick": False, "only": None, "operator": None, "sample": 5,
                                   "listed": False, "seed": 3})
        drawn = [mutants.chosen(range(100), arguments, None) for _ in range(2)]
        self.assertEqual(*drawn)


class OfTheJudge(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.holder = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.holder.name).resolve()
        for name, text in SCENE.items():
            (cls.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (cls.folder / name).write_text(text)
        cls.part = parts.judge(cls.folder)
        cls.mutants, cls.files = operators.mutants_of(cls.folder, cls.part)

    @classmethod
    def tearDownClass(cls):
        cls.holder.cleanup()

    def test_there_are_mutants_of_sources_and_headers_but_not_of_tests(self):
        self.assertEqual({*self.files}, {"model/judge/expectation.hpp", "model/judge/expectation.cpp",
                                         "model/memory/region.cpp", "model/subject/inspector.hpp",
                                         "model/subject/slab_audit.hpp"})
        keys = {mutant.key for mutant in self.mutants}
        for key in ("model/judge/expectation.cpp is_allowed: half(n) < most() -> half(n) <= most()",
                    "model/judge/expectation.hpp most: 3 -> 3 + 1", "model/memory/region.cpp region: 1 -> 1 + 1"):
            self.assertIn(key, keys)
        here = parts.sources_of_judge(ROOT)
        for name in ("model/judge/verdict.cpp", "model/judge/any/checks.cpp", "model/memory/contents.cpp"):
            self.assertIn(name, here)
        self.assertFalse([name for name in here if "ablation" in name or "_test" in name or "digests" in name])

    def test_those_of_sources_are_chosen_at_run_time(self):
        copy = self.folder / "copy"
        copies = schemata.write(self.files, self.mutants, len(self.mutants) + 1, copy, self.part)
        (copy / "main.cpp").write_text(ASKED)
        program = copy / "program"
        subprocess.run(["clang++-19", "-std=c++20", "-w", f"-I{copy}", copy / "model/judge/expectation.cpp",
                        copy / "main.cpp", "-o", program], check=True)
        ends = {}
        for mutant in self.mutants:
            check = checks.Check("program", "", [], judge_checks.ALL)
            ends[mutant.key.split(" ", 1)[1]] = checks.run(check, program, mutant.number, 20).how
        self.assertEqual(checks.run(check, program, 0, 20).how, "passed")
        self.assertEqual(ends["is_allowed: half(n) < most() -> half(n) <= most()"], "killed")
        self.assertEqual(ends["half: 2 -> 2 - 1"], "killed")
        self.assertEqual(ends["failures: 1 -> 1 + 1"], "passed")  # of what the program has not
        line = next(number for number, text in enumerate(
            copies["model/judge/expectation.cpp"].text.split("\n"), 1) if "slab_mutant::on<" in text)
        self.assertIn(line, copies["model/judge/expectation.cpp"].numbers)

    def test_two_meanings_of_a_name_are_told(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder).resolve()
            other = "namespace slabproof { namespace { long half(int n) { return n; } } }"
            for name, text in {**SCENE, "model/judge/other.cpp": other}.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text)
            with self.assertRaisesRegex(CannotWork, "the judge does not compile"):
                operators.mutants_of(root, parts.judge(root))

    def test_each_part_has_its_lines_of_the_equivalents(self):
        path = self.folder / "listed"
        path.write_text("model/judge/a f: 1 -> 2 ;; why\nallocator/b f: 1 -> 2 ;; why\nelsewhere f: 1 -> 2 ;; why\n")
        of_allocator, of_judge = Equivalents(path), Equivalents(path, self.part.others)
        self.assertEqual(of_allocator.without([]), ["allocator/b f: 1 -> 2", "elsewhere f: 1 -> 2"])
        self.assertEqual(of_judge.without([]), ["model/judge/a f: 1 -> 2", "elsewhere f: 1 -> 2"])

    def test_quick_is_of_the_allocator_and_asks_the_quickest_alone(self):
        for other, why in (("--judge", "--quick is of the allocator"), ("--listed", "--listed asks every check")):
            with mock.patch.object(sys, "argv", ["mutants", other, "--quick"]), \
                    contextlib.redirect_stderr(io.StringIO()) as said, self.assertRaises(SystemExit) as end:
                mutants.main()
            self.assertEqual(end.exception.code, 2)
            self.assertIn(why, said.getvalue())

    def test_results_of_one_part_are_none_of_the_other(self):
        self.assertEqual(parts.ALLOCATOR.digested(self.files), ("allocator",))
        self.assertEqual({*self.part.digested(self.files)}, {*self.files})
        self.assertNotEqual(self.part.name, parts.ALLOCATOR.name)

    def test_what_runs_a_program_and_can_not_work_kills_nothing(self):
        def end(code, said=""):
            through = (sys.executable, "-c", f"import sys; print({said!r}) if {said!r} else None; sys.exit({code})")
            return checks.run(checks.Check("program", "", [], judge_checks.ALL, through=through), "program", 1, 20)
        self.assertEqual([end(code).how for code in (0, 1, 3)], ["passed", "killed", "killed"])
        for said, told in (("first\nno space left", "program: no space left"), ("", "exit 2, without a word")):
            with self.assertRaisesRegex(CannotWork, told):
                end(2, said)

    def test_a_judge_that_says_another_thing_of_a_bug_is_told(self):
        tool = self.folder / "bin" / "replay"
        tool.parent.mkdir(exist_ok=True)
        tool.write_text(TOOL)
        tool.chmod(0o755)

        def ask(mutant, other=""):
            with mock.patch.dict(os.environ, {"SLAB_MUTANT": str(mutant), "OTHER": other}), \
                    mock.patch.object(sys, "argv", ["escapes.py", str(tool)]), \
                    mock.patch.object(escapes.bugs, "BUGS", escapes.bugs.BUGS[:4]), \
                    contextlib.redirect_stdout(io.StringIO()) as said:
                code = escapes.main()
            return code, checks.told(said.getvalue(), code)

        with self.assertRaisesRegex(CannotWork, "without a mutant comes first"):
            ask(7)
        self.assertEqual(ask(0)[0], 0)
        noted = json.loads((tool.parent / "said_of_planted_bugs.json").read_text())
        third = next(name for name, (number, *_) in noted.items() if number == 3)
        self.assertEqual(ask(6, '"B9/alloc", "sentence": "B9"'), (0, "exit 0"))
        for other in ('"B9/alloc", "sentence": "B8"', '"B8/alloc", "sentence": "B9"', "nothing"):
            self.assertEqual(ask(7, other), (1, f"B8/alloc of {third}"))
        tool.write_text(TOOL.replace("B8/alloc", "agreed"))
        with self.assertRaisesRegex(CannotWork, "no more than 0 of 4 bugs"):
            ask(0)


if __name__ == "__main__":
    try:
        syntax.load_libclang()
    except CannotWork as error:
        print(error)
        sys.exit(77)
    sys.exit(tests.main("ci/mutation/mutants_test.py", __doc__))

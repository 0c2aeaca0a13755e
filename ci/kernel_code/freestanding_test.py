#!/usr/bin/env python3
"""ci/freestanding finds each thing that it looks for: planted in small files, with every compiler that is installed.

exit: 0 all pass, 1 one fails"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from kernel_code import bounds, freestanding, headers, machine_code, objects, toolchain
from shared import tests
from shared.command import CannotWork
from shared.targets import ROOT

COMPILERS, _ = toolchain.compilers()
NOT_PEDANTIC = "#pragma GCC diagnostic ignored \"-Wpedantic\"\n"
KERNEL = """
namespace kernel {
struct Backend { static void *alloc_slab(), *free_slab(), *save_slab_info(), *alloc_slab_info(); };
struct Lock { static void lock(); };
}
extern "C" void* measured_alloc(unsigned long n);
extern "C" void measured_free(void*, unsigned long);
"""
CALLS = KERNEL + """
[[gnu::noinline]] void* more(unsigned long n) { kernel::Backend::alloc_slab(); return n ? nullptr : (void*)&more; }
void* measured_alloc(unsigned long n) { char room[%d]; asm volatile("" : : "r"(room) : "memory"); return more(n + 1); }
void measured_free(void*, unsigned long) {}
"""


class Case(unittest.TestCase):
    def setUp(self):
        if not COMPILERS:
            self.skipTest("none of the compilers is installed: ci/setup --kernel")
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)

    def header(self, text):
        """A tree whose only header is slab/planted.hpp."""
        path = self.folder / "allocator/include/slab/planted.hpp"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#pragma once\n" + text)
        return self.folder

    def source(self, text):
        path = self.folder / "planted.cpp"
        path.write_text(text)
        return path

    def measured(self, compiler, text, cache="CacheOf<SmallSinglePage, Checked>"):
        return freestanding.measure(compiler, cache, self.source(NOT_PEDANTIC + text))


class Headers(Case):
    def test_what_is_wrong_with_one_is_told(self):
        for text, words in (("#include <vector>\n", r"reaches <\S+> with \S+, by <slab/planted.hpp>"),
                            ("#include <utility>\n#include <cstring>\n", "reaches <cstring> with"),
                            ("inline std::size_t f() { return 0; }\n", "does not compile alone"),
                            ("inline char f(int i) { return i; }\n", "does not compile alone"),
                            ("inline int f(int i) { { int i = 1; return i; } return i; }\n", "does not compile alone"),
                            ("inline void f() { throw 1; }\n", "does not compile alone")):
            for compiler in COMPILERS:
                with self.subTest(text, compiler=compiler.name):
                    found = list(headers.problems_of(compiler, "slab/planted.hpp", self.header(text)))
                    self.assertTrue(found)
                    self.assertRegex(found[0], words)
        for compiler in COMPILERS:
            right = self.header("#include <bit>\n")
            self.assertEqual(list(headers.problems_of(compiler, "slab/planted.hpp", right)), [])

    def test_there_are_some(self):
        self.assertIn("slab/cache_core.hpp", headers.public("slab"))
        self.assertIn("slab/hosted/backend.hpp", headers.public("slab/hosted"))
        self.assertIn("slab/policy.hpp", headers.differ_where_hosted())


class Symbols(Case):
    def test_what_a_kernel_does_not_have_is_told(self):
        struct = "struct A { A(); ~A(); int i; }; A::A() : i(1) {} A::~A() { i = 0; }\n"
        for text, words in (
                ("int g(); int f(); int f() { return g(); }\n", "asks the linker for _Z1gv"),
                (struct + "int f(); int f() { static A a; return a.i; }\n", "the guard variable of a static"),
                ("struct A { ~A(); int i; }; A::~A() { i = 0; } constinit A a{1};\n", "before or after main|atexit"),
                ("int g() { volatile int i = 1; return i; } int a = g();\n", "before or after main"),
                ("[[gnu::destructor]] void f() {}\n", "fini_array|dtors"),
                ("thread_local int i; int f() { return ++i; }\n", "is thread-local"),
                ("unsigned __int128 f(unsigned __int128 a, unsigned __int128 b) { return a / b; }\n", "__udivti3"),
                ("void* f() { return new int; }\n", "asks the linker for _Znwm"),
                ("struct A { int i[99]; }; void f(A& to, const A& from) { to = from; }\n", None)):
            for compiler in COMPILERS:
                with self.subTest(text, compiler=compiler.name):
                    _, found = freestanding.compile_and_check(compiler, self.source(NOT_PEDANTIC + text), "-O0")
                    if words:
                        self.assertRegex("\n".join(found), words)
                    else:
                        self.assertEqual(found, [])

    def test_a_row_asks_for_what_is_its_own(self):
        call = CALLS % 8 + "void f() { kernel::Backend::free_slab(); kernel::%s(); }\n"
        for name, cache, words in (("Backend::save_slab_info", "CacheOf<SmallSinglePage, Checked>", "save_slab_info"),
                                   ("Backend::alloc_slab_info", "CacheOf<SmallMultiPage, Checked>", "alloc_slab_info"),
                                   ("Lock::lock", "CacheOf<SmallMultiPage, Checked>", "4Lock4lock"),
                                   ("Backend::save_slab_info", "CacheOf<SmallMultiPage, Checked>", None),
                                   ("Lock::lock", "LockedOf<SmallSinglePage, Checked>", None),
                                   ("Backend::alloc_slab_info", "CacheOf<Large, Checked>", None)):
            found = self.measured(COMPILERS[0], call % name, cache).problems
            self.assertEqual(len(found), 1 if words else 0, found)
            self.assertIn(words or "", "".join(found))

    def test_object_files_are_looked_at_together(self):
        made = []
        for name, text in (("a", "int g(); int f() { return g(); }\n"), ("b", "int g() { return 1; }\n")):
            made.append(self.folder / f"{name}.o")
            compiled = COMPILERS[0].run(["-c", "-", "-o", str(made[-1])], text)
            self.assertEqual(compiled.returncode, 0, compiled.stderr)
        for paths, code in ((made, 0), (made[:1], 1), ([self.folder / "none.o"], 2), ([self.source("")], 2)):
            done = subprocess.run([ROOT / "ci/freestanding", "--objects", *paths], capture_output=True, text=True)
            self.assertEqual(done.returncode, code, done)
        self.assertNotIn("Traceback", done.stderr)


class Code(Case):
    def test_text_and_stack_are_counted(self):
        for compiler in COMPILERS:
            less, more = (self.measured(compiler, CALLS % room) for room in (64, 128))
            self.assertEqual(less.problems + more.problems, [])
            self.assertEqual(more.figures.alloc_stack - less.figures.alloc_stack, 64)
            self.assertEqual(less.figures.free_stack, 8)
            self.assertGreater(less.figures.alloc_behind, 0)
            self.assertEqual(less.figures.behind_both, less.figures.alloc_behind)

    def test_what_has_no_bound_is_told(self):
        alloc = KERNEL + ("%s\nvoid* measured_alloc(unsigned long n) { return %s; }\n"
                          "void measured_free(void*, unsigned long) {}\n")
        pressed = "asm volatile(\"\" : : \"r\"(&n) : \"memory\")"
        for before, value, words in (
                (f"[[gnu::noinline]] void* f(unsigned long n) {{\n{pressed};\nvoid* p = n ? measured_alloc(n - 1) : "
                 f"nullptr;\n{pressed};\nreturn p; }}", "f(n)", "a recursion: .* calls "),
                ("void g(void*);", "(g(__builtin_alloca(n)), nullptr)", "no constant size"),
                ("void* (*g)(unsigned long);", "(g(n), nullptr)", "an address that is not in the code"),
                ("", "(void*)(n / (n - 3))", "divides in measured_alloc")):
            for compiler in COMPILERS:
                with self.subTest(words, compiler=compiler.name):
                    self.assertRegex("\n".join(self.measured(compiler, alloc % (before, value)).problems), words)

    def test_a_loop_of_jumps_is_no_recursion(self):
        loop = KERNEL + """void* g(unsigned long n);
            [[gnu::noinline]] void* f(unsigned long n) {
              void* p = kernel::Backend::alloc_slab();
              return n ? g(n - 1) : p;
            }
            [[gnu::noinline]] void* g(unsigned long n) { kernel::Backend::free_slab(); return f(n); }
            void* measured_alloc(unsigned long n) { return f(n); }\nvoid measured_free(void*, unsigned long) {}\n"""
        for compiler in COMPILERS:
            found = self.measured(compiler, loop)
            self.assertEqual(found.problems, [])
            self.assertLess(found.figures.alloc_stack, 64)

    def test_frames_are_those_that_gcc_tells(self):
        """Of each function of whole caches; one has a frame of 128 bytes, which g++ makes by adding −128."""
        gcc = next((compiler for compiler in COMPILERS if "g++" in compiler.name), None)
        if not gcc:
            self.skipTest("g++ is not installed")
        for cache in ("CacheOf<Large, Debug>", "DynamicCacheOf<SmallMultiPage, Checked>"):
            with self.subTest(cache):
                self.compare_frames(gcc, cache)

    def compare_frames(self, gcc, cache):
        words = ["-O2", f"-DCACHE={cache}", *toolchain.include_of(ROOT), "-fcallgraph-info=su"]
        made = self.folder / "a.o"
        self.assertEqual(gcc.run([*words, "-c", str(freestanding.SOURCE), "-o", str(made)]).returncode, 0)
        code = machine_code.MachineCode(objects.Object(toolchain.disassemble([made])))
        told = {m[1].rpartition(":")[2]: int(m[2]) for m in re.finditer(
            r'^node: { title: "([^"]+)" label: "[^"]*\\n(\d+) bytes \(static\)',
            made.with_suffix(".ci").read_text(), re.M)}
        compared = {name: (told[name], code.frame(name)) for name in code.functions if name in told}
        self.assertGreater(len(compared), 10)
        self.assertEqual({name: both for name, both in compared.items() if both[0] != both[1]}, {})


class Bounds(unittest.TestCase):
    FIGURES = {("g++-12", "A<b, c>"): bounds.Figures(1, 100, 3, 4, 5, 6, 7)}
    VERSIONS = {"g++-12": "12.2.0"}

    def problems(self, figures, versions=None):
        return list(bounds.problems_of(figures, versions or self.VERSIONS, self.FIGURES, self.VERSIONS))

    def test_what_grows_is_told_with_both_figures(self):
        for i, name in enumerate(bounds.Figures._fields):
            grown = self.FIGURES["g++-12", "A<b, c>"]
            found = self.problems({("g++-12", "A<b, c>"): grown._replace(**{name: grown[i] + 1})})
            self.assertEqual(len(found), 1)
            self.assertRegex(found[0], f"has grown from {grown[i]} to {grown[i] + 1} bytes$")
        self.assertEqual(self.problems(self.FIGURES), [])
        self.assertIn("this is 13.1", self.problems({("g++-12", "A<b, c>"): bounds.Figures(*[200] * 7)},
                                                    {"g++-12": "13.1"})[0])

    def test_what_has_no_bounds_or_no_cache_is_told(self):
        one_more = {**self.FIGURES, ("g++-12", "B<c>"): bounds.Figures(*[1] * 7)}
        self.assertIn("has no bounds", "".join(self.problems(one_more)))
        self.assertIn("is not measured", "".join(self.problems({})))
        self.assertEqual(self.problems({}, {"clang++-19": "19.1.7"}), [])  # a compiler that is not here

    def test_what_shrinks_is_said(self):
        less = self.FIGURES["g++-12", "A<b, c>"]
        for now, said in ((97, []), (96, ["A<b, c>"]), (100, [])):
            taken = {("g++-12", "A<b, c>"): less._replace(alloc_behind=now)}
            self.assertEqual(bounds.shrunk(taken, self.FIGURES), said)

    def test_the_file_is_read_as_it_was_written(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "bounds")
            file.write_text(bounds.written(self.FIGURES, self.VERSIONS))
            self.assertEqual(bounds.read(file), (self.FIGURES, self.VERSIONS))
            for wrong in ("A<b> 1 2 3\n", "g++-12 12.2.0:\nA<b> 1 2 3 4 5 6\n", "nonsense\n"):
                file.write_text(wrong)
                with self.assertRaises(CannotWork):
                    bounds.read(file)

    def test_the_page_has_the_committed_table(self):
        committed, _ = bounds.read()
        page = toolchain.PAGE.read_text()
        self.assertEqual(bounds.in_page(page, committed), page)
        grown = {key: taken._replace(alloc=taken.alloc + 1) for key, taken in committed.items()}
        self.assertNotEqual(bounds.in_page(page, grown), page)
        with self.assertRaises(CannotWork):
            bounds.in_page(page.replace(bounds.BEGIN, ""), committed)
        self.assertEqual({cache for _, cache in committed}, set(freestanding.MEASURED))


class Missing(unittest.TestCase):
    def run_without(self, **programs):
        """With no compiler in the path but these scripts."""
        with tempfile.TemporaryDirectory() as folder:
            os.symlink(shutil.which("objdump"), f"{folder}/objdump")
            for name, text in programs.items():
                pathlib.Path(folder, name).write_text(text)
                os.chmod(f"{folder}/{name}", 0o755)
            return subprocess.run([sys.executable, "-B", ROOT / "ci/kernel_code/freestanding.py", "--installed"],
                                  env={**os.environ, "PATH": folder}, capture_output=True, text=True)

    def test_nothing_is_said_of_what_did_not_run(self):
        done = self.run_without()
        self.assertEqual(done.returncode, 2, done)
        self.assertIn("g++-12 and clang++-14 and clang++-19 is not installed", done.stderr)
        self.assertNotIn("nothing wrong:", done.stdout)
        done = self.run_without(**{"g++-12": "#!/bin/sh\necho broken >&2\nexit 1\n"})
        self.assertEqual(done.returncode, 2, done)
        self.assertIn("g++-12 does not work: broken", done.stderr)

    def test_the_flags_are_those_of_the_page(self):
        self.assertIn("-mno-red-zone", toolchain.flags_of("g++-12"))
        self.assertNotIn("-mno-sse", toolchain.flags_of("g++-12"))
        self.assertIn("-mno-sse", toolchain.flags_of("clang++-19"))


if __name__ == "__main__":
    sys.exit(tests.main("ci/kernel_code/freestanding_test.py", __doc__))

#!/usr/bin/env python3
"""ci/kernel finds out a kernel that goes wrong, whichever way, and says so; and says what it cannot do.
usage: kernel_test.py BUILD_FOLDER"""

import importlib.machinery
import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import types
import unittest

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "ci"))
COMMAND = ROOT / "ci" / "kernel"
loader = importlib.machinery.SourceFileLoader("kernel_command", str(COMMAND))
kernel_command = importlib.util.module_from_spec(importlib.util.spec_from_loader("kernel_command", loader))
loader.exec_module(kernel_command)

# What must be said of each; (variant, what it is asked to do wrong, some of what is printed)
PLANTED = [
    ("gcc", ["--plant", "fault"], ["it ended of a fault", "fault 14 (page fault)", "cr2 0000010000000000"]),
    ("gcc", ["--plant", "triple_fault"], ["as after a triple fault", "early: "]),
    ("gcc", ["--plant", "hang", "--time-limit", "3"], ["has not ended after 3 seconds: it hangs", "early: "]),
    ("gcc", ["--plant", "silence"], ["it is silent where it had to say", "(nothing)"]),
    ("gcc", ["--plant", "double_free"], ["a cache reported a misuse", "slab: DoubleFree"]),
    ("gcc", ["--plant", "interrupt_without_lock"], ["a cache reported a misuse", "slab: ", "kmalloc: "]),
    ("gcc", ["--plant", "processors_without_lock", "--time-limit", "60"], ["wrong\n", "timer: "]),
    ("clang", ["--plant", "interrupt_without_lock"], ["a cache reported a misuse", "slab: ", "kmalloc: "]),
    ("clang", ["--plant", "processors_without_lock", "--time-limit", "60"], ["wrong\n", "timer: "]),
    ("kasan", ["--plant", "use_after_free"], ["KASAN reported an access", "kasan: read of 8 bytes"]),
    ("ubsan", ["--plant", "overflow"], ["it ended of a fault", "UBSan's trap of check 0\n"]),
]


class Kernel(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp())
        cls.corpus = cls.folder / "fuzz_large"
        cls.corpus.mkdir()
        inputs = sorted((ROOT / "corpus/fuzz_large").iterdir(), key=lambda path: -path.stat().st_size)
        for path in inputs[:20]:
            shutil.copy(path, cls.corpus)
        cls.largest = inputs[0].name

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def run_command(self, *words, environment=None):
        done = subprocess.run([COMMAND, "--build", build, "--corpus", self.corpus, *words], text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, env=environment)
        return done.returncode, done.stdout + done.stderr

    def expect(self, status, parts, *words):
        code, said = self.run_command(*words)
        self.assertEqual(code, status, said)
        for part in parts:
            self.assertIn(part, said)

    def test_agrees_where_nothing_is_wrong(self):
        self.expect(0, ["gcc, 1 processor, ", "20 programs, ", "all event logs equal", "done: nothing wrong"],
                    "--only", "gcc", "--smp", "1", "--log")

    def test_each_way_to_go_wrong(self):
        self.assertEqual({words[1] for _, words, _ in PLANTED}, kernel_command.PLANTS.keys())
        for variant, words, parts in PLANTED:
            with self.subTest(variant=variant, words=words):
                self.expect(1, [f"{variant}, ", *parts], "--only", variant, *words)

    def test_flipped_byte_is_found_at_its_step(self):
        name = f"{self.corpus.name}/{self.largest}"
        self.expect(1, ["the event logs of 1 programs differ", f"{name} differs first at step ", "alloc c"],
                    "--only", "clang", "--flip", f"{name}:3")

    def test_program_that_is_not_told_of(self):
        log = "".join(f"{line}1\n" for line in kernel_command.LINES).replace("VARIANT", "gcc").replace("COUNT", "2")
        run = types.SimpleNamespace(status=kernel_command.PASSED, log=log + "0123456789abcdef 5 a/b\n")
        for member in ("line", "digests"):
            setattr(run, member, getattr(kernel_command.Run, member).__get__(run))
        programs = types.SimpleNamespace(expected={"a/b": ("0123456789abcdef", "5")})
        kernel = types.SimpleNamespace(variant="gcc", processors=2, limit=1)
        self.assertEqual(list(kernel_command.Kernel.problems(kernel, run, programs)), [])
        programs.expected["a/c"] = ("0123456789abcdef", "5")
        self.assertEqual(list(kernel_command.Kernel.problems(kernel, run, programs)),
                         ["it has told of 1 programs of 2"])
        run.log = run.log.replace("timer: ", "")
        self.assertIn("it is silent where it had to say “timer: …”",
                      list(kernel_command.Kernel.problems(kernel, run, programs)))

    def test_what_it_cannot_do(self):
        self.expect(2, ["--plant overflow shows with --only ubsan"], "--only", "gcc", "--plant", "overflow")
        self.expect(2, ["there is no such program"], "--only", "gcc", "--flip", "fuzz_large/none:1")
        empty = self.folder / "empty"
        empty.mkdir()
        done = subprocess.run([COMMAND, "--build", build, "--corpus", empty], text=True, stderr=subprocess.PIPE)
        self.assertEqual((done.returncode, "nothing was compared" in done.stderr), (2, True), done.stderr)
        done = subprocess.run([COMMAND, "--build", empty], text=True, stderr=subprocess.PIPE)
        self.assertEqual((done.returncode, "no kernel is built" in done.stderr), (2, True), done.stderr)

    def test_without_qemu(self):
        for name in ("env", "python3"):
            (self.folder / name).symlink_to(shutil.which(name))
        code, said = self.run_command(environment={**os.environ, "PATH": str(self.folder)})
        self.assertEqual(code, 2)
        self.assertIn("qemu-system-x86_64 is not installed; ci/setup --kernel installs it", said)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    build = sys.argv.pop(1)
    if not shutil.which("qemu-system-x86_64"):
        print("the test kernel is left out: qemu-system-x86_64 is not installed")
        sys.exit(77)
    unittest.main()

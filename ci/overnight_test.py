#!/usr/bin/env python3
"""What ci/fuzz finds outlasts whatever ends it: each test does it, and looks at the files that the next start goes on
with. BIN has faulty_target_fuzz, slab_replay and, where AFL++ is installed, faulty_target_afl (preset asan).
exit: 0 all pass, 1 one fails, 2 BIN is no such folder"""

import hashlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import types
import unittest
from unittest import mock

sys.dont_write_bytecode = True
import child_process
import command
import corpus
import fuzz_run
import fuzz_target
import fuzzing
import overnight_scene
import schedule
from afl import Afl
from conclusion import conclude
from crash_files import crashes_in
from crashes import Crashes
from overnight_scene import NAME, Overnight
from replay_tool import ReplayTool


class Killed(Overnight):
    def test_a_worker_killed_is_replaced_and_loses_nothing(self):
        process = self.fuzzing()
        process.send_signal(signal.SIGSTOP)
        before = self.workers()
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        self.wait(lambda: not self.workers(), "its end")  # a zombie has no environment
        process.send_signal(signal.SIGCONT)
        self.wait(lambda: set(self.workers()) - set(before), "another one")
        process.send_signal(signal.SIGINT)
        self.end(process, 0)
        self.goes_on()

    def test_the_command_killed_takes_its_workers_with_it(self):
        process = self.fuzzing()
        process.kill()
        process.wait()
        self.wait(lambda: not self.workers(), "their end")
        self.goes_on()

    def test_everything_killed_at_once(self):
        process = self.fuzzing()
        self.kill_all(process)
        self.goes_on()

    def test_a_process_that_outlives_the_command_is_ended_by_the_next(self):
        process = self.fuzzing()
        process.kill()
        process.wait()
        self.wait(lambda: not self.workers(), "their end")
        orphan = subprocess.Popen(["sleep", "600"], env={**os.environ, fuzz_target.STATISTICS: str(self.out / "logs" / f"{NAME}.counters")})
        orphan.send_signal(signal.SIGSTOP)  # it cannot do what it is asked to
        said = self.end(self.command(how="start"), 0)
        self.assertIn("ended 1 process of a run that was killed", said)
        self.assertEqual(orphan.wait(), -signal.SIGKILL)
        self.goes_on()

    def test_the_machine_switched_off_in_the_middle_of_writing(self):
        process = self.fuzzing()
        self.kill_all(process)
        half, nothing, *_ = sorted(self.corpus.iterdir())
        os.truncate(half, half.stat().st_size // 2)
        os.truncate(nothing, 0)
        (self.out / "crashes" / "encoded").write_bytes(b"half")
        (self.out / "beginning").write_bytes(b"half")
        (self.out / "merge" / NAME / "count").write_text("")
        self.goes_on()

    def test_killed_between_a_crash_and_its_being_taken(self):
        process = self.fuzzing()
        process.send_signal(signal.SIGSTOP)
        name = self.put("!crash!!")
        self.wait(lambda: self.show(name) or list(self.out.glob("artifacts/*/crash-*")), "the crash saved")
        self.kill_all(process)
        (self.corpus / name).unlink()
        said = self.end(self.command(how="start"), 1)
        self.assertIn("1 defect found", said)
        self.assertIn(name, self.failing())
        self.goes_on()

    def test_a_merge_killed_at_each_of_its_steps(self):
        process = self.fuzzing(inputs=40)
        process.send_signal(signal.SIGINT)
        self.end(process, 0)
        before = self.found()
        for number in range(1, 5):
            with self.subTest(number=number):
                done = subprocess.run([sys.executable, "-B", overnight_scene.__file__, "--die-at-rename", self.folder, str(number)])
                self.assertEqual(done.returncode, -signal.SIGKILL)
                self.end(self.command(how="start"), 0)
                if number <= 3:
                    self.assertEqual(self.found(), before)
                else:  # what it chose, of the same as before
                    self.assertTrue(self.found() and self.found() <= before)
                    before = self.found()
                self.assertEqual({p.name for p in (self.out / "merge" / NAME).iterdir()} - {"count"}, set())
        self.goes_on()

    def test_ctrl_c(self):
        process = self.fuzzing()
        process.send_signal(signal.SIGINT)
        self.assertIn("Stopped early. Nothing wrong", self.end(process, 0))
        self.goes_on()


class Faults:
    def test_a_crash(self):
        self.meets("!crash!!", "deadly signal|AddressSanitizer: ABRT")

    def test_a_hang(self):
        self.meets("!hang!!!", "the fuzzer said: .*timeout")

    def test_out_of_memory(self):
        self.meets("!memory!", "the fuzzer said: .*out-of-memory")


class Inputs(Overnight, Faults):
    def meets(self, text, signature):
        process = self.fuzzing()
        name = self.put(text)
        self.wait(lambda: self.show(name) or "signature: " in process.said(), f"what is said of {text}")
        process.send_signal(signal.SIGINT)
        said = self.end(process, 1)
        self.assertIn(name, self.failing())
        self.assertRegex(said, signature)

    def test_a_crash_before_the_fuzzing_is_put_aside_and_not_met_again(self):
        (self.corpus / "folder").mkdir(parents=True)
        name = self.put("!crash!!")
        process = self.fuzzing()
        process.send_signal(signal.SIGINT)
        self.end(process, 1)
        self.assertIn(name, self.failing())
        self.assertIn(name, self.found())

    def test_an_input_that_a_merge_fails_at_is_kept(self):
        process = self.fuzzing()
        process.send_signal(signal.SIGINT)
        self.end(process, 0)
        name = self.put("!crash!!")
        bin = self.folder / "build" / "fuzz" / "bin"
        target = fuzz_target.Target(NAME, 37, self.out, fuzz_run.LibFuzzer.NAME)
        target.workers = [fuzz_run.LibFuzzer(target, 0, fuzz_run.RUN, bin)]
        signals, said = child_process.Signals(), []
        crashes = Crashes(self.folder, self.out / "crashes", ReplayTool([*fuzz_run.RUN, bin / "slab_replay"]), signals, said.append)
        progress = types.SimpleNamespace(say=said.append, gone="")
        with mock.patch.object(corpus, "SMALL_CORPUS", 1):
            fuzzing.Fuzzing(self.out, self.folder / "build", fuzz_run.RUN, [target], crashes, signals, progress).make_small([target])
        self.assertEqual((target.crashes, len(crashes.defects)), (1, 1), said)
        self.assertIn(name, self.failing())
        self.assertFalse(list(self.out.glob("artifacts/*/*")))

    def test_signals_during_its_replay_do_not_hide_what_a_crash_is(self):
        for folder in (self.out / "crashes", self.folder / "artifacts"):
            folder.mkdir(parents=True)
        replay = self.folder / "replay"
        replay.write_text(f"#!/bin/sh\nkill -INT {os.getpid()}\nsleep 1\nkill -TERM {os.getpid()}\n"
                          """echo '{"file": "'"$2"'", "outcome": "violated", "input": "program", "sentence": "", "signature": "M1/free"}'\nexit 1\n""")
        replay.chmod(0o755)
        artifact = self.folder / "artifacts" / "crash-1"
        artifact.write_bytes(b"x")
        signals = child_process.Signals()
        crashes = Crashes(self.folder, self.out / "crashes", ReplayTool([replay]), signals, lambda _: None)
        self.assertTrue(crashes.take(NAME, artifact, "", perhaps_slow=False, engine="libFuzzer"))
        self.assertEqual((signals.count, list(crashes.defects)), (2, ["M1/free"]))

    def test_what_fails_before_the_fuzzing_is_told_although_the_run_cannot_go_on(self):
        (self.out / "crashes").mkdir(parents=True)
        (self.out / "artifacts" / NAME).mkdir(parents=True)
        (self.out / "artifacts" / NAME / "crash-1").write_bytes(b"!crash!!")
        (self.out / "history.jsonl").mkdir()
        said = self.end(self.command(how="start"), 1)
        self.assertIn("1 defect found", said)
        self.assertIn("history.jsonl", said)

    def test_an_input_that_comes_during_a_merge_is_kept(self):
        self.corpus.mkdir(parents=True)
        for text in ("a", "b", "ab", "abab"):
            self.put(text)
        bin, run, said = self.folder / "build" / "fuzz" / "bin", child_process.run, []

        def run_then_put(*arguments, **options):
            code = run(*arguments, **options)
            said.append(self.put("abababab"))
            return code
        merge = corpus.Merge(fuzz_target.Target(NAME, 37, self.out, fuzz_run.LibFuzzer.NAME))
        with mock.patch.object(child_process, "run", run_then_put):
            sentence = merge.run(fuzz_run.RUN, bin / NAME, self.folder, child_process.Signals())
        self.assertIn("inputs of the corpus show the same", sentence)
        self.assertIn(said[0], self.found())

    def test_the_corpus_is_made_small_between_turns(self):
        process = self.fuzzing(inputs=30, how="turns")
        self.wait(lambda: "inputs of the corpus show the same" in process.said(), "a merge")
        process.send_signal(signal.SIGINT)
        self.end(process, 0)

    def test_too_long_an_input_is_used_as_far_as_it_may_be_and_kept(self):
        self.corpus.mkdir(parents=True)
        self.put("x" * 100)
        beginning = hashlib.sha1(b"x" * 37).hexdigest()
        said = self.end(self.command(how="start"), 0)
        self.assertIn("is longer than the 37 bytes", said)
        self.assertIn(beginning, self.found())
        whole, = (self.out / "too-long" / NAME).iterdir()
        self.assertEqual(whole.read_bytes(), b"x" * 100)

    def test_one_that_may_not_be_read_is_put_aside(self):
        nobody = {}
        if os.getuid() == 0:
            nobody = {"user": 65534, "group": 65534, "extra_groups": [], "python": "/usr/bin/python3"}
            readable = subprocess.run(["sh", "-c", f"test -r '{__file__}' && test -x '{self.BIN}/slab_replay' && test -x /usr/bin/python3"],
                                      user=65534, group=65534, extra_groups=[])
            if readable.returncode != 0:
                self.skipTest("somebody without rights cannot read this checkout")
        self.corpus.mkdir(parents=True)
        file = self.corpus / self.put("secret")
        file.chmod(0)
        if nobody:
            subprocess.run(["chown", "-R", "65534:65534", self.folder], check=True)
        said = self.end(self.command(how="start", **nobody), 0)
        self.assertIn("may not be read", said)
        self.assertTrue((self.out / "unreadable" / NAME / file.name).exists())


class Refused(Overnight):
    def test_a_second_command_names_the_first(self):
        first = self.fuzzing("--jobs", "1")
        found = self.found()
        said = self.end(self.command(how="start"), 2)
        self.assertRegex(said, rf"another command is at work .*: pid {first.pid}, started \d{{4}}-.*: ci/fuzz --target {NAME} .*--jobs 1; wait")
        self.assertIsNone(first.poll())
        self.assertTrue(self.workers())
        self.assertTrue(found)
        first.send_signal(signal.SIGINT)
        self.end(first, 0)

    def test_a_folder_of_another_format(self):
        self.out.mkdir()
        (self.out / "crashes").mkdir()
        (self.out / "crashes" / f"{NAME}-1").write_bytes(b"x")
        for version, shown in ((b"3\n", "3"), (b"\xff", "\ufffd"), (b"", "unknown")):
            (self.out / "format").write_bytes(version)
            said = self.end(self.command(how="start"), 2)
            self.assertIn(f"is of format {shown}, and this version writes format 2", said)
            self.assertEqual({p.name for p in self.out.iterdir()}, {"format", "crashes", "lock"})

    def test_the_disk_fills_and_is_full_at_the_next_start(self):
        if os.getuid() != 0:
            self.skipTest("needs root, to mount a small disk")
        self.out.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "none", self.out], stderr=subprocess.PIPE)
        if mounted.returncode != 0:
            self.skipTest(f"cannot mount a small disk: {mounted.stderr.decode().strip()}")
        self.addCleanup(subprocess.run, ["umount", "-l", self.out], check=True)
        self.addCleanup(self.kill_workers)
        process = self.fuzzing()
        process.send_signal(signal.SIGSTOP)
        with open(self.out / "filler", "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(1 << 16))
            except OSError:
                pass
        found = self.found()
        process.send_signal(signal.SIGCONT)
        self.assertIn("make room there", self.end(process, 2))
        kept = self.found()
        self.assertEqual(found - kept, set())
        self.assertIn("make room there", self.end(self.command(how="start"), 2))
        self.assertEqual(self.found(), kept)
        (self.out / "filler").unlink()
        self.goes_on()

    def test_a_folder_that_is_a_file(self):
        for folder in (self.out / "artifacts" / f"{NAME}.1", self.out):
            shutil.rmtree(self.out, ignore_errors=True)
            folder.parent.mkdir(parents=True, exist_ok=True)
            folder.write_text("")
            self.assertIn("mend that and start again", self.end(self.command(how="start"), 2))


class Continued(Overnight):
    def test_a_folder_of_the_format_before_is_gone_on_with(self):
        self.commit("a")
        crashes = self.out / "crashes"
        crashes.mkdir(parents=True)
        (self.out / "format").write_text("1\n")
        (self.out / "history.jsonl").write_text("half a li")
        for name, signature in (("1", "M1/free"), ("2", "L6/end")):
            (crashes / f"{NAME}-{name}").write_text(name)
            (crashes / f"{NAME}-{name}.json").write_text(json.dumps(
                {"version": 1, "signature": signature, "target": NAME, "engine": "libFuzzer", "first_seen": "2026-01-01", "times": 7}))
        (crashes / f"{NAME}-2.json").write_text("no json")
        self.replay_tool('[[ $1 == *-2 ]] && { says "$1" "${fails/M1/L6}"; shift; }; for file; do says "$file" "$fails"; done; exit 1')
        said = self.end(self.command(how="start"), 1)
        for words in ("2 defects found", "is no JSON", "history.jsonl: 1 line cannot be used and is passed over: line 1"):
            self.assertIn(words, said)
        self.assertEqual((self.out / "format").read_text(), "2\n")
        found = {c.path.read_text(): (c.signature, c.times, c.facts.outcome if c.facts else None) for c in crashes_in(crashes)[0]}
        self.assertEqual(found["1"], ("M1/free", 7, None))
        self.assertEqual(found["2"], ("L6/free", 1, "violated"))

    def test_what_a_property_test_has_left_is_one_defect_with_what_the_corpus_shows(self):
        self.commit("a")
        crashes = self.out / "crashes"
        crashes.mkdir(parents=True)
        (crashes / "property-0123").write_text("b")
        self.replay_tool('for file; do says "$file" "$fails"; done; exit 1')
        said = self.end(self.command(how="start"), 1)
        self.assertIn("property-0123 fails; found by RapidCheck", said)
        self.assertIn("1 defect found", said)
        self.assertEqual({(c.signature, c.engine) for c in crashes_in(crashes)[0]}, {("M1/free", "RapidCheck"), ("M1/free", "corpus replay")})
        self.assertNotIn("RapidCheck", self.end(self.command(how="start"), 1))  # it is known now, and not asked again

    def test_hidden_files_stay_where_they_are(self):
        """As rsync has them until they are whole; also a merge moves the folder under them."""
        self.corpus.mkdir(parents=True)
        hidden = self.corpus / ".input.AbCdEf"
        hidden.write_bytes(b"x" * 100)
        hidden.chmod(0)
        for name in ("a", "b", "ab", "abab"):
            self.put(name)
        self.end(self.command(how="start"), 0)
        self.assertTrue(hidden.exists())
        target = fuzz_target.Target(NAME, 37, self.out, fuzz_run.LibFuzzer.NAME)
        bin = self.folder / "build" / "fuzz" / "bin" / NAME
        hidden.chmod(0o600)
        self.assertIn("show the same", corpus.Merge(target).run(fuzz_run.RUN, bin, self.folder, child_process.Requests()))
        self.assertTrue(hidden.exists())
        old = self.out / "merge" / NAME / "old"
        old.mkdir()
        hidden.rename(old / hidden.name)  # killed when it had moved the folder
        corpus.Merge(target).recover()
        self.assertTrue(hidden.exists())

    def test_afl_is_not_handed_hidden_files(self):
        self.corpus.mkdir(parents=True)
        (self.corpus / ".input.AbCdEf").write_bytes(b"x")
        self.put("a")
        target = fuzz_target.Target(NAME, 37, self.out, Afl.NAME)
        target.seeds.mkdir(parents=True)
        worker = Afl(target, 0, [], self.folder)
        worker._link_inputs()
        self.assertEqual({f.read_bytes() for f in worker.input.iterdir()}, {b"a", b"\0"})


class Verdict(unittest.TestCase):
    """The closing sentence says no more than what ran."""

    def concluded(self, problems=(), stopped=False, **inputs):
        targets = [types.SimpleNamespace(name=name, counts=(count, 10 * count), seconds=1, crashes=0, states=0, coverage=[None] * 3)
                   for name, count in inputs.items()]
        crashes, said = types.SimpleNamespace(defects={}, not_replayed=[]), []
        return conclude(targets, crashes, problems, stopped, said.append), said[-1].strip()

    def test_of_what_ran(self):
        geometry, text = "Geometry::make agreed with exact arithmetic in 7 geometries", "the parser of programs kept T1 to T3 in 8 texts"
        cache = "the cache agreed with the model in 5 inputs, 50 operations"
        self.assertEqual(self.concluded(fuzz_geometry=7, fuzz_trace=8), (0, f"Nothing wrong: {geometry}; {text}."))
        self.assertEqual(self.concluded(fuzz_large=2, fuzz_small_single_page=3), (0, f"Nothing wrong: {cache}."))
        self.assertEqual(self.concluded(fuzz_large=5, fuzz_geometry=7, fuzz_trace=8), (0, f"Nothing wrong: {cache}; {geometry}; {text}."))
        self.assertEqual(self.concluded(fuzz_large=0, fuzz_geometry=7, stopped=True),
                         (0, f"Stopped early. Nothing wrong: {geometry}. Not fuzzed: fuzz_large."))

    def test_of_nothing_nothing_is_claimed(self):
        for arguments in ({"fuzz_large": 0}, {"fuzz_large": 0, "stopped": True}, {"fuzz_large": 9, "problems": ["it broke"]}):
            code, said = self.concluded(**arguments)
            self.assertEqual((code, "Nothing wrong" in said, "agreed" in said), (2, False, False), said)


class AflOvernight(Overnight, Faults):
    """The same, of AFL++: it is not given inputs while it runs, so that those that fail are there before."""

    def setUp(self):
        super().setUp()
        if not (self.BIN / "faulty_target_afl").exists() or not shutil.which("afl-fuzz"):
            self.skipTest("AFL++ is not installed: ci/setup --afl")

    def meets(self, text, signature):
        (self.corpus / "folder").mkdir(parents=True)
        name = self.put(text)
        process = self.fuzzing("--engine", "afl")
        self.wait(lambda: "signature: " in process.said(), f"what is said of {text}")
        process.send_signal(signal.SIGINT)
        said = self.end(process, 1)
        self.assertIn(name, self.failing())
        self.assertRegex(said, signature)

    def test_everything_killed_at_once(self):
        process = self.fuzzing("--engine", "afl")
        self.kill_all(process)
        self.goes_on("--engine", "afl")
        self.goes_on("--engine", "libfuzzer")

    def test_the_command_killed_takes_its_workers_with_it(self):
        process = self.fuzzing("--engine", "afl", "--jobs", "2")
        self.wait(lambda: len(list(self.out.glob("afl/*/instances/worker*/fuzzer_stats"))) == 2, "two at work on one target")
        process.kill()
        process.wait()
        self.wait(lambda: not self.workers(), "their end")
        self.goes_on("--engine", "afl")


class Shares(unittest.TestCase):
    def test_short_runs_serve_all_equally(self):
        for targets, jobs in itertools.product(range(1, 7), range(1, 9)):
            count, length = schedule.turns(targets, jobs, 60)
            weighed = dict.fromkeys(range(targets), 0.0)
            for _ in range(count):
                for target in schedule.choose(weighed, jobs):
                    weighed[target] += length
            self.assertAlmostEqual(min(weighed.values()), max(weighed.values()))
            self.assertAlmostEqual(sum(weighed.values()), 60 * jobs)

    def served(self, shares, turns, jobs=1):
        weighed, served = dict.fromkeys(shares, 0.0), []
        for _ in range(turns):
            chosen = schedule.choose(weighed, jobs)
            served.append(chosen)
            for target in chosen:
                weighed[target] += 1 / shares[target]
        return served

    def test_who_finds_gets_more_and_nobody_nothing(self):
        served = self.served({"barren": schedule.share(1e6), "a": schedule.share(0), "b": schedule.share(599)}, 180)
        times = {t: sum(c.count(t) for c in served) for t in "ab"}
        self.assertAlmostEqual(times["a"], 80, delta=1)
        self.assertAlmostEqual(times["b"], 80, delta=1)
        bound = 1 + 2 / schedule.LEAST_SHARE
        waits = [i for i, chosen in enumerate(served) if "barren" in chosen]
        self.assertTrue(all(b - a <= bound for a, b in itertools.pairwise(waits)))

    def test_a_share_halves_down_to_a_quarter_and_comes_back(self):
        self.assertEqual([schedule.share(s) for s in (0, 599, 600, 1199, 1200, 1e9)], [1, 1, 0.5, 0.5, 0.25, 0.25])

    def test_two_of_a_turn_serve_one_target_only_when_there_are_no_others(self):
        for chosen in self.served({"a": 1, "b": 0.25, "c": 0.25}, 50, jobs=3):
            self.assertEqual(sorted(chosen), ["a", "b", "c"])
        self.assertEqual(schedule.choose({"a": 0.0}, 2), ["a", "a"])


if __name__ == "__main__":
    sys.exit(command.run(lambda: overnight_scene.main("ci/overnight_test.py", __doc__, "__main__"), "ci/overnight_test.py"))

"""ci/fuzz for its tests: this file runs the real command, fuzz.main(), in a process with a folder of its own, the
faulty target in place of fuzz_geometry, and small limits."""

import hashlib
import itertools
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
CI = pathlib.Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(CI)  # modules are named from ci/ on
from campaign import campaign, corpus, corpus_replay, fuzz, fuzzing, schedule
from campaign.engines import record
from campaign.engines.target import Target
from campaign.engines.worker import STATISTICS
from shared import child_process, command, targets, tests

NAME = "fuzz_geometry"
PATIENCE = 60  # of a wait for what must come; never reached in a test that passes


def stand_in(folder, how, arguments):
    """ci/fuzz with the faulty target: the whole, only its start, or with many turns. Its clock jumps back each time."""
    jumping = itertools.count(4e9, -1e6)
    time.time = lambda: next(jumping)
    fuzz.ROOT = folder  # without a committed corpus, which is replayed elsewhere
    fuzz.OUT, fuzz.BUILD = folder / "out", folder / "build"
    fuzz.build, fuzz.made_from = lambda *_: None, lambda _: {}
    targets.INPUT_SECONDS, targets.INPUT_MEGABYTES = 2, 300
    if os.environ.get("OVERNIGHT_RECORD"):
        record.LARGEST = record.CORPORA = int(os.environ["OVERNIGHT_RECORD"])
    if how == "turns":
        schedule.TURN_SECONDS, corpus.SMALL_CORPUS = 2, 10
    if how == "hurry":
        corpus_replay.BUDGET_SECONDS = child_process.PATIENCE_SECONDS = 0.5
    if how in ("start", "hurry") or how.startswith("signal "):  # and one input for each
        fuzzing.Fuzzing.fuzz = lambda self, *_: [setattr(t.workers[0], "counts", (1, 1)) for t in self.targets]
    if how.startswith("signal "):
        signal_at(how.split()[1])
    sys.argv = ["ci/fuzz", *([] if "--target" in arguments else ["--target", NAME]), *arguments]
    return command.run(fuzz.main, "ci/fuzz")


def signal_at(place):
    """Ctrl-C, twice, when a function of fuzz or campaign, or a method of one of their classes, is called."""
    module = fuzz if hasattr(fuzz, place.split(".")[0]) else campaign
    owner, name = (getattr(module, place.split(".")[0]), place.split(".")[1]) if "." in place else (module, place)
    function = getattr(owner, name)

    def signalled(*arguments, **options):
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)
        return function(*arguments, **options)
    setattr(owner, name, signalled)


def die_at_rename(folder, number):
    """Merges, and is killed in place of the renaming of that number; where that is 4, before the old files go."""
    replace, rmtree = pathlib.Path.replace, shutil.rmtree
    renamed = 0

    def replace_or_die(path, new):
        nonlocal renamed
        renamed += 1
        if renamed == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return replace(path, new)

    def rmtree_or_die(*arguments, **options):
        if renamed == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        rmtree(*arguments, **options)
    pathlib.Path.replace, shutil.rmtree = replace_or_die, rmtree_or_die
    target = Target(NAME, targets.TARGETS[NAME], folder / "out", fuzz.LibFuzzer.NAME)
    artifacts = folder / "out" / "artifacts" / NAME
    corpus.Merge(target).run(fuzz.RUN, folder / "build" / "fuzz" / "bin" / NAME, artifacts, child_process.Signals())


class Overnight(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="overnight."))
        self.addCleanup(shutil.rmtree, self.folder)
        self.out = self.folder / "out"
        self.corpus = self.out / "corpus" / NAME
        for engine in ("fuzz", "afl"):
            bin = self.folder / "build" / engine / "bin"
            bin.mkdir(parents=True)
            if (self.BIN / f"faulty_target_{engine}").exists():
                (bin / NAME).symlink_to(self.BIN / f"faulty_target_{engine}")
        (self.folder / "build" / "fuzz" / "bin" / "slab_replay").symlink_to(self.BIN / "slab_replay")
        self.runs = 0
        self.addCleanup(self.kill_workers)

    def command(self, *arguments, how="whole", python=sys.executable, before=(), **options):
        """Starts it; it ends by itself only after more time than a test takes. `before` stands before the command."""
        self.runs += 1
        log = self.folder / f"log.{self.runs}"
        with open(log, "wb") as file:
            process = subprocess.Popen(
                [*before, python, "-B", __file__, self.folder, how, "--minutes", "5", *arguments],
                **{"stdout": file, "stderr": file, "stdin": subprocess.DEVNULL, **options})
        process.said = lambda: log.read_text()
        self.addCleanup(lambda: process.poll() is not None or (process.kill(), process.wait()))
        return process

    def replay_tool(self, script):
        """This in place of the replay tool: a shell script in which `says FILE FACT...` gives a verdict."""
        path = self.folder / "build" / "fuzz" / "bin" / "slab_replay"
        path.unlink()
        path.write_text(f"""#!/usr/bin/env bash
says() {{ printf '{{"file": "%s", "input": "geometry", "sentence": "what is said", %s}}\\n' "$1" "$2"; }}
agrees='"outcome": "agreed"' fails='"outcome": "violated", "signature": "M1/free", "step": 1'
[ "$1" = --environment ] && exit
[ "$1" = --json ] || exit 2
shift
{script}
""")
        path.chmod(0o755)

    def commit(self, *names):
        """Puts inputs into the committed corpus."""
        folder = self.folder / "corpus" / NAME
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            (folder / name).write_text(name)

    def wait(self, condition, what):
        begin = time.monotonic()
        while not (result := condition()):
            if time.monotonic() > begin + PATIENCE:
                self.fail(f"{what}: not within {PATIENCE} seconds\n" + "\n".join(
                    f.read_text(errors="replace")[-3000:]
                    for f in [*sorted(self.folder.glob("log.*")), *self.out.glob("logs/*.log")]))
            time.sleep(0.05)
        return result

    def end(self, process, code):
        process.wait(PATIENCE)
        self.assertEqual(process.returncode, code, process.said())
        return process.said()

    def workers(self):
        return child_process.processes_with(STATISTICS, lambda path: path.startswith(f"{self.out}/"))

    def kill_workers(self):
        child_process.end_processes_with(STATISTICS, lambda path: path.startswith(f"{self.out}/"))

    def fuzzing(self, *arguments, inputs=20, how="whole"):
        """A command that has found something."""
        process = self.command(*arguments, how=how)
        self.wait(lambda: process.poll() is not None or self.ran_inputs() and len(self.found()) >= inputs, "finds")
        self.assertIsNone(process.poll(), process.said())
        return process

    def ran_inputs(self):
        """How many this run has run; a start sets it to 0."""
        counters = self.out / "logs" / f"{NAME}.counters"
        return self.workers() and int.from_bytes(counters.read_bytes()[:8], "little")

    def found(self):
        """What is kept, as hashes of the contents: of the corpus and what AFL++ has not given to it yet."""
        return self.hashes(self.corpus.glob("*"), (self.out / "set-aside").glob("*/*"),
                           (f for f in self.out.glob("afl/*/instances/*/queue/id:*") if ",orig:" not in f.name))

    def failing(self):
        return self.hashes((f for f in (self.out / "crashes").glob(f"{NAME}-*") if f.suffix != ".txt"),
                           self.out.glob("artifacts/*/*"), self.out.glob("afl/*/instances/*/crashes/id:*"))

    @staticmethod
    def hashes(*globs):
        found = set()
        for file in itertools.chain(*globs):
            try:
                found.add(hashlib.sha1(file.read_bytes()).hexdigest())
            except (FileNotFoundError, IsADirectoryError):  # a smaller one has replaced it
                pass
        return found

    def put(self, text):
        """An input that arrives while a fuzzer runs: it looks for such once a second."""
        data = text.encode()
        path = self.corpus / hashlib.sha1(data).hexdigest()
        path.write_bytes(data)
        return path.name

    def show(self, name):
        """Makes a running libFuzzer look at an input: it goes by the times of files and the folder, in seconds."""
        self.times = max(time.time(), getattr(self, "times", 0)) + 2
        for path in (self.corpus / name, self.corpus):
            os.utime(path, (self.times, self.times))

    def goes_on(self, *arguments, code=0):
        """The next start, which has everything; then a run that fuzzes on. Returns what was said."""
        found, failing = self.found(), self.failing()
        said = self.end(self.command(*arguments, how="start"), code)
        self.assertEqual(found - self.found(), set(), "inputs are lost")
        self.assertEqual(failing - self.failing(), set(), "failing inputs are lost")
        self.assertFalse(list(self.out.glob("artifacts/*/*")), "failing inputs are not taken")
        process = self.fuzzing(*arguments)
        process.send_signal(signal.SIGINT)
        self.end(process, 0)
        return said

    def kill_all(self, process):
        """As a machine that is switched off: nobody is left to do anything."""
        process.send_signal(signal.SIGSTOP)
        workers = self.workers()
        for pid in workers:
            os.kill(pid, signal.SIGSTOP)
        for pid in [process.pid, *workers]:
            os.kill(pid, signal.SIGKILL)
        process.wait()
        self.wait(lambda: not self.workers(), "the end of all")


def main(name, document):
    """Of a test of these: its arguments are BIN and perhaps names of cases. Returns the exit code."""
    parser = command.parser(name, document)
    parser.add_argument("bin", metavar="BIN", type=pathlib.Path, help="the folder of the binaries: build/asan/bin")
    parser.add_argument("tests", metavar="TEST", nargs="*", default=[],
                        help="only these, as unittest names them: Killed.test_ctrl_c")

    def run():
        arguments = parser.parse_args()
        Overnight.BIN = arguments.bin.resolve()
        for binary in ("faulty_target_fuzz", "slab_replay"):
            if not os.access(Overnight.BIN / binary, os.X_OK):
                parser.error(f"{arguments.bin} has no {binary}: name the folder where the preset asan is built")
        return tests.run(name, arguments.tests)
    return command.run(run, name)


if __name__ == "__main__":
    if sys.argv[1] == "--die-at-rename":
        die_at_rename(pathlib.Path(sys.argv[2]), int(sys.argv[3]))
    else:
        sys.exit(stand_in(pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3:]))

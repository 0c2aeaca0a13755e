"""Builds the fuzz targets, replays the corpus, fuzzes every target, and says what was found.

The time is the length of the fuzzing as a whole, of which every target gets the same share: 4 targets,
2 at once, for 8 minutes are 4 minutes each. They take turns of about 10 minutes, so that a night that
is cut short has served them all. The default is a minute for each target.

New inputs are kept in fuzz-out/corpus/, where the next run goes on; failing inputs in
fuzz-out/crashes/, each defect with its minimized program, a test and a page, which are made meanwhile
(ci/triage lists them all). Ctrl-C ends a run early with the same table and exit code.

In the tables cov and ft are libFuzzer's: the edges that were taken, and those told apart by how often.
states are abstract states of caches: an operation after another, with or without a failing backend, by
how many slabs are full, partial and empty and how many objects a slab has.

exit: 0 nothing wrong, 1 a defect found, 2 the run could not do its work"""

import argparse
import fcntl
import itertools
import math
import os
import pathlib
import sys
import time

import child_process
from crashes import Crashes, shown_path
from fuzz_target import Target, end_all
from history import Recorder
from progress import Progress, clock, number, table
from report import write_report
from targets import TARGETS, input_of

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUT = ROOT / "fuzz-out"
BIN = ROOT / "build" / "fuzz" / "bin"
RUN = [ROOT / "ci" / "with_sanitizers"]
TURN_SECONDS = 600
FREE_BYTES = 8 << 20
FILES_A_REPLAY = 500
SILENT_DEATHS = 3


class CannotWork(Exception):
    """Why the command cannot do its work, and what to do."""


def positive(kind):
    def parse(text):
        try:
            value = kind(text)
        except ValueError:
            value = 0
        if not 0 < value < math.inf:
            raise argparse.ArgumentTypeError(f"{text} is no positive {'whole ' if kind is int else ''}number")
        return value
    return parse


def parse_arguments():
    parser = argparse.ArgumentParser(
        prog="ci/fuzz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--minutes", metavar="N", type=positive(float), help="length of the fuzzing, 0.5 is allowed")
    length.add_argument("--hours", metavar="N", type=positive(float), help="the same in hours: --hours 8 for a night")
    parser.add_argument("--target", metavar="T", action="append", choices=TARGETS,
                        help="fuzz only this one; may be given again: " + ", ".join(TARGETS))
    parser.add_argument("--jobs", metavar="N", type=positive(int), default=len(os.sched_getaffinity(0)),
                        help="targets fuzzed at once, one process each (default: the processors, here %(default)s)")
    parser.add_argument("--report", action="store_true",
                        help="fuzz nothing: write fuzz-out/report.html, a page of what was covered and found by now")
    arguments = parser.parse_args()
    arguments.target = [t for t in TARGETS if t in (arguments.target or TARGETS)]
    arguments.jobs = min(arguments.jobs, len(arguments.target))
    if arguments.hours:
        arguments.minutes = 60 * arguments.hours
    arguments.seconds = 60 * (arguments.minutes or len(arguments.target) / arguments.jobs)
    return arguments


def turns(targets, jobs, seconds):
    """(seconds, the targets fuzzed meanwhile), such that each target has the same time in all."""
    a_round = len(targets) // math.gcd(len(targets), jobs)
    count = a_round * min(1000, math.ceil(seconds / (a_round * TURN_SECONDS)))
    circle = itertools.cycle(targets)
    return [(seconds / count, [next(circle) for _ in range(jobs)]) for _ in range(count)]


def check_space():
    disk = os.statvfs(OUT)
    if disk.f_bavail * disk.f_frsize < FREE_BYTES:
        raise CannotWork(f"less than {FREE_BYTES >> 20} MiB are free on the disk of {shown_path(OUT)}; make room there")


def prepare(targets):
    """Makes the folders of the run. Returns the lock that keeps a second run out of them while it is open."""
    try:
        OUT.mkdir(exist_ok=True)
        check_space()
        lock = open(OUT / "lock", "w")
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        (OUT / "crashes").mkdir(exist_ok=True)
        for target in targets:
            target.prepare()
        return lock
    except BlockingIOError:
        raise CannotWork("another ci/fuzz or ci/triage is at work in this checkout; wait for it or end it")
    except OSError as error:
        raise CannotWork(f"cannot write below {shown_path(OUT)}: {error.strerror}; mend that and start again")


def build(names, signals):
    binaries = [*names, "slab_replay"]
    for command in ([ROOT / "ci" / "setup"], [ROOT / "ci" / "build", "fuzz", *binaries]):
        code, _ = child_process.run(command, signals)
        if code is None:
            raise CannotWork("ended by a signal before anything was fuzzed")
        if code != 0:
            raise CannotWork("nothing was fuzzed; the reason is above")
    for name in binaries:
        if not (BIN / name).exists():
            raise CannotWork(f"the build of preset fuzz left no {shown_path(BIN / name)}; mend fuzz/CMakeLists.txt")


def files_in(folder):
    return sorted(f for f in folder.glob("[!.]*") if f.is_file() and f.suffix != ".md")


def replay_corpus(targets, crashes, signals, say):
    """Shows what fails of the committed corpus and of the inputs set aside; the rest are the seeds."""
    regressions = files_in(ROOT / "corpus" / "regressions")
    committed = {t: files_in(ROOT / "corpus" / t.name) for t in targets}
    aside = {t: files_in(t.set_aside) for t in targets}
    files = [*regressions, *itertools.chain(*committed.values(), *aside.values())]
    say(f"replaying the corpus: {len(files)} files")
    failing = set()
    for begin in range(0, len(files), FILES_A_REPLAY):
        failing.update(crashes.failing_among(files[begin:begin + FILES_A_REPLAY]))
        if signals.count:
            return
    for file in sorted(failing):
        crashes.add_failing_file(file)

    for file in set(regressions) - failing:
        check_space()
        inputs = {"text": file.read_bytes()} if file.suffix == ".trace" else {}
        inputs[input_of(file.name)] = crashes.bytes_of(file)
        for target in targets:
            if data := inputs.get(TARGETS[target.name].input):
                target.add_seed(data)
    for target in targets:
        for file in set(committed[target]) - failing:
            target.add_seed(file.read_bytes())
        for file in set(aside[target]) - failing:
            file.replace(target.corpus / file.name)


def harvest(target, crashes, say, ended_by_us=False):
    """Sees to a process that has ended. Returns why the target cannot go on, if so."""
    code, artifacts = target.collect()
    words = target.last_words()
    target.silent_deaths = 0 if artifacts or ended_by_us else target.silent_deaths + 1
    for artifact in artifacts:
        if not target.loaded:
            target.drop_from_corpus(artifact.read_bytes())
        if crashes.take(target.name, artifact, words, perhaps_slow=target.aborted):
            target.crashes += 1
    if target.silent_deaths < SILENT_DEATHS:
        return None
    say("\n".join(words.splitlines()[-20:]))
    return f"{target.name} ends by itself with exit code {code} and no failing input; read {shown_path(target.log)}"


def finish(targets, crashes, recorder, say):
    """Ends what runs and keeps what it found. Returns what went wrong meanwhile."""
    end_all(targets)
    problems = []
    for target in targets:
        try:
            if target.running:
                harvest(target, crashes, say, ended_by_us=True)
            recorder.look([target], at_end=True)
        except OSError as error:
            problems.append(f"{target.name}: {error}")
    return problems


def fuzz(targets, plan, crashes, recorder, signals, progress):
    """Runs the plan. Returns what went wrong."""
    problems, cannot_run = [], set()

    def lines():
        rows = [["", "left", "inputs/s", "operations/s", "crashes", "states", "cov", "ft", "corpus"]]
        for target in targets:
            left = later[target] + (max(0.0, end - time.monotonic()) if target in now else 0.0)
            state = "cannot run" if target in cannot_run else clock(left) if left else "done"
            rates = map(number, target.rates() or (0, 0))
            rows.append([target.name, state, *rates, target.crashes, target.states or None, *target.coverage])
        return table(rows)

    progress.restart()
    for index, (seconds, now) in enumerate(plan):
        end = time.monotonic() + seconds
        later = {t: sum(s for s, served in plan[index + 1:] if t in served) for t in targets}
        trouble = []
        try:
            while time.monotonic() < end and not (signals.count or progress.gone or cannot_run.issuperset(now)):
                check_space()
                for target in now:
                    if target.running and target.process.poll() is None:
                        target.observe()
                    elif target.running:
                        if reason := harvest(target, crashes, progress.say):
                            problems.append(reason)
                            cannot_run.add(target)
                    elif target not in cannot_run and time.monotonic() >= target.pause_until:
                        target.start(end - time.monotonic())
                recorder.look(now)
                progress.show(lines)
                time.sleep(0.2)
        except (CannotWork, OSError) as error:
            trouble.append(str(error))
        finally:
            trouble += finish(now, crashes, recorder, progress.say)
        problems += trouble
        if trouble or signals.count or progress.gone:
            return problems
    for target in targets:
        if target in cannot_run or target.crashes:
            continue
        if not target.counts[0]:
            problems.append(f"{target.name} ran no input in its time; give it more, or read {shown_path(target.log)}")
        elif target.coverage[1] is None:
            problems.append(f"{target.name} fuzzed blindly: build what it runs with -fsanitize=fuzzer-no-link")
    return problems


def conclude(targets, crashes, problems, stopped, say):
    """Prints the table and the verdict. Returns the exit code."""
    rows = [["target", "time", "inputs", "inputs/s", "operations", "crashes", "states", "cov", "ft", "corpus"]]
    for t in targets:
        inputs, operations = t.counts
        rows.append([t.name, clock(t.seconds), number(inputs), number(inputs / t.seconds if t.seconds else 0),
                     number(operations), t.crashes, t.states or None, *t.coverage])
    if any(t.seconds for t in targets):
        say("\n" + "\n".join(table(rows)))
    for defect in sorted(crashes.defects.values(), key=lambda d: -d.count):
        times = "once" if defect.count == 1 else f"{defect.count} times"
        say(f"\n{defect.signature}\n  met {times}; the smallest input: {crashes.command(defect.smallest)}")
        for what, file in crashes.made_of(defect.signature):
            say(f"  {what}: {shown_path(file)}")
    for problem in problems:
        say(f"\n{problem}")
    inputs, operations = (number(sum(c)) for c in zip(*(t.counts for t in targets)))
    early = "Stopped early. " if stopped else ""
    if n := len(crashes.defects):
        say(f"\n{early}{n} {'defect' if n == 1 else 'defects'} found in {inputs} inputs.")
        return 1
    if problems:
        say(f"\n{early}No defect found in {inputs} inputs, but the run could not do all its work: see above.")
        return 2
    say(f"\n{early}Nothing wrong: the cache agreed with the model in {inputs} inputs, {operations} operations.")
    return 0


def main():
    arguments = parse_arguments()
    if arguments.report:
        return write_report(OUT, "ci/fuzz")
    signals, progress = child_process.Signals(), Progress()
    targets = [Target(name, TARGETS[name].max_len, [*RUN, BIN / name], OUT) for name in arguments.target]
    crashes = Crashes(ROOT, OUT / "crashes", [*RUN, BIN / "slab_replay"], signals, progress.say)
    try:
        lock = prepare(targets)
        build(arguments.target, signals)
        replay_corpus(targets, crashes, signals, progress.say)
        recorder = Recorder(OUT / "history.jsonl", BIN)
    except (CannotWork, OSError) as error:
        print(f"ci/fuzz: {error}", file=sys.stderr)
        return 2
    problems = [f"{shown_path(path)} cannot be replayed" for path in crashes.unreadable]
    if signals.count:
        problems.append("ended by a signal before anything was fuzzed")
    else:
        jobs, seconds = arguments.jobs, arguments.seconds
        progress.say(f"fuzzing for {clock(seconds)}, {jobs} of {len(targets)} targets at once, "
                     f"each for {clock(seconds * jobs / len(targets))}")
        with crashes.workshop:
            problems += fuzz(targets, turns(targets, jobs, seconds), crashes, recorder, signals, progress)
            crashes.workshop.finish(signals, progress)
        for sentence in crashes.workshop.problems:
            progress.say(sentence)
    code = conclude(targets, crashes, problems, signals.count or progress.gone, progress.say)
    lock.close()
    return code


if __name__ == "__main__":
    sys.exit(main())

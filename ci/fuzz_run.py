"""Builds the fuzz targets, replays the corpus, fuzzes every target, and says what was found.

The time is the length of the fuzzing as a whole: 4 targets, 2 at once, for 8 minutes are 4 minutes each.
The default is a minute for each target. They take turns of about 10 minutes, so that a night that is cut
short has served them all. A target that has found nothing new for 10 minutes gets half the share of the
others, for 20 minutes a quarter, until it finds something again.

New inputs are kept in fuzz-out/corpus/, where the next run goes on, with either engine; failing inputs in
fuzz-out/crashes/, each defect with its minimized program, a test and a page, which are made meanwhile
(ci/triage lists them all). Ctrl-C ends a run early with the same table and exit code. However a run ends,
the next one goes on with all that it had found.

In the tables cov and ft are the engine's: the edges that were taken, and (libFuzzer) those told apart by how often.
states are abstract states of caches: an operation after another, with or without a failing backend, by
how many slabs are full, partial and empty and how many objects a slab has.

exit: 0 nothing wrong, 1 a defect found, 2 the run could not do its work"""

import argparse
import itertools
import math
import os
import pathlib
import sys
import time

import child_process
import out_lock
import schedule
from afl import Afl
from corpus import Merge, tidy
from crash_files import write_whole
from crashes import Crashes, shown_path
from fuzz_target import STATISTICS, Target, end_all
from history import Recorder
from libfuzzer import LibFuzzer
from progress import Progress, clock, number, table
from report import write_report
from targets import BUILD, TARGETS, input_of

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUT = ROOT / "fuzz-out"
RUN = [ROOT / "ci" / "with_sanitizers"]
ENGINES = {"libfuzzer": LibFuzzer, "afl": Afl}
FORMAT = "1\n"  # of the folder that a run leaves
FREE_BYTES = 8 << 20
FILES_A_REPLAY = 500
SILENT_DEATHS = 3
LIMIT = 1_000_000  # of what is asked for


class CannotWork(Exception):
    """Why the command cannot do its work, and what to do."""


def positive(kind):
    def parse(text):
        try:
            value = kind(text)
        except ValueError:
            value = 0
        if not 0 < value < LIMIT:
            raise argparse.ArgumentTypeError(f"{text} is no positive {'whole ' if kind is int else ''}number below {LIMIT:,}")
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
    parser.add_argument("--engine", choices=ENGINES, default="libfuzzer", help="what fuzzes them (default: %(default)s)")
    parser.add_argument("--jobs", metavar="N", type=positive(int),
                        help="processes at once, each for another target as far as there are that many "
                        "(default: one a target, at most the processors)")
    parser.add_argument("--report", action="store_true",
                        help="fuzz nothing: write fuzz-out/report.html, a page of what was covered and found by now")
    arguments = parser.parse_args()
    arguments.target = [t for t in TARGETS if t in (arguments.target or TARGETS)]
    arguments.jobs = arguments.jobs or min(len(os.sched_getaffinity(0)), len(arguments.target))
    if arguments.hours:
        arguments.minutes = 60 * arguments.hours
    arguments.seconds = 60 * (arguments.minutes or max(1, len(arguments.target) / arguments.jobs))
    return arguments


def check_space():
    disk = os.statvfs(OUT)
    if disk.f_bavail * disk.f_frsize < FREE_BYTES:
        raise CannotWork(f"less than {FREE_BYTES >> 20} MiB are free on the disk of {shown_path(OUT)}; make room there")


def check_format():
    version = OUT / "format"
    if not version.exists():
        write_whole(version, FORMAT)
    elif (found := version.read_text(errors="replace")) != FORMAT:
        raise CannotWork(f"{shown_path(OUT)} is of format {found.strip()[:20] or 'unknown'}, and this ci/fuzz writes format "
                         f"{FORMAT.strip()}; fuzz with the version that made it, or move the folder away: nothing in it was changed")


def prepare(targets, say):
    """Makes the folders of the run and mends what one that was killed has left. Returns the lock of take_lock()."""
    try:
        OUT.mkdir(exist_ok=True)
        check_space()
        lock = out_lock.take(OUT, ["ci/fuzz", *sys.argv[1:]])
        check_format()
        if ended := child_process.end_processes_with(STATISTICS, lambda path: OUT in pathlib.Path(path).parents):
            say(f"ended {ended} {'process' if ended == 1 else 'processes'} of a run that was killed")
        (OUT / "crashes").mkdir(exist_ok=True)
        for target in targets:
            Merge(target).recover()
            target.prepare()
            tidy(target, say)
        return lock
    except out_lock.Taken as error:
        raise CannotWork(str(error)) from None


def build(names, engine, signals):
    wanted = {"fuzz": [*names, "slab_replay"]}
    if engine is not LibFuzzer:  # which makes the corpus small for all
        wanted[engine.PRESET] = names
    commands = [[ROOT / "ci" / "setup", *(["--afl"] if engine is Afl else [])],
                *([ROOT / "ci" / "build", preset, *binaries] for preset, binaries in wanted.items())]
    for command in commands:
        code, _ = child_process.run(command, signals)
        if code is None:
            raise CannotWork("ended by a signal before anything was fuzzed")
        if code != 0:
            raise CannotWork("nothing was fuzzed; the reason is above")
    for preset, binaries in wanted.items():
        for name in binaries:
            if not (BUILD / preset / "bin" / name).exists():
                raise CannotWork(f"the build of preset {preset} left no {shown_path(BUILD / preset / 'bin' / name)}; "
                                 "mend fuzz/CMakeLists.txt")


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


def take_leftovers(targets, crashes):
    """The failing inputs that a run was killed with."""
    for target in targets:
        for artifact in sorted(f for folder in (OUT / "artifacts").glob(f"{target.name}*") for f in folder.iterdir()
                               if folder.name.split(".")[0] == target.name):
            if crashes.take(target.name, artifact, "SUMMARY: nothing, the run was killed", perhaps_slow=False, engine=""):
                target.crashes += 1


def take_failing(worker, crashes, signals):
    """Keeps the failing inputs that a worker has saved. Returns whether there were any."""
    target, files = worker.target, worker.failing()
    for artifact in files:
        words = worker.words_about(artifact, signals)
        if not worker.loaded:
            target.drop_from_corpus(artifact.read_bytes())
        if crashes.take(target.name, artifact, words, perhaps_slow=worker.aborted, engine=target.engine):
            target.crashes += 1
    return bool(files)


def harvest(worker, crashes, signals, say, ended_by_us=False):
    """Sees to a process that has ended. Returns why the worker cannot go on, if so."""
    code = worker.collect()
    words = worker.last_words()
    found = take_failing(worker, crashes, signals)
    worker.silent_deaths = 0 if found or ended_by_us else worker.silent_deaths + 1
    if worker.silent_deaths < SILENT_DEATHS:
        return None
    say("\n".join(words.splitlines()[-20:]))
    return f"{worker.target.name} ends by itself with exit code {code} and no failing input; read {shown_path(worker.log)}"


def finish(workers, crashes, recorder, signals, say):
    """Ends what runs and keeps what it found. Returns what went wrong meanwhile."""
    end_all(workers)
    problems = []
    for worker in workers:
        try:
            if worker.running:
                harvest(worker, crashes, signals, say, ended_by_us=True)
        except OSError as error:
            problems.append(f"{worker.target.name}: {error}")
    try:
        recorder.look({w.target for w in workers}, at_end=True)
    except OSError as error:
        problems.append(str(error))
    return problems


def workers_of(chosen):
    return [target.workers[chosen[:index].count(target)] for index, target in enumerate(chosen)]


def make_small(targets, crashes, signals, say):
    """Between turns: the corpora that have grown much."""
    for target in targets:
        merge = Merge(target)
        if merge.is_due() and not signals.count:
            check_space()
            artifacts = target.workers[0].artifacts
            say(merge.run(RUN, BUILD / LibFuzzer.PRESET / "bin" / target.name, artifacts, signals))
            for artifact in sorted(artifacts.iterdir()):
                if crashes.take(target.name, artifact, "SUMMARY: nothing, it failed in a merge", perhaps_slow=False,
                                engine=LibFuzzer.NAME):
                    target.crashes += 1


def fuzz(targets, jobs, seconds, crashes, recorder, signals, progress):
    """Fuzzes for so long. Returns what went wrong."""
    problems, cannot_run = [], set()
    weighed = dict.fromkeys(targets, 0.0)
    count, length = schedule.turns(len(targets), jobs, seconds)

    def lines():
        left = max(0.0, end - time.monotonic())
        rows = [[f"{clock(left + (count - turn - 1) * length)} left",
                 "turn", "inputs/s", "operations/s", "crashes", "states", "cov", "ft", "corpus"]]
        for target in targets:
            serving = [w for w in now if w.target is target]
            state = "cannot run" if cannot_run.intersection(target.workers) else clock(left) if serving else "waits"
            rows.append([target.name, state, *map(number, target.rates()), target.crashes, target.states or None, *target.coverage])
        return table(rows)

    progress.restart()
    for turn in range(count):
        chosen = schedule.choose(weighed, jobs)
        now = workers_of(chosen)
        end = time.monotonic() + length
        finds = {t: t.finds for t in chosen}
        trouble = []
        try:
            while time.monotonic() < end and not (signals.count or progress.gone or cannot_run.issuperset(now)):
                check_space()
                for worker in now:
                    if worker.running and worker.process.poll() is None:
                        worker.observe()
                        take_failing(worker, crashes, signals)
                    elif worker.running:
                        if reason := harvest(worker, crashes, signals, progress.say):
                            problems.append(reason)
                            cannot_run.add(worker)
                    elif worker not in cannot_run and time.monotonic() >= worker.pause_until:
                        worker.start(end - time.monotonic(), chosen.count(worker.target) > 1)
                recorder.look(finds)
                progress.show(lines)
                time.sleep(0.2)
        except (CannotWork, OSError) as error:
            trouble.append(str(error))
        finally:
            trouble += finish(now, crashes, recorder, signals, progress.say)
        for target in finds:
            target.barren_seconds = 0.0 if target.finds > finds[target] else target.barren_seconds + length
        for target in chosen:
            weighed[target] += length / schedule.share(target.barren_seconds)
        if not (trouble or signals.count or progress.gone) and (count - turn - 1) * length > schedule.TURN_SECONDS:
            try:
                make_small(finds, crashes, signals, progress.say)
            except (CannotWork, OSError) as error:
                trouble.append(str(error))
        problems += trouble
        if trouble or signals.count or progress.gone:
            return problems
    for target in targets:
        if cannot_run.intersection(target.workers) or target.crashes:
            continue
        if not target.counts[0]:
            problems.append(f"{target.name} ran no input in its time; give it more, or read {shown_path(target.workers[0].log)}")
        elif target.coverage[0] is None and target.coverage[1] is None:
            problems.append(f"{target.name} fuzzed blindly: build what it runs with the guidance that the engine needs")
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


def cannot_start(error, targets, crashes, say):
    """Says why, after what was found by then. Returns the exit code."""
    sentence = str(error)
    if isinstance(error, OSError):
        where = shown_path(error.filename) if error.filename else f"below {shown_path(OUT)}"
        sentence = f"cannot work in {where}: {error.strerror or error}; mend that and start again"
    if crashes.defects:
        return conclude(targets, crashes, [sentence], False, say)
    print(f"ci/fuzz: {sentence}", file=sys.stderr)
    return 2


def main():
    arguments = parse_arguments()
    if arguments.report:
        return write_report(OUT, "ci/fuzz")
    signals, progress = child_process.Signals(), Progress()
    engine = ENGINES[arguments.engine]
    targets = [Target(name, TARGETS[name].max_len, OUT, engine.NAME) for name in arguments.target]
    for target in targets:
        target.workers = [engine(target, index, RUN, BUILD / engine.PRESET / "bin")
                          for index in range(math.ceil(arguments.jobs / len(targets)))]
    crashes = Crashes(ROOT, OUT / "crashes", [*RUN, BUILD / LibFuzzer.PRESET / "bin" / "slab_replay"], signals, progress.say)
    try:
        lock = prepare(targets, progress.say)
        build(arguments.target, engine, signals)
        take_leftovers(targets, crashes)
        replay_corpus(targets, crashes, signals, progress.say)
        recorder = Recorder(OUT / "history.jsonl", BUILD / engine.PRESET / "bin")
    except (CannotWork, OSError) as error:
        return cannot_start(error, targets, crashes, progress.say)
    problems = [f"{shown_path(path)} cannot be replayed" for path in crashes.unreadable]
    if signals.count:
        problems.append("ended by a signal before anything was fuzzed")
    else:
        jobs, seconds = arguments.jobs, arguments.seconds
        progress.say(f"fuzzing for {clock(seconds)} with {jobs} {'process' if jobs == 1 else 'processes'} at once, "
                     f"each target for {clock(seconds * jobs / len(targets))} or as its finds deserve")
        with crashes.workshop:
            problems += fuzz(targets, jobs, seconds, crashes, recorder, signals, progress)
            crashes.workshop.finish(signals, progress)
        for sentence in crashes.workshop.problems:
            progress.say(sentence)
    code = conclude(targets, crashes, problems, signals.count or progress.gone, progress.say)
    lock.close()
    return code


if __name__ == "__main__":
    sys.exit(main())

"""Builds the fuzz targets, replays the corpus, fuzzes every target, and says what was found.

The time is the length of the whole run: of 8 minutes, 4 targets, 2 at once, get 4 minutes each. The default is a minute
for each target. Targets take turns of about 10 minutes, so that each has had its turns even if a night is cut short. A
target that has found nothing new for 10 minutes gets half the share of the others, after 20 minutes a quarter, until it
finds something again.

New inputs are kept in fuzz-out/corpus/, from where the next run continues, with either engine. Failing inputs, those of
the committed corpus included, are kept in fuzz-out/crashes/; a minimized program, a test and a page of each defect are
made during the run (ci/triage lists them all). Ctrl-C stops a run early, at any moment, with the usual summary; what
was found is kept, and a second Ctrl-C changes nothing. However a run ends, the next one continues with everything it
found.

In the tables
  turn    what is left of the target's turn, or that it waits for the next
{meaning}

exit: 0 nothing wrong in what ran, 1 a defect was met, 2 the run could not do its work, or was stopped before it"""

import argparse
import math
import os
import pathlib
import sys
import textwrap

if __name__ == "__main__":
    sys.path[0] = str(pathlib.Path(__file__).resolve().parents[1])  # modules are named from ci/ on
    from shared import child_process
    SIGNALS = child_process.Signals()  # before the other imports, which take a while

from campaign import out_format, out_lock
from campaign.conclusion import conclude
from campaign.corpus import Merge, tidy
from campaign.corpus_replay import CorpusReplay
from campaign.crashes.collection import Crashes
from campaign.crashes.replay_tool import ReplayTool
from campaign.engines.afl import Afl
from campaign.engines.libfuzzer import LibFuzzer
from campaign.engines.target import Target
from campaign.engines.worker import STATISTICS
from campaign.fuzzing import Fuzzing, check_space
from campaign.harvest import Harvest
from campaign.history import MEANING, Recorder
from campaign.progress import Progress
from campaign.report.report import write_report
from shared import child_process, command
from shared.builds import RUN, build, made_from
from shared.command import CannotWork
from shared.targets import BUILD, ROOT, TARGETS
from shared.text import clock, counted, shown_path

OUT = ROOT / "fuzz-out"
ENGINES = {"libfuzzer": LibFuzzer, "afl": Afl}
LIMIT = 1_000_000  # of what is asked for


def positive(kind):
    def parse(text):
        try:
            value = kind(text)
        except ValueError:
            value = 0
        if not 0 < value < LIMIT:
            number = "whole number" if kind is int else "number"
            raise argparse.ArgumentTypeError(f"{text} is no positive {number} below {LIMIT:,}")
        return value
    return parse


def parse_arguments():
    meaning = (textwrap.fill(f"  {name:8}{text}", 118, subsequent_indent=" " * 10) for name, text in MEANING.items())
    parser = command.parser("ci/fuzz", __doc__.format(meaning="\n".join(meaning)))
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--minutes", metavar="N", type=positive(float), help="length of the fuzzing, 0.5 is allowed")
    length.add_argument("--hours", metavar="N", type=positive(float), help="the same in hours: --hours 8 for a night")
    parser.add_argument("--target", metavar="T", action="append", choices=TARGETS,
                        help="fuzz only this one; may be given again: " + ", ".join(TARGETS))
    parser.add_argument("--engine", choices=ENGINES, default="libfuzzer",
                        help="what fuzzes them (default: %(default)s)")
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


def end_orphans(say):
    """What a run that was killed has left at work."""
    if not child_process.can_see_processes():
        say("without /proc nobody can tell whether a run that was killed has left processes at work in "
            f"{shown_path(OUT)}; ps knows them by {STATISTICS}")
    elif ended := child_process.end_processes_with(STATISTICS, lambda path: OUT in pathlib.Path(path).parents):
        say(f"ended {counted(ended, 'process', 'processes')} of a run that was killed")


def prepare(targets, signals, say):
    """Makes the folders of the run and repairs what a killed run has left. Returns the lock of out_lock.take()."""
    OUT.mkdir(exist_ok=True)
    check_space(OUT)
    lock = out_lock.take(OUT, ["ci/fuzz", *sys.argv[1:]])
    out_format.claim(OUT)
    end_orphans(say)
    (OUT / "crashes").mkdir(exist_ok=True)
    for target in targets:
        signals.check("its folders were made; nothing was fuzzed")
        Merge(target).recover()
        target.prepare()
        tidy(target, signals, say)
    return lock


def wanted_of(names, engine):
    wanted = {LibFuzzer.PRESET: [*names, "slab_replay"]}
    if engine is not LibFuzzer:  # libFuzzer makes the corpus small for all engines
        wanted[engine.PRESET] = names
    return wanted


def sentence_of(error):
    if not isinstance(error, OSError):
        return str(error)
    where = shown_path(error.filename) if error.filename else f"below {shown_path(OUT)}"
    return f"cannot work in {where}: {error.strerror or error}; mend that and start again"


def campaign(arguments, signals, progress):
    """
    A run; returns its exit code. Makes the folders and repairs what a killed run has left; builds; replays the corpus,
    which gives the seeds; fuzzes in turns, while a thread minimizes the crashes; waits for that thread; reports what
    was found. Whatever stops it on the way, what was found by then is reported.
    """
    engine = ENGINES[arguments.engine]
    targets = [Target(name, TARGETS[name].max_len, OUT, engine.NAME) for name in arguments.target]
    for target in targets:
        target.workers = [engine(target, index, RUN, BUILD / engine.PRESET / "bin")
                          for index in range(math.ceil(arguments.jobs / len(targets)))]
    tool = ReplayTool([*RUN, BUILD / LibFuzzer.PRESET / "bin" / "slab_replay"])
    crashes = Crashes(ROOT, OUT / "crashes", tool, signals, progress.say)
    harvest = Harvest(OUT, crashes, signals, progress.say)
    fuzzing = Fuzzing(OUT, BUILD / LibFuzzer.PRESET / "bin", RUN, targets, harvest, signals, progress)
    jobs, seconds = arguments.jobs, arguments.seconds
    try:
        with prepare(targets, signals, progress.say):
            build(wanted_of(arguments.target, engine), signals, ["--afl"] if engine is Afl else [])
            for sentence in [*tool.not_checked(signals), *crashes.sentences]:
                progress.say(sentence)
            harvest.take_leftovers(targets)
            if left_out := CorpusReplay(ROOT, targets, crashes, signals, progress).run():
                progress.say(left_out)
            recorder = Recorder(OUT / "history.jsonl", BUILD / engine.PRESET / "bin", made_from(engine.PRESET))
            for sentence in recorder.sentences:
                progress.say(sentence)
            progress.say(f"fuzzing for {clock(seconds)} with {counted(jobs, 'process', 'processes')} at once, "
                         f"about {clock(seconds * jobs / len(targets))} a target, more for productive ones")
            with crashes.workshop:
                fuzzing.fuzz(jobs, seconds, recorder)
                crashes.workshop.finish(signals, progress)
            for sentence in crashes.workshop.problems:
                progress.say(sentence)
            return conclude(targets, crashes, harvest.problems, signals.count > 0, progress.say)
    except (CannotWork, OSError) as error:
        sentence = sentence_of(error)
    if crashes.defects:
        return conclude(targets, crashes, [sentence], signals.count > 0, progress.say)
    raise CannotWork(sentence)


def main(signals=None):
    arguments = parse_arguments()
    signals = signals or child_process.Signals()
    if arguments.report:
        return write_report(OUT, "ci/fuzz", signals)
    progress = Progress()
    return progress.code(campaign(arguments, signals, progress), "ci/fuzz")


if __name__ == "__main__":
    sys.exit(command.run(lambda: main(SIGNALS), "ci/fuzz"))

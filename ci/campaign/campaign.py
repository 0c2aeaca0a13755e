"""A campaign, whatever is fuzzed: the targets of ci/fuzz, or an allocator of ci/subject."""

import dataclasses
import pathlib
import sys
import typing

from campaign import out_format
from campaign.conclusion import conclude
from campaign.corpus import Merge, tidy
from campaign.corpus_replay import CorpusReplay
from campaign.crashes.collection import Crashes
from campaign.crashes.replay_tool import ReplayTool
from campaign.engines.worker import STATISTICS
from campaign.fuzzing import Fuzzing, check_space
from campaign.harvest import Harvest
from campaign.history import Recorder
from shared import child_process, folder_lock
from shared.builds import RUN
from shared.command import CannotWork
from shared.text import clock, counted, shown_path


@dataclasses.dataclass
class Campaign:
    """What is fuzzed, and by which command."""
    command: str  # as people call it
    out: pathlib.Path  # kept from run to run
    targets: list  # with their workers
    binaries: pathlib.Path  # the folder of the targets as the engine runs them
    merging: pathlib.Path  # of the same with libFuzzer, which makes the corpus small for all engines
    tool: ReplayTool  # which knows the programs of these targets
    corpus: pathlib.Path  # in folders named as the targets, the inputs that are replayed first
    where: str  # those are from
    build: typing.Callable  # of what runs, after the folder was looked at; takes the signals
    made_from: typing.Callable  # commit and compiler of that


def end_orphans(out, say):
    """What a run that was killed has left at work."""
    if not child_process.can_see_processes():
        say("without /proc nobody can tell whether a run that was killed has left processes at work in "
            f"{shown_path(out)}; ps knows them by {STATISTICS}")
    elif ended := child_process.end_processes_with(STATISTICS, lambda path: out in pathlib.Path(path).parents):
        say(f"ended {counted(ended, 'process', 'processes')} of a run that was killed")


def prepare(campaign, signals, say):
    """Makes the folders of the run and repairs what a killed run has left. Returns the lock of folder_lock.take()."""
    out = campaign.out
    out.mkdir(parents=True, exist_ok=True)
    check_space(out)
    lock = folder_lock.take(out, [campaign.command, *sys.argv[1:]])
    out_format.claim(out)
    end_orphans(out, say)
    (out / "crashes").mkdir(exist_ok=True)
    for target in campaign.targets:
        signals.check("its folders were made; nothing was fuzzed")
        Merge(target).recover()
        target.prepare()
        tidy(target, signals, say)
    return lock


def sentence_of(error, out):
    if not isinstance(error, OSError):
        return str(error)
    where = shown_path(error.filename) if error.filename else f"below {shown_path(out)}"
    return f"cannot work in {where}: {error.strerror or error}; mend that and start again"


def run(campaign, jobs, seconds, signals, progress):
    """
    A run; returns its exit code. Makes the folders and repairs what a killed run has left; builds; replays the corpus,
    which gives the seeds; fuzzes in turns, while a thread minimizes the crashes; waits for that thread; reports what
    was found. Whatever stops it on the way, what was found by then is reported.
    """
    out, targets, tool = campaign.out, campaign.targets, campaign.tool
    crashes = Crashes(out / "crashes", tool, signals, progress.say)
    harvest = Harvest(out, crashes, signals, progress.say)
    fuzzing = Fuzzing(out, campaign.merging, RUN, targets, harvest, signals, progress)
    try:
        with prepare(campaign, signals, progress.say):
            campaign.build(signals)
            for sentence in [*tool.not_checked(signals), *crashes.sentences]:
                progress.say(sentence)
            harvest.take_leftovers(targets)
            replay = CorpusReplay(campaign.corpus, campaign.where, targets, crashes, signals, progress)
            if left_out := replay.run():
                progress.say(left_out)
            recorder = Recorder(out / "history.jsonl", campaign.binaries, campaign.made_from())
            for sentence in recorder.sentences:
                progress.say(sentence)
            share = f", about {clock(seconds * jobs / len(targets))} a target, more for productive ones"
            progress.say(f"fuzzing for {clock(seconds)} with {counted(jobs, 'process', 'processes')} at once" +
                         (share if len(targets) > 1 else ""))
            with crashes.workshop:
                fuzzing.fuzz(jobs, seconds, recorder)
                crashes.workshop.finish(signals, progress)
            for sentence in crashes.workshop.problems:
                progress.say(sentence)
            return conclude(targets, crashes, harvest.problems, signals.count > 0, progress.say)
    except (CannotWork, OSError) as error:
        sentence = sentence_of(error, out)
    if crashes.defects:
        return conclude(targets, crashes, [sentence], signals.count > 0, progress.say)
    raise CannotWork(sentence)

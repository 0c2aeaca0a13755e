"""Campaigns of ci/subject: what ci/fuzz does, with somebody's allocator as the only target. The folder has what
fuzz-out has (docs/overnight.md), and random/, the random programs that each run begins with."""

import os
import shutil

from campaign import campaign, out_format
from campaign.crashes import triage
from campaign.crashes.replay_tool import ReplayTool
from campaign.engines.libfuzzer import LibFuzzer
from campaign.engines.target import Target
from campaign.progress import Progress
from campaign.report.report import write_report
from shared import child_process, command
from shared.builds import RUN, made_from
from shared.command import CannotWork
from shared.targets import Kind
from shared.text import shown_path
from subjects import options

COMMAND = "ci/subject"
KIND = Kind(4096, "any")


class Subject:
    """What is built of an allocator in a folder: NAME_replay and NAME_fuzz. `again` is the command that runs a file
    again, for people, with {} in the place of the file."""

    def __init__(self, name, folder, again):
        self.name, self.folder = f"{name}_fuzz", folder
        self.tool = ReplayTool([*RUN, folder / f"{name}_replay"],
                               lambda path: again.replace("{}", shown_path(path), 1))

    def fuzz(self, out, programs, seed, jobs, seconds, signals):
        """Fuzzes it, beginning with random programs; returns the exit code."""
        target = Target(self.name, KIND, out, LibFuzzer.NAME)
        target.workers = [LibFuzzer(target, index, RUN, self.folder) for index in range(jobs)]
        random = out / "random"

        def write_programs(signals):
            shutil.rmtree(random, ignore_errors=True)
            words = ["--random", str(programs), "--seed", str(seed), "--write-bytes", random / target.name]
            code, _ = child_process.run([*self.tool.command, *words], signals)
            signals.check("the random programs were made; nothing was fuzzed")
            if code != 0:
                raise CannotWork(f"the random programs could not be made (status {code}); nothing was fuzzed")

        progress = Progress()
        return progress.code(campaign.run(campaign.Campaign(
            COMMAND, out, [target], self.folder, self.folder, self.tool, random, "random programs", write_programs,
            lambda: made_from(self.folder.parent)), jobs, seconds, signals, progress), COMMAND)

    def triage(self, out, signals):
        """Lists what its campaigns have found, and whether it still fails."""
        out_format.check(out)
        progress = Progress()
        for sentence in self.tool.not_checked(signals):
            progress.say(sentence)
        return progress.code(triage.Triage(out, self.tool, signals, progress).run(), COMMAND)

    def report(self, out, signals):
        """Writes the page about its campaigns."""
        return write_report(out, COMMAND, signals, self.tool.again)


def run(wanted, name, folder, out, again):
    """A campaign that is kept in the folder `out`, or what is to be known of one."""
    signals = child_process.Signals()
    os.environ["SLABPROOF_COMMAND"] = COMMAND
    subject = Subject(name, folder, again)
    if wanted.triage:
        return subject.triage(out, signals)
    if wanted.report:
        return subject.report(out, signals)
    return subject.fuzz(out, wanted.programs or options.CAMPAIGN_PROGRAMS, wanted.seed or 0,
                        wanted.jobs or len(os.sched_getaffinity(0)), command.seconds_of(wanted), signals)

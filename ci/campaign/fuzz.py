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

import math
import os
import pathlib
import sys
import textwrap

if __name__ == "__main__":
    sys.path[0] = str(pathlib.Path(__file__).resolve().parents[1])  # modules are named from ci/ on
    from shared import child_process
    SIGNALS = child_process.Signals()  # before the other imports, which take a while

from campaign import campaign as campaigns
from campaign.crashes import replay_tools
from campaign.engines.afl import Afl
from campaign.engines.libfuzzer import LibFuzzer
from campaign.engines.target import Target
from campaign.history import MEANING
from campaign.progress import Progress
from campaign.report.report import write_report
from shared import child_process, command
from shared.builds import RUN, build, made_from
from shared.targets import BUILD, OF_HOSTED, ROOT, TARGETS

OUT = ROOT / "fuzz-out"
ENGINES = {"libfuzzer": LibFuzzer, "afl": Afl}


def parse_arguments():
    meaning = (textwrap.fill(f"  {name:8}{text}", 118, subsequent_indent=" " * 10) for name, text in MEANING.items())
    parser = command.parser("ci/fuzz", __doc__.format(meaning="\n".join(meaning)))
    command.add_length(parser, "length of the fuzzing, 0.5 is allowed")
    parser.add_argument("--target", metavar="T", action="append", choices=TARGETS,
                        help="fuzz only this one; may be given again: " + ", ".join(TARGETS))
    parser.add_argument("--engine", choices=ENGINES, default="libfuzzer",
                        help="what fuzzes them (default: %(default)s)")
    parser.add_argument("--jobs", metavar="N", type=command.positive(int),
                        help="processes at once, each for another target as far as there are that many "
                        "(default: one a target, at most the processors)")
    parser.add_argument("--report", action="store_true",
                        help="fuzz nothing: write fuzz-out/report.html, a page of what was covered and found by now")
    arguments = parser.parse_args()
    fuzzed = [t for t in TARGETS if ENGINES[arguments.engine] is LibFuzzer or t not in OF_HOSTED]
    if left_out := sorted(set(arguments.target or []) - set(fuzzed)):
        parser.error(f"argument --target: {left_out[0]} is fuzzed by libFuzzer alone")
    arguments.wants_some = bool(arguments.target)
    arguments.target = [t for t in fuzzed if t in (arguments.target or fuzzed)]
    arguments.jobs = arguments.jobs or min(len(os.sched_getaffinity(0)), len(arguments.target))
    arguments.seconds = command.seconds_of(arguments) or 60 * max(1, len(arguments.target) / arguments.jobs)
    return arguments


def wanted_of(names, engine, tools):
    wanted = {LibFuzzer.PRESET: [*names, *tools]}
    if engine is not LibFuzzer:  # libFuzzer makes the corpus small for all engines
        wanted[engine.PRESET] = names
    return wanted


def campaign_of(arguments):
    engine = ENGINES[arguments.engine]
    binaries, merging = BUILD / engine.PRESET / "bin", BUILD / LibFuzzer.PRESET / "bin"
    targets = [Target(name, TARGETS[name], OUT, engine.NAME) for name in arguments.target]
    for target in targets:
        target.workers = [engine(target, index, RUN, binaries)
                          for index in range(math.ceil(arguments.jobs / len(targets)))]
    tools = replay_tools.needed(OUT / "crashes", arguments.target)
    return campaigns.Campaign(
        "ci/fuzz", OUT, targets, binaries, merging, replay_tools.of(tools, merging), ROOT / "corpus", "corpus replay",
        lambda signals: build(wanted_of(arguments.target, engine, tools), signals, ["--afl"] if engine is Afl else []),
        lambda: made_from(BUILD / engine.PRESET))


def main(signals=None):
    arguments = parse_arguments()
    signals = signals or child_process.Signals()
    if arguments.report:
        return write_report(OUT, "ci/fuzz", signals)
    progress = Progress()
    if ENGINES[arguments.engine] is not LibFuzzer and not arguments.wants_some:
        progress.say(f"without {', '.join(OF_HOSTED)}, which libFuzzer alone fuzzes")
    return progress.code(campaigns.run(campaign_of(arguments), arguments.jobs, arguments.seconds, signals, progress),
                         "ci/fuzz")


if __name__ == "__main__":
    sys.exit(command.run(lambda: main(SIGNALS), "ci/fuzz"))

"""The replay tools of the targets of ci/fuzz: each file goes to its own."""

from campaign.crashes.files import crashes_in
from campaign.crashes.replay_tool import ReplayTool
from shared.builds import RUN
from shared.targets import replay_tool_of

MAIN = "slab_replay"


def needed(crashes, targets=()):
    """The names of those that run the inputs of these targets, and the files that are kept in the folder of crashes."""
    try:
        files = [crash.path for crash in crashes_in(crashes)[0]]
    except OSError:  # the code that works in the folder says why
        files = []
    return [MAIN, *sorted({replay_tool_of(file) for file in (*targets, *files)} - {MAIN})]


def of(names, binaries):
    """Those, as one that takes all their files. They are in the folder of binaries."""
    return ReplayTool([*RUN, binaries / MAIN],
                      others={name: [*RUN, binaries / name] for name in names if name != MAIN})

"""Lists the crashes that are kept in fuzz-out/crashes, one line a signature: how often it was met, in how
many files, the smallest program, when and by which engine it was first seen, whether it still fails on this
build, and the command that shows it again.

Replays every file for that. For files without a record, as property tests and the explorer leave them, it notes the
signature. For a program that still fails and has no minimized program, GoogleTest case and page yet, it makes them, in
less than a minute each; Ctrl-C leaves that to the next time. While a ci/fuzz is running, that does both.

exit: 0 no crash fails on this build, 1 some do, 2 the work could not be done: a file that cannot be replayed, no build,
no fuzz-out, a signal before all was replayed"""

import pathlib
import sys

if __name__ == "__main__":
    sys.path[0] = str(pathlib.Path(__file__).resolve().parents[2])  # modules are named from ci/ on
    from shared import child_process
    SIGNALS = child_process.Signals()  # before the other imports, which take a while

from campaign import out_format
from campaign.crashes import making, replay_tools
from campaign.crashes.facts import AFTER_OTHERS
from campaign.crashes.files import CHAIN, PASSES, beside, crashes_in, finished, home_of, made_of, met
from campaign.history import samples
from campaign.progress import Progress
from shared import child_process, command, folder_lock
from shared.builds import build
from shared.targets import BUILD, ROOT
from shared.text import counted, shown_path, table

OUT = ROOT / "fuzz-out"
UNSEEN = "not seen"  # by the replay tool, on any build, so it cannot tell whether it still fails


class Triage:
    def __init__(self, out, tool, signals, progress):
        self.out, self.tool, self.signals, self.progress = out, tool, signals, progress
        self.folder = out / "crashes"
        self.sentences = []

    def replay_all(self, crashes):
        files = [path for crash in crashes for path in (crash.path, beside(crash.path, ".min")) if path.exists()]
        found = {}
        is_over = lambda: self.signals.count or self.progress.gone
        show = lambda: self.progress.show(lambda: [f"replaying: {len(found):,} of {counted(len(files), 'file')}"])
        for path, facts in self.tool.judge(files, is_over, show):
            if path.exists():  # a ci/fuzz may have taken it away meanwhile
                found[path] = facts
        return found

    def groups(self, crashes, found):
        groups = {}
        for crash in crashes:
            facts = found.get(crash.path)
            if facts and facts.outcome == "unreadable":
                self.sentences.append(f"{shown_path(crash.path)} cannot be replayed: {facts.sentence}")
            group = crash.signature or (facts.signature if facts and facts.failed else "not known")
            groups.setdefault(group, []).append(crash)
        return groups

    def to_make(self, groups, found):
        """(input, signature, whether its files show another failure) of those that fail and lack files."""
        waiting = []
        for signature, crashes in groups.items():
            failing = [c for c in crashes if c.path in found and found[c.path].signature == signature]
            if not failing:
                continue
            path = home_of(failing).path
            small = beside(path, ".min")
            stale = small in found and found[small].signature != signature
            if making.can_be_made(path, signature, found[path]) and (stale or not making.is_complete(path)):
                waiting.append((path, signature, stale))
        return waiting

    def make(self, waiting, found):
        """If this cannot be done, nothing is lost."""
        for done, (path, signature, stale) in enumerate(waiting):
            if self.signals.count or self.progress.gone:
                return
            self.progress.say(
                f"making a minimized program, a test and a page of {shown_path(path)} ({done + 1} of {len(waiting)})")
            try:
                if stale:
                    beside(path, ".min.json").unlink(missing_ok=True)
                making.make(path, signature, self.tool, self.signals)
                small = beside(path, ".min")
                if small.exists() and (facts := self.tool.facts_of(small, lambda: self.signals.out_of_patience)):
                    found[small] = facts
            except (making.CannotMake, child_process.CannotStart, OSError) as error:
                self.sentences.append(str(error))

    def write_down_and_make(self, groups, crashes, found):
        """Notes what the replays say that was not known, and makes missing files."""
        learned = [c for c in crashes if c.path in found and c.learn(found[c.path])]
        waiting = self.to_make(groups, found)
        if not learned and (not waiting or self.signals.count):
            return
        try:
            with folder_lock.take(self.out, ["ci/triage"]):
                out_format.claim(self.out)
                for crash in learned:
                    crash.save()
                self.make(waiting, found)
        except folder_lock.Taken as error:
            self.sentences.append(f"nothing is written down or made now: {error}")
        except OSError as error:
            self.sentences.append(f"nothing can be written down or made: {error}")

    def smallest(self, signature, crashes, found):
        """(path, operations) of the smallest program of a defect, preferably one that still fails."""
        paths = [p for c in crashes for p in (c.path, beside(c.path, ".min")) if p.exists()]
        best = min(paths, key=lambda p: (p not in found or found[p].signature != signature, p.stat().st_size, p.name))
        return best, found[best].operations if best in found else None

    def state(self, signature, crashes, found):
        judged = [found[c.path] for c in crashes if c.path in found and found[c.path].outcome != "unreadable"]
        now = {facts.signature for facts in judged if facts.failed}
        if signature in now:
            return "fails"
        if now:
            return f"fails as {', '.join(sorted(now))}"
        has_chain = any(c.path.name.endswith(CHAIN) for c in crashes)
        if judged and (signature.startswith(PASSES) or signature == AFTER_OTHERS and not has_chain):
            return UNSEEN
        return "passes" if judged else "not replayed"

    def run(self):
        crashes, sentences = crashes_in(self.folder)
        self.sentences += [*sentences, *samples(self.out / "history.jsonl")[1]]
        out_format.check(self.out)
        found = self.replay_all(crashes)
        crashes = [c for c in crashes if c.path.exists()]  # a ci/fuzz has taken others away meanwhile
        groups = self.groups(crashes, found)
        self.write_down_and_make(groups, crashes, found)
        return self.tell(groups, crashes, found)

    def tell(self, groups, crashes, found):
        rows = [["signature", "now", "times", "files", "operations", "bytes", "first seen", "engine"]]
        states, made, again = [], [], ["again"]
        for signature, of_one in sorted(groups.items()):
            path, operations = self.smallest(signature, of_one, found)
            states.append(self.state(signature, of_one, found))
            times, first_seen, engines, _ = met(of_one)
            rows.append([signature, states[-1], times, len(of_one), operations, path.stat().st_size, first_seen or None,
                         engines or None])
            again.append(self.tool.again(path))
            if files := made_of(home_of(of_one).path):
                made.append(f"{signature}: {', '.join(f'{what} {shown_path(file)}' for what, file in files)}")
                if not finished(home_of(of_one).path):
                    made[-1] += "; not yet the smallest"
        if groups:
            self.progress.say("\n".join(f"{row}  {command}" for row, command in zip(table(rows), again)))
        for text in [*made, *self.sentences]:
            self.progress.say(f"\n{text}")
        return self.verdict(groups, states, crashes, found)

    def verdict(self, groups, states, crashes, found):
        failing = sum(state.startswith("fails") for state in states)
        left = sum(c.path not in found or found[c.path].outcome == "unreadable" for c in crashes)
        early = "Stopped early. " if self.signals.count else ""
        if not groups:
            self.progress.say(f"\n{early}No crash is kept in {shown_path(self.folder)}.")
            return 2 if self.signals.count else 0
        unseen = states.count(UNSEEN)
        not_seen = f"; of {counted(unseen, 'signature')} the replay tool cannot tell: keep it, " \
            "docs/crashes.md says what to do" if unseen else ""
        not_replayed = f", and {counted(left, 'file was', 'files were')} not replayed" if left else ""
        self.progress.say(f"\n{early}{counted(len(groups), 'signature')} in {counted(len(crashes), 'file')}; "
                          f"{failing or 'none'} {'fail' if failing > 1 else 'fails'} on this "
                          f"build{not_replayed}{not_seen}.")
        return 1 if failing else 2 if left or unseen else 0


def main(signals):
    command.parser("ci/triage", __doc__).parse_args()
    signals.check("it began")
    out_format.check(OUT)
    if not OUT.exists():
        raise command.CannotWork(f"there is no {shown_path(OUT)} yet: nothing has been fuzzed")
    progress = Progress()
    names = replay_tools.needed(OUT / "crashes")
    build({"fuzz": names}, signals)
    tool = replay_tools.of(names, BUILD / "fuzz" / "bin")
    for sentence in tool.not_checked(signals):
        progress.say(sentence)
    code = Triage(OUT, tool, signals, progress).run()
    return progress.code(code, "ci/triage")


if __name__ == "__main__":
    sys.exit(command.run(lambda: main(SIGNALS), "ci/triage"))

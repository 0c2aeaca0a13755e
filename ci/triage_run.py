"""Lists the crashes that ci/fuzz has kept in fuzz-out/crashes, one line a signature: how often it was met, in how
many files, the smallest program, when and by which engine it was first seen, whether it still fails on this
build, and the command that shows it again.

Every file is replayed for that. Of a program that still fails and has no minimized program, GoogleTest case and
page yet, those are made, in less than a minute each; Ctrl-C leaves that to the next time. While a ci/fuzz is
under way, it makes them.

exit: 0 no crash fails on this build, 1 some do, 2 the work could not be done: a file that cannot be replayed"""

import argparse
import collections
import pathlib
import re
import subprocess
import sys
import tempfile

import child_process
import out_lock
import workshop
from crash_files import beside, crashes_in, home_of, made_of, met, minimized, shown_path
from crashes import REPLAY_SECONDS, seen_by_replay, signature_of
from progress import Progress, table
from targets import BUILD

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUT = ROOT / "fuzz-out"
REPLAY = [ROOT / "ci" / "with_sanitizers", BUILD / "fuzz" / "bin" / "slab_replay"]

# `state` is a signature, "passes", or None where the file cannot be replayed, and `reason` says why.
Replayed = collections.namedtuple("Replayed", "state operations reason")


class Triage:
    def __init__(self, out, replay_command, signals, progress):
        self.out, self.replay_command, self.signals, self.progress = out, replay_command, signals, progress
        self.folder = out / "crashes"
        self.sentences = []

    def replay(self, path):
        """None where a signal ended it."""
        before = self.signals.count
        with tempfile.TemporaryDirectory() as folder:  # that of the crashes may be for reading only
            text = pathlib.Path(folder) / "trace"
            code, output = child_process.run([*self.replay_command, "--quiet", "--write-trace", text, path], self.signals, REPLAY_SECONDS,
                                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            output = output.decode(errors="replace").strip()
            operations = None
            if text.exists():
                lines = text.read_text().splitlines()
                operations = sum(not re.match("(slabproof|backend|cache) ", line) for line in lines)
        if code is None and self.signals.count > before:
            return None
        if code == 2:
            return Replayed(None, None, output.replace("slab_replay: ", ""))
        return Replayed("passes" if code == 0 else signature_of(code, output, ""), operations, "")

    def replay_all(self, crashes):
        found = {}
        for crash in crashes:
            self.progress.show(lambda: [f"replaying: {len(found)} of {len(crashes)} files"])
            for path in (crash.path, beside(crash.path, ".min")):
                if path.exists() and not self.signals.count and (replayed := self.replay(path)):
                    found[path] = replayed
        return found

    def groups(self, crashes, found):
        groups = {}
        for crash in crashes:
            now = found.get(crash.path)
            if now and now.state is None:
                self.sentences.append(f"cannot be replayed: {now.reason}")
            elif now and crash.signature is None and now.state != "passes":
                crash.signature = now.state
            groups.setdefault(crash.signature or "not known", []).append(crash)
        return groups

    def make(self, groups, found):
        """Makes what is missing of those that fail still. Nothing is lost where that cannot be done."""
        waiting = []
        for signature, crashes in groups.items():
            failing = [c for c in crashes if c.path in found and found[c.path].state == signature]
            if not failing:
                continue
            path = home_of(failing).path
            small = beside(path, ".min")
            stale = small in found and found[small].state != signature
            if workshop.can_be_made(path, signature) and (stale or not workshop.is_complete(path)):
                waiting.append((path, signature, stale))
        if not waiting or self.signals.count:
            return
        try:
            lock = out_lock.take(self.out, ["ci/triage"])
        except out_lock.Taken as error:
            self.sentences.append(f"what is missing of minimized programs, tests and pages is not made now: {error}")
            return
        except OSError as error:
            self.sentences.append(f"no minimized program, test or page can be made: {error}")
            return
        with lock:
            for done, (path, signature, stale) in enumerate(waiting):
                self.progress.say(f"making a minimized program, a test and a page of {shown_path(path)} ({done + 1} of {len(waiting)})")
                try:
                    if stale:
                        beside(path, ".min.json").unlink(missing_ok=True)
                    workshop.make(path, signature, self.replay_command, self.signals)
                    if replayed := self.replay(beside(path, ".min")):
                        found[beside(path, ".min")] = replayed
                except (workshop.CannotMake, OSError) as error:
                    self.sentences.append(str(error))
                if self.signals.count:
                    return

    def smallest(self, signature, crashes, found):
        """(path, operations) of the smallest program of a defect, one that fails still if there is one."""
        paths = [p for c in crashes for p in (c.path, beside(c.path, ".min")) if p.exists()]
        best = min(paths, key=lambda p: (p not in found or found[p].state != signature, p.stat().st_size, p.name))
        return best, found[best].operations if best in found else None

    def state(self, signature, crashes, found):
        states = {found[c.path].state for c in crashes if c.path in found}
        if seen_by_replay(signature) in map(seen_by_replay, states - {None}):
            return "fails"
        if others := sorted(states - {"passes", None}):
            return f"fails as {', '.join(others)}"
        return "passes" if "passes" in states else "not replayed"

    def run(self):
        crashes, sentences = crashes_in(self.folder)
        self.sentences += sentences
        found = self.replay_all(crashes)
        crashes = [c for c in crashes if c.path.exists()]  # a ci/fuzz has taken others away meanwhile
        groups = self.groups(crashes, found)
        self.make(groups, found)
        rows = [["signature", "now", "times", "files", "operations", "bytes", "first seen", "engine"]]
        states, made, again = [], [], ["again"]
        for signature, of_one in sorted(groups.items()):
            path, operations = self.smallest(signature, of_one, found)
            states.append(self.state(signature, of_one, found))
            times, first_seen, engines, _ = met(of_one)
            rows.append([signature, states[-1], times, len(of_one), operations, path.stat().st_size, first_seen or None, engines or None])
            again.append(f"{shown_path(ROOT / 'ci' / 'replay')} {shown_path(path)}")
            if files := made_of(home_of(of_one).path):
                made.append(f"{signature}: {', '.join(f'{what} {shown_path(file)}' for what, file in files)}")
                if not minimized(home_of(of_one).path).get("finished", False):
                    made[-1] += "; not yet the smallest"
        if groups:
            self.progress.say("\n".join(f"{row}  {command}" for row, command in zip(table(rows), again)))
        for text in [*made, *self.sentences]:
            self.progress.say(f"\n{text}")
        return self.verdict(groups, states, crashes, found)

    def verdict(self, groups, states, crashes, found):
        failing = sum(state.startswith("fails") for state in states)
        whole = all(c.path in found and found[c.path].state is not None for c in crashes)
        early = "Stopped early. " if self.signals.count else ""
        if not groups:
            self.progress.say(f"\n{early}No crash is kept in {shown_path(self.folder)}.")
            return 2 if self.signals.count else 0
        self.progress.say(f"\n{early}{len(groups)} {'signature' if len(groups) == 1 else 'signatures'} in {len(crashes)} "
                          f"{'file' if len(crashes) == 1 else 'files'}; {failing or 'none'} {'fail' if failing > 1 else 'fails'} on this build.")
        return 1 if failing else 0 if whole else 2


def main():
    parser = argparse.ArgumentParser(prog="ci/triage", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    try:
        return Triage(OUT, REPLAY, child_process.Signals(), Progress()).run()
    except OSError as error:
        print(f"ci/triage: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())

"""The inputs that fail: kept, replayed, and told apart by their signature."""

import dataclasses

from campaign.crashes.facts import AFTER_OTHERS
from campaign.crashes.files import CHAIN, Crash, NOT_REPLAYED, PASSES, beside, crashes_in, home_of, made_of
from campaign.crashes.picture import picture
from campaign.crashes.replay_tool import is_chain
from campaign.crashes.workshop import Workshop
from campaign.engines.last_words import LastWords
from campaign.engines.record import chain_of
from shared.files import sha1, write_whole
from shared.text import now, shown_path

SHOW_SECONDS = 30
CHAIN_SECONDS = 60  # of a chain; the fuzzing waits
KEPT_FILES = 3
REGRESSIONS = "regressions"  # the folder of a corpus whose files have names, not hashes
NO_WORDS = LastWords("")  # of a failure that no engine found


@dataclasses.dataclass
class Defect:
    signature: str
    count: int = 0  # in this run
    files: list = dataclasses.field(default_factory=list)  # (size, path); the first is the one that was shown

    @property
    def smallest(self):
        return min(self.files)[1]


class Crashes:
    """
    An input is kept before it is examined, so that it is there however the run ends:

        failing ──renamed or copied──→ NAME ──facts of the replay tool──→ NAME.json with a signature
                                         └──no time, or no replay tool──→ NAME.json without one: ci/triage, or the next
                                                                          run, asks
    """

    def __init__(self, folder, tool, signals, say):
        self.folder, self.tool, self.signals, self.say = folder, tool, signals, say
        self.defects = {}  # by signature
        self.not_replayed = []  # sentences about inputs that could not be replayed
        self.seen = {}  # the defect of each file name that this run has met
        try:
            found, self.sentences = crashes_in(folder)
        except OSError:
            found, self.sentences = [], []  # the code that makes the run's folders says why
        self.kept = {c.path: c for c in found}  # those of earlier runs too
        self.workshop = Workshop(tool)
        for signature in {c.signature for c in found if c.signature}:
            self._hand_over(signature)

    def _of(self, signature):
        return [c for c in self.kept.values() if c.signature == signature]

    def _hand_over(self, signature):
        self.workshop.add(home_of(self._of(signature)))

    def unknown(self):
        """The inputs that others have left here without a record, and those for which a run had no time."""
        return [c.path for c in self.kept.values() if c.signature is None and c.facts is None]

    def learn(self, path, facts):
        """Takes the facts about such an input, which then counts as met by this run."""
        crash = self.kept[path]
        if facts.outcome == "unreadable":
            self.not_replayed.append(_cannot_be_replayed(path, facts))
        if crash.learn(facts):
            crash.save()
        if facts.failed:
            defect = self._defect(facts.signature)
            defect.files.append((crash.size, path))
            self.seen[path.name] = defect
            finder = f"; found by {crash.engine}" if crash.engine else ""
            self._show(f"{shown_path(path)} fails{finder}", defect, path, facts, NO_WORDS)
            self._hand_over(facts.signature)

    def add_corpus_file(self, path, facts, where, before=()):
        """What the replay tool says of a file of the corpus. It stays where it is; of those that fail the smallest are
        also kept here, like what a fuzzer finds. `before` are those of its kind that ran in its process."""
        if facts.outcome == "unreadable":
            self.not_replayed.append(_cannot_be_replayed(path, facts))
        if not facts.failed:
            return
        data = path.read_bytes()
        kept = self.folder / kept_name(path, data)
        if facts.alone == "agreed" and not is_chain(path):
            return self._add_after_others(path, facts, kept, where, before)
        if kept.name in self.seen:
            return
        defect = self.seen[kept.name] = self._defect(facts.signature)
        crashes = self._of(facts.signature)
        enough = len(crashes) >= KEPT_FILES and len(data) >= max(c.size for c in crashes)
        if defect.files and kept not in self.kept and enough:
            home_of(crashes).times += 1  # of thousands of such inputs, not each is written down at once
            return
        shown = path
        try:
            if kept not in self.kept:
                write_whole(kept, data)
            self._keep(kept, facts.signature, facts, path.parent.name, where)
            shown = kept
        finally:  # also shown when the disk is full
            defect.files.append((len(data), shown))
            self._show(f"{shown_path(path)} fails", defect, shown, facts, NO_WORDS)
        self._hand_over(facts.signature)
        self._forget_larger(defect)

    def take(self, target, artifact, words, perhaps_slow, engine, records=()):
        """Keeps the input that the engine saved when it died with these LastWords. False if it was only slow, or is not
        known to fail."""
        data = artifact.read_bytes()
        path = self.folder / f"{target}-{sha1(data)[:12]}"
        if path.name in self.seen:
            self.seen[path.name].count += 1
            artifact.unlink()
            self._note(path)
            return True
        artifact.replace(path)
        facts = self.tool.facts_of(path, lambda: self.signals.out_of_patience)
        if facts and facts.outcome == "agreed" and perhaps_slow:
            if path not in self.kept:  # such as the input of a defect that this build no longer has
                path.unlink()
            return False
        after_others = False  # whether the failure is known to depend on others
        if facts and facts.outcome == "agreed":
            if self._is_known_after_others(path):
                return True
            chain = beside(path, CHAIN)
            if any(record.keep(data, chain) for record in records):
                found = self.tool.facts_of(chain, lambda: self.signals.out_of_patience, CHAIN_SECONDS)
                if not found or found.outcome != "agreed":
                    self._take_chain(chain, target, engine, found, words)
                    path.unlink()
                    return True
                chain.unlink()
                after_others = True
        if facts and facts.outcome == "unreadable":
            self.not_replayed.append(_cannot_be_replayed(path, facts))
            self.say(self.not_replayed[-1])
            self._keep(path, None, None, target, engine)
            return False
        signature = signature_of(facts, words, after_others) if facts else None
        defect = self._defect(signature or NOT_REPLAYED)
        defect.files.append((len(data), path))
        self.seen[path.name] = defect
        try:
            self._keep(path, signature, facts, target, engine)
        finally:  # also shown when the disk is full
            self._show(f"{target} found a failing input of {len(data)} bytes", defect, path, facts, words)
        if signature:
            self._hand_over(signature)
            self._forget_larger(defect)
        return True

    def _add_after_others(self, path, facts, kept, where, before):
        """For a file of the corpus that fails only because of others, keeps the chain if that fails."""
        if (defect := self.defects.get(AFTER_OTHERS)) and defect.files:
            defect.count += 1
            return
        inputs = [self.tool.bytes_of(file, self.signals) for file in (*before, path)]
        chain = beside(kept, CHAIN)
        write_whole(chain, chain_of(facts.input, [data for data in inputs if data is not None]))
        found = self.tool.facts_of(chain, lambda: self.signals.out_of_patience, CHAIN_SECONDS)
        if found and found.outcome == "agreed":
            chain.unlink()
            self.not_replayed.append(
                f"{shown_path(path)} failed after other files of the corpus, in one process with them, and passes "
                f"alone "
                "and in a chain of them: what failed is in neither (docs/crashes.md, section 5)")
        else:
            self._take_chain(chain, path.parent.name, where, found, NO_WORDS)

    def _is_known_after_others(self, path):
        """Whether enough such failures are kept, so that the next one is only counted: replaying each takes as long as
        its process lived."""
        defect = self.defects.get(AFTER_OTHERS)
        if not defect or defect.count < KEPT_FILES or path in self.kept:
            return False
        defect.count += 1
        home_of(self._of(AFTER_OTHERS)).times += 1
        path.unlink()
        return True

    def _take_chain(self, chain, target, engine, facts, words):
        """Takes an input that fails only after others. `facts` are None, or those of an unreadable file, if there was
        no time: ci/triage will ask."""
        known = facts and facts.failed
        defect = self._defect(facts.signature if known else NOT_REPLAYED)
        defect.files.append((chain.stat().st_size, chain))
        self.seen[chain.name] = defect
        try:
            self._keep(chain, facts.signature if known else None, facts if known else None, target, engine)
        finally:  # also shown when the disk is full
            self._show(f"{target} found an input that passes alone", defect, chain, facts if known else None, words)
        if known:
            self._hand_over(facts.signature)
            self._forget_larger(defect)

    def save(self):
        """Says how often each defect of this run was met."""
        for signature in self.defects:
            if crashes := self._of(signature):
                home_of(crashes).save()

    def _keep(self, path, signature, facts, target, engine):
        known = self.kept.get(path)
        if not known or signature and known.signature not in (None, signature):
            beside(path, ".min.json").unlink(missing_ok=True)  # the files made of it show another defect
            known = self.kept[path] = Crash(path, target=target, engine=engine, first_seen=now(), times=0)
        known.signature, known.facts = signature or known.signature, facts or known.facts
        known.times += 1
        known.save()

    def _note(self, path):
        crash = self.kept.get(path) or home_of(self._of(self.seen[path.name].signature))
        crash.times += 1
        crash.save()

    def _defect(self, signature):
        defect = self.defects.setdefault(signature, Defect(signature))
        defect.count += 1
        return defect

    def _show(self, headline, defect, path, facts, words):
        """Shows the first input of a defect in full; the whole report goes into a file, for later inputs with the
        fuzzer's words."""
        if defect.count > 1 and not words.text:
            return
        trace, output = None, ""
        if defect.count == 1 and facts and not self.signals.count:
            trace, output = self.tool.show(path, self.signals, SHOW_SECONDS)
        known = f"signature: {defect.signature}" if defect.signature != NOT_REPLAYED else ""
        parts = [output or known, f"The fuzzer's last words:\n{words.text}" if words.text else ""]
        try:
            if path.parent == self.folder:
                write_whole(report(path), "\n\n".join(filter(None, parts)))
        finally:
            if defect.count == 1:
                lines = picture(facts, trace, path.read_bytes()) if facts else []
                full = [f"  the whole report: {shown_path(report(path))}"] if report(path).exists() else []
                signature, again = f"  signature: {defect.signature}", f"  again: {self.command(path)}"
                self.say("\n".join([headline, *lines, signature, *full, again]))

    def _forget_larger(self, defect):
        """Keeps the input that was shown, those from which files were made, and the smallest."""
        crashes = self._of(defect.signature)
        home = home_of(crashes)
        needed = {defect.files[0][1], home.path, *self.workshop.paths()}
        others = [c for c in crashes if c.path not in needed and not made_of(c.path)]
        others.sort(key=lambda c: (c.size, c.path.name))
        for crash in others[max(1, KEPT_FILES - (len(crashes) - len(others))):]:
            home.take_over(self.kept.pop(crash.path))
            home.save()
            defect.files = [(size, path) for size, path in defect.files if path != crash.path]
            for path in (crash.path, beside(crash.path, ".json"), report(crash.path)):
                path.unlink(missing_ok=True)

    def made_of(self, signature):
        """(what, file) for each file that was made of an input with this signature."""
        crashes = self._of(signature)
        return made_of(home_of(crashes).path) if crashes else []

    def command(self, path):
        return self.tool.again(path)


def _cannot_be_replayed(path, facts):
    return f"{shown_path(path)} could not be replayed: {facts.sentence}"


def report(path):
    return beside(path, ".txt")


def kept_name(path, data):
    """The name of the copy: the one that a fuzzer's find of the same bytes would get, or those of the file's folder and
    the file."""
    target = path.parent.name
    if is_chain(path):
        return f"{target}-{path.stem}{CHAIN}"
    return f"{target}-{path.name}" if target == REGRESSIONS else f"{target}-{sha1(data)[:12]}"


def signature_of(facts, words, after_others=False):
    """The replay tool's signature, or a replacement if the replay tool does not see the failure."""
    if facts.signature:
        return facts.signature
    how = ", alone and after what its process had run" if after_others else ""
    return f"{PASSES}{how}; the fuzzer said: {words.summary}"

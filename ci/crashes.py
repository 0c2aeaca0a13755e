"""The inputs that fail: kept, replayed, and told apart by their signature."""

import dataclasses
import re
import subprocess

import child_process
from crash_files import Crash, beside, crashes_in, home_of, made_of, now, shown_path, write_whole
from fuzz_target import DEATH, sha1
from workshop import Workshop

REPLAY_SECONDS = 60
SHOWN_LINES = 40
KEPT_FILES = 3
FUZZER_SAID = "; the fuzzer said: "


@dataclasses.dataclass
class Defect:
    signature: str
    count: int = 0  # in this run
    files: list = dataclasses.field(default_factory=list)  # (size, path); the first is the one that was shown

    @property
    def smallest(self):
        return min(self.files)[1]


class Crashes:
    def __init__(self, root, folder, replay_command, signals, say):
        self.root, self.folder, self.replay_command = root, folder, replay_command
        self.signals, self.say = signals, say
        self.defects = {}  # by signature
        self.unreadable = []
        self.seen = {}  # the defect of each file name that this run has met
        try:
            self.kept = {c.path: c for c in crashes_in(folder)[0]}  # those of earlier runs too
        except OSError:
            self.kept = {}  # whoever makes the folders of the run says why
        self.workshop = Workshop(replay_command)
        for signature in {c.signature for c in self.kept.values()}:
            self._hand_over(signature)

    def _of(self, signature):
        return [c for c in self.kept.values() if c.signature == signature]

    def _hand_over(self, signature):
        home = home_of(self._of(signature))
        self.workshop.add(home.path, signature)

    def failing_among(self, files):
        """Those of the files that do not pass in the replay tool. Halves them until it is known which."""
        if not files:
            return []
        code, _ = child_process.run([*self.replay_command, "--quiet", *files], self.signals,
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if code in (0, None):
            return []
        if len(files) == 1:
            return files
        half = len(files) // 2
        return self.failing_among(files[:half]) + self.failing_among(files[half:])

    def bytes_of(self, path):
        """The fuzzer's bytes of a file that passes, of a .trace those of its program. None if that cannot be had."""
        if path.suffix != ".trace":
            return path.read_bytes()
        encoded = self.folder / ".encoded"
        code, _ = child_process.run([*self.replay_command, "--quiet", "--write-bytes", encoded, path], self.signals,
                                    stdout=subprocess.DEVNULL)
        try:
            return encoded.read_bytes() if code == 0 else None
        finally:
            encoded.unlink(missing_ok=True)

    def replay(self, path):
        """(exit code, output). No signal ends it: what a crash is must be known."""
        return child_process.run([*self.replay_command, path], None, REPLAY_SECONDS, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def add_failing_file(self, path):
        """A file of the corpus that fails in the replay tool. It stays where it is."""
        code, output = self.replay(path)
        output = output.decode(errors="replace")
        if code == 2:
            self.unreadable.append(path)
            self.say(f"{output.rstrip()}\n{shown_path(path)} cannot be replayed")
        elif code != 0:
            defect = self._defect(signature_of(code, output, ""))
            defect.files.append((path.stat().st_size, path))
            if defect.count == 1:
                self._show(f"{shown_path(path)} fails", defect, path, output)

    def take(self, target, artifact, words, perhaps_slow, engine):
        """Keeps what the engine saved when it died with these last words. False if it was only a slow input."""
        data = artifact.read_bytes()
        path = self.folder / f"{target}-{sha1(data)[:12]}"
        if path.name in self.seen:
            self.seen[path.name].count += 1
            artifact.unlink()
            self._note(path)
            return True
        artifact.replace(path)
        code, output = self.replay(path)
        if code == 0 and perhaps_slow:
            if path not in self.kept:  # as the input of a defect that this build has no more
                path.unlink()
            return False
        output = output.decode(errors="replace")
        defect = self._defect(signature_of(code, output, words))
        defect.files.append((len(data), path))
        self.seen[path.name] = defect
        known = self.kept.get(path)
        if not known or known.signature not in (None, defect.signature):
            beside(path, ".min.json").unlink(missing_ok=True)  # what was made of it shows another defect
            known = self.kept[path] = Crash(path, target=target, engine=engine, first_seen=now(), times=0)
        known.signature = defect.signature
        try:
            write_whole(report(path), f"{output}\n\nThe fuzzer's last words:\n{words}")
            self._note(path)
        finally:  # a full disk is no reason to keep silent
            if defect.count == 1:
                self._show(f"{target} found a failing input of {len(data)} bytes", defect, path, output)
        self._hand_over(defect.signature)
        self._forget_larger(defect)
        return True

    def _note(self, path):
        crash = self.kept.get(path) or home_of(self._of(self.seen[path.name].signature))
        crash.times += 1
        crash.save()

    def _defect(self, signature):
        defect = self.defects.setdefault(signature, Defect(signature))
        defect.count += 1
        return defect

    def _show(self, headline, defect, path, output):
        lines = output.rstrip().splitlines()
        kept = [line[:200] for line in lines[-SHOWN_LINES:]]
        if len(lines) > len(kept):
            kept.insert(0, f"… {len(lines) - len(kept)} lines before these")
        full = [f"  the whole trace: {shown_path(report(path))}"] if report(path).exists() else []
        self.say("\n".join([headline, *(f"  | {line}" for line in kept),
                            f"  signature: {defect.signature}", *full, f"  again: {self.command(path)}"]))

    def _forget_larger(self, defect):
        """Keeps the one that was shown, those of which something is made, and the smallest."""
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
        return f"{shown_path(self.root / 'ci' / 'replay')} {shown_path(path)}"


def report(path):
    return beside(path, ".txt")


def signature_of(code, output, words):
    """The replay tool's signature, or what stands for it where the replay tool does not see the failure."""
    if signature := re.search(r"^signature: *(.+)$", output, re.MULTILINE):
        return signature[1]
    said = re.search(r"^(?:signature|SUMMARY): *(.+)$", words, re.MULTILINE) or DEATH.search(words)
    what = {0: "passes", None: "did not end"}.get(code, f"ends with exit code {code} and no signature")
    return f"{what} in the replay tool{FUZZER_SAID}{said[said.lastindex or 0] if said else 'nothing'}"


def seen_by_replay(signature):
    """As much of a signature as the replay tool tells by itself."""
    return signature.partition(FUZZER_SAID)[0]

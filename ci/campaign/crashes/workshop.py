"""From an input that fails to its minimized program, a GoogleTest case and a page: in the background, one at a time."""

import collections
import glob
import json
import os
import re
import subprocess
import threading
import time

from campaign.crashes.files import CHAIN, PASSES, VERSION, beside, finished, made_of, minimized
from shared import child_process
from shared.command import CannotWork
from shared.files import write_whole
from shared.targets import input_of
from shared.text import shown_path

MINIMIZE_SECONDS = 40  # test and page take a second or two; all of it is to be there within a minute
STEP_SECONDS = 60
LAST_SECONDS = 60  # what a run that has come to its end waits for what is under way


class CannotMake(Exception):
    """Why something cannot be made of an input."""


class FailsNoMore(CannotMake):
    pass


def can_be_made(path, signature):
    """Whether there is a program in the file that fails in the replay tool."""
    is_program = input_of(path.name) == "program" or path.name.endswith(CHAIN)
    return is_program and signature is not None and not signature.startswith(PASSES)


def is_complete(path):
    return (path.name.endswith(CHAIN) or len(made_of(path)) == 4) and finished(path)


def make(path, signature, tool, signals):
    """
    Makes what is missing of an input's files. Ends early, and keeps what was reached, when a signal comes:

        NAME ──minimize──→ NAME.min, not finished ──minimize──→ finished ──as-test, html──→ complete

    What was made of a larger program goes before a smaller one comes.
    """
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.min*"):  # by a run that was killed
        left.unlink(missing_ok=True)
    if not finished(path):
        _minimize(path, signature, tool, signals)
    if path.name.endswith(CHAIN):  # there is neither a test nor a page of it
        return
    for suffix, option in ((".min.cpp", "--as-test"), (".min.html", "--html")):
        if not beside(path, suffix).exists() and not signals.count:
            unfinished = _unfinished(path, suffix)
            code, output = _replay(tool, signals, STEP_SECONDS, option, "--output", unfinished, beside(path, ".min"))
            if code == 1 and unfinished.exists():
                unfinished.replace(beside(path, suffix))
            elif code is not None or not signals.count:
                raise CannotMake(f"{option} of {shown_path(path)}.min: {_last_line(output) or 'it did not end'}")


def _unfinished(path, suffix):
    return path.with_name(f".{path.name}.{os.getpid()}{suffix}")


def _replay(tool, signals, seconds, *arguments):
    code, output = child_process.run(["nice", "-n", "15", *tool.command, *arguments], signals, seconds,
                                     stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return code, output.decode(errors="replace")


def _last_line(output):
    return (output.rstrip().splitlines() or [""])[-1]


EFFORT = re.compile(r"^minimized: ([\d,]+) (?:operations|inputs?) to ([\d,]+).* in ([\d.]+) s, "
                    r"([\d,]+) (?:programs|chains?) tried(; stopped)?", re.MULTILINE)


def _minimize(path, signature, tool, signals):
    """What is left of a chain is a chain or, of a failure that needs no others, the input."""
    is_chain = path.name.endswith(CHAIN)
    new = {suffix: _unfinished(path, suffix) for suffix in ((".min",) if is_chain else (".min.trace", ".min"))}
    small, before = beside(path, ".min"), minimized(path).get("before")
    # One that was made and is not finished is gone on with; on another build it may fail no more, or in another way.
    for start in [small, path] if small.exists() else [path]:
        code, output = _replay(tool, signals, MINIMIZE_SECONDS + tool.silent_seconds(start),
                               "--minimize", "--budget", str(MINIMIZE_SECONDS), "--output", new[".min"], start)
        effort = EFFORT.search(output)
        facts = None
        if effort and all(file.exists() for file in new.values()):
            facts = tool.facts_of(new[".min"], lambda: signals.out_of_patience)
        if signals.count or facts and facts.signature == signature:
            break
    if signals.count and not facts:
        return
    if not facts:
        if code == 0:
            raise FailsNoMore(f"{shown_path(path)} did not fail again when it was to be minimized")
        raise CannotMake(f"{shown_path(path)} cannot be minimized: {_last_line(output) or 'it did not end'}")
    if facts.signature != signature:
        what = facts.sentence if facts.outcome == "unreadable" else facts.signature or facts.outcome
        raise CannotMake(f"{shown_path(path)} fails in another way when it is minimized: {what}")
    if not small.exists() or small.read_bytes() != new[".min"].read_bytes():
        for suffix in (".min.json", ".min.cpp", ".min.html"):
            beside(path, suffix).unlink(missing_ok=True)
    for suffix, file in new.items():
        file.replace(beside(path, suffix))
    larger, smaller, tried = (int(text.replace(",", "")) for text in effort.group(1, 2, 4))
    counts = {"inputs": smaller, "chains": tried} if is_chain else {"operations": smaller, "programs": tried}
    write_whole(beside(path, ".min.json"), json.dumps({
        "version": VERSION, **counts, "before": before or larger, "bytes": small.stat().st_size,
        "seconds": float(effort[3]), "finished": not effort[5], "facts": facts.as_object()}) + "\n")


class Workshop:
    """
    A thread that makes the files of the inputs that are handed to it, in their order, at a low priority.
    Leaving it ends what is under way; the files say what is left for the next run.
    """

    def __init__(self, tool):
        self.tool = tool
        self.requests = child_process.Requests()
        self.queue = collections.deque()  # (path, signature); the first is under way
        self.signatures = set()  # of all that were handed over; once is enough
        self.problems = []
        self.thread = None

    def add(self, path, signature):
        if signature not in self.signatures and can_be_made(path, signature) and not is_complete(path):
            self.signatures.add(signature)
            self.queue.append((path, signature))

    def paths(self):
        return [path for path, _ in list(self.queue)]

    def __enter__(self):
        self.thread = threading.Thread(target=self._work, daemon=True)
        try:
            self.thread.start()
        except RuntimeError as error:
            raise CannotWork(f"{error}; raise the limits of this shell (ulimit -a)") from None
        return self

    def __exit__(self, *_):
        while self.thread.is_alive():
            self.requests.note()
            self.thread.join(0.2)

    def _work(self):
        while not self.requests.count:
            if not self.queue:
                time.sleep(0.1)
                continue
            path, signature = self.queue[0]
            try:
                make(path, signature, self.tool, self.requests)
            except FailsNoMore:  # ci/triage tells
                pass
            except (CannotMake, child_process.CannotStart) as error:
                self.problems.append(str(error))
            except OSError as error:
                self.problems.append(f"what is made of {shown_path(path)} cannot be written: {error.strerror}")
            except Exception as error:  # the next one may go well; a thread that has died would be waited for
                self.problems.append(f"nothing could be made of {shown_path(path)}: {error!r}")
            if not self.requests.count:
                self.queue.popleft()

    def finish(self, signals, progress):
        """Waits for what is under way, for a minute at most and until a signal comes."""
        if not self.queue or signals.count or progress.gone:
            return
        progress.say("the fuzzing is over; what is left: making the crashes small (Ctrl-C leaves that to ci/triage)")
        progress.restart()
        end = time.monotonic() + LAST_SECONDS
        while self.queue and time.monotonic() < end and not (signals.count or progress.gone):
            progress.show(lambda: [f"at {path.name}" for path in self.paths()])
            time.sleep(0.2)

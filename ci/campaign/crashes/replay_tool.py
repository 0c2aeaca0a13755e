"""Asks a replay tool what programs do. Only its facts (--json) are a verdict. After any other answer the file counts as
not replayed: the machine may refuse what the tool needs, or the tool was killed."""

import collections
import itertools
import json
import os
import select
import signal
import subprocess
import tempfile
import time

from campaign.crashes.facts import Facts, facts_in
from shared import child_process
from shared.command import CannotWork
from shared.targets import ROOT, replay_tool_of
from shared.text import shown_path

FILES_AT_ONCE = 500
SILENT_SECONDS = 60  # at one file; the tool itself ends a program that hangs
SECONDS_A_MEGABYTE = 20  # more, of chains: as long as their processes lived, twice
LOST_TOOLS = 3  # one after the other, without a single verdict


def _by_ci_replay(path):
    return f"{shown_path(ROOT / 'ci' / 'replay')} {shown_path(path)}"


class ReplayTool:
    """`again` is the command that shows a file again, for people. `others` are commands of other tools, by their names,
    for the files of those (replay_tool_of)."""

    def __init__(self, command, again=_by_ci_replay, others=None):
        self.command, self.again, self.others = command, again, others or {}

    def command_of(self, file):
        """The command that runs a file."""
        return self.others.get(replay_tool_of(file), self.command)

    def judge(self, files, stop=lambda: False, waiting=lambda: None, silent_seconds=None):
        """Yields (file, facts) of each in their order. Ends early when `stop()`; calls `waiting` now and then."""
        for _, of_one_tool in itertools.groupby(files, self.command_of):
            yield from self._judge(collections.deque(of_one_tool), stop, waiting, silent_seconds)

    def _judge(self, left, stop, waiting, silent_seconds):
        """Of files of one tool."""
        lost = 0
        while left and not stop():
            judged, reason = 0, None
            for facts in self._run(list(itertools.islice(left, FILES_AT_ONCE)), stop, waiting, silent_seconds):
                if isinstance(facts, str):
                    reason = facts
                    break
                judged += 1
                yield left.popleft(), facts
            if reason is None:
                continue
            lost = 0 if judged else lost + 1
            yield left.popleft(), _unreadable(reason)
            while lost == LOST_TOOLS and left:
                yield left.popleft(), _unreadable(reason)

    def facts_of(self, file, stop=lambda: False, silent_seconds=None):
        """The facts of one file; None if it was stopped."""
        return next((facts for _, facts in self.judge([file], stop, silent_seconds=silent_seconds)), None)

    def silent_seconds(self, file):
        """How long the tool may be silent about a file."""
        return SILENT_SECONDS + (SECONDS_A_MEGABYTE * os.stat(file).st_size / (1 << 20) if is_chain(file) else 0)

    def not_checked(self, signals):
        """What cannot be checked on this machine, in sentences. Raises CannotWork if a tool cannot work at all."""
        sentences = {}  # of several tools each once
        for command in (self.command, *self.others.values()):
            with tempfile.TemporaryFile() as words:
                code, output = child_process.run(
                    [*command, "--environment"], signals, SILENT_SECONDS, stdout=subprocess.PIPE, stderr=words)
                signals.check("it was found out what can be checked here; nothing was done")
                if code != 0:
                    raise CannotWork(why(code, words))
            sentences.update(dict.fromkeys(output.decode(errors="replace").splitlines()))
        return list(sentences)

    def show(self, file, signals, seconds):
        """(the lines of the program as text or None, everything that the tool prints), for people."""
        with tempfile.TemporaryDirectory() as folder:
            trace = os.path.join(folder, "trace")
            for options in (["--write-trace", trace], []):  # some files have no program
                code, output = child_process.run([*self.command_of(file), "--full", *options, file], signals, seconds,
                                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                if code != 2:
                    break
            try:
                with open(trace, errors="replace") as text:
                    return text.read().splitlines(), output.decode(errors="replace")
            except OSError:
                return None, output.decode(errors="replace")

    def bytes_of(self, file, signals):
        """The bytes of a file that passes, of a .trace those of its program. None if there are none."""
        if file.suffix != ".trace":
            return file.read_bytes()
        with tempfile.TemporaryDirectory() as folder:
            encoded = os.path.join(folder, "bytes")
            code, _ = child_process.run([*self.command_of(file), "--quiet", "--write-bytes", encoded, file], signals,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if code != 0:
                return None
            with open(encoded, "rb") as found:
                return found.read()

    def _run(self, files, stop, waiting, silent_seconds):
        """Yields the facts of the files in their order, and a reason in place of the first that are missing."""
        with tempfile.TemporaryFile() as words:
            try:
                command = [*self.command_of(files[0]), "--json", *files]
                process = child_process.start(command, stdout=subprocess.PIPE, stderr=words)
            except child_process.CannotStart as error:
                yield str(error)
                return
            given, worst, silent = 0, 0, False
            silent_seconds = silent_seconds or max(map(self.silent_seconds, files))
            try:
                for line in _lines(process.stdout, stop, waiting, silent_seconds):
                    silent = line is None
                    if silent or given == len(files):
                        break
                    try:
                        facts = _facts_in_line(line, files[given])
                    except (ValueError, RecursionError):
                        yield f"the replay tool answered no verdict but {line[:80].decode(errors='replace').strip()!r}"
                        return
                    given += 1
                    worst = max(worst, {"agreed": 0, "unreadable": 2}.get(facts.outcome, 1))
                    if given < len(files):
                        yield facts
                if stop():
                    return
                code = None if silent else _code_of(process)
            finally:
                child_process.kill(process)
                process.stdout.close()
            if given == len(files) and code == worst:  # the last facts count only if the exit code agrees
                yield facts
            else:
                yield why(code, words)


def is_chain(file):
    """Whether a file is one, whatever its name."""
    try:
        with open(file, "rb") as content:
            return os.path.isfile(file) and content.read(16) == b"slabproof chain "
    except OSError:
        return False


def _code_of(process):
    """The exit code of a tool that prints no more, which must then end soon; None if it does not."""
    try:
        return process.wait(5)
    except subprocess.TimeoutExpired:
        return None


def _unreadable(reason):
    return Facts("unreadable", sentence=reason)


def _lines(stream, stop, waiting, silent_seconds):
    """The lines of a pipe, to its end or until stopped; None at the end if no line comes for too long."""
    pending, since = b"", time.monotonic()
    is_over = False
    while not is_over:
        is_over = stop()  # what has been said by then is still read
        waiting()
        if select.select([stream], [], [], 0 if is_over else 0.1)[0]:
            if not (news := os.read(stream.fileno(), 1 << 16)):
                return
            *lines, pending = (pending + news).split(b"\n")
            for line in lines:
                yield line
                if stop():
                    return
            since = time.monotonic()
        elif time.monotonic() > since + silent_seconds:
            yield None
            return


def _facts_in_line(line, file):
    found = json.loads(line.decode("utf-8", "surrogateescape"))
    facts = facts_in(found)
    if found.get("file") != os.fspath(file):
        raise ValueError("is of another file")
    return facts


def why(code, words):
    """Why the tool could not do its work, from its exit code (None without one) and its stderr."""
    words.seek(0)
    said = words.read().decode(errors="replace").strip().splitlines()
    last = f": {said[-1][:200]}" if said else ""
    if code is None:
        return f"the replay tool did not end, and said no more{last}"
    how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
    return f"the replay tool {how}{last}"

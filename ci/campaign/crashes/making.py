"""From an input that fails to its minimized program, a GoogleTest case and a page."""

import glob
import json
import os
import subprocess
import tempfile

from campaign.crashes.files import CHAIN, PASSES, VERSION, beside, finished, made_of, minimized
from campaign.crashes.replay_tool import why
from shared import child_process
from shared.files import write_whole
from shared.text import shown_path

MINIMIZE_SECONDS = 40  # test and page take a second or two; all of it is to be there within a minute
STEP_SECONDS = 60
EFFORT = ("before", "after", "tried", "milliseconds", "finished")  # of a minimization, as slab_replay says it


class CannotMake(Exception):
    """Why something cannot be made of an input."""


class FailsNoMore(CannotMake):
    pass


def can_be_made(path, signature, facts):
    """Whether the file holds a program, or a chain, that fails in the replay tool. Without facts about it ci/triage has
    to find that out."""
    is_program = path.name.endswith(CHAIN) or facts is not None and facts.input == "program"
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
            code, _, reason = _replay(tool, beside(path, ".min"), signals, STEP_SECONDS, option, "--output", unfinished)
            if code == 1 and unfinished.exists():
                unfinished.replace(beside(path, suffix))
            elif code is not None or not signals.count:
                raise CannotMake(f"{option} of {shown_path(path)}.min: {reason}")


def _unfinished(path, suffix):
    return path.with_name(f".{path.name}.{os.getpid()}{suffix}")


def _replay(tool, file, signals, seconds, *options):
    """(exit code, standard output, the reason why it could not do what it was asked)."""
    with tempfile.TemporaryFile() as words:
        code, output = child_process.run(["nice", "-n", "15", *tool.command_of(file), *options, file], signals, seconds,
                                         stdout=subprocess.PIPE, stderr=words)
        return code, output, why(code, words)


def _effort_in(output):
    """What --minimize --json says of a program that fails; None where it says nothing of the kind."""
    try:
        effort = json.loads(output)
        return {name: effort[name] for name in EFFORT} if effort["fails"] else None
    except (ValueError, KeyError, TypeError):
        return None


def _minimize(path, signature, tool, signals):
    """What is left of a chain is a chain or, of a failure that needs no others, the input."""
    is_chain = path.name.endswith(CHAIN)
    new = {suffix: _unfinished(path, suffix) for suffix in ((".min",) if is_chain else (".min.trace", ".min"))}
    small, before = beside(path, ".min"), minimized(path).get("before")
    # One that was made and is not finished is gone on with; on another build it may fail no more, or in another way.
    for start in [small, path] if small.exists() else [path]:
        code, output, reason = _replay(
            tool, start, signals, MINIMIZE_SECONDS + tool.silent_seconds(start),
            "--minimize", "--json", "--budget", str(MINIMIZE_SECONDS), "--output", new[".min"])
        effort = _effort_in(output)
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
        raise CannotMake(f"{shown_path(path)} cannot be minimized: {reason}")
    if facts.signature != signature:
        what = facts.sentence if facts.outcome == "unreadable" else facts.signature or facts.outcome
        raise CannotMake(f"{shown_path(path)} fails in another way when it is minimized: {what}")
    if not small.exists() or small.read_bytes() != new[".min"].read_bytes():
        for suffix in (".min.json", ".min.cpp", ".min.html"):
            beside(path, suffix).unlink(missing_ok=True)
    for suffix, file in new.items():
        file.replace(beside(path, suffix))
    parts, candidates = ("inputs", "chains") if is_chain else ("operations", "programs")
    write_whole(beside(path, ".min.json"), json.dumps({
        "version": VERSION, parts: effort["after"], candidates: effort["tried"], "before": before or effort["before"],
        "bytes": small.stat().st_size, "seconds": effort["milliseconds"] / 1000, "finished": effort["finished"],
        "facts": facts.as_object()}) + "\n")

"""The files in fuzz-out/crashes: the inputs that failed, what is known about each, and what was made from it.

    NAME           the input
    NAME-chain     instead, if the input alone passes: all inputs of its process, which slab_replay can run again
    NAME.json      its signature, target and engine, when it was first seen and how often it was met, what
                   slab_replay --json says
    NAME.txt       what the replay tool and the fuzzer said
    NAME.min       the smallest program that fails in the same way, NAME.min.trace the same as text
    NAME.min.json  how it was minimized, and whether nothing smaller was left to try
    NAME.min.cpp   that program as a GoogleTest case, NAME.min.html as a page

Only NAME is needed. Every other file is written under another name and renamed: it is whole or not there.
"""

import dataclasses
import json
import os
import pathlib

from campaign.crashes.facts import Facts, facts_in
from shared.files import write_whole
from shared.text import shown_path, time_text

VERSION = 2
CHAIN = "-chain"
PASSES = "passes in the replay tool"  # what fails in the fuzzer only
NOT_REPLAYED = "not replayed yet: the next run, or a triage, tells what it is"  # in place of a signature
READ_VERSIONS = (1, 2)  # 1 has no facts, and no input whose signature is not known
ENGINES = {"property-": "RapidCheck", "explorer-": "explorer"}  # of inputs that come without a .json, by their names


def beside(path, suffix):
    return pathlib.Path(f"{path}{suffix}")


def read_object(path, types):
    """The JSON object in a file, or {} if there is no file. A ValueError says why it cannot be used."""
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(getattr(error, "strerror", None) or "is no JSON") from None
    if not isinstance(found, dict) or found.get("version") not in READ_VERSIONS:
        raise ValueError(f"is of another version than {VERSION}")
    for name, kind in types.items():
        if type(found.get(name)) not in (kind if isinstance(kind, tuple) else (kind,)):
            raise ValueError(f"says nothing of use about {name}")
    return found


@dataclasses.dataclass
class Crash:
    path: pathlib.Path
    signature: str = None  # None: not known, or it passed when it was replayed
    target: str = ""
    engine: str = ""
    first_seen: str = ""
    times: int = 1
    facts: Facts = None  # of the last replay; None: not replayed yet

    KINDS = {"signature": (str, type(None)), "target": str, "engine": str, "first_seen": str, "times": int}

    @property
    def size(self):
        try:
            return self.path.stat().st_size
        except OSError:
            return 0

    def save(self):
        values = {name: getattr(self, name) for name in self.KINDS}
        facts = {"facts": self.facts.as_object()} if self.facts else {}
        write_whole(beside(self.path, ".json"), json.dumps({"version": VERSION, **values, **facts}) + "\n")

    def learn(self, facts):
        """Takes the facts of a replay. Returns whether there is anything new to keep."""
        before = (self.signature, self.facts)
        if facts.failed and self.signature is None:
            self.signature = facts.signature
        if facts.outcome == "agreed" and self.facts is None or facts.signature == self.signature and facts.failed:
            self.facts = facts
        return before != (self.signature, self.facts)

    def take_over(self, other):
        """Counts another input of the same defect that is not kept."""
        self.times, self.first_seen, _, _ = met((self, other))


def met(crashes):
    """(how often the inputs of one defect were met, when first, by which engines, in which targets), for people."""
    def joined(words):
        return ", ".join(sorted(set(words) - {""}))
    return (sum(c.times for c in crashes), min(filter(None, (c.first_seen for c in crashes)), default=""),
            joined(c.engine for c in crashes), joined(c.target for c in crashes))


def minimized(path):
    """How a program (operations, before, bytes, seconds, programs, finished) or a chain (inputs, before, bytes,
    seconds, chains, finished) was made small, and the facts of what it became; {} where that is not known."""
    kinds = {"before": int, "bytes": int, "seconds": float, "finished": bool}
    kinds |= dict.fromkeys(("inputs", "chains") if path.name.endswith(CHAIN) else ("operations", "programs"), int)
    try:
        found = read_object(beside(path, ".min.json"), kinds) if beside(path, ".min").exists() else {}
        return found | {"facts": facts_in(found["facts"])} if "facts" in found else found
    except ValueError:
        return {}


def finished(path):
    """Whether nothing smaller is left to try."""
    return minimized(path).get("finished", False)


def _crash_at(path, sentences):
    try:
        found = read_object(beside(path, ".json"), Crash.KINDS)
        if found:
            facts = facts_in(found["facts"]) if "facts" in found else None
            return Crash(path, *(found[name] for name in Crash.KINDS), facts)
    except ValueError as error:
        sentences.append(f"{shown_path(path)}.json {error}; the input is listed without it")
    engine = next((engine for prefix, engine in ENGINES.items() if path.name.startswith(prefix)), "")
    return Crash(path, engine=engine, first_seen=time_text(path.stat().st_mtime))  # the time when it was written


def crashes_in(folder):
    """(the crashes in a folder, sentences about files in it that cannot be used). OSError if the folder cannot be
    read."""
    crashes, sentences = [], []
    found = sorted(folder.iterdir()) if os.path.lexists(folder) else []
    files = {f.name: f for f in found if not f.name.startswith(".")}
    for name, path in files.items():
        if any(letter == "." and name[:i] in files for i, letter in enumerate(name)):
            continue  # made of another one
        if not path.is_file():
            sentences.append(f"{shown_path(path)} is no file")
        elif path.suffix in (".json", ".txt", ".html"):
            sentences.append(f"{shown_path(path)} belongs to no input that is there")
        else:
            try:
                crashes.append(_crash_at(path, sentences))
            except OSError as error:
                sentences.append(f"{shown_path(path)} cannot be read: {error.strerror}")
    return crashes, sentences


def home_of(crashes):
    """Of the inputs of one defect the one that is minimized: that which has a minimized program, or the smallest."""
    return min(crashes, key=lambda c: (not beside(c.path, ".min").exists(), c.size, c.path.name))


def made_of(path):
    """(what, file) for each file that was made of an input."""
    kinds = {"minimized": ".min", "trace": ".min.trace", "test": ".min.cpp", "page": ".min.html"}
    return [(what, beside(path, suffix)) for what, suffix in kinds.items() if beside(path, suffix).exists()]

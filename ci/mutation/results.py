"""The file of what the checks did with each mutant: a line of JSON each, to which every run adds.

A line counts while the sources are those that it was made from: a kill, and that a mutant does not compile, while the
allocator and the operators are the same; that a check let a mutant live, or did not come upon it, while the check is
the same besides. A kill of other sources says no more than which check to ask first."""

from shared import json_lines

KILLED = ("killed", "hung")
ENDS = (*KILLED, "refused", "alone")  # of which no check tells more
PASSES = ("survived", "unreached", "absent")  # what a check says of one that it let live, the strongest first
TEXTS = ("of", "key", "fate", "check", "by", "what")


def is_entry(found):
    """Whether add() has written it. Of what is not, that check is asked again."""
    return isinstance(found, dict) and all(isinstance(found.get(word), str) for word in TEXTS) and \
        found["fate"] in ENDS + PASSES and isinstance(found.get("seconds"), (int, float))


class Results:
    def __init__(self, path, digest):
        self.path, self.digest, self.ended, self.passed = path, digest, {}, {}
        self.killer = {}  # by key: the check that killed a mutant of that name
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "ab"):  # what cannot be written is told before anything is built
            pass
        for entry in filter(is_entry, json_lines.read(path)):
            if entry["fate"] in KILLED:
                self.killer[entry["key"]] = entry["check"]
            if entry["of"] == digest:
                self.take(entry)

    def take(self, entry):
        if entry["fate"] in ENDS:
            self.ended[entry["key"]] = entry
        else:
            self.passed.setdefault(entry["key"], {})[entry["check"], entry["by"]] = entry["fate"]

    def is_open(self, mutant):
        """Whether a check may still tell something."""
        return mutant.key not in self.ended

    def has_passed(self, mutant, check, by):
        """Whether this check, in this state, has let it live or not come upon it."""
        return (check, by) in self.passed.get(mutant.key, ())

    def fate(self, mutant, checks):
        """What became of it, by these checks (name, state): "open" where one of them has not said."""
        if mutant.key in self.ended:
            return self.ended[mutant.key]["fate"]
        said = [self.passed.get(mutant.key, {}).get(check) for check in checks]
        return "open" if None in said else next((fate for fate in PASSES if fate in said), "absent")

    def add(self, mutant, fate, check="", by="", what="", seconds=0.0):
        entry = {"of": self.digest, "key": mutant.key, "operator": mutant.operator, "line": mutant.line, "fate": fate,
                 "check": check, "by": by, "what": what, "seconds": round(seconds, 2)}
        self.take(entry)
        json_lines.append(self.path, entry)

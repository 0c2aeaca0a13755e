"""The file of what became of each mutant: a line of JSON each, to which every run adds.

`fate` is open as long as only some checks have let it live. A line counts while the sources that it was made from are
the same: those of the allocator and of the checks."""

import json
import os


class Results:
    def __init__(self, path, digest):
        self.path, self.digest, self.by_key, self.by_check = path, digest, {}, {}
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            for line in path.read_text().splitlines():
                try:
                    entry = json.loads(line)
                except ValueError:
                    continue  # the last line of a run that was ended
                if entry.get("of") == digest:
                    self.take(entry)

    def take(self, entry):
        if entry["fate"] == "open":
            self.by_check.setdefault(entry["key"], []).append(entry["check"])
        self.by_key[entry["key"]] = entry

    def is_open(self, mutant):
        return self.by_key.get(mutant.key, {"fate": "open"})["fate"] == "open"

    def passed(self, mutant):
        """The checks that have not killed it."""
        return self.by_check.get(mutant.key, ())

    def add(self, mutant, fate, check="", what="", seconds=0.0):
        entry = {"of": self.digest, "key": mutant.key, "operator": mutant.operator, "line": mutant.line, "fate": fate,
                 "check": check, "what": what, "seconds": round(seconds, 2)}
        self.take(entry)
        with open(self.path, "a+b") as file:
            file.seek(-1 if file.tell() else 0, os.SEEK_END)
            begin = b"" if file.read() in (b"", b"\n") else b"\n"  # behind the last line of a run that was ended
            file.write(begin + json.dumps(entry).encode() + b"\n")

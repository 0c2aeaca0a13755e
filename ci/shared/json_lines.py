"""Files to which results are added while a command is at work: a line of JSON each, the last of which may be torn."""

import json
import os


def read(path):
    """What the lines hold, without those that are no JSON; nothing where there is no file."""
    for line in path.read_text(errors="replace").splitlines() if path.exists() else ():
        try:
            yield json.loads(line)
        except ValueError:
            continue  # the last line of a run that was ended


def append(path, entry):
    with open(path, "a+b") as file:
        file.seek(-1 if file.tell() else 0, os.SEEK_END)
        begin = b"" if file.read() in (b"", b"\n") else b"\n"  # behind the last line of a run that was ended
        file.write(begin + json.dumps(entry).encode() + b"\n")

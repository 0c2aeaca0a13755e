"""The replay tool on the cache with planted bugs, as tests ask it: by its facts, not by what it says to people."""

import json
import pathlib
import subprocess
import tempfile

from planted.bugs import environment


class Tool:
    """slab_replay_planted. `bug` is a number of the table, 0 for none; `planted` numbers those that are not in it."""

    def __init__(self, path):
        self.path = path

    def __call__(self, bug, *arguments, **planted):
        others = {f"SLAB_PLANTED_{name.upper()}": str(number) for name, number in planted.items()}
        return subprocess.run([self.path, *map(str, arguments)], env={**environment(bug), **others}, text=True,
                              errors="replace", capture_output=True)

    def answers(self, bug, files, **planted):
        """What one process says of all of them, in their order."""
        return [json.loads(line) for line in self(bug, "--json", *files, **planted).stdout.splitlines()]

    def facts(self, bug, file, **planted):
        return json.loads(self(bug, "--json", file, **planted).stdout)

    def signature(self, bug, file, **planted):
        """Or how the file comes out, where it has none: "agreed"."""
        facts = self.facts(bug, file, **planted)
        return facts["signature"] or facts["outcome"]

    def minimize(self, bug, file, seconds, output, **planted):
        """What --json says of it. An error where nothing was minimized."""
        done = self(bug, "--minimize", "--json", "--budget", seconds, "--output", output, file, **planted)
        if done.returncode != 1:
            raise ValueError(f"{file} was not minimized: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return json.loads(done.stdout)

    def text(self, file):
        """The program of a file."""
        with tempfile.TemporaryDirectory() as folder:
            trace = pathlib.Path(folder) / "trace"
            self(0, "--quiet", "--write-trace", trace, file)
            return trace.read_text()

    def bytes(self, file):
        with tempfile.TemporaryDirectory() as folder:
            written = pathlib.Path(folder) / "bytes"
            self(0, "--quiet", "--write-bytes", written, file)
            return written.read_bytes()

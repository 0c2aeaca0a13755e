"""What ci/bench says on stderr while it runs: redrawn in place on a terminal, now and then elsewhere."""

import os
import sys
import time


class Progress:
    def __init__(self):
        self.redraws = sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self.drawn = False
        self.name, self.done, self.total = "", 0, 0
        self.next = 0

    def _write(self, text):
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except OSError:  # nobody looks, and it is measured all the same
            pass

    def say(self, text):
        """Something that stays."""
        self.end()
        self._write(f"ci/bench: {text}\n")

    def begin(self, name, total):
        self.end()
        self.name, self.done, self.total = name, 0, total
        self.next = 0
        self._show()

    def step(self):
        self.at(self.done + 1)

    def at(self, done):
        self.done = done
        if time.monotonic() >= self.next:
            self._show()

    def end(self):
        if self.drawn:
            self._write("\r\033[K")
            self.drawn = False

    def _show(self):
        self.next = time.monotonic() + (0.5 if self.redraws else 10)
        text = f"ci/bench: {self.name}: {self.done:,} of {self.total:,}"
        self._write(f"\r\033[K{text}" if self.redraws else f"{text}\n")
        self.drawn = self.redraws

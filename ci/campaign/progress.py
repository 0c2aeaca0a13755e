"""What ci/fuzz prints while it runs: redrawn in place on a terminal, a line a target now and then elsewhere."""

import os
import shutil
import sys
import time


class Progress:
    def __init__(self):
        sys.stdout.reconfigure(errors="replace")  # a terminal without “…” is no reason to end
        self.redraws = sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self.gone = ""  # why the output cannot be written any more
        self.drawn = 0
        self.restart()

    def restart(self):
        self.begin = time.monotonic()
        self.next = self.begin + (0 if self.redraws else 10)

    def _write(self, text):
        if self.gone:
            return
        try:
            sys.stdout.write(text)
            sys.stdout.flush()
        except OSError as error:
            self.gone = error.strerror or str(error)
            # Otherwise the interpreter would try again at exit, and change the exit code.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def _erase(self):
        if self.drawn:
            self._write(f"\033[{self.drawn}F\033[J")
            self.drawn = 0

    def say(self, text):
        self._erase()
        self._write(text + "\n")

    def show(self, lines):
        """Draws the state if it is time to; `lines` makes it."""
        now = time.monotonic()
        if now < self.next:
            return
        if self.redraws:
            self.next = now + 0.5
            width = shutil.get_terminal_size().columns - 1
            drawn = [line[:width] for line in lines()]
            self._erase()
            self._write("\n".join(drawn) + "\n")
            self.drawn = len(drawn)
        else:
            # Every 10 seconds at first, later less often, to keep an overnight log short.
            self.next = now + (10 if now < self.begin + 600 else 60)
            self._write("\n".join(lines()) + "\n")

    def code(self, code, command):
        """The exit code if the output could not be written."""
        if not self.gone:
            return code
        print(f"{command}: stopped, as what it says cannot be written: {self.gone}", file=sys.stderr)
        return 1 if code == 1 else 2

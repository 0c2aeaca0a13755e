"""Makes the files of failing inputs in the background, one input at a time."""

import collections
import threading
import time

from campaign.crashes import making
from shared import child_process
from shared.command import CannotWork
from shared.text import shown_path

LAST_SECONDS = 60  # how long a finished run waits for work in progress


class Workshop:
    """
    A thread that makes the files of the inputs handed to it, in order and at a low priority. Leaving it ends the work
    in progress; the files show what is left for the next run.
    """

    def __init__(self, tool):
        self.tool = tool
        self.requests = child_process.Requests()
        self.queue = collections.deque()  # (path, signature); the first is under way
        self.signatures = set()  # of all that were handed over; once is enough
        self.problems = []
        self.thread = None

    def add(self, crash):
        path, signature = crash.path, crash.signature
        if signature in self.signatures or making.is_complete(path):
            return
        if making.can_be_made(path, signature, crash.facts):
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
                making.make(path, signature, self.tool, self.requests)
            except making.FailsNoMore:  # a triage tells
                pass
            except (making.CannotMake, child_process.CannotStart) as error:
                self.problems.append(str(error))
            except OSError as error:
                self.problems.append(f"what is made of {shown_path(path)} cannot be written: {error.strerror}")
            except Exception as error:  # the next one may succeed; and nothing may wait for a dead thread
                self.problems.append(f"nothing could be made of {shown_path(path)}: {error!r}")
            if not self.requests.count:
                self.queue.popleft()

    def finish(self, signals, progress):
        """Waits for the work in progress, for a minute at most and until a signal comes."""
        if not self.queue or signals.count or progress.gone:
            return
        progress.say("the fuzzing is over; what is left: making the crashes small (Ctrl-C leaves that to the next run)")
        progress.restart()
        end = time.monotonic() + LAST_SECONDS
        while self.queue and time.monotonic() < end and not (signals.count or progress.gone):
            progress.show(lambda: [f"at {path.name}" for path in self.paths()])
            time.sleep(0.2)

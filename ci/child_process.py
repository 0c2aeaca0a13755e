"""Running other programs so that a signal to this one ends them, and nothing that they found is lost."""

import os
import signal
import subprocess


class Signals:
    """Counts the requests to end. What is under way looks here; nothing is interrupted in the middle."""

    def __init__(self):
        self.count = 0
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._note)
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # nohup means it
            signal.signal(signal.SIGHUP, self._note)

    def _note(self, *_):
        self.count += 1


def start(command, **options):
    """A child in a session of its own, so that Ctrl-C in the terminal reaches only this program."""
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, **options)


def signal_group(process, number):
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        pass


def kill(process):
    for number, seconds in ((signal.SIGTERM, 3), (signal.SIGKILL, None)):
        signal_group(process, number)
        try:
            process.wait(seconds)
            return
        except subprocess.TimeoutExpired:
            pass


def run(command, signals, seconds=None, **options):
    """(exit code, output if piped). The code is None if the time was up, or a signal came meanwhile."""
    before, waited = signals.count, 0.0
    process = start(command, **options)
    while True:
        try:
            output, _ = process.communicate(timeout=0.1)
            return process.returncode, output
        except subprocess.TimeoutExpired:
            waited += 0.1
        if signals.count > before or (seconds and waited >= seconds):
            kill(process)
            return None, process.communicate()[0]

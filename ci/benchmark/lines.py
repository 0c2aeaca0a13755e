"""Runs a program that prints a line of JSON for each result, and hands on each as it comes."""

import json
import os
import selectors
import subprocess

from shared import child_process
from shared.command import CannotWork


def results_of(command, signals, environment=None):
    """Yields the results. Ends early, and the program with it, when there is a signal."""
    process = child_process.start(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  env={**os.environ, **(environment or {})})
    try:
        yield from _results(process, signals)
        if signals.count:
            return
        code, said = process.wait(), process.stderr.read().decode(errors="replace")
        if code != 0:
            raise CannotWork(f"{os.fspath(command[0])} ended with {code}: {said.strip()[-2000:]}")
    finally:
        child_process.kill(process)
        process.stdout.close()
        process.stderr.close()


def _results(process, signals):
    pending = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while not signals.count:
            if not selector.select(0.2):
                continue
            read = os.read(process.stdout.fileno(), 1 << 16)
            if not read:
                return
            *whole, pending = (pending + read).split(b"\n")
            yield from map(json.loads, whole)

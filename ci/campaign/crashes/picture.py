"""A failing input as ci/fuzz shows it: the program around the failing step, what was expected, and where it failed."""

import re

STEPS_BEFORE, STEPS_AFTER = 10, 1
WIDTH = 160
FRAMES = 4
LINES_OF_TEXT = 8


def picture(facts, trace, data):
    """Lines. `trace` is the program as text, or None; `data` the input."""
    lines = _program(trace, facts) if trace else _input(facts, data)
    if facts.inputs:
        lines = [f"input {facts.failing_input:,} of the {facts.inputs:,} that its process ran fails; alone it passes:",
                 "what fails is outside of its cache (docs/crashes.md)"]
    lines = [f"  | {line[:WIDTH]}" for line in lines]
    lines.append(f"  verdict: {facts.sentence}")
    if facts.expected:
        lines.append(f"  expected: {facts.expected}" + (f" ({facts.invariant})" if facts.invariant else ""))
    if facts.observed:
        lines.append(f"  observed: {facts.observed}")
    lines += [f"  {'in' if i == 0 else 'called by'} {frame}" for i, frame in enumerate(facts.frames[:FRAMES])]
    return lines


def _program(trace, facts):
    setup = [line for line in trace if re.match("(backend|cache|pool|heap) ", line)]
    operations = trace[trace.index(setup[-1]) + 1:] if setup else trace
    step = facts.step if facts.step is not None else len(operations)
    begin, end = max(0, step - STEPS_BEFORE), min(len(operations), step + 1 + STEPS_AFTER)
    shown = [f"{i:6}  {operations[i]}{'   <- here' if i == step else ''}" for i in range(begin, end)]
    if begin:
        shown.insert(0, f"     …  {begin} operations before these")
    if step >= len(operations):
        shown.append("        (everything is freed and the caches destroyed)   <- here")
    elif end < len(operations):
        shown.append(f"     …  {len(operations) - end} operations after these")
    return [*setup, *shown]


def _input(facts, data):
    if facts.input != "text":
        return [facts.geometry] if facts.geometry else []
    lines = data.decode(errors="backslashreplace").splitlines()
    more = len(lines) - LINES_OF_TEXT
    return lines[:LINES_OF_TEXT] + ([f"… {more} lines more"] if more > 0 else [])

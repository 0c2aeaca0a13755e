"""How commands write numbers, times, paths and tables for people."""

import os
import shlex
import time


def number(n):
    for unit, size in (("G", 1e9), ("M", 1e6)):
        if n >= size:
            return f"{n / size:,.1f}{unit}"
    return f"{n:,.0f}"


def counted(count, noun, nouns=None):
    """ "1 file", "2 files" """
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"


def clock(seconds):
    minutes, seconds = divmod(int(seconds + 0.5), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def table(rows):
    """The rows with their columns aligned, the first to the left and all others to the right."""
    cells = [["–" if cell is None else str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells)]
    return ["  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:]))]) for row in cells]


def shown_path(path):
    return shlex.quote(os.path.relpath(path))


def now():
    """The wall clock, for people. Nothing depends on its going forward."""
    return time_text(time.time())


def time_text(seconds):
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))
    except (OverflowError, ValueError, OSError):
        return ""

"""What alloc and free of each cache may take at most: the committed file, and the table of docs/kernel.md."""

import collections
import re

from kernel_code import toolchain
from shared import files
from shared.command import CannotWork
from shared.targets import ROOT
from shared.text import table

# Bytes. Text at the place of a call, text of all functions that it calls, stack; behind_both: the functions that either
# calls, each once.
Figures = collections.namedtuple("Figures", "alloc alloc_behind alloc_stack free free_behind free_stack behind_both")
MEANING = Figures("the text at a call of alloc", "the text behind alloc", "the stack of alloc",
                  "the text at a call of free", "the text behind free", "the stack of free", "the text behind both")
COLUMNS = "alloc behind stack free behind stack both".split()
FILE = ROOT / "ci" / "freestanding_bounds.txt"
SHRUNK = 0.97  # of a bound; what is below is worth a new one
HEAD = """\
# What alloc and free of a cache may take at most, in bytes, with docs/kernel.md's flags and -O2: text at the place of
# a call, text of the functions that it calls, stack; at last the text of the functions that either calls.
# ci/freestanding compares with it, ci/freestanding --update writes it anew.
"""
BEGIN, END = "<!-- written by ci/freestanding --update -->\n", "<!-- end -->\n"
IN_TABLE = ("g++-12", "clang++-19")


def read(file=FILE):
    """{(compiler, cache): Figures}, and the version of each compiler that they were measured with."""
    found, versions, compiler = {}, {}, None
    for number, line in enumerate(file.read_text().splitlines(), 1):
        if m := re.fullmatch(r"(\S+) (\S+):", line):
            compiler, versions[m[1]] = m[1], m[2]
        elif compiler and (m := re.fullmatch(r"(\S[^>]*>) +((?:\d+ *){7})", line)):
            found[compiler, m[1]] = Figures(*map(int, m[2].split()))
        elif line and not line.startswith("#"):
            raise CannotWork(f"{file}:{number}: neither a compiler nor a cache with seven numbers: {line}")
    return found, versions


def written(figures, versions):
    """The text of the file."""
    text = HEAD
    for compiler, version in versions.items():
        rows = [["#", *COLUMNS]]
        rows += [[cache, *taken] for (name, cache), taken in figures.items() if name == compiler]
        text += f"\n{compiler} {version}:\n" + "\n".join(line.rstrip() for line in table(rows)) + "\n"
    return text


def problems_of(figures, versions, bounds, bound_versions):
    """Yields what has grown. `figures` of some compilers: only those are compared."""
    for (compiler, cache), taken in figures.items():
        allowed = bounds.get((compiler, cache))
        if not allowed:
            yield f"{cache} has no bounds with {compiler}: ci/freestanding --update writes them"
            continue
        other = bound_versions[compiler] != versions[compiler]
        than = f" (measured with {bound_versions[compiler]}, this is {versions[compiler]})" if other else ""
        for meaning, now, before in zip(MEANING, taken, allowed):
            if now > before:
                yield f"{cache} with {compiler}: {meaning} has grown from {before:,} to {now:,} bytes{than}"
    for compiler, cache in bounds:
        if compiler in versions and (compiler, cache) not in figures:
            yield f"{cache} has bounds with {compiler} and is not measured: ci/freestanding --update takes them out"


def shrunk(figures, bounds):
    """The caches of which something takes less than SHRUNK of its bound."""
    return sorted({cache for (compiler, cache), taken in figures.items()
                   if any(now < SHRUNK * before for now, before in zip(taken, bounds.get((compiler, cache), taken)))})


def page_table(figures):
    """The table of docs/kernel.md, as text."""
    titles = [f"{name}: {what}" for name in IN_TABLE for what in ("at a call", "behind both", "stack")]
    lines = [f"| | {' | '.join(titles)} |", "| --- |" + " ---: |" * len(titles)]
    for cache in dict.fromkeys(cache for _, cache in figures):
        cells = [f"`{cache}`"]
        for compiler in IN_TABLE:
            one = figures[compiler, cache]
            cells += [f"{one.alloc}, {one.free}", f"{one.behind_both:,}", f"{one.alloc_stack}, {one.free_stack}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def in_page(text, figures):
    """The page's text with the table of these figures."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise CannotWork(f"{toolchain.PAGE} has no place for the table: {BEGIN.strip()} … {END.strip()}")
    return before + begin + page_table(figures) + end + after


def update(figures, versions):
    files.write_whole(FILE, written(figures, versions))
    files.write_whole(toolchain.PAGE, in_page(toolchain.PAGE.read_text(), figures))

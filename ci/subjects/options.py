"""What ci/subject is asked for: one way of working, and which options go with it."""

import argparse
import os
import re
import subprocess
import sys

from shared import command
from shared.command import CannotWork
from subjects import adapters

PROGRAMS, CAMPAIGN_PROGRAMS, MOST_CAMPAIGN_PROGRAMS = 20_000, 1000, 100_000  # random ones
SECONDS = 30  # of libFuzzer, after them
WORLD = ("live", "sizes", "aligns", "memory", "limit")
USAGE = """ci/subject [--programs N] [--seconds S] [--seed N] [--go-on] [--output FOLDER] FILE.cpp
                  [-- FLAG...]
       ci/subject [the same options] --malloc LIBRARY.so
       ci/subject [the same options] --resource CLASS [--include HEADER] [-- FLAG...]
       ci/subject --minutes N | --hours N [--jobs N] [--programs N] [--seed N] [--output FOLDER]
                  FILE.cpp [-- FLAG...], or --malloc, or --resource as above
       ci/subject --triage | --report [--output FOLDER] FILE.cpp [-- FLAG...], or as above
       ci/subject --explore [--live N] [--sizes N,...] [--aligns N,...] [--memory BYTES]
                  [--limit STATES] [--output FOLDER] FILE.cpp [-- FLAG...]
       ci/subject --replay TRACE FILE.cpp [-- FLAG...], or as above
       ci/subject --replay TRACE --as-test [--output OUT.cpp] FILE.cpp [-- FLAG...], or as above
       ci/subject --replay TRACE --html [--output OUT.html] FILE.cpp [-- FLAG...], or as above
       ci/subject --new NAME [--kind KIND]"""

# What an option asks for, and what else goes with that.
SEARCH = ("programs", "seconds", "seed", "go_on", "output")
WAYS = {"new": ("kind",), "explore": (*WORLD, "output"), "replay": ("as_test", "html", "output"),
        "triage": ("output",), "report": ("output",), "minutes": ("jobs", "programs", "seed", "output"),
        "hours": ("jobs", "programs", "seed", "output")}


def _option(name):
    return "--" + name.replace("_", "-")


def _named(text):
    if not text:
        raise argparse.ArgumentTypeError("the name is empty")
    return text


def _number(least, most):
    def parse(text):
        if not re.fullmatch("[0-9]{1,18}", text) or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text} is no whole number from {least} to {most:,}")
        return int(text)
    return parse


def parser(description):
    it = command.parser("ci/subject", description)
    it.usage = USAGE
    add = it.add_argument
    add("file", nargs="?", type=_named, metavar="FILE.cpp", help="the adapter")
    add("flags", nargs="*", metavar="FLAG", help="for the compiler and the linker, after --")
    add("--malloc", type=_named, metavar="LIBRARY.so", help="judge the malloc of this library, without adapter")
    add("--resource", type=_named, metavar="CLASS", help="judge this memory_resource, without adapter")
    add("--include", type=_named, metavar="HEADER", help="where that class is (<memory_resource>)")
    add("--new", type=_named, metavar="NAME", help="write an adapter to begin with, name_subject.cpp")
    add("--kind", choices=adapters.KINDS, help="of what: a pool of objects of one size (pool), a heap, functions in C "
        "(c), or a std::pmr::memory_resource (resource)")
    add("--programs", type=_number(1, 999_999_999), metavar="N",
        help=f"random programs ({PROGRAMS:,}; in a campaign {CAMPAIGN_PROGRAMS:,})")
    add("--seconds", type=_number(0, 999_999), metavar="S", help=f"then libFuzzer for so long ({SECONDS})")
    add("--seed", type=_number(0, 999_999_999), metavar="N", help="of the random programs (0)")
    add("--go-on", action="store_true", help="after the first failure, to find each kind")
    add("--output", type=_named, metavar="FOLDER",
        help="where failures are written (found), or a campaign is kept (in build/subjects)")
    command.add_length(it, "a campaign of that length: it is kept, and the next one goes on with it")
    add("--jobs", type=command.positive(int), metavar="N", help="its processes (as many as processors)")
    add("--triage", action="store_true", help="list what campaigns found, and whether it still fails")
    add("--report", action="store_true", help="write a page of what they have covered and found")
    add("--replay", type=_named, metavar="TRACE", help="run one program, step by step, instead")
    add("--explore", action="store_true", help="every state of small worlds instead")
    for name in WORLD:
        add(_option(name), help=argparse.SUPPRESS)
    add("--as-test", action="store_true",
        help="print it as a GoogleTest case that needs only the adapter, or write that to OUT.cpp")
    add("--html", action="store_true", help="write a page on which to step through it, to OUT.html or TRACE.html: one "
        "file that needs no network")
    return it


def _asked(wanted, name):
    value = getattr(wanted, name)
    return value is not None and value is not False


def _check_way(wanted):
    """One way of working, and nothing that it would ignore."""
    ways = [way for way in WAYS if _asked(wanted, way)]
    if len(ways) > 1:
        raise CannotWork(f"{_option(ways[0])} and {_option(ways[1])} do not go together")
    taken = WAYS[ways[0]] if ways else SEARCH
    for name in dict.fromkeys((*SEARCH, *(name for goes in WAYS.values() for name in goes))):
        if not _asked(wanted, name) or name in taken:
            continue
        if ways:
            raise CannotWork(f"{_option(name)} and {_option(ways[0])} do not go together")
        homes = " or ".join(_option(way) for way, goes in WAYS.items() if name in goes)
        raise CannotWork(f"{_option(name)} goes with {homes}")


def _check_judged(wanted):
    """One thing to judge."""
    if wanted.include and not wanted.resource:
        raise CannotWork("--include goes with --resource")
    if wanted.resource and wanted.file:  # a file of flags comes after --
        wanted.flags.insert(0, wanted.file)
        wanted.file = None
    if wanted.malloc and wanted.resource:
        raise CannotWork("--malloc and --resource are two things to judge")
    if wanted.malloc and (wanted.file or wanted.flags):
        raise CannotWork("--malloc LIBRARY.so takes no adapter, and compiles nothing of yours")
    if wanted.new and (wanted.file or wanted.flags or wanted.malloc or wanted.resource):
        raise CannotWork("--new takes a name and, with --kind, what it is; nothing else")
    if not (wanted.file or wanted.malloc or wanted.resource or wanted.new):
        raise CannotWork("no adapter is named (ci/subject --new NAME writes one to begin with)")


def read(description):
    """The options, each of which means something. `way` is how to work: a key of WAYS, or "search"."""
    wanted = parser(description).parse_args()
    _check_judged(wanted)
    _check_way(wanted)
    wanted.way = next((way for way in WAYS if _asked(wanted, way)), "search")
    if wanted.way in ("minutes", "hours") and (wanted.programs or 0) > MOST_CAMPAIGN_PROGRAMS:
        raise CannotWork(f"a campaign begins with at most {MOST_CAMPAIGN_PROGRAMS:,} random programs")
    if wanted.way == "replay":
        if wanted.as_test and wanted.html:
            raise CannotWork("--as-test and --html do not go together")
        if wanted.output and not (wanted.as_test or wanted.html):
            raise CannotWork("--output: where a program is replayed only --as-test and --html write there")
        if not os.path.isfile(wanted.replay):
            what = "is no file" if os.path.exists(wanted.replay) else "there is no such file"
            raise CannotWork(f"--replay {wanted.replay}: {what}")
    return wanted


def library_named(name):
    """The path of a shared library, or its name where the loader finds it by that."""
    if "/" not in name and not os.path.exists(name):
        if not re.match(r"[\w+.-]+\.so\b", name):
            raise CannotWork(f"--malloc {name}: there is no such file")
        path = name
    elif not os.path.exists(name):
        raise CannotWork(f"--malloc {name}: there is no such file")
    elif not os.path.isfile(name):
        raise CannotWork(f"--malloc {name}: is no file; name a shared library, such as libmalloc.so")
    else:
        with open(name, "rb") as file:
            if file.read(4) != b"\x7fELF":
                raise CannotWork(f"--malloc {name}: is no shared library, which begins otherwise")
        path = os.path.realpath(name)
    # In a process of its own: one that dies of being loaded is told by the harness.
    load = "import ctypes, sys\ntry: ctypes.CDLL(sys.argv[1])\nexcept OSError as error: sys.exit(str(error))"
    loaded = subprocess.run([sys.executable, "-c", load, path], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                            stderr=subprocess.PIPE, text=True, errors="replace", check=False)
    if loaded.returncode == 1:
        raise CannotWork(f"--malloc {name}: the loader does not take it: {loaded.stderr.strip()}")
    return path

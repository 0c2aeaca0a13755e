"""The fuzz targets, as fuzz/targets/table lists them, and where they are built."""

import collections
import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("SLABPROOF_BUILD") or ROOT / "build")  # checked by ci/build
INPUT_SECONDS, INPUT_MEGABYTES = 25, 2560  # what an input may take (.clusterfuzzlite/build.sh)
Kind = collections.namedtuple("Kind", "max_len input")  # the longest input in bytes; program, geometry or text

TARGETS = {}  # by name
for _line in (ROOT / "fuzz/targets/table").read_text().splitlines():
    if not _line.startswith("#"):
        _name, _max_len, _input = _line.split()
        TARGETS[_name] = Kind(int(_max_len), _input)


def input_of(file_name):
    """What a file contains: inputs of the target in its name, or without one a program."""
    return next((kind.input for name, kind in TARGETS.items() if name in file_name), "program")

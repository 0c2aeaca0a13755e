"""The fuzz targets, as fuzz/targets/table lists them, and where they are built."""

import collections
import os
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("SLABPROOF_BUILD") or ROOT / "build")  # checked by ci/build
INPUT_SECONDS, INPUT_MEGABYTES = 25, 2560  # what an input may take (.clusterfuzzlite/build.sh)
Kind = collections.namedtuple("Kind", "max_len input")  # the longest input in bytes; program, geometry, text, or any
TABLE = ROOT / "fuzz/targets/table"
LINE = re.compile(r"SLAB_FUZZ_TARGET\((\w+), (\d+), (program|geometry|text)\)")


def _read():
    targets = {}
    for number, line in enumerate(TABLE.read_text().splitlines(), 1):
        if entry := LINE.fullmatch(line):
            targets[entry[1]] = Kind(int(entry[2]), entry[3])
        elif not line.startswith("//"):
            print(f"{TABLE}:{number}: neither a target nor a comment: {line}", file=sys.stderr)
            raise SystemExit(2)
    return targets


TARGETS = _read()  # by name

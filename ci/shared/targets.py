"""The fuzz targets, as fuzz/targets/table lists them, and where they are built."""

import collections
import os
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("SLABPROOF_BUILD") or ROOT / "build")  # checked by ci/build
INPUT_SECONDS, INPUT_MEGABYTES = 25, 2560  # what an input may take (.clusterfuzzlite/build.sh)
Kind = collections.namedtuple("Kind", "max_len input")  # the longest input in bytes; a word of the table, or any
TABLE = ROOT / "fuzz/targets/table"
LINE = re.compile(r"SLAB_FUZZ_TARGET\((\w+), (\d+), (program|geometry|text|hosted)\)")


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
OF_HOSTED = [name for name, kind in TARGETS.items() if kind.input == "hosted"]  # which libFuzzer alone fuzzes
OF_SLABS = [name for name in TARGETS if name not in OF_HOSTED]


def replay_tool_of(path):
    """The replay tool of a file, by the target in its name or its folder's."""
    path = pathlib.Path(path)
    name = f"{path.parent.name}/{path.name}"
    target = max((target for target in TARGETS if target in name), key=len, default=None)
    return "hosted_replay" if target in OF_HOSTED else "slab_replay"

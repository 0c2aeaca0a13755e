#!/usr/bin/env python3
"""Runs a command, and writes what one of its processes asked malloc for, as a mix that ci/bench replays.

It is the process that asked most often. FILE.mix is how often there was which size with which lifetime, as
bench/mix.hpp reads it; RECORDING, if it is named, the requests themselves in their order (bench/mixes/recorder.cpp).

exit: 0 written, 2 not"""

import argparse
import collections
import pathlib
import shlex
import struct
import subprocess
import sys
import tempfile

COMMON = 1 / 500  # sizes that are so frequent are told one by one


def lifetimes_of(events):
    """
    {size: {bucket: count}} of all requests, and how many reallocs there were, each of which counts as a free and a
    request. `events` are (address freed or 0, address given or 0, size). A lifetime is the number of requests between
    an object's own and its free: of bucket 0 it is 0, of bucket n from 2^(n-1) to 2^n - 1, of None without an end.
    """
    found = collections.defaultdict(collections.Counter)
    live, requests, reallocs = {}, 0, 0

    def end(address):
        if address in live:  # else it is older than the recording
            begin, size = live.pop(address)
            found[size][(requests - begin - 1).bit_length()] += 1
    for freed, given, size in events:
        end(freed)
        if given:
            reallocs += freed != 0
            end(given)
            live[given] = (requests, max(size, 1))
            requests += 1
    for _, size in live.values():
        found[size][None] += 1
    return found, reallocs


def bucket_of(size):
    """Sizes that are told together: eight buckets each time the size doubles."""
    doubling = max(size.bit_length() - 4, 0)
    return doubling, size >> doubling


def joined(found):
    """The same with the rarer sizes of a bucket told as one, which is their mean."""
    total = sum(sum(lifetimes.values()) for lifetimes in found.values())
    rows, rare = {}, collections.defaultdict(dict)
    for size, lifetimes in found.items():
        if sum(lifetimes.values()) >= COMMON * total:
            rows[size] = lifetimes
        else:
            rare[bucket_of(size)][size] = lifetimes
    for members in rare.values():
        counts = {size: sum(lifetimes.values()) for size, lifetimes in members.items()}
        mean = round(sum(size * count for size, count in counts.items()) / sum(counts.values()))
        rows[mean] = sum(members.values(), collections.Counter(rows.get(mean, {})))
    return rows


def text_of(rows, source, reallocs):
    """A .mix file."""
    last = max(bucket for lifetimes in rows.values() for bucket in lifetimes if bucket is not None)
    lines = ["slabproof mix 1", f"# {source}", f"# {reallocs} reallocs, each a free and a request",
             "# size: requests that were never freed, then by lifetime: 0, 1, 2 and 3, 4 to 7, …"]
    for size in sorted(rows):
        counts = [rows[size].get(bucket, 0) for bucket in (None, *range(last + 1))]
        while counts[-1] == 0:
            counts.pop()
        lines.append(f"{size}: {' '.join(map(str, counts))}")
    return "\n".join(lines) + "\n"


def recorded(command, folder):
    """The recording of the process that asked most often."""
    library = folder / "recorder.so"
    source = pathlib.Path(__file__).resolve().with_name("recorder.cpp")
    subprocess.run(["g++", "-std=c++20", "-O2", "-shared", "-fPIC", "-o", library, source], check=True)
    subprocess.run(["env", f"RECORD_MALLOCS={folder}/process", f"LD_PRELOAD={library}", *command], check=True,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return max(folder.glob("process.*"), key=lambda path: path.stat().st_size)


def main():
    parser = argparse.ArgumentParser(prog="bench/mixes/record.py", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", metavar="RECORDING", type=pathlib.Path)
    parser.add_argument("--source", metavar="TEXT", help="what the file says it is made of; the command if left out")
    parser.add_argument("file", metavar="FILE.mix", type=pathlib.Path)
    parser.add_argument("command", metavar="COMMAND", nargs=argparse.REMAINDER)
    chosen = parser.parse_args()
    if not chosen.command:
        parser.error("no command is named")
    try:
        with tempfile.TemporaryDirectory() as folder:
            recording = recorded(chosen.command, pathlib.Path(folder)).read_bytes()
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        print(f"bench/mixes/record.py: nothing was recorded: {error}", file=sys.stderr)
        return 2
    found, reallocs = lifetimes_of(struct.iter_unpack("<QQQ", recording))
    chosen.file.write_text(text_of(joined(found), chosen.source or shlex.join(chosen.command), reallocs))
    if chosen.keep:
        chosen.keep.write_bytes(recording)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The small worlds of <slab/hosted/> of which the tests visit every state, from properties/hosted/hosted.cmake."""

import re

from shared.command import CannotWork
from shared.targets import ROOT

TESTS = ROOT / "properties" / "hosted" / "hosted.cmake"
WORLD = re.compile(r'"\w+;([\d,]+);([\d,]+);(\d+)"')  # name, sizes, alignments, live objects


def all_of_the_tests():
    """The options of hosted_explore for each."""
    worlds = WORLD.findall(TESTS.read_text(encoding="utf-8"))
    if not worlds:
        raise CannotWork(f"{TESTS} has no world of hosted_explore; WORLD in ci/shared/hosted_worlds.py must learn it")
    return [["--sizes", sizes, "--aligns", aligns, "--live", live] for sizes, aligns, live in worlds]

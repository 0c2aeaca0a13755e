"""The named bugs: patches of allocator/ in ci/bugs/, each with a header that says what it is."""

import collections
import os
import re
import shutil
import subprocess

from shared.command import CannotWork
from shared.sources import files_in
from shared.targets import ROOT

FOLDER = ROOT / "ci" / "bugs"
# `fires`: what may be found, ids of docs/invariants.md, "death" or "hang". `world`: the row and the policy in which the
# explorer comes upon it at once, or none. `part`: which subject has it.
Bug = collections.namedtuple("Bug", "name path what seen fires world part has_guards")
WORDS = ("What", "Seen", "Fires", "World", "Part")
ROWS = ("SmallSinglePage", "SmallMultiPage", "Large")
POLICIES = ("Checked", "Unchecked")
GUARDED = ("RedZone", "Pattern", "Quarantine", "ZeroOnAlloc", "ZeroOnFree", "Debug")
# Where a patch that touches such a header is looked for, unless its header names a part; the first that is found.
PARTS = (("hosted", r"allocator/hosted/"), ("locked", r"slab/locked"),
         ("sizes", r"slab/(size_|class_|page_blocks|exact_quotient)"), ("cache", r"allocator/include/slab/"))
INVARIANT = re.compile(r"^\| ([A-Z]\d+) \|", re.MULTILINE)


def known_ids(root=ROOT):
    return set(INVARIANT.findall((root / "docs" / "invariants.md").read_text())) | {"death", "hang"}


def read(path, ids):
    """One patch. Lines of its header go on where they are indented."""
    words, last = {}, None
    head, separator, diff = path.read_text().partition("\n--- ")
    for line in head.splitlines():
        if found := re.fullmatch(r"([A-Z][a-z]+): (.+)", line):
            last = found[1]
            if last not in WORDS or last in words:
                raise CannotWork(f"{path}: {last}: it is one of {', '.join(WORDS)}, each once")
            words[last] = found[2].strip()
        elif last and re.fullmatch(r" +\S.*", line):
            words[last] += " " + line.strip()
        else:
            raise CannotWork(f"{path}: this is no line of a header: {line}")
    for word in ("What", "Seen", "Fires"):
        if word not in words:
            raise CannotWork(f"{path}: the header does not say {word}:")
    files = re.findall(r"^\+\+\+ b/(\S+)", diff, re.MULTILINE)
    if not separator or not files or not all(file.startswith("allocator/") for file in files):
        raise CannotWork(f"{path}: there is no diff of allocator/ behind the header")
    fires = words["Fires"].split()
    if unknown := set(fires) - ids:
        raise CannotWork(f"{path}: Fires: {' '.join(sorted(unknown))}: no invariant of docs/invariants.md, nor death "
                         "or hang")
    world = words["World"].split() if "World" in words else None
    if world and (len(world) != 2 or world[0] not in ROWS or world[1] not in POLICIES + GUARDED):
        raise CannotWork(f"{path}: World: a row and a policy, as Large Checked")
    part = words.get("Part") or next(part for part, pattern in PARTS
                                     if any(re.search(pattern, file) for file in files))
    if part not in ("geometry", *(part for part, _ in PARTS)):
        raise CannotWork(f"{path}: Part: {part}: there is no such part")
    if world and part != "cache":
        raise CannotWork(f"{path}: World: the explorer has caches alone")
    has_guards = any(re.search(r"/(slot_guard|cache_guards|quarantine)\.hpp", file) for file in files)
    if world and (world[1] in GUARDED) != has_guards:
        raise CannotWork(f"{path}: World: a policy with guards is for bugs in what only caches with guards have")
    return Bug(path.stem, path, words["What"], words["Seen"], fires, world, part, has_guards)


def all_bugs():
    ids, folder = known_ids(), FOLDER
    bugs = [read(path, ids) for path in sorted(folder.glob("*.patch"))]
    if not bugs:
        raise CannotWork(f"{folder} has no patches")
    return bugs


def copy_with(bug, to, root=ROOT):
    """allocator/ with the bug in the folder `to`. A patch that does not fit exactly is an error."""
    shutil.rmtree(to, ignore_errors=True)
    for path in files_in(root / "allocator"):
        there = to / "allocator" / path
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_bytes((root / "allocator" / path).read_bytes())
    # Lines may have moved, but what is around them must be what it was. Not as in the repository that `to` may lie in.
    environment = {name: value for name, value in os.environ.items() if name not in ("GIT_DIR", "GIT_WORK_TREE")}
    done = subprocess.run(["git", "apply", bug.path.resolve()], cwd=to, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                          env={**environment, "GIT_CEILING_DIRECTORIES": str(to.resolve().parent)})
    if done.returncode != 0:
        raise CannotWork(f"{bug.name}: the patch does not apply any more:\n{done.stdout.strip()}")

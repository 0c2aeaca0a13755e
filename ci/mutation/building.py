"""Builds the checks on a copy of the checkout with all mutants in it, and finds those that do not compile."""

import concurrent.futures
import hashlib
import itertools
import json
import os
import re
import shlex
import subprocess
import sys

from mutation import schemata
from shared import folder_lock
from shared.command import CannotWork
from shared.sources import files_in
from shared.targets import BUILD, ROOT
from shared.text import counted

FLAGS = "-O1 -g1 -w -Wno-c++11-narrowing"
SAID = re.compile(r"^(\S+?):(\d+):\d+: (error|note|fatal error): ", re.MULTILINE)


def digest_of(root, sources, more="", may_matter=lambda path: True):
    """Of the files below these paths that `may_matter`."""
    digest = hashlib.sha256(more.encode())
    for path in files_in(root):
        if may_matter(path) and any(path.is_relative_to(source) for source in sources):
            digest.update(str(path).encode() + b"\0" + (root / path).read_bytes() + b"\0")
    for source in sources:
        if source.startswith("corpus"):  # which is no source to files_in()
            for path in sorted((root / source).rglob("*")):
                digest.update(str(path).encode() + b"\0" + (path.read_bytes() if path.is_file() else b""))
    return digest.hexdigest()[:16]


class Build:
    def __init__(self, say, part, sanitizer=""):
        self.say, self.part, self.sanitizer = say, part, sanitizer
        self.build = BUILD / f"{part.name}{sanitizer and '-'}{sanitizer}"
        self.tree = self.build / "tree"  # where nobody takes it for sources: beside a CMakeCache.txt
        self.lock = folder_lock.take(self.build, ["ci/mutants", *sys.argv[1:]])

    def copy(self, files):
        """The checkout, except for the sources that are mutated and the corpus."""
        wanted = set()
        for path in files_in(ROOT):
            if str(path) in files or str(path) == "CMakeLists.txt" or path.parts[0] == "build":
                continue
            wanted.add(str(path))
            here, there = ROOT / path, self.tree / path
            if not there.exists() or there.read_bytes() != here.read_bytes():
                there.parent.mkdir(parents=True, exist_ok=True)
                there.write_bytes(here.read_bytes())
                there.chmod(here.stat().st_mode)
        for path in list(files_in(self.tree)):
            if str(path) not in {*wanted, *files, "CMakeLists.txt"} and path.name != "slab_mutant.hpp":
                (self.tree / path).unlink()
        corpus = self.tree / "corpus"
        if not corpus.is_symlink():
            corpus.symlink_to(ROOT / "corpus")

    def configure(self):
        lists = self.tree / "CMakeLists.txt"
        text = (ROOT / "CMakeLists.txt").read_text() + self.part.cmake
        schemata.write_if_new(lists, text)
        self.run(["cmake", "-S", self.tree, "-B", self.build, "-G", "Ninja",
                  f"-DCMAKE_TOOLCHAIN_FILE={self.tree}/ci/newest_clang.cmake", "-DSLAB_HARNESS=ON",
                  f"-DSLAB_SANITIZE={self.sanitizer}",
                  "-DCMAKE_BUILD_TYPE=None", f"-DCMAKE_CXX_FLAGS={FLAGS}", "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON"])

    def run(self, words):
        done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace")
        if done.returncode != 0:
            raise CannotWork(f"{words[0]} fails:\n{done.stdout[-3000:]}")

    def write(self, wanted, size, files):
        """Makes the copy that the checks are built of, with these mutants. `size`: a number above all of theirs."""
        self.copy(files)
        schemata.write(files, wanted, size, self.tree, self.part)
        self.configure()

    def prepare(self, wanted, size, files, digest, instantiating):
        """Those of the mutants that do not compile, by their keys. The others are in the copy that the checks are built
        of. What compiles is found out once for each `digest` of all mutants, in the sources `instantiating` what the
        checks do."""
        known = self.build / "compiled.json"
        try:
            kept = json.loads(known.read_text())
        except (OSError, ValueError):
            kept = {}
        of = [digest, *instantiating]  # what the explorer's sources have compiled, others may refuse
        compiles = kept["compiles"] if kept.get("of") == of else {}
        wanted = [m for m in wanted if m.runs]
        numbers = {m.number: m for m in wanted}
        self.write(wanted, size, files)
        sources = {} if all(m.key in compiles for m in wanted) else self.commands(instantiating)
        jobs = len(os.sched_getaffinity(0))
        while True:
            alive = [m for m in wanted if compiles.get(m.key, True)]
            copies = schemata.write(files, alive, size, self.tree, self.part)
            if not sources:
                break
            with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
                found = dict(zip(sources, pool.map(lambda source: self.refused_by(sources[source], copies, source),
                                                   sources)))
            refused = set().union(*found.values())
            compiles.update((numbers[number].key, False) for number in refused)
            sources = {source: words for source, words in sources.items() if found[source]}
            if not sources:
                compiles.update((m.key, True) for m in alive)
            self.say(f"of {counted(len(wanted), 'mutant')} {len(wanted) - len(alive) + len(refused):,} do not compile")
            known.write_text(json.dumps({"of": of, "compiles": compiles}))
        return {m.key for m in wanted if not compiles[m.key]}

    def commands(self, sources):
        """How the sources are compiled, without their output."""
        found = {}
        for entry in json.loads((self.build / "compile_commands.json").read_text()):
            name = os.path.relpath(entry["file"], self.tree)
            if name in sources and name not in found:
                words = shlex.split(entry["command"])
                words = [word for word in words if not word.endswith("ccache")]
                at = words.index("-o")
                found[name] = words[:at] + words[at + 2:] + ["-fsyntax-only", "-ferror-limit=0"]
        if missing := set(sources) - set(found):
            raise CannotWork(f"CMake compiles no {' and no '.join(sorted(missing))}; mend ci/mutation/building.py")
        return found

    def refused_by(self, words, copies, source):
        done = subprocess.run(words, cwd=self.build, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace")
        if done.returncode == 0:
            return set()
        # An error on no mutant's line is of those that begin behind it, or of the one that asked for what is compiled.
        found, asking = set(), set()
        is_open = False
        for match in SAID.finditer(done.stdout):
            path, line, kind = match[1], int(match[2]), match[3]
            name = os.path.relpath(path, self.tree)
            numbers = copies[name].numbers if name in copies else {}
            if kind != "note":
                here = {numbers[line]} if line in numbers else set()
                if not here:
                    for behind in itertools.takewhile(numbers.__contains__, itertools.count(line + 1)):
                        here.add(numbers[behind])
                found |= here
                is_open = not here
            elif is_open and line in numbers:
                asking.add(numbers[line])
                is_open = False
        found = found or asking
        if not found:
            (self.build / "errors.txt").write_text(done.stdout)
            raise CannotWork(f"{source} does not compile with mutants in it:\n{done.stdout[:2000]}")
        return found

    def program(self, name):
        jobs = len(os.sched_getaffinity(0))
        self.run(["ninja", "-C", self.build, f"-j{jobs}", name])
        return self.build / "bin" / name

    def compiled_in(self, program):
        """The numbers of the mutants that a program has."""
        said = subprocess.run(["nm", program], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=True)
        return {int(number) for number in re.findall(r"slab_mutant5is_onILi(\d+)E", said.stdout)}

"""The compilers that docs/kernel.md promises to work, and the flags that it names."""

import os
import re
import shutil
import subprocess
import tempfile

from shared.command import CannotWork
from shared.targets import ROOT

NAMES = ("g++-12", "clang++-14", "clang++-19")
PAGE = ROOT / "docs" / "kernel.md"
WARNINGS = "-Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Werror".split()


def include_of(root):
    return [f"-I{root}/allocator/include"]


def flags_of(compiler):
    """Those of docs/kernel.md, for g++ or clang by its name."""
    page = PAGE.read_text()
    flags = re.search(r"```\n(-std=c\+\+20 [^`]*)```", page)
    of_clang = re.search(r"for clang also `([^`]*)`", page)
    if not flags or not of_clang:
        raise CannotWork(f"{PAGE.relative_to(ROOT)} does not name its flags any more, or otherwise than before")
    return flags[1].split() + (of_clang[1].split() if "clang" in os.path.basename(compiler) else [])


class Compiler:
    """One that is installed. CannotWork if it cannot compile an empty file."""

    def __init__(self, name, path):
        self.name, self.path, self.flags = name, path, flags_of(name)
        described = self.run(["-E", "-v", "-"], "")
        version = re.search(r"(?:gcc|clang) version (\S+)", described.stderr)
        folders = re.search(r"^#include <\.\.\.> search starts here:\n(.*?)^End", described.stderr, re.M | re.S)
        if described.returncode != 0 or not version or not folders:
            raise CannotWork(f"{name} does not work: {described.stderr.strip() or described.returncode}")
        self.version = version[1]
        self._folders = sorted((os.path.realpath(line.strip()) for line in folders[1].splitlines()), key=len)[::-1]

    def run(self, words, text=None, own_flags=True):
        """A finished process of the compiler, with what it said; `text` is the file named -."""
        flags = self.flags if own_flags else ["-std=c++20"]
        return subprocess.run([self.path, *flags, "-x", "c++", *words], input=text, capture_output=True, text=True,
                              errors="replace")

    def header_name(self, path):
        """As it is included: bits/move.h."""
        path = os.path.realpath(path)
        for folder in self._folders:
            if path.startswith(folder + "/"):
                return path[len(folder) + 1:]
        return path


def compilers(names=NAMES):
    """(those that are installed, the names of those that are not)."""
    paths = {name: shutil.which(name) for name in names}
    return [Compiler(name, path) for name, path in paths.items() if path], [n for n, path in paths.items() if not path]


def compile_to_object(compiler, source, words, root=ROOT):
    """(objdump's account of the object, "") or (None, what the compiler said). `root` has the headers."""
    with tempfile.TemporaryDirectory() as folder:
        made = f"{folder}/object.o"
        done = compiler.run([*WARNINGS, *words, *include_of(root), f"-I{root}", "-c", str(source), "-o", made])
        if done.returncode != 0:
            return None, done.stderr
        return disassemble([made]), ""


def disassemble(files):
    """What objdump says of object files: sections, symbols, code with relocations."""
    objdump = shutil.which("objdump")
    if not objdump:
        raise CannotWork("objdump is not installed: ci/setup installs it")
    done = subprocess.run([objdump, "-h", "-t", "-d", "-r", "--no-show-raw-insn", "-w", *map(str, files)],
                          capture_output=True, text=True, errors="replace")
    if done.returncode != 0 or done.stderr:
        raise CannotWork(f"objdump cannot read {' '.join(map(str, files))}: {done.stderr.strip() or done.returncode}")
    return done.stdout

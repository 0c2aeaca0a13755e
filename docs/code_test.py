#!/usr/bin/env python3
"""Compiles every C++ block of the pages, with g++ and the newest clang.

Each is compiled after #include <slab/slab.hpp>, alone or inside the file that a comment on the line above names,
<!-- in docs/code/NAME.cpp -->, which includes the block. What includes <slab/hosted/> or <slabproof/> is compiled for
an operating system. Everything else is compiled with the flags of docs/kernel.md; it may ask the linker for the four
functions that every compiler asks for and for nothing else, and may run nothing before or after main."""

import concurrent.futures
import glob
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "ci"))
from kernel_code import objects, toolchain

PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
IN = re.compile(r"<!-- in (docs/code/\w+\.cpp) -->")
FLAGS = ["-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wno-unused", f"-I{ROOT}/allocator/include",
         f"-I{ROOT}", "-I."]


class Block:
    def __init__(self, page, line, language, context, text):
        self.page, self.line = page.relative_to(ROOT), line
        self.name = f"{self.page}:{line}"
        self.language, self.context, self.text = language, context, text

    def is_unmarked_code(self):
        """A transcript, which begins with a command, may show code that a command prints."""
        if self.language != "" or self.text.startswith("$ "):
            return False
        return re.search(r"^#include|[;{]$", self.text, re.M)


def blocks_of(page):
    lines = page.read_text().splitlines()
    starts = iter([i for i, line in enumerate(lines) if line.lstrip().startswith("```")])
    for start in starts:
        end = next(starts)
        context = IN.fullmatch(lines[start - 1]) if start else None
        text = "\n".join(lines[start + 1:end]) + "\n"
        yield Block(page, start + 1, lines[start].strip()[3:], context and ROOT / context[1], text)


def problems_of(block, compiler):
    with tempfile.TemporaryDirectory() as folder:
        page = pathlib.Path(folder, "docs", "page.hpp")
        page.parent.mkdir()
        page.write_text(f'#line {block.line + 1} "{block.page}"\n{block.text}')
        source = pathlib.Path(folder, "block.cpp")
        source.write_text(f'#include <slab/slab.hpp>\n#include "{block.context or "docs/page.hpp"}"\n')
        hosted = "<slab/hosted/" in block.text or "<slabproof/" in block.text
        flags = [f"-I{ROOT}/allocator/hosted", f"-I{ROOT}/model/include"] if hosted else toolchain.flags_of(compiler)
        built = subprocess.run([compiler, *FLAGS, *flags, "-O1", "-c", source, "-o", "block.o"], cwd=folder,
                               stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if built.returncode != 0:
            return [f"{block.name} does not compile with {pathlib.Path(compiler).name}:\n{built.stderr}"]
        if hosted:
            return []
        made = objects.Object(toolchain.disassemble([f"{folder}/block.o"]))
        return [f"{block.name} {what} with {pathlib.Path(compiler).name}" for what in objects.problems(made)]


def compilers_found():
    """g++ and the newest clang, as far as they are installed."""
    clangs = sorted(glob.glob("/usr/bin/clang++-[0-9]*"), key=lambda path: int(path.rpartition("-")[2]))
    return [compiler for compiler in [shutil.which("g++"), *clangs[-1:]] if compiler]


def main():
    compilers = compilers_found()
    blocks = [block for page in PAGES for block in blocks_of(page)]
    problems = [f"{block.name} is C++ and not marked as such: nothing would compile it"
                for block in blocks if block.is_unmarked_code()]
    code = [block for block in blocks if block.language == "cpp"]
    unused = set((ROOT / "docs" / "code").glob("*.cpp")) - {block.context for block in code}
    problems += [f"{path.relative_to(ROOT)} belongs to no block" for path in sorted(unused)]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        work = [(block, compiler) for block in code for compiler in compilers]
        for found in pool.map(problems_of, *zip(*work)):
            problems += found
    if not code or not compilers:
        problems.append("nothing was compiled")
    print("\n".join(problems) or f"{len(code)} blocks, each compiled by {len(compilers)} compilers; nothing wrong")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Compiles every C++ block of the pages, with g++ and the newest clang.

Each stands behind #include <slab/slab.hpp>, alone or inside the file that a comment on the line above names:
<!-- in docs/code/NAME.cpp -->; there it is docs/page.hpp. What includes <slab/hosted/> is compiled for an
operating system, everything else with the flags of docs/kernel.md: it may ask the linker for the four functions that
every compiler asks for, and run nothing before or after main."""

import concurrent.futures
import glob
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
IN = re.compile(r"<!-- in (docs/code/\w+\.cpp) -->")
WARNINGS = ["-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wno-unused", f"-I{ROOT}/allocator/include", "-I."]
ALLOWED = {"memcpy", "memmove", "memset", "memcmp"}


class Block:
    def __init__(self, page, line, language, context, text):
        self.page, self.line = page.relative_to(ROOT), line
        self.name = f"{self.page}:{line}"
        self.language, self.context, self.text = language, context, text

    def is_unmarked_code(self):
        """A transcript, which begins with a command, may show code that a command prints."""
        return self.language == "" and not self.text.startswith("$ ") and re.search(r"^#include|[;{]$", self.text, re.M)


def blocks_of(page):
    lines = page.read_text().splitlines()
    starts = iter([i for i, line in enumerate(lines) if line.lstrip().startswith("```")])
    for start in starts:
        end = next(starts)
        context = IN.fullmatch(lines[start - 1]) if start else None
        yield Block(page, start + 1, lines[start].strip()[3:], context and ROOT / context[1], "\n".join(lines[start + 1:end]) + "\n")


def kernel_flags(compiler):
    """As docs/kernel.md names them."""
    page = (ROOT / "docs" / "kernel.md").read_text()
    flags = re.search(r"```\n(-std=c\+\+20 [^`]*)```", page)[1].split()
    return flags + (re.search(r"for clang also `([^`]*)`", page)[1].split() if "clang" in compiler else [])


def problems_of(block, compiler):
    with tempfile.TemporaryDirectory() as folder:
        page = pathlib.Path(folder, "docs", "page.hpp")
        page.parent.mkdir()
        page.write_text(f'#line {block.line + 1} "{block.page}"\n{block.text}')
        source = pathlib.Path(folder, "block.cpp")
        source.write_text(f'#include <slab/slab.hpp>\n#include "{block.context or "docs/page.hpp"}"\n')
        hosted = "<slab/hosted/" in block.text
        flags = [f"-I{ROOT}/allocator/hosted"] if hosted else kernel_flags(compiler)
        built = subprocess.run([compiler, *WARNINGS, *flags, "-O1", "-c", source, "-o", "block.o"], cwd=folder, stdin=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True)
        if built.returncode != 0:
            return [f"{block.name} does not compile with {pathlib.Path(compiler).name}:\n{built.stderr}"]
        if hosted:
            return []
        looks = {tool: subprocess.run([*tool.split(), "block.o"], cwd=folder, stdout=subprocess.PIPE, text=True, check=True).stdout
                 for tool in ("nm -u --format=posix", "objdump -h")}
        undefined = {line.split()[0] for line in looks["nm -u --format=posix"].splitlines()} - ALLOWED
        found = [f"asks the linker for {name}" for name in sorted(undefined)]
        found += [f"has a {name}" for name in sorted(set(re.findall(r"\.(?:init|fini)_array|\.[cd]tors", looks["objdump -h"])))]
        return [f"{block.name} {what} with {pathlib.Path(compiler).name}" for what in found]


def main():
    compilers = [c for c in [shutil.which("g++"), *sorted(glob.glob("/usr/bin/clang++-[0-9]*"), key=lambda p: int(p.rpartition("-")[2]))[-1:]] if c]
    blocks = [block for page in PAGES for block in blocks_of(page)]
    problems = [f"{block.name} is C++ and is not marked as such: it would be compiled by nobody" for block in blocks if block.is_unmarked_code()]
    code = [block for block in blocks if block.language == "cpp"]
    unused = set((ROOT / "docs" / "code").glob("*")) - {block.context for block in code}
    problems += [f"{path.relative_to(ROOT)} belongs to no block" for path in sorted(unused)]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for found in pool.map(lambda work: problems_of(*work), [(block, compiler) for block in code for compiler in compilers]):
            problems += found
    if not code or not compilers:
        problems.append("nothing was compiled")
    print("\n".join(problems) or f"{len(code)} blocks, each compiled by {len(compilers)} compilers; nothing wrong")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

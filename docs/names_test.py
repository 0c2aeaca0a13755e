#!/usr/bin/env python3
"""Every file, folder, heading and function that a page or a comment names exists.

A word in capitals, as in docs/code/NAME.cpp, stands for any name. Blocks of code in pages are not read."""

import functools
import os
import pathlib
import re
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = "allocator bench ci corpus docs examples fuzz model properties .github .ci .clusterfuzzlite".split()
CODE = {".hpp", ".cpp", ".py", ".cmake", ".sh", ".html", ".yml", "CMakeLists.txt"}
PATH = re.compile(rf"(?<![\w./<*…-])((?:{'|'.join(map(re.escape, FOLDERS))})/[\w./*+-]*[\w/*])")
HEADER = re.compile(r"<(slab/[\w/]*(?:\.hpp)?)>")
FILE = re.compile(r"(?<![\w/.*…-])([a-z][\w-]*\.(?:cpp|hpp|py|md|cmake))\b")
FUNCTION = re.compile(r"(\w+)\(\)")
LINK = re.compile(r"\]\((?!\w+:)([^)\s]*)\)")


@functools.cache
def files(root):
    """Every file below `root` that is part of the project, as its path there."""
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [f for f in folders if f not in (".git", "build", "fuzz-out", "__pycache__")
                      and not os.path.exists(f"{folder}/{f}/CMakeCache.txt")]
        found += [os.path.relpath(f"{folder}/{name}", root) for name in names]
    return sorted(found)


@functools.cache
def file_names(root):
    return {pathlib.PurePath(path).name for path in files(root)}


@functools.cache
def is_there(root, path):
    """A placeholder in capitals is one part of a name; a name may leave out what follows its last dot."""
    pattern = re.sub(r"(?<![A-Za-z])[A-Z]{3,}(?![A-Za-z])", "*", path) if not (root / path).exists() else path
    return any(root.glob(pattern.rstrip("/"))) or any(root.glob(pattern + ".*"))


def headings(page):
    """The anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ +(.*)$", re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@functools.cache
def functions(root):
    """Every name that the code, without its comments, has before a parenthesis."""
    found = set()
    for path in files(root):
        if is_code(path):
            text = (root / path).read_text(errors="replace")
            found.update(re.findall(r"\b(\w+)\(", re.sub(r"//.*|(?<!\S)# .*|\"\"\".*?\"\"\"", "", text)))
    return found


def problems_of_words(root, line):
    for path in PATH.findall(line):
        if not is_there(root, path):
            yield f"there is no {path}"
    for path in HEADER.findall(line):
        if not any((root / f"allocator/{part}" / path).exists() for part in ("include", "hosted")):
            yield f"there is no <{path}>"
    for name in FILE.findall(line):
        if name not in file_names(root):
            yield f"no file is named {name}"
    for name in FUNCTION.findall(line):
        if name not in functions(root):
            yield f"there is no function {name}()"


def problems_of_links(page, line):
    for link in LINK.findall(line):
        target, _, heading = link.partition("#")
        to = page.parent / target if target else page
        if not to.exists():
            yield f"a link to {target}, which is not there"
        elif heading and heading not in headings(to):
            yield f"a link to #{heading}, which is no heading of {to.name}"


def problems_of_page(root, page):
    text = re.sub(r"^```.*?^```$", lambda block: "\n" * block[0].count("\n"), page.read_text(), flags=re.M | re.S)
    for number, line in enumerate(text.splitlines(), 1):
        for what in (*problems_of_words(root, LINK.sub("", line)), *problems_of_links(page, line)):
            yield number, what


def is_code(path):
    return pathlib.PurePath(path).suffix in CODE or pathlib.PurePath(path).name in CODE or path.startswith("ci/")


def comments(path, text):
    """(line number, comment) of the code; of Python also the lines of strings in three quotes."""
    mark = r"//+(.*)" if path.endswith((".hpp", ".cpp", ".html")) else r"(?:^|\s)#\s(.*)"
    quoted = False
    for number, line in enumerate(text.splitlines(), 1):
        quotes = line.count('"""') % 2 if not path.endswith((".hpp", ".cpp", ".html")) else 0
        if quoted or quotes:
            yield number, line
        elif found := re.search(mark, line):
            yield number, found[1]
        quoted ^= bool(quotes)


def problems_of_code(root, path):
    for number, comment in comments(path, (root / path).read_text(errors="replace")):
        for what in problems_of_words(root, comment):
            yield number, what


def check(root):
    problems, pages, sources = [], 0, 0
    for path in files(root):
        if path.endswith(".md"):
            pages += 1
            problems += [f"{path}:{line}: {what}" for line, what in problems_of_page(root, root / path)]
        elif path != "docs/names_test.py" and is_code(path):
            sources += 1
            problems += [f"{path}:{line}: {what}" for line, what in problems_of_code(root, path)]
    if not pages or not sources:
        problems.append("nothing was read")
    return problems, f"{pages} pages, {sources} files of code"


# A file, and what must be said of it; nothing where all that it names is there.
PLANTED = {
    "model/judge/runner.cpp": ("// See docs/right.md.\n// model/judge/gone.hpp has it.\nvoid step() {}  // gone() is\n",
                               [":2: there is no model/judge/gone.hpp", ":3: there is no function gone()"]),
    "ci/tool": ('"""Reads\ndocs/gone.md\n"""\nuse(1)  # of gone.py\n',
                [":2: there is no docs/gone.md", ":4: no file is named gone.py"]),
    "allocator/include/slab/slab.hpp": ("", []),
    "docs/right.md": ("# It is right\n`model/judge/runner.cpp` `runner.cpp` `step()` <slab/slab.hpp> `ci/TOOL`\n"
                      "[here](#it-is-right) [there](../model/judge/runner.cpp)\n```\nmodel/gone.cpp\n```\n",
                      []),
    "docs/wrong.md": ("`model/gone.cpp`\n`gone.cpp`\nas gone() does\n<slab/gone.hpp>\n[a](gone.md)\n"
                      "[b](right.md#gone)\n`docs/code/NAME.cpp`\n",
                      [":1: there is no model/gone.cpp", ":2: no file is named gone.cpp",
                       ":3: there is no function gone()", ":4: there is no <slab/gone.hpp>",
                       ":5: a link to gone.md, which is not there",
                       ":6: a link to #gone, which is no heading of right.md", ":7: there is no docs/code/NAME.cpp"]),
}


def self_test():
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for path, (text, _) in PLANTED.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        found = set(check(root)[0])
    expected = {path + what for path, (_, said) in PLANTED.items() for what in said}
    return ([f"not found: {what}" for what in sorted(expected - found)]
            + [f"found where nothing is wrong: {what}" for what in sorted(found - expected)])


def main():
    problems, read = check(ROOT)
    problems = self_test() + problems
    print("\n".join(problems) or f"{read}: what they name is there")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

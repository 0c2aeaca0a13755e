"""The syntax trees of the sources that are mutated, by libclang."""

import bisect
import sys

from shared.command import CannotWork


def load_libclang():
    """Debian's module, which another Python does not see."""
    try:
        import clang.cindex as cindex
    except ImportError:
        sys.path.append("/usr/lib/python3/dist-packages")
        try:
            import clang.cindex as cindex
        except ImportError as error:
            raise CannotWork("python3-clang-19 is missing; ci/setup --mutants installs it") from error
    if not hasattr(cindex, "BinaryOperator"):
        raise CannotWork("the clang module of this Python is older than 19; ci/setup --mutants installs that")
    return cindex


class File:
    """Bytes of a source and its tokens, by their offsets."""

    def __init__(self, path, text, tokens):
        self.path, self.text, self.tokens = path, text, tokens  # tokens: (start, end), without comments
        self.starts = [start for start, _ in tokens]

    def slice(self, start, end):
        return self.text[start:end].decode()

    def between(self, start, end):
        """The tokens that begin there: (start, end, text)."""
        at = bisect.bisect_left(self.starts, start)
        while at < len(self.tokens) and self.tokens[at][0] < end:
            begin, stop = self.tokens[at]
            yield begin, stop, self.slice(begin, stop)
            at += 1

    def after(self, offset):
        """The token that begins there or behind it."""
        return next(iter(self.between(offset, len(self.text))), (len(self.text), len(self.text), ""))

    def before(self, offset):
        at = bisect.bisect_left(self.starts, offset) - 1
        return self.slice(*self.tokens[at]) if at >= 0 else ""

    def closing(self, opening):
        """The offset of what closes the bracket at `opening`."""
        depth = 0
        for start, _, text in self.between(opening, len(self.text)):
            depth += (text in "([{") - (text in ")]}")
            if depth == 0:
                return start
        raise CannotWork(f"{self.path}: a bracket at {opening} is not closed")

    def line_of(self, offset):
        return self.text.count(b"\n", 0, offset) + 1


def parse(root, part):
    """The module clang.cindex, the cursors at the top level of the part's sources, and their files by path. They are
    read as one: no two of them may give a name to two things."""
    cindex = load_libclang()
    source = "".join(f"#include <{unit}>\n" for unit in part.units(root))
    flags = ["-std=c++20", *(f"-I{root / folder}" for folder in part.included)]
    unit = cindex.Index.create().parse("all.cpp", args=flags, unsaved_files=[("all.cpp", source)])
    errors = [str(found) for found in unit.diagnostics if found.severity >= cindex.Diagnostic.Error]
    if errors:
        raise CannotWork(f"the {part.title} does not compile: {errors[0]}")
    files, cursors = {}, []
    for included in unit.get_includes():
        path = included.include.name
        if path not in files and part.has(path.removeprefix(f"{root}/")):
            files[path] = _read(cindex, unit, included.include)
    for cursor in unit.cursor.get_children():
        if cursor.location.file and cursor.location.file.name in files:
            cursors.append(cursor)
    return cindex, cursors, files


def _read(cindex, unit, file):
    with open(file.name, "rb") as opened:
        text = opened.read()
    whole = cindex.SourceRange.from_locations(cindex.SourceLocation.from_offset(unit, file, 0),
                                              cindex.SourceLocation.from_offset(unit, file, len(text)))
    tokens = [(token.extent.start.offset, token.extent.end.offset) for token in unit.get_tokens(extent=whole)
              if token.kind != cindex.TokenKind.COMMENT]
    return File(file.name, text, tokens)

"""The headers of the allocator, as the exceptions name what is in them."""

import glob
import os
import re

from reach.exceptions import FUNCTIONS, LINES, Exceptions, refuse

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HEADER = re.compile(r".*/allocator/(?:include|hosted)/(slab/.*)")


def header_of(path):
    """The name that it is included by; none for what is no header of the allocator."""
    found = HEADER.fullmatch(path)
    return found[1] if found else None


class Sources:
    """The headers, without comments."""

    def __init__(self):
        self.files, self.files_as_they_are = {}, {}
        for path in sorted(glob.glob(os.path.join(ROOT, "allocator", "*", "slab", "**", "*.hpp"), recursive=True)):
            with open(path, encoding="utf-8") as source:
                lines = source.read().splitlines()
            self.files_as_they_are[header_of(path)] = lines
            self.files[header_of(path)] = [re.sub(r"\s*//.*", "", text).strip() for text in lines]

    def statement(self, file, line):
        """The file, and what is written on the line and on those around it that belong to the same statement."""
        lines, first, last = self.files[file], line - 1, line - 1
        while first > 0 and re.search(r"[^;:{}]$", lines[first - 1]) and not lines[first - 1].startswith("#"):
            first -= 1
        while last + 1 < len(lines) and re.search(r"[^;{}]$", lines[last]):
            last += 1
        return f"{file}: {' '.join(lines[first:last + 1])}"

    def text(self, file, l1, c1, l2, c2):
        """What is written there, on one line."""
        lines = self.files_as_they_are[file][l1 - 1:l2]
        lines[-1] = lines[-1][:c2 - 1]
        lines[0] = lines[0][c1 - 1:]
        return " ".join(line.strip() for line in lines)

    def refuse_what_names_nothing(self):
        statements = [self.statement(file, number) for file, lines in self.files.items()
                      for number in range(1, len(lines) + 1)]


        def names(text, statement):
            condition = None if isinstance(text, str) else text[1]
            return Exceptions.matches(text, statement, condition) and (condition or "") in statement
        functions = {name for statement in statements for name in re.findall(r"([\w=]+)\(", statement)}
        refuse("name nothing in the headers",
               FUNCTIONS.without(lambda text: re.search(r"(\w+)\(<\.\*>\)\?\\\($", text)[1] in functions)
               + LINES.without(lambda text: any(names(text, statement) for statement in statements)))

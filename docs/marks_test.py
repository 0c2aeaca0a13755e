#!/usr/bin/env python3
"""docs/smp.md has marks for every public function of the classes below, in an interrupt, with a lock and in an NMI, and
for no other."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = "docs/smp.md"
# heading of the page → the classes that have its functions
CLASSES = {
    "Cache, DynamicCache": [("cache_core.hpp", "CacheCore"), ("cache_slabs.hpp", "CacheSlabs"),
                            ("cache_state.hpp", "CacheState"), ("cache.hpp", "UndestroyedCache"),
                            ("cache.hpp", "UndestroyedDynamicCache"),
                            ("cache.hpp", "Cache"), ("cache.hpp", "DynamicCache")],
    "Immortal": [("cache.hpp", "Immortal")],
    "Locked": [("locked.hpp", "LockedCache"), ("locked.hpp", "Locked")],
    "SizeClasses": [("size_classes.hpp", "UndestroyedSizeClasses"), ("size_classes.hpp", "SizeClasses")],
}
FUNCTION = re.compile(r"^  (?! )(?:\[\[[^\]]*\]\] ?)*[\w:<>*& ]*?(operator(?!=)[^ (]+|\b[a-z]\w*)\(", re.M)
USED = re.compile(r"^  using \w+::(\w+);", re.M)
MARK = re.compile(r"^\| ([^|]*) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|", re.M)


def functions_of(text, name):
    """The public ones of a class that is defined in `text`; None if none is."""
    found = re.search(rf"^(?:class|struct) {name}\b[^;{{]*{{\n(.*?)^}};", text, re.M | re.S)
    if not found:
        return None
    parts = re.split(r"^ (public|private|protected):\n", found[1], flags=re.M)
    public = "".join(body for access, body in zip(parts[1::2], parts[2::2]) if access == "public")
    public = re.sub(r"^ *///.*\n", "", public, flags=re.M)
    names = set(FUNCTION.findall(public)) | {n for n in USED.findall(public) if n[0].islower()}
    return names - {"noexcept", "requires", "static_assert"}


def problems_of(read):
    """Yields a sentence for each disagreement; `read` gives the text of a file."""
    sections = dict(re.findall(r"^### ([^\n]*)\n(.*?)(?=^##|\Z)", read(PAGE), re.M | re.S))
    for heading, classes in CLASSES.items():
        functions = set()
        for header, name in classes:
            found = functions_of(read(f"allocator/include/slab/{header}"), name)
            if found is None:
                yield f"{header} has no class {name}"
            functions |= found or set()
        if not functions:
            yield f"{heading}: no function was found"
        marked = set()
        for cell, *marks in MARK.findall(sections.get(heading, "")):
            names = re.findall(r"`([^`]+)`", cell.split(":")[0])
            marked |= set(names)
            if names and marks[2].strip() != "never":
                yield f"{PAGE}, {heading}: {', '.join(names)}: NMI is {marks[2]}"
        yield from (f"{PAGE}, {heading}: no mark for {name}" for name in sorted(functions - marked))
        yield from (f"{PAGE}, {heading}: there is no {name}" for name in sorted(marked - functions))


# What is wrong with a small page and headers.
PLANTED = {PAGE: "### Cache, DynamicCache\n\n| | i | l | n |\n| --- | --- | --- | --- |\n"
                 "| `alloc`, `gone` | yes | yes | never |\n| `free`: is safe | yes | yes | yes |\n### Locked\n"}
PLANTED_HEADER = ("class CacheCore {\n public:\n  /// Not hidden().\n  [[nodiscard]] void* alloc() noexcept\n"
                  "    requires(true)\n  {\n    return f(1);\n  }\n  void free(void* object) noexcept { g(object); }\n"
                  "  using Slabs::shrink;\n protected:\n  void hidden() {}\n};\nclass Locked : X<int> {\n public:\n"
                  "  template <class F>\n  void visit(F f) const;\n};\n")
EXPECTED = {f"{PAGE}, Cache, DynamicCache: no mark for shrink", f"{PAGE}, Cache, DynamicCache: there is no gone",
            f"{PAGE}, Cache, DynamicCache: free: NMI is yes", f"{PAGE}, Locked: no mark for visit",
            "cache.hpp has no class Immortal", "Immortal: no function was found"}


def main():
    found = set(problems_of(lambda path: PLANTED.get(path, PLANTED_HEADER)))
    problems = [f"not found: {p}" for p in sorted(EXPECTED - found)]
    problems += [f"found where nothing is wrong: {p}" for p in sorted(found - EXPECTED) if "has no class" not in p
                 and "no function was found" not in p]
    problems += problems_of(lambda path: (ROOT / path).read_text())
    print("\n".join(problems) or "every public function has its marks")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

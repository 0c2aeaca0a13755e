"""Classes whose abilities (model/subject/abilities.hpp) are wrong, each in one way, and what the compiler has to say of
it: for build_test.py."""

import re

INCLUDE = ("#include <array>\n#include <slabproof/subject.hpp>\n"
           "constexpr bool slabproof_is_wrong(std::size_t, std::size_t, std::size_t) { return true; }\n")
CONSTRUCTOR = {"memory": "explicit NAME(slabproof::Memory);", "nothing": "NAME();"}
FUNCTIONS = {
    "alloc": "void* alloc();",
    "allocate": "void* allocate(std::size_t, std::size_t);",
    "free": "void free(void*);",
    "free_of_size": "void free(void*, std::size_t);",
    "allocate_zeroed": "void* allocate_zeroed(std::size_t, std::size_t);",
    "reallocate": "void* reallocate(void*, std::size_t);",
    "usable_size": "std::size_t usable_size(const void*);",
    "refuse_memory": "void refuse_memory(bool);",
    "live_objects": "std::size_t live_objects() const;",
    "owns": "bool owns(const void*) const;",
    "reset": "void reset();",
    "audit": "slabproof::Invariant audit() const;",
    "globals": "static std::array<std::span<std::byte>, 1> globals();",
    "misuses": "std::size_t misuses() const;",
}
BY = "slabproof::DetectedMisuse::By::"


def lacks(claim, function, sentence):
    return claim, sentence, {function: ""}


def has_other(claim, function, other, sentence):
    return claim, sentence, {function: other}


# What is claimed, the words of the sentence, and in which functions the class is not as FUNCTIONS says.
ROWS = (
    # What contradicts itself.
    (".instances = 0", "`instances` is 1 or 2", {}),
    (".accepts = {.least = 0}", "`accepts` is wrong: 1 <= least", {}),
    (".layout = true", "`layout` is for slab caches", {}),
    *((f".{claim} = true", "judged by slabs, and only a slab cache has them", {}) for claim in (
        "no_grow", "reserve", "shrink", "statistics", "follows_policy", "detects_misuse", "has_guards", "poisons",
        "inspectable")),
    *((f".{claim} = true", "need `sizes`: objects of any size", {}) for claim in (
        "zeroed", "resizes", "usable_size", "sized_free")),
    (".takes_memory = true, .memory = (std::size_t{1} << 30) + 1", "`memory` is at most 1 GiB", {}),
    (".memory = 100", "`memory` needs `takes_memory`", {}),
    (".keeps_memory = true", "`keeps_memory` needs `takes_memory`", {}),
    (".takes_memory = true, .refuses_memory = true", "`takes_memory` is refused memory already", {}),
    (".sizes = true, .resizes_null = true", "need `resizes`", {}),
    (".sizes = true, .resizes_to_zero = true", "need `resizes`", {}),
    (".may_fail_to_construct = true", "`may_fail_to_construct` needs `takes_memory`", {}),
    (".detects = {.double_free = true}", "`detects` says by what, and which", {}),
    (f".detects = {{.by = {BY}Report}}", "`detects` says by what, and which", {}),
    (f".sizes = true, .detects = {{.by = {BY}Report, .wrong_size = &slabproof_is_wrong}}", "needs `sized_free`", {}),
    (f".instances = 1, .detects = {{.by = {BY}Abort, .foreign = true}}", "so it may not live in globals", {}),
    # What is missing.
    lacks("", "alloc", "a pool has void* alloc(); a heap claims `sizes`"),
    lacks("", "free", "there is no void free(void* object)"),
    lacks(".sizes = true", "allocate", "`sizes` is claimed, and there is no void* allocate("),
    lacks(".sizes = true, .sized_free = true", "free_of_size", "`sized_free` is claimed, and there is no void free("),
    lacks(".sizes = true, .zeroed = true", "allocate_zeroed", "`zeroed` is claimed, and there is no void* allocate_ze"),
    lacks(".sizes = true, .resizes = true", "reallocate", "`resizes` is claimed, and there is no void* reallocate("),
    lacks(".sizes = true, .usable_size = true", "usable_size", "`usable_size` is claimed, and there is no std::size_t"),
    lacks(".refuses_memory = true", "refuse_memory", "`refuses_memory` is claimed, and there is no void refuse_memory"),
    lacks(".counts_live = true", "live_objects", "`counts_live` is claimed, and there is no std::size_t live_objects"),
    lacks(".knows_its_own = true", "owns", "`knows_its_own` is claimed, and there is no bool owns("),
    lacks(".resets = true", "reset", "`resets` is claimed, and there is no void reset()"),
    lacks(".audit = true", "audit", "`audit` is claimed, and there is no slabproof::Invariant audit() const"),
    lacks(".names_globals = true", "globals", "`names_globals` is claimed, and there is no static function globals()"),
    lacks(f".detects = {{.by = {BY}Report, .foreign = true}}", "misuses", "by reports, and there is no std::size_t "),
    (".takes_memory = true", "`takes_memory` is claimed, and no constructor takes slabproof::Memory",
     {"constructor": "nothing"}),
    ("", "its constructor takes slabproof::Memory, and `takes_memory` is not claimed", {"constructor": "memory"}),
    ("", "slabproof::Memory), one of them, or nothing", {"constructor": "explicit NAME(int, int);"}),
    # What is of another type.
    has_other("", "alloc", "int* alloc();", "a pool has void* alloc()"),
    has_other("", "free", "void free(int);", "there is no void free(void* object)"),
    has_other(".sizes = true", "allocate", "char* allocate(std::size_t, std::size_t);", "there is no void* allocate("),
    has_other(".sizes = true", "allocate", "void* allocate(std::size_t);", "there is no void* allocate("),
    has_other(".sizes = true, .sized_free = true", "free_of_size", "void free(void*, void*);", "`sized_free` is"),
    has_other(".sizes = true, .zeroed = true", "allocate_zeroed", "void* allocate_zeroed(std::size_t);", "`zeroed` is"),
    has_other(".sizes = true, .resizes = true", "reallocate", "bool reallocate(void*, std::size_t);", "`resizes` is"),
    has_other(".sizes = true, .usable_size = true", "usable_size", "void usable_size(void*);", "`usable_size` is"),
    has_other(".refuses_memory = true", "refuse_memory", "void refuse_memory();", "`refuses_memory` is"),
    has_other(".counts_live = true", "live_objects", "std::size_t live_objects();", "`counts_live` is"),
    has_other(".knows_its_own = true", "owns", "bool owns(const void*);", "`knows_its_own` is"),
    has_other(".knows_its_own = true", "owns", "int owns(const void*) const;", "`knows_its_own` is"),
    has_other(".resets = true", "reset", "void reset(int);", "`resets` is"),
    has_other(".audit = true", "audit", "bool audit() const;", "`audit` is claimed"),
    has_other(".audit = true", "audit", "slabproof::Invariant audit();", "`audit` is claimed"),
    has_other(".names_globals = true", "globals", "std::array<std::span<std::byte>, 1> globals();", "`names_glob"),
    has_other(".names_globals = true", "globals", "static std::array<int, 1> globals();", "`names_globals` is"),
    has_other(f".detects = {{.by = {BY}Report, .foreign = true}}", "misuses", "void misuses() const;", "by reports"),
    has_other(f".detects = {{.by = {BY}Exception, .foreign = true}}", "free", "void free(void*) noexcept;",
              "an exception from free(), which is noexcept"),
    (".takes_memory = true, .may_fail_to_construct = true", "is claimed, and its constructor is noexcept",
     {"constructor": "explicit NAME(slabproof::Memory) noexcept;"}),
    (None, "it has no static constexpr slabproof::Abilities abilities", {}),
)


def subject(name, claims, functions=None, include=True):
    """A class that has everything but what `functions` says otherwise; without abilities where `claims` is None."""
    members = {**FUNCTIONS, **(functions or {})}
    wanted = members.pop("constructor", "memory" if "takes_memory = true" in (claims or "") else "nothing")
    abilities = "" if claims is None else f"  static constexpr slabproof::Abilities abilities{{{claims}}};\n"
    lines = [CONSTRUCTOR.get(wanted, wanted).replace("NAME", name), *members.values()]
    return (INCLUDE if include else "") + f"struct {name} {{\n{abilities}  " + "\n  ".join(lines) + "\n};\n"


def all_wrong():
    """Each row as a class, R0 and so on, whose claims are looked at."""
    return INCLUDE + "".join(subject(f"R{i}", claims, functions, False) +
                             f"constexpr bool is_right_{i} = slabproof::detail::check_claims<R{i}>();\n"
                             for i, (claims, _, functions) in enumerate(ROWS))


def all_right():
    """What claims everything that goes together, by the door."""
    return subject("Right", ".sizes = true, .zeroed = true, .resizes = true, .usable_size = true, .sized_free = true, "
                   f".resizes_null = true, .resizes_to_zero = true, .takes_memory = true, .memory = 100, "
                   ".counts_live = true, .knows_its_own = true, .names_globals = true, .resets = true, "
                   f".may_fail_to_construct = true, .detects = {{.by = {BY}Report, .foreign = true}}, "
                   ".audit = true") + \
        subject("Pool", ".refuses_memory = true", include=False) + \
        "static_assert(slabproof::detail::check_claims<Pool>());\nSLABPROOF_SUBJECT(Right);\n"


def by_exception():
    return subject("A", f".detects = {{.by = {BY}Exception, .foreign = true}}") + "SLABPROOF_SUBJECT(A);\n"


def told(output):
    """The sentences of g++ on all_wrong(), by row: each stands behind the name of its class."""
    sentences, row = {}, None
    for line in output.splitlines():
        if found := re.search(r"\[with S = R(\d+)\]", line):
            row = int(found[1])
        if found := re.search(r"error: static assertion failed: (slabproof: .*)", line):
            sentences.setdefault(row, []).append(found[1])
    return sentences

"""A copy of the sources in which every mutant that runs is compiled at once; SLAB_MUTANT in the environment says
which one a program has, by its number. With 0, or without it, a program has none.

Each mutant is on a line of its own, so that what the compiler says of a line is said of a mutant."""

import re

from mutation.expressions import FORCED, JUMP, STATEMENT
from mutation.parts import ALLOCATOR

SWITCH = r"""#pragma once
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <type_traits>
#include <unistd.h>
namespace slab_mutant {
/// Of each mutant, whether there is anything to do where a program comes upon it: it is the one that the program has,
/// or is to be noted.
inline unsigned char switches[@size];
inline unsigned char* reached = nullptr;
/// Before anything else that is constructed. SLAB_REACHED: a file with a byte for each mutant, for those that are come
/// upon.
__attribute__((constructor(101))) static void begin() {
  if (reached) return;
  if (const char* const text = std::getenv("SLAB_MUTANT")) switches[std::atol(text)] = 1;
  const char* const file = std::getenv("SLAB_REACHED");
  if (!file) return;
  const int opened = ::open(file, O_RDWR);
  void* const bytes = ::mmap(nullptr, @size, PROT_READ | PROT_WRITE, MAP_SHARED, opened, 0);
  if (bytes == MAP_FAILED) std::_Exit(2);
  ::close(opened);
  reached = static_cast<unsigned char*>(bytes);
  std::memset(switches, 1, sizeof switches);
}
/// Not inline: the program is smaller, and its symbols say which mutants it has.
template <int N>
[[gnu::noinline, gnu::cold]] bool is_on() noexcept {
  if (!reached) return true;
  reached[N] = 1;
  switches[N] = 0;
  return false;
}
/// `There`: whether it can be on in the row or policy that is compiled. Else no program has it for that.
template <int N, bool There = true>
[[gnu::always_inline]] constexpr bool on() noexcept {
  if constexpr (!There)
    return false;
  else
    return !__builtin_is_constant_evaluated() && switches[N] && is_on<N>();
}
template <class T>
concept Changeable = std::is_arithmetic_v<T> || std::is_enum_v<T> || std::is_default_constructible_v<T>;
template <class T>
  requires(Changeable<T> && !std::is_null_pointer_v<T>)
[[gnu::always_inline]] constexpr T other(T value) noexcept {
  if constexpr (std::is_same_v<T, bool>) return !value;
  else if constexpr (std::is_enum_v<T>)
    return static_cast<T>(static_cast<std::underlying_type_t<T>>(value) ^ 1);
  else if constexpr (std::is_arithmetic_v<T>) return value == T{0} ? T{1} : T{0};
  else return T{};
}
}
"""


class Copy:
    """Of one source: its text, and which mutant is on which of its lines."""

    def __init__(self, file, mutants):
        self.file, self.numbers = file, {}
        self.pending = sorted(mutants, key=lambda m: (m.start, -m.end, -m.layer, m.number))
        text = self.render(0, len(file.text))
        lines = text.split("\n")
        for number, line in enumerate(lines, 1):
            for found in re.finditer(r"::slab_mutant::on<(\d+)[,>]", line):
                self.numbers[number] = int(found[1])
        once = "#pragma once\n" if text.startswith("#pragma once\n") else ""
        self.text = f'{once}#include "slab_mutant.hpp"\n{text.removeprefix(once)}'
        self.numbers = {line + 1: number for line, number in self.numbers.items()}

    def render(self, start, end):
        """The text of a range, in which the mutants that begin with the next one take their places."""
        parts, at = [], start
        while self.pending and self.pending[0].start < end:
            first = self.pending[0]
            same = [self.pending.pop(0)]
            while self.pending and self.is_same(self.pending[0], first):
                same.append(self.pending.pop(0))
            parts.append(self.file.slice(at, first.start))
            parts.append(self.wrap(same, self.render(first.start, first.end)))
            at = first.end
        parts.append(self.file.slice(at, end))
        return "".join(parts)

    @staticmethod
    def is_same(one, other):
        return (one.start, one.end, one.layer) == (other.start, other.end, other.layer)

    @staticmethod
    def wrap(mutants, inner):
        first = mutants[0]
        chosen = [f"::slab_mutant::on<{m.number}, ({m.when})>()" if m.when else f"::slab_mutant::on<{m.number}>()"
                  for m in mutants]
        if first.layer == JUMP:
            return "{ if (!(\n" + "\n|| ".join(chosen) + "\n)) " + inner + " }"
        cases = "".join(f"\n({choice}) ? ({mutant.text}) :" for choice, mutant in zip(chosen, mutants))
        kind = {FORCED: "static_cast<bool>", STATEMENT: "static_cast<void>"}.get(first.layer, "")
        last = f"{kind}({inner})"
        return f"({cases}\n{last})"


def write(files, mutants, size, folder, part=ALLOCATOR):
    """The copy of its sources in `folder`, of mutants below the number `size`; what Copy knows of each, by its path
    there."""
    copies = {}
    for name, file in files.items():
        copies[name] = Copy(file, [m for m in mutants if m.file == name])
        write_if_new(folder / name, copies[name].text)
    for room in part.rooms:
        write_if_new(folder / room / "slab_mutant.hpp", SWITCH.replace("@size", str(size)))
    return copies


def write_if_new(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)

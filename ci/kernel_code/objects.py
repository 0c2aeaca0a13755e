"""What an object file says of itself: sections, symbols and code, as objdump prints them."""

import collections
import re

Symbol = collections.namedtuple("Symbol", "name section start size kind")
Instruction = collections.namedtuple("Instruction", "start text symbol")  # symbol: of its relocation, with addend

# What every compiler asks for.
FOUR = {"memcpy", "memmove", "memset", "memcmp"}
SECTION = re.compile(r"^ *\d+ (\S+) +[0-9a-f]{8}")
SYMBOL = re.compile(r"^([0-9a-f]{16}) (.{7}) (\S+)\t([0-9a-f]{16})(?: \.\w+)? (.+)$")
CODE_OF = re.compile(r"^Disassembly of section (\S+):$")
INSTRUCTION = re.compile(r"^ *([0-9a-f]+):\t([^\t]+)(?:\t[0-9a-f]+: \S+\t(\S+))?")
# In whose sections a program runs something by itself, or has something for each thread.
BY_ITSELF = re.compile(r"\.(?:(?:pre)?init_array|fini_array|[cd]tors|init|fini)\b")
THREAD_LOCAL = re.compile(r"\.t(?:bss|data)\b")
RUNS = re.compile(r"_GLOBAL__(?:sub_)?[ID]_|__cxx_global_var_init|__dtor_")
# _ZGV: the guard variable of a static that is made when it is first reached.
GUARD = re.compile(r"_ZGV")


class Object:
    """Of the text of `objdump -h -t -d -r --no-show-raw-insn -w`, of one object file or of several that are linked."""

    def __init__(self, text):
        self.sections, self.symbols, self.instructions, self.undefined = [], {}, {}, set()
        section = None
        for line in text.splitlines():
            if m := INSTRUCTION.match(line):
                self.instructions.setdefault(section, []).append(Instruction(int(m[1], 16), m[2].strip(), m[3]))
            elif m := CODE_OF.match(line):
                section = m[1]
            elif m := SYMBOL.match(line):
                self._add_symbol(m)
            elif m := SECTION.match(line):
                self.sections.append(m[1])
        self.undefined -= set(self.symbols)

    def _add_symbol(self, m):
        kind, section, name = m[2], m[3], m[5]
        if section == "*UND*":
            self.undefined.add(name)
        elif "f" not in kind and "d" not in kind:  # of a source file, of a section
            self.symbols[name] = Symbol(name, section, int(m[1], 16), int(m[4], 16), kind[6])


def problems(made, is_asked_for=lambda name: False):
    """Yields what a kernel cannot give: undefined symbols other than the four and those `is_asked_for`, what runs
    before or after main, guard variables, thread-local ones."""
    for name in sorted(made.undefined - FOUR):
        if not is_asked_for(name):
            yield f"asks the linker for {name}"
    for section in sorted(set(made.sections)):
        if BY_ITSELF.match(section):
            yield f"has {section}: something runs before or after main"
        elif THREAD_LOCAL.match(section):
            yield f"has {section}: something is thread-local"
    for name in sorted(made.symbols):
        if RUNS.search(name):
            yield f"has {name}: something runs before or after main"
        elif GUARD.match(name):
            yield f"has {name}: the guard variable of a static that is made when it is first reached"

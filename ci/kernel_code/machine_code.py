"""How many bytes of text a function of an object file takes, what it calls, and how deep its stack gets."""

import bisect
import collections
import re

Function = collections.namedtuple("Function", "name pieces")  # the symbols of its code: itself, and what is cold in it

BRANCH = re.compile(r"(?:(?:notrack|bnd) )*(call|jmp|j[a-z]+)q? +(?:,p[nt] )?(\*?)(\S+)")
END = re.compile(r"(?:rep[z]? )?ret|ud2|hlt")
DIVISION = re.compile(r"i?div[bwlq]? ")
PUSH, POP, MOVE = re.compile(r"pushf?q? "), re.compile(r"popf?q? "), re.compile(r"(sub|add)q? +\$(-?0x[0-9a-f]+),%rsp$")
LOAD = re.compile(r"lea +(-?0x[0-9a-f]+)\(%rsp\),%rsp$")
WRITES_STACK_POINTER = re.compile(r"(?:leave|enter|.*,%[re]?sp$|(?:pop|inc|dec|neg|not)[a-z]* +%[re]?sp$)")
READS_ONLY = re.compile(r"(?:cmp|test)[a-z]* ")


class NotTold(Exception):
    """Why the depth of a function cannot be told."""


class MachineCode:
    """The functions of an objects.Object, by name."""

    def __init__(self, made):
        self._made = made
        self._at = {section: ([i.start for i in code], code) for section, code in made.instructions.items()}
        pieces = collections.defaultdict(list)
        for symbol in made.symbols.values():
            if symbol.section in made.instructions and symbol.size:
                pieces[re.sub(r"\.cold(\.\d+)?$", "", symbol.name)].append(symbol)
        self.functions = {name: Function(name, sorted(found, key=lambda piece: piece.name))
                          for name, found in pieces.items()}
        self._owner = {}  # of each place at which a piece begins
        for function in self.functions.values():
            for piece in function.pieces:
                self._owner[piece.section, piece.start] = function
        self._depths, self._walked, self._calls = {}, {}, {}

    def text(self, names):
        """Bytes of all these functions."""
        return sum(piece.size for name in names for piece in self.functions[name].pieces)

    def reached(self, name):
        """The functions of this object that are called from it, also by way of others; not itself."""
        seen, new = set(), [name]
        while new:
            for call in self._calls_of(new.pop()):
                if call in self.functions and call not in seen:
                    seen.add(call)
                    new.append(call)
        return seen - {name}

    def depth(self, name):
        """Bytes of stack that it needs at most, with where it returns to and with all that it calls of this object.
        What others define counts nothing. NotTold of a recursion, unless all of it are jumps, and so a loop; and where
        the need depends on more than the code."""
        return self._depth(name, [])

    def _depth(self, name, callers):
        """`callers`: (function, the depth at which it calls the next one), from the first to that of `name`."""
        names = [caller for caller, _ in callers]
        if name in names:
            cycle = callers[names.index(name):]
            if any(at > 0 for _, at in cycle):
                raise NotTold("a recursion: " + " calls ".join([*(caller for caller, _ in cycle), name]))
            return 0
        if name not in self._depths:
            if name not in self._walked:
                self._walked[name] = self._walk(self.functions[name])
            deepest, calls = self._walked[name]
            depth = max([deepest, *(at + self._depth(call, [*callers, (name, at)]) for call, at in calls.items()
                                    if call in self.functions)])
            if not self._is_in_loop(name):
                self._depths[name] = depth
            return depth
        return self._depths[name]

    def _is_in_loop(self, name):
        return any(name in self.reached(call) | {call} for call in self._calls_of(name) if call in self.functions)

    def frame(self, name):
        """Bytes of stack of its own, at most, with where it returns to."""
        return self._walk(self.functions[name])[0]

    def divisions(self):
        """The functions that divide."""
        return sorted(f.name for f in self.functions.values()
                      if any(DIVISION.match(i.text) for piece in f.pieces for i in self._code_of(piece)))

    def _code_of(self, piece):
        starts, code = self._at[piece.section]
        return code[bisect.bisect_left(starts, piece.start):bisect.bisect_left(starts, piece.start + piece.size)]

    def _calls_of(self, name):
        """Without looking at the stack."""
        if name not in self._calls:
            function = self.functions[name]
            self._calls[name] = {target for piece in function.pieces for i in self._code_of(piece)
                                 if (target := self._target(function, piece, i)[0])}
        return self._calls[name]

    def _target(self, function, piece, instruction):
        """(function that is called or jumped to, None) or (None, place in the same function), or twice None."""
        branch = BRANCH.match(instruction.text)
        if not branch:
            return None, None
        if branch[2]:
            raise NotTold(f"{function.name} goes to an address that is not in the code: {instruction.text}")
        if instruction.symbol:
            name, sign, addend = re.fullmatch(r"(.+?)(?:([+-])0x([0-9a-f]+))?", instruction.symbol).groups()
            offset = int(addend or "0", 16) * (-1 if sign == "-" else 1) + 4
            offset = (offset + 2 ** 63) % 2 ** 64 - 2 ** 63
            if symbol := self._made.symbols.get(name):
                section, start = symbol.section, symbol.start + offset
            elif name in self._made.instructions:
                section, start = name, offset
            else:
                return name, None
        else:
            section, start = piece.section, int(branch[3], 16)
        for own in function.pieces:
            if own.section == section and own.start <= start < own.start + own.size and \
                    not (branch[1] == "call" and start == function.pieces[0].start):
                return None, (own, start)
        owner = self._owner.get((section, start))
        if not owner:
            raise NotTold(f"{function.name} goes into the middle of something: {instruction.text}")
        return owner.name, None

    def _walk(self, function):
        """(the deepest of its own, {function that it calls: the depth at which it does, the most}) along all ways."""
        deepest, calls, known = 8, {}, {}
        ways = [(function.pieces[0], function.pieces[0].start, 8)]
        while ways:
            piece, start, depth = ways.pop()
            starts, code = self._at[piece.section]
            i = bisect.bisect_left(starts, start)
            while i < len(code) and code[i].start < piece.start + piece.size:
                instruction = code[i]
                before = known.setdefault((piece.section, instruction.start), depth)
                if before != depth:
                    raise NotTold(f"{function.name} comes to one place at two depths, {before} and {depth}")
                elif (piece, instruction.start) in calls.get("seen", ()):
                    break
                calls.setdefault("seen", set()).add((piece, instruction.start))
                depth += moved(function, instruction.text)
                deepest = max(deepest, depth)
                call, place = self._target(function, piece, instruction)
                is_call = instruction.text.startswith(("call", "notrack call", "bnd call"))
                if call:  # by a jump, in place of this function
                    calls[call] = max(calls.get(call, -8), depth if is_call else depth - 8)
                if place:
                    ways.append((*place, depth))
                if END.match(instruction.text) or re.match(r"(?:(?:notrack|bnd) )*jmpq? ", instruction.text):
                    break
                i += 1
        calls.pop("seen", None)
        return deepest, calls


def moved(function, text):
    """How many bytes deeper the stack is after the instruction."""
    if PUSH.match(text):
        return 8
    if POP.match(text) and not text.endswith("sp"):
        return -8
    if m := MOVE.match(text):
        bytes_ = int(m[2], 16)
        bytes_ -= bytes_ >> 63 << 64  # add $-128 is shorter than sub $128
        return bytes_ if m[1] == "sub" else -bytes_
    if m := LOAD.match(text):
        return -int(m[1], 16)
    if WRITES_STACK_POINTER.match(text) and not READS_ONLY.match(text):
        raise NotTold(f"{function.name} has a stack of no constant size: {text}")
    return 0

"""The formulas as a C++ header, for agree.cpp: python3 cpp.py OUT"""

import pathlib
import sys

sys.dont_write_bytecode = True
from formulas import CONSTANTS, FORMULAS
from term import postorder

SIGNS = {"add": "+", "sub": "-", "mul": "*", "xor": "^", "bitand": "&", "bitor": "|", "lt": "<", "le": "<=",
         "eq": "==", "iff": "==", "and": "&&", "or": "||"}
HEAD = """// Written by properties/proofs/cpp.py from the terms that z3 is given.
#pragma once

#include <cstddef>
#include <cstdint>

namespace proofs {
using Word = std::uint64_t;
__extension__ typedef unsigned __int128 DoubleWord;
struct Formula {
  const char* name;
  std::size_t inputs, outputs;
  void (*compute)(const Word*, Word*);
  const char* const* input_names;
  const char* const* output_names;
};
struct Constant {
  const char* name;
  Word value;
};
"""


def _type(width):
    if width > 128:
        raise ValueError("a formula of the allocator has no words of more than 128 bits")
    return "bool" if width == 0 else "Word" if width <= 64 else "DoubleWord"


def _expression(term, args):
    kind = _type(term.width)
    if term.op == "const":
        if term.value < 1 << 64:
            return f"{kind}{{{term.value}u}}"
        return f"DoubleWord{{{term.value >> 64}u}} << 64 | {term.value % (1 << 64)}u"
    if term.op == "truth":
        return "true" if term.value else "false"
    if term.op in SIGNS:
        return f"{args[0]} {SIGNS[term.op]} {args[1]}"
    if term.op == "implies":
        return f"!{args[0]} || {args[1]}"
    if term.op == "not":
        return f"!{args[0]}"
    if term.op == "bitnot":
        return f"~{args[0]}"
    if term.op == "ite":
        return f"{args[0]} ? {args[1]} : {args[2]}"
    if term.op in ("wide", "low"):
        return f"static_cast<{kind}>({args[0]})"
    if term.op == "div":  # both sides of a choice are computed; as in SMT-LIB
        return f"{args[1]} == 0 ? ~{kind}{{0}} : {args[0]} / {args[1]}"
    if term.op == "rem":
        return f"{args[1]} == 0 ? {args[0]} : {args[0]} % {args[1]}"
    sign = {"shl": "<<", "shr": ">>"}[term.op]
    return f"{args[1]} >= {term.width}u ? {kind}{{0}} : {args[0]} {sign} {args[1]}"


def _function(formula):
    order = postorder(*formula.outputs.values())
    names = {id(term): f"t{i}" for i, term in enumerate(order)}
    yield f"inline void compute_{formula.name}(const Word* in, Word* out) {{"
    for term in order:
        if term.op == "var":
            text = f"in[{formula.inputs.index(term.value)}]"
        else:
            text = _expression(term, [names[id(arg)] for arg in term.args])
        if term.width not in (0, 64, 128):
            text = f"({text}) & {(1 << term.width) - 1}u"
        yield f"  const {_type(term.width)} {names[id(term)]} = {text};"
    for i, term in enumerate(formula.outputs.values()):
        yield f"  out[{i}] = {names[id(term)]};"
    yield "}"
    for kind, words in (("inputs", formula.inputs), ("outputs", formula.outputs)):
        quoted = ", ".join(f'"{word}"' for word in words)
        yield f"inline constexpr const char* {kind}_{formula.name}[] = {{{quoted}}};"


def lines():
    yield HEAD
    for formula in FORMULAS.values():
        yield from _function(formula)
    yield "inline constexpr Formula formulas[] = {"
    for f in FORMULAS.values():
        yield (f'    {{"{f.name}", {len(f.inputs)}, {len(f.outputs)}, compute_{f.name}, inputs_{f.name}, '
               f"outputs_{f.name}}},")
    yield "};\ninline constexpr Constant constants[] = {"
    for name, value in CONSTANTS.items():
        yield f'    {{"{name}", {value}u}},'
    yield "};\n}  // namespace proofs"


if __name__ == "__main__":
    pathlib.Path(sys.argv[1]).write_text("\n".join(lines()) + "\n")

"""Terms as SMT-LIB, and what z3 says of them.

Words are printed as bit vectors, or as integers. As integers, a formula says the same only where no operation wraps:
that is asked too, each time. Of operations on bits that have no translation nothing is known there but their range."""

import dataclasses
import re
import subprocess
import time

from term import exactness, postorder, values, variables

BIT_VECTORS = {"add": "bvadd", "sub": "bvsub", "mul": "bvmul", "div": "bvudiv", "rem": "bvurem", "shl": "bvshl",
               "shr": "bvlshr", "xor": "bvxor", "bitand": "bvand", "bitor": "bvor", "bitnot": "bvnot", "ite": "ite",
               "lt": "bvult", "le": "bvule", "eq": "=", "iff": "=", "and": "and", "or": "or", "implies": "=>",
               "not": "not"}
INTEGERS = {"add": "+", "sub": "-", "mul": "*", "ite": "ite", "lt": "<", "le": "<=", "eq": "=", "iff": "=",
            "and": "and", "or": "or", "implies": "=>", "not": "not"}


def _sort(width, as_integers):
    return "Bool" if width == 0 else "Int" if as_integers else f"(_ BitVec {width})"


def _is_abstract(term, abstract):
    return term.op in abstract and all(arg.op != "const" for arg in term.args)


def _functions(order, abstract, as_integers):
    """Of each abstract operation and width, a function of which nothing is known."""
    for op, width in sorted({(term.op, term.width) for term in order if _is_abstract(term, abstract)}):
        sort = _sort(width, as_integers)
        yield f"(declare-fun {op}_{width} ({sort} {sort}) {sort})"


def _lines_of_words(order, names, abstract):
    yield from _functions(order, abstract, False)
    for term in order:
        name, args = names[id(term)], [names[id(arg)] for arg in term.args]
        if term.op == "var":
            yield f"(declare-const {name} {_sort(term.width, False)})"
            continue
        if _is_abstract(term, abstract):
            text = f"({term.op}_{term.width} {' '.join(args)})"
        elif term.op == "const":
            text = f"(_ bv{term.value} {term.width})"
        elif term.op == "truth":
            text = "true" if term.value else "false"
        elif term.op == "wide":
            text = f"((_ zero_extend {term.width - term.args[0].width}) {args[0]})"
        elif term.op == "low":
            text = f"((_ extract {term.width - 1} 0) {args[0]})"
        else:
            text = f"({BIT_VECTORS[term.op]} {' '.join(args)})"
        yield f"(define-fun {name} () {_sort(term.width, False)} {text})"


def _mask_as_integer(term, args):
    """x & mask for a mask of lowest bits, or of all bits but the lowest; None of another mask."""
    word, mask = term.args if term.args[1].op == "const" else term.args[::-1]
    text = args[0] if term.args[1].op == "const" else args[1]
    if mask.op == "const":
        value, top = mask.value, (1 << term.width) - 1
        if value & (value + 1) == 0:
            return f"(mod {text} {value + 1})"
        rest = top - value
        if rest & (rest + 1) == 0:
            return f"(- {text} (mod {text} {rest + 1}))"
    return None


def _lines_of_integers(order, names, abstract):
    yield from _functions(order, abstract, True)
    divisions = {}
    for term in order:
        name, args = names[id(term)], [names[id(arg)] for arg in term.args]
        in_range = f"(assert (and (<= 0 {name}) (< {name} {1 << term.width})))"
        if term.op == "var":
            yield f"(declare-const {name} {_sort(term.width, True)})"
            if term.width:
                yield in_range
            continue
        if _is_abstract(term, abstract):
            yield f"(define-fun {name} () Int ({term.op}_{term.width} {' '.join(args)}))"
            yield in_range
            continue
        if term.op == "const":
            text = str(term.value)
        elif term.op == "truth":
            text = "true" if term.value else "false"
        elif term.op == "wide":
            text = args[0]
        elif term.op == "low":
            text = f"(mod {args[0]} {1 << term.width})"
        elif term.op == "bitnot":
            text = f"(- {(1 << term.width) - 1} {args[0]})"
        elif term.op == "bitand":
            text = _mask_as_integer(term, args)
        elif term.op in ("shl", "shr") and term.args[1].op == "const":
            text = f"({'*' if term.op == 'shl' else 'div'} {args[0]} {1 << term.args[1].value})"
        elif term.op in ("div", "rem") and term.args[1].op == "const":
            text = f"({'div' if term.op == 'div' else 'mod'} {args[0]} {args[1]})"
        elif term.op in ("div", "rem"):
            key = tuple(map(id, term.args))
            if key not in divisions:
                quotient, rest = divisions[key] = f"q{len(divisions)}", f"r{len(divisions)}"
                yield f"(declare-const {quotient} Int)"
                yield f"(declare-const {rest} Int)"
                yield (f"(assert (=> (distinct 0 {args[1]}) (and (= {args[0]} (+ (* {quotient} {args[1]}) {rest})) "
                       f"(<= 0 {rest}) (< {rest} {args[1]}) (<= 0 {quotient}) (<= {quotient} {args[0]}))))")
            text = divisions[key][term.op == "rem"]
        elif term.op in INTEGERS:
            text = f"({INTEGERS[term.op]} {' '.join(args)})"
        else:
            text = None
        if text is None:
            yield f"(declare-const {name} Int)"
            yield in_range
        else:
            yield f"(define-fun {name} () {_sort(term.width, True)} {text})"


def _is_wrong_in_integers(term, names):
    """Of an operation: that its result is none of the word."""
    name = names[id(term)]
    if term.op == "shl" and term.args[1].op != "const":
        return "true"
    if term.op in ("div", "rem"):
        return f"(= 0 {names[id(term.args[1])]})"
    return f"(not (and (<= 0 {name}) (< {name} {1 << term.width})))"


@dataclasses.dataclass
class Query:
    """What z3 is to find a value for; where there is none, it is proved."""
    text: str
    of: str  # in words
    variables: list
    as_integers: bool


def queries(claim, as_integers=False, abstract=(), proved=None):
    """What must be unsatisfiable for the claim to hold for all values of its variables. Of the operations in `abstract`
    nothing is known but that they give the same where they are given the same: a smaller task. `proved`: claims that
    hold, given as hypotheses, of which no operation wraps."""
    order = postorder(claim)
    names = {id(term): f"v_{term.value}" if term.op == "var" else f"t{i}" for i, term in enumerate(order)}
    lines = list((_lines_of_integers if as_integers else _lines_of_words)(order, names, abstract))
    inputs = variables(claim)
    head = "(set-option :model_evaluator.completion true)\n" + "\n".join(lines) + "\n"
    tail = "(check-sat-using smt)\n" if as_integers else "(check-sat)\n"
    if inputs:
        tail += f"(get-value ({' '.join(names[id(variable)] for variable in inputs)}))\n"
    if as_integers:
        wrong = []
        for path, term in exactness(claim, proved):
            if _is_abstract(term, abstract):
                continue
            conditions = [names[id(condition)] if id(condition) in names else f"(not {names[id(condition.args[0])]})"
                          for condition in path]  # ~x may be no term of the claim
            wrong.append(f"(and {' '.join([*conditions, _is_wrong_in_integers(term, names)])})")
        if wrong:
            yield Query(f"{head}(assert (or false {' '.join(wrong)}))\n{tail}", "that nothing wraps", inputs, True)
    yield Query(head + f"(assert (not {names[id(claim)]}))\n" + tail, "the claim", inputs, as_integers)


@dataclasses.dataclass
class Answer:
    """`said`: unsat, sat, unknown or timeout, or what went wrong. `model`: of sat, values by name."""
    said: str
    seconds: float
    model: dict


def ask(z3, query, seconds):
    begin = time.monotonic()
    try:
        done = subprocess.run([z3, "-in", "-smt2", f"-T:{seconds}", "-memory:4000"], input=query.text, text=True,
                              capture_output=True, timeout=seconds + 30)
        output = done.stdout.strip()
    except subprocess.TimeoutExpired:
        output = "timeout"
    said = output.split("\n")[0].strip() if output else "z3 said nothing"
    model = {}
    if said == "sat":
        for name, value in re.findall(r"\(v_(\w+) (#x[0-9a-f]+|#b[01]+|\d+|true|false)\)", output):
            model[name] = (int(value[2:], 16) if value[1] == "x" else int(value[2:], 2)) if value[0] == "#" else (
                value == "true" if value in ("true", "false") else int(value))
    return Answer(said, time.monotonic() - begin, model)


def is_false_at(claim, model):
    """Whether these values make the claim wrong, computed without z3: a counterexample is believed only so."""
    if any(name.value not in model for name in variables(claim)):
        return False
    return not values(model, claim)[0]

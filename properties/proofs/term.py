"""Formulas over machine words: one term is printed for z3 (smt.py), printed as C++ (cpp.py) and computed here.

A term is a word of `width` bits, or a truth value (width 0). Equal terms are the same object. Arithmetic is that of
unsigned integers in C++: modulo 2^width. `&`, `|` and `~` of truth values are `&&`, `||` and `!`: what stands behind a
condition is asked only where it holds, which exactness() goes by."""

WORD = 64
_known = {}


class Term:
    __slots__ = ("op", "args", "width", "value")

    def __add__(self, other): return _arithmetic("add", self, other)
    def __radd__(self, other): return _arithmetic("add", other, self)
    def __sub__(self, other): return _arithmetic("sub", self, other)
    def __rsub__(self, other): return _arithmetic("sub", other, self)
    def __mul__(self, other): return _arithmetic("mul", self, other)
    def __rmul__(self, other): return _arithmetic("mul", other, self)
    def __floordiv__(self, other): return _arithmetic("div", self, other)
    def __rfloordiv__(self, other): return _arithmetic("div", other, self)
    def __mod__(self, other): return _arithmetic("rem", self, other)
    def __lshift__(self, other): return _arithmetic("shl", self, other)
    def __rlshift__(self, other): return _arithmetic("shl", other, self)
    def __rshift__(self, other): return _arithmetic("shr", self, other)
    def __xor__(self, other): return _arithmetic("xor", self, other)

    def __and__(self, other):
        return _truth("and", self, other) if self.width == 0 else _arithmetic("bitand", self, other)

    def __or__(self, other):
        return _truth("or", self, other) if self.width == 0 else _arithmetic("bitor", self, other)

    def __invert__(self):
        if self.width == 0:
            return _make("not", (self,), 0)
        return _make("bitnot", (self,), self.width)

    def __lt__(self, other): return _compare("lt", self, other)
    def __le__(self, other): return _compare("le", self, other)
    def __gt__(self, other): return _compare("lt", other, self)
    def __ge__(self, other): return _compare("le", other, self)

    def __bool__(self):
        raise TypeError("a term is no Python truth value: use ite(), & and |")


def _make(op, args, width, value=None):
    key = (op, tuple(map(id, args)), width, value)
    found = _known.get(key)
    if found is None:
        found = Term()
        found.op, found.args, found.width, found.value = op, args, width, value
        _known[key] = found
    return found


def const(value, width=WORD):
    return _make("const", (), width, value % (1 << width))


def var(name, width=WORD):
    return _make("var", (), width, name)


TRUE, FALSE = _make("truth", (), 0, True), _make("truth", (), 0, False)


def _pair(one, other):
    width = one.width if isinstance(one, Term) else other.width
    pair = tuple(term if isinstance(term, Term) else const(term, width) for term in (one, other))
    if pair[0].width != pair[1].width or width == 0:
        raise TypeError(f"words of {pair[0].width} and {pair[1].width} bits")
    return pair


def _arithmetic(op, one, other):
    pair = _pair(one, other)
    if all(term.op == "const" for term in pair):
        return const(COMPUTE[op](pair[0].width, pair[0].value, pair[1].value), pair[0].width)
    return _make(op, pair, pair[0].width)


def _compare(op, one, other):
    pair = _pair(one, other)
    if all(term.op == "const" for term in pair):
        return TRUE if COMPUTE[op](0, pair[0].value, pair[1].value) else FALSE
    return _make(op, pair, 0)


def _truth(op, one, other):
    if one.width or other.width:
        raise TypeError("a word where a truth value must be")
    return _make(op, (one, other), 0)


def eq(one, other):
    if isinstance(one, Term) and one.width == 0:
        return _make("iff", (one, other), 0)
    return _compare("eq", one, other)


def ne(one, other):
    return ~eq(one, other)


def ite(condition, one, other):
    if isinstance(one, Term) and one.width == 0:
        return (condition & one) | (~condition & other)
    one, other = _pair(one, other)
    return _make("ite", (condition, one, other), one.width)


def implies(*conditions):
    """The last holds where all before it do."""
    term = conditions[-1]
    for condition in reversed(conditions[:-1]):
        term = _make("implies", (condition, term), 0)
    return term


def every(*conditions):
    term = conditions[-1]
    for condition in reversed(conditions[:-1]):
        term = condition & term
    return term


def any_of(*conditions):
    term = conditions[-1]
    for condition in reversed(conditions[:-1]):
        term = condition | term
    return term


def wide(word, width):
    """The same number in more bits."""
    if word.op == "const":
        return const(word.value, width)
    return word if word.width == width else _make("wide", (word,), width)


def low(word, width):
    """The number modulo 2^width."""
    if word.op == "const":
        return const(word.value, width)
    return word if word.width == width else _make("low", (word,), width)


def number(condition, width=WORD):
    """1 or 0."""
    return ite(condition, const(1, width), const(0, width))


def largest(*words):
    term = words[0]
    for word in words[1:]:
        term = ite(term < word, word, term)
    return term


def smallest(*words):
    term = words[0]
    for word in words[1:]:
        term = ite(word < term, word, term)
    return term


def postorder(*roots):
    """Every term once, after those that it is made of."""
    done, order, stack = set(), [], [(root, False) for root in reversed(roots)]
    while stack:
        term, is_expanded = stack.pop()
        if id(term) in done:
            continue
        if is_expanded:
            done.add(id(term))
            order.append(term)
        else:
            stack.append((term, True))
            stack.extend((arg, False) for arg in reversed(term.args))
    return order


def variables(*roots):
    return [term for term in postorder(*roots) if term.op == "var"]


# What each operation computes, of a width and numbers. Division by zero as in SMT-LIB.
COMPUTE = {
    "add": lambda w, a, b: a + b, "sub": lambda w, a, b: a - b, "mul": lambda w, a, b: a * b,
    "div": lambda w, a, b: a // b if b else (1 << w) - 1, "rem": lambda w, a, b: a % b if b else a,
    "shl": lambda w, a, b: a << b if b < w else 0, "shr": lambda w, a, b: a >> b if b < w else 0,
    "xor": lambda w, a, b: a ^ b, "bitand": lambda w, a, b: a & b, "bitor": lambda w, a, b: a | b,
    "bitnot": lambda w, a: ~a, "wide": lambda w, a: a, "low": lambda w, a: a,
    "ite": lambda w, c, a, b: a if c else b,
    "lt": lambda w, a, b: a < b, "le": lambda w, a, b: a <= b, "eq": lambda w, a, b: a == b,
    "iff": lambda w, a, b: a == b, "and": lambda w, a, b: a and b, "or": lambda w, a, b: a or b,
    "implies": lambda w, a, b: not a or b, "not": lambda w, a: not a,
}


def values(values_of_variables, *roots):
    """The values of the roots, where variables have these values by name."""
    found = {}
    for term in postorder(*roots):
        if term.op in ("const", "truth"):
            found[id(term)] = term.value
        elif term.op == "var":
            found[id(term)] = values_of_variables[term.value]
        else:
            result = COMPUTE[term.op](term.width, *(found[id(arg)] for arg in term.args))
            found[id(term)] = result % (1 << term.width) if term.width else bool(result)
    return [found[id(root)] for root in roots]


def replaced(root, replacements, cut=()):
    """The term with other terms in the place of its variables, by name; and with a new variable in the place of each
    term of `cut`: what holds for all values of that holds for the term."""
    found = {id(term): var(f"cut{i}", term.width) for i, term in enumerate(cut)}
    for term in postorder(root):
        if id(term) in found:
            continue
        if term.op == "var":
            other = replacements.get(term.value, term)
            if other.width != term.width:
                raise TypeError(f"{term.value} has {term.width} bits")
            found[id(term)] = other
        else:
            args = tuple(found[id(arg)] for arg in term.args)
            if term.width and args and all(arg.op == "const" for arg in args):
                found[id(term)] = const(COMPUTE[term.op](term.width, *(arg.value for arg in args)), term.width)
            else:
                found[id(term)] = _make(term.op, args, term.width, term.value)
    return found[id(root)]


def exactness(root, proved=None):
    """[(path, operation)]: every operation that may wrap or divide by zero, with the conditions under which it counts,
    in the order in which they are asked. `proved`: terms of which that is known, by their id, each with the terms that
    stand in it for variables, of which it is not."""
    found, seen = [], {}

    def visit(term, path):
        if any(path[:len(before)] == before for before in seen.setdefault(id(term), [])):
            return
        seen[id(term)].append(path)
        if proved and id(term) in proved:
            for arg in proved[id(term)]:
                visit(arg, path)
        elif term.op in ("and", "implies", "or"):
            visit(term.args[0], path)
            condition = ~term.args[0] if term.op == "or" else term.args[0]
            visit(term.args[1], path + (condition,))
        elif term.op == "ite":
            visit(term.args[0], path)
            visit(term.args[1], path + (term.args[0],))
            visit(term.args[2], path + (~term.args[0],))
        else:
            for arg in term.args:
                visit(arg, path)
            if term.op in ("add", "sub", "mul", "shl", "div", "rem"):
                found.append((path, term))

    visit(root, ())
    return found


def is_exact(term):
    """The condition under which this operation does not wrap, in words."""
    one, other = term.args
    w = term.width
    if term.op == "add":
        return one <= ~other
    if term.op == "sub":
        return other <= one
    if term.op == "mul":
        return wide(one, 2 * w) * wide(other, 2 * w) <= const((1 << w) - 1, 2 * w)
    if term.op == "shl":
        return (other < w) & eq((one << other) >> other, one)
    return ne(other, 0)


def nothing_wraps(root):
    """That no operation of the term wraps or divides by zero, where it is asked for."""
    conditions = [implies(*path, is_exact(term)) for path, term in exactness(root)]
    return every(*conditions) if conditions else TRUE

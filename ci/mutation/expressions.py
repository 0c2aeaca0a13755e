"""The mutants of expressions: a part of operators.Finder."""

import re

# `other`: what it is at the border; `constant`: what else it becomes; `literal`: how a number on its right is moved.
RELATIONAL = {"<": ("<=", "false", "- 1"), "<=": ("<", "true", "+ 1"), ">": (">=", "false", "+ 1"),
              ">=": (">", "true", "- 1")}
EQUALITY = ("==", "!=")
ARITHMETIC = {"+": "-", "-": "+", "*": "+", "/": "*", "%": "/"}
BIT = {"&": "|", "|": "&", "^": "|", "<<": ">>", ">>": "<<"}
# Calls that are the same with their first two arguments the other way round: at_most() is the smaller of two.
SYMMETRIC = ("std::min", "std::max", "at_most", "__builtin_mul_overflow")
COMPOUND = {"+=": "=", "-=": "=", "*=": "+=", "/=": "*=", "|=": "=", "&=": "=", "^=": "=", "<<=": ">>=", ">>=": "<<="}
NEGATED = {"true": "false", "false": "true"}
# Layers of what is wrapped around the same range, from the inside.
VALUE, FORCED, FOUND, RETURNED, STATEMENT, JUMP = range(6)


def stripped(cursor):
    """Without parentheses and conversions."""
    while cursor.kind.name in ("PAREN_EXPR", "UNEXPOSED_EXPR"):
        children = list(cursor.get_children())
        if len(children) != 1 or (cursor.kind.name == "UNEXPOSED_EXPR" and children[0].extent != cursor.extent):
            break
        cursor = children[0]
    return cursor


class Expressions:
    # Truth.

    def value(self, cursor, kind):
        """Of a variable of that type."""
        is_fixed = stripped(cursor).kind.name in ("CXX_BOOL_LITERAL_EXPR", "INIT_LIST_EXPR")
        if kind.get_canonical().kind == self.types.BOOL and not is_fixed:
            self.boolean(cursor)
        else:
            self.walk(cursor)

    def boolean(self, cursor, covered=()):
        """True, false, and what its parts can be. `covered`: what it becomes by another mutant."""
        where, inner = self.range(cursor), stripped(cursor)
        operator, at = self.operator_of(inner) if inner.kind.name == "BINARY_OPERATOR" else ("", 0)
        if inner.kind.name == "UNARY_OPERATOR" and self.of(inner).startswith("!"):
            self.boolean(next(inner.get_children()), {NEGATED[value] for value in covered})
        elif operator in ("&&", "||"):
            constant = "false" if operator == "&&" else "true"
            self.forced(where, {constant} - {*covered})
            for child in inner.get_children():
                self.boolean(child, {constant})
        elif operator in RELATIONAL:
            other, constant, literal = RELATIONAL[operator]
            self.add("relational", self.range(inner), self.with_other(inner, at, operator, other))
            self.forced(where, {constant} - {*covered})
            left, right = inner.get_children()
            self.operand(left)
            self.operand(right)
            if (number := self.of(right)).isdecimal():
                self.add("constant", self.range(right), f"{number} {literal}")
        elif operator in EQUALITY:
            self.forced(where, {"true", "false"} - {*covered})
            for child in inner.get_children():
                self.operand(child)
        elif inner.kind.name == "CXX_BOOL_LITERAL_EXPR":
            self.walk(inner)
        else:
            self.forced(where, {"true", "false"} - {*covered})
            self.walk(inner)

    def forced(self, where, values):
        for value in sorted(values):
            self.add("condition", where, value, FORCED)

    def operand(self, cursor):
        """Of a comparison: a number there is moved with the comparison."""
        if stripped(cursor).kind.name != "INTEGER_LITERAL":
            self.walk(cursor)

    def with_other(self, cursor, at, operator, other):
        start, end = self.range(cursor)
        return f"{self.text(start, at)} {other} {self.text(at + len(operator), end)}"

    # Expressions.

    def operator_of(self, cursor):
        """Its token and where it is; of what is no binary operator none."""
        children = list(cursor.get_children())
        if len(children) != 2:
            return "", 0
        left, right = children
        for begin, _, text in self.file.between(left.extent.end.offset, right.extent.start.offset):
            if text not in "()":
                return text, begin
        return "", 0

    def of_binary_operator(self, cursor):
        operator, at = self.operator_of(cursor)
        if operator in ("&&", "||", *RELATIONAL, *EQUALITY):
            self.boolean(cursor)
            return
        children = list(cursor.get_children())
        is_distance = all(self.is_pointer(child) for child in children)
        if not is_distance and not any(stripped(child).kind.name == "INTEGER_LITERAL" for child in children):
            for name, table in (("arithmetic", ARITHMETIC), ("bit", BIT)):
                if operator in table:
                    self.add(name, self.range(cursor), self.with_other(cursor, at, operator, table[operator]))
        if operator == ",":
            self.left_out(children[0])
        elif operator == "=":
            self.target = self.range(children[0])
        for child in children:
            self.walk(child)

    def of_compound_assignment_operator(self, cursor):
        operator, at = self.operator_of(cursor)
        if operator in COMPOUND and not self.is_pointer(next(cursor.get_children())):
            self.add("arithmetic" if operator[0] in "+-*/" else "bit", self.range(cursor),
                     self.with_other(cursor, at, operator, COMPOUND[operator]))
        for child in cursor.get_children():
            self.walk(child)

    def of_unary_operator(self, cursor):
        where, text = self.range(cursor), self.of(cursor)
        operand, = cursor.get_children()
        if text.startswith("!"):
            self.boolean(cursor)
            return
        if text.startswith("~"):
            self.add("bit", where, self.of(operand))
        elif text[:2] in ("++", "--") or text[-2:] in ("++", "--"):
            if not any(m.start == where[0] and m.end == where[1] and m.layer == STATEMENT for m in self.found[-8:]):
                other = text.translate(str.maketrans("+-", "-+")) if text.strip("+-").isidentifier() else (
                    text.replace("++", "\0").replace("--", "++").replace("\0", "--"))
                self.add("arithmetic", where, other)
        self.walk(operand)

    def of_conditional_operator(self, cursor):
        condition, *values = cursor.get_children()
        self.boolean(condition)
        for child in values:
            self.walk(child)

    def of_integer_literal(self, cursor):
        where, text = self.range(cursor), self.of(cursor)
        if re.match(r"\d", text):
            self.add("constant", where, f"{text} + 1")
            if text != "0":
                self.add("constant", where, f"{text} - 1")
        elif text == "SIZE_MAX":
            self.add("constant", where, f"{text} - 1")

    def of_cxx_bool_literal_expr(self, cursor):
        text = self.of(cursor)
        if text in ("true", "false"):
            self.add("constant", self.range(cursor), NEGATED[text])

    def of_call_expr(self, cursor):
        where, children = self.range(cursor), list(cursor.get_children())
        closing = self.file.before(where[1])
        if closing == ")":
            depth, opening = 0, None
            for begin, _, text in reversed(list(self.file.between(*where))):
                depth += (text in ")]}") - (text in "([{")
                if depth == 0:
                    opening = begin
                    break
            arguments = [child for child in children if child.extent.start.offset > opening]
            first = 1 if self.text(where[0], opening) in SYMMETRIC else 0
            for one, other in zip(arguments[first:], arguments[first + 1:]):
                if self.of(one) == self.of(other) or not self.may_be_swapped(one, other, where == self.target):
                    continue
                ranges = self.range(one), self.range(other)
                self.add("argument", where, "".join((
                    self.text(where[0], ranges[0][0]), self.of(other), ", ", self.of(one),
                    self.text(ranges[1][1], where[1]))))
        if children and self.of(children[0]) == "__builtin_return_address":
            return  # of a constant
        for child in children:
            self.walk(child)

    def is_pointer(self, cursor):
        return cursor.type.get_canonical().kind == self.types.POINTER

    def may_be_swapped(self, one, other, is_target):
        """False where the types do not convert into each other, as far as a template says which they are.
        `is_target`: of a call whose result is assigned to, which another type makes another."""
        if "LAMBDA_EXPR" in (one.kind.name, other.kind.name):
            return False
        one, other = one.type.get_canonical(), other.type.get_canonical()
        kinds = self.types
        unknown = (kinds.INVALID, kinds.DEPENDENT, kinds.UNEXPOSED, kinds.OVERLOAD)
        if is_target and (one.kind in unknown) != (other.kind in unknown):
            return False
        numbers = (kinds.BOOL, kinds.UCHAR, kinds.USHORT, kinds.UINT, kinds.ULONG, kinds.INT, kinds.LONG, *unknown)
        if one.kind in numbers and other.kind in numbers:
            return True
        if kinds.POINTER == one.kind == other.kind:
            one, other = one.get_pointee(), other.get_pointee()
        return one.spelling.removeprefix("const ") == other.spelling.removeprefix("const ")

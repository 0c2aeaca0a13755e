"""The operators: which mutants there are of a header.

A mutant says what takes the place of a range of the source. `runs` is whether that can be chosen while the program
runs; otherwise it is compiled alone."""

import dataclasses
import re

from mutation.syntax import parse

RELATIONAL = {"<": ("<=", ">="), "<=": ("<", ">"), ">": (">=", "<="), ">=": (">", "<"), "==": ("!=",), "!=": ("==",)}
ARITHMETIC = {"+": ("-",), "-": ("+",), "*": ("+",), "/": ("*",), "%": ("/",)}
BIT = {"&": ("|",), "|": ("&",), "^": ("|",), "<<": (">>",), ">>": ("<<",)}
COMPOUND = {"+=": ("-=", "="), "-=": ("+=", "="), "*=": ("+=",), "/=": ("*=",), "|=": ("&=", "="), "&=": ("|=", "="),
            "^=": ("=",), "<<=": (">>=",), ">>=": ("<<=",)}
OPERATORS = ("relational", "arithmetic", "logical", "bit", "constant", "condition", "statement", "argument", "return",
             "omission")
# Where a class says for which rows and policies it is compiled: the words that say so of each.
ROWS = ("SmallSinglePage", "SmallMultiPage", "Large")
OF_CORE = {**{row: f"row == Row::{row}" for row in ROWS}, "Unchecked": "!checks", "Checked": "checks && !guards",
           "guarded": "guards"}
OF_PART = {of: re.sub(r"\b(row|checks|guards)\b", r"Core::\1", when) for of, when in OF_CORE.items()}
OF_SIZES = {"tables with a map": "has_map", "tables without a map": "!has_map", "Unchecked": "!Policy::checks",
            "Checked": "Policy::checks"}
OF_LIST = {"Checked": "Checks", "Unchecked": "!Checks"}
CONTEXTS = {"CacheCore": OF_CORE, "CacheSlabs": OF_CORE, "CacheState": OF_CORE, "CacheAudit": OF_PART,
            "SlabSupply": {row: f"R == Row::{row}" for row in ROWS}, "UndestroyedSizeClasses": OF_SIZES,
            "SlabList": OF_LIST}
# Layers of what is wrapped around the same range, from the inside.
VALUE, FORCED, RETURNED, STATEMENT, JUMP = range(5)


@dataclasses.dataclass
class Mutant:
    file: str  # below the root
    function: str
    operator: str
    line: int
    original: str
    becomes: str
    start: int
    end: int
    layer: int
    text: str  # C++: what is evaluated in the range's place
    runs: bool
    when: str = ""  # C++: only there
    number: int = 0
    key: str = ""


def squeezed(text):
    return re.sub(r"\s+", " ", text).strip()


class Finder:
    def __init__(self, cindex, file, name):
        self.kinds, self.file, self.name = cindex.CursorKind, file, name
        self.found, self.function, self.context = [], [], {}
        self.is_constant, self.gives_reference = False, False

    def text(self, start, end):
        """Of a range, on one line and without comments."""
        return squeezed(" ".join(text for _, _, text in self.file.between(start, end))
                        if "//" in self.file.slice(start, end) else self.file.slice(start, end))

    def of(self, cursor):
        return self.text(*self.range(cursor))

    @staticmethod
    def range(cursor):
        return cursor.extent.start.offset, cursor.extent.end.offset

    def add(self, operator, where, becomes, layer=VALUE, text=None, when="", shown=None):
        start, end = where
        text = becomes if text is None else text
        self.found.append(Mutant(self.name, "::".join(self.function), operator, self.file.line_of(start),
                                 shown or self.text(start, end), becomes, start, end, layer, text,
                                 not self.is_constant, when))

    # Walking.

    def walk(self, cursor):
        name = cursor.kind.name
        if not cursor.location.file or cursor.location.file.name != self.file.path:
            return
        if name in ("STATIC_ASSERT", "CONCEPT_DECL", "ENUM_DECL", "FRIEND_DECL", "UNEXPOSED_ATTR", "REQUIRES_EXPR",
                    "TYPE_ALIAS_DECL", "CXX_UNARY_EXPR", "ASM_STMT", "TEMPLATE_NON_TYPE_PARAMETER",
                    "CONCEPT_SPECIALIZATION_EXPR", "CXX_BASE_SPECIFIER"):
            return
        named = name in ("CLASS_TEMPLATE", "STRUCT_DECL", "CLASS_DECL", "CLASS_TEMPLATE_PARTIAL_SPECIALIZATION",
                         "UNION_DECL", "NAMESPACE", "CXX_METHOD", "FUNCTION_DECL", "FUNCTION_TEMPLATE", "CONSTRUCTOR",
                         "DESTRUCTOR", "CONVERSION_FUNCTION")
        is_function = named and name.startswith(("CXX_METHOD", "FUNCTION", "CONSTR", "DESTR", "CONV"))
        before = self.function, self.context, self.is_constant, self.gives_reference
        if named and cursor.spelling and name != "NAMESPACE":
            outer = cursor.semantic_parent
            of = [outer.spelling] if not self.function and outer and "NAMESPACE" not in outer.kind.name else []
            self.function = [*self.function, *of, cursor.spelling.split("<")[0]]
            self.context = next((CONTEXTS[part] for part in reversed(self.function) if part in CONTEXTS), {})
        if is_function:
            self.is_constant = False
            self.gives_reference = cursor.result_type.spelling.endswith(("&", "decltype(auto)"))
            self.walk_function(cursor)
        elif name == "LAMBDA_EXPR":
            self.gives_reference = False
            for child in cursor.get_children():
                if child.kind.name == "COMPOUND_STMT":
                    self.walk(child)
        else:
            visit = getattr(self, "of_" + name.lower(), None)
            if visit:
                visit(cursor)
            else:
                for child in cursor.get_children():
                    self.walk(child)
        self.function, self.context, self.is_constant, self.gives_reference = before

    def walk_function(self, cursor):
        """Its body, what it initialises, and default arguments; no constraint."""
        for child in cursor.get_children():
            kind = child.kind
            if kind.name in ("COMPOUND_STMT", "PARM_DECL") or (cursor.kind.name == "CONSTRUCTOR" and
                                                               kind.is_expression()):
                self.walk(child)

    def of_parm_decl(self, cursor):
        for child in cursor.get_children():
            if child.kind.is_expression():
                self.walk(child)

    def of_var_decl(self, cursor):
        start, end = self.range(cursor)
        constant = any(text == "constexpr" for _, _, text in self.file.between(start, end)
                       ) or self.file.before(start) == "constexpr"
        children = list(cursor.get_children())
        values = [child for child in children if child.kind.is_expression()]
        if constant and not (len(values) == 1 and values[0].kind.name == "LAMBDA_EXPR"):
            self.is_constant = True
        for child in values:
            self.walk(child)

    of_field_decl = of_parm_decl

    # Statements.

    def of_compound_stmt(self, cursor):
        for child in cursor.get_children():
            self.statement(child)

    def statement(self, cursor):
        """One that may be left out."""
        name = cursor.kind.name
        if name == "UNEXPOSED_STMT" or name in ("CASE_STMT", "DEFAULT_STMT"):
            for child in cursor.get_children():
                self.statement(child) if child.kind.is_statement() or name == "UNEXPOSED_STMT" else None
            return
        if cursor.kind.is_expression() or cursor.kind.name == "CALL_EXPR":
            self.left_out(cursor)
        elif name in ("CONTINUE_STMT", "BREAK_STMT") or (name == "RETURN_STMT" and not list(cursor.get_children())):
            self.jump_left_out(cursor)
        self.walk(cursor)

    def left_out(self, cursor):
        if cursor.kind.name == "BINARY_OPERATOR" and self.operator_of(cursor)[0] == ",":
            for child in cursor.get_children():
                self.left_out(child)
            return
        where, text = self.range(cursor), self.of(cursor)
        self.add("statement", where, "", STATEMENT, "static_cast<void>(0)")
        if not self.is_constant:
            for of, when in self.context.items():
                self.add("omission", where, f"nothing in {of}", STATEMENT, "static_cast<void>(0)", when)

    def jump_left_out(self, cursor):
        start, end = self.range(cursor)
        stop = self.file.after(end)[1]  # with its semicolon
        self.add("statement", (start, stop), "", JUMP, shown=self.text(start, end))

    def of_if_stmt(self, cursor):
        start, _ = self.range(cursor)
        words = list(self.file.between(start, start + 40))
        is_constant = words[1][2] == "constexpr"
        opening = next(begin for begin, _, text in self.file.between(start, self.range(cursor)[1]) if text == "(")
        closing = self.file.closing(opening)
        children = list(cursor.get_children())
        head = [child for child in children if child.extent.start.offset < closing]
        body = [child for child in children if child.extent.start.offset > closing]
        before = self.is_constant
        self.is_constant = before or is_constant
        if head and head[-1].kind.is_expression():
            self.forced(head[-1])
        for child in head:
            self.walk(child)
        self.is_constant = before
        for child in body:
            self.statement(child)

    def forced(self, cursor, values=("true", "false")):
        where, text = self.range(cursor), self.of(cursor)
        for value in values:
            self.add("condition", where, value, FORCED)
            if self.context and not self.is_constant and value == "false":
                for of, when in self.context.items():
                    self.add("omission", where, f"false in {of}", FORCED, "false", when)

    def of_while_stmt(self, cursor):
        condition, body = list(cursor.get_children())[-2:]
        if condition.kind.is_expression():
            self.forced(condition)
        self.walk(condition)
        self.statement(body)

    def of_do_stmt(self, cursor):
        body, condition = cursor.get_children()
        self.forced(condition)
        self.walk(condition)
        self.statement(body)

    def of_for_stmt(self, cursor):
        start, end = self.range(cursor)
        opening = next(begin for begin, _, text in self.file.between(start, end) if text == "(")
        closing, depth, ends = self.file.closing(opening), 0, []
        for begin, _, text in self.file.between(opening, closing):
            depth += (text in "([{") - (text in ")]}")
            if text == ";" and depth == 1:
                ends.append(begin)
        first, condition, step, body = None, None, None, None
        for child in cursor.get_children():
            at = child.extent.start.offset
            if at > closing:
                body = child
            elif at > ends[1]:
                step = child
            elif at > ends[0]:
                condition = child
            else:
                first = child
        if condition:
            self.forced(condition)
            self.last_left_out(condition, step)
        if step:
            self.left_out(step)
        for child in filter(None, (first, condition, step)):
            self.walk(child)
        self.statement(body)

    def last_left_out(self, condition, step):
        where, text = self.range(condition), self.of(condition)
        operator, at = self.operator_of(condition)
        if operator == "<":
            left, right = map(self.of, condition.get_children())
            self.add("omission", where, "the last is left out", FORCED, f"({left}) + 1 < ({right})")
        elif step and (link := re.fullmatch(rf"{re.escape(text)} = ({re.escape(text)}->[\w:*]+)",
                                            self.of(step).split(", ")[-1])):
            self.add("omission", where, "the last is left out", FORCED, f"{text} && {link[1]}")

    def of_cxx_for_range_stmt(self, cursor):
        children = list(cursor.get_children())
        for child in children[:-1]:
            self.walk(child)
        self.statement(children[-1])

    def of_return_stmt(self, cursor):
        fixed = ("INIT_LIST_EXPR", "CXX_NULL_PTR_LITERAL_EXPR", "CXX_BOOL_LITERAL_EXPR", "LAMBDA_EXPR")
        for child in cursor.get_children():
            value, name = self.of(child), child.kind.name
            is_list = name == "BINARY_OPERATOR" and self.operator_of(child)[0] == ","
            if not (self.gives_reference or is_list or name in fixed or value in ("nullptr", "*this")):
                self.add("return", self.range(child), "another value", RETURNED, f"::slab_mutant::other({value})",
                         shown=f"return {value}")
            self.walk(child)

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
        where = self.range(cursor)
        if operator:
            left, right = self.text(where[0], at), self.text(at + len(operator), where[1])
            for name, table in (("relational", RELATIONAL), ("arithmetic", ARITHMETIC), ("bit", BIT)):
                for other in table.get(operator, ()):
                    self.add(name, where, f"{left} {other} {right}")
            if operator in ("&&", "||"):
                both = "||" if operator == "&&" else "&&"
                boolean = "static_cast<bool>({})".format
                self.add("logical", where, f"{left} {both} {right}", text=f"({left}) {both} ({right})")
                self.add("logical", where, left, text=boolean(left))
                self.add("logical", where, right, text=boolean(right))
            if operator == ",":
                self.left_out(next(cursor.get_children()))
        for child in cursor.get_children():
            self.walk(child)

    def of_compound_assignment_operator(self, cursor):
        operator, at = self.operator_of(cursor)
        where = self.range(cursor)
        for other in COMPOUND.get(operator, ()):
            self.add("arithmetic" if operator[0] in "+-*/" else "bit", where,
                     f"{self.text(where[0], at)} {other} {self.text(at + len(operator), where[1])}")
        for child in cursor.get_children():
            self.walk(child)

    def of_unary_operator(self, cursor):
        where, text = self.range(cursor), self.of(cursor)
        operand, = cursor.get_children()
        if text.startswith("!"):
            self.add("logical", where, self.of(operand), text=f"static_cast<bool>({self.of(operand)})")
        elif text.startswith("~"):
            self.add("bit", where, self.of(operand))
        elif text[:2] in ("++", "--") or text[-2:] in ("++", "--"):
            other = text.translate(str.maketrans("+-", "-+")) if text.strip("+-").isidentifier() else (
                text.replace("++", "\0").replace("--", "++").replace("\0", "--"))
            self.add("arithmetic", where, other)
        self.walk(operand)

    def of_conditional_operator(self, cursor):
        children = list(cursor.get_children())
        self.forced(children[0])
        for child in children:
            self.walk(child)

    def of_integer_literal(self, cursor):
        where, text = self.range(cursor), self.of(cursor)
        if re.match(r"\d", text):
            self.add("constant", where, f"{text} + 1")
            self.add("constant", where, f"{text} - 1")
        elif text == "SIZE_MAX":
            self.add("constant", where, f"{text} - 1")

    def of_cxx_bool_literal_expr(self, cursor):
        text = self.of(cursor)
        if text in ("true", "false"):
            self.add("constant", self.range(cursor), "false" if text == "true" else "true")

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
            for one, other in zip(arguments, arguments[1:]):
                if self.of(one) == self.of(other):
                    continue
                ranges = self.range(one), self.range(other)
                self.add("argument", where, "".join((
                    self.text(where[0], ranges[0][0]), self.of(other), ", ", self.of(one),
                    self.text(ranges[1][1], where[1]))))
        if children and self.of(children[0]) == "__builtin_return_address":
            return  # of a constant
        for child in children:
            self.walk(child)


def mutants_of(root):
    """All of the allocator, in the order of the source, and its files by their names below `root`."""
    cindex, cursors, parsed = parse(root)
    files, found, names = {}, [], {}
    for path, file in parsed.items():
        names[path] = path.removeprefix(f"{root}/")
        files[names[path]] = file
    finders = {path: Finder(cindex, file, names[path]) for path, file in parsed.items()}
    for cursor in cursors:
        finders[cursor.location.file.name].walk(cursor)
    seen = {}
    for name in sorted(finders):
        for mutant in sorted(finders[name].found, key=lambda m: (m.start, -m.end, m.layer)):
            key = f"{mutant.file} {mutant.function}: {mutant.original} -> {mutant.becomes or 'nothing'}"
            seen[key] = seen.get(key, 0) + 1
            mutant.key = key if seen[key] == 1 else f"{key} #{seen[key]}"
            mutant.number = len(found) + 1
            found.append(mutant)
    return found, files

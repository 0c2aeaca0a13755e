"""The operators: which mutants there are of a source. No mutant is made whose death follows from that of another:

- `a < b` becomes `a <= b` and false. Whoever tells both tells `a >= b` and true too, which differ wherever one of them
  does. (Kaminski, Ammann and Offutt, "Improving logic-based testing", 2013, have `a != b` as the third: where the left
  side cannot pass the right one, as with a count and its limit, that is `a < b` itself.)
- `a && b` is false, `b` and `a`: each part is true, the whole is false (Just, Kapfhammer and Schweiggert, "Do redundant
  mutants affect the effectiveness and efficiency of mutation analysis?", 2012). `||` is the other way round, `a == b`
  is true and false, `!a` what `a` is.
- Where a statement is left out, or a condition false, in each row and policy alone, it is nowhere left out in all.
- `x += y` becomes nothing and `x = y`, of which one is noticed where `x -= y` is.
- A number beside an operator is one more or one less; the operator then stays.
- The arguments of std::min, std::max and other symmetric functions are not swapped.
- A loop whose body has no other end is not made endless.

A mutant says what takes the place of a range of the source. `runs` is whether that can be chosen while the program
runs; otherwise it is in what the compiler evaluates."""

import dataclasses
import re

from mutation.contexts import CONTEXTS, narrowed, notable
from mutation.expressions import FORCED, FOUND, JUMP, RETURNED, STATEMENT, VALUE, Expressions, stripped
from mutation.parts import ALLOCATOR
from mutation.syntax import parse

OPERATORS = ("relational", "arithmetic", "bit", "constant", "condition", "statement", "argument", "return", "omission")


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


class Finder(Expressions):
    def __init__(self, cindex, file, name):
        self.types, self.file, self.name = cindex.TypeKind, file, name
        self.found, self.function, self.context = [], [], {}
        self.is_constant, self.result = False, ""
        self.target = None  # of the assignment that is walked

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
        before = self.function, self.context, self.is_constant, self.result
        if named and cursor.spelling and name != "NAMESPACE":
            outer = cursor.semantic_parent
            of = [outer.spelling] if not self.function and outer and "NAMESPACE" not in outer.kind.name else []
            self.function = [*self.function, *of, cursor.spelling.split("<")[0]]
            self.context = next((CONTEXTS[part] for part in reversed(self.function) if part in CONTEXTS), {})
        if is_function:
            before_body = re.split(r"\{", self.of(cursor), maxsplit=1)[0]
            self.is_constant = bool(re.search(r"\bconsteval\b", before_body))
            self.result = cursor.result_type.spelling
            if constraint := re.search(r"\brequires\s*(.+)$", before_body.strip()):
                self.context = narrowed(self.context, constraint[1], True)
            self.walk_function(cursor)
        elif name == "LAMBDA_EXPR":
            self.result = ""
            for child in cursor.get_children():
                if child.kind.name == "COMPOUND_STMT":
                    self.walk(child)
        else:
            visit = getattr(self, "of_" + name.lower(), None)
            if visit:
                visit(cursor)
            else:
                for child in cursor.get_children():
                    if not (named and child.kind.is_expression()):  # what a template is specialised for
                        self.walk(child)
        self.function, self.context, self.is_constant, self.result = before

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
            self.value(child, cursor.type)

    def of_field_decl(self, cursor):
        for child in cursor.get_children():
            if child.kind.is_expression():
                before = self.is_constant
                self.is_constant |= self.file.before(child.extent.start.offset) == "["  # how large an array is
                self.walk(child)
                self.is_constant = before

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
        self.add_everywhere("statement", self.range(cursor), "nothing", "", STATEMENT, "static_cast<void>(0)")

    def add_everywhere(self, operator, where, becomes, alone, layer, text):
        """In each row and policy alone, where the class says which these are."""
        if self.context and not self.is_constant:
            for of, when in notable(self.context, self.text(*where)).items():
                self.add("omission", where, f"{becomes} in {of}", layer, text, when)
        else:
            self.add(operator, where, alone, layer, text)

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
        declared = [child for child in head if child.kind.name == "VAR_DECL"]  # libclang then names it once more
        for child in head[:-1]:
            if child not in declared:
                self.walk(child)
        before, said = self.context, self.of(head[-1])
        self.context = narrowed(before, said, True)
        if not is_constant:  # else it is no mistake of its own: its body left out in a row or policy is
            self.condition(*declared or head[-1:])
        for child, holds in zip(body, (True, False)):
            self.context = narrowed(before, said, holds)
            self.statement(child)
        self.context = before

    def condition(self, cursor, covered=()):
        """Of a statement. `covered`: what it need not be."""
        if cursor.kind.is_expression():
            self.add_everywhere("condition", self.range(cursor), "false", "false", FORCED, "false")
            self.boolean(cursor, {*covered, "false"})
        elif cursor.kind.name == "VAR_DECL" and cursor.type.get_canonical().kind == self.types.POINTER:
            value = [child for child in cursor.get_children() if child.kind.is_expression()][-1]
            self.add_everywhere("condition", self.range(value), "null", "null", FOUND, "nullptr")
            self.walk(value)
        else:
            self.walk(cursor)

    @staticmethod
    def is_endless(body):
        """If its condition is always true."""
        return not any(inner.kind.name in ("RETURN_STMT", "BREAK_STMT") for inner in body.walk_preorder())

    def of_while_stmt(self, cursor):
        condition, *_, body = cursor.get_children()  # where it is declared, libclang names it once more
        self.condition(condition, {"true"} if self.is_endless(body) else ())
        self.statement(body)

    def of_do_stmt(self, cursor):
        body, condition = cursor.get_children()
        self.condition(condition, {"true"} if self.is_endless(body) else ())
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
        if condition and not self.last_left_out(condition, step):
            self.condition(condition, {"true"} if self.is_endless(body) else ())
        for child in filter(None, (first, step)):
            self.of_step(child)
        self.statement(body)

    def of_step(self, cursor):
        """The other direction of a loop is endless, or no loop at all."""
        if not cursor.kind.name.startswith(("UNARY", "COMPOUND")):
            self.walk(cursor)

    def last_left_out(self, condition, step):
        """Whether there is a last one that could be."""
        where, text = self.range(condition), self.of(condition)
        operator, at = self.operator_of(condition)
        if operator == "<":
            left, right = condition.get_children()
            self.add("relational", where, self.with_other(condition, at, "<", "<="))
            by = step and re.fullmatch(r".+ \+= (.+)", self.of(step))
            last = f"({self.of(left)}) + {f'({by[1]})' if by else 1} < ({self.of(right)})"
            for child in (left, right):
                self.operand(child)
        elif step and (link := re.fullmatch(rf"{re.escape(text)} = ({re.escape(text)}->[\w:*]+)",
                                            self.of(step).split(", ")[-1])):
            last = f"{text} && {link[1]}"
        else:
            return False
        self.add_everywhere("omission", where, "the last is left out", "the last is left out", FORCED, last)
        return True

    def of_cxx_for_range_stmt(self, cursor):
        children = list(cursor.get_children())
        for child in children[:-1]:
            self.walk(child)
        self.statement(children[-1])

    def of_return_stmt(self, cursor):
        fixed = ("INIT_LIST_EXPR", "CXX_NULL_PTR_LITERAL_EXPR", "CXX_BOOL_LITERAL_EXPR", "LAMBDA_EXPR",
                 "INTEGER_LITERAL")
        for child in cursor.get_children():
            value, inner = self.of(child), stripped(child)
            name, operator = inner.kind.name, self.operator_of(inner)[0] if inner.kind.name == "BINARY_OPERATOR" else ""
            if self.result == "void":
                self.left_out(child)
                self.walk(child)
            elif self.result == "bool" and name not in fixed and operator != ",":
                self.boolean(child)
            else:
                is_whole = not operator and name not in (*fixed, "CONDITIONAL_OPERATOR", "UNARY_OPERATOR")
                has_other = not self.result.endswith(("&", "decltype(auto)", "nullptr_t", "Result"))
                if is_whole and has_other and value not in ("nullptr", "*this"):
                    self.add("return", self.range(child), "another value", RETURNED, f"::slab_mutant::other({value})",
                             shown=f"return {value}")
                self.walk(child)


def mutants_of(root, part=ALLOCATOR):
    """All of it, in the order of the source, and its files by their names below `root`."""
    cindex, cursors, parsed = parse(root, part)
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

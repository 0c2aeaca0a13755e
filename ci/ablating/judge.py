"""The checks of the judge, as its sources have them: an invariant, and what exactly does not hold of it."""

import re

from shared.command import CannotWork
from shared.targets import ROOT

ANY = "*"  # the invariant is known only when the check is made
FOLDERS = ("model/judge", "model/memory")
OTHER_JUDGES = ("geometry_oracle.cpp", "geometry_oracle.hpp", "trace_oracle.cpp")  # of no cache
NO_CHECKS = ("cause.hpp", "ablation.cpp", "verdict.hpp", "expectation.hpp", "step_mark.hpp")


def statement_before(text, end):
    """From the bracket that is open there, or the last semicolon."""
    depth, at = 0, end - 1
    while at >= 0:
        if text[at] in ")}":
            depth += 1
        elif text[at] in "({":
            if depth == 0:
                break
            depth -= 1
        elif text[at] == ";" and depth == 0:
            break
        at -= 1
    return text[at + 1:end]


def checks_in(text):
    """Line, invariants and cause of each."""
    text = re.sub(r"//[^\n]*", "", text)
    for found in re.finditer(r"\bCause::(\w+)", text):
        ids = re.findall(r"\bInvariant::(\w+)", statement_before(text, found.start()))
        if ids == ["OfAudit"]:  # which of them, audit() says
            continue
        yield text.count("\n", 0, found.start()) + 1, ids or [ANY], found[1]


def checks_of_the_judge(root=ROOT):
    """Check, such as "B7/SlabKeptAfterFailure" -> where it is made."""
    checks = {}
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.?pp")):
            if path.name in (*OTHER_JUDGES, *NO_CHECKS) or path.name.endswith("_test.cpp"):
                continue
            for line, ids, cause in checks_in(path.read_text()):
                for one in ids:
                    checks.setdefault(f"{one}/{cause}", []).append(f"{path.relative_to(root)}:{line}")
    if not checks:
        raise CannotWork("no checks are found in the judge's sources; mend ci/ablating/judge.py")
    return checks


def places_of(check, checks):
    """Where a check that failed is made."""
    return checks.get(check) or checks.get(f"{ANY}/{check.split('/', 1)[1]}", [])


def without_bug(checks, noticed):
    """Those of the judge's checks that none of the noticed ones is."""
    causes = {check.split("/", 1)[1] for check in noticed if check not in checks}
    return [check for check in checks
            if check not in noticed and not (check.startswith(ANY) and check.split("/", 1)[1] in causes)]

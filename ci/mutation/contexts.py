"""Rows and policies: where a class is compiled for several, a mutant of the kind "omission" is in one of them alone."""

import re

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
# What an `if` or a `requires` says, and which of these are then all there is (the mutant is the same without
# them) or none of it.
RULES = (
    (r"(?:Core::|Policy::)?[cC]hecks", {"Unchecked"}, {"Unchecked", "Checked", "guarded"}),
    (r"(?:Core::)?guards|has_guards<Policy>", {"Unchecked", "Checked", "guarded"}, {"guarded"}),
    (r"busy_\.is_set\(\)", {"Unchecked"}, set()),
    (r"has_map", {"tables with a map", "tables without a map"}, {"tables with a map", "tables without a map"}),
)


# What does nothing in a policy: a BusyMark and a quarantine are empty there.
EMPTY = ((r"busy_\.\w+\(\)", {"Unchecked"}), (r"quarantined (\+=|!=) .+", {"Unchecked", "Checked"}),
         (r"released \+= enter_without_quarantine\(caller\)", {"Unchecked"}))


def notable(context, text):
    """The part of a context in which `text` does something."""
    gone = set().union(*(of for pattern, of in EMPTY if re.fullmatch(pattern, text)))
    return {of: when for of, when in context.items() if of not in gone}


def without_parentheses(fact):
    """Around the whole or a part of it, but for those of calls."""
    fact = fact.strip(" (")
    while fact.endswith(")") and fact.count(")") > fact.count("("):
        fact = fact[:-1].rstrip()
    return fact


def narrowed(context, text, holds):
    """The part of a context where the condition `text` holds, or does not."""
    facts = [without_parentheses(fact) for fact in text.split("&&")]
    if not holds and len(facts) > 1:
        return context
    gone = set()
    for fact in facts:
        truth = holds != fact.startswith("!")
        fact = fact.lstrip("! ")
        for pattern, when_true, when_false in RULES:
            if re.fullmatch(pattern, fact):
                gone |= when_true if truth else when_false
        if found := re.fullmatch(r"(?:Core::)?(?:row|R) (==|!=) Row::(\w+)", fact):
            gone |= set(ROWS) if truth == (found[1] == "==") else {found[2]}
    return {of: when for of, when in context.items() if of not in gone}

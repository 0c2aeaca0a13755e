"""ci/equivalent-mutants.txt: mutants that no user can tell from the original. A line is `KEY ;; why`, with the key that
ci/mutants --list shows, or with a star in the place of the row or policy at its end: `… -> nothing in * ;; why` is of
each of them. A line that begins with a # is a comment."""

import re

from mutation.contexts import CONTEXTS
from shared.command import CannotWork

OF = re.compile(rf" in (?:{'|'.join({of for context in CONTEXTS.values() for of in context})})(?=$| #\d+$)")


def in_each(key):
    """The same with a star."""
    return OF.sub(" in *", key)


class Equivalents:
    def __init__(self, path, others="model/"):
        """`others`: how the keys begin whose mutants are not looked at."""
        self.reasons, self.others = {}, others
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if not line.strip() or line.startswith("#"):
                continue
            key, separator, reason = line.partition(" ;; ")
            if not separator or not reason.strip():
                raise CannotWork(f"{path}:{number}: it does not say why: KEY ;; why")
            if key in self.reasons:
                raise CannotWork(f"{path}:{number}: this mutant is there already")
            self.reasons[key] = reason.strip()

    def has(self, mutant):
        return mutant.key in self.reasons or in_each(mutant.key) in self.reasons

    def without(self, mutants):
        """The keys that no mutant has."""
        keys = {key for mutant in mutants for key in (mutant.key, in_each(mutant.key))}
        return [key for key in self.reasons if key not in keys and not key.startswith(self.others)]

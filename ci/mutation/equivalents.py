"""ci/equivalent-mutants.txt: mutants that no user can tell from the original. A line is `KEY ;; why`, with the key that
ci/mutants --list shows; a line that begins with a # is a comment."""

from shared.command import CannotWork


class Equivalents:
    def __init__(self, path):
        self.reasons = {}
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if not line.strip() or line.startswith("#"):
                continue
            key, separator, reason = line.partition(" ;; ")
            if not separator or not reason.strip():
                raise CannotWork(f"{path}:{number}: it does not say why: KEY ;; why")
            if key in self.reasons:
                raise CannotWork(f"{path}:{number}: this mutant is there already")
            self.reasons[key] = reason.strip()

    def without(self, mutants):
        """The keys that no mutant has."""
        keys = {mutant.key for mutant in mutants}
        return [key for key in self.reasons if key not in keys]

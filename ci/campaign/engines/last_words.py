"""The only code that reads what a sanitizer or an engine prints when a process dies."""

import dataclasses
import re

DEATH = re.compile(r".*(?:ERROR: \w+Sanitizer|ERROR: libFuzzer|: runtime error: ).*")
SUMMARY = re.compile(r"^SUMMARY: *(.+)$", re.MULTILINE)


@dataclasses.dataclass
class LastWords:
    text: str
    otherwise: str = ""  # the summary of a text that has none

    @property
    def tell_of_death(self):
        return DEATH.search(self.text) is not None

    @property
    def summary(self):
        """Why the process died, in a line. A fuzz target of programs prints one as sanitizers do, with the signature of
        its verdict, before it aborts: the first of several is the one that counts."""
        if summary := SUMMARY.search(self.text):
            return summary[1].removeprefix("slabproof: ")
        death = DEATH.search(self.text)
        return self.otherwise or (death[0] if death else "nothing")

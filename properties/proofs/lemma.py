"""What is claimed of the formulas, and how z3 is asked."""

import dataclasses

from smt import queries
from term import Term, any_of, const, eq, every, implies, replaced, variables


@dataclasses.dataclass
class Lemma:
    """For all values of their variables, where `given` holds, `claim` does.

    `uses`: other lemmas, each with the terms that stand for its variables there: their claims are hypotheses.
    `cases`: a variable and the values that it is proved for, one by one; that there are no others is proved too.
    `abstract`: operations of which the proof needs nothing but their name. `cut`: terms of which it needs only what the
    lemmas say that it uses; not of integers. `at`: the formula of formulas.py that shows a
    counterexample, whose inputs are variables of the claim. `depends`: variables that are pinned down by others, with
    what they are: for a search at random."""
    name: str
    says: str
    given: tuple
    claim: Term
    as_integers: bool = False
    uses: tuple = ()
    cases: tuple = ()
    abstract: tuple = ()
    cut: tuple = ()
    at: str = ""
    depends: dict = dataclasses.field(default_factory=dict)

    def plain(self):
        """The lemma as a formula, by itself."""
        return implies(*self.given, self.claim)

    def instance(self, terms):
        whole = self.plain()
        if {term.value for term in variables(whole)} != terms.keys():
            raise ValueError(f"{self.name} has other variables than {', '.join(terms)}")
        return replaced(whole, terms)

    def itself(self):
        """For `uses`: of the same variables."""
        return self, {term.value: term for term in variables(self.plain())}

    def queries(self):
        """Each must be unsatisfiable. With the claim that a model would have to make false."""
        instances = [(used, terms, used.instance(terms)) for used, terms in self.uses]
        proved = {id(replaced(term, {}, self.cut)): [replaced(t, {}, self.cut) for t in terms.values()]
                  for used, terms, term in instances if self._wraps_nowhere(used)}
        whole = implies(*self.given, *(term for _, _, term in instances), self.claim)
        if not self.cases:
            asked = replaced(whole, {}, self.cut)
            yield from ((query, whole) for query in queries(asked, self.as_integers, self.abstract, proved))
            return
        name, values = self.cases
        variable = next(term for term in variables(whole) if term.value == name)
        width = variable.width
        for value in values:
            chosen = {name: const(value, width)}
            in_case = {id(replaced(term, chosen)): [replaced(t, chosen) for t in terms.values()]
                       for used, terms, term in instances if self._wraps_nowhere(used)}
            yield from ((query, whole) for query in self._of_case(replaced(whole, chosen), in_case, name, value))
        rest = any_of(*(eq(variable, value) for value in values), ~every(*self.given))
        yield from ((query, rest) for query in queries(rest, abstract=self.abstract))

    def _wraps_nowhere(self, used):
        """Whether its proof has shown that, also of what is abstract there and is not here."""
        return used.as_integers and set(used.abstract) <= set(self.abstract)

    def _of_case(self, claim, proved, name, value):
        for query in queries(claim, self.as_integers, self.abstract, proved):
            query.of += f", where {name} is {value}"
            query.chosen = {name: value}
            yield query


@dataclasses.dataclass
class EveryCase:
    """What the C++ finds true in each of finitely many cases: `formulas_agree --every`."""
    name: str
    says: str

"""What slab_replay --json says about a file, and what fuzz-out/crashes keeps of that."""

import dataclasses

AFTER_OTHERS = "fails only after others"  # the signature of failures that depend on earlier inputs
OUTCOMES = ("agreed", "violated", "died", "hung", "unreadable")
FAILURES = ("violated", "died", "hung")


@dataclasses.dataclass
class Facts:
    outcome: str
    input: str = ""  # program, geometry or text
    signature: str = None
    sentence: str = ""  # the verdict's; of an unreadable file the reason
    step: int = None
    operation: str = None
    invariant: str = None
    expected: str = None
    observed: str = None
    death: str = None
    frame: str = None
    frames: list = dataclasses.field(default_factory=list)
    operations: int = None  # of the program
    inputs: int = None  # of a chain: how many it runs, and which of them fails
    failing_input: int = None
    geometry: str = None  # as text, of one that fails
    alone: str = None  # of a failure: whether the file also fails, or agrees, in a process of its own

    @property
    def failed(self):
        return self.outcome in FAILURES

    def as_object(self):
        return dataclasses.asdict(self)


TEXTS = ("outcome", "input", "sentence")
MAYBE_TEXTS = ("signature", "operation", "invariant", "expected", "observed", "death", "frame", "alone",
               "geometry")
MAYBE_NUMBERS = ("step", "operations", "inputs", "failing_input")


def facts_in(found):
    """The facts in a JSON object, without its other members. ValueError if they are not valid."""
    if not isinstance(found, dict):
        raise ValueError("is no object")
    values = {field.name: found.get(field.name) for field in dataclasses.fields(Facts)}
    values["frames"], values["input"] = values["frames"] or [], values["input"] or ""  # null where there is none
    good = (values["outcome"] in OUTCOMES and all(isinstance(values[name], str) for name in TEXTS)
            and all(isinstance(values[name], str | None) for name in MAYBE_TEXTS)
            and all(values[name] is None or type(values[name]) is int for name in MAYBE_NUMBERS)
            and isinstance(values["frames"], list) and all(isinstance(frame, str) for frame in values["frames"]))
    if not good:
        raise ValueError("has other facts than slab_replay --json")
    facts = Facts(**values)
    if facts.failed != bool(facts.signature):
        raise ValueError(f"says {facts.outcome} and {'a' if facts.signature else 'no'} signature")
    return facts

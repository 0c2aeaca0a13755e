"""What ran, by row and policy, from what llvm-cov says of each instantiation."""

import collections
import re

from reach.exceptions import HOSTED, LINES, SIZES
from shared.command import CannotWork

ROWS = ["SmallSinglePage", "SmallMultiPage", "Large"]
OF_SIZES = re.compile(r"slab/(size_classes|size_table|page_blocks|class_backend|class_names)\.hpp")
IN_ORDER = [f"{row} {policy}" for row in ROWS for policy in ("Checked", "Unchecked", "either")] + ["any", HOSTED, SIZES]
CODE_REGION = 0
KINDS = ("lines", "branches", "MC/DC")  # of what is counted


def group_of_header(file):
    """The group of what fuzz_hosted runs. None for the caches, which the other targets judge by row and policy."""
    return HOSTED if file.startswith("slab/hosted/") else SIZES if OF_SIZES.fullmatch(file) else None


def group_of(name):
    """The row and policy that an instantiation is of, from its demangled name, as far as it names them."""
    policy = re.search(r"HarnessPolicy<(true|false)", name)
    row = re.search(r"(?:RuntimeGeometry|SlabSupply|DynamicCache)<\(slab::Row\)(\d)", name)
    config = re.search(r"slab::Config\{(\d+)\w*, (\d+)\w*(?:, \(slab::ObjectSizeType\)(\d))?\}", name)
    if row:
        row = ROWS[int(row[1])]
    elif config:  # the last member is left out where it is 0
        row = ROWS[2 if config[3] == "1" else 0 if config[1] == config[2] else 1]
    if not row:
        if re.search("Cache<|CacheCore<|CacheSlabs<|CacheState<|FixedGeometry<", name):
            raise CannotWork(f"the row cannot be told from a function's name; group_of() must learn it: {name}")
        return "any"
    return f"{row} {'either' if not policy else 'Checked' if policy[1] == 'true' else 'Unchecked'}"


class Group:
    def __init__(self):
        self.regions = collections.Counter()   # (file, l1, c1, l2, c2) -> executions
        self.branches = collections.defaultdict(lambda: [0, 0])
        # (file, l1, c1, l2, c2) of a condition -> in how many instantiations MC/DC was shown, and in how many not
        self.pairs = collections.defaultdict(lambda: [0, 0])

    def add(self, function, files, decisions):
        """A function of llvm-cov, the headers that its file ids mean, and its decisions."""
        ends = {}
        for l1, c1, l2, c2, count, file_id, _, kind in function["regions"]:
            if kind == CODE_REGION and files[file_id]:
                self.regions[files[file_id], l1, c1, l2, c2] += count
        for l1, c1, l2, c2, taken, not_taken, file_id, *_ in function["branches"]:
            if files[file_id]:
                both = self.branches[files[file_id], l1, c1, l2, c2]
                both[0] += taken
                both[1] += not_taken
                ends[l1, c1] = max(ends.get((l1, c1), (0, 0)), (l2, c2))
        for line, column, is_shown in decisions:
            at = next(filter(None, files)), line, column, *ends[line, column]
            self.pairs[at][0 if is_shown else 1] += 1

    def lines(self):
        """Line -> whether it ran, as its innermost region says, and where that region begins."""
        innermost = {}
        outer_first = sorted(self.regions.items(), key=lambda item: (item[0][1:3], [-n for n in item[0][3:]]))
        for (file, l1, c1, l2, c2), count in outer_first:
            for line in range(l1, l2 + 1):
                innermost[file, line] = count > 0, l1
        return innermost


Missing = collections.namedtuple("Missing", "kind file line what why")


class Figures:
    """How much of a group ran, what did not, and why."""

    def __init__(self, name, group, sources):
        self.name = name
        lines = group.lines()
        # By kind: the line, the side of a branch or the condition.
        self.reached = {
            "lines": {at for at, (ran, _) in lines.items() if ran},
            "branches": {(at, side) for at, both in group.branches.items() for side, count in enumerate(both) if count},
            "MC/DC": {at for at, (shown, _) in group.pairs.items() if shown}}
        self.ran = {kind: len(self.reached[kind]) for kind in KINDS}
        self.missing = []
        for (file, line), (ran, begin) in lines.items():
            if not ran:
                self.miss("lines", file, line, "never ran", LINES.reason_for(sources.statement(file, begin), name))
        for at, both in group.branches.items():
            for side, count in zip(("true", "false"), both):
                if count == 0:
                    self.miss_condition("branches", sources, at, f"was never {side}")
        for at, (shown, _) in group.pairs.items():
            if not shown:
                self.miss_condition("MC/DC", sources, at, "was never shown to decide by itself")
        # Where each instantiation must show by itself what one of them has shown.
        self.shown = sum(shown for shown, _ in group.pairs.values())
        self.in_instantiations = self.shown + sum(not_shown for shown, not_shown in group.pairs.values() if shown)

    def miss(self, *what):
        self.missing.append(Missing(*what))

    def miss_condition(self, kind, sources, at, what):
        file, line, column, *_ = at
        condition = sources.text(*at)
        self.miss(kind, file, line, f"column {column}: {condition} {what}",
                  LINES.reason_for(sources.statement(file, line), self.name, condition))

    def lost(self):
        return [m for m in self.missing if not m.why]

    def reached_with(self, other, kind):
        """How much of what `other` reached."""
        return len(self.reached[kind] & other.reached[kind])

    def left_out(self, kind):
        return sum(m.kind == kind and m.why is not None for m in self.missing)

    def possible(self, kind):
        return self.ran[kind] + sum(m.kind == kind and m.why is None for m in self.missing)

"""The end of a run: the table, what was found, and a verdict that claims nothing about what did not run."""

from campaign.crashes.files import NOT_REPLAYED
from shared.text import clock, counted, number, shown_path, table

AGREED = {  # by what the inputs are
    "program": "the cache agreed with the model in {inputs} inputs, {operations} operations",
    "geometry": "Geometry::make agreed with exact arithmetic in {inputs} geometries",
    "text": "the parser of programs kept T1 to T3 in {inputs} texts",
    "hosted": "slab::hosted kept its promises in {inputs} inputs, {operations} operations",
    "any": "the allocator kept its promises in {inputs} inputs, {operations} operations",
}
SHOWN_PROBLEMS = 10


def show_table(targets, say):
    rows = [["target", "time", "inputs", "inputs/s", "operations", "crashes", "states", "cov", "ft", "corpus"]]
    for t in targets:
        inputs, operations = t.counts
        rows.append([t.name, clock(t.seconds), number(inputs), number(inputs / t.seconds if t.seconds else 0),
                     number(operations), t.crashes, t.states or None, *t.coverage])
    if any(t.seconds for t in targets):
        say("\n" + "\n".join(table(rows)))


def what_agreed(targets):
    """What to say about the targets that ran inputs, separately for each kind of input."""
    sentences = []
    for kind, words in AGREED.items():
        inputs, operations = (sum(t.counts[i] for t in targets if t.input == kind) for i in (0, 1))
        if inputs:
            sentences.append(words.format(inputs=number(inputs), operations=number(operations)))
    return "; ".join(sentences)


def what_was_found(crashes):
    known = sum(signature != NOT_REPLAYED for signature in crashes.defects)
    unknown = len(crashes.defects) - known and crashes.defects[NOT_REPLAYED].count
    return " and ".join(filter(None, [
        counted(known, "defect") if known else "",
        f"{counted(unknown, 'failing input')} not replayed yet" if unknown else ""]))


def conclude(targets, crashes, problems, stopped, say):
    """Prints the table and the verdict. Returns the exit code. `stopped` says by what, if it was."""
    show_table(targets, say)
    for defect in sorted(crashes.defects.values(), key=lambda d: -d.count):
        times = "once" if defect.count == 1 else f"{defect.count} times"
        say(f"\n{defect.signature}\n  met {times}; the smallest input: {crashes.command(defect.smallest)}")
        for what, file in crashes.made_of(defect.signature):
            say(f"  {what}: {shown_path(file)}")
    problems = [*problems, *crashes.not_replayed]
    for problem in problems[:SHOWN_PROBLEMS]:
        say(f"\n{problem}")
    if len(problems) > SHOWN_PROBLEMS:
        say(f"\n… and {len(problems) - SHOWN_PROBLEMS} more of the kind")
    inputs = number(sum(t.counts[0] for t in targets))
    early = f"Stopped early{f': {stopped}' if isinstance(stopped, str) else ''}. " if stopped else ""
    agreed = what_agreed(targets)
    if crashes.defects:
        where = f"in {inputs} inputs" if agreed else "before anything was fuzzed"
        say(f"\n{early}{what_was_found(crashes)} found {where}.")
        return 1
    if problems or not agreed:
        above = ": see above" if problems else ""
        say(f"\n{early}No defect found in {inputs} inputs, but the run could not do its work{above}.")
        return 2
    idle = [t.name for t in targets if not t.counts[0]]
    say(f"\n{early}Nothing wrong: {agreed}." + (f" Not fuzzed: {', '.join(idle)}." if idle else ""))
    return 0

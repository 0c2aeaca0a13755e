"""The page of --report, of ci/fuzz and ci/subject: what has been covered and found, from history.jsonl and crashes/
of the folder of a campaign."""

import json
import os
import pathlib
import re
import shlex
import sys
import urllib.parse

from campaign import out_format
from campaign.crashes.files import NOT_REPLAYED, beside, crashes_in, home_of, made_of, met, minimized
from campaign.history import MEANING, MOMENTS, SUMS, samples
from shared.files import write_whole
from shared.targets import ROOT, TARGETS
from shared.text import now, shown_path

PAGE = pathlib.Path(__file__).resolve().parent / "page.html"
REPLAY_PAGE = ROOT / "fuzz/replay/replay_page.html"
BEGIN, END = "// Both pages begin.\n", "// Both pages end.\n"  # in that page, around what this one shares
CHART = pathlib.Path("/usr/share/javascript/chart.js/chart.min.js")
POINTS = 400  # of a plot, which is not wider
TRACE_CHARACTERS = 20_000


def rates(of_one, window):
    """(inputs, operations) a second up to each sample, since the last one that is `window` seconds older, or None."""
    found = []
    for i, end in enumerate(of_one):
        begin = next((s for s in reversed(of_one[:i]) if s["seconds"] <= end["seconds"] - window), of_one[0])
        seconds = end["seconds"] - begin["seconds"]
        found.append([(end[name] - begin[name]) / seconds for name in SUMS[1:]] if seconds > 0 else None)
    return found[1:2] + found[1:] if len(found) > 1 else found


def last_new_coverage(of_one):
    """The time fuzzed when cov or ft last rose above all that the same build had reached before, or None."""
    best, last = {}, None
    for sample in of_one:
        for name in ("cov", "ft"):
            if sample[name] is not None and sample[name] > best.get((sample["build"], name), 0):
                best[sample["build"], name] = sample[name]
                last = sample["seconds"]
    return last


def thinned(of_one):
    step = max(1, -(-len(of_one) // POINTS))
    return [of_one[i] for i in range((len(of_one) - 1) % step, len(of_one), step)]


def with_most_states(of_one):
    """Each process counts the states that it sees itself; for a build the largest count so far is taken."""
    most, found = {}, []
    for sample in of_one:
        build = sample["build"]
        most[build] = max(filter(None, (most.get(build), sample["states"])), default=None)
        found.append({**sample, "states": most[build]})
    return found


def made_from(sample):
    """Commit and compiler of a build, in words; earlier versions noted neither."""
    words = [f"commit {sample['commit']}" if isinstance(sample.get("commit"), str) else "", sample.get("compiler")]
    return ", ".join(word for word in words if isinstance(word, str) and word)


def section(key, of_one):
    of_one = with_most_states(of_one)
    end, last = of_one[-1], last_new_coverage(of_one)
    shown = thinned(of_one)
    return {
        "target": key.target, "engine": key.engine, "time": end["time"], "made_from": made_from(end),
        "seconds": end["seconds"], "inputs": end["inputs"], "operations": end["operations"],
        "rates": rates(of_one[-30:], 10)[-1],
        "since_new": None if last is None else round(end["seconds"] - last, 1),
        **{name: next((s[name] for s in reversed(of_one) if s[name] is not None), None) for name in MOMENTS},
        "samples": [{"seconds": s["seconds"], "rates": r, **{name: s[name] for name in MOMENTS}}
                    for s, r in zip(shown, rates(shown, 2))],
    }


def by_ci_replay(path):
    return f"ci/replay {shlex.quote(os.path.relpath(path, ROOT) if path.is_relative_to(ROOT) else str(path))}"


def card(signature, crashes, folder, again):
    home = home_of(crashes).path
    files = dict(made_of(home))
    facts = minimized(home)
    best = files.get("minimized") or min(crashes, key=lambda c: c.size).path
    times, first_seen, engines, targets = met(crashes)
    trace = ""
    for source in (files.get("trace"), beside(home, ".txt")):
        try:
            trace = trace or (source.read_text(errors="replace") if source else "")
        except OSError:
            pass
    # Facts of the program that is shown, whose steps have other numbers than the input's.
    replayed = (c.facts for c in (home_of(crashes), *crashes) if c.facts and c.facts.failed)
    known = facts.get("facts") or next(replayed, None)
    if len(trace) > TRACE_CHARACTERS:
        trace = trace[:TRACE_CHARACTERS] + f"\n… {len(trace) - TRACE_CHARACTERS} characters more"
    links = {what: file for what, file in files.items() if what != "minimized"}
    if beside(home, ".txt").exists():
        links["report"] = beside(home, ".txt")
    return {
        "signature": signature, "times": times, "files": len(crashes), "bytes": best.stat().st_size,
        **{name: facts.get(name) for name in ("operations", "inputs", "before")},
        "finished": facts.get("finished", False), "first_seen": first_seen, "target": targets, "engine": engines,
        "trace": trace, "sentence": known.sentence if known else "", "frames": known.frames if known else [],
        "expected": known and known.expected, "observed": known and known.observed,
        "passes": all(c.facts and c.facts.outcome == "agreed" for c in crashes),
        "again": again(best),
        "links": {what: urllib.parse.quote(os.fsencode(os.path.relpath(file, folder))) for what, file in links.items()},
    }


def group_of(crash):
    if crash.signature:
        return crash.signature
    return "passes: nothing is wrong with it on the build that replayed it" if crash.facts else NOT_REPLAYED


def facts_of(out, signals, again=by_ci_replay):
    (history, useless), (crashes, sentences) = samples(out / "history.jsonl"), crashes_in(out / "crashes")
    signals.check("the report was made; it was not written")
    groups = {}
    for crash in crashes:
        groups.setdefault(group_of(crash), []).append(crash)
    order = [*TARGETS, *sorted({key.target for key in history} - set(TARGETS))]
    return {
        "written": now(),
        "meaning": MEANING,
        "sections": [section(key, history[key])
                     for key in sorted(history, key=lambda key: (order.index(key.target), key.engine))],
        "crashes": [card(signature, of_one, out, again) for signature, of_one in sorted(groups.items())],
        "sentences": [*sentences, *useless],
    }


def embedded(text):
    """JSON inside a script element: no character of it ends the element or begins another."""
    return text.translate({ord(character): f"\\u{ord(character):04x}" for character in "&<>\u2028\u2029"})


def shared_script():
    """What both pages make their elements with."""
    page = REPLAY_PAGE.read_text()
    return page[page.index(BEGIN) + len(BEGIN):page.index(END)]


def write_report(out, command, signals, again=by_ci_replay):
    """Writes report.html into the folder of a run, under way or not. `again` says how a file is run again. Returns the
    exit code."""
    try:
        chart = CHART.read_text()
    except OSError:
        print(f"{command}: the plots need Chart.js: install libjs-chart.js (ci/setup)", file=sys.stderr)
        return 2
    out_format.check(out)
    if not out.exists():
        print(f"{command}: there is no {shown_path(out)} yet: nothing has been fuzzed", file=sys.stderr)
        return 2
    facts = facts_of(out, signals, again)
    try:
        parts = {"@CHART@": chart.replace("</script", "<\\/script"), "@FACTS@": embedded(json.dumps(facts)),
                 "@MAKE@": shared_script()}
        write_whole(out / "report.html", re.sub("@[A-Z]+@", lambda place: parts[place[0]], PAGE.read_text()))
    except OSError as error:
        print(f"{command}: the report cannot be written: {error}", file=sys.stderr)
        return 2
    print("\n".join([*facts["sentences"], f"written: {shown_path(out / 'report.html')}"]))
    return 0

"""What --as-test and --html make of the failures that subjects_test.py found."""

import json
import os
import pathlib
import re
import subprocess

HISTORY = re.compile(r'<script type="application/json" id="history">(.*?)</script>', re.DOTALL)
INCLUDE = re.compile(r'^#include (?:<.*>|"[a-z].*")$', re.MULTILINE)
SECONDS = 60  # for one test
# Of these the test has the text of the adapter: it is no file of a user's.
WRITTEN_BY_CI = {"written"}


def run(words, cwd, **environment):
    return subprocess.run([str(word) for word in words], cwd=cwd, timeout=SECONDS, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", errors="replace",
                          env={**os.environ, **environment})


def mended(adapter):
    """An adapter without its mistake, or nothing where the mistake is not ours."""
    text = re.sub(r"Mistake::\w+>\);", "Mistake::None>);", adapter)
    text = text.replace("if (++frees_ % 3 == 0) return;", "++frees_;").replace("alignas(16)", "alignas(32)")
    return text if text != adapter else None


class Made:
    """The test of one failure."""

    def __init__(self, binary, name, folder, **environment):
        trace, = (folder / name).glob("*.trace")
        named = folder / f"{name}.trace"  # the test is called after its file
        named.write_bytes(trace.read_bytes())
        test, again = folder / f"{name}.cpp", folder / f"{name}.again"
        self.name, self.problems = name, []
        made = run([binary, "--as-test", "--output", test, named], folder, **environment)
        read = run([binary, "--quiet", "--write-trace", again, test], folder, **environment)
        if made.returncode != 1 or read.returncode != 1 or again.read_bytes() != trace.read_bytes():
            self.problems = [f"{name}: --as-test ends with {made.returncode}; what it wrote is read as\n{read.stdout}"]
        self.text = test.read_text() if test.exists() else ""
        self.sign = {"violated": r"\b{}: ", "died": "(AddressSanitizer|runtime error): ", "hung": None}
        kind, invariant = re.search(r"^// (violated|died|hung) ?(\w*) ", self.text, re.MULTILINE).groups()
        self.sign = self.sign[kind] and self.sign[kind].format(invariant)
        found = re.search(r'^#include "(/.*)"$', self.text, re.MULTILINE)
        self.adapter = pathlib.Path(found[1]) if found else None
        if (name in WRITTEN_BY_CI) == bool(found) or (found and not self.adapter.is_file()):
            self.problems.append(f"{name}: its test has {self.adapter} in it")

    def without_mistake(self, folder):
        """The same test on the mended allocator, or nothing."""
        text = self.adapter and mended(self.adapter.read_text())
        if not text:
            return None
        other = folder / f"{self.name}_mended.cpp"
        other.write_text(text)
        return self.text.replace(str(self.adapter), str(other))

    def problems_of(self, program, folder):
        done = run([program, f"--gtest_filter=*.{self.test}"], folder)
        said, ran = done.stdout, "1 test from 1 test suite" in done.stdout
        if done.returncode == 0 or not ran or (self.sign and not re.search(self.sign, said)):
            yield f"{self.name}: its test ends with {done.returncode}, and {self.sign} is not said:\n{said[-3000:]}"

    def problems_of_commands(self, folder, but=("", ""), agrees=False):
        """The commands in its head are run, in which one word may be replaced by another."""
        head = self.text[self.text.index("\n") + 1:].partition("\n//\n")[0]
        commands = re.sub("^// ", "", head, flags=re.MULTILINE).replace(*but)
        place = folder / f"{self.name}_commands{'_mended' if agrees else ''}"
        place.mkdir()
        done = run(["sh", "-c", commands], place)
        said = re.search(r"PASSED  \] 1 test" if agrees else self.sign, done.stdout)
        if (done.returncode == 0) != agrees or not said:
            yield f"{self.name}: this ends with {done.returncode}:\n{commands}\n{done.stdout[-3000:]}"

    @property
    def test(self):
        return re.search(r"^TEST\(Regression, (\w+)\)", self.text, re.MULTILINE)[1]


def compiling(texts, program, compiler):
    """All tests in one program, each in a namespace of its own. Returns the compiler, which is under way."""
    headers = set(INCLUDE.findall("\n".join(texts)))
    for adapter in re.findall(r'^#include "(/.*)"$', "\n".join(texts), re.MULTILINE):
        headers |= set(INCLUDE.findall(pathlib.Path(adapter).read_text()))
    parts = [f"namespace test_{i} {{\n{text}}}" for i, text in enumerate(texts)]
    source = program.with_suffix(".cpp")
    source.write_text("\n".join(["#define SLABPROOF_IN_A_TEST", *sorted(headers), *parts, ""]))
    head = texts[0].partition("slabproof trace")[0]
    folders = [f"-I{path}" for path in re.findall(r" (?:-I|-isystem )(\S+)", head)]
    return subprocess.Popen([compiler, "-O0", "-std=c++20", "-Wall", "-Wextra", "-Werror",
                             "-fsanitize=address,undefined", "-fno-sanitize-recover=all", *folders, source, "-o",
                             program, "-lgtest", "-lgtest_main"],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def problems_of_tests(names, build, folder, compiler, pool):
    """Each test fails as its program does, and passes on the allocator without its mistake."""
    made = list(pool.map(lambda name: Made(build / f"{name}_replay", name, folder), names))
    problems = sum((one.problems for one in made), [])
    others = [text for text in (one.without_mistake(folder) for one in made) if text]
    programs = folder / "failing_tests", folder / "passing_tests"
    compilers = [compiling(texts, program, compiler) for texts, program in
                 zip(([one.text for one in made], others), programs)]
    for process in compilers:
        said, _ = process.communicate()
        if process.returncode != 0:
            return [*problems, f"the tests do not compile:\n{said[-4000:]}"]
    for found in pool.map(lambda one: list(one.problems_of(programs[0], folder)), made):
        problems += found
    done = run([programs[1]], folder)
    if done.returncode != 0 or f"PASSED  ] {len(others)} tests" not in done.stdout or len(others) < len(made) - 3:
        problems.append(f"{len(others)} tests on allocators without a mistake:\n{done.stdout[-3000:]}")
    return problems


def problems_of_settings(names, build, folder):
    """Of a project that tells its compiler much: the commands in the head of a test are those by which its subject was
    compiled, and it fails and passes as it must."""
    for name in names:
        made = Made(build / "settings" / f"{name}_replay", name, folder)
        yield from made.problems or made.problems_of_commands(folder)
        if text := made.without_mistake(folder):
            (folder / f"{name}.cpp").write_text(text)
            yield from made.problems_of_commands(folder, agrees=True)
        else:
            yield f"{name}: its test has {made.adapter} in it, which has no mistake"
    yield from problems_of_unknown(name, build / "settings", folder)


def problems_of_unknown(name, build, folder):
    """No test says what is not known: how the subject was compiled."""
    kept, other = build / f"{name}_compiled.json", build / f"{name}_kept.json"
    kept.rename(other)
    try:
        for text, words in ((None, "would stand in "), (other.read_text().replace(".cc.o", ".o"), "is not in ")):
            if text:
                kept.write_text(text)
            done = run([build / f"{name}_replay", "--as-test", folder / f"{name}.trace"], folder)
            if done.returncode != 2 or words not in done.stdout or "TEST(" in done.stdout:
                yield f"{name}, compiled nobody knows how: --as-test ends with {done.returncode}:\n{done.stdout}"
    finally:
        other.rename(kept)


def states(history):
    """What is drawn after each step: steps have what changed."""
    drawn = {}
    for step in history["steps"]:
        drawn |= step["slabs"]
        drawn = {name: block for name, block in drawn.items() if block}
        yield step, drawn


def problems_of_state(name, step, drawn, takes_memory):
    """The parts of a block follow one another and fill it, and what is drawn adds up to what is counted."""
    objects, live, taken = 0, 0, 0
    for block in (block for block in drawn.values() if "rejected" not in block):
        ends = [part[0] + part[1] for part in block["parts"]]
        if [part[0] for part in block["parts"]] != [0, *ends[:-1]] or ends[-1] != block["size"]:
            yield f"{name}: after {step['name']} a block has other parts than it is large: {block}"
        own = [part for part in block["parts"] if part[2] == "#"]
        objects, live = objects + len(own), live + sum(part[1] for part in own)
        taken += 0 if block.get("own") or block.get("foreign") else block["size"]
    sums = [sum(counts[i] for counts in step["caches"]) for i in range(5)]
    if [objects, live, taken] != [sums[0], sums[1], sums[3]] or (not takes_memory and taken):
        yield (f"{name}: after {step['name']} {objects} objects, {live} bytes and {taken} taken are drawn, of "
               f"{step['caches']}")


def problems_of_page(binary, name, folder):
    """The page of a failure goes through its program, and speaks of no slab."""
    trace, page = folder / f"{name}.trace", folder / f"{name}.html"
    done = run([binary, "--html", "--output", page, trace], folder)
    found = HISTORY.search(page.read_text()) if page.exists() else None
    if done.returncode != 1 or not found:
        return [f"{name}: --html ends with {done.returncode}:\n{done.stdout}"]
    history = json.loads(found[1])
    verdict, steps = history["verdict"], history["steps"]
    problems = [] if f"signature: {verdict['signature']}\n" in done.stdout else [f"{name}: {verdict} on its page"]
    names = [line for line in trace.read_text().splitlines() if not re.match("slabproof|backend|pool|heap", line)]
    shown = verdict["step"] + (verdict["kind"] == "violated")
    if [step["name"] for step in steps][1:1 + len(names)] != names[:shown] or history["trace"] != trace.read_text():
        problems.append(f"{name}: its page goes through {[step['name'] for step in steps]}")
    words = re.sub(r'"(caches?|slabs)":|slabproof', "", found[1].replace(history["verdict"]["report"], ""))
    if said := re.findall(r".{30}\b(?:slab|cache)\w*.{30}", words):
        problems.append(f"{name}: its page speaks of {said[:3]}")
    calls = [call for step in steps for call in step["calls"]]
    if calls and not history["takes_memory"]:
        problems.append(f"{name}: its page has {len(calls)} calls for memory")
    answered = verdict["invariant"] in ("G6", "G8", "G11", "L4") and verdict["kind"] == "violated"
    if answered != ("rejected" in steps[-1]["slabs"]) or any("rejected" in step["slabs"] for step in steps[:-1]):
        problems.append(f"{name}: its page shows {steps[-1]['slabs'].get('rejected')}, of which {verdict['sentence']}")
    for step, drawn in states(history):
        problems += problems_of_state(name, step, drawn, history["takes_memory"])
    return problems


def problems_of_pages(names, build, folder, pool):
    pages = pool.map(lambda name: problems_of_page(build / f"{name}_replay", name, folder), names)
    return sum(pages, [])

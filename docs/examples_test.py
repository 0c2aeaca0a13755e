#!/usr/bin/env python3
"""The examples of README.md and docs/*.md: what can be run gives what is shown there, and the commands of ci/ have the
options that they are shown with.
usage: examples_test.py SLAB_REPLAY_PLANTED"""

import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:1] = [str(ROOT / "ci"), str(ROOT / "fuzz")]
from campaign.engines.record import chain_of
from planted import bugs as planted_bugs

# Which planted bug the cache has in a page's runs of the replay tool, one after the other.
BUGS = {
    "README.md": ["", "double_free_misnamed", "double_free_accepted"],
    "crashes.md": ["shrink_keeps_reserve", "shrink_keeps_reserve"],
}


def blocks(page):
    return re.findall(r"^```\w*\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def commands(block):
    """(command, here document, output) of each command after a $."""
    lines, found = block.splitlines(), []
    while lines:
        line = lines.pop(0)
        if not line.startswith("$ "):
            if found:
                found[-1][2].append(line)
            continue
        document = []
        if end := re.search(r"<<'(\w+)'$", line):
            while (text := lines.pop(0)) != end[1]:
                document.append(text)
        found.append((line[2:], document, []))
    return found


def help_of(words, known={}):
    if words not in known:
        done = subprocess.run([ROOT / words[0], *words[1:], "--help"], text=True, capture_output=True)
        known[words] = " ".join(done.stdout.split())
    return known[words]


def command_problems(name, page):
    """Every command of ci/ that a page names is there, and tells of the options that it is shown with."""
    shown = re.findall(r"^(?:\$ )?(ci/[^\n#]+)", "\n".join(blocks(page)),
                       re.MULTILINE) + re.findall(r"`(ci/[^`]+)`", page)
    problems = []
    for line in shown:
        command = re.match(r"ci/[\w.-]+", line)
        if not command or not (ROOT / command[0]).exists():
            problems.append(f"{name}: {line}: there is no such command")
            continue
        words = (command[0],)
        for option in re.findall(r"(?<!\S)--[a-z][\w-]*", line):
            if option not in help_of(words):
                problems.append(f"{name}: {line}: {' '.join(words)} --help says nothing of {option}")
            elif f"{' '.join(words)} {option} --help more" in help_of(words):  # it has options of its own
                words = (*words, option)
    return problems


def comparable(lines):
    """Without what an edit of the allocator, the compiler or the time changes: lines of the source and seconds."""
    return [re.sub(r"\.([hc]pp):\d+", r".\1:N", line) for line in lines if line.strip()]


def is_shown(expected, observed):
    """Whether these lines are the observed ones; … stands for any."""
    expected, observed = comparable(expected), comparable(observed)
    parts = [part.strip("\n").split("\n") for part in re.split(r"^…$", "\n".join(expected), flags=re.MULTILINE)]
    at = 0
    for i, part in enumerate(parts):
        if part == [""]:
            continue
        places = [p for p in range(at, len(observed) - len(part) + 1) if observed[p:p + len(part)] == part]
        if not places or (i == 0 and places[0] != 0):
            return False
        at = places[0] + len(part)
    return parts[-1] == [""] or at == len(observed)


def minimized(replay, file, output):
    """Makes the file that a page shows the minimizer writing, since the input is not there. Returns what a replay of it
    is to say, and the environment that it fails in when it is a chain, of inputs that are all the same."""
    trace = [line for line in output if re.match(r"slabproof |backend |cache |#|[a-z_]+ [#cb]\d", line)]
    text = pathlib.Path(f"{file}.min.trace")
    text.write_text("\n".join(trace) + "\n")
    environment = {}
    if times := re.search(r"^input 1, run ([\d,]+) times:$", "\n".join(output), re.MULTILINE):
        number = int(times[1].replace(",", ""))
        subprocess.run([replay, "--quiet", "--write-bytes", f"{file}.bytes", text], check=True, capture_output=True)
        pathlib.Path(f"{file}.min").write_bytes(
            chain_of("program", [pathlib.Path(f"{file}.bytes").read_bytes()] * number))
        environment = {"SLAB_PLANTED_FREE": str(number)}
    return verdict_in(output), environment


def verdict_in(lines):
    return [line for line in lines if re.match("verdict|signature", line)]


def run_problems(replay, name, page, folder):
    """What the replay tool says of the programs of a page."""
    problems, bugs = [], iter(BUGS.get(name, []))
    for command, document, output in (c for block in blocks(page) for c in commands(block)):
        words = shlex.split(command.partition("#")[0])
        if words[0] == "cat" and words[1].startswith(">"):
            (folder / words[1][1:]).write_text("\n".join(document) + "\n")
            continue
        if words[0] != "ci/replay" or not output:
            continue
        file, planted = folder / pathlib.Path(words[-1]).name, {}
        options = [word for word in words[1:] if word.startswith("--")]
        if minimizes := "--minimize" in options:
            output, planted = minimized(replay, file, output)
            file, options = file.with_name(file.name + ".min"), ["--quiet"]
        if not file.exists():
            file = file.with_name(f"{file.name}.trace")
        bug = "" if planted else next(bugs, None)
        if bug is None or not file.exists():
            problems.append(f"{name}: {command}: its file or its bug is not known")
            continue
        environment = planted_bugs.environment(planted_bugs.NUMBERS[bug] if bug else 0) | planted
        done = subprocess.run([replay, *options, file], env=environment, text=True, capture_output=True)
        said = done.stdout.splitlines()
        if minimizes:
            said = verdict_in(said)
        if "--as-test" in options:  # the case is shown without the namespace that it ends
            said = said[:-1]
        if not is_shown(output, said):
            problems.append(f"{name}: {command} on a cache with {bug or planted or 'no bug'}: expected\n"
                            + "\n".join(output) + "\nobserved\n" + "\n".join(said) + done.stderr)
    return problems + [f"{name}: a cache with {bug} is not shown" for bug in bugs]


def program_problems(replay, name, page, folder):
    """Every whole program that is shown is one, and a correct cache agrees with it."""
    problems = []
    for n, text in enumerate(
        re.findall(r"^(?:// [^\n]*\n)*slabproof trace 1\n(?:(?:backend|cache|#\d|[a-z_]+ [#cb]\d)[^\n]*\n)*", page,
                   re.MULTILINE)):
        if "cache c0" not in text:
            continue
        program = folder / f"{name}-{n}.trace"
        program.write_text(text)
        result = subprocess.run([replay, "--quiet", program], env=planted_bugs.environment(0), text=True,
                                capture_output=True)
        if result.returncode != 0 or result.stdout != "verdict: agreed\n":
            problems.append(f"{name}: this program: {result.stdout}{result.stderr}\n{text}")
    return problems


def main():
    problems, pages = [], [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    with tempfile.TemporaryDirectory() as folder:
        for file in pages:
            page = file.read_text()
            problems += command_problems(file.name, page)
            problems += run_problems(sys.argv[1], file.name, page, pathlib.Path(folder))
            problems += program_problems(sys.argv[1], file.name, page, pathlib.Path(folder))
    print("\n".join(problems) or f"{len(pages)} pages, nothing wrong")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Every command in ci/ answers --help with exit 0, an option that it does not know with exit 2 and its own name; a
signal that comes while Python starts with exit 2, and a mistake of its own too.

exit: 0 all do, 1 some do not"""

import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
from shared import command
from shared.targets import ROOT

def run(path, argument, stdout=subprocess.PIPE):
    """For a minute at most, since nothing has to be built for this."""
    return subprocess.run([path, argument], stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE, text=True,
                          timeout=60)


def problems_of(path):
    name = str(path.relative_to(ROOT))
    helped, wrong = run(path, "--help"), run(path, "--nonsense")
    with open("/dev/full", "w") as nowhere:
        unheard = {">/dev/full": run(path, "--help", nowhere)}
    unheard[">&-"] = subprocess.run(["sh", "-c", 'exec "$0" --help >&-', path], stdin=subprocess.DEVNULL,
                                    stderr=subprocess.PIPE, text=True, timeout=60)
    if helped.returncode != 0 or f"usage: {name}" not in helped.stdout or helped.stderr:
        yield f"{name} --help ends with {helped.returncode} and {(helped.stdout + helped.stderr)[:200]!r}"
    if "exit: 0" not in helped.stdout and "exit: the command's" not in helped.stdout:
        yield f"{name} --help tells no exit codes"
    if wrong.returncode != 2 or name not in wrong.stderr or wrong.stdout or "Traceback" in wrong.stderr:
        yield f"{name} --nonsense ends with {wrong.returncode} and {(wrong.stdout + wrong.stderr)[:200]!r}"
    for where, done in unheard.items():  # 1 would say that something is wrong with the cache
        if done.returncode != 2 or "Traceback" in done.stderr or not done.stderr:
            yield f"{name} --help {where} ends with {done.returncode} and {done.stderr[:200]!r}"


def starts_python(path):
    return not path.suffix and re.search(r"^(#!|exec ).*python3", path.read_text(), re.MULTILINE)


def signal_while_python_starts(commands):
    """Is heard by each that Python runs: it ends with 2 and says so. Without it, each would do more than say its help.
    """
    with tempfile.TemporaryDirectory() as folder:
        harmless = {"bench": ["--output", f"{folder}/measured"], "environments": ["nobody", "true"],
                    "coverage": ["--exceptions"]}
        python = pathlib.Path(folder) / "python3"
        for path in filter(starts_python, commands):
            for name in ("INT", "TERM", "HUP") if path.name in ("triage", "coverage") else ("INT",):
                python.write_text(f'#!/bin/sh\nkill -{name} $$\nexec {shlex.quote(sys.executable)} "$@"\n')
                python.chmod(0o755)
                done = subprocess.run([path, *harmless.get(path.name, ())], stdin=subprocess.DEVNULL,
                                      capture_output=True, text=True, timeout=60,
                                      env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"})
                if done.returncode != 2 or "stopped by a signal" not in done.stderr or "Traceback" in done.stderr:
                    yield (f"{path.relative_to(ROOT)} ends with {done.returncode} of SIG{name} while Python starts: "
                           f"{done.stderr[:200]!r}")


def mistake():
    """Of a command itself is no defect that it has found."""
    done = subprocess.run([sys.executable, "-B", "-c", "import sys; from shared import command; "
                           "sys.exit(command.run(lambda: [][0], 'ci/mistaken'))"], cwd=ROOT / "ci",
                          stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode != 2 or "IndexError" not in done.stderr or "ci/mistaken: it went wrong" not in done.stderr:
        yield f"a command with a mistake ends with {done.returncode} and {done.stderr[-200:]!r}"


def main():
    command.parser("ci/commands_test.py", __doc__).parse_args()
    commands = sorted(path for path in (ROOT / "ci").iterdir() if path.is_file() and os.access(path, os.X_OK))
    problems = [problem for path in commands for problem in problems_of(path)]
    problems += [*signal_while_python_starts(commands), *mistake()]
    print("\n".join(problems) or f"nothing wrong with {len(commands)} commands")
    return 1 if problems or not commands else 0


if __name__ == "__main__":
    sys.exit(command.run(main, "ci/commands_test.py"))

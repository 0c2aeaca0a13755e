"""Builds what a command runs, before it needs it."""

import re
import subprocess

from shared import child_process
from shared.command import CannotWork
from shared.targets import BUILD, ROOT
from shared.text import shown_path

RUN = [ROOT / "ci" / "with_sanitizers"]


def build(wanted, signals, setup=()):
    """Makes the binaries of `wanted`, which are names by preset. `setup` is what ci/setup is to install besides."""
    builds = ([ROOT / "ci" / "build", preset, *binaries] for preset, binaries in wanted.items())
    commands = [[ROOT / "ci" / "setup", *setup], *builds]
    for command in commands:
        code, _ = child_process.run(command, signals)
        signals.check("it was built; nothing was done")
        if code != 0:
            raise CannotWork("nothing was done; the reason is above")
    for preset, binaries in wanted.items():
        for name in binaries:
            if not (BUILD / preset / "bin" / name).exists():
                raise CannotWork(f"the build of preset {preset} left no {shown_path(BUILD / preset / 'bin' / name)}; "
                                 "mend fuzz/CMakeLists.txt")


def made_from(folder):
    """{commit, compiler} of a build that was just made; what is not known is left out. A changed tree ends in "+"."""
    found = {}
    said = _said(["git", "-C", ROOT, "rev-parse", "--short=10", "HEAD"])
    if said:
        found["commit"] = said + ("+" if _said(["git", "-C", ROOT, "status", "--porcelain"]) else "")
    for file in sorted((folder / "CMakeFiles").glob("*/CMakeCXXCompiler.cmake")):
        text = file.read_text(errors="replace")
        values = dict(re.findall(r'^set\(CMAKE_CXX_COMPILER_(ID|VERSION) "([^"]+)"\)', text, re.MULTILINE))
        if len(values) == 2:
            found["compiler"] = f"{values['ID']} {values['VERSION']}"
    return found


def _said(command):
    """What a program answers in a line; nothing if it does not."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""

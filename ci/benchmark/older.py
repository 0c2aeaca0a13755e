"""An older tree, unpacked and built below the build folder, to be measured beside this one in the same run."""

import pathlib
import shutil
import subprocess

from shared import child_process
from shared.command import CannotWork
from shared.targets import BUILD, ROOT
from shared.text import shown_path


def commit_of(name):
    said = subprocess.run(["git", "-C", ROOT, "rev-parse", "--verify", "--quiet", "--short=10", f"{name}^{{commit}}"],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    if said.returncode != 0:
        raise CannotWork(f"--old {name}: there is no such commit here")
    return said.stdout.strip()


def unpack(commit):
    """The folder with the commit's tree. What is there already is taken: a commit does not change."""
    tree = BUILD / "bench" / "older" / commit  # in a folder of CMake, where nobody looks for sources
    if tree.exists():
        return tree
    unfinished = tree.with_name(f"{commit}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    archive = subprocess.Popen(["git", "-C", ROOT, "archive", commit], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    unpacked = subprocess.run(["tar", "-x", "-C", unfinished], stdin=archive.stdout)
    archive.stdout.close()
    if archive.wait() != 0 or unpacked.returncode != 0:
        raise CannotWork(f"commit {commit} could not be unpacked into {shown_path(unfinished)}")
    unfinished.rename(tree)
    return tree


def build(tree, preset, targets, signals):
    """Builds binaries in the older tree, with its own presets. Returns their folder."""
    log = pathlib.Path(tree) / f"build-{preset}.log"
    commands = [["cmake", "--preset", preset, "-DSLAB_BENCH=ON"],
                ["cmake", "--build", "--preset", preset, "--target", *targets]]
    with open(log, "wb") as said:
        for command in commands:
            code, _ = child_process.run(command, signals, cwd=tree, stdout=said, stderr=said)
            signals.check("the older tree was built; nothing was measured")
            if code != 0:
                raise CannotWork(f"the older tree could not be built; {shown_path(log)} says why")
    return tree / "build" / preset / "bin"

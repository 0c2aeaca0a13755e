"""The checks that look for a mutant, the fastest first, and how one of them ends."""

import collections
import os
import re
import resource
import signal
import subprocess
import tempfile
import time

from shared.targets import ROOT

# `of`: which headers it looks at. `seconds`: what it takes without a mutant, at most.
Check = collections.namedtuple("Check", "name program words of")
# `how`: killed, hung or passed; `what`: the signature, or what there is to say in its place.
End = collections.namedtuple("End", "how what seconds")

ROWS = ("SmallSinglePage", "SmallMultiPage", "Large")
CORE = re.compile(r"allocator/include/slab/(?!locked|operator_new|size_|class_|page_blocks|exact)")
SIZES = re.compile(r"allocator/include/slab/(?!locked|operator_new)")
LOCKED = re.compile(r"allocator/include/slab/(?!operator_new|size_|class_|page_blocks|exact)")
ANY = re.compile("")
MEMORY = 3 << 30  # bytes of address space


def corpus(*folders):
    return [str(path) for folder in folders for path in sorted((ROOT / "corpus" / folder).rglob("*"))
            if path.is_file() and path.suffix != ".md"]


def battery():
    tiny = ["--objects", "2", "--slabs", "2", "--memory", "0.5"]
    quick = ["--quick", "--memory", "0.5"]
    first = [*tiny, "--mishaps", "none", "--kept", "1", "--policy", "Checked"]
    checks = [Check(f"explorer, Checked {row}", "slab_explore", [*first, "--row", row], CORE) for row in ROWS]
    checks += [Check(f"explorer, {row}", "slab_explore", [*tiny, "--row", row], CORE) for row in ROWS]
    checks += [
        Check("random programs", "slab_replay", ["--random", "100", "--budget", "0.01"], CORE),
        Check("regressions", "slab_replay", ["--json", *corpus("regressions")], CORE),
        Check("random programs of sizes", "sizes_replay", ["--random", "200", "--budget", "0.01"], SIZES),
        Check("random programs of hosted", "hosted_replay", ["--random", "200", "--budget", "0.01"], ANY),
        Check("every order of Locked", "locked_explore", [], LOCKED),
        Check("damage", "slab_damage", ["--quick"], CORE),
        *(Check(f"explorer, quick, {row}", "slab_explore", [*quick, "--row", row], CORE) for row in ROWS),
        Check("tests of the allocator", "allocator_test", ["--gtest_brief=1"], ANY),
        Check("RapidCheck", "state_machine_test", ["--gtest_brief=1", "--gtest_fail_fast"], CORE),
        Check("corpus", "slab_replay", ["--json", *corpus("fuzz_small_single_page", "fuzz_small_multi_page",
                                                          "fuzz_large")], CORE),
        Check("every state of hosted", "hosted_explore", ["--sizes", "4096,8192,16384", "--aligns", "4096", "--live",
                                                          "1"], ANY),
        Check("corpus of hosted", "hosted_replay", ["--json", *corpus("fuzz_hosted")], ANY),
    ]
    return checks


def run(check, program, number, limit, reached=None):
    """Runs it with one mutant, for `limit` seconds of this machine's time at most."""
    environment = {**os.environ, "SLAB_MUTANT": str(number), "RC_PARAMS": "seed=1 noshrink=1",
                   "SLABPROOF_SEED": "1", "ASAN_OPTIONS": "detect_leaks=0"}
    environment.pop("SLAB_REACHED", None)
    if reached:
        environment["SLAB_REACHED"] = str(reached)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as out:
        process = subprocess.Popen([program, *check.words], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                                   stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
                                   preexec_fn=lambda: limits(limit))
        try:
            code = process.wait(limit)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            end_group(process)
        out.seek(0)
        said = out.read(1 << 20).decode(errors="replace")
    seconds = time.monotonic() - began
    if code == 0:
        return End("passed", "", seconds)
    if code is None or code == -signal.SIGXCPU:
        return End("hung", f"not done after {limit:.0f} s", seconds)
    return End("killed", told(said, code), seconds)


def limits(seconds):
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 << 20, 64 << 20))


def end_group(process):
    """With what it has started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def told(said, code):
    """The signature of what was found, or the best there is in its place."""
    for pattern in (r"^signature: (.+)$", r'"signature": ?"([^"]+)"', r"^\[  FAILED  \] ([\w./]+)",
                    r"violated (\w+)", r"^(slab: .+)$"):
        if found := re.search(pattern, said, re.MULTILINE):
            return found[1]
    lines = said.strip().splitlines()
    how = f"signal {-code}" if code < 0 else f"exit {code}"
    return f"{how}: {lines[-1][:100]}" if lines else how

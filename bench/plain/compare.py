#!/usr/bin/env python3
"""Finds each broken allocator of examples/subjects/broken/ with plain RapidCheck, with plain libFuzzer, and with this
harness: after how many programs, in how many seconds, and how many operations are left of what is shown. Prints the
table of docs/subjects.md. Needs the folder in which examples/subjects/ is built (subjects_test.py)."""

import pathlib
import re
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BROKEN = ROOT / "examples" / "subjects" / "broken"
FLAGS = ["-std=c++20", "-O2", "-g1", "-w", "-fno-omit-frame-pointer", f"-I{HERE}", f"-I{ROOT}", f"-I{BROKEN.parent}",
         f"-I{ROOT}/allocator/include", f"-I{ROOT}/allocator/hosted", "-fno-sanitize-recover=all"]
PATIENCE = 60  # seconds, after which nothing was found


def compiled(source, name, folder, *flags):
    program = folder / f"{name}_{source.removesuffix('.cpp')}"
    subprocess.run(["clang++-19", *FLAGS, "-include", BROKEN / f"{name}.cpp", HERE / source, "-o", program, *flags],
                   check=True)
    return program


def timed(words, folder, **environment):
    """The output, the seconds, and the exit status, None where patience was lost."""
    began = time.monotonic()
    process = subprocess.Popen([str(word) for word in words], cwd=folder, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, env={"PATH": "/usr/bin:/bin", **environment})
    try:
        output, code = process.communicate(timeout=PATIENCE)[0], process.returncode
    except subprocess.TimeoutExpired:
        process.kill()
        output, code = process.communicate()[0], None
    return output.decode(errors="replace"), time.monotonic() - began, code


def of_rapidcheck(name, folder):
    program = compiled("rapidcheck_test.cpp", name, folder, "-fsanitize=address,undefined", "-lrapidcheck")
    said, seconds, code = timed([program], folder, RC_PARAMS="seed=1 max_success=20000")
    runs = re.findall(r"program (\d+), (\d+) steps", said)
    if code == 0:
        return f"not in {int(runs[-1][0]):,}"
    shrunk = re.search(r"after \d+ tests? and (\d+) shrinks?", said)
    listed = re.search(r"std::vector<Step>[^\n]*:\n\[?(.*?)\]?\n", said, re.DOTALL)
    left = len(listed[1].split(",")) if shrunk and listed else runs[-1][1]
    return f"{int(runs[-1][0]):,} · {seconds:.1f} s · {left}" + ("" if shrunk else " hung" if code is None else " died")


def of_libfuzzer(name, folder):
    program = compiled("fuzz_target.cpp", name, folder, "-fsanitize=fuzzer,address,undefined")
    said, seconds, code = timed([program, "-seed=1", "-max_total_time=30", "-timeout=2", "-max_len=1000",
                                 "-print_final_stats=1", f"-artifact_prefix={folder}/{name}."], folder)
    runs = re.search(r"number_of_executed_units: (\d+)", said) or re.search(r".*#(\d+)", said, re.DOTALL)
    artifact = re.search(r"Test unit written to (\S+)", said)
    if not artifact:
        return f"not in {int(runs[1]):,}"
    return f"{int(runs[1]):,} · {seconds:.1f} s · {pathlib.Path(artifact[1]).stat().st_size // 3}"


def of_harness(name, folder, built):
    said, _, code = timed([ROOT / "ci" / "with_sanitizers", built / f"{name}_replay", "--random", 20000, "--budget", 20,
                           "--output", folder / "found"], folder)
    found = re.search(r"found by program (\d+); \d+ operations made (\d+)", said)
    if code != 1 or not found:
        return f"not found: {said[-200:]}"
    began = time.monotonic()
    subprocess.run([built / f"{name}_replay", "--random", found[1], "--budget", "0.001", "--output", folder / "found"],
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return f"{int(found[1]):,} · {time.monotonic() - began:.1f} s · {found[2]}"


def main():
    if len(sys.argv) != 2 or not pathlib.Path(sys.argv[1]).resolve().is_dir():
        sys.exit(f"usage: {sys.argv[0]} FOLDER, in which examples/subjects/ is built")
    print("| `broken/` | plain RapidCheck | plain libFuzzer | here, random |\n| --- | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for name in sorted(file.stem for file in BROKEN.glob("*.cpp")):
            print(f"| `{name}` | {of_rapidcheck(name, folder)} | {of_libfuzzer(name, folder)} | "
                  f"{of_harness(name, folder, pathlib.Path(sys.argv[1]).resolve())} |", flush=True)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""What locked_explore says of good and bad files, and of words that it does not know.

usage: replay_test.py BINARY"""

import pathlib
import subprocess
import sys
import tempfile

CACHE = ("cache c0 kind=Locked policy=Checked empty_slabs_kept=1 type=Small slab_size=128 page_size=64 object_size=24 "
         "object_align=8")
GOOD = ["slabproof turns 1", CACHE, "fail b0 any after=2 always", "#0 = alloc c0", "#3 = alloc_no_grow c0",
        "free_deferred #0", "cpu0 #4 = alloc c0", "cpu1 free #4", "cpu1 free_interior #3", "cpu2 reserve c0 7",
        "cpu2 shrink c0", "cpu0 statistics c0", "turns at=calls 2010"]
# The line that takes the place of one, or nothing, and what is said then.
BAD = [
    (0, "slabproof turns 2", "line 1: "), (0, "", "line 1: "), (1, CACHE.replace("Locked", "Cache"), "line 2: "),
    (1, CACHE.replace("128", "192"), "line 2: SlabSizeNotPowerOfTwo"),
    (1, CACHE.replace("=24", "=200"), "line 2: ObjectTooLarge"), (1, CACHE.replace("Checked", "Debug"), "line 2: "),
    (1, CACHE.replace("Checked", "Guarded").replace("kept=1", "kept=0"), "line 2: "),
    (2, "fail b0 any after=x once", "line 3: "),
    (3, "#0 = free c0", "line 4: "), (4, "#0 = alloc c0", "line 5: "), (5, "free_deferred 0", "line 6: "),
    (6, "cpu3 #4 = alloc c0", "line 7: "), (9, "cpu2 reserve c0 65", "line 10: "), (9, "cpu2 reserve c0", "line 10: "),
    (10, "cpu2 shrink c0 now", "line 11: "), (12, "turns at=calls 3", "line 13: "),
    (12, "turns at=calls 0 1", "line 13: "), (12, "", "there is no line of turns"),
]


def main():
    binary, problems = sys.argv[1], []
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "program.turns"

        def expect(lines, code, said):
            path.write_text("\n".join(lines) + "\n")
            done = subprocess.run([binary, "--replay", str(path)], text=True, capture_output=True)
            if done.returncode != code or said not in done.stdout + done.stderr:
                problems.append(f"exit {done.returncode}, not {code} with {said!r}: {lines}\n"
                                f"{done.stdout}{done.stderr}")

        expect(GOOD, 0, "\n".join(GOOD[:-1]) + "\nturns at=calls 2010\nholds\n")
        expect(["// a comment", "", *GOOD[:-1], "turns at=locks 22222"], 0, "holds")
        for at, line, said in BAD:
            expect([*GOOD[:at], *([line] if line else []), *GOOD[at + 1:]], 2, said)
        for words in (["--replay", folder + "/none"], ["--replay"], ["--random", "many"], ["--what"], ["--seed", "1"],
                      ["--minimize"], ["--deep", "--random", "1"]):
            code = subprocess.run([binary, *words], capture_output=True).returncode
            if code != 2:
                problems.append(f"exit {code}, not 2: {words}")
    print("\n".join(problems) or f"{len(BAD) + 9} answers are right")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

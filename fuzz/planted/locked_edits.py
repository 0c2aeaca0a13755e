#!/usr/bin/env python3
"""Mistakes of Locked, which every order of small programs shows.

usage: locked_edits.py HEADERS OUT     puts them into a copy of the allocator's headers
       locked_edits.py --test BINARY   each is found by the explorer with them, and without any nothing is"""

import concurrent.futures
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True
from edits import plant

LOCKED, BACKEND = "locked.hpp", "locked_backend.hpp"
EDITS = [
    (BACKEND, "if (!under_way) return source->alloc_slab(slab_size, page_size);",
     "if (!under_way || @slab_made_under_the_lock) return source->alloc_slab(slab_size, page_size);"),
    (BACKEND, "if (!under_way) return source->free_slab(slab, slab_size, page_size);",
     "if (!under_way || @slab_taken_back_under_the_lock) return source->free_slab(slab, slab_size, page_size);"),
    (BACKEND, "if (!under_way) return source->alloc_slab_info(size);",
     "if (!under_way || @info_made_under_the_lock) return source->alloc_slab_info(size);"),
    (BACKEND, "under_way->is_answered = false; under_way->taken = under_way->slab; under_way->slab = nullptr;",
     "under_way->is_answered = @adopted_twice; under_way->taken = under_way->slab;\n"
     "    if (!@adopted_twice) under_way->slab = nullptr;"),
    (BACKEND, "under_way->last = returned;", "if (!@first_of_two_lost) under_way->last = returned;"),
    (BACKEND, "return under_way && under_way->taken && under_way->is_unknown ? nullptr : "
     "source->get_slab_info(page_addr);",
     "return under_way && ((under_way->taken && under_way->is_unknown) || @map_not_asked) ? nullptr : "
     "source->get_slab_info(page_addr);"),
    (BACKEND, "source->delete_slab_info(page_addr);",
     "if (!@pages_stay_in_map) source->delete_slab_info(page_addr);"),
    (LOCKED, "if (call.is_answered) reject(call);", "if (call.is_answered && !@spare_slab_lost) reject(call);"),
    (LOCKED, "if (this->count_empty() < this->kept_slabs_) static_cast<void>(adopt(caller));",
     "if (this->count_empty() < this->kept_slabs_ || @spare_slab_always_kept) static_cast<void>(adopt(caller));"),
    (LOCKED, "call.rejected_info = call.info;", "call.rejected_info = @spare_info_lost ? nullptr : call.info;"),
    (LOCKED, "give_back(call); if (!is_trimmed)",
     "if (!@freed_slab_lost) give_back(call); if (!is_trimmed && !@deferred_slabs_stay)"),
    (LOCKED, "if (Supply::under_way->is_deferring) this->kept_slabs_ = Supply::under_way->kept_slabs;",
     "if (Supply::under_way->is_deferring && !@all_kept_after_deferred)\n"
     "      this->kept_slabs_ = Supply::under_way->kept_slabs;"),
    (LOCKED, "return released; }\n\n  // With the lock.", "return @released_not_counted ? 0 : released; }\n\n"
     "  // With the lock."),
    (LOCKED, "Supply::under_way = nullptr; lock_.unlock();",
     "Supply::under_way = nullptr; if (!@lock_stays) lock_.unlock();"),
    (LOCKED, "void enter(LockedCall& call) noexcept { lock_.lock();",
     "void enter(LockedCall& call) noexcept { if (!(@deferred_without_lock && call.is_deferring)) lock_.lock();"),
]

NAMES = sorted({name for edit in EDITS for name in re.findall(r"@(\w+)", edit[2])})
NUMBERS = {name: number for number, name in enumerate(NAMES, 1)}


def found(binary, number):
    """What the explorer says; None where it finds nothing wrong."""
    done = subprocess.run([binary], env={**os.environ, "SLAB_PLANTED": str(number)}, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    if done.returncode == 0 and "Nothing wrong in any order." in done.stdout:
        return None
    line = next((line for line in done.stdout.splitlines() if line.startswith("does not hold")), None)
    return line or f"died: {done.returncode}"


def test(binary):
    problems = []
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for name, said in zip(["none", *NAMES], pool.map(lambda n: found(binary, n), range(len(NAMES) + 1))):
            print(f"{name}: {said or 'nothing'}", flush=True)
            if (said is None) != (name == "none"):
                problems.append(name)
    print(f"not as expected: {', '.join(problems)}" if problems else f"{len(NAMES)} mistakes found")
    return 1 if problems else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--test"]:
        sys.exit(test(sys.argv[2]))
    plant(*sys.argv[1:], edits=EDITS, numbers=NUMBERS, switch="slab/planted.hpp")

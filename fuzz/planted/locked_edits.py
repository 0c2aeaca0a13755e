#!/usr/bin/env python3
"""Mistakes of Locked and of the lock that it is proved with, and which invariant each breaks.

usage: locked_edits.py HEADERS OUT     puts them into copies of the allocator's headers, or of properties/locked/
       locked_edits.py --test BINARY   each is found by every order of small programs and by random programs, replayed
                                       from its file, byte for byte, and minimized; without any nothing is found"""

import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
from edits import plant

LOCKED, BACKEND, SUPPLY, LOCK = "locked.hpp", "locked_backend.hpp", "slab_supply.hpp", "turn_lock.hpp"
EDITS = [
    (BACKEND, "void* alloc_slab(std::size_t, std::size_t) noexcept {",
     "void* alloc_slab(std::size_t slab_size, std::size_t page_size) noexcept {\n"
     "    if (@slab_made_under_the_lock) return source->alloc_slab(slab_size, page_size);"),
    (BACKEND, "if (!under_way) return source->free_slab(slab, slab_size, page_size);",
     "if (!under_way || @slab_taken_back_under_the_lock) return source->free_slab(slab, slab_size, page_size);"),
    (BACKEND, "void* alloc_slab_info(std::size_t) noexcept requires SlabInfoSource<Backend> {",
     "void* alloc_slab_info(std::size_t size) noexcept\n    requires SlabInfoSource<Backend>\n  {\n"
     "    if (@info_made_under_the_lock) return source->alloc_slab_info(size);"),
    (BACKEND, "under_way->is_answered = false;", "under_way->is_answered = @adopted_twice;"),
    (BACKEND, "under_way->last = returned;", "if (!@first_of_two_lost) under_way->last = returned;"),
    (BACKEND, "return under_way->is_unknown ? nullptr : source->get_slab_info(page_addr);",
     "return under_way->is_unknown || @map_not_asked ? nullptr : source->get_slab_info(page_addr);"),
    # A page leaves the map never, or when its slab goes back: before or after that, but without the lock.
    (BACKEND, "source->delete_slab_info(page_addr);",
     "if (!@pages_stay_in_map && !(under_way && (@map_left_without_lock || @map_left_late)))\n"
     "      source->delete_slab_info(page_addr);"),
    (LOCKED, "Supply::source->free_slab(slab, geometry().slab_size(), geometry().page_size());",
     "const auto leave_map = [&] {\n"
     "      if constexpr (row != Row::SmallSinglePage)\n"
     "        for (std::size_t at = 0; at < geometry().slab_size(); at += geometry().page_size())\n"
     "          Supply::source->delete_slab_info(reinterpret_cast<std::uintptr_t>(slab) + at);\n    };\n"
     "    if (@map_left_without_lock) leave_map();\n"
     "    Supply::source->free_slab(slab, geometry().slab_size(), geometry().page_size());\n"
     "    if (@map_left_late) leave_map();"),
    (SUPPLY, "info.owner = 0;", "if (!@owner_stays) info.owner = 0;"),
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
    (LOCKED, "cache.leave(); cache.give_back(*call); Policy::on_misuse(report); cache.enter(*call);",
     "if (!@report_under_the_lock) cache.leave();\n    cache.give_back(*call);\n    Policy::on_misuse(report);\n"
     "    if (!@report_under_the_lock) cache.enter(*call);"),
    # Growth, of which another CPU sees too much, or which it spoils.
    (LOCKED, "keep_for_later(call, __builtin_return_address(0));",
     "keep_for_later(call, __builtin_return_address(0)),\n"
     "              static_cast<void>(@race_lost_is_null && object ? (Core::free(object, nullptr), object = nullptr)\n"
     "                                                             : nullptr);"),
    (LOCKED, "is_made = this->slabs_missing_to(n) == 0 || adopt(caller);",
     "is_made = this->slabs_missing_to(n) == 0 ? !@lost_reserve_is_false : adopt(caller);"),
    (LOCKED, "const bool is_made = Inner::make_slab(caller, SIZE_MAX) != nullptr; this->busy_.leave();",
     "const bool is_made = Inner::make_slab(caller, SIZE_MAX) != nullptr;\n"
     "    if (!@mark_stays) this->busy_.leave();"),
    (LOCKED, "call.slab = Supply::source->alloc_slab(geometry().slab_size(), geometry().page_size()); "
     "call.is_answered = true;",
     "if (@marked_while_growing) this->busy_.enter();\n"
     "      call.slab = Supply::source->alloc_slab(geometry().slab_size(), geometry().page_size());\n"
     "      if (@marked_while_growing) this->busy_.leave();\n      call.is_answered = true;"),
    (LOCKED, "return release_down_to([empty] { return empty; }, caller), false;",
     "return @failed_reserve_keeps ? false : (release_down_to([empty] { return empty; }, caller), false);"),
    # Where the backend must not be called.
    (LOCKED, "LockedCall call; const Section section{*this, call}; return static_cast<Pointer>(",
     "if (@no_grow_grows) return alloc();\n    LockedCall call;\n    const Section section{*this, call};\n"
     "    return static_cast<Pointer>("),
    (LOCKED, "call.is_deferring = true;",
     "if (@deferred_gives_back) return free(object);\n    call.is_deferring = true;"),
    # A lock that saves the interrupt flag: too late, too early, read when it is another's, not put back, not cleared.
    (LOCK, "judge.state().has_interrupts = false; judge.cpus.turn();",
     "judge.state().has_interrupts = slab::@interrupts_stay_on;\n"
     "    if (slab::@flag_saved_early) had_interrupts_ = had_interrupts;\n    judge.cpus.turn();"),
    (LOCK, "judge.holder = judge.cpu(); had_interrupts_ = had_interrupts;",
     "judge.holder = judge.cpu();\n    if (!slab::@flag_saved_early) had_interrupts_ = had_interrupts;"),
    (LOCK, "judge.is_free = true; judge.state().has_interrupts = had_interrupts;",
     "judge.is_free = !slab::@release_lost || !judge.is_run;\n"
     "    if (slab::@flag_read_late) judge.cpus.turn();\n"
     "    judge.state().has_interrupts =\n"
     "        ((slab::@flag_read_late ? had_interrupts_ : had_interrupts) && !slab::@interrupts_stay_off) ||\n"
     "        slab::@interrupts_switched_on;"),
]

# Which invariant each breaks, the first that is seen; several where it depends on the program.
FOUND = {
    "adopted_twice": "K8 K6", "all_kept_after_deferred": "L6", "deferred_gives_back": "K9",
    "deferred_slabs_stay": "L6", "deferred_without_lock": "K3", "failed_reserve_keeps": "L6",
    "first_of_two_lost": "B18", "flag_read_late": "K4", "flag_saved_early": "K4", "freed_slab_lost": "B18",
    "info_made_under_the_lock": "K1", "interrupts_stay_off": "K4", "interrupts_stay_on": "K4",
    "interrupts_switched_on": "K4", "lock_stays": "K1 K3", "lost_reserve_is_false": "K7", "map_left_late": "K6",
    "map_left_without_lock": "K2", "map_not_asked": "K8", "mark_stays": "K8", "marked_while_growing": "K8",
    "no_grow_grows": "K9", "owner_stays": "K6", "pages_stay_in_map": "K6", "race_lost_is_null": "K7",
    "release_lost": "K5", "released_not_counted": "L7", "report_under_the_lock": "K1",
    "slab_made_under_the_lock": "K1", "slab_taken_back_under_the_lock": "K1", "spare_info_lost": "B18",
    "spare_slab_always_kept": "L6", "spare_slab_lost": "B18",
}
# What an engine does not find, and what is not asked of it: no small program has a misuse; a test of its own has every
# order of the right one.
MISSED = {("report_under_the_lock", "every order"), ("none", "every order")}

NAMES = sorted({name for edit in EDITS for name in re.findall(r"@(\w+)", edit[2])})
NUMBERS = {name: number for number, name in enumerate(NAMES, 1)}
ENGINES = {"every order": [], "random": ["--random", "20000", "--seed", "1"]}
PROGRAM = re.compile(r"(slabproof turns 1\n.*?)violated: (.*?)\n", re.DOTALL)


def run(binary, bug, *words):
    return subprocess.run([binary, *words], env={**os.environ, "SLAB_PLANTED": str(NUMBERS.get(bug, 0))}, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace")


def problem_of(binary, bug, path, program, violated):
    """What is wrong with a saved find: its file is what was printed, and its replay prints it again."""
    if path.read_text() != program:
        return f"{path.name} is not the program that was printed"
    done = run(binary, bug, "--replay", str(path))
    if done.returncode != 1 or done.stdout != f"{program}violated: {violated}\n":
        return f"{path.name} is replayed otherwise: exit {done.returncode}\n{done.stdout}"
    return None


def find(binary, bug, engine):
    """A line of what one engine found, and what is not as it should be, each empty where there is nothing."""
    with tempfile.TemporaryDirectory() as folder:
        done = run(binary, bug, *ENGINES[engine], "--output", folder)
        found = PROGRAM.findall(done.stdout)
        if done.returncode == 0 and "Nothing wrong in any order." in done.stdout and not found:
            return "", "" if bug == "none" else "not found"
        if done.returncode != 1 or len(found) != 2:
            return "", f"exit {done.returncode}: {done.stdout[-2000:]}"
        (program, violated), (smallest, same) = found
        line = f"{violated}; {re.search(r'smallest form, (.*):', done.stdout)[1]}"
        id = re.match(r"(\w+)(?:, | to |: )", violated)[1]
        paths = [next(pathlib.Path(folder).glob(name)) for name in ("*[!n].turns", "*.min.turns")]
        problems = [problem_of(binary, bug, paths[0], program, violated),
                    problem_of(binary, bug, paths[1], smallest, same)]
        if same != violated:
            problems.append(f"the smallest form shows another: {same}")
        if bug == "none" or id not in FOUND.get(bug, "").split():
            problems.append(f"{id} was not expected")
        return line, "; ".join(filter(None, problems))


def test(binary):
    problems = []
    tasks = [(bug, engine) for bug in ["none", *NAMES] for engine in ENGINES if (bug, engine) not in MISSED]
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for (bug, engine), (line, problem) in zip(tasks, pool.map(lambda task: find(binary, *task), tasks)):
            print(f"{bug}, {engine}: {line or 'nothing'}{'   <- ' if problem else ''}{problem}", flush=True)
            if problem:
                problems.append(bug)
    if set(FOUND) != set(NAMES):
        problems.append(f"FOUND and EDITS differ: {set(FOUND) ^ set(NAMES)}")
    print(f"not as expected: {', '.join(problems)}" if problems else f"{len(NAMES)} mistakes found")
    return 1 if problems else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--test"]:
        sys.exit(test(sys.argv[2]))
    plant(*sys.argv[1:], edits=EDITS, numbers=NUMBERS, switch="slab/planted.hpp")

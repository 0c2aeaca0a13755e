#!/usr/bin/env python3
"""Mistakes of the allocator's arithmetic. Each, made in the headers alone, is found where formulas and C++ are
compared; made in the formula too, as by somebody who keeps both alike, it makes a lemma wrong, and z3 has a
counterexample.

usage: planted.py HEADERS OUT      puts the mistakes into a copy of the allocator's headers
       planted.py --test PROGRAM   which was built with them: each is found in both ways"""

import collections
import concurrent.futures
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SECONDS = 20

# A header and a text in it, what takes its place, with @name for whether the mistake is made; the same of formulas.py;
# and the lemma that is wrong then.
Mistake = collections.namedtuple("Mistake", "name header old new formula_old formula_new lemma")
MISTAKES = [Mistake(*words) for words in [
    ("smallest_page_refused", "geometry.hpp", "if (page_size < min_page_size)",
     "if (@smallest_page_refused ? page_size <= min_page_size : page_size < min_page_size)",
     "(page_size < MIN_PAGE, ", "(page_size <= MIN_PAGE, ", "make_refuses_by_name"),
    ("largest_slab_refused", "geometry.hpp", "if (slab_size > max_slab_size)",
     "if (@largest_slab_refused ? slab_size >= max_slab_size : slab_size > max_slab_size)",
     "(slab_size > MAX_SLAB, ", "(slab_size >= MAX_SLAB, ", "make_refuses_by_name"),
    ("zero_is_a_power", "geometry.hpp", "{ return n != 0 && (n & (n - 1)) == 0; }",
     "{ return (n != 0 || @zero_is_a_power) && (n & (n - 1)) == 0; }",
     "return ne(n, 0) & eq(n & (n - 1), 0)", "return eq(n & (n - 1), 0)", "power_of_two"),
    ("stride_not_rounded", "geometry.hpp", "(object_size + added_bytes + slot_align - 1) & ~(slot_align - 1);",
     "(object_size + added_bytes + slot_align - 1) & ~(@stride_not_rounded ? 7 : slot_align - 1);",
     "return (n + align - 1) & ~(align - 1)", "return (n + align - 1) & ~const(7)", "stride_is_rounded"),
    ("slab_info_forgotten", "geometry.hpp", "space = is_small ? slab_size - slab_info_header_size : slab_size;",
     "space = is_small && !@slab_info_forgotten ? slab_size - slab_info_header_size : slab_size;",
     "space = ite(is_small, slab_size - HEADER, slab_size)", "space = slab_size", "make_rounds"),
    ("table_forgotten", "geometry.hpp", "block = shared * stride + 8, rest",
     "block = shared * stride + (@table_forgotten ? 0 : 8), rest",
     "block = shared * stride + 8\n", "block = shared * stride\n", "blocks_of_8_slots"),
    ("last_block_one_short", "geometry.hpp", "(rest > 8 ? (rest - 8) / stride : 0)",
     "(rest > 8 ? (rest - (@last_block_one_short ? 9 : 8)) / stride : 0)",
     "(rest - 8) // stride", "(rest - 9) // stride", "blocks_of_8_slots"),
    ("index_means_live", "geometry.hpp", "const std::size_t most = detail::no_slot(entry_size);",
     "const std::size_t most = detail::no_slot(entry_size) + 2 * @index_means_live;",
     "most = no_slot(entry_size)\n", "most = no_slot(entry_size) + 2\n", "capacity_in_large_rows"),
    ("reciprocal_rounded_down", "geometry.hpp", "geometry.reciprocal_ = SIZE_MAX / stride + 1;",
     "geometry.reciprocal_ = SIZE_MAX / stride + !@reciprocal_rounded_down;",
     "const((1 << WORD) - 1) // stride + 1\n", "const((1 << WORD) - 1) // stride\n", "reciprocal"),
    ("shift_off_by_one", "geometry.hpp", "static_cast<std::size_t>(product >> 64)",
     "static_cast<std::size_t>(product >> (@shift_off_by_one ? 63 : 64))",
     "low(product >> WORD, WORD)", "low(product >> (WORD - 1), WORD)", "locate"),
    ("next_byte_begins_slot", "geometry.hpp", "static_cast<std::size_t>(product) < reciprocal_",
     "(@next_byte_begins_slot ? static_cast<std::size_t>(product) <= reciprocal_\n"
     "                            : static_cast<std::size_t>(product) < reciprocal_)",
     "low(product, WORD) < reciprocal\n", "low(product, WORD) <= reciprocal\n", "locate"),
    ("entries_not_rounded", "geometry.hpp", "(objects * entry_size + 7) / 8 * 8",
     "(objects * entry_size + 7 * !@entries_not_rounded) / 8 * 8",
     "(objects * entry_size + 7) // 8 * 8", "(objects * entry_size) // 8 * 8", "size_of_slab_info"),
    ("first_of_info_is_waste", "slots.hpp", "if (offset >= source.get().slab_info_offset())",
     "if (@first_of_info_is_waste ? offset > source.get().slab_info_offset()\n"
     "                                : offset >= source.get().slab_info_offset())",
     "ite(offset >= info_offset, const(SLAB", "ite(offset > info_offset, const(SLAB", "misuse_is_named_rightly"),
    ("turned_too_little", "exact_quotient.hpp", "product << (64 - zeros)",
     "product << (64 - zeros - @turned_too_little)",
     "lost << (WORD - bits)", "lost << (WORD - bits - 1)", "turned_right"),
    ("upper_bits_unsealed", "seal.hpp", "static_cast<std::uint16_t>(word ^ word >> 16)",
     "static_cast<std::uint16_t>(word ^ word >> (@upper_bits_unsealed ? 12 : 16))",
     "low(word ^ word >> 16, 16)", "low(word ^ word >> 12, 16)", "seal_sees_a_byte_of_links"),
    ("a_slab_too_many", "cache_slabs.hpp", "(n - free_objects - 1) / objects_per_slab() + 1;",
     "(n - free_objects - !@a_slab_too_many) / objects_per_slab() + 1;",
     "(n - free_objects - 1) // objects_per_slab", "(n - free_objects) // objects_per_slab", "reserve_counts_slabs"),
    ("addresses_run_out", "cache_slabs.hpp", "slabs <= SIZE_MAX / geometry().slab_size() - all_slabs_.size()",
     "slabs <= SIZE_MAX / geometry().slab_size() - (@addresses_run_out ? 0 : all_slabs_.size())",
     "// slab_size - slabs\n", "// slab_size\n", "reserve_refuses_early"),
    ("owner_too_far", "cache_state.hpp", "page + geometry().page_size() - sizeof(SlabInfo)",
     "page + geometry().page_size() - !@owner_too_far * sizeof(SlabInfo)",
     "+ page_size - HEADER", "+ page_size", "owner_of_a_pointer"),
    ("quarter_too_late", "size_table.hpp", "((bytes - 1) >> (doubling - 3)) % 4",
     "((bytes - 1 - @quarter_too_late) >> (doubling - 3)) % 4",
     "((bytes_ - 1) >> (doubling - 3)) % 4", "((bytes_ - 2) >> (doubling - 3)) % 4", "quarter_steps"),
    ("block_at_any_page", "hosted/region.hpp", "std::min(aligned, class_of",
     "std::min(@block_at_any_page ? classes - 1 : aligned, class_of",
     "return smallest(trailing_zeros(frontier), region", "return smallest(region", "region_frontier"),
    ("fresh_page_skipped", "hosted/region.hpp", "(frontier_ + size - 1) & ~(size - 1);",
     "(frontier_ + size - !@fresh_page_skipped) & ~(size - 1);",
     "return (frontier + size - 1)", "return (frontier + size)", "region_fresh_page"),
]]
NUMBERS = {mistake.name: number for number, mistake in enumerate(MISTAKES, 1)}


def plant_all(headers, out):
    sys.path.insert(0, str(ROOT / "fuzz/planted"))
    from edits import plant
    for part in ("", "hosted/"):
        edits = [(m.header.removeprefix(part), m.old, m.new) for m in MISTAKES
                 if m.header.startswith("hosted/") == bool(part)]
        source = pathlib.Path(headers) if not part else pathlib.Path(headers).parents[1] / "hosted/slab/hosted"
        plant(source, pathlib.Path(out) / part, edits=edits, numbers=NUMBERS, switch="slab/planted.hpp")


def ask_alone(name):
    """In a process of its own, whose formulas have a mistake: what z3 says of one lemma, as JSON."""
    import prove
    chosen = [lemma for lemma in prove.lemmas() if lemma.name == name]
    verdict = next(prove.judged(chosen, prove.z3_of_debian(), SECONDS, SECONDS))
    print(json.dumps({"at": verdict.lemma.at, "wrong": verdict.wrong, "open": verdict.open}))


def said_by(program, mistake, *words):
    number = str(NUMBERS[mistake.name]) if mistake else "0"
    return subprocess.run([program, *words], env={**os.environ, "SLAB_PLANTED": number}, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def found_by_comparing(program, mistake):
    done = said_by(program, mistake, "20000")
    return done.stdout.strip() if done.returncode == 1 and done.stdout.startswith("does not agree: ") else None


def found_by_proving(folder, mistake):
    """The counterexample, as values by name."""
    room = folder / mistake.name / "properties/proofs"
    shutil.copytree(HERE, room, ignore=shutil.ignore_patterns("*.cpp", "*.hpp", "__pycache__"))
    (folder / mistake.name / "ci").symlink_to(ROOT / "ci")
    formulas = room / "formulas.py"
    text = formulas.read_text()
    if text.count(mistake.formula_old) != 1:
        raise SystemExit(f"planted.py: this occurs {text.count(mistake.formula_old)} times: {mistake.formula_old}")
    formulas.write_text(text.replace(mistake.formula_old, mistake.formula_new))
    done = subprocess.run([sys.executable, "-B", room / "planted.py", "--lemma", mistake.lemma], text=True,
                          stdin=subprocess.DEVNULL, capture_output=True)
    if done.returncode != 0:
        return None, f"{done.stdout}{done.stderr}"
    said = json.loads(done.stdout)
    return said["wrong"], said["open"]


def test(program):
    if not shutil.which("z3"):
        print("z3 is not installed (ci/setup --prove): nothing was tried")
        return 77
    problems = []
    if said_by(program, None, "20000").returncode != 0:
        problems.append("without a mistake: formulas and C++ do not agree")
    with tempfile.TemporaryDirectory() as name, \
            concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        proved = [pool.submit(found_by_proving, pathlib.Path(name), mistake) for mistake in MISTAKES]
        for mistake, future in zip(MISTAKES, proved):
            compared = found_by_comparing(program, mistake)
            wrong, why = future.result()
            print(f"{mistake.name}: {compared or 'NOT FOUND by comparing'}\n  {mistake.lemma} "
                  + (f"is wrong where {wrong}" if wrong else f"NOT FOUND wrong: {why}"), flush=True)
            if not compared or not wrong:
                problems.append(mistake.name)
    print(f"not as expected: {', '.join(problems)}" if problems
          else f"{len(MISTAKES)} mistakes found, each in both ways")
    return 1 if problems else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--lemma"]:
        ask_alone(sys.argv[2])
    elif sys.argv[1:2] == ["--test"]:
        sys.exit(test(sys.argv[2]))
    else:
        plant_all(*sys.argv[1:])

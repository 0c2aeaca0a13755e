"""The defects that are planted, and a program that shows each. How: edits.py."""

import collections
import os
import pathlib

# `trace` is a file of corpus/regressions or a program.
Bug = collections.namedtuple("Bug", "name signature trace")

SINGLE = "type=Small slab_size=128 page_size=128 object_size=24 object_align=1"  # 3 objects
MULTI = "type=Small slab_size=128 page_size=64 object_size=32 object_align=1"  # 2 objects
LARGE = "type=Large slab_size=128 page_size=64 object_size=40 object_align=1"  # 3 objects, tail waste of 8
HALF = "type=Large slab_size=64 page_size=64 object_size=32 object_align=1"  # 2 objects
PAIR = "type=Small slab_size=128 page_size=128 object_size=32 object_align=1"  # 2 objects
TINY = "type=Small slab_size=64 page_size=64 object_size=8 object_align=1"  # 1 object
ONE = "type=Large slab_size=64 page_size=64 object_size=64 object_align=1"  # 1 object


def program(geometry, *operations, kept=1, caches=1, backend="reuse=lifo placement=adjacent seed=0"):
    lines = ["slabproof trace 1", f"backend b0 {backend}"]
    lines += [f"cache c{i} on=b0 kind=DynamicCache policy=Checked empty_slabs_kept={kept} {geometry}"
              for i in range(caches)]
    return "\n".join([*lines, *operations]) + "\n"


def allocs(n):
    return [f"#{i} = alloc c0" for i in range(n)]


BUGS = [
    Bug("info_takes_no_room", "G3/start", program(SINGLE)),
    Bug("large_capacity_too_large", "G4/start", program(LARGE)),
    Bug("alignment_ignored", "G6/start",
        program("type=Small slab_size=128 page_size=128 object_size=8 object_align=16")),
    Bug("misaligned_slab_accepted", "G2/alloc", "misaligned-slab-goes-straight-back"),
    Bug("returns_padding", "G7/alloc", program(LARGE, *allocs(1))),
    Bug("returns_another_slab", "G8/alloc", program(LARGE, *allocs(1))),
    Bug("returns_info", "G9/alloc",
        program("type=Small slab_size=128 page_size=128 object_size=64 object_align=1", *allocs(1))),
    Bug("info_in_its_slab", "G10/alloc", program(ONE.replace("=64", "=128"), *allocs(1))),
    Bug("slots_overlap", "G11/alloc", program(LARGE, *allocs(2))),
    Bug("neighbour_written", "G12/free", program(LARGE, *allocs(2), "free #0", "free #1")),
    Bug("asks_for_another_page_size", "B1/alloc", program(SINGLE, *allocs(1))),
    Bug("partial_slabs_unused", "B2/alloc", program(HALF, *allocs(3), "free #0", "#3 = alloc c0", "#4 = alloc c0")),
    Bug("slab_freed_twice", "B3/shrink", "shrink-returns-the-current-slab"),
    Bug("page_saved_in_single_page", "B4/alloc", program(SINGLE, *allocs(1))),
    Bug("info_allocated_in_multi_page", "B5/alloc", program(MULTI, *allocs(1))),
    Bug("info_too_large", "B6/alloc", program(ONE, *allocs(1))),
    Bug("slab_lost_without_info", "B7/alloc", "failed-slab-info-gives-the-slab-back"),
    Bug("pages_stay_when_save_fails", "B8/alloc", "failed-save-gives-everything-back"),
    Bug("failed_save_ignored", "B8/alloc", "failed-save-is-a-failed-alloc"),
    Bug("first_page_saved_only", "B9/alloc", program(MULTI, *allocs(1))),
    Bug("page_saved_with_another_info", "B10/alloc", program(MULTI, *allocs(1))),
    Bug("get_asks_for_the_object", "B11/free", program(LARGE, *allocs(4), "free #1")),
    Bug("page_deleted_twice", "B12/shrink", "shrink-returns-the-current-slab"),
    Bug("pages_stay_saved", "B13/free", "pages-are-deleted"),
    Bug("info_freed_before_its_pages", "B13/free", "pages-are-deleted-before-their-slab-info"),
    Bug("info_lost_when_save_fails", "B14/alloc", "failed-save-gives-slab-info-back"),
    Bug("gives_up_at_the_second_slab", "B15/alloc", "large-capacity-is-of-the-slab"),
    Bug("failed_slab_counted", "B15/alloc", program(ONE, "fail b0 alloc_slab after=0 once", *allocs(1))),
    Bug("counted_while_given_back", "B16/shrink", "shrink-returns-the-current-slab"),
    Bug("constructor_makes_a_slab", "B17/start", program(LARGE)),
    Bug("empty_slabs_lost_at_destruction", "B18/end", program(LARGE, *allocs(1))),
    Bug("returned_slab_written_unseen", "B19/shrink", program(SINGLE, *allocs(1), "free #0", "shrink c0")),
    Bug("no_grow_grows", "B20/alloc_no_grow", program(LARGE, "#0 = alloc_no_grow c0")),
    Bug("empty_slabs_unused", "B20/alloc_no_grow", "alloc-no-grow-takes-an-empty-slab"),
    Bug("reserves_nothing", "B20/reserve", program(LARGE, "reserve c0 4")),
    Bug("stays_on_its_list", "L1/free",
        program("type=Large slab_size=64 page_size=64 object_size=8 object_align=1", *allocs(9),
                *(f"free #{i}" for i in range(2)))),
    Bug("list_is_a_circle", "L2/alloc", program(LARGE, *allocs(4))),
    Bug("free_list_cut", "L3/free", program(LARGE, *allocs(3), "free #0", "free #1")),
    Bug("carved_not_counted", "L3/alloc", program(LARGE, *allocs(3))),
    Bug("bins_too_wide", "L5/alloc", "fullest-bin-at-a-power-of-two"),
    Bug("no_empty_slab_kept", "L6/free", "one-empty-slab-is-kept"),
    Bug("shrink_keeps_reserve", "L6/free", "shrink-forgets-reserve"),
    Bug("shrink_miscounts", "L7/shrink", "shrink-returns-the-current-slab"),
    Bug("owner_forgotten", "L8/alloc", program(LARGE, *allocs(1))),
    Bug("counts_a_free_object_too_many", "S1/start", program(LARGE, *allocs(1))),
    Bug("full_slab_stays_full", "S2/free", "full-slab-becomes-partial"),
    Bug("counts_carved_slots", "S3/free", program(LARGE, *allocs(2), "free #0", "shrink c0")),
    Bug("double_free_misnamed", "M1/double_free", "double-free"),
    Bug("interior_pointer_unseen", "M2/free_interior", "interior-pointer"),
    Bug("info_pointer_unseen", "M3/free_slab_info", "slab-info-pointer"),
    Bug("waste_pointer_unseen", "M4/free_tail_waste", "tail-waste-pointer"),
    Bug("foreign_pointer_misnamed", "M5/free_foreign", "foreign-pointer-is-not-written"),
    Bug("other_cache_unseen", "M6/free_through_other", "pointer-of-another-cache"),
    Bug("never_allocated_unseen", "M7/free_never_allocated", "never-allocated-slot"),
    Bug("foreign_pointer_ignored", "M8/double_free",
        program(MULTI, *allocs(1), "free #0", "shrink c0", "double_free #0")),
    Bug("destroyed_without_reports", "M9/destroy", program(LARGE, *allocs(2), "destroy c0")),
    Bug("null_is_foreign", "M10/free_null", program(LARGE, "free_null c0")),
    Bug("bad_link_followed", "M11/corrupt_link", "corrupted-link-is-not-followed"),
    Bug("freed_object_stays_open", "M11/free", program(LARGE, *allocs(1), "free #0")),
    Bug("get_is_unguarded", "M12/free", program(ONE, *allocs(2), "reenter c0 alloc", "free #0")),
    Bug("double_free_accepted", "died:AddressSanitizer", "double-free"),
    Bug("foreign_pointer_followed", "died:", "foreign-pointer-is-not-written"),
    Bug("misaligned_info_accepted", "died:UndefinedBehaviorSanitizer", "misaligned-slab-info-goes-straight-back"),
    Bug("returned_slab_written", "died:AddressSanitizer", program(SINGLE, *allocs(1), "free #0", "shrink c0")),
    Bug("link_not_written", "L3/free", "last-free-link-is-null"),
    # Shortest programs that ci/explore found (docs/explorer.md).
    Bug("slab_freed_before_its_pages", "B13/end", program(MULTI, *allocs(1))),
    Bug("interior_pointer_accepted", "died:UndefinedBehaviorSanitizer",
        program(TINY, *allocs(1), "free_interior #0 pick=0")),
    Bug("foreign_pointer_written", "died:", program(MULTI, "free_foreign c0 pick=0")),
    Bug("owner_stays_after_destruction", "M6/free_foreign",
        program(TINY, *allocs(1), "destroy c0", "free_foreign c0 pick=4")),
    Bug("one_object_never_full", "S2/alloc", program(TINY, *allocs(1))),
    Bug("stride_not_rounded", "G6/start",
        program("type=Small slab_size=128 page_size=128 object_size=20 object_align=1")),
    Bug("info_linked_twice", "L2/alloc", program(TINY, *allocs(1))),
    Bug("carves_one_too_far", "died:", program(TINY, *allocs(1))),
    Bug("failed_reserve_keeps_a_slab", "B15/reserve", program(TINY, "fail b0 alloc_slab after=1 once", "reserve c0 2")),
    Bug("failed_reserve_forgets_the_last", "L6/end",
        program(TINY, "reserve c0 2", *allocs(1), "fail b0 alloc_slab after=0 once", "reserve c0 2")),
    Bug("front_not_linked_back", "L2/reserve", program(TINY, "reserve c0 2")),
    Bug("neighbour_not_relinked", "B16/end", program(TINY, "reserve c0 2")),
    Bug("moved_one_free_late", "S2/end", program(PAIR, *allocs(3))),
    Bug("bit_stays", "L3/end", program(PAIR, *allocs(2))),
    Bug("slots_of_a_returned_slab_stay", "died:", program(TINY, *allocs(1), "free #0", "shrink c0")),
    Bug("empty_slabs_miscounted", "B16/end", program(TINY, "reserve c0 2")),
    Bug("bits_cleared_with_each_slot", "L3/alloc", program(PAIR, *allocs(2))),
    Bug("keeps_one_of_three", "L6/end", program(TINY, *allocs(1), "reserve c0 2")),
    Bug("full_slab_not_written_back", "L1/alloc", program(TINY, *allocs(2))),
    Bug("full_slab_written", "G12/alloc", program(PAIR, *allocs(3))),
    Bug("last_page_stays_saved", "B13/end", program(MULTI, *allocs(1))),
    Bug("owner_stays_in_returned_page", "died:AddressSanitizer", "returned-page-names-no-owner"),
]
NUMBERS = {bug.name: number for number, bug in enumerate(BUGS, 1)}


def environment(bug):
    """Of a program that is to have the bug of that number; none where it is 0."""
    return {**os.environ, "SLAB_PLANTED": str(bug)}


def trace_of(bug, root):
    if "\n" in bug.trace:
        return bug.trace
    return (pathlib.Path(root) / "corpus/regressions" / f"{bug.trace}.trace").read_text()

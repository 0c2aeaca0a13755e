"""The defects that are planted, and a program that shows each. How: edits.py."""

import collections
import os
import pathlib
import re

# `trace` is a file of corpus/regressions or a program.
Bug = collections.namedtuple("Bug", "name signature trace")

SINGLE = "type=Small slab_size=128 page_size=128 object_size=16 object_align=1"  # 3 objects, tail waste of 8
MULTI = "type=Small slab_size=128 page_size=64 object_size=24 object_align=1"  # 2 objects, tail waste of 8
LARGE = "type=Large slab_size=128 page_size=64 object_size=40 object_align=1"  # 3 objects, tail waste of 8
HALF = "type=Large slab_size=64 page_size=64 object_size=32 object_align=1"  # 2 objects
PAIR = "type=Small slab_size=128 page_size=128 object_size=24 object_align=1"  # 2 objects, tail waste of 8
TINY = "type=Small slab_size=128 page_size=128 object_size=56 object_align=1"  # 1 object
ONE = "type=Large slab_size=64 page_size=64 object_size=64 object_align=1"  # 1 object
SEVEN = "type=Small slab_size=128 page_size=128 object_size=8 object_align=1"  # 7 objects
WIDE = "type=Small slab_size=4096 page_size=4096 object_size=8 object_align=1"  # 403 objects, two bytes an entry
GUARDED = "type=Small slab_size=256 page_size=256 object_size=64 object_align=1"  # 2 objects; with Debug 1
FIXED = "type=Small slab_size=256 page_size=256 object_size=20 object_align=4"  # 7 objects; of a Cache too


def program(geometry, *operations, kept=1, caches=1, policy="Checked", kind="DynamicCache",
            backend="reuse=lifo placement=adjacent seed=0"):
    lines = ["slabproof trace 1", f"backend b0 {backend}"]
    lines += [f"cache c{i} on=b0 kind={kind} policy={policy} empty_slabs_kept={kept} {geometry}"
              for i in range(caches)]
    return "\n".join([*lines, *operations]) + "\n"


def allocs(n):
    return [f"#{i} = alloc c0" for i in range(n)]


def frees(*ordinals):
    return [f"free #{i}" for i in ordinals]


BUGS = [
    # The layout.
    Bug("alignment_ignored", "G6/start", program(SEVEN.replace("align=1", "align=16"))),
    Bug("stride_not_rounded", "G6/start", program(FIXED.replace("align=4", "align=1"))),
    Bug("info_takes_no_room", "G3/start", program(SINGLE)),
    Bug("large_capacity_too_large", "G4/start", program(LARGE)),
    Bug("table_takes_no_room", "G3/start", program(SINGLE)),
    Bug("byte_entries_only", "G3/start", program(WIDE)),
    Bug("byte_entries_name_256_slots", "G4/start",
        program("type=Large slab_size=2048 page_size=2048 object_size=8 object_align=1")),
    Bug("table_rounded_down", "G3/start", program(SINGLE)),
    Bug("table_forgotten", "G3/start", program(SINGLE)),
    Bug("unchecked_slab_has_a_table", "G3/start", program(SEVEN, policy="Unchecked")),
    Bug("reciprocal_rounded_down", "M11/free", program(HALF, *allocs(2), "free #1")),
    Bug("next_byte_begins_a_slot", "M2/free_interior", program(HALF, *allocs(1), "free_interior #0 pick=0")),
    Bug("constant_division_wrong", "M11/end", program(FIXED, *allocs(2), "free #1", kind="Cache")),
    Bug("constant_geometry_accepts_interior", "M2/free_interior",
        program(FIXED, *allocs(1), "free_interior #0 pick=0", kind="Cache")),
    # What a caller gets.
    Bug("returns_padding", "G7/alloc", program(LARGE, *allocs(1))),
    Bug("returns_another_slab", "G8/alloc", program(LARGE, *allocs(1))),
    Bug("returns_info", "G9/alloc", program(TINY, *allocs(1))),
    Bug("info_in_its_slab", "G10/alloc", program(ONE.replace("=64", "=128"), *allocs(1))),
    Bug("slots_overlap", "G11/alloc", program(LARGE, *allocs(2))),
    Bug("neighbour_written", "G12/free", program(LARGE, *allocs(2), "free #0", "free #1")),
    Bug("full_slab_written", "G12/alloc", program(PAIR, *allocs(3))),
    Bug("handed_out_twice", "L3/alloc",
        program(LARGE, *allocs(2), *frees(0, 1), "#2 = alloc c0", "#3 = alloc c0")),
    # The contract with the backend.
    Bug("misaligned_slab_accepted", "G2/alloc", "misaligned-slab-goes-straight-back"),
    Bug("misaligned_info_accepted", "died:UndefinedBehaviorSanitizer", "misaligned-slab-info-goes-straight-back"),
    Bug("asks_for_another_page_size", "B1/alloc", program(SINGLE, *allocs(1))),
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
    Bug("last_page_stays_saved", "B13/end", program(MULTI, *allocs(1))),
    Bug("info_freed_before_its_pages", "B13/free", "pages-are-deleted-before-their-slab-info"),
    Bug("slab_freed_before_its_pages", "B13/end", program(MULTI, *allocs(1))),
    Bug("info_lost_when_save_fails", "B14/alloc", "failed-save-gives-slab-info-back"),
    Bug("gives_up_at_the_second_slab", "B15/alloc", "large-capacity-is-of-the-slab"),
    Bug("failed_alloc_counted", "L2/alloc", program(ONE, "fail b0 alloc_slab after=0 once", *allocs(1))),
    Bug("constructor_makes_a_slab", "B17/start", program(LARGE)),
    Bug("empty_slabs_lost_at_destruction", "B18/end", program(LARGE, *allocs(1))),
    Bug("returned_slab_written_unseen", "B19/shrink", program(SINGLE, *allocs(1), "free #0", "shrink c0")),
    Bug("returned_slab_written", "died:AddressSanitizer", program(SINGLE, *allocs(1), "free #0", "shrink c0")),
    # The slots of a slab.
    Bug("free_list_cut", "L3/free", program(LARGE, *allocs(3), "free #0", "free #1")),
    Bug("link_not_written", "L3/free", "last-free-link-is-null"),
    Bug("carved_not_counted", "L3/alloc", program(LARGE, *allocs(3))),
    Bug("carves_one_too_far", "G9/alloc", program(TINY, *allocs(2))),
    Bug("taken_slot_stays_free", "L3/alloc", program(LARGE, *allocs(1))),
    Bug("last_free_slot_looks_live", "L3/free", program(LARGE, *allocs(1), "free #0")),
    Bug("new_slab_has_a_free_slot", "L3/alloc", program(LARGE, *allocs(2))),
    Bug("table_overlaps_info", "L3/alloc", program(PAIR, *allocs(3))),
    Bug("table_overlaps_slots", "died:AddressSanitizer", program(TINY, *allocs(1), "free #0")),
    Bug("table_of_the_last_slab_stays", "L8/alloc", program(LARGE, *allocs(4))),
    Bug("entries_read_too_wide", "L3/alloc", program(SEVEN, *allocs(8), "free #4")),
    Bug("entries_read_too_narrow", "L3/free", program(WIDE, *allocs(302), *frees(300, 301))),
    Bug("slots_of_a_returned_slab_stay", "B16/shrink", program(TINY, *allocs(1), "free #0", "shrink c0")),
    Bug("no_slab_counts_as_empty", "L3/end", program(TINY)),
    Bug("unchecked_carves_one_too_far", "G9/alloc", program(TINY, *allocs(2), policy="Unchecked")),
    Bug("unchecked_free_list_cut", "L3/free", program(LARGE, *allocs(3), *frees(0, 1), policy="Unchecked")),
    Bug("unchecked_neighbour_taken_for_current", "S2/free",
        program(HALF, *allocs(4), *frees(0, 2), policy="Unchecked")),
    # The current slab and the others.
    Bug("partial_slabs_unused", "B2/alloc", program(HALF, *allocs(3), "free #0", "#3 = alloc c0", "#4 = alloc c0")),
    Bug("no_grow_grows", "B20/alloc_no_grow", program(LARGE, "#0 = alloc_no_grow c0")),
    Bug("empty_slabs_unused", "B20/alloc_no_grow", "alloc-no-grow-takes-an-empty-slab"),
    Bug("oldest_partial_slab_first", "L5/alloc",
        program(HALF, *allocs(7), *frees(0, 2), "#7 = alloc c0", "#8 = alloc c0")),
    Bug("freed_full_slab_not_current", "L5/alloc", program(HALF, *allocs(3), "free #0", "#3 = alloc c0")),
    Bug("slab_with_room_lost", "S2/free", program(HALF, *allocs(3), "free #0")),
    Bug("empty_slab_listed_partial", "S2/free", program(HALF, *allocs(3), *frees(2, 0))),
    Bug("full_slab_listed", "S2/alloc", program(PAIR, *allocs(3))),
    Bug("freed_slots_not_written_back", "L3/free", program(LARGE, *allocs(6), *frees(0, 3, 1))),
    Bug("made_current_with_old_slots", "S2/free", program(LARGE, *allocs(4), "free #0")),
    Bug("full_slab_not_written_back", "L2/alloc", program(TINY, *allocs(2))),
    Bug("full_slab_not_counted", "S3/alloc", program(TINY, *allocs(2))),
    Bug("current_objects_counted_twice", "S3/free",
        program(HALF, *allocs(3), "free #0", "#3 = alloc c0", "#4 = alloc c0")),
    Bug("free_elsewhere_not_counted", "S3/free", program(LARGE, *allocs(4), "free #0")),
    Bug("moved_one_free_late", "S2/end", program(PAIR, *allocs(3))),
    Bug("one_object_was_partial", "S2/free", program(ONE, *allocs(2), "free #0")),
    Bug("stays_on_its_list", "S2/free", program(HALF, *allocs(5), *frees(2, 4))),
    Bug("list_is_a_circle", "L2/free", program(HALF, *allocs(3), "free #0")),
    Bug("info_linked_twice", "S2/alloc", program(TINY, *allocs(1))),
    Bug("new_slab_not_listed", "S3/alloc", program(TINY, *allocs(1))),
    Bug("returned_slab_stays_listed", "B16/shrink", program(TINY, *allocs(1), "free #0", "shrink c0")),
    Bug("front_not_linked_back", "B16/reserve", program(TINY, "reserve c0 2")),
    Bug("neighbour_not_relinked", "B16/end", program(TINY, "reserve c0 2")),
    Bug("owner_forgotten", "L8/alloc", program(LARGE, *allocs(1))),
    # Empty slabs.
    Bug("no_empty_slab_kept", "L6/free", "one-empty-slab-is-kept"),
    Bug("trimmed_one_slab_late", "L6/free", program(HALF, *allocs(5), *frees(2, 4, 3))),
    Bug("emptied_slab_not_trimmed", "L6/free", program(HALF, *allocs(5), *frees(2, 4), kept=0)),
    Bug("unlisted_slab_counted", "B16/end", program(TINY, "reserve c0 2")),
    Bug("listed_slab_not_counted", "S2/reserve", program(TINY, "reserve c0 2")),
    Bug("keeps_one_of_three", "L6/end", program(TINY, *allocs(1), "reserve c0 2")),
    Bug("shrink_keeps_reserve", "L6/free", "shrink-forgets-reserve"),
    Bug("shrink_miscounts", "L7/shrink", "shrink-returns-the-current-slab"),
    Bug("reserves_nothing", "B20/reserve", program(LARGE, "reserve c0 4")),
    Bug("reserves_a_slab_too_few", "B20/reserve", program(LARGE, "reserve c0 4")),
    Bug("reserves_a_slab_too_many", "B20/reserve", program(LARGE, "reserve c0 3")),
    Bug("reserves_more_than_there_is", "B20/reserve", program(LARGE, "reserve c0 everything")),
    Bug("asks_about_a_slab_too_few", "B20/reserve", program(LARGE, "reserve c0 4")),
    Bug("one_slab_refused", "B20/reserve", program(LARGE, "reserve c0 1")),
    Bug("refusal_ignored", "B20/reserve", program(TINY, "reserve c0 1023", "reserve c1 1023", caches=2)),
    Bug("kept_slabs_rounded_down", "L6/reserve", program(LARGE, "reserve c0 4")),
    Bug("reserve_does_not_trim", "L6/reserve", program(HALF, "reserve c0 3", "reserve c0 1")),
    Bug("reserve_overrules_the_policy", "L6/reserve", program(LARGE, "reserve c0 0", *allocs(1), "free #0")),
    Bug("failed_reserve_keeps_a_slab", "B15/reserve", program(TINY, "fail b0 alloc_slab after=1 once", "reserve c0 2")),
    Bug("failed_reserve_forgets_the_last", "L6/end",
        program(TINY, "reserve c0 2", *allocs(1), "fail b0 alloc_slab after=0 once", "reserve c0 2")),
    # Statistics.
    Bug("counts_a_free_object_too_many", "S1/start", program(LARGE, *allocs(1))),
    Bug("counts_carved_slots", "S3/free", program(LARGE, *allocs(2), "free #0", "shrink c0")),
    Bug("full_slab_stays_full", "S2/free", "full-slab-becomes-partial"),
    Bug("one_object_never_full", "S2/alloc", program(TINY, *allocs(1))),
    # Misuse.
    Bug("double_free_accepted", "died:AddressSanitizer", "double-free"),
    Bug("double_free_misnamed", "M1/double_free", "double-free"),
    Bug("interior_pointer_accepted", "M2/free_interior",
        program(TINY, *allocs(1), "free_interior #0 pick=0")),
    Bug("interior_pointer_unseen", "M2/free_interior", "interior-pointer"),
    Bug("info_pointer_unseen", "M3/free_slab_info", "slab-info-pointer"),
    Bug("waste_pointer_unseen", "M4/free_tail_waste", "tail-waste-pointer"),
    Bug("foreign_pointer_misnamed", "M5/free_foreign", "foreign-pointer-is-not-written"),
    Bug("foreign_pointer_followed", "died:", "foreign-pointer-is-not-written"),
    Bug("foreign_pointer_written", "died:", program(MULTI, "free_foreign c0 pick=0")),
    Bug("foreign_pointer_ignored", "M8/double_free",
        program(MULTI, *allocs(1), "free #0", "shrink c0", "double_free #0")),
    Bug("other_cache_unseen", "M6/free_through_other", "pointer-of-another-cache"),
    Bug("owner_stays_in_returned_page", "died:AddressSanitizer", "returned-page-names-no-owner"),
    Bug("uncarved_slot_freed", "died:AddressSanitizer",  # with this seed the junk is all ones: its entry says live
        program(SEVEN, *allocs(1), "free_never_allocated #0 pick=5", backend="reuse=lifo placement=adjacent seed=192")),
    Bug("never_allocated_unseen", "M7/free_never_allocated", "never-allocated-slot"),
    Bug("destroyed_without_reports", "M9/destroy", program(LARGE, *allocs(2), "destroy c0")),
    Bug("current_slab_not_visited", "M9/destroy", program(LARGE, *allocs(2), "destroy c0")),
    Bug("null_is_foreign", "M10/free_null", program(LARGE, "free_null c0")),
    Bug("link_in_object_believed", "L3/corrupt_link",
        program(LARGE, *allocs(2), *frees(0, 1), "corrupt_link #1 pick=5")),
    Bug("freed_object_stays_open", "M11/free", program(LARGE, *allocs(1), "free #0")),
    Bug("tail_waste_stays_open", "M11/alloc", program(LARGE, *allocs(1))),
    Bug("padding_stays_open", "M11/alloc", program(FIXED, *allocs(1))),
    Bug("uncarved_slot_stays_open", "M11/alloc", program(LARGE, *allocs(1))),
    Bug("slab_at_rest_opens", "M11/free", program(HALF, *allocs(2), *frees(0, 1))),
    # The mark of a cache at work.
    Bug("busy_mark_not_set", "M12/alloc", program(ONE, "reenter c0 alloc", *allocs(1))),
    Bug("busy_mark_stays", "B15/alloc", program(ONE, *allocs(2))),
    Bug("busy_after_misuse", "M11/end", program(LARGE, *allocs(1), "free_interior #0 pick=0")),
    Bug("busy_after_a_failed_alloc", "B15/alloc", program(ONE, "fail b0 alloc_slab after=0 once", *allocs(2))),
    Bug("refused_call_ends_the_mark", "M12/alloc", program(MULTI, "reenter c0 alloc", *allocs(1))),
    Bug("get_is_unguarded", "M12/free", program(ONE, *allocs(2), "reenter c0 alloc", "free #0")),
    Bug("giving_back_is_unguarded", "M12/shrink", program(ONE, *allocs(1), "free #0", "reenter c0 alloc", "shrink c0")),
    Bug("destruction_is_unguarded", "M12/destroy",
        program(ONE, *allocs(1), "free #0", "reenter c0 alloc", "destroy c0")),
    # A call from on_misuse.
    Bug("misuse_reported_at_work", "M17/free_interior",
        program(LARGE, *allocs(1), "call_on_misuse c0 alloc", "free_interior #0 pick=0")),
    Bug("misuse_counted_first", "M17/double_free",
        program(LARGE, *allocs(1), *frees(0), "call_on_misuse c0 shrink", "double_free #0")),
    Bug("live_reported_at_rest", "M17/destroy", program(LARGE, *allocs(1), "call_on_misuse c0 alloc", "destroy c0")),
    Bug("refusal_reported_at_rest", "M17/free",
        program(MULTI, *allocs(3), "reenter c0 alloc", "call_on_misuse c0 alloc", "free #0")),
    Bug("fault_reported_at_work", "M17/alloc",
        program(TINY, *allocs(1), "fault b0 slab_again after=0", "call_on_misuse c0 reserve", "#1 = alloc c0")),
    Bug("fault_reported_first", "M17/reserve",
        program(TINY, *allocs(1), "fault b0 slab_again after=1", "call_on_misuse c0 shrink", "reserve c0 2")),
    Bug("shrink_keeps_what_on_misuse_reserved", "L6/free", "call-from-on-misuse-over-damage"),
    # A backend that errs.
    Bug("damaged_slab_taken_as_new", "M13/alloc", "damaged-slab-handed-out-again"),
    Bug("own_slab_unreported", "M13/alloc", "slab-handed-out-twice"),
    Bug("own_info_unreported", "M13/alloc", "slab-info-handed-out-twice"),
    Bug("known_page_accepted", "M13/alloc",
        program(MULTI, "fault b0 entry_stale after=0", *allocs(1))),
    Bug("first_new_page_asked_only", "M13/alloc", "new-slab-in-the-map"),
    Bug("own_slab_given_back", "M13/reserve", "slab-handed-out-twice-in-reserve"),
    Bug("known_slab_given_back", "M13/alloc", "new-slab-in-the-map"),
    Bug("own_info_given_back", "M13/alloc", "slab-info-handed-out-twice"),
    Bug("slab_kept_with_own_info", "M13/alloc", "slab-info-handed-out-twice"),
    Bug("lost_page_is_foreign", "M13/free", "map-loses-a-page"),
    Bug("wrong_slab_believed", "M13/free", "map-names-another-slab"),
    # Guards.
    Bug("red_zone_not_written", "L11/alloc", program(GUARDED, *allocs(1), policy="RedZone")),
    Bug("red_zone_not_verified", "L11/write_behind",
        program(GUARDED, *allocs(1), "write_behind #0 pick=6", policy="RedZone")),
    Bug("red_zone_one_byte_short", "L11/write_behind",
        program(GUARDED, *allocs(1), "write_behind #0 pick=0", policy="RedZone")),
    Bug("red_zone_unread_in_free", "M15/free", "write-behind-an-object"),
    Bug("red_zone_unread_before_quarantine", "M15/free",
        program(GUARDED, *allocs(1), "write_behind #0 pick=5", "free #0", policy="Debug")),
    Bug("pattern_not_written", "L12/free", program(GUARDED, *allocs(2), "free #0", policy="Pattern")),
    Bug("pattern_not_verified", "L12/write_freed",
        program(GUARDED, *allocs(2), "free #0", "write_freed #0 pick=0", policy="Pattern")),
    Bug("pattern_unread_in_alloc", "M16/alloc", "write-to-a-freed-slot"),
    Bug("wrong_change_reported", "M16/alloc",
        program(GUARDED, *allocs(2), "free #0", "write_freed #0 pick=9", "#2 = alloc c0", policy="ZeroOnFree")),
    Bug("zero_forgotten", "G14/alloc", program(GUARDED, *allocs(1), policy="ZeroOnAlloc")),
    Bug("zero_one_byte_short", "G14/alloc", program(GUARDED, *allocs(1), policy="ZeroOnAlloc")),
    Bug("quarantine_lets_the_newest_leave", "L13/alloc",
        program(GUARDED, *allocs(4), *frees(0, 1, 2), "#4 = alloc c0", policy="Quarantine")),
    Bug("quarantine_index_wrong", "L3/free", program(GUARDED, *allocs(4), *frees(0, 1, 2), policy="Quarantine")),
    Bug("backend_asked_before_quarantine", "B2/alloc", "quarantine-before-the-backend"),
    Bug("quarantine_before_free_slots", "L5/alloc",
        program(GUARDED, *allocs(2), "free #0", "reserve c0 2", "#2 = alloc c0", policy="Quarantine")),
    Bug("quarantined_counted_as_allocated", "S3/free", program(GUARDED, *allocs(1), "free #0", policy="Quarantine")),
    Bug("quarantined_object_freed_again", "died:AddressSanitizer",
        program(GUARDED, *allocs(1), "free #0", "double_free #0", policy="Quarantine")),
    Bug("shrink_leaves_quarantine", "L7/shrink",
        program(GUARDED, *allocs(1), "free #0", "shrink c0", policy="Quarantine")),
    Bug("destruction_leaves_quarantine", "B18/destroy",
        program(GUARDED, *allocs(1), "free #0", "destroy c0", policy="Quarantine")),
    Bug("callers_not_noted", "M1/double_free",
        program(GUARDED, *allocs(1), "free #0", "double_free #0", policy="Debug")),
    # Stray writes to a SlabInfo.
    Bug("seal_unread_in_free", "M14/free", "damaged-carved-is-out-of-range"),
    Bug("seal_unread_in_alloc", "M14/alloc", "damaged-free-head-stops-no-alloc"),
    Bug("seal_unread_in_release", "M14/shrink", "damaged-current-slab-is-set-aside-when-it-empties"),
    Bug("seal_unread_in_large_free", "M14/free", program(LARGE, *allocs(4), "damage_info #0 pick=40", "free #1")),
    Bug("damaged_owner_is_another", "M14/free", "damaged-owner-is-not-another-cache"),
    Bug("damage_unread_at_destruction", "M14/destroy", "damaged-slabs-are-found-at-destruction"),
    Bug("damage_not_reported", "M14/shrink", "damaged-current-slab-is-set-aside-when-it-empties"),
    Bug("damage_reported_twice", "M14/alloc", "damaged-free-head-stops-no-alloc"),
    Bug("set_aside_object_reported", "M14/free", "damaged-owner-is-not-another-cache"),
    Bug("set_aside_slab_given_back", "M14/destroy", "damaged-link-loses-no-object"),
    Bug("set_aside_slots_count_as_free", "S1/alloc", "damaged-free-head-stops-no-alloc"),
    Bug("set_aside_not_counted", "S2/free", "damaged-carved-is-out-of-range"),
    Bug("repaired_from_the_front_only", "S2/free", "damaged-link-loses-no-object"),
    Bug("repair_loses_partial_slabs", "S2/free", "damaged-carved-is-out-of-range"),
    Bug("repair_loses_empty_slabs", "S2/free",
        program(TINY, *allocs(2), "reserve c0 2", "damage_info #0 pick=16", "free #0")),
    Bug("repair_forgets_allocated", "S3/free", "damaged-base-is-not-followed"),
    Bug("repair_keeps_the_current_slab", "B16/shrink", "damaged-current-slab-is-set-aside-when-it-empties"),
    Bug("set_aside_slab_stays_listed", "M14/free", "damaged-carved-is-out-of-range"),
    Bug("set_aside_keeps_quarantine", "S3/free", "damaged-slab-is-forgotten-by-the-quarantine"),
    Bug("quarantined_slab_believed", "M14/alloc",
        program(GUARDED, *allocs(4), "free #0", "damage_info #1 pick=16", "#4 = alloc c0", policy="Quarantine")),
]
# What properties/explore/damage_sweep.cpp finds too.
STRAY_WRITE_BUGS = [
    "seal_unread_in_free", "seal_unread_in_alloc", "seal_unread_in_release", "damaged_owner_is_another",
    "damage_unread_at_destruction", "damage_not_reported", "damage_reported_twice", "set_aside_not_counted",
    "repair_loses_partial_slabs", "repair_loses_empty_slabs", "repair_forgets_allocated",
    "repair_keeps_the_current_slab", "set_aside_slab_stays_listed",
]
WITHOUT_GUARDS = ("Checked", "Unchecked")
NUMBERS = {bug.name: number for number, bug in enumerate(BUGS, 1)}


def environment(bug):
    """Of a program that is to have the bug of that number; none where it is 0."""
    return {**os.environ, "SLAB_PLANTED": str(bug)}


def policy_of(bug, root):
    """With which a cache shows it."""
    policy = re.search(r" policy=(\w+)", trace_of(bug, root))[1]
    if policy in WITHOUT_GUARDS:
        return "Unchecked" if bug.name.startswith("unchecked_") else "Checked"
    return policy


def trace_of(bug, root):
    if "\n" in bug.trace:
        return bug.trace
    return (pathlib.Path(root) / "corpus/regressions" / f"{bug.trace}.trace").read_text()

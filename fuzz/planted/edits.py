#!/usr/bin/env python3
"""Puts the defects of bugs.py into a copy of the allocator's headers.

usage: edits.py HEADERS OUT

All are compiled in at once; SLAB_PLANTED in the environment says which one a program has, by its place in
the table of bugs.py, from 1. Without it a program has none.

Two more are not in it, since no program shows them by itself. Of the frees of a whole process none is counted from
that of the number in SLAB_PLANTED_FREE on: one alone may strike where nobody sees it. With SLAB_PLANTED_SHRINK none
is counted in caches that are made three or more after one that was shrunk.
"""

import pathlib
import re
import sys

from bugs import NUMBERS
from headers import CACHE, CORE, GEOMETRY, GUARD, GUARDS, LIST, QUARANTINE, SLABS, SLOTS, STATE, SUPPLY
from misuse_edits import MISUSE_EDITS

SWITCH = """#pragma once
#include <cstdio>
#include <cstdlib>
namespace slab::detail {
inline long number_in(const char* name, long most) {
  const char* const text = std::getenv(name);
  char* end = nullptr;
  const long number = text ? std::strtol(text, &end, 10) : 0;
  if (text && (end == text || *end != 0 || number < 0 || number > most)) {
    std::fprintf(stderr, "%s=%s: no number from 0 to %ld\\n", name, text, most);
    std::_Exit(2);
  }
  return number;
}
inline const long planted_bug = number_in("SLAB_PLANTED", @bugs);
constexpr bool planted(int bug) { return !__builtin_is_constant_evaluated() && bug == planted_bug; }
inline const long late_free = number_in("SLAB_PLANTED_FREE", 1'000'000'000);
inline long frees = 0;
inline long caches = 0, shrunk_at = 0;
inline bool is_late_free() {
  return (late_free != 0 && ++frees >= late_free) || (shrunk_at != 0 && caches >= shrunk_at + 3);
}
constexpr void note_cache() { if (!__builtin_is_constant_evaluated()) ++caches; }
inline void note_shrink() { if (std::getenv("SLAB_PLANTED_SHRINK")) shrunk_at = caches; }
}
"""


# Header, a text that occurs once in it, and what takes its place: @name is whether the cache has that bug.
EDITS = [
    # The layout.
    (GEOMETRY, "object_align < 8 ? 8", "object_align < 8 || @alignment_ignored ? 8"),
    (GEOMETRY, "const std::size_t stride = (object_size",
     "const std::size_t stride = @stride_not_rounded ? object_size : (object_size"),
    (GEOMETRY, "is_small ? slab_size - slab_info_header_size : slab_size;",
     "is_small && !@info_takes_no_room ? slab_size - slab_info_header_size : slab_size + (@large_capacity_too_large && "
     "!is_small ? 48 : 0);"),
    (GEOMETRY, "if (is_table_inside) {", "if (is_table_inside && !@table_takes_no_room) {"),
    (GEOMETRY, "entry_size <= 4; entry_size", "entry_size <= (@byte_entries_only ? 1 : 4); entry_size"),
    (GEOMETRY, "most = detail::no_slot(entry_size);",
     "most = detail::no_slot(entry_size) + (@byte_entries_name_256_slots && entry_size == 1 ? 2 : 0);"),
    (GEOMETRY, "(objects * entry_size + 7) / 8 * 8",
     "(objects * entry_size + (@table_rounded_down ? 0 : 7)) / 8 * 8"),
    (GEOMETRY, "SIZE_MAX / stride + 1;", "SIZE_MAX / stride + !@reciprocal_rounded_down;"),
    (GEOMETRY, "static_cast<std::size_t>(product) < reciprocal_",
     "static_cast<std::size_t>(product) < reciprocal_ + @next_byte_begins_a_slot"),
    (GEOMETRY, "make_with_table(true,", "make_with_table(!@table_forgotten,"),
    (GEOMETRY, "make_with_table(Policy::checks,",
     "make_with_table((Policy::checks && !@table_forgotten) || @unchecked_slab_has_a_table,"),
    (CACHE, "if (Policy::checks && geometry.entry_size() == 0)",
     "if (Policy::checks && geometry.entry_size() == 0 && !@table_forgotten)"),
    (CACHE, "return {offset / value.stride(), offset};",
     "return {offset / (value.stride() + (@constant_division_wrong ? 8 : 0)), offset};"),
    (CACHE, "return offset % value.stride() == 0;",
     "return @constant_geometry_accepts_interior || offset % value.stride() == 0;"),
    # The contract with the backend.
    (SUPPLY, "if ((reinterpret_cast<std::uintptr_t>(slab) & (geometry.page_size() - 1)) != 0)",
     "if (!@misaligned_slab_accepted && (reinterpret_cast<std::uintptr_t>(slab) & (geometry.page_size() - 1)) != 0)"),
    (SUPPLY, "hidden(backend_->alloc_slab(geometry.slab_size(), geometry.page_size()));",
     "hidden(backend_->alloc_slab(geometry.slab_size(),\n"
     "                            geometry.page_size() * (@asks_for_another_page_size ? 2 : 1)));"),
    (SUPPLY, "    if (!memory) return give_back(geometry, slab);",
     "    if (!memory) return @slab_lost_without_info ? nullptr : give_back(geometry, slab);"),
    (SUPPLY, "      return backend_->can_make_slabs(geometry, count);",
     "      return backend_->can_make_slabs(geometry, count - @asks_about_a_slab_too_few) != (@one_slab_refused && "
     "count == 1) || @refusal_ignored;"),
    (SUPPLY, "info.owner = 0;", "if (!@owner_stays_in_returned_page) info.owner = 0;"),
    (SUPPLY, "    info->owner = owner;", "    info->owner = @owner_forgotten ? 0 : owner;"),
    (SUPPLY, "      free_info(geometry, info);\n      return give_back(geometry, slab);",
     "      if (!@info_lost_when_save_fails) free_info(geometry, info);\n"
     "      return @slab_lost_without_info ? nullptr : give_back(geometry, slab);"),
    (SUPPLY,
     "    delete_pages(geometry, slab, geometry.slab_size());\n    free_info(geometry, &info);\n"
     "    give_back(geometry, slab);\n",
     "    if (@slab_freed_before_its_pages) give_back(geometry, slab);\n"
     "    if (@info_freed_before_its_pages) free_info(geometry, &info);\n"
     "    if (!@pages_stay_saved) delete_pages(geometry, slab, geometry.slab_size());\n"
     "    if (!@info_freed_before_its_pages) free_info(geometry, &info);\n"
     "    if (!@slab_freed_before_its_pages) give_back(geometry, slab);\n"
     "    if (@slab_freed_twice) give_back(geometry, slab);\n"
     "    if (@returned_slab_written_unseen) store_link(slab, nullptr);\n"
     "    if (@returned_slab_written) *static_cast<volatile char*>(slab) = 0;\n"),
    (SUPPLY, "hidden(backend_->alloc_slab_info(size));",
     "hidden(@info_in_its_slab ? slab : backend_->alloc_slab_info(size + (@info_too_large ? 8 : 0)));"),
    (SUPPLY, "if (reinterpret_cast<std::uintptr_t>(memory) % alignof(SlabInfo) == 0)",
     "if (@misaligned_info_accepted || reinterpret_cast<std::uintptr_t>(memory) % alignof(SlabInfo) == 0)"),
    (SUPPLY, "    if constexpr (R != Row::Large) {\n      return",
     "    const std::size_t size_of_info = geometry.slab_info_size();\n"
     "    if constexpr (R == Row::SmallMultiPage && requires { backend_->alloc_slab_info(size_of_info); })\n"
     "      if (@info_allocated_in_multi_page) (void)backend_->alloc_slab_info(size_of_info);\n"
     "    if constexpr (R != Row::Large) {\n      return"),
    (SUPPLY, "SlabInfo& info) noexcept {\n    if constexpr (R != Row::SmallSinglePage) {\n      for",
     "SlabInfo& info) noexcept {\n"
     "    if constexpr (R == Row::SmallSinglePage && requires { backend_->save_slab_info(std::uintptr_t{}, &info); })\n"
     "      if (@page_saved_in_single_page) return backend_->save_slab_info(reinterpret_cast<std::uintptr_t>(slab), "
     "&info);\n"
     "    if constexpr (R != Row::SmallSinglePage) {\n      for"),
    (SUPPLY, "        if (backend_->save_slab_info(reinterpret_cast<std::uintptr_t>(slab) + offset, &info)) continue;\n"
     "        delete_pages(geometry, slab, offset);",
     "        if (@first_page_saved_only && offset > 0) continue;\n"
     "        const bool saved = backend_->save_slab_info(reinterpret_cast<std::uintptr_t>(slab) + offset, &info);\n"
     "        if (@page_saved_with_another_info) (void)backend_->save_slab_info(reinterpret_cast<std::uintptr_t>(slab) "
     "+ offset, &info - 1);\n"
     "        if (saved || @failed_save_ignored) continue;\n"
     "        if (!@pages_stay_when_save_fails) delete_pages(geometry, slab, offset);"),
    (SUPPLY, "offset < size; offset",
     "offset + (@last_page_stays_saved && size == geometry.slab_size() && size > geometry.page_size() ? "
     "geometry.page_size() : 0) < size; offset"),
    (SUPPLY, "        backend_->delete_slab_info(reinterpret_cast<std::uintptr_t>(slab) + offset);",
     "        for (int times = @page_deleted_twice ? 2 : 1; times > 0; --times)\n"
     "          backend_->delete_slab_info(reinterpret_cast<std::uintptr_t>(slab) + offset);"),
    # The table of slots.
    (SLOTS, "return entries_[index] == live;",
     "return entries_[index] == live || (@last_free_slot_looks_live && entries_[index] == "
     "static_cast<Entry>(live - 1));"),
    (SLOTS, "entries_[index] = static_cast<Entry>(next);",
     "if (!@link_not_written) entries_[index] = static_cast<Entry>(@free_list_cut ? live - 1 : next);"),
    (STATE, "address(&info + 1) - geometry().slab_info_size());",
     "address(&info + 1) - geometry().slab_info_size() + (@table_overlaps_info ? 8 : 0) - (@table_overlaps_slots ? 8 : "
     "0));"),
    (SLOTS, "  if (entry_size > 2) [[unlikely]]",
     "  entry_size = @entries_read_too_wide ? 2 * entry_size : @entries_read_too_narrow ? 1 : entry_size;\n"
     "  if (entry_size > 2) [[unlikely]]"),
    # The lists of slabs.
    (LIST, "    set_previous(front_, &info);", "    if (!@front_not_linked_back) set_previous(front_, &info);"),
    (LIST, "    set_previous(info.*Next, info.*Previous);",
     "    if (!@neighbour_not_relinked || !(info.*Next)) set_previous(info.*Next, info.*Previous);"),
    (LIST, "    ++size_;", "    size_ += !(@listed_slab_not_counted && info.*Next);"),
    (LIST, "    --size_;", "    size_ -= !(@unlisted_slab_counted && size_ > 1);"),
    # What a caller calls.
    (CORE, "alloc(Growth::Forbidden)", "alloc(@no_grow_grows ? Growth::Allowed : Growth::Forbidden)"),
    (CORE, "if (!this->make_slabs_for(n, caller)) return busy_.leave(), false;",
     "if (!this->make_slabs_for(n, caller)) {\n        if (@failed_reserve_forgets_the_last) this->keep(0);\n"
     "        return busy_.leave(), false;\n      }"),
    (SLABS, "keep(n / objects_per_slab() + (n % objects_per_slab() != 0));",
     "keep(n / objects_per_slab() + (n % objects_per_slab() != 0 && !@kept_slabs_rounded_down));"),
    (CORE, "while (!this->release_empty_slabs(kept_slabs_, released, caller));",
     "while (!@reserve_does_not_trim &&\n"
     "             !this->release_empty_slabs(@no_empty_slab_kept && kept_slabs_ == 1 ? 0 : kept_slabs_, released, "
     "caller));"),
    (CORE, "if (!object) return;", "if (!object && !@null_is_foreign) return;"),
    (CORE, "if (at.index >= slots_.carved) [[unlikely]]",
     "if (at.index >= (@uncarved_slot_freed ? objects_per_slab() : slots_.carved)) [[unlikely]]"),
    (CORE, "if (offset >= geometry().slab_size()) return free_elsewhere(object);",
     "if (offset >= geometry().slab_size() + @unchecked_neighbour_taken_for_current) return free_elsewhere(object);"),
    (CORE, "    --slots_.used;\n    if (slots_.used == 0 && empty_.size() >= kept_slabs_)",
     "    if (!detail::is_late_free()) --slots_.used;\n"
     "    if (@slab_at_rest_opens && slots_.used == 0)\n"
     "      permit(reinterpret_cast<void*>(slab_), objects_per_slab() * geometry().stride());\n"
     "    if (slots_.used == 0 && (empty_.size() >= kept_slabs_ + @trimmed_one_slab_late || @no_empty_slab_kept))"),
    (CORE, "      this->keep(0);\n    } while (",
     "      if (released == 0) detail::note_shrink();\n      if (!@shrink_keeps_reserve) this->keep(0);\n"
     "      if (@shrink_keeps_what_on_misuse_reserved) {\n"
     "        while (!this->release_empty_slabs(0, released, caller)) {}\n"
     "        return busy_.leave(), released;\n      }\n    } while ("),
    (CORE, "    return released;", "    return released + (@shrink_miscounts && released > 0);"),
    (STATE, "allocated = at_most(allocated_elsewhere_ + in_current, slots);",
     "allocated = at_most(allocated_elsewhere_ + (@counts_carved_slots && current_ ? slots_.carved : in_current), "
     "slots);"),
    (STATE, ".free_objects = slots - allocated,",
     ".free_objects = slots - allocated + @counts_a_free_object_too_many,"),
    (STATE, ": in_current == objects_per_slab() ? result.full_slabs",
     ": in_current == objects_per_slab() && !(@one_object_never_full && in_current == 1) ? result.full_slabs"),
    (STATE, "i < slots_of(info).carved; ++i) if (table.is_live(i)) visit",
     "i < (@current_slab_not_visited ? slots_in(info) : slots_of(info)).carved; ++i) if (table.is_live(i)) visit"),
    (STATE, "slots_{no_slots()}, supply_{backend} {\n",
     "slots_{no_slots()}, supply_{backend} {\n    detail::note_cache();\n"
     "    if (@no_slab_counts_as_empty) slots_.used = 0;\n"),
    (SLABS, "State{source, backend} {}",
     "State{source, backend} { if (@constructor_makes_a_slab) (void)make_slab(nullptr, SIZE_MAX); }"),
    (CORE, "    enter_without_quarantine(caller);\n    if constexpr (checks) {\n",
     "    if (@destruction_leaves_quarantine)\n      busy_.enter();\n    else\n"
     "      enter_without_quarantine(caller);\n    if (@destruction_is_unguarded) busy_.leave();\n"
     "    if constexpr (checks) {\n"),
    (CORE, "      this->visit_live([&](void* object) { report(Misuse::LiveAtDestruction, object, caller); });",
     "      if (!@destroyed_without_reports) this->visit_live([&](void* object) {\n"
     "        if (@live_reported_at_rest) busy_.leave();\n"
     "        report(Misuse::LiveAtDestruction, object, caller);\n"
     "        if (@live_reported_at_rest) busy_.enter();\n      });"),
    (CORE, "    while (!this->release_empty_slabs(0, released, caller)) {}\n  }",
     "    while (!@empty_slabs_lost_at_destruction && !this->release_empty_slabs(0, released, caller)) {}\n  }"),
    # Slots.
    (CORE, "return slots_.take(table, index);",
     "return slots_.take(table, index) && (!@link_in_object_believed || (slots_.free_head = "
     "static_cast<std::uint32_t>(address(load_link(reinterpret_cast<void*>(slab_ + index * geometry().stride())))), "
     "true));"),
    (SLOTS, "    free_head = table.next(index);\n    table.set_live(index);",
     "    if (@handed_out_twice) return true;\n    free_head = table.next(index);\n"
     "    if (!@taken_slot_stays_free) table.set_live(index);"),
    (SLOTS, "    if (carved == end) [[unlikely]]", "    if (carved == end + @carves_one_too_far) [[unlikely]]"),
    (SLOTS, "    index = carved++;\n    table.set_live(index);",
     "    index = carved;\n    carved += @carved_not_counted && carved == 1 ? 0u : 1u;\n"
     "    if (!@taken_slot_stays_free) table.set_live(index);"),
    (CORE, "slot = reinterpret_cast<void*>(slab_ + index * geometry().stride());",
     "slot = reinterpret_cast<void*>(slab_ + index * (geometry().stride() - (@slots_overlap ? 8 : 0)) + "
     "(@returns_padding ? 8 : @returns_info ? 64 : @returns_another_slab ? geometry().slab_size() : 0));"),
    (CORE, "if (slots_.carved == objects_per_slab()) return false;",
     "if (slots_.carved == objects_per_slab() + (@unchecked_carves_one_too_far && current_)) return false;"),
    (CORE, "    if (!at.is_at_slot() || !with_table",
     "    if ((!at.is_at_slot() && !@interior_pointer_accepted) || !with_table"),
    (CORE, "    forbid_object(&info, object, geometry().stride());\n    return true;",
     "    if (!@freed_object_stays_open) forbid_object(&info, object, geometry().stride());\n"
     "    if (@link_in_object_believed) with_table(table, geometry().entry_size(), [&](auto entries) {\n"
     "      store_link(object, reinterpret_cast<void*>(std::uintptr_t{entries.next(at.index)})); });\n"
     "    if (@neighbour_written && at.index == 0) store_link(static_cast<std::byte*>(object) + geometry().stride(), "
     "nullptr);\n    return true;"),
    (SLOTS, "if (!table.is_live(index)) [[unlikely]]",
     "if (!table.is_live(index) && !@double_free_accepted) [[unlikely]]"),
    (SLOTS, "store_link(slot, free_head);", "store_link(slot, @unchecked_free_list_cut ? nullptr : free_head);"),
    (SLOTS, "if (offset >= source.get().slab_info_offset()) return",
     "if (!@info_pointer_unseen && offset >= source.get().slab_info_offset()) return"),
    (SLOTS, "if (at.index >= source.get().objects_per_slab()) return",
     "if (!@waste_pointer_unseen && at.index >= source.get().objects_per_slab()) return"),
    (SLOTS, "if (!at.is_at_slot()) return Misuse::InteriorPointer;",
     "if (!at.is_at_slot() && !@interior_pointer_unseen) return Misuse::InteriorPointer;"),
    (SLOTS, "return at.index >= carved ? Misuse::NeverAllocated",
     "return @double_free_misnamed || (at.index >= carved && !@never_allocated_unseen) ? Misuse::NeverAllocated"),
    # Slabs.
    (SLABS, "    if (SlabInfo* const info = partial_.front()) return info;",
     "    SlabInfo* partial = @partial_slabs_unused ? nullptr : partial_.front();\n"
     "    while (@oldest_partial_slab_first && partial && partial->next) partial = partial->next;\n"
     "    if (partial) return partial;"),
    (SLABS, "    if (SlabInfo* const info = empty_.front()) return info;",
     "    if (empty_.front() && !@empty_slabs_unused) return empty_.front();"),
    (SLABS, "return growth == Growth::Allowed ? make_slab(caller, SIZE_MAX)",
     "return growth == Growth::Allowed && !(@gives_up_at_the_second_slab && all_slabs_.size() == 1) ? "
     "make_slab(caller, SIZE_MAX)"),
    (SLABS, "      write_slots(*current_, copy_of(slots_));\n      allocated_elsewhere_ += slots_.used;",
     "      if (!@full_slab_not_written_back) write_slots(*current_, copy_of(slots_));\n"
     "      if (@full_slab_written) store_link(current_->slab, nullptr);\n"
     "      if (!@full_slab_not_counted) allocated_elsewhere_ += slots_.used;\n"
     "      if (@full_slab_listed && slots_.used == objects_per_slab()) partial_.push_front(*current_);"),
    (SLABS, "if (slots_.used != objects_per_slab()) (slots_.used == 0 ? empty_ : partial_).push_front(*current_);",
     "if (slots_.used != objects_per_slab() && (slots_.used == 0 || !@slab_with_room_lost))\n"
     "        (slots_.used == 0 && !@empty_slab_listed_partial ? empty_ : partial_).push_front(*current_);\n"
     "      if (@list_is_a_circle && slots_.used != 0 && slots_.used != objects_per_slab())\n"
     "        set_member<checks, &SlabInfo::previous>(*current_, current_);"),
    (STATE, "    if constexpr (checks) table_ = table_of(info);",
     "    if constexpr (checks) if (!@table_of_the_last_slab_stays || !table_) table_ = table_of(info);"),
    (SLABS, "    allocated_elsewhere_ -= counted;",
     "    if (!@current_objects_counted_twice) allocated_elsewhere_ -= counted;"),
    (CORE, "if (!info) [[unlikely]]\n        return misused_outside(object, Misuse::ForeignPointer);",
     "if (!info && @foreign_pointer_written) store_link(object, nullptr);\n"
     "      if (!info && @foreign_pointer_ignored) return busy_.leave();\n"
     "      if (!info && !@foreign_pointer_followed)\n"
     "        return misused_outside(object, @foreign_pointer_misnamed ? Misuse::OtherCache\n"
     "                                                                 : Misuse::ForeignPointer);"),
    (CORE, "if (load_unknown(&info->owner) != this->tag()) [[unlikely]]",
     "if (!@other_cache_unseen && load_unknown(&info->owner) != this->tag()) [[unlikely]]"),
    (CORE, "return at.index < slots.carved && put_slot",
     "return at.index < (@uncarved_slot_freed ? objects_per_slab() : slots.carved) && put_slot"),
    (CORE, "if (!is_same(slots_in(*info), slots)) return",
     "if (!is_same(slots_in(*info), slots) || @full_slab_stays_full || @freed_full_slab_not_current || "
     "(objects_per_slab() > 1 ? @moved_one_free_late : @one_object_was_partial)) return"),
    (CORE, "    --slots.used;\n    if (!current_ ||",
     "    if (!detail::is_late_free()) --slots.used;\n"
     "    if (@made_current_with_old_slots) slots = slots_in(*info);\n"
     "    if (@free_elsewhere_not_counted) ++allocated_elsewhere_;\n    if (!current_ ||"),
    (CORE, "    write_slots(*current_, full_slots());",
     "    if (!@full_slab_not_written_back) write_slots(*current_, full_slots());\n"
     "    if (@full_slab_written) store_link(current_->slab, nullptr);\n"
     "    if (@full_slab_listed) partial_.push_front(*current_);\n"
     "    if (@full_slab_not_counted) allocated_elsewhere_ -= objects_per_slab();"),
    (CORE, "    --allocated_elsewhere_;\n    --slots.used;\n    write_slots(info, slots);",
     "    if (!@free_elsewhere_not_counted) --allocated_elsewhere_;\n"
     "    if (!detail::is_late_free()) --slots.used;\n"
     "    if (@freed_full_slab_not_current && slots.used != 0 && slots.used + 1 == objects_per_slab())\n"
     "      partial_.push_front(info);\n"
     "    if (@moved_one_free_late && slots.used != 0 && slots.used + 2 == objects_per_slab()) {\n"
     "      this->make_current(info, slots, slots.used);\n      return busy_.leave();\n    }\n"
     "    if (!@freed_slots_not_written_back) write_slots(info, slots);"),
    (SLABS, "    partial_.remove(info);\n    empty_.push_front(info);\n    trim_and_leave();",
     "    if (!@stays_on_its_list) partial_.remove(info), empty_.push_front(info);\n"
     "    if (@emptied_slab_not_trimmed) return busy_.leave();\n    trim_and_leave();"),
    (CORE, "    if (slots.used == 0) return this->trim_and_leave();",
     "    if (slots.used == 0 && !@emptied_slab_not_trimmed) return this->trim_and_leave();"),
    (SLABS, "return make_none(caller, kept, given_before);\n    ::new (",
     "return allocated_elsewhere_ += @failed_alloc_counted, make_none(caller, kept, given_before);\n"
     "    if (!@new_slab_has_a_free_slot) ::new ("),
    (SLABS, "    forbid_slots(info, info->slab, geometry().slab_info_offset());",
     "    forbid_slots(info, info->slab, @tail_waste_stays_open ? objects_per_slab() * geometry().stride() : "
     "geometry().slab_info_offset());\n"
     "    if (@uncarved_slot_stays_open) permit(info->slab + geometry().stride(), geometry().stride());"),
    (CORE, "permit_object(current_, slot, geometry().object_size());",
     "permit_object(current_, slot, @padding_stays_open ? geometry().stride() : geometry().object_size());"),
    (SLABS, "    all_slabs_.push_front(*info);\n    empty_.push_front(*info);\n",
     "    if (!@new_slab_not_listed) all_slabs_.push_front(*info);\n    empty_.push_front(*info);\n"
     "    if (@info_linked_twice) empty_.push_front(*info);\n"),
    (SLABS, "if (n <= free_objects) return 0;", "if (@reserves_nothing || n <= free_objects) return 0;"),
    (SLABS, "(n - free_objects - 1) / objects_per_slab() + 1;",
     "(n - free_objects - !@reserves_a_slab_too_many) / objects_per_slab() + !@reserves_a_slab_too_few;"),
    (SLABS, "return slabs <= SIZE_MAX / geometry().slab_size() - all_slabs_.size();",
     "return @reserves_more_than_there_is || slabs <= SIZE_MAX / geometry().slab_size() - all_slabs_.size();"),
    (SLABS, "    while (!release_empty_slabs(kept, released, caller))\n",
     "    if (@failed_reserve_keeps_a_slab && kept != SIZE_MAX) ++kept;\n"
     "    while (!@fault_reported_first && !release_empty_slabs(kept, released, caller))\n"),
    (STATE, "    slots_ = no_slots();", "    if (!@slots_of_a_returned_slab_stay) slots_ = no_slots();\n"
     "    if (@no_slab_counts_as_empty) slots_.used = 0;"),
    (SLABS, "    all_slabs_.remove(info);", "    if (!@returned_slab_stays_listed) all_slabs_.remove(info);"),
    (SLABS, "left > kept; --left)", "left > kept + (@keeps_one_of_three && left == 3); --left)"),
    (SLABS, "kept_slabs_ = slabs > Policy::empty_slabs_kept ?",
     "kept_slabs_ = slabs > Policy::empty_slabs_kept || @reserve_overrules_the_policy ?"),
    (SLABS, "    while (!release_empty_slabs(kept_slabs_, ",
     "    while (!release_empty_slabs(@no_empty_slab_kept && kept_slabs_ == 1 ? 0 : kept_slabs_, "),
    # Guards.
    (GUARD, "if constexpr (Policy::red_zone_bytes != 0) write(object_end_, red_zone);",
     "if constexpr (Policy::red_zone_bytes != 0)\n      if (!@red_zone_not_written) write(object_end_, red_zone);"),
    (GUARD, "Policy::red_zone_bytes != 0 ? find_change(object_end_, red_zone)",
     "Policy::red_zone_bytes != 0 && !@red_zone_not_verified ? find_change(object_end_ + @red_zone_one_byte_short, "
     "red_zone)"),
    (GUARD, "return Policy::verify_pattern ?", "return Policy::verify_pattern && !@pattern_not_verified ?"),
    (GUARD, "if constexpr (Policy::verify_pattern || Policy::zero == Zero::OnFree) write(slot_, pattern);",
     "if constexpr (Policy::verify_pattern || Policy::zero == Zero::OnFree)\n"
     "      if (!@pattern_not_written) write(slot_, pattern);"),
    (GUARD, "if constexpr (Policy::zero == Zero::OnAlloc) fill_bytes(slot_, object_end_, 0);",
     "if constexpr (Policy::zero == Zero::OnAlloc)\n"
     "      if (!@zero_forgotten) fill_bytes(slot_, object_end_ - @zero_one_byte_short, 0);"),
    (GUARD, "set_callers({caller, was_live", "set_callers({@callers_not_noted ? nullptr : caller, was_live"),
    (GUARD, "static_cast<std::size_t>(first - slot_)",
     "static_cast<std::size_t>(first - slot_) + @wrong_change_reported"),
    (QUARANTINE, "size_ == Capacity ? pop() : FreedObject{};",
     "size_ != Capacity ? FreedObject{} : @quarantine_lets_the_newest_leave ? at(--size_) : pop();"),
    (QUARANTINE, "place : place - Capacity]", "place : place - Capacity + @quarantine_index_wrong]"),
    (GUARDS, "if (Guard{cache_.geometry(), slot}.find_write_beyond_object().size != 0)",
     "if (!@red_zone_unread_in_free && Guard{cache_.geometry(), slot}.find_write_beyond_object().size != 0)"),
    (GUARDS, "change.size != 0) [[unlikely]] {",
     "change.size != 0 && !@red_zone_unread_before_quarantine) [[unlikely]] {"),
    (GUARDS, "was_live ? guard.find_write_after_free()",
     "was_live && !@pattern_unread_in_alloc ? guard.find_write_after_free()"),
    (GUARDS, "return with_entry(info, object, [](auto table, std::size_t index) { return table.is_live(index); });",
     "return with_entry(info, object, [](auto table, std::size_t index) {\n"
     "      return @quarantined_object_freed_again || table.is_live(index);\n    });"),
    (CORE, "if (this->quarantined() != 0 && partial_.size() + empty_.size() == 0)",
     "if (!@backend_asked_before_quarantine && this->quarantined() != 0 &&\n"
     "            (@quarantine_before_free_slots || partial_.size() + empty_.size() == 0))"),
    (CORE, "released += enter_without_quarantine(",
     "released += @shrink_leaves_quarantine ? (busy_.enter(), 0) : enter_without_quarantine("),
    (STATE, "allocated -= at_most(quarantined(), allocated);",
     "if (!@quarantined_counted_as_allocated) allocated -= at_most(quarantined(), allocated);"),
]


def plant(headers, out, edits, numbers, switch):
    """A copy of the headers with every bug in it. `switch` is the header that says which one they have."""
    out = pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    (out / "planted.hpp").write_text(SWITCH.replace("@bugs", str(len(numbers))))
    for source in pathlib.Path(headers).glob("*.hpp"):
        text = source.read_text()
        for header, old, new in edits:
            if header != source.name:
                continue
            # Wherever the formatter breaks the line.
            places = re.findall(r"\s+".join(map(re.escape, old.split())), text)
            if len(places) != 1:
                sys.exit(f"edits.py: this occurs {len(places)} times in {header}:\n{old}")
            text = text.replace(places[0], re.sub(r"@(\w+)", lambda m: f"detail::planted({numbers[m[1]]})", new))
        text = text.replace("#pragma once\n", "#pragma once\n#include <" + switch + ">\n", 1)
        (out / source.name).write_text(text)


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    plant(*sys.argv[1:], edits=EDITS + MISUSE_EDITS, numbers=NUMBERS, switch="slab/planted.hpp")

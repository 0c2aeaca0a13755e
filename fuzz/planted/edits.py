#!/usr/bin/env python3
"""Puts the defects of bugs.py into a copy of the allocator's headers.

usage: edits.py HEADERS OUT

All are compiled in at once; SLAB_PLANTED in the environment says which one a program has, by its place in
the table of bugs.py, from 1. Without it a program has none.

Two more are not in it, since no program shows them by itself. Of the frees of a whole process that of the number in
SLAB_PLANTED_FREE is not counted; with SLAB_PLANTED_SHRINK none is, in caches that are made three or more after one
that was shrunk.
"""

import pathlib
import re
import sys

from bugs import BUGS, NUMBERS

SWITCH = """
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
  return (late_free != 0 && ++frees == late_free) || (shrunk_at != 0 && caches >= shrunk_at + 3);
}
inline void note_shrink() { if (std::getenv("SLAB_PLANTED_SHRINK")) shrunk_at = caches; }
}
"""


CORE, SUPPLY, GEOMETRY = "cache_core.hpp", "slab_supply.hpp", "geometry.hpp"
LIST, INFO = "slab_list.hpp", "slab_info.hpp"
# Header, a text that occurs once in it, and what takes its place: @name is whether the cache has that bug.
EDITS = [
    (GEOMETRY, "if (type == ObjectSizeType::Small) {\n    // 64",
     "if (type == ObjectSizeType::Small && !@info_takes_no_room) {\n    // 64"),
    (GEOMETRY, "std::size_t objects = slab_size / stride;",
     "std::size_t objects = (slab_size + (@large_capacity_too_large ? 48 : 0)) / stride;"),
    (GEOMETRY, "object_align < 8 ? 8", "object_align < 8 || @alignment_ignored ? 8"),
    (SUPPLY, "if ((reinterpret_cast<std::uintptr_t>(slab) & (geometry.page_size() - 1)) == 0)",
     "if (@misaligned_slab_accepted || (reinterpret_cast<std::uintptr_t>(slab) & (geometry.page_size() - 1)) == 0)"),
    (SUPPLY, "void* const slab = backend->alloc_slab(geometry.slab_size(), geometry.page_size());",
     "void* const slab = backend->alloc_slab(geometry.slab_size(), geometry.page_size() * "
     "(@asks_for_another_page_size ? 2 : 1));"),
    (SUPPLY, "    if (!info) {\n      backend->free_slab",
     "    if (@slab_lost_without_info && !info) return nullptr;\n    if (!info) {\n      backend->free_slab"),
    (SUPPLY, "info.owner = nullptr;", "if (!@owner_stays_in_returned_page) info.owner = nullptr;"),
    (SUPPLY, "    info->owner = owner;", "    info->owner = @owner_forgotten ? nullptr : owner;"),
    (SUPPLY, "      free_info(backend, geometry, info);\n      info = nullptr;",
     "      if (!@info_lost_when_save_fails) free_info(backend, geometry, info);\n      info = nullptr;"),
    (SUPPLY,
     "    delete_pages(backend, geometry, slab, geometry.slab_size());\n    free_info(backend, geometry, &info);\n"
     "    backend->free_slab(slab, geometry.slab_size(), geometry.page_size());\n",
     "    if (@slab_freed_before_its_pages) backend->free_slab(slab, geometry.slab_size(), geometry.page_size());\n"
     "    if (@info_freed_before_its_pages) free_info(backend, geometry, &info);\n"
     "    if (!@pages_stay_saved) delete_pages(backend, geometry, slab, geometry.slab_size());\n"
     "    if (!@info_freed_before_its_pages) free_info(backend, geometry, &info);\n"
     "    if (!@slab_freed_before_its_pages) backend->free_slab(slab, geometry.slab_size(), geometry.page_size());\n"
     "    if (@slab_freed_twice) backend->free_slab(slab, geometry.slab_size(), geometry.page_size());\n"
     "    if (@returned_slab_written_unseen) store_link(slab, nullptr);\n"
     "    if (@returned_slab_written) *static_cast<volatile char*>(slab) = 0;\n"),
    (SUPPLY, "      memory = backend->alloc_slab_info(size);",
     "      memory = @info_in_its_slab ? slab : backend->alloc_slab_info(size + (@info_too_large ? 8 : 0));"),
    (SUPPLY, "if (reinterpret_cast<std::uintptr_t>(memory) % alignof(SlabInfo) != 0) {",
     "if (!@misaligned_info_accepted && reinterpret_cast<std::uintptr_t>(memory) % alignof(SlabInfo) != 0) {"),
    (SUPPLY, "    if constexpr (R == Row::Large) {\n      memory",
     "    if constexpr (R == Row::SmallMultiPage && requires { backend->alloc_slab_info(size); })\n"
     "      if (@info_allocated_in_multi_page) (void)backend->alloc_slab_info(size);\n"
     "    if constexpr (R == Row::Large) {\n      memory"),
    (SUPPLY, "    if constexpr (R != Row::SmallSinglePage) {\n      for",
     "    if constexpr (R == Row::SmallSinglePage && requires { backend->save_slab_info(std::uintptr_t{}, &info); })\n"
     "      if (@page_saved_in_single_page) return backend->save_slab_info(reinterpret_cast<std::uintptr_t>(slab), "
     "&info);\n"
     "    if constexpr (R != Row::SmallSinglePage) {\n      for"),
    (SUPPLY, "        if (backend->save_slab_info(reinterpret_cast<std::uintptr_t>(slab) + offset, &info)) continue;\n"
     "        delete_pages(backend, geometry, slab, offset);",
     "        if (@first_page_saved_only && offset > 0) continue;\n"
     "        const bool saved = backend->save_slab_info(reinterpret_cast<std::uintptr_t>(slab) + offset, &info);\n"
     "        if (@page_saved_with_another_info) (void)backend->save_slab_info(reinterpret_cast<std::uintptr_t>(slab) "
     "+ offset, &info - 1);\n"
     "        if (saved || @failed_save_ignored) continue;\n"
     "        if (!@pages_stay_when_save_fails) delete_pages(backend, geometry, slab, offset);"),
    (SUPPLY, "offset < size; offset",
     "offset + (@last_page_stays_saved && size == geometry.slab_size() && size > geometry.page_size() ? "
     "geometry.page_size() : 0) < size; offset"),
    (SUPPLY, "        backend->delete_slab_info(reinterpret_cast<std::uintptr_t>(slab) + offset);",
     "        for (int times = @page_deleted_twice ? 2 : 1; times > 0; --times)\n"
     "          backend->delete_slab_info(reinterpret_cast<std::uintptr_t>(slab) + offset);"),
    (SUPPLY, "Call backend{*this}; return backend->get_slab_info(page_addr);",
     "if (@get_is_unguarded) return backend_->get_slab_info(page_addr);\n    Call backend{*this};\n    return "
     "backend->get_slab_info(page_addr);"),
    (CORE, "alloc_elsewhere(Growth::Forbidden)",
     "alloc_elsewhere(@no_grow_grows ? Growth::Allowed : Growth::Forbidden)"),
    (CORE, "available < n; available", "available < n && !@reserves_nothing; available"),
    (CORE, "if (!object || reentered(object)) return;",
     "if ((!object && !@null_is_foreign) || reentered(object)) return;"),
    (CORE, "    reserved_slabs_ = 0;\n    return release_empty_slabs(0);",
     "    detail::note_shrink();\n    if (!@shrink_keeps_reserve) reserved_slabs_ = 0;\n    return "
     "release_empty_slabs(0);"),
    (CORE, "      allocated += slots_.used;", "      allocated += @counts_carved_slots ? slots_.carved : slots_.used;"),
    (CORE, ".free_objects = slabs_ * objects_per_slab() - allocated};",
     ".free_objects = slabs_ * objects_per_slab() - allocated + @counts_a_free_object_too_many};"),
    (CORE, "slots_{no_slots()}, supply_{backend} {}",
     "slots_{no_slots()}, supply_{backend} { ++detail::caches; if (@constructor_makes_a_slab) (void)make_slab(); }"),
    (CORE, "    if constexpr (checks) for_each_live([this]",
     "    if constexpr (checks) if (!@destroyed_without_reports) for_each_live([this]"),
    (CORE, "for_each_slab([](SlabInfo& info) { info.owner = nullptr; });",
     "for_each_slab([](SlabInfo& info) { if (!@owner_stays_after_destruction) info.owner = nullptr; });"),
    (CORE, "    return used == objects_per_slab() ? full_list",
     "    return used == objects_per_slab() && !(@one_object_never_full && used == 1) ? full_list"),
    (GEOMETRY, "const std::size_t stride = (object_size",
     "const std::size_t stride = @stride_not_rounded ? object_size : (object_size"),
    (CORE, "    lists_[empty_list].push_front(*info);\n",
     "    lists_[empty_list].push_front(*info);\n    if (@info_linked_twice) lists_[empty_list].push_front(*info);\n"),
    (CORE, "slots_.free_head || slots_.carved != objects_per_slab();",
     "slots_.free_head || slots_.carved != objects_per_slab() + @carves_one_too_far;"),
    (CORE, "for (; made > 0; --made) release", "for (; made > @failed_reserve_keeps_a_slab; --made) release"),
    (CORE, "      return false;\n    }\n    reserved_slabs_ = 0;",
     "      if (@failed_reserve_forgets_the_last) reserved_slabs_ = 0;\n      return false;\n    }\n    "
     "reserved_slabs_ = 0;"),
    (LIST, "    if (front_) front_->previous = &info;",
     "    if (front_ && !@front_not_linked_back) front_->previous = &info;"),
    (LIST, "    if (info.next) info.next->previous = info.previous;",
     "    if (info.next && !@neighbour_not_relinked) info.next->previous = info.previous;"),
    (CORE, "    const std::size_t after = list_of(info->used);",
     "    const std::size_t after = list_of(info->used + (@moved_one_free_late && info->used > 0));"),
    (CORE, "      info.clear_allocated(index);", "      if (!(@bit_stays && index > 0)) info.clear_allocated(index);"),
    (CORE, "      slots_ = no_slots();\n    } else",
     "      if (!@slots_of_a_returned_slab_stay) slots_ = no_slots();\n    } else"),
    (CORE, "    if (info.used == 0) --empty_slabs_;",
     "    if (info.used == 0 && !(@empty_slabs_miscounted && empty_slabs_ > 1)) --empty_slabs_;"),
    (INFO, "if (slot % 64 == 0) *word(slot) = 0;",
     "if (slot % 64 == 0 || @bits_cleared_with_each_slot) *word(slot) = 0;"),
    (CORE, "left > kept; --left)", "left > kept + (@keeps_one_of_three && left == 3); --left)"),
    (CORE, "      static_cast<Slots&>(*current_) = slots_;",
     "      if (!@full_slab_not_written_back) static_cast<Slots&>(*current_) = slots_;"),
    (CORE, "    release_empty_slabs(0);\n    for_each_slab",
     "    if (!@empty_slabs_lost_at_destruction) release_empty_slabs(0);\n    for_each_slab"),
    (CORE, "static_cast<unsigned>(std::bit_width(objects_per_slab() - 1));",
     "static_cast<unsigned>(std::bit_width(objects_per_slab() - (@bins_too_wide ? 0 : 1)));"),
    (CORE, "      slot = slab + index * geometry().stride();\n      ++slots.carved;",
     "      slot = slab + index * (geometry().stride() - (@slots_overlap ? 8 : 0)) + (@returns_padding ? 8 : "
     "@returns_info ? 64 : @returns_another_slab ? geometry().slab_size() : 0);\n"
     "      slots.carved += @carved_not_counted && slots.carved == 1 ? 0u : 1u;"),
    (CORE, "index * geometry().stride() != offset || !info.is_allocated(index)) [[unlikely]]",
     "(index * geometry().stride() != offset && !@interior_pointer_accepted) || (!info.is_allocated(index) && "
     "!@double_free_accepted)) [[unlikely]]"),
    (CORE, "    forbid_object(&info, object, geometry().stride());\n    store_link(object, slots.free_head);",
     "    if (!@freed_object_stays_open) forbid_object(&info, object, geometry().stride());\n"
     "    if (!@link_not_written) store_link(object, @free_list_cut ? nullptr : slots.free_head);\n"
     "    if (@neighbour_written && offset == 0) store_link(static_cast<std::byte*>(object) + geometry().stride(), "
     "nullptr);"),
    (CORE, "    if (!next || is_last) return !next && is_last;",
     "    if (@bad_link_followed) return true;\n    if (!next || is_last) return !next && is_last;"),
    (CORE, "if (offset >= geometry().slab_info_offset()) return",
     "if (!@info_pointer_unseen && offset >= geometry().slab_info_offset()) return"),
    (CORE, "if (index >= objects_per_slab()) return",
     "if (!@waste_pointer_unseen && index >= objects_per_slab()) return"),
    (CORE, "!= offset) return Misuse::InteriorPointer;",
     "!= offset && !@interior_pointer_unseen) return Misuse::InteriorPointer;"),
    (CORE, "return index >= carved ? Misuse::NeverAllocated",
     "return @double_free_misnamed || (index >= carved && !@never_allocated_unseen) ? Misuse::NeverAllocated"),
    (CORE, "for (std::size_t list = full_list; !info && list-- > empty_list;)",
     "for (std::size_t list = @partial_slabs_unused ? empty_list : full_list; !info && list-- > empty_list + "
     "@empty_slabs_unused;)"),
    (CORE, "if (!info && growth == Growth::Allowed) info = make_slab();",
     "if (!info && growth == Growth::Allowed && !(@gives_up_at_the_second_slab && slabs_ == 1)) info = make_slab();"),
    (CORE, "      lists_[full_list].push_front(*current_);",
     "      lists_[full_list].push_front(*current_);\n      if (@list_is_a_circle) current_->previous = current_;\n"
     "      if (@full_slab_written) store_link(current_->slab, nullptr);"),
    (CORE, "if (!info) return report(Misuse::ForeignPointer, object);",
     "if (!info && @foreign_pointer_written) store_link(object, nullptr);\n      if (!info && "
     "@foreign_pointer_ignored) return;\n"
     "      if (!info && !@foreign_pointer_followed) return report(@foreign_pointer_misnamed ? Misuse::OtherCache : "
     "Misuse::ForeignPointer, object);"),
    (CORE, "if (load_owner(&info->owner) != this) return",
     "if (!@other_cache_unseen && load_owner(&info->owner) != this) return"),
    (CORE, "    --slots.used;", "    if (!detail::is_late_free()) --slots.used;"),
    (CORE, "    if (after == before) return;",
     "    if (after == before || (@stays_on_its_list && before != full_list) || (@full_slab_stays_full && before == "
     "full_list)) return;"),
    (CORE, "return supply_.look_up(page);",
     "return supply_.look_up(@get_asks_for_the_object ? reinterpret_cast<std::uintptr_t>(object) : page);"),
    (CORE, "    if (!info) return nullptr;\n    forbid_slots",
     "    if (!info) return slabs_ += @failed_slab_counted, nullptr;\n    forbid_slots"),
    (CORE, "    supply_.give_back(geometry(), info);",
     "    slabs_ += @counted_while_given_back;\n    supply_.give_back(geometry(), info);\n    slabs_ -= "
     "@counted_while_given_back;"),
    (CORE, "    return empty > kept ? empty - kept : 0;",
     "    return empty > kept ? empty - kept + @shrink_miscounts : 0;"),
    (CORE, "const std::size_t kept = Policy::empty_slabs_kept;",
     "std::size_t kept = @no_empty_slab_kept ? 0 : Policy::empty_slabs_kept;"),
]


def plant(headers, out):
    """A copy of the headers with every bug in it."""
    out = pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    for source in pathlib.Path(headers).glob("*.hpp"):
        text = source.read_text()
        for header, old, new in EDITS:
            if header != source.name:
                continue
            # Wherever the formatter breaks the line.
            places = re.findall(r"\s+".join(map(re.escape, old.split())), text)
            if len(places) != 1:
                sys.exit(f"edits.py: this occurs {len(places)} times in {header}:\n{old}")
            text = text.replace(places[0], re.sub(r"@(\w+)", lambda m: f"detail::planted({NUMBERS[m[1]]})", new))
        if source.name == GEOMETRY:
            text = text.replace("#include <cstdint>\n",
                                "#include <cstdint>\n" + SWITCH.replace("@bugs", str(len(BUGS))), 1)
        (out / source.name).write_text(text)


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    plant(*sys.argv[1:])

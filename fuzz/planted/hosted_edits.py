#!/usr/bin/env python3
"""The defects that are planted into <slab/hosted/>, and how. usage: hosted_edits.py HEADERS OUT"""

import collections
import sys

sys.dont_write_bytecode = True
from edits import plant

REGION, MAPPING, MAP, INFOS, BACKEND, RESOURCE = (
    "region.hpp", "mapping.hpp", "page_map.hpp", "slab_info_cache.hpp", "backend.hpp", "memory_resource.hpp")

# The header, a text that occurs once in it, what takes its place (@name: whether the code has that bug), and what is
# the matter: the first letters of the signatures that it may be found with.
Edit = collections.namedtuple("Edit", "header old new found")
Bug = collections.namedtuple("Bug", "name found")

EDITS = [
    # Which block serves.
    Edit(REGION, "loose_[found] != none ? loose_[found] : settled_[found]",
         "loose_[found] != none && !(@settled_before_loose && settled_[found] != none) && !(@clean_before_kept && "
         "settled_[found] != none && block(settled_[found]).state == State::Clean && "
         "block(loose_[found]).state == State::Kept) ? loose_[found] : settled_[found]",
         {"settled_before_loose": "R3", "clean_before_kept": "R3"}),
    Edit(REGION, "unsigned found = size_class;",
         "unsigned found = size_class; if (@larger_block_split && found + 1 < classes && "
         "(loose_[found + 1] != none || settled_[found + 1] != none)) ++found;", {"larger_block_split": "R3"}),
    Edit(REGION, "push(settled_, page + pages_in(half), half, block(page).state);",
         "push(settled_, page + pages_in(half), half, @halves_are_clean ? State::Clean : block(page).state);",
         {"halves_are_clean": "R4 R1"}),
    Edit(REGION, "push(loose_, page, class_of(slab_size), State::Kept);",
         "push(@freed_slab_is_settled || (@large_slab_is_settled && slab_size >= 131072) ? settled_ : loose_, page, "
         "class_of(slab_size), State::Kept);",
         {"freed_slab_is_settled": "R2 R3 H1", "large_slab_is_settled": "R2 R3"}),
    Edit(REGION, "    merge();\n    return", "    if (!@never_merges) merge();\n    return",
         {"never_merges": "R2 R3 H1"}),
    # Runs.
    Edit(REGION, "take_or_merge(class_of(slab_size) + 1);",
         "take_or_merge(class_of(slab_size) + 1 + @run_of_twice_the_block);", {"run_of_twice_the_block": "R2 R3 H1"}),
    Edit(REGION, "push(spare_, at + pages_in(half), half, state);",
         "if (!@rest_forgotten) push(@rest_serves_at_once ? settled_ : spare_, at + pages_in(half), half, "
         "@rest_is_clean ? State::Clean : state);",
         {"rest_forgotten": "R1 R2 R3 R4", "rest_serves_at_once": "R3 R1", "rest_is_clean": "R4 R1"}),
    Edit(REGION, "for (std::uint32_t& first : *lists)",
         "if (!@rest_never_serves || lists != &spare_) for (std::uint32_t& first : *lists)",
         {"rest_never_serves": "R2 R3"}),
    Edit(REGION, "}\n    block(at) = {none",
         "}\n    if (!@last_piece_forgotten) block(at) = {none", {"last_piece_forgotten": "R1 R3 R4 G11 L4 died"}),
    Edit(REGION, "void* const run = hand_out(page, slab_size);",
         "void* const run = hand_out(page, @run_counted_rounded ? std::bit_ceil(slab_size) : slab_size);",
         {"run_counted_rounded": "R4"}),
    Edit(REGION, "keep_run(page, pages_of(slab_size));",
         "keep_run(page, @run_freed_rounded ? std::bit_ceil(pages_of(slab_size)) : pages_of(slab_size));",
         {"run_freed_rounded": "R1 R2 R3 R4 G11 L4 died"}),
    Edit(REGION, "const std::size_t last = page + left;",
         "const std::size_t last = page + (@pieces_counted_from_the_end ? pages - left : left);",
         {"pieces_counted_from_the_end": "R1 R2 R3 R4 G11 L4 died hung"}),
    Edit(REGION, "left != 0;) { left &= left - 1;",
         "left != 0;) { left &= left - 1; if (@first_piece_lost && left == 0) break;",
         {"first_piece_lost": "R1 R3 R4 G11 L4"}),
    Edit(REGION, "join(loose_, last, static_cast<unsigned>(std::bit_width(pages)));",
         "join(@run_is_settled ? settled_ : loose_, last, @rest_stays_apart ? block(last).size_class : "
         "static_cast<unsigned>(std::bit_width(pages)) + @joins_beyond_the_run);",
         {"run_is_settled": "R3", "rest_stays_apart": "R3 R4", "joins_beyond_the_run": "R3 R4"}),
    # Behind the frontier.
    Edit(REGION, "if (page + size > pages_of(size_)) return none;",
         "if (page + size > pages_of(size_) + @slab_reaches_beyond) return none;",
         {"slab_reaches_beyond": "R1 R2 died G8"}),
    Edit(REGION, "page = (frontier_ + size - 1) & ~(size - 1);",
         "page = @fresh_slab_misaligned ? frontier_ : (frontier_ + size - 1) & ~(size - 1);",
         {"fresh_slab_misaligned": "R1 G6 H1"}),
    Edit(REGION, "    move_frontier(page);\n    frontier_ += size;",
         "    if (@gap_lost) frontier_ = page; else move_frontier(page);\n    frontier_ += size;",
         {"gap_lost": "R1 R2 R3 died hung"}),
    Edit(REGION, "std::min(aligned, class_of((page - frontier_) * min_page_size));",
         "std::min(aligned, @gap_overlaps_slab ? classes - 1 : class_of((page - frontier_) * min_page_size));",
         {"gap_overlaps_slab": "R1 R3 died R4"}),
    Edit(REGION, "move_frontier(pages_of(size_));",
         "if (!@tail_never_merged) move_frontier(pages_of(size_));", {"tail_never_merged": "R2 R3 H1"}),
    # Joining halves.
    Edit(REGION, "for (; size_class < most; ++size_class) {",
         "for (; size_class < (@joins_once ? 1 : most); ++size_class) {", {"joins_once": "R2 R3 H1 R4"}),
    Edit(REGION, "!is_free(block(other).state) || block(other).size_class != size_class) break;",
         "(!@joins_live_half && !is_free(block(other).state)) || "
         "(!@joins_half_of_other_size && block(other).size_class != size_class)) break;",
         {"joins_live_half": "R1 R3 G11 L4 died R4", "joins_half_of_other_size": "R1 R2 R3 R8 G11 L4 died hung R4"}),
    Edit(REGION, "if (block(other).state != state) kept_bytes_",
         "if (block(other).state != state && !@joined_bytes_not_kept) kept_bytes_", {"joined_bytes_not_kept": "R4"}),
    Edit(REGION, "state = std::max(state, block(other).state);",
         "if (!@joined_state_of_one_half) state = std::max(state, block(other).state);",
         {"joined_state_of_one_half": "R4"}),
    # trim().
    Edit(REGION, "if (bytes == 0 || !System::discard(memory_.begin() + begin * min_page_size, bytes)) return 0;",
         "if (bytes == 0 || (!System::discard(memory_.begin() + begin * min_page_size, bytes) && "
         "!@refused_discard_counted)) return 0;", {"refused_discard_counted": "R4"}),
    Edit(REGION, "run = page + pages_in(block(page).size_class);",
         "run = @trims_the_block_before ? page : page + pages_in(block(page).size_class);",
         {"trims_the_block_before": "R4 G12"}),
    Edit(REGION, "trimmed += trim_run(run, frontier_);",
         "if (!@last_run_not_trimmed) trimmed += trim_run(run, frontier_);", {"last_run_not_trimmed": "R4"}),
    Edit(REGION, "block(page).state = State::Clean;\n    return bytes;",
         "if (!@trimmed_stays_kept) block(page).state = State::Clean;\n    return bytes;",
         {"trimmed_stays_kept": "R4 R1"}),
    Edit(REGION, "kept_bytes_ -= trimmed;", "if (!@trimmed_stays_counted) kept_bytes_ -= trimmed;",
         {"trimmed_stays_counted": "R4"}),
    # What it says of itself.
    Edit(REGION, "if (block(page).state == State::Kept) kept_bytes_ -= slab_size;",
         "if (block(page).state == State::Kept && !@used_slab_counted_as_kept) kept_bytes_ -= slab_size;",
         {"used_slab_counted_as_kept": "R4"}),
    Edit(REGION, "live_bytes_ -= slab_size;", "if (!@freed_slab_counted_as_live) live_bytes_ -= slab_size;",
         {"freed_slab_counted_as_live": "R4"}),
    Edit(REGION, "return offset_of(address) < size();", "return offset_of(address) < size() + @end_contained;",
         {"end_contained": "R4"}),
    Edit(REGION, "count <= free_bytes() / geometry.slab_size();",
         "count <= free_bytes() / geometry.slab_size() + @one_slab_too_many_promised;",
         {"one_slab_too_many_promised": "R4"}),
    Edit(REGION, "if (page_size < min_page_size ||", "if ((page_size < min_page_size && !@small_page_accepted) ||",
         {"small_page_accepted": "R2 died"}),
    Edit(REGION, "return slab_size % page_size == 0 ?",
         "return slab_size % page_size == 0 || @any_size_accepted ?", {"any_size_accepted": "R2 died"}),
    # The address space.
    Edit(MAPPING, "const std::size_t before = -reinterpret_cast<std::uintptr_t>(mapped) & (align - 1);",
         "const std::size_t before = @alignment_ignored ? 0 : -reinterpret_cast<std::uintptr_t>(mapped) & (align - 1);",
         {"alignment_ignored": "R1 H1"}),
    Edit(MAPPING, "if (!unmap(mapped, before)) {", "if (!@head_stays_mapped && !unmap(mapped, before)) {",
         {"head_stays_mapped": "B18"}),
    Edit(MAPPING, "mapped_size_ += behind;", "mapped_size_ += @refused_tail_forgotten ? 0 : behind;",
         {"refused_tail_forgotten": "B18"}),
    Edit(BACKEND, "if (this->capacity() == 0) Region::close();",
         "if (this->capacity() == 0 && !@missing_map_ignored) Region::close();", {"missing_map_ignored": "R8 H9"}),
    # The map.
    Edit(MAP, "return index < capacity_ ? entries()[index]",
         "return index < capacity_ + @read_behind_the_map ? entries()[index]",
         {"read_behind_the_map": "R5 died"}),
    Edit(MAP, "return index < capacity_ ? entries() + index",
         "return index < capacity_ + @written_behind_the_map ? entries() + index",
         {"written_behind_the_map": "R5 died"}),
    Edit(MAP, "if (!entry || page_addr % min_page_size != 0) return false;",
         "if (!entry || (page_addr % min_page_size != 0 && !@shared_entry_accepted)) return false;",
         {"shared_entry_accepted": "R5"}),
    Edit(MAP, "find(page_addr)) *entry = nullptr;", "find(page_addr)) if (!@deleted_page_stays) *entry = nullptr;",
         {"deleted_page_stays": "R5"}),
    Edit(MAP, "(page_addr - begin_) / min_page_size;",
         "(page_addr - begin_) / min_page_size / (@two_pages_share_an_entry ? 2 : 1);",
         {"two_pages_share_an_entry": "R5"}),
    # SlabInfos.
    Edit(INFOS, "const auto found = std::lower_bound(sizes.begin(), sizes.end(), size);",
         "const auto found = @next_class_at_exact_size ? std::upper_bound(sizes.begin(), sizes.end(), size) : "
         "std::lower_bound(sizes.begin(), sizes.end(), size);", {"next_class_at_exact_size": "R6"}),
    Edit(INFOS, "slabs_->alloc_slab(std::bit_ceil(size), slab_size);",
         "slabs_->alloc_slab(@large_info_cut ? std::bit_floor(size) : std::bit_ceil(size), slab_size);",
         {"large_info_cut": "R6 R1 died"}),
    Edit(INFOS, "count <= free ? 0 : ((count - free - 1)",
         "count <= free && !@free_infos_forgotten ? 0 : ((count - (@free_infos_forgotten ? 0 : free) - 1)",
         {"free_infos_forgotten": "R6"}),
    Edit(INFOS, "for (Cache& cache : caches_) slabs += cache.shrink();",
         "for (Cache& cache : caches_) if (!@last_class_not_shrunk || &cache != &caches_[8]) slabs += cache.shrink();",
         {"last_class_not_shrunk": "R6"}),
    Edit(BACKEND, "return geometry.row() != Row::Large ||",
         "return geometry.row() != Row::Large || @infos_take_no_room ||",
         {"infos_take_no_room": "R4"}),
    Edit(BACKEND, "SlabInfos::shrink();", "if (!@infos_not_trimmed) SlabInfos::shrink();", {"infos_not_trimmed": "R6"}),
    # MemoryResource.
    Edit(RESOURCE, "if (slabs_->contains(block) == is_upstreams_size)",
         "if (slabs_->contains(block) == is_upstreams_size && !(@upstream_gets_slab_block && "
         "is_upstreams_size) && !(@slabs_get_upstream_block && !is_upstreams_size))",
         {"upstream_gets_slab_block": "R7 died", "slabs_get_upstream_block": "R7 died"}),
    Edit(RESOURCE, "is_upstreams_size ? Misuse::OtherCache : Misuse::ForeignPointer;",
         "is_upstreams_size != @wrong_kind_reported ? Misuse::OtherCache : Misuse::ForeignPointer;",
         {"wrong_kind_reported": "R7"}),
    Edit(RESOURCE, "return Blocks::usable_size(bytes, alignment) == 0;",
         "return Blocks::usable_size(bytes, alignment) == 0 || (@largest_class_unused && bytes == 4096);",
         {"largest_class_unused": "R7"}),
]
BUGS = [Bug(name, found) for edit in EDITS for name, found in edit.found.items()]
NUMBERS = {bug.name: number for number, bug in enumerate(BUGS, 1)}

if __name__ == "__main__":
    plant(*sys.argv[1:], edits=[edit[:3] for edit in EDITS], numbers=NUMBERS, switch="slab/hosted/planted.hpp")

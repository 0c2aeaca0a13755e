"""Puts bugs into a copy of the headers of slab::SizeClasses, as edits.py does into those of a cache.

usage: size_class_edits.py HEADERS OUT"""

import collections
import sys

sys.dont_write_bytecode = True
from edits import plant

CLASSES, BLOCKS, BACKEND, TABLE = "size_classes.hpp", "page_blocks.hpp", "class_backend.hpp", "size_table.hpp"
# `found`: what a failing program may be, an invariant or a death.
Bug = collections.namedtuple("Bug", "name found")
AUDIT = "L1"  # or another of those that audit() looks at
ANOTHERS = f"H4 L4 G11 G12 H3 H6 H8 {AUDIT} died"  # what becomes of it when an object is taken for another

BUGS = [
    # Which size serves.
    Bug("class_too_small", "H4"),
    Bug("alignment_ignored", "G6"),
    Bug("next_class_frees", ANOTHERS),
    Bug("eight_bytes_too_many_usable", ANOTHERS),
    # Zeroed, and resized.
    Bug("product_wraps", "H2"),
    Bug("last_byte_not_zeroed", "H2"),
    Bug("copies_new_size", "died"),
    Bug("frees_when_refused", ANOTHERS),
    Bug("moved_object_stays_live", "H6"),
    Bug("block_stays_whatever_size", "H4 H6"),
    # Blocks.
    Bug("block_too_small", "H4 died"),
    Bug("first_page_saved_only", f"{AUDIT} died"),
    Bug("pages_stay_in_map", "B18 H1 H4 H6 H8 died"),
    Bug("last_page_stays_in_map", "B18 H1 H4 H6 H8 died"),
    Bug("header_lost_when_pages_refused", AUDIT),
    Bug("pages_lost_when_map_refused", "B18"),
    Bug("saved_pages_stay_when_map_refused", "B18 H1 died"),
    Bug("freed_block_leaves_header", AUDIT),
    Bug("freed_block_halved", "B18 H1 H4 H6 H8 died"),
    Bug("freed_block_counts_as_live", f"H6 {AUDIT}"),
    Bug("interior_pointer_frees_block", "H8"),
    Bug("any_size_frees_block", "H8"),
    Bug("live_objects_without_blocks", "H6"),
    # The reclaim pattern.
    Bug("shrinks_what_waits", "H8"),
    Bug("saving_is_not_waiting", "H8"),
]
NUMBERS = {bug.name: number for number, bug in enumerate(BUGS, 1)}

# As those of edits.py.
EDITS = [
    (TABLE, ".of[(size + 7) / 8];", ".of[(size + (@class_too_small && size > 16 ? 6 : 7)) / 8];"),
    (TABLE, "return std::bit_ceil(size < page_size ? page_size : size);",
     "return std::bit_ceil(size < page_size ? page_size : size) / (1 + (@block_too_small && size > page_size));"),
    (CLASSES, "if (align <= least_align) return class_of_size<Sizes>(size);",
     "if (align <= least_align || @alignment_ignored) return class_of_size<Sizes>(size);"),
    (CLASSES, "reinterpret_cast<std::uintptr_t>(&classes_[0].cache) + offset);",
     "reinterpret_cast<std::uintptr_t>(&classes_[0].cache) + offset +\n"
     "                                    (@next_class_frees ? sizeof(SizeClass) : 0));"),
    (CLASSES, "return {offset / sizeof(SizeClass), geometry.object_size()};",
     "return {offset / sizeof(SizeClass), geometry.object_size() + (@eight_bytes_too_many_usable ? 8 : 0)};"),
    (CLASSES, "if (__builtin_mul_overflow(count, size, &bytes)) return nullptr;",
     "if (__builtin_mul_overflow(count, size, &bytes) && !@product_wraps) return nullptr;"),
    (CLASSES, "__builtin_memset(object, 0, bytes)",
     "__builtin_memset(object, 0, bytes - (@last_byte_not_zeroed && bytes != 0))"),
    (CLASSES, "from.size < size ? from.size : size", "from.size < size && !@copies_new_size ? from.size : size"),
    (CLASSES, "if (!moved) return nullptr;",
     "if (!moved && @frees_when_refused) free(object, from.size);\n    if (!moved) return nullptr;"),
    (CLASSES, "const std::size_t live = live_at(from);",
     "if (@moved_object_stays_live && from.index < Sizes::count) return moved;\n"
     "    const std::size_t live = live_at(from);"),
    (CLASSES, "if (place.size == 0) return free(object), nullptr;",
     "if (place.size == 0) return free(object), nullptr;\n"
     "    if (@block_stays_whatever_size && place.index == Sizes::count) return object;"),
    (CLASSES, "if (!block || block->slab != object || block->size != size) [[unlikely]]",
     "if (!block || (block->slab != object && !@interior_pointer_frees_block) ||\n"
     "          (block->size != size && !@any_size_frees_block)) [[unlikely]]"),
    (CLASSES, "if constexpr (has_map) live += blocks_.live();",
     "if constexpr (has_map)\n      if (!@live_objects_without_blocks) live += blocks_.live();"),
    (CLASSES, "if (!one.backend.is_waited_for()) slabs",
     "if (@shrinks_what_waits || !one.backend.is_waited_for()) slabs"),
    (BACKEND, "const Waiting waiting{*this}; return backend_->save_slab_info",
     "if (@saving_is_not_waiting) return backend_->save_slab_info(page_addr, info);\n"
     "    const Waiting waiting{*this};\n    return backend_->save_slab_info"),
    (BLOCKS, "if (backend_->save_slab_info(address(pages) + offset, &block)) continue;",
     "if ((@first_page_saved_only && offset != 0) || backend_->save_slab_info(address(pages) + offset, &block)) "
     "continue;"),
    (BLOCKS, "backend_->delete_slab_info(address(pages) + offset);",
     "if (!@pages_stay_in_map && !(@last_page_stays_in_map && offset + page_size == size))\n"
     "        backend_->delete_slab_info(address(pages) + offset);"),
    (BLOCKS, "if (!pages) return headers.free(memory), nullptr;",
     "if (!pages) return (@header_lost_when_pages_refused ? void() : headers.free(memory)), nullptr;"),
    (BLOCKS, "headers.free(memory); backend_->free_slab(pages, size, page_size);",
     "headers.free(memory);\n      if (!@pages_lost_when_map_refused) backend_->free_slab(pages, size, page_size);"),
    (BLOCKS, "delete_pages(pages, offset, page_size);",
     "if (!@saved_pages_stay_when_map_refused) delete_pages(pages, offset, page_size);"),
    (BLOCKS, "headers.free(&block);", "if (!@freed_block_leaves_header) headers.free(&block);"),
    (BLOCKS, "const std::size_t size = block.size;",
     "const std::size_t size = block.size / (1 + @freed_block_halved);"),
    (BLOCKS, "--live_;", "live_ -= !@freed_block_counts_as_live;"),
]

if __name__ == "__main__":
    plant(*sys.argv[1:], edits=EDITS, numbers=NUMBERS, switch="slab/planted.hpp")

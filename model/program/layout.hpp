#pragma once

#include <cstddef>
#include <cstdint>

#include <slab/geometry.hpp>

#include "model/program/setup.hpp"

namespace slabproof {

/// Where slots lie in a slab, computed from the sizes alone: the judge's own arithmetic, as plain as possible (wide
/// integers, a search instead of a formula), sharing nothing with the allocator. docs/invariants.md, G3 to G6, states
/// the layout.
struct Layout {
  std::size_t stride = 0;
  std::size_t objects_per_slab = 0;
  std::size_t entry_size = 0;  // of the table of slots; 0 without one
  std::size_t slab_info_size = 0;
  std::size_t slab_info_offset = 0;  // slab_size in Large: no byte of the slab is SlabInfo

  friend bool operator==(const Layout&, const Layout&) = default;
};

__extension__ typedef unsigned __int128 Wide;  // __extension__: not ISO C++, says -Wpedantic

/// Bytes of SlabInfo for `objects` slots: 64, and a table with an entry a slot in words of 8 bytes.
template <class Integer>
constexpr Integer slab_info_bytes(Integer objects, Integer entry_size) {
  return 64 + 8 * ((objects * entry_size + 7) / 8);
}
/// The most slots that entries of this size can tell apart; two values say something else.
constexpr Wide nameable_slots(Wide entry_size) {
  return entry_size == 0 ? ~Wide{0} : entry_size == 1 ? 254 : entry_size == 2 ? 65'534 : 4'294'967'294;
}

/// `added` bytes follow the object.
constexpr Wide stride_of(Wide object_size, Wide object_align, Wide added = 0) {
  const Wide align = object_align < 8 ? 8 : object_align;
  return (object_size + added + align - 1) / align * align;
}

constexpr bool fits(Wide objects, Wide entry_size, Wide stride, Wide slab_size, slab::ObjectSizeType type) {
  const Wide info = type == slab::ObjectSizeType::Small ? slab_info_bytes(objects, entry_size) : 0;
  return objects * stride + info <= slab_size;
}

/// With a table or without one. Requires power-of-two sizes and a valid type; objects_per_slab == 0 when nothing fits.
/// O(log slab_size).
constexpr Layout layout_of(bool has_table, std::size_t slab_size, slab::ObjectSizeType type, std::size_t object_size,
                           std::size_t object_align, std::size_t added = 0) {
  const Wide stride = stride_of(object_size, object_align, added);
  Wide most = 0, entry_of_most = has_table ? 1 : 0;
  for (Wide entry_size = 1; entry_size <= 4; entry_size *= 2) {
    const Wide entry = has_table ? entry_size : 0;
    Wide fitting = 0, beyond = Wide{slab_size} + 1;
    while (beyond - fitting > 1) {
      const Wide middle = fitting + (beyond - fitting) / 2;
      (fits(middle, entry, stride, slab_size, type) ? fitting : beyond) = middle;
    }
    if (fitting > nameable_slots(entry)) {
      if (type == slab::ObjectSizeType::Large) continue;  // N does not depend on the table
      fitting = nameable_slots(entry);
    }
    if (fitting > most) most = fitting, entry_of_most = entry;  // of two that hold as many, the narrower one
  }
  const auto info = static_cast<std::size_t>(slab_info_bytes(most, entry_of_most));
  const bool is_small = type == slab::ObjectSizeType::Small;
  return {static_cast<std::size_t>(stride), static_cast<std::size_t>(most), static_cast<std::size_t>(entry_of_most),
          info, is_small ? slab_size - info : slab_size};
}

/// What the allocator says of itself, for comparison.
constexpr Layout layout_in(const slab::Geometry& geometry) {
  return {geometry.stride(), geometry.objects_per_slab(), geometry.entry_size(), geometry.slab_info_size(),
          geometry.slab_info_offset()};
}

/// Of a pool or a heap, which have no slabs: one that does no harm to who divides by it.
constexpr Layout layout_of(const CacheSpec& cache) {
  if (cache.shape != Shape::SlabCache)
    return {.stride = cache.object_size, .objects_per_slab = 1, .slab_info_offset = cache.object_size};
  return layout_of(cache.checks, cache.slab_size, cache.type, cache.object_size, cache.object_align,
                   facts_of(cache.guards).added_bytes());
}

/// The largest object of which at least `count` fit into a slab of `cache`, or 0. O(log² slab_size).
constexpr std::uint32_t largest_object(CacheSpec cache, std::size_t count) {
  std::uint32_t fitting = 0, beyond = cache.slab_size + 1;
  while (beyond - fitting > 1) {
    cache.object_size = fitting + (beyond - fitting) / 2;
    (layout_of(cache).objects_per_slab >= count ? fitting : beyond) = cache.object_size;
  }
  return fitting;
}

}  // namespace slabproof

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
  std::size_t slab_info_size = 0;
  std::size_t slab_info_offset = 0;  // slab_size in Large: no byte of the slab is SlabInfo

  friend bool operator==(const Layout&, const Layout&) = default;
};

__extension__ typedef unsigned __int128 Wide;  // __extension__: not ISO C++, says -Wpedantic

/// Bytes of SlabInfo for `objects` slots: 48, and an allocated bit a slot in words of 8 bytes.
template <class Integer>
constexpr Integer slab_info_bytes(Integer objects) {
  return 48 + 8 * ((objects + 63) / 64);
}

constexpr Wide stride_of(Wide object_size, Wide object_align) {
  const Wide align = object_align < 8 ? 8 : object_align;
  return (object_size + align - 1) / align * align;
}

constexpr bool fits(Wide objects, Wide stride, Wide slab_size, slab::ObjectSizeType type) {
  const Wide info = type == slab::ObjectSizeType::Small ? slab_info_bytes(objects) : 0;
  return objects * stride + info <= slab_size;
}

/// Requires power-of-two sizes and a valid type; objects_per_slab == 0 when nothing fits. O(log slab_size).
constexpr Layout layout_of(std::size_t slab_size, slab::ObjectSizeType type, std::size_t object_size,
                           std::size_t object_align) {
  const Wide stride = stride_of(object_size, object_align);
  Wide fitting = 0, beyond = Wide{slab_size} + 1;
  while (beyond - fitting > 1) {
    const Wide middle = fitting + (beyond - fitting) / 2;
    (fits(middle, stride, slab_size, type) ? fitting : beyond) = middle;
  }
  const auto info = static_cast<std::size_t>(slab_info_bytes(fitting));
  return {static_cast<std::size_t>(stride), static_cast<std::size_t>(fitting), info,
          type == slab::ObjectSizeType::Small ? slab_size - info : slab_size};
}

constexpr Layout layout_of(const CacheSpec& cache) {
  return layout_of(cache.slab_size, cache.type, cache.object_size, cache.object_align);
}

}  // namespace slabproof

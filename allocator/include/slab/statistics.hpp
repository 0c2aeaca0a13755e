#pragma once

#include <cstddef>

namespace slab {

/// A cache's slabs, each counted where its used count puts it, and its objects. Always
/// allocated_objects + free_objects == objects_per_slab * (full_slabs + partial_slabs + empty_slabs).
struct CacheStatistics {
  std::size_t full_slabs = 0;
  std::size_t partial_slabs = 0;
  std::size_t empty_slabs = 0;
  std::size_t allocated_objects = 0;
  std::size_t free_objects = 0;

  friend constexpr bool operator==(const CacheStatistics&, const CacheStatistics&) noexcept = default;
};

}  // namespace slab

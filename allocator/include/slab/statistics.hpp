#pragma once

#include <cstddef>

namespace slab {

/// A cache's slabs, each counted where its used count puts it, and its objects. Always
/// allocated_objects + free_objects == objects_per_slab * (full_slabs + partial_slabs + empty_slabs).
struct CacheStatistics {
  std::size_t full_slabs = 0;         ///< without a free object
  std::size_t partial_slabs = 0;      ///< with both
  std::size_t empty_slabs = 0;        ///< without an allocated object
  std::size_t allocated_objects = 0;  ///< handed out and not freed
  std::size_t free_objects = 0;       ///< what alloc_no_grow() can hand out
  std::size_t set_aside_slabs = 0;    ///< found damaged: in none of the other counts

  /// Whether all members are equal.
  friend constexpr bool operator==(const CacheStatistics&, const CacheStatistics&) noexcept = default;
};

}  // namespace slab

#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include <slab/backend.hpp>
#include <slab/cache.hpp>
#include <slab/geometry.hpp>
#include <slab/policy.hpp>

namespace slab::hosted {

/// Memory for SlabInfos from SmallSinglePage caches on `Slabs`, one for each size class. One slab of 4096
/// bytes holds from 63 SlabInfos of slabs with up to 128 objects to one of a slab with 31,936.
template <SlabSource Slabs>
class SlabInfoCache {
 public:
  /// In bytes: the largest of which 63, 31, 15, 8, 4, 2 and 1 fit into a slab.
  static constexpr std::array<std::size_t, 7> sizes = {64, 128, 256, 504, 1008, 2016, 4040};

  /// The geometry that serves SlabInfos of `slab_info_size` bytes, or ObjectTooLarge when none does.
  [[nodiscard]] static constexpr GeometryResult geometry_for(std::size_t slab_info_size) noexcept {
    const auto size = std::lower_bound(sizes.begin(), sizes.end(), slab_info_size);
    return Geometry::make(4096, 4096, ObjectSizeType::Small, size == sizes.end() ? slab_info_size : *size, 8);
  }

  /// Calls no function of `slabs`, which must outlive it.
  explicit SlabInfoCache(Slabs& slabs) noexcept : SlabInfoCache{slabs, std::make_index_sequence<sizes.size()>{}} {}

  /// Null when there is no slab left, and for a size that geometry_for() refuses. O(1).
  [[nodiscard]] void* alloc_slab_info(std::size_t size) noexcept {
    Cache* const cache = cache_for(size);
    return cache ? cache->alloc() : nullptr;
  }
  /// What alloc_slab_info() of the same `size` returned, once. O(1).
  void free_slab_info(void* info, std::size_t size) noexcept { cache_for(size)->free(info); }

  /// Gives every slab without a SlabInfo back. Returns how many.
  std::size_t shrink() noexcept {
    std::size_t slabs = 0;
    for (Cache& cache : caches_) slabs += cache.shrink();
    return slabs;
  }

 private:
  /// Unchecked: a cache gives back what it was given, once. And SlabInfos of a cache destroyed with
  /// live objects stay here for good, without a second report.
  using Cache = DynamicCache<Row::SmallSinglePage, Slabs, Unchecked>;

  template <std::size_t... I>
  SlabInfoCache(Slabs& slabs, std::index_sequence<I...>) noexcept
      : caches_{Cache{geometry_for(sizes[I]).value(), slabs}...} {}

  [[nodiscard]] Cache* cache_for(std::size_t size) noexcept {
    const auto found = std::lower_bound(sizes.begin(), sizes.end(), size);
    return found == sizes.end() ? nullptr : &caches_[static_cast<std::size_t>(found - sizes.begin())];
  }

  Cache caches_[sizes.size()];
};

}  // namespace slab::hosted
